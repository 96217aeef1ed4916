// The one history: every transaction that the server's log holds, each with the request that asked
// for it and the state that follows from it in the model. It checks that every transaction has its
// cause, comes once and in its session's order, that nothing durable is ever lost or changed, and
// that digests are right; whether it is the right transaction is for `txn-judge.ts` to say. It
// learns of transactions from the disk alone.

import { formatSessionId } from '../../base/session-id.ts'
import { mark } from '../../base/marks.ts'
import { equalBytes } from '../../base/text.ts'
import { type Zxid, ZXID_ZERO, formatZxid } from '../../base/zxid.ts'
import type { Id } from '../../core/records/acl.ts'
import { OpCode, opName } from '../../core/records/opcodes.ts'
import { ModelDraft, type ModelEvent } from '../model/model-apply.ts'
import type { Answer } from '../model/model-read.ts'
import type { ModelRequest } from '../model/model-request.ts'
import { type ModelState, emptyState } from '../model/model-state.ts'
import { LogFollower, type ModelTxn } from '../model/model-txn.ts'
import { type ServiceRules, judgeTxn } from './txn-judge.ts'
import { Violation } from './violation.ts'

/** A write as it reached the server. */
export interface DeliveredWrite {
  readonly session: bigint
  readonly connection: number
  readonly request: ModelRequest
  /** The identities of the connection at that time. */
  readonly ids: readonly Id[]
  /** What became of it, once its transaction is known. */
  entry: HistoryEntry | null
  /** Its connection is gone: it may never have been looked at. */
  isOrphan: boolean
}

export interface HistoryEntry {
  readonly zxid: Zxid
  readonly txn: ModelTxn
  readonly state: ModelState
  readonly events: readonly ModelEvent[]
  /** What the client that asked for it is to be told. */
  readonly answer: Answer
  readonly write: DeliveredWrite | null
}

/** The files of a server, as a program sees them or as the medium holds them. */
export interface DiskView {
  readonly logs: readonly string[]
  readonly snapshots: readonly string[]
  read(path: string): Uint8Array | null
}

/** What the checker of a server's wire needs to know of the history, and tells it. */
export interface HistoryView {
  /** The last transaction that nothing can take away. */
  readonly durable: Zxid
  stateAt(zxid: Zxid): ModelState
  between(after: Zxid, until: Zxid): readonly HistoryEntry[]
  isClosed(session: bigint): boolean
  beginningOf(session: bigint): Zxid | undefined
  deliver(write: DeliveredWrite): void
  /** A connection asks for the session; whether it gets it is not known yet. */
  wanted?(session: bigint, connection: number): void
  /** A connection serves the session from now on. */
  attached?(session: bigint, connection: number): void
  /** Whether a transaction that begins the session has been proposed, be it committed or not. */
  isBeginning?(session: bigint): boolean
  /** Whether a server that stands there has nothing but what is committed. */
  isCommitted?(zxid: Zxid): boolean
  /** What the answer to a `sync` that reaches a server with everything up to `applied` must show. */
  syncPoint?(applied: Zxid): Zxid
}

export class History implements HistoryView {
  readonly #rules: ServiceRules
  readonly #start: ModelState = emptyState()
  readonly #writes = new Map<bigint, DeliveredWrite[]>()
  /** Sessions that ever were, and where each began: an id is never given out twice. */
  readonly #sessionsSeen = new Map<bigint, Zxid>()
  #entries: HistoryEntry[] = []
  #followers = new Map<string, LogFollower>()
  #durable: Zxid = ZXID_ZERO

  constructor(rules: ServiceRules) {
    this.#rules = rules
  }

  /** The last transaction known. */
  get last(): Zxid {
    return this.#entries.at(-1)?.zxid ?? ZXID_ZERO
  }

  /** The last transaction that no crash can take away. */
  get durable(): Zxid {
    return this.#durable
  }

  get count(): number {
    return this.#entries.length
  }

  /** The state after a transaction. */
  stateAt(zxid: Zxid): ModelState {
    const at = this.#indexAfter(zxid)
    return at === 0 ? this.#start : (this.#entries[at - 1] as HistoryEntry).state
  }

  /** The transactions behind `after`, up to and with `until`. */
  between(after: Zxid, until: Zxid): readonly HistoryEntry[] {
    return this.#entries.slice(this.#indexAfter(after), this.#indexAfter(until))
  }

  /** Whether there was such a session, and a known transaction has ended it. */
  isClosed(session: bigint): boolean {
    return this.#sessionsSeen.has(session) && !this.stateAt(this.last).sessions.has(session)
  }

  /** The transaction that began a session; undefined for one that never was. */
  beginningOf(session: bigint): Zxid | undefined {
    return this.#sessionsSeen.get(session)
  }

  /** A write has reached the server. */
  deliver(write: DeliveredWrite): void {
    const writes = this.#writes.get(write.session)
    if (writes === undefined) this.#writes.set(write.session, [write])
    else writes.push(write)
  }

  /** Takes in what the medium holds for certain by now. */
  follow(medium: DiskView): void {
    for (const path of medium.snapshots) {
      const zxid = zxidIn(path)
      if (zxid > this.#durable && zxid <= this.last && isSealed(path, medium.read(path))) {
        this.#durable = zxid
      }
    }
    for (const txn of this.#read(medium)) {
      if (txn.header.zxid === this.#durable + 1) this.#durable = txn.header.zxid
    }
  }

  /**
   * The server comes up again and reads `seen`: everything durable must still be what it was. What
   * was written but not durable may be there or not.
   */
  restart(seen: DiskView): void {
    const durable = this.#durable
    this.#dropBehind(durable)
    this.#followers = new Map()
    const known = new Map(this.#entries.map((entry) => [entry.zxid, entry]))
    for (const txn of this.#read(seen)) {
      const entry = known.get(txn.header.zxid)
      if (entry !== undefined && !equalBytes(entry.txn.bytes, txn.bytes)) {
        throw new Violation('durability', `${formatZxid(entry.zxid)} is another transaction now`)
      }
    }
    if (this.last > durable) mark('what was not durable survives a crash')
    this.#followers = new Map()
    // Whatever else had reached the old server died with it.
    this.#writes.clear()
  }

  /**
   * The disk failed, and the server takes back what the disk has not confirmed: nobody was promised
   * any of it, although some may have reached the medium.
   */
  withdraw(confirmed: Zxid): void {
    if (this.#durable <= confirmed) return
    this.#durable = confirmed
    this.#dropBehind(confirmed)
    mark('a failed batch that had reached the medium is taken back')
  }

  /** The server says where it stands after a restart. */
  recovered(zxid: Zxid): void {
    if (zxid < this.#durable) {
      throw new Violation(
        'durability',
        `${formatZxid(this.#durable)} was durable, the server came back with ${formatZxid(zxid)}`,
      )
    }
    if (zxid !== this.last) {
      throw new Violation(
        'recovery',
        `the log ends with ${formatZxid(this.last)}, the server came back with ${formatZxid(zxid)}`,
      )
    }
  }

  #read(files: DiskView): ModelTxn[] {
    const found: ModelTxn[] = []
    for (const path of [...files.logs].sort((a, b) => zxidIn(a) - zxidIn(b))) {
      const content = files.read(path)
      if (content === null) continue
      let follower = this.#followers.get(path)
      if (follower === undefined) {
        follower = new LogFollower()
        this.#followers.set(path, follower)
      }
      for (const txn of follower.next(content)) {
        found.push(txn)
        if (txn.header.zxid > this.last) this.#append(txn)
      }
    }
    return found
  }

  #append(txn: ModelTxn): void {
    const before = this.#entries.at(-1)?.state ?? this.#start
    const { zxid, clientId, time } = txn.header
    if (zxid !== before.zxid + 1) {
      const expected = formatZxid(before.zxid)
      throw new Violation('history', `${formatZxid(zxid)} follows ${expected} in the log`)
    }
    const write = this.#claim(txn)
    if (txn.type === OpCode.createSession) {
      if (this.#sessionsSeen.has(clientId)) {
        throw new Violation('history', `session ${formatSessionId(clientId)} is given out again`)
      }
      this.#sessionsSeen.set(clientId, zxid)
    }
    const draft = new ModelDraft(before, { zxid, session: clientId, timeMs: time })
    const answer = judgeTxn(this.#rules, before, draft, txn, write)
    const { state } = draft
    if (txn.digest !== null && txn.digest !== state.digest) {
      throw new Violation(
        'digest',
        `${formatZxid(zxid)} carries ${txn.digest}, the model has ${state.digest}`,
      )
    }
    const entry: HistoryEntry = { zxid, txn, state, events: draft.events, answer, write }
    this.#entries.push(entry)
    if (write !== null) write.entry = entry
  }

  /** The write that a transaction answers; null for what the server does on its own account. */
  #claim(txn: ModelTxn): DeliveredWrite | null {
    const { clientId, cxid, zxid } = txn.header
    if (cxid === 0) return null
    const writes = this.#writes.get(clientId) ?? []
    const at = writes.findIndex((one) => one.request.xid === cxid)
    const write = writes[at]
    if (write === undefined) {
      throw new Violation(
        'history',
        `nobody asked for ${formatZxid(zxid)}, ${opName(txn.type)} ${cxid} of ${formatSessionId(clientId)}`,
      )
    }
    const skipped = writes
      .slice(0, at)
      .find((one) => one.connection === write.connection && !one.isOrphan)
    if (skipped !== undefined) {
      throw new Violation(
        'session order',
        `${formatZxid(zxid)} answers ${cxid} of ${formatSessionId(clientId)}, ` +
          `but nothing has come of ${skipped.request.xid}, which was sent before it`,
      )
    }
    this.#writes.set(clientId, writes.slice(at + 1))
    return write
  }

  #dropBehind(zxid: Zxid): void {
    for (const { txn, write } of this.#entries.splice(this.#indexAfter(zxid))) {
      if (txn.type === OpCode.createSession) this.#sessionsSeen.delete(txn.header.clientId)
      if (write !== null) this.#giveBack(write)
    }
  }

  #giveBack(write: DeliveredWrite): void {
    write.entry = null
    const writes = [...(this.#writes.get(write.session) ?? []), write]
    this.#writes.set(
      write.session,
      writes.sort((a, b) => a.request.xid - b.request.xid),
    )
  }

  #indexAfter(zxid: Zxid): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#entries[middle] as HistoryEntry).zxid <= zxid) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** The number in the name of a log file or a snapshot. */
export const zxidIn = (path: string): Zxid =>
  Number.parseInt(/\.([0-9a-f]+)(\.gz|\.snappy)?$/.exec(path)?.[1] ?? '', 16) as Zxid

/** A snapshot that was written to its end; of a packed one the name must do. */
export function isSealed(path: string, content: Uint8Array | null): boolean {
  if (content === null) return false
  if (!/\.[0-9a-f]+$/.test(path)) return true
  if (content.length < 60) return false
  return [0, 0, 0, 1, 0x2f].every((byte, at) => content[content.length - 5 + at] === byte)
}
