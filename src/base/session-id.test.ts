import { expect, test } from 'vitest'

import { firstSessionId, formatSessionId, sessionIdOf } from './session-id.ts'

test.each([
  [1, 0xd363bn, '0x100000d363b0000'],
  [1, 0x147a2dn, '0x10000147a2d0000'],
  [3, 0xb2d2dn, '0x300000b2d2d0000'],
  [255, 0n, '0xff00000000000000'],
  [0, 0xff_ffff_ffffn, '0xffffffffff0000'],
])('server %i at clock %s begins with session %s', (serverId, clock, id) => {
  expect(formatSessionId(firstSessionId(serverId, Number(clock)))).toBe(id)
})

test('only the low 40 bits of the clock and the low 8 of the server id go in', () => {
  const wallMs = Date.UTC(2026, 0, 1)
  expect(firstSessionId(0x107, wallMs + 2 ** 40)).toBe(firstSessionId(7, wallMs))
  expect(firstSessionId(7, wallMs + 0.9)).toBe(firstSessionId(7, wallMs))
})

test('the marker of containers is passed over', () => {
  expect(formatSessionId(firstSessionId(0x80, 0))).toBe('0x8000000000000001')
})

test('ids of servers from 128 on are negative, as on the wire', () => {
  expect(firstSessionId(0x80, 1) < 0n).toBe(true)
  expect(firstSessionId(0x7f, 1) > 0n).toBe(true)
})

test('signed and unsigned forms of 64 bits are the same id', () => {
  expect(sessionIdOf(0xffff_ffff_ffff_ffffn)).toBe(sessionIdOf(-1n))
  expect(formatSessionId(sessionIdOf(-1n))).toBe('0xffffffffffffffff')
  expect(formatSessionId(0n)).toBe('0x0')
})
