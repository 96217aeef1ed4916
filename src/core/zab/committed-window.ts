// The last committed transactions, kept in memory for learners that have missed a few of them
// (ZooKeeper 3.9 `ZKDatabase.committedLog`). It is bounded twice, in entries and in bytes, and has
// no gap inside an epoch: a learner is brought up to date with what stands here, and whatever were
// missing here would be missing there for ever (ZOOKEEPER-4925).

import { assert } from '../../base/assert.ts'
import { mark } from '../../base/marks.ts'
import { Ring } from '../../base/ring.ts'
import { counterOf, epochOf, formatZxid, nextZxid, type Zxid } from '../../base/zxid.ts'
import type { CommittedWindow } from './history.ts'
import type { LogEntry } from './log-entry.ts'

export interface WindowOptions {
  /** Entries kept at most (`commitLogCount`); ZooKeeper raises less than 500 to 500, so do we. */
  readonly commitLogCount: number
  /**
   * Bytes of transactions kept at most; the last entry stays however large it is. What falls out
   * here is still found in the logs on disk.
   */
  readonly bytesMax?: number
  /** The fault of ZOOKEEPER-4925, for tests. */
  readonly leavesGapInWindow: boolean
}

export const WINDOW_COUNT_MIN = 500
export const WINDOW_BYTES_MAX: number = 64 << 20

export class RecentCommits implements CommittedWindow {
  readonly #countMax: number
  readonly #bytesMax: number
  readonly #leavesGap: boolean
  readonly #entries = new Ring<LogEntry>()
  #byteCount = 0
  #lastZxid: Zxid
  /** Entries offered so far: which of them the fault loses. */
  #offered = 0

  /** `lastZxid` is where the history stands that this window follows. */
  constructor(options: WindowOptions, lastZxid: Zxid) {
    this.#countMax = Math.max(options.commitLogCount, WINDOW_COUNT_MIN)
    this.#bytesMax = options.bytesMax ?? WINDOW_BYTES_MAX
    this.#leavesGap = options.leavesGapInWindow
    this.#lastZxid = lastZxid
  }

  get min(): Zxid {
    return this.#entries.peek()?.zxid ?? this.#lastZxid
  }

  get max(): Zxid {
    return this.#entries.last()?.zxid ?? this.#lastZxid
  }

  get length(): number {
    return this.#entries.length
  }

  /** Bytes of the transactions in it. */
  get byteCount(): number {
    return this.#byteCount
  }

  at(index: number): LogEntry {
    const entry = this.#entries.at(index)
    assert(entry !== undefined, () => `entry ${index} of ${this.#entries.length}`)
    return entry
  }

  /** The transaction after the last one. */
  add(entry: LogEntry): void {
    if (this.#leavesGap) {
      if (++this.#offered % 7 === 0) return
    } else if (this.#entries.length > 0) {
      assert(follows(entry.zxid, this.max), () => gapOf(this.max, entry.zxid))
    }
    this.#entries.push(entry)
    this.#byteCount += entry.end - entry.start
    while (
      this.#entries.length > this.#countMax ||
      (this.#byteCount > this.#bytesMax && this.#entries.length > 1)
    ) {
      if (this.#entries.length <= this.#countMax) mark('window.full-of-bytes')
      const oldest = this.#entries.shift()
      this.#byteCount -= oldest.end - oldest.start
    }
  }

  /**
   * The same for one that was read from a log, which may not be of our own making: where something
   * is missing, the window begins anew behind it.
   */
  addFromLog(entry: LogEntry): void {
    if (this.#entries.length > 0 && !follows(entry.zxid, this.max)) {
      mark('window.log-with-a-hole')
      this.reset(entry.zxid)
    }
    this.add(entry)
  }

  /** The history has been replaced, or cut back: it stands at `lastZxid`, and nothing is known of it. */
  reset(lastZxid: Zxid): void {
    this.#entries.clear()
    this.#byteCount = 0
    this.#lastZxid = lastZxid
  }

  /** An epoch has begun without a transaction of its own: an empty window stands there, too. */
  moveTo(lastZxid: Zxid): void {
    if (this.#entries.length === 0) this.#lastZxid = lastZxid
  }
}

/** Whether nothing can be missing between `before` and `zxid`, as far as they tell. */
export function follows(zxid: Zxid, before: Zxid): boolean {
  if (epochOf(zxid) === epochOf(before)) return zxid === nextZxid(before)
  return zxid > before && counterOf(zxid) === 1
}

const gapOf = (before: Zxid, zxid: Zxid): string =>
  `${formatZxid(zxid)} was committed behind ${formatZxid(before)}`
