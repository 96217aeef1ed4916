// The one history of an ensemble: every transaction that any server has taken for committed, in
// order, each with the request that asked for it and the state that follows in the model. It checks,
// in the words of the Zab specification, Integrity and Agreement (every server takes the same
// transactions for committed), PrefixConsistency, TotalOrder, LocalPrimaryOrder, GlobalPrimaryOrder,
// PrimaryIntegrity, CommitQuorum, ConfigOverlap, NoLostCommit; and that digests are right. It learns of
// transactions from the disks alone, and of epochs from what leaders say.

import { formatSessionId } from '../../../base/session-id.ts'
import { mark } from '../../../base/marks.ts'
import { decodeUtf8, equalBytes } from '../../../base/text.ts'
import { type Zxid, ZXID_ZERO, counterOf, epochOf, formatZxid } from '../../../base/zxid.ts'
import type { Membership } from '../../../core/quorum/membership.ts'
import { membershipOf } from '../../../core/quorum/membership-text.ts'
import { WORLD_READ } from '../../../core/records/acl.ts'
import { ErrorCode } from '../../../core/records/errors.ts'
import { OpCode } from '../../../core/records/opcodes.ts'
import { EventType } from '../../../core/records/watches.ts'
import type { DeliveredWrite, HistoryEntry, HistoryView } from '../../checkers/history.ts'
import { type ServiceRules, judgeTxn } from '../../checkers/txn-judge.ts'
import { Violation } from '../../checkers/violation.ts'
import { ModelDraft } from '../../model/model-apply.ts'
import type { Answer } from '../../model/model-read.ts'
import { type ModelState, emptyState } from '../../model/model-state.ts'
import type { ModelTxn } from '../../model/model-txn.ts'
import { DeliveredWrites } from './delivered-writes.ts'

/** Whether a quorum is sure to hold a transaction. */
export type QuorumCheck = (zxid: Zxid, members: Membership) => boolean

interface Epoch {
  readonly leader: number
  /** The end of the history with which its leader began. */
  readonly base: Zxid
}

export class Ledger implements HistoryView {
  readonly #rules: ServiceRules
  readonly #isOnQuorum: QuorumCheck
  readonly #start: ModelState = emptyState()
  readonly #found = new Map<Zxid, ModelTxn>()
  readonly #epochs = new Map<number, Epoch>()
  readonly #writes = new DeliveredWrites()
  /** Sessions that ever were, and where each began: an id is never given out twice. */
  readonly #sessionsSeen = new Map<bigint, Zxid>()
  readonly #proposedSessions = new Set<bigint>()
  readonly #entries: HistoryEntry[] = []
  /** Those that were decided, oldest first. */
  readonly #memberships: Membership[]
  /** Sessions of the operator, whose requests nobody has seen. */
  readonly #operators = new Set<bigint>()
  #committed: Zxid = ZXID_ZERO

  /** `membership` is that of the beginning. */
  constructor(rules: ServiceRules, membership: Membership, isOnQuorum: QuorumCheck) {
    this.#rules = rules
    this.#memberships = [membership]
    this.#isOnQuorum = isOnQuorum
  }

  /** The last transaction known to be committed. */
  get last(): Zxid {
    return this.#entries.at(-1)?.zxid ?? ZXID_ZERO
  }

  /** What nothing can take away any more: the last transaction, or the beginning of an epoch. */
  get durable(): Zxid {
    return this.#committed
  }

  get count(): number {
    return this.#entries.length
  }

  /** The newest epoch in which a server has served. */
  get servedEpoch(): number {
    return epochOf(this.#committed)
  }

  get epochCount(): number {
    return this.#epochs.size
  }

  stateAt(zxid: Zxid): ModelState {
    const at = this.#indexAfter(zxid)
    return at === 0 ? this.#start : (this.#entries[at - 1] as HistoryEntry).state
  }

  between(after: Zxid, until: Zxid): readonly HistoryEntry[] {
    return this.#entries.slice(this.#indexAfter(after), this.#indexAfter(until))
  }

  isClosed(session: bigint): boolean {
    return this.#sessionsSeen.has(session) && !this.stateAt(this.last).sessions.has(session)
  }

  beginningOf(session: bigint): Zxid | undefined {
    return this.#sessionsSeen.get(session)
  }

  isBeginning(session: bigint): boolean {
    return this.#proposedSessions.has(session)
  }

  deliver(write: DeliveredWrite): void {
    this.#writes.deliver(write)
  }

  wanted(session: bigint, connection: number): void {
    this.#writes.wanted(session, connection)
  }

  attached(session: bigint, connection: number): void {
    this.#writes.attached(session, connection)
  }

  /**
   * What is committed by now, unless a newer epoch has begun elsewhere: the leader that answers a
   * `sync` asks nobody whether it still leads.
   */
  syncPoint(applied: Zxid): Zxid {
    return epochOf(this.#committed) <= epochOf(applied) ? this.#committed : ZXID_ZERO
  }

  /** Whether two servers at these places have the same transactions. */
  isSame(a: Zxid, b: Zxid): boolean {
    return this.#last(a) === this.#last(b)
  }

  /** A transaction was found: a zxid means the same one everywhere and for ever. */
  found(txn: ModelTxn, where: string): void {
    const { zxid } = txn.header
    const known = this.#found.get(zxid)
    if (known === undefined) {
      this.#found.set(zxid, txn)
      if (txn.type === OpCode.createSession) this.#proposedSessions.add(txn.header.clientId)
    } else if (!equalBytes(known.bytes, txn.bytes)) {
      throw new Violation('Integrity', `${formatZxid(zxid)} is another transaction ${where}`)
    }
  }

  /** A leader has its epoch, and wants others to begin with its history up to `base`. */
  began(epoch: number, leader: number, base: Zxid): void {
    const known = this.#epochs.get(epoch)
    if (known === undefined) {
      this.#epochs.set(epoch, { leader, base })
    } else if (known.leader !== leader) {
      throw new Violation(
        'Leadership1',
        `servers ${known.leader} and ${leader} both lead in epoch ${epoch}`,
      )
    }
  }

  get membership(): Membership {
    return this.#memberships.at(-1) as Membership
  }

  /** A proposed membership outlived the transaction that proposed it, and was decided with an epoch. */
  decide(membership: Membership): void {
    this.#memberships.push(membership)
    mark('members change without a transaction')
  }

  get memberships(): readonly Membership[] {
    return this.#memberships
  }

  isOperators(session: bigint): void {
    this.#operators.add(session)
  }

  leaderOf(epoch: number): number | null {
    return this.#epochs.get(epoch)?.leader ?? null
  }

  /** A server that serves has everything up to `zxid` in its database. */
  committed(zxid: Zxid, by: string): void {
    if (zxid <= this.#committed) {
      this.#requireKnown(zxid, by)
      return
    }
    const before = this.#last(this.#committed)
    const chain: Zxid[] = []
    let at = this.#last(zxid)
    while (at > before) {
      chain.push(at)
      at = this.#before(at)
    }
    if (at !== before) {
      throw new Violation(
        'NoLostCommit',
        `${formatZxid(before)} was committed; the history of ${by} up to ${formatZxid(zxid)} ` +
          `goes on behind ${formatZxid(at)} without it`,
      )
    }
    for (const one of chain.reverse()) this.#append(one, by)
    if (epochOf(zxid) > epochOf(this.#committed)) mark('an epoch begins')
    this.#committed = zxid
  }

  isCommitted(zxid: Zxid): boolean {
    return zxid <= this.#committed && this.#isInHistory(zxid)
  }

  #isInHistory(zxid: Zxid): boolean {
    const last = this.#last(zxid)
    return last === ZXID_ZERO || this.#entries[this.#indexAfter(last) - 1]?.zxid === last
  }

  #requireKnown(zxid: Zxid, by: string): void {
    if (this.#isInHistory(zxid)) return
    throw new Violation(
      'PrefixConsistency',
      `${by} has ${formatZxid(zxid)}, which the others do not have before ${formatZxid(this.#committed)}`,
    )
  }

  /** The transaction that a zxid stands for: that of an epoch's beginning is the one before it. */
  #last(zxid: Zxid): Zxid {
    let at = zxid
    while (at !== ZXID_ZERO && counterOf(at) === 0) at = this.#baseOf(epochOf(at))
    return at
  }

  #before(zxid: Zxid): Zxid {
    return counterOf(zxid) > 1 ? ((zxid - 1) as Zxid) : this.#last(this.#baseOf(epochOf(zxid)))
  }

  #baseOf(epoch: number): Zxid {
    const known = this.#epochs.get(epoch)
    if (known === undefined) {
      throw new Violation('PrimaryIntegrity', `nobody has ever led in epoch ${epoch}`)
    }
    return known.base
  }

  #append(zxid: Zxid, by: string): void {
    // The question comes first: to answer it the disks are looked at.
    const isOnQuorum = this.#isOnQuorum(zxid, this.membership)
    const txn = this.#found.get(zxid)
    if (txn === undefined || !isOnQuorum) {
      throw new Violation(
        'CommitQuorum',
        `${by} takes ${formatZxid(zxid)} for committed, which ${txn === undefined ? 'no disk' : 'no quorum of disks'} holds`,
      )
    }
    const before = this.#entries.at(-1)?.state ?? this.#start
    const { clientId, time } = txn.header
    const isOperators = this.#operators.has(clientId)
    const write = isOperators ? null : this.#writes.claim(txn)
    if (txn.type === OpCode.createSession) {
      // One of a single server becomes everybody's once, and then never again.
      if (this.#sessionsSeen.has(clientId)) {
        throw new Violation('history', `session ${formatSessionId(clientId)} begins again`)
      }
      this.#sessionsSeen.set(clientId, zxid)
    }
    const draft = new ModelDraft(before, { zxid, session: clientId, timeMs: time })
    const answer =
      txn.type === OpCode.reconfig
        ? this.#reconfigure(draft, txn)
        : this.#judge(before, draft, txn, write)
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

  /** What must be on a quorum of the old members is on one of the new ones, too. */
  #reconfigure(draft: ModelDraft, txn: ModelTxn): Answer {
    const { zxid } = txn.header
    const text = decodeUtf8(txn.body['data'] as Uint8Array)
    const membership = membershipOf(text)
    if (membership.version !== zxid || membership.version <= this.membership.version) {
      throw new Violation('ConfigOverlap', `${formatZxid(zxid)} decides on ${text}`)
    }
    if (!this.#isOnQuorum(zxid, membership)) {
      throw new Violation(
        'ConfigOverlap',
        `${formatZxid(zxid)} is committed, but not on a quorum of the members that it decides on`,
      )
    }
    this.#memberships.push(membership)
    mark('members change')
    const path = '/zookeeper/config'
    draft.events.push({ zxid, type: EventType.nodeDataChanged, path, acl: WORLD_READ })
    return { error: ErrorCode.Ok, body: null }
  }

  #judge(
    before: ModelState,
    draft: ModelDraft,
    txn: ModelTxn,
    write: DeliveredWrite | null,
  ): Answer {
    if (write === null || !isMoved(txn)) {
      // Some errors come before the question of whose session it is, and an empty multi asks none.
      if (write !== null && isEffective(txn)) this.#writes.requireOwner(txn, write)
      const hasBegun = (session: bigint): boolean => this.#sessionsSeen.has(session)
      return judgeTxn(this.#rules, before, draft, txn, write, hasBegun)
    }
    this.#writes.requireMoved(txn, write)
    return { error: ErrorCode.SessionMoved, body: null }
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

const isEffective = ({ type, parts }: ModelTxn): boolean =>
  parts === null
    ? type !== OpCode.error
    : parts.length > 0 && parts.every((part) => part.type !== OpCode.error)

/** Refused because it came over a connection that the session has left. */
function isMoved(txn: ModelTxn): boolean {
  const { type, body } = txn.parts?.[0] ?? txn
  return type === OpCode.error && body['err'] === ErrorCode.SessionMoved
}
