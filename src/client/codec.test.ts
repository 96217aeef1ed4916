import { expect, it } from 'vitest'
import { codec } from './index.ts'

const stat = {} as never

it('numbers have the bytes that Curator gives them', () => {
  expect([...codec.int32.encode(-2)]).toEqual([255, 255, 255, 254])
  expect([...codec.int64.encode(258n)]).toEqual([0, 0, 0, 0, 0, 0, 1, 2])
  expect(codec.int32.decode(new Uint8Array(0), stat)).toBe(0)
  expect(codec.int64.decode(new Uint8Array(0), stat)).toBe(0n)
  expect(() => codec.int32.decode(new Uint8Array(5), stat)).toThrow('4 bytes expected, 5 found')
})

it('values come back as they were', () => {
  expect(codec.int64.decode(codec.int64.encode(-(2n ** 63n)), stat)).toBe(-(2n ** 63n))
  expect(codec.utf8.decode(codec.utf8.encode('grün'), stat)).toBe('grün')
  const json = codec.json<{ a: readonly number[] }>()
  expect(json.decode(json.encode({ a: [1, 2] }), stat)).toEqual({ a: [1, 2] })
})
