// The proof that the simulator finds what it is there for: each old fault, switched back on, must
// be found within some short runs. The rarer ones take more runs and are in the slow ring.

import { describe, expect, it } from 'vitest'

import { MUTATIONS, findMutation, isRare } from './mutations.ts'

const SEEDS = 25
const STEPS = 6_000

describe('the simulator finds', () => {
  it.each(MUTATIONS.filter((one) => !isRare(one)).map((one) => [one.text, one] as const))(
    'that %s',
    { timeout: 180_000 },
    (_text, mutation) => {
      const finding = findMutation(mutation, SEEDS, STEPS)
      expect(finding, `not found within ${SEEDS} seeds`).not.toBeNull()
      expect(finding?.result.message).toMatch(mutation.foundBy)
    },
  )
})
