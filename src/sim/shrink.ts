// Makes a failing run smaller: fewer steps, and fewer things that go wrong, as long as it fails in
// the same way. What remains is what the failure needs.

import { CALM_DISK } from './fake-disk.ts'
import { CALM_NETWORK } from './fake-network.ts'
import type { SimOptions } from './sim-options.ts'
import { type SimResult, simulate } from './simulation.ts'

export interface Shrunk {
  readonly steps: number
  /** What differs from the options that the seed would draw. */
  readonly options: Partial<SimOptions>
  readonly result: SimResult
}

const SIMPLIFICATIONS: readonly Partial<SimOptions>[] = [
  { strangers: 0 },
  { wallJumpEvery: 0 },
  { decay: 0 },
  { linkFaultEvery: 0 },
  { crashEvery: 0 },
  { crashAtStart: 0 },
  { cleanStop: 0 },
  { disk: CALM_DISK },
  { network: CALM_NETWORK },
  { clients: 1 },
  { clients: 2 },
  { purgeRetain: 0 },
  { snapshotCompression: '' },
  { logSizeLimitBytes: null },
  { separateLogDirectory: false },
  { snapCount: 100_000 },
  { tree: 'naive' },
]

/** `failed` is what the run of `seed` came to; the options it had are kept where they matter. */
export function shrink(seed: number, failed: SimResult, given: Partial<SimOptions>): Shrunk {
  let best: Shrunk = { steps: failed.steps, options: given, result: failed }
  const attempt = (steps: number, options: Partial<SimOptions>): boolean => {
    const result = simulate(seed, steps, { options })
    if (kindOf(result) !== kindOf(failed)) return false
    best = { steps: Math.min(steps, result.steps), options, result }
    return true
  }
  attempt(best.steps, best.options)
  for (const one of SIMPLIFICATIONS) attempt(best.steps, { ...best.options, ...one })
  for (let share = 2; share <= 16; share *= 2) {
    while (attempt(Math.floor(best.steps * (1 - 1 / share)), best.options) && best.steps > 1);
  }
  return best
}

/** Runs fail in the same way when the same checker speaks. */
function kindOf(result: SimResult): string {
  const [line = ''] = result.message.split('\n')
  return `${result.verdict} ${line.slice(0, Math.max(0, line.indexOf(':')))}`
}
