import * as zlib from 'node:zlib'

import fc from 'fast-check'
import { expect, test } from 'vitest'

import { ADLER_SEED, adler32, crc32 } from './checksum.ts'

/** Bytes, and three places in them in order. */
const cut = fc
  .tuple(fc.uint8Array({ maxLength: 400 }), fc.nat(), fc.nat(), fc.nat())
  .map(([bytes, ...places]) => {
    const [start, middle, end] = places.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b)
    return { bytes, start: start!, middle: middle!, end: end! }
  })

test('CRC-32 of any range, in one go or continued, is what a bit-by-bit division gives', () => {
  fc.assert(
    fc.property(cut, ({ bytes, start, middle, end }) => {
      const whole = naiveCrc32(bytes.subarray(start, end))
      expect(crc32(0, bytes, start, end)).toBe(whole)
      expect(crc32(crc32(0, bytes, start, middle), bytes, middle, end)).toBe(whole)
    }),
  )
})

// `zlib.crc32` came with Node 20.15.
test.skipIf(typeof zlib.crc32 !== 'function')('CRC-32 is what zlib gives', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
      expect(crc32(0, bytes, 0, bytes.length)).toBe(zlib.crc32(bytes))
    }),
  )
})

test('Adler-32 of any range, in one go or continued, is what its definition gives', () => {
  fc.assert(
    fc.property(cut, ({ bytes, start, middle, end }) => {
      const whole = naiveAdler32(bytes.subarray(start, end))
      expect(adler32(ADLER_SEED, bytes, start, end)).toBe(whole)
      expect(adler32(adler32(ADLER_SEED, bytes, start, middle), bytes, middle, end)).toBe(whole)
    }),
  )
})

/** The remainder of a polynomial division, a bit at a time. */
function naiveCrc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return ~crc >>> 0
}

function naiveAdler32(bytes: Uint8Array): number {
  let a = 1
  let b = 0
  for (const byte of bytes) {
    a = (a + byte) % 65_521
    b = (b + a) % 65_521
  }
  return b * 65_536 + a
}
