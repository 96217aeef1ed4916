// What a leader has proposed to a learner and the learner has not applied yet, in order, with how
// much of it is committed. It holds the leader to its promises: proposals without a gap, commits in
// the order of the proposals (ZooKeeper 3.9 `Learner.syncWithLeader`, ZOOKEEPER-4925; Zab paper,
// phase 3). What is logged, acknowledged or applied when is not decided here.
//
//   committed ............|  proposed .............
//   ^ takeCommitted       ^ commit                 ^ add

import { Ring } from '../../base/ring.ts'
import { formatZxid, type Zxid, ZXID_NONE } from '../../base/zxid.ts'
import type { LogEntry } from './log-entry.ts'
import { followsOn } from './proposed-entry.ts'

export class ProposalQueue {
  readonly #entries = new Ring<LogEntry>()
  #committedCount = 0
  #last: Zxid = ZXID_NONE
  /** Whether the first proposal may be one that `#last` includes. */
  #mayRepeat = false
  #byteCount = 0

  /**
   * Proposals go on from `last`. A snapshot was announced before it was taken, so that what follows
   * it may begin with transactions that are in it.
   */
  begin(last: Zxid, mayRepeat: boolean): void {
    this.clear()
    this.#last = last
    this.#mayRepeat = mayRepeat
  }

  get length(): number {
    return this.#entries.length
  }

  get committedCount(): number {
    return this.#committedCount
  }

  /** Bytes of all transactions that wait here. */
  get byteCount(): number {
    return this.#byteCount
  }

  at(index: number): LogEntry {
    return this.#entries.at(index)!
  }

  /** Takes a proposal. Returns what is wrong with it, or null. */
  add(entry: LogEntry): string | null {
    const { zxid } = entry
    if (!followsOn(this.#last, zxid) && !(this.#mayRepeat && zxid <= this.#last)) {
      return `proposal ${formatZxid(zxid)} after ${formatZxid(this.#last)}`
    }
    this.#entries.push(entry)
    this.#byteCount += entry.end - entry.start
    this.#last = zxid
    this.#mayRepeat = false
    return null
  }

  /** The oldest proposal that was not committed is. Returns what is wrong with that, or null. */
  commit(zxid: Zxid): string | null {
    const next = this.#entries.at(this.#committedCount)
    if (next === undefined) return `commit of ${formatZxid(zxid)}, which was not proposed`
    if (next.zxid !== zxid) {
      return `commit of ${formatZxid(zxid)} where ${formatZxid(next.zxid)} is next`
    }
    this.#committedCount++
    return null
  }

  /** The oldest committed proposal; undefined where there is none. */
  takeCommitted(): LogEntry | undefined {
    if (this.#committedCount === 0) return undefined
    this.#committedCount--
    const entry = this.#entries.shift()
    this.#byteCount -= entry.end - entry.start
    return entry
  }

  /** Forgets all of it; the next proposal still has to follow the last one. */
  clear(): void {
    this.#entries.clear()
    this.#committedCount = 0
    this.#byteCount = 0
  }
}
