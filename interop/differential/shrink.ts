/**
 * Makes a differing history short: leaves out steps, in ever smaller groups, as long as the rest
 * still differs on two fresh servers. Each try starts both servers again, so this takes a while.
 */
import { type PairOptions, startPair } from './pair.ts'
import { explain } from './run.ts'
import { Side } from './side.ts'
import { describeStep, type Step } from './step.ts'

const triesMax = 150

/** Answers the shortest differing history found, printed. */
export async function shrink(
  steps: readonly Step[],
  seed: number,
  options: PairOptions,
): Promise<string> {
  let best = steps
  let tries = 0
  for (
    let size = Math.ceil(best.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let start = best.length - size; start >= 0 && tries < triesMax; start -= size) {
      const candidate = [...best.slice(0, start), ...best.slice(start + size)]
      const differing = await firstDifference(candidate, seed, options)
      tries++
      if (differing !== null) best = candidate.slice(0, differing.index + 1)
      start = Math.min(start, best.length)
    }
    if (size === 1) break
  }
  const last = await firstDifference(best, seed, options)
  const head = best.slice(0, -1).map(describeStep)
  const tail = last === null ? 'which does not differ reliably' : explain(last, last.names)
  return [`shortest found (${best.length} steps, ${tries} tries):`, ...head, tail].join('\n')
}

async function firstDifference(steps: readonly Step[], seed: number, options: PairOptions) {
  await using pair = await startPair(seed, options)
  await using a = await Side.open(pair.a)
  await using b = await Side.open(pair.b)
  for (const [index, step] of steps.entries()) {
    // A step may need a slot whose connect was left out: such a history is no candidate.
    const outcomes = await Promise.all([a.perform(step), b.perform(step)]).catch(() => null)
    if (outcomes === null) return null
    const [{ lines: linesA }, { lines: linesB }] = outcomes
    if (linesA.join('\n') !== linesB.join('\n')) {
      return { index, step, linesA, linesB, steps, names: pair.names }
    }
  }
  return null
}
