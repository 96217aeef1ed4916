import { expect, test } from 'vitest'

import { toHex } from '../../base/text.ts'
import { JuteReader, MalformedRecord } from './reader.ts'
import { type Codec, bool, int, long, record, ustring, vector } from './schema.ts'
import { JuteWriter } from './writer.ts'

const hexOf = <T>(codec: Codec<T>, value: T): string => {
  const writer = new JuteWriter()
  codec.write(writer, value)
  return toHex(writer.view())
}

test('fields stand in the order of the schema, whatever the order of the value', () => {
  const codec = record({ first: int, second: bool, third: ustring })
  expect(hexOf(codec, { third: 'c', second: true, first: 1 })).toBe('00000001010000000163')
})

test('a record of records has nothing between them', () => {
  const codec = record({ outer: record({ inner: int }), after: int })
  expect(hexOf(codec, { outer: { inner: 1 }, after: 2 })).toBe('0000000100000002')
})

test('a null vector and an empty one are different', () => {
  const codec = vector(int)
  expect([hexOf(codec, null), hexOf(codec, []), hexOf(codec, [7])]).toEqual([
    'ffffffff',
    '00000000',
    '0000000100000007',
  ])
})

test('a long integer is written in two’s complement', () => {
  expect([hexOf(long, -1n), hexOf(long, -(2n ** 63n)), hexOf(long, 0xffn)]).toEqual([
    'ffffffffffffffff',
    '8000000000000000',
    '00000000000000ff',
  ])
})

test('a vector that claims more than there is ends with the bytes, not with the memory', () => {
  const reader = new JuteReader(Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1))
  expect(() => vector(int).read(reader)).toThrow(MalformedRecord)
})
