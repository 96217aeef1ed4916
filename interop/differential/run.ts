/**
 * Plays one random history on two servers, step by step, and stops at the first difference.
 */
import { describeStep, type Step } from './step.ts'
import { History, type HistoryOptions } from './history.ts'
import { type Outcome, type Servers, Side } from './side.ts'

export interface RunOptions extends Omit<HistoryOptions, 'serverCount'> {
  readonly steps: number
  readonly a: Servers
  readonly b: Servers
  /** Called after each step that both answered alike. */
  readonly onStep?: (index: number, step: Step, lines: readonly string[]) => void
}

export interface Difference {
  readonly index: number
  readonly step: Step
  readonly linesA: readonly string[]
  readonly linesB: readonly string[]
  /** The steps up to and including the one that differed. */
  readonly steps: readonly Step[]
}

/** Answers the first difference, or null when both servers behaved alike all the way. */
export async function runHistory(options: RunOptions): Promise<Difference | null> {
  const history = new History({ ...options, serverCount: options.a.ports.length })
  await using a = await Side.open(options.a)
  await using b = await Side.open(options.b)
  const steps: Step[] = []
  for (let index = 0; index < options.steps; index++) {
    const step = history.next()
    steps.push(step)
    const [outcomeA, outcomeB] = await performOnBoth(a, b, step)
    const { lines: linesA } = outcomeA
    const { lines: linesB } = outcomeB
    if (linesA.join('\n') !== linesB.join('\n')) return { index, step, linesA, linesB, steps }
    options.onStep?.(index, step, linesA)
    history.learn(step, outcomeA)
  }
  return null
}

/** A server that cannot be reached any more answers so, and the other's answer still shows. */
export function performOnBoth(a: Side, b: Side, step: Step): Promise<[Outcome, Outcome]> {
  return Promise.all([a.perform(step).catch(failed), b.perform(step).catch(failed)])
}

function failed(error: unknown): Outcome {
  const lines = [`failed: ${error instanceof Error ? error.message : String(error)}`]
  return { lines, openSlots: [], createdPaths: [], lastZxid: 0n }
}

/** The difference for a person: the step, then both answers, with a mark where they part. */
export function explain(difference: Difference, names: readonly [string, string]): string {
  const { index, step, linesA, linesB } = difference
  const rows = [`step ${index}: ${describeStep(step)}`]
  for (let line = 0; line < Math.max(linesA.length, linesB.length); line++) {
    const lineA = linesA[line]
    const lineB = linesB[line]
    if (lineA === lineB) {
      rows.push(`    both: ${lineA}`)
      continue
    }
    rows.push(
      `  ! ${names[0]}: ${lineA ?? '(nothing)'}`,
      `  ! ${names[1]}: ${lineB ?? '(nothing)'}`,
    )
  }
  return rows.join('\n')
}
