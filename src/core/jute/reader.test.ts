import { describe, expect, test } from 'vitest'

import { JuteReader, MalformedRecord } from './reader.ts'

const from = (hex: string): JuteReader => {
  const digits = hex.replaceAll(' ', '')
  const bytes = Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  )
  return new JuteReader(Uint8Array.from(bytes))
}

describe('primitives', () => {
  test('integers are big-endian and signed', () => {
    const reader = from('00000102 ffffffff 80000000 7fffffff')
    expect([reader.int(), reader.int(), reader.int(), reader.int()]).toEqual([
      258, -1, -2147483648, 2147483647,
    ])
  })

  test('every byte but 0 is true', () => {
    const reader = from('00 01 02 ff')
    expect([reader.bool(), reader.bool(), reader.bool(), reader.bool()]).toEqual([
      false,
      true,
      true,
      true,
    ])
  })

  test('long integers keep all 64 bits', () => {
    const reader = from('8000000000000000 ffffffffffffffff 0100000d363b0000')
    expect([reader.long(), reader.long(), reader.long()]).toEqual([
      -(2n ** 63n),
      -1n,
      0x0100000d363b0000n,
    ])
  })

  test('null and empty are different, for strings and for buffers', () => {
    const reader = from('ffffffff 00000000 ffffffff 00000000')
    expect([reader.ustring(), reader.ustring()]).toEqual([null, ''])
    expect([reader.buffer(), reader.buffer()]).toEqual([null, new Uint8Array(0)])
  })

  test('a buffer is a copy', () => {
    const reader = from('00000002 0102')
    const buffer = reader.buffer()!
    reader.bytes.fill(0)
    expect([...buffer]).toEqual([1, 2])
  })

  test('skipping a field tells where its bytes are', () => {
    const reader = from('00000002 0102 ffffffff')
    const length = reader.skipField()
    expect([length, reader.bytes[reader.position - length]]).toEqual([2, 1])
    expect(reader.skipField()).toBe(-1)
    expect(reader.remaining).toBe(0)
  })

  test('the count of a vector is -1 for null, and 0 for other negative numbers', () => {
    const reader = from('00000003 ffffffff fffffffe 80000000')
    const counts = Array.from({ length: 4 }, () => reader.vectorCount())
    expect(counts).toEqual([3, -1, 0, 0])
  })
})

describe('what is refused', () => {
  test.each([
    ['a string of length -2', 'fffffffe', (reader: JuteReader) => reader.ustring()],
    ['a buffer of length -2', 'fffffffe', (reader: JuteReader) => reader.buffer()],
    ['a string longer than the record', '00000003 6162', (reader: JuteReader) => reader.ustring()],
    ['a length that overflows', '7fffffff 61', (reader: JuteReader) => reader.buffer()],
    ['half an integer', '0000', (reader: JuteReader) => reader.int()],
    ['a time beyond 2^53', '0020000000000001', (reader: JuteReader) => reader.safeLong()],
    ['an epoch of 2^21', '0020000000000000', (reader: JuteReader) => reader.zxid()],
    ['the smallest number as a zxid', '8000000000000000', (reader: JuteReader) => reader.zxid()],
  ])('%s', (_name, hex, read) => {
    expect(() => read(from(hex))).toThrow(MalformedRecord)
  })

  test('a field over the limit of the reader, even when its bytes are there', () => {
    const reader = from('00000003 616263 00000002 6162')
    reader.fieldBytesMax = 2
    expect(() => reader.ustring()).toThrow('length 3 is over the limit')
    reader.position = 7
    expect(reader.ustring()).toBe('ab')
  })

  test('the last epoch and the zxid of nothing are accepted', () => {
    const reader = from('001fffffffffffff ffffffffffffffff')
    expect([reader.zxid(), reader.zxid()]).toEqual([2 ** 53 - 1, -1])
  })
})

test('a reader can be pointed at other bytes', () => {
  const reader = from('00000001')
  reader.int()
  reader.reset(Uint8Array.of(9, 9, 0, 0, 0, 7, 9), 2, 6)
  expect([reader.remaining, reader.int(), reader.remaining]).toEqual([4, 7, 0])
  expect(() => reader.byte()).toThrow('record ends 1 bytes early')
})

test('a buffer is a copy, also out of the arrays that Node hands out', () => {
  const chunk = Buffer.from('00000002aabb', 'hex')
  const value = new JuteReader(chunk).buffer()
  chunk.fill(0)
  expect(value).toEqual(Uint8Array.of(0xaa, 0xbb))
})
