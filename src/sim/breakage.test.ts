// The proof that the checkers bite: a server broken in one way must be found out within a few
// short runs, by the checker that is there for it.

import { describe, expect, it } from 'vitest'

import { BREAKAGES } from './breakage.ts'
import { simulate } from './simulation.ts'

const SEEDS = 12
const STEPS = 3_000

describe('the simulator finds', () => {
  it.each(Object.entries(BREAKAGES))('%s', (_name, make) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const breakage = make()
      const result = simulate(seed, STEPS, { breakage, options: { tree: 'naive' } })
      if (result.verdict === 'ok') continue
      expect(result.message).toMatch(breakage.foundBy)
      return
    }
    expect.fail(`not found within ${SEEDS} seeds`)
  })
})
