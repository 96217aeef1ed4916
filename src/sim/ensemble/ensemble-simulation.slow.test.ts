// More runs than are done before each change is handed in.

import { expect, it } from 'vitest'

import { simulateEnsemble } from './ensemble-simulation.ts'

const STEPS = 8_000

it.each(Array.from({ length: 10 }, (_, i) => 101 + 20 * i))(
  'ensembles keep their promises: twenty seeds from %i',
  { timeout: 300_000 },
  (from) => {
    for (let seed = from; seed < from + 20; seed++) {
      const result = simulateEnsemble(seed, STEPS)
      expect(result.verdict, `seed ${seed}: ${result.message}`).toBe('ok')
    }
  },
)
