import { expect, test } from 'vitest'

import { toHex } from '../../base/text.ts'
import { JuteWriter } from './writer.ts'

test('a length can be reserved and filled in afterwards', () => {
  const writer = new JuteWriter()
  writer.int(0)
  writer.ustring('ab')
  writer.intAt(0, writer.position - 4)
  expect(toHex(writer.view())).toBe('00000006000000026162')
})

test('a string in several bytes a character is counted in bytes', () => {
  const writer = new JuteWriter()
  writer.ustring('€')
  expect(toHex(writer.view())).toBe('00000003e282ac')
})

test('growing keeps what was written', () => {
  const writer = new JuteWriter(4)
  writer.int(1)
  writer.buffer(new Uint8Array(1_000).fill(7))
  expect(writer.position).toBe(1_008)
  expect(toHex(writer.view().subarray(0, 9))).toBe('00000001000003e807')
})

test.each([1, 47, 48, 49, 500])('a range of %i bytes is copied from the middle', (length) => {
  const source = Uint8Array.from({ length: length + 20 }, (_, i) => i)
  const writer = new JuteWriter(8)
  writer.byte(0xff)
  writer.raw(source, 10, 10 + length)
  expect(writer.view().subarray(1)).toEqual(source.subarray(10, 10 + length))
})

test('a copy stays when the writer goes on, a view does not', () => {
  const writer = new JuteWriter()
  writer.int(1)
  const [copy, view] = [writer.copy(), writer.view()]
  writer.reset()
  writer.int(2)
  expect([toHex(copy), toHex(view)]).toEqual(['00000001', '00000002'])
})

test('what was given away is not written to again', () => {
  const writer = new JuteWriter()
  writer.int(1)
  const given = writer.view()
  writer.abandon(16)
  writer.int(2)
  expect([toHex(given), toHex(writer.view())]).toEqual(['00000001', '00000002'])
})
