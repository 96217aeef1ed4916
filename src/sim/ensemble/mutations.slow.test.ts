// The old faults that few runs meet.

import { describe, expect, it } from 'vitest'

import { MUTATIONS, findMutation, isRare } from './mutations.ts'

const SEEDS = 100
const STEPS = 6_000

describe('the simulator finds, given time,', () => {
  it.each(MUTATIONS.filter(isRare).map((one) => [one.text, one] as const))(
    'that %s',
    { timeout: 600_000 },
    (_text, mutation) => {
      const finding = findMutation(mutation, SEEDS, STEPS)
      expect(finding, `not found within ${SEEDS} seeds`).not.toBeNull()
      expect(finding?.result.message).toMatch(mutation.foundBy)
    },
  )
})
