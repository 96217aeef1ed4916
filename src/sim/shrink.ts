// Makes a failing run smaller: fewer steps, and fewer things that go wrong, as long as it fails in
// the same way. What remains is what the failure needs.

import type { SimKind, SimOutcome } from './sim-kind.ts'

export interface Shrunk {
  readonly steps: number
  /** What differs from the options that the seed would draw. */
  readonly options: object
  readonly result: SimOutcome
}

/** `failed` is what the run of `seed` came to; the options it had are kept where they matter. */
export function shrink(kind: SimKind, seed: number, failed: SimOutcome, given: object): Shrunk {
  let best: Shrunk = { steps: failed.steps, options: given, result: failed }
  const attempt = (steps: number, options: object): boolean => {
    const result = kind.run(seed, steps, options, null)
    if (kindOf(result) !== kindOf(failed)) return false
    best = { steps: Math.min(steps, result.steps), options, result }
    return true
  }
  attempt(best.steps, best.options)
  for (const one of kind.simplifications) attempt(best.steps, { ...best.options, ...one })
  for (let share = 2; share <= 16; share *= 2) {
    while (attempt(Math.floor(best.steps * (1 - 1 / share)), best.options) && best.steps > 1);
  }
  return best
}

/** Runs fail in the same way when the same checker speaks. */
export function kindOf(result: SimOutcome): string {
  const [line = ''] = result.message.split('\n')
  return `${result.verdict} ${line.slice(0, Math.max(0, line.indexOf(':')))}`
}
