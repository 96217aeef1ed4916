import fc from 'fast-check'
import { expect, test } from 'vitest'

import { Framer } from './framer.ts'

const LIMIT = 300

interface Outcome {
  readonly frames: readonly Uint8Array[]
  readonly broken: boolean
}

/** Reads the whole stream at once, by arithmetic. */
function naiveFrames(stream: Uint8Array): Outcome {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.length)
  const frames: Uint8Array[] = []
  let at = 0
  while (at + 4 <= stream.length) {
    const length = view.getInt32(at)
    if (length < 0 || length > LIMIT) return { frames, broken: true }
    if (at + 4 + length > stream.length) break
    frames.push(stream.slice(at + 4, at + 4 + length))
    at += 4 + length
  }
  return { frames, broken: false }
}

/**
 * Reads it in pieces. Between pieces the reader may stop after any number of frames and take up
 * the rest later, and the array that a piece came in is overwritten as soon as the rest is kept.
 */
function framesInPieces(
  stream: Uint8Array,
  sizes: readonly number[],
  takes: readonly number[],
): Outcome {
  const framer = new Framer(LIMIT)
  const frames: Uint8Array[] = []
  const take = (limit: number): void => {
    for (let i = 0; i < limit && framer.next(); i++) {
      frames.push(framer.bytes.slice(framer.start, framer.end))
    }
    framer.keepRest()
  }
  let at = 0
  for (let piece = 0; at < stream.length; piece++) {
    const size = sizes[piece % sizes.length]!
    const chunk = stream.slice(at, at + size)
    at += size
    framer.push(chunk)
    take(takes[piece % takes.length]!)
    chunk.fill(0xee)
    expect(framer.heldBytes).toBeLessThanOrEqual(stream.length)
  }
  framer.resume()
  take(Infinity)
  return { frames, broken: framer.problem !== null }
}

const framed = fc.uint8Array({ maxLength: LIMIT }).map((payload) => {
  const bytes = new Uint8Array(4 + payload.length)
  new DataView(bytes.buffer).setInt32(0, payload.length)
  bytes.set(payload, 4)
  return bytes
})
const badLength = fc
  .oneof(fc.integer({ min: LIMIT + 1 }), fc.integer({ max: -1 }))
  .map((length) => {
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setInt32(0, length)
    return bytes
  })
const stream = fc
  .array(
    fc.oneof(
      { weight: 12, arbitrary: framed },
      { weight: 1, arbitrary: badLength },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 6 }) },
    ),
    { maxLength: 12 },
  )
  .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])))
const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 8 })
const takes = fc.array(fc.constantFrom(0, 1, 2, Infinity, Infinity), { minLength: 1, maxLength: 4 })

test('any split into pieces, and any pauses, give the same frames and the same end', () => {
  fc.assert(
    fc.property(stream, sizes, takes, (stream, sizes, takes) => {
      expect(framesInPieces(stream, sizes, takes)).toEqual(naiveFrames(stream))
    }),
    { numRuns: 300 },
  )
})

test('byte by byte is no different', () => {
  fc.assert(
    fc.property(stream, (stream) => {
      expect(framesInPieces(stream, [1], [Infinity])).toEqual(naiveFrames(stream))
    }),
  )
})
