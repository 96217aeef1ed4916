import { Buffer } from 'node:buffer'

import fc from 'fast-check'
import { expect, test } from 'vitest'

import { compareBytes, decodeUtf8, encodeUtf8, encodeUtf8Into } from './text.ts'

const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
)

test('text comes back from its bytes, wherever these stand', () => {
  fc.assert(
    fc.property(text, fc.nat(20), (text, start) => {
      const into = new Uint8Array(start + text.length * 3 + 5).fill(0x7a)
      const written = encodeUtf8Into(text, into, start)
      expect(Buffer.from(into.subarray(start, start + written))).toEqual(Buffer.from(text))
      expect(decodeUtf8(into, start, start + written)).toBe(text)
      expect(into.subarray(0, start).every((byte) => byte === 0x7a)).toBe(true)
    }),
  )
})

test('any bytes are read as the platform reads them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(decodeUtf8(bytes)).toBe(Buffer.from(bytes).toString('utf8'))
    }),
  )
})

test('the order of bytes is the order of code points', () => {
  const points = (text: string): number[] => Array.from(text, (char) => char.codePointAt(0)!)
  fc.assert(
    fc.property(text, text, (left, right) => {
      const [one, other] = [points(left), points(right)]
      const at = one.findIndex((point, i) => point !== other[i])
      const naive = at < 0 ? one.length - other.length : one[at]! - (other[at] ?? -1)
      expect(Math.sign(compareBytes(encodeUtf8(left), encodeUtf8(right)))).toBe(Math.sign(naive))
    }),
  )
})
