// What one client is told by its session machine: every call is settled once, zxids never go back,
// a watch that fires once fires once, and before any answer shows what it watched for. At the end,
// when all is quiet, no watch may be waiting for something that has happened.

import type { Zxid } from '../../base/zxid.ts'
import { formatZxid } from '../../base/zxid.ts'
import { ErrorCode } from '../../core/records/errors.ts'
import { OpCode, opName } from '../../core/records/opcodes.ts'
import type { ModelState } from '../model/model-state.ts'
import type { SimCall, SimOutput, SimWatcher } from '../sim-client.ts'
import { Violation } from './violation.ts'

/** Below it events may be held back from those who may not read. */
const RESTRICTED = '/acl'

export class ClientChecker {
  readonly #name: string
  readonly #open = new Set<number>()
  readonly #armed = new Set<SimWatcher>()
  /** Given up before they were set. */
  readonly #dropped = new Set<SimWatcher>()
  #zxid = 0
  #fired = 0

  constructor(name: string) {
    this.#name = name
  }

  /** Calls that have not come back. */
  get outstanding(): number {
    return this.#open.size
  }

  /** Watches that fired. */
  get fired(): number {
    return this.#fired
  }

  submitted(call: SimCall): void {
    this.#open.add(call.tag.number)
  }

  settled(call: SimCall): void {
    if (!this.#open.delete(call.tag.number)) {
      throw this.#wrong(`call ${call.tag.number} (${opName(call.op)}) is settled twice`)
    }
    if (call.failure !== null || call.op === OpCode.auth) return
    if (call.zxid < this.#zxid) {
      throw this.#wrong(`is shown ${formatZxid(call.zxid)} after ${formatZxid(this.#zxid as Zxid)}`)
    }
    this.#zxid = call.zxid
    this.#checkWatchesBefore(call)
    const { watcher } = call
    // The machine may be ahead by now: what counts is the answer, and what was said before it.
    if (watcher !== null && isOneShot(watcher) && leavesWatch(watcher, call.error)) {
      if (this.#dropped.delete(watcher)) return
      watcher.tag.armedAt = call.zxid
      watcher.tag.armedOnNode = call.error === ErrorCode.Ok
      this.#armed.add(watcher)
    }
  }

  happened(output: Exclude<SimOutput, SimCall>): void {
    if (output.kind !== 'watch') return
    const { watcher } = output
    this.#fired++
    watcher.tag.fired++
    if (!isOneShot(watcher)) return
    if (watcher.tag.fired > 1) throw this.#wrong(`a watch on ${watcher.path} fires again`)
    if (!this.#armed.delete(watcher)) {
      throw this.#wrong(`a watch on ${watcher.path} fires that was not set`)
    }
  }

  dropped(watcher: SimWatcher): void {
    if (!this.#armed.delete(watcher)) this.#dropped.add(watcher)
  }

  /** The client is connected and nothing is under way: `state` is what it must know about. */
  checkQuiet(state: ModelState): void {
    for (const watcher of this.#armed) {
      const node = state.nodes.get(watcher.path)
      const shown = {
        exists: node !== undefined,
        mzxid: node?.mzxid ?? 0,
        pzxid: node?.pzxid ?? 0,
      }
      this.#checkWatch(watcher, shown, 'in the end')
    }
  }

  #checkWatchesBefore(call: SimCall): void {
    const { stat } = call.value ?? { stat: null }
    const isRead =
      call.op === OpCode.exists || call.op === OpCode.getData || call.op === OpCode.getChildren2
    const isMissing = call.error === ErrorCode.NoNode
    if (!isRead || (stat === null && !isMissing)) return
    const shown = { exists: !isMissing, mzxid: stat?.mzxid ?? 0, pzxid: stat?.pzxid ?? 0 }
    for (const watcher of this.#armed) {
      if (watcher.path === call.path) this.#checkWatch(watcher, shown, opName(call.op))
    }
  }

  #checkWatch(
    watcher: SimWatcher,
    shown: { readonly exists: boolean; readonly mzxid: number; readonly pzxid: number },
    when: string,
  ): void {
    const { path, watch, tag } = watcher
    if (path.startsWith(RESTRICTED)) return
    const changedAt = watch === 'children' ? shown.pzxid : shown.mzxid
    const hasHappened = shown.exists
      ? changedAt > (tag.armedAt ?? 0)
      : watch !== 'exists' || tag.armedOnNode
    if (hasHappened) {
      throw this.#wrong(
        `a ${watch} watch on ${path}, set at ${formatZxid((tag.armedAt ?? 0) as Zxid)}, has not ` +
          `fired (${when}: ${shown.exists ? `changed at ${formatZxid(changedAt as Zxid)}` : 'gone'})`,
      )
    }
  }

  #wrong(what: string): Violation {
    return new Violation('client', `${this.#name}: ${what}`)
  }
}

const isOneShot = ({ watch }: SimWatcher): boolean =>
  watch === 'data' || watch === 'exists' || watch === 'children'

const leavesWatch = ({ watch }: SimWatcher, error: number): boolean =>
  error === ErrorCode.Ok || (watch === 'exists' && error === ErrorCode.NoNode)
