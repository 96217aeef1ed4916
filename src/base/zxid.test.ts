import { expect, test } from 'vitest'

import {
  EPOCH_LIMIT,
  ZXID_NONE,
  ZXID_ZERO,
  counterOf,
  epochOf,
  formatZxid,
  nextZxid,
  zxidOf,
} from './zxid.ts'

test('epoch and counter come back out of a zxid, up to the last that fits', () => {
  for (const epoch of [0, 1, 2, 0xffff, EPOCH_LIMIT - 1]) {
    for (const counter of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
      const zxid = zxidOf(epoch, counter)
      expect(Number.isSafeInteger(zxid)).toBe(true)
      expect([epochOf(zxid), counterOf(zxid)]).toEqual([epoch, counter])
    }
  }
})

test('an epoch of 2^21 and more is refused', () => {
  expect(() => zxidOf(EPOCH_LIMIT, 0)).toThrow('epoch 2097152')
})

test('zxids order by epoch, then by counter', () => {
  const ordered = [
    ZXID_NONE,
    ZXID_ZERO,
    zxidOf(0, 1),
    zxidOf(0, 0xffffffff),
    zxidOf(1, 0),
    zxidOf(1, 0x80000000),
    zxidOf(2, 0),
  ]
  expect([...ordered].reverse().sort((a, b) => a - b)).toEqual(ordered)
})

test('the next zxid counts one up', () => {
  expect(nextZxid(zxidOf(3, 0xfe))).toBe(zxidOf(3, 0xff))
  expect(nextZxid(ZXID_NONE)).toBe(ZXID_ZERO)
})

test('people see zxids in hexadecimal', () => {
  expect(formatZxid(zxidOf(1, 0))).toBe('0x100000000')
  expect(formatZxid(zxidOf(0, 0xab))).toBe('0xab')
  expect(formatZxid(ZXID_ZERO)).toBe('0x0')
  expect(formatZxid(ZXID_NONE)).toBe('0xffffffffffffffff')
})
