import { expect, test } from 'vitest'

import { EMPTY_BYTES, compareBytes, decodeUtf8, encodeUtf8, equalBytes, toHex } from './text.ts'

test.each([
  ['', ''],
  ['a', '61'],
  ['é', 'c3a9'],
  ['€', 'e282ac'],
  ['\u{1f600}', 'f09f9880'],
  ['a\0b', '610062'],
])('%j is written as %s, and read back', (text, hex) => {
  const bytes = encodeUtf8(text)
  expect(toHex(bytes)).toBe(hex)
  expect(decodeUtf8(bytes)).toBe(text)
})

test('malformed bytes become U+FFFD, in short and in long texts', () => {
  expect(decodeUtf8(Uint8Array.of(0x61, 0xff, 0x62))).toBe('a\ufffdb')
  const long = new Uint8Array(40).fill(0x61)
  long[20] = 0x80
  expect(decodeUtf8(long)).toBe(`${'a'.repeat(20)}\ufffd${'a'.repeat(19)}`)
})

test('half of a surrogate pair is written as U+FFFD', () => {
  expect(toHex(encodeUtf8('\ud83d'))).toBe('efbfbd')
})

test('a byte order mark is a character like any other', () => {
  expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa')
})

test('bytes are equal only when all of them are', () => {
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true)
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false)
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0))).toBe(false)
  expect(equalBytes(EMPTY_BYTES, new Uint8Array(0))).toBe(true)
})

test('bytes order as unsigned numbers, a prefix before what it begins', () => {
  const ordered = [[], [0], [0, 0], [0, 255], [1], [127], [128], [255], [255, 0]]
  const shuffled = [...ordered].reverse().map((bytes) => Uint8Array.from(bytes))
  expect(shuffled.sort(compareBytes).map((bytes) => [...bytes])).toEqual(ordered)
})
