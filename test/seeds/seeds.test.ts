// Seeds that found a bug once are run for ever.

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

import { simulate } from '../../src/sim/simulation.ts'

const lines = readFileSync(new URL('./seeds.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => /^(\d+) (\d+) (.+)$/.exec(line))

it.each(lines.map((line) => [Number(line?.[1]), Number(line?.[2]), line?.[3] ?? '']))(
  'seed %i with %i steps: %s',
  (seed, steps, what) => {
    expect(what).not.toBe('')
    const result = simulate(seed, steps)
    expect(result.verdict, result.message).toBe('ok')
  },
)
