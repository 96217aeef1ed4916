import fc from 'fast-check'
import { expect, test } from 'vitest'

import { sessionIdOf } from '../../base/session-id.ts'
import { toHex } from '../../base/text.ts'
import { sessionPassword } from './password.ts'

test('the halves of 24 bits compute what 64-bit integers would', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (id) => {
      expect(toHex(sessionPassword(sessionIdOf(id)))).toBe(naivePassword(id))
    }),
  )
})

/** The generator as `java.util.Random` states it. */
function naivePassword(id: bigint): string {
  const mask = 2n ** 48n - 1n
  let state = (id ^ 0xb3415c00n ^ 0x5deece66dn) & mask
  let hex = ''
  for (let word = 0; word < 4; word++) {
    state = (state * 0x5deece66dn + 0xbn) & mask
    const digits = ((state >> 16n) & 0xffff_ffffn).toString(16).padStart(8, '0')
    for (let byte = 3; byte >= 0; byte--) hex += digits.slice(byte * 2, byte * 2 + 2)
  }
  return hex
}
