// A zxid orders every change: the epoch of a leader above, a counter of 32 bits below. It is a
// plain number here, so that it compares with `<`, keys a Map and allocates nothing; that is safe
// while the epoch stays below 2^21, which is checked wherever a zxid enters.

import { assert } from './assert.ts'

export type Zxid = number & { readonly __zxid: never }

export const EPOCH_LIMIT: number = 2 ** 21

export const ZXID_ZERO: Zxid = 0 as Zxid

/** The zxid of a tree that has not been initialised: such a server may not vote (storage only). */
export const ZXID_NONE: Zxid = -1 as Zxid

export function zxidOf(epoch: number, counter: number): Zxid {
  assert(epoch < EPOCH_LIMIT, () => `epoch ${epoch} is beyond what a zxid can hold here`)
  return (epoch * 2 ** 32 + (counter >>> 0)) as Zxid
}

export const epochOf = (zxid: Zxid): number => Math.floor(zxid / 2 ** 32)

export const counterOf = (zxid: Zxid): number => zxid >>> 0

/** The zxid after this one in the same epoch. */
export const nextZxid = (zxid: Zxid): Zxid => (zxid + 1) as Zxid

/** As people see it: `0x` and lower-case hexadecimal. */
export const formatZxid = (zxid: Zxid): string =>
  zxid < 0 ? '0xffffffffffffffff' : `0x${zxid.toString(16)}`
