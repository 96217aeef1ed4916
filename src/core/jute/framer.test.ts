import { expect, test } from 'vitest'

import { Framer } from './framer.ts'

const frame = (...payload: number[]): number[] => [0, 0, 0, payload.length, ...payload]

/** The payloads that a framer gives out for one chunk. */
function framesOf(framer: Framer, chunk: readonly number[]): number[][] {
  framer.push(Uint8Array.from(chunk))
  const frames: number[][] = []
  while (framer.next()) frames.push([...framer.bytes.subarray(framer.start, framer.end)])
  framer.keepRest()
  return frames
}

test('several frames in one chunk come one by one, an empty one too', () => {
  const framer = new Framer(100)
  expect(framesOf(framer, [...frame(1, 2), ...frame(), ...frame(3)])).toEqual([[1, 2], [], [3]])
  expect(framer.heldBytes).toBe(0)
})

test('a frame of the largest length is accepted, and one byte more ends the stream', () => {
  expect(framesOf(new Framer(3), frame(1, 2, 3))).toEqual([[1, 2, 3]])
  const framer = new Framer(3)
  expect(framesOf(framer, [...frame(1), ...frame(1, 2, 3, 4), ...frame(2)])).toEqual([[1]])
  expect(framer.problem).toBe('frame length 4 is not within 0..3')
})

test('a negative length ends the stream before its bytes arrive', () => {
  const framer = new Framer(100)
  expect(framesOf(framer, [0xff, 0xff, 0xff, 0xff])).toEqual([])
  expect(framer.problem).toBe('frame length -1 is not within 0..100')
})

test('after a problem nothing more comes out', () => {
  const framer = new Framer(100)
  framesOf(framer, [0xff, 0xff, 0xff, 0xff])
  expect(framesOf(framer, frame(1))).toEqual([])
})

test('the pushed chunk may be used again once the rest is kept', () => {
  const framer = new Framer(100)
  const chunk = Uint8Array.from(frame(1, 2, 3).slice(0, 6))
  framer.push(chunk)
  expect(framer.next()).toBe(false)
  framer.keepRest()
  chunk.fill(0xee)
  expect(framer.heldBytes).toBe(6)
  expect(framesOf(framer, [3])).toEqual([[1, 2, 3]])
})

test('a reader that stops between two frames goes on with the next', () => {
  const framer = new Framer(100)
  framer.push(Uint8Array.from([...frame(1), ...frame(2), 0]))
  expect(framer.next()).toBe(true)
  framer.keepRest()
  framer.resume()
  expect(framer.next()).toBe(true)
  expect([...framer.bytes.subarray(framer.start, framer.end)]).toEqual([2])
  expect(framer.next()).toBe(false)
  framer.keepRest()
  expect(framer.heldBytes).toBe(1)
})

test('the first four bytes can be looked at before anything is decided', () => {
  const framer = new Framer(100)
  framer.push(Uint8Array.of(0x72, 0x75))
  expect(framer.peekInt()).toBeUndefined()
  framer.keepRest()
  framer.push(Uint8Array.of(0x6f, 0x6b, 0x0a))
  expect(framer.peekInt()).toBe(0x72756f6b)
  expect([...framer.peekBehindInt(8)]).toEqual([0x0a])
})
