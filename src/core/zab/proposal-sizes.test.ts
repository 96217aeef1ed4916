import { expect, test } from 'vitest'
import { ProposalSizes } from './proposal-sizes.ts'

test('tells the last proposal and the extremes, until they are reset', () => {
  const sizes = new ProposalSizes()
  const nothing = { count: 0, lastBytes: -1, minBytes: -1, maxBytes: -1 }
  expect(sizes).toEqual(nothing)
  for (const bytes of [70, 48, 110, 71]) sizes.add(bytes)
  expect(sizes).toEqual({ count: 4, lastBytes: 71, minBytes: 48, maxBytes: 110 })
  sizes.reset()
  expect(sizes).toEqual(nothing)
})
