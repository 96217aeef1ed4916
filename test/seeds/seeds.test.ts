// Seeds that found a bug once are run for ever.

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

import { ENSEMBLE_KIND, ONE_SERVER_KIND } from '../../src/sim/sim-kind.ts'

const lines = readFileSync(new URL('./seeds.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => /^(ensemble |members )?(\d+) (\d+) (.+)$/.exec(line))
  .map((line) => {
    const kind = line?.[1] === undefined ? ONE_SERVER_KIND : ENSEMBLE_KIND
    const options = line?.[1] === 'members ' ? { reconfigures: true } : {}
    return [Number(line?.[2]), Number(line?.[3]), line?.[4] ?? '', kind, options] as const
  })

it.each(lines)('seed %i with %i steps: %s', (seed, steps, what, kind, options) => {
  expect(what).not.toBe('')
  const result = kind.run(seed, steps, options, null)
  expect(result.verdict, result.message).toBe('ok')
})
