import { expect, test } from 'vitest'

import { sessionIdOf } from '../../base/session-id.ts'
import { toHex } from '../../base/text.ts'
import { sessionPassword } from './password.ts'

test.each([
  [0x0100000d363b0000n, '27cd974e28957c97dd3dee46b12d6382'],
  [0x0100000d363b0001n, '3aee914ec8e05bdcd280557285b6774f'],
  [0x010000147a2d0000n, 'c90bdc5222cc28f24f421e163b7eebd2'],
  [0xffffffffffffffffn, '20f62cb5648dc2d771471c8a2486a9ee'],
])('session 0x%s has the password that Apache gives it', (id, password) => {
  expect(toHex(sessionPassword(sessionIdOf(id)))).toBe(password)
})
