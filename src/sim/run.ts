// What every run has, whatever it is that runs: phases, steps, patience that ends, and a verdict.

import { must } from '../base/assert.ts'
import { collectMarks } from '../base/marks.ts'
import { Violation } from './checkers/violation.ts'
import type { Trace } from './trace.ts'
import type { VirtualClock } from './virtual-clock.ts'

export type Verdict = 'ok' | 'crash' | 'wrong' | 'stuck'

export interface RunResult<Counts extends object = Readonly<Record<string, number>>> {
  readonly verdict: Verdict
  /** What is wrong; empty where nothing is. */
  readonly message: string
  readonly traceHash: string
  readonly steps: number
  readonly simulatedMs: number
  /** How much there was to be wrong with; a run in which nothing happened is no evidence. */
  readonly counts: Counts
  /** The faults that came about, as `kind times`. */
  readonly faults: readonly string[]
  /** How often each rare branch was reached. */
  readonly marks: ReadonlyMap<string, number>
}

/** No progress for so long, with nothing wrong in the world, is a find of its own. */
export class Stuck extends Error {
  override readonly name: string = 'Stuck'
}

/** What runs: it throws where something is wrong, and can tell at any time what there was. */
export interface Play<Counts extends object> {
  readonly course: RunCourse
  play(): void
  counts(): Counts
  faults(): readonly string[]
}

export function runToTheEnd<Counts extends object>(make: () => Play<Counts>): RunResult<Counts> {
  let result: Omit<RunResult<Counts>, 'marks'> | null = null
  const marks = collectMarks(() => {
    const play = make()
    const [verdict, message] = verdictOn(play)
    result = {
      verdict,
      ...play.course.result(message),
      counts: play.counts(),
      faults: play.faults(),
    }
  })
  return { ...must(result as Omit<RunResult<Counts>, 'marks'> | null, 'a run has a result'), marks }
}

function verdictOn(play: Play<object>): [verdict: Verdict, message: string] {
  try {
    play.play()
    return ['ok', '']
  } catch (error) {
    if (error instanceof Violation) return ['wrong', error.message]
    if (error instanceof Stuck) return ['stuck', error.message]
    if (error instanceof Error) return ['crash', error.stack ?? `${error.name}: ${error.message}`]
    throw error
  }
}

/** How far a run has come. */
export class RunCourse {
  readonly #time: VirtualClock
  readonly #trace: Trace
  readonly #afterStep: () => void
  #steps = 0
  phase: 'safety' | 'heal' | 'liveness' = 'safety'

  constructor(time: VirtualClock, trace: Trace, afterStep: () => void = () => {}) {
    this.#time = time
    this.#trace = trace
    this.#afterStep = afterStep
  }

  /** Events so far. */
  get steps(): number {
    return this.#steps
  }

  /** The next event; false where there is none. */
  step(): boolean {
    this.#steps++
    const hasStepped = this.#time.step()
    this.#afterStep()
    return hasStepped
  }

  /** What comes about within `limitMs`, or the run is stuck: `describe` tells where. */
  until(
    what: string,
    limitMs: number,
    isReached: () => boolean,
    describe: () => readonly string[],
  ): void {
    const limitUs = this.#time.nowUs + limitMs * 1_000
    while (!isReached()) {
      if (this.#time.nowUs < limitUs && this.step()) continue
      throw new Stuck(`not within ${limitMs / 1_000} s: ${what}\n  ${describe().join('\n  ')}`)
    }
  }

  for(durationMs: number): void {
    const endUs = this.#time.nowUs + durationMs * 1_000
    while (this.#time.nowUs < endUs && this.step());
  }

  /** Something that the run itself has decided: an event like any other. */
  remark(text: string): void {
    this.#trace.event(this.#time.nowUs, text)
  }

  beginHeal(): void {
    this.phase = 'heal'
    this.#trace.remark(this.#time.nowUs, () => '--- heal')
  }

  result(message: string): Pick<RunResult, 'message' | 'traceHash' | 'steps' | 'simulatedMs'> {
    return {
      message: message === '' ? '' : `${message}\n(${this.phase}, step ${this.#steps})`,
      traceHash: this.#trace.hash,
      steps: this.#steps,
      simulatedMs: Math.floor(this.#time.nowUs / 1_000),
    }
  }
}

/** One line that says how far a run came. */
export const describeResult = (result: RunResult<object>): string =>
  `${result.verdict} ${result.traceHash} after ${result.steps} steps, ` +
  `${(result.simulatedMs / 1_000).toFixed(1)} simulated seconds: ` +
  Object.entries(result.counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ') +
  (result.faults.length === 0 ? '' : ` (${result.faults.join(', ')})`)
