// Seeds that found a bug once are run for ever.

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

import { type EnsembleOptions, PLAIN_ENSEMBLE } from '../../src/sim/ensemble/ensemble-options.ts'
import { ENSEMBLE_KIND, ONE_SERVER_KIND } from '../../src/sim/sim-kind.ts'

/** Most seeds were found when less was drawn than today; `drawn` leaves everything to the seed. */
const ENSEMBLES: Readonly<Record<string, Partial<EnsembleOptions>>> = {
  ensemble: PLAIN_ENSEMBLE,
  members: { ...PLAIN_ENSEMBLE, reconfigures: true },
  local: { ...PLAIN_ENSEMBLE, localSessions: 'upgrading' },
  drawn: {},
}

const lines = readFileSync(new URL('./seeds.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => /^(?:(ensemble|members|local|drawn) )?(\d+) (\d+) (.+)$/.exec(line))
  .map((line) => {
    const options = ENSEMBLES[line?.[1] ?? '']
    const kind = options === undefined ? ONE_SERVER_KIND : ENSEMBLE_KIND
    return [Number(line?.[2]), Number(line?.[3]), line?.[4] ?? '', kind, options ?? {}] as const
  })

it.each(lines)('seed %i with %i steps: %s', (seed, steps, what, kind, options) => {
  expect(what).not.toBe('')
  const result = kind.run(seed, steps, options, null)
  expect(result.verdict, result.message).toBe('ok')
})
