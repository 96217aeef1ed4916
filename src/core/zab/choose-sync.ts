// How a learner is brought to the leader's history: by what it lacks, by cutting off what it has
// too much, or by the whole database (ZooKeeper 3.9 `LearnerHandler.syncFollower` and
// `queueCommittedProposals`). A pure choice: it reads the history, changes nothing, and where there
// is any doubt the database is sent. What has to be sent is not collected but walked through as the
// link takes it, because logs may be large.

import { mark } from '../../base/marks.ts'
import { counterOf, epochOf, type Zxid, ZXID_ZERO } from '../../base/zxid.ts'
import { follows } from './committed-window.ts'
import type { CommittedWindow, History, LogCursor } from './history.ts'
import type { LogEntry } from './log-entry.ts'
import type { ZabFaults } from './zab-faults.ts'

export type SyncPlan =
  | { readonly kind: 'snap' }
  | {
      /** Keep everything; or cut off what is behind `zxid`. */
      readonly kind: 'diff' | 'trunc'
      readonly zxid: Zxid
      /** What the learner gets as committed. */
      readonly missing: HistoryWalk
      /** The last of it; what it has then where nothing is missing. */
      readonly last: Zxid
    }

export interface SyncChoice {
  readonly history: History
  /** `forceSnapshotSync`: for those who want to see each learner start from a whole database. */
  readonly forceSnapshotSync: boolean
  readonly faults: Pick<ZabFaults, 'neverTruncates' | 'ignoresForeignTail'>
}

/** What a learner needs whose log ends with `peerLast`. */
export function chooseSync(peerLast: Zxid, choice: SyncChoice): SyncPlan {
  const { history, faults } = choice
  if (choice.forceSnapshotSync || peerLast < 0) return SNAP
  const { committed } = history
  const last = history.lastZxid
  const min = committed.length === 0 ? last : committed.min
  const max = committed.length === 0 ? last : committed.max
  if (last === peerLast) return diff(peerLast, nothingMissing(), peerLast)
  if (peerLast > max) return aheadOf(max, last, peerLast, faults)
  if (peerLast >= min) return fromWindow(peerLast, committed, faults)
  return fromLog(peerLast, max, history, faults)
}

/** The learner ends behind all that is committed. */
function aheadOf(max: Zxid, last: Zxid, peerLast: Zxid, faults: SyncChoice['faults']): SyncPlan {
  // An epoch's zxid without a counter is no transaction that could be cut off, and who has it got
  // it with a whole database: that is what it gets again.
  if (counterOf(peerLast) === 0) return SNAP
  if (!faults.neverTruncates && isUncertainCut(max, last, peerLast)) {
    mark('sync.snap-over-tail')
    return SNAP
  }
  if (faults.neverTruncates) return diff(peerLast, nothingMissing(), max)
  mark('sync.trunc')
  return { kind: 'trunc', zxid: max, missing: nothingMissing(), last: max }
}

/**
 * Whether `max` may be nowhere in the log of a learner that is ahead of it, so that there is no place
 * to cut at (ZooKeeper cuts all the same, one transaction too late). A tail of a later epoch may
 * stand on a database received as the beginning of that epoch. Ours takes the place of both for
 * good if it is of a later epoch still, or if the tail is of our own and goes on from here; only a
 * leader that has yet to be established has to cut.
 */
function isUncertainCut(max: Zxid, last: Zxid, peerLast: Zxid): boolean {
  if (counterOf(max) === 0) return true
  return epochOf(peerLast) !== epochOf(max) && epochOf(peerLast) <= epochOf(last)
}

/** Goes once through what a learner lacks: first from the log, then from memory. */
export class HistoryWalk {
  #first: LogEntry | null
  #log: LogCursor | null
  readonly #recent: readonly LogEntry[]
  #index = 0
  /** What the learner has got last: from the log, it gets only what follows that. */
  #previous: Zxid
  /** The log did not lead up to what is in memory: what was sent is right, but not all. */
  isBroken = false

  /**
   * `log` comes before `recent`, and `first`, unless null, has been taken from it already; `before`
   * is where the learner stands then. The walk closes the log.
   */
  constructor(
    recent: readonly LogEntry[],
    log: LogCursor | null = null,
    first: LogEntry | null = null,
    before: Zxid = ZXID_ZERO,
  ) {
    this.#previous = before
    this.#first = first
    this.#log = log
    this.#recent = recent
  }

  /** The next transaction; null at the end, and where the walk {@link isBroken}. */
  next(): LogEntry | null {
    if (this.#log !== null) {
      const entry = this.#nextOfLog(this.#log)
      if (entry !== null || this.isBroken) return entry
    }
    return this.#recent[this.#index++] ?? null
  }

  close(): void {
    this.#log?.close()
    this.#log = null
    this.#index = this.#recent.length
  }

  /** Null where the log has reached what is in memory: only meeting it proves that none is missing. */
  #nextOfLog(log: LogCursor): LogEntry | null {
    const entry = this.#first ?? log.next()
    this.#first = null
    const isMissing =
      entry === null || entry.zxid > this.#recent[0]!.zxid || !follows(entry.zxid, this.#previous)
    if (isMissing) {
      mark('sync.log-with-a-hole')
      this.isBroken = true
      this.close()
      return null
    }
    this.#previous = entry.zxid
    if (entry.zxid === this.#recent[0]!.zxid) {
      log.close()
      this.#log = null
      return null
    }
    return entry
  }
}

/** The learner's end is within what is in memory. */
function fromWindow(
  peerLast: Zxid,
  committed: CommittedWindow,
  faults: SyncChoice['faults'],
): SyncPlan {
  let index = 0
  while (index < committed.length && committed.at(index).zxid < peerLast) index++
  const found = index < committed.length ? committed.at(index) : null
  const before = index > 0 ? committed.at(index - 1).zxid : null
  const opening = openingOf(peerLast, found, before, faults)
  if (opening === null) return SNAP
  const start = found !== null && found.zxid === peerLast ? index + 1 : index
  const recent: LogEntry[] = []
  for (let i = start; i < committed.length; i++) recent.push(committed.at(i))
  return planOf(opening, new HistoryWalk(recent), committed.max)
}

/** The learner's end is older than what is in memory; the log may still have it. */
function fromLog(
  peerLast: Zxid,
  max: Zxid,
  history: History,
  faults: SyncChoice['faults'],
): SyncPlan {
  const { committed } = history
  // Without anything in memory there is nothing that the log could be seen to lead up to.
  const log = committed.length === 0 ? null : history.openLog(peerLast)
  if (log === null) return SNAP
  let before: Zxid | null = null
  let found = log.next()
  while (found !== null && found.zxid < peerLast) {
    before = found.zxid
    found = log.next()
  }
  const opening = found === null ? null : openingOf(peerLast, found, before, faults)
  if (opening === null) {
    log.close()
    return SNAP
  }
  mark('sync.from-log')
  const recent: LogEntry[] = []
  for (let i = 0; i < committed.length; i++) recent.push(committed.at(i))
  const first = found!.zxid === peerLast ? null : found
  const stands = opening.cutAt ?? peerLast
  return planOf(opening, new HistoryWalk(recent, log, first, stands), max)
}

interface Opening {
  /** Where the learner is cut off; null where it keeps everything. */
  readonly cutAt: Zxid | null
}

/**
 * How a learner that ends at `peerLast` begins, given the first of our transactions that is not
 * below and the one before that. Null: only a whole database is certain to be right.
 */
function openingOf(
  peerLast: Zxid,
  found: LogEntry | null,
  before: Zxid | null,
  faults: SyncChoice['faults'],
): Opening | null {
  // An epoch's zxid without a counter is never in a log: it stands for all that was before it.
  if (counterOf(peerLast) === 0) return KEEP
  if (found === null) return null
  if (found.zxid === peerLast) return KEEP
  // What the learner has at its end is not ours. It can be cut back within one epoch; across an
  // epoch's end, nothing tells how far (ZOOKEEPER-2832).
  if (epochOf(found.zxid) !== epochOf(peerLast)) {
    mark('sync.foreign-tail')
    return faults.ignoresForeignTail ? KEEP : null
  }
  if (before === null) return null
  return faults.neverTruncates ? KEEP : { cutAt: before }
}

function planOf(opening: Opening, missing: HistoryWalk, last: Zxid): SyncPlan {
  if (opening.cutAt === null) return diff(last, missing, last)
  mark('sync.trunc-and-go-on')
  return { kind: 'trunc', zxid: opening.cutAt, missing, last }
}

const diff = (zxid: Zxid, missing: HistoryWalk, last: Zxid): SyncPlan => ({
  kind: 'diff',
  zxid,
  missing,
  last,
})

const nothingMissing = (): HistoryWalk => new HistoryWalk([])

const KEEP: Opening = { cutAt: null }
const SNAP: SyncPlan = { kind: 'snap' }
