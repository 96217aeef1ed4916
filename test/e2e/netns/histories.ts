// What several clients have done to nodes that serve as registers, by one clock, and whether it can
// be put in an order that a single register would allow. The judge is the simulator's.

import { type Zxid, epochOf } from '../../../src/base/zxid.ts'
import { canonical } from '../../../src/sim/checkers/violation.ts'
import {
  type Operation,
  checkLinearizable,
} from '../../../src/sim/ensemble/checkers/linearizability.ts'
import { REGISTER, type RegisterOp } from '../../../src/sim/ensemble/checkers/register.ts'

/** How many registers are in use at a time, and for how long: the search for an order is not linear. */
const REGISTERS = 3
const OPERATIONS_MAX = 120

export const REGISTERS_PATH = '/registers'

export interface Judgement {
  readonly operations: number
  readonly unknown: number
  readonly registers: number
  /** Registers whose history was too tangled to be judged. */
  readonly undecided: number
}

export class Histories {
  /** The newest that any client has seen. */
  #epoch = 0
  readonly #histories = new Map<string, Operation<RegisterOp>[]>()
  readonly #current: string[] = []

  constructor() {
    for (let at = 0; at < REGISTERS; at++) this.#begin(at)
  }

  /** All that clients share, so that one clock orders what they do. */
  now(): number {
    return performance.now()
  }

  /** The registers to work on at present. */
  get current(): readonly string[] {
    return this.#current
  }

  saw(zxid: number): void {
    this.#epoch = Math.max(this.#epoch, epochOf(zxid as Zxid))
  }

  /** Whether none of the clients knows of a leader after the one of this zxid. */
  isPresent(zxid: number): boolean {
    return epochOf(zxid as Zxid) >= this.#epoch
  }

  add(path: string, op: RegisterOp, beganAt: number): void {
    const history = this.#histories.get(path)!
    const endedAt = op.outcome === 'unknown' ? Number.POSITIVE_INFINITY : this.now()
    history.push({ op, beganAt, endedAt })
    const at = this.#current.indexOf(path)
    if (history.length >= OPERATIONS_MAX && at !== -1) this.#begin(at)
  }

  /** Throws where a register has shown what none can. */
  judge(): Judgement {
    let [operations, unknown, undecided] = [0, 0, 0]
    for (const [path, history] of this.#histories) {
      operations += history.length
      unknown += history.filter(({ op }) => op.outcome === 'unknown').length
      const verdict = checkLinearizable(REGISTER, history)
      if (verdict === 'undecided') undecided++
      if (verdict === 'not linearizable') throw new Error(`${path}:\n${describe(history)}`)
    }
    return { operations, unknown, registers: this.#histories.size, undecided }
  }

  #begin(at: number): void {
    const path = `${REGISTERS_PATH}/${this.#histories.size}`
    this.#histories.set(path, [])
    this.#current[at] = path
  }
}

const describe = (history: readonly Operation<RegisterOp>[]): string =>
  history
    .toSorted((a, b) => a.beganAt - b.beganAt)
    .map(
      ({ op, beganAt, endedAt }) =>
        `  ${beganAt.toFixed(3)} to ${endedAt.toFixed(3)}: ${canonical(op)}`,
    )
    .join('\n')
