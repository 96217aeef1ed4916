import { describe, expect, it } from 'vitest'
import { OwnerKind, ownerKindOf, ttlMsOf } from './owner.ts'

const PLAIN = { extendedTypes: false, emulate353Ttl: false }
const EXTENDED = { extendedTypes: true, emulate353Ttl: false }
const OLD_TTL = { extendedTypes: true, emulate353Ttl: true }

describe('owner fields', () => {
  it.each([
    [0x00000000, 0x00000000, OwnerKind.none, OwnerKind.none, OwnerKind.none],
    [0x01000000, 0x00000000, OwnerKind.session, OwnerKind.session, OwnerKind.session],
    [0x00000000, 0x80000000, OwnerKind.session, OwnerKind.session, OwnerKind.session],
    [0x80000000, 0x00000000, OwnerKind.container, OwnerKind.container, OwnerKind.container],
    [0x80000000, 0x00000001, OwnerKind.session, OwnerKind.session, OwnerKind.ttl],
    [0xff000000, 0x00000005, OwnerKind.session, OwnerKind.ttl, OwnerKind.ttl],
    [0xff0000ff, 0xffffffff, OwnerKind.session, OwnerKind.ttl, OwnerKind.ttl],
    [0xff000100, 0x00000005, OwnerKind.session, OwnerKind.session, OwnerKind.ttl],
    [0xfe000000, 0x00000005, OwnerKind.session, OwnerKind.session, OwnerKind.ttl],
  ])('%i:%i mean what the rules make of them', (high, low, plain, extended, old) => {
    expect(ownerKindOf(PLAIN, high, low)).toBe(plain)
    expect(ownerKindOf(EXTENDED, high | 0, low | 0)).toBe(extended)
    expect(ownerKindOf(OLD_TTL, high, low | 0)).toBe(old)
  })

  it('hold 40 bits of time to live, or all but the mark in the layout of 3.5.3', () => {
    expect(ttlMsOf(EXTENDED, 0xff0000ff | 0, -1)).toBe(2 ** 40 - 1)
    expect(ttlMsOf(EXTENDED, 0xff000000 | 0, 5_000)).toBe(5_000)
    expect(ttlMsOf(OLD_TTL, 0x80000001 | 0, 2)).toBe(2 ** 32 + 2)
  })
})
