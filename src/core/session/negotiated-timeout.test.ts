import { expect, test } from 'vitest'

import { negotiatedTimeoutMs } from './negotiated-timeout.ts'

test.each([
  [-5, 4_000],
  [0, 4_000],
  [3_999, 4_000],
  [4_000, 4_000],
  [25_000, 25_000],
  [40_000, 40_000],
  [99_999, 40_000],
])('a request for %i ms gets %i ms from a server with a tick of 2000 ms', (requested, given) => {
  expect(negotiatedTimeoutMs(requested, 4_000, 40_000)).toBe(given)
})
