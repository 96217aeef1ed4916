import { expect, test } from 'vitest'

import { EPOCH_LIMIT } from '../../base/zxid.ts'
import { isCredibleEpoch } from './credible-epoch.ts'

test('what a server may have missed is believed, and older epochs always', () => {
  expect(isCredibleEpoch(0, 7)).toBe(true)
  expect(isCredibleEpoch(8, 7)).toBe(true)
  expect(isCredibleEpoch(100_000, 0)).toBe(true)
})

test('an epoch near the end is not, nor one below zero', () => {
  expect(isCredibleEpoch(EPOCH_LIMIT - 1, 7)).toBe(false)
  expect(isCredibleEpoch(EPOCH_LIMIT - 2, 1_000_000)).toBe(false)
  expect(isCredibleEpoch(-1, 7)).toBe(false)
})

test('many lies in a row leave epochs for the ensemble', () => {
  let accepted = 0
  for (let lie = 0; lie < 100; lie++) {
    let epoch = EPOCH_LIMIT - 1
    while (!isCredibleEpoch(epoch, accepted)) epoch = accepted + Math.floor((epoch - accepted) / 2)
    accepted = epoch
  }
  expect(EPOCH_LIMIT - accepted).toBeGreaterThan(1_000)
})

test('the last epochs can be used, one after the other', () => {
  expect(isCredibleEpoch(EPOCH_LIMIT - 1, EPOCH_LIMIT - 2)).toBe(true)
  expect(isCredibleEpoch(EPOCH_LIMIT, EPOCH_LIMIT - 1)).toBe(false)
})
