import { expect, test } from 'vitest'

import { ADLER_SEED, adler32, crc32, crc32Words } from './checksum.ts'
import { encodeUtf8 } from './text.ts'

test('CRC-32 gives its published check value', () => {
  expect(crc32(0, encodeUtf8('123456789'), 0, 9)).toBe(0xcbf43926)
})

test('CRC-32 over words is that over their bytes, the highest first', () => {
  const words = Int32Array.from({ length: 16 }, (_, i) => Math.imul(i + 1, 0x9e3779b1))
  const bytes = new Uint8Array(64)
  const view = new DataView(bytes.buffer)
  for (const [i, word] of words.entries()) view.setInt32(i * 4, word)
  for (let end = 1; end <= 16; end++) {
    expect(crc32Words(77, words, 1, end)).toBe(crc32(77, bytes, 4, end * 4))
  }
})

test('Adler-32 gives the value of its published example', () => {
  expect(adler32(ADLER_SEED, encodeUtf8('Wikipedia'), 0, 9)).toBe(0x11e60398)
})

test('Adler-32 of the largest bytes over many blocks does not overflow', () => {
  const bytes = new Uint8Array(1 << 20).fill(0xff)
  let a = 1
  let b = 0
  for (const byte of bytes) {
    a = (a + byte) % 65_521
    b = (b + a) % 65_521
  }
  expect(adler32(ADLER_SEED, bytes, 0, bytes.length)).toBe(b * 65_536 + a)
})

test('nothing changes neither', () => {
  expect(crc32(0, new Uint8Array(0), 0, 0)).toBe(0)
  expect(adler32(ADLER_SEED, new Uint8Array(0), 0, 0)).toBe(1)
})
