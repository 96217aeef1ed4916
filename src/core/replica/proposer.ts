// Makes proposals of requests, those of this server's clients and those that learners pass on:
// writes the transaction, gives it to the order, and remembers for whom. What is committed comes
// back in the same order. It knows no frames and sends nothing.

import { assert } from '../../base/assert.ts'
import { Ring } from '../../base/ring.ts'
import type { SessionId } from '../../base/session-id.ts'
import { EMPTY_BYTES } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import { JuteReader, MalformedRecord } from '../jute/reader.ts'
import type { JuteWriter } from '../jute/writer.ts'
import { Identities, SERVER_IDENTITIES } from '../pipeline/identities.ts'
import { Preparer } from '../pipeline/prepare.ts'
import type { Reconfigurator } from '../pipeline/reconfigurator.ts'
import type { PipelineSettings } from '../pipeline/settings.ts'
import { UnusableRequest } from '../pipeline/unusable-request.ts'
import { WriteRequest } from '../pipeline/write-request.ts'
import type { Membership } from '../quorum/membership.ts'
import { ErrorCode } from '../records/errors.ts'
import { OpCode, opKind } from '../records/opcodes.ts'
import type { TrackedSession } from '../session/session-tracker.ts'
import type { Database } from '../tree/database.ts'
import type { LogEntry } from '../zab/log-entry.ts'
import type { ForwardedRequest } from '../zab/zab-host.ts'
import type { ClientConnection } from './client-connection.ts'
import { type SessionDesk, OWNED_HERE } from './session-desk.ts'
import type { StepTime } from './step-time.ts'
import { TxnArena } from './txn-arena.ts'
import { sessionIdFrom, txnType } from './txn-peek.ts'
import type { Writes } from './writes.ts'

/** Where proposals go to be ordered and made durable. */
export interface Order {
  /** The zxid that the next proposal has to carry. */
  readonly nextZxid: Zxid
  readonly lastProposed: Zxid
  propose(entry: LogEntry, membership: Membership | null): void
}

/** Plans a reconfiguration, and keeps what was planned for the proposal of it. */
export interface PlannedReconfigurator extends Reconfigurator {
  /** The membership that the transaction just prepared proposes; null for any other. */
  takePlanned(): Membership | null
}

/** A proposal that is not applied yet. */
interface Proposal {
  readonly entry: LogEntry
  /** Who waits for the answer; null for what the server does on its own, or for a learner. */
  readonly connection: ClientConnection | null
}

/** A `sync` that waits for everything proposed before it. */
interface WaitingSync {
  readonly connection: ClientConnection
  readonly after: Zxid
}

export class Proposer implements Writes {
  readonly isReadOnly: boolean = false
  /** What does not become a transaction is unreadable. */
  readonly refusal: number = ErrorCode.MarshallingError
  readonly preparer: Preparer
  readonly #order: Order
  readonly #reconfigurator: PlannedReconfigurator | null
  readonly #sessions: SessionDesk
  readonly #time: StepTime
  readonly #onSynced: (connection: ClientConnection) => void
  readonly #arena = new TxnArena()
  readonly #request = new WriteRequest()
  readonly #reader = new JuteReader(EMPTY_BYTES)
  readonly #inFlight = new Ring<Proposal>()
  readonly #syncs = new Ring<WaitingSync>()

  /** `onSynced` is told of each connection whose oldest `sync` is done. */
  constructor(
    database: Database,
    order: Order,
    sessions: SessionDesk,
    settings: PipelineSettings,
    fieldBytesMax: number,
    time: StepTime,
    onSynced: (connection: ClientConnection) => void,
    reconfigurator: PlannedReconfigurator | null = null,
  ) {
    this.preparer = new Preparer(database, settings, fieldBytesMax, reconfigurator)
    this.#reconfigurator = reconfigurator
    this.#order = order
    this.#sessions = sessions
    this.#time = time
    this.#onSynced = onSynced
  }

  /** Proposals that are not applied yet. */
  get count(): number {
    return this.#inFlight.length
  }

  get lastProposed(): Zxid {
    return this.#order.lastProposed
  }

  write(connection: ClientConnection, op: number, xid: number, reader: JuteReader): boolean {
    const session = connection.session!
    const request = this.#begin(connection.sessionHigh, connection.sessionLow, op)
    request.sessionError = this.#sessionErrorHere(session, op)
    request.ownerError = request.sessionError
    request.cxid = xid
    request.identities = connection.identities
    request.bytes = reader.bytes
    request.start = reader.position
    request.end = reader.end
    const out = this.#arena.begin()
    const start = out.position
    if (!this.#tryPrepare(out)) {
      out.position = start
      return false
    }
    this.#propose(out, start, connection)
    return true
  }

  /** What a learner passes on always spends a zxid: somebody waits for it there. */
  forwarded(forwarded: ForwardedRequest): void {
    const { op, sessionHigh, sessionLow } = forwarded
    if (op === OpCode.createSession) return this.#createForwarded(forwarded)
    const request = this.#begin(sessionHigh, sessionLow, op)
    const session = this.#sessions.tracker.get(sessionIdFrom(sessionHigh, sessionLow))
    request.sessionError = this.#sessionError(forwarded, session)
    request.ownerError = session === undefined ? ErrorCode.SessionExpired : request.sessionError
    request.cxid = forwarded.cxid
    request.identities = new Identities(forwarded.identities)
    request.bytes = forwarded.bytes
    request.start = forwarded.start
    request.end = forwarded.end
    const out = this.#arena.begin()
    const start = out.position
    if (!isForwardable(op)) {
      this.preparer.prepareRefusal(request, ErrorCode.Unimplemented, out)
    } else if (!this.#tryPrepare(out)) {
      out.position = start
      this.preparer.prepareRefusal(request, ErrorCode.MarshallingError, out)
    }
    this.#propose(out, start, null)
  }

  beginSession(connection: ClientConnection, session: TrackedSession): void {
    session.owner = OWNED_HERE
    if (session.scope === 'upgrading') {
      this.#sessions.tracker.add(session.id, session.timeoutMs, this.#time.nowMs).owner = OWNED_HERE
    }
    const { sessionHigh, sessionLow } = connection
    this.#proposeSession(sessionHigh, sessionLow, session.timeoutMs, connection)
  }

  sync(connection: ClientConnection): boolean {
    if (this.#inFlight.length === 0) return false
    this.#syncs.push({ connection, after: this.lastProposed })
    return true
  }

  revalidate(_session: SessionId, _timeoutMs: number): void {
    assert(false, 'who orders sessions itself knows which of them live')
  }

  /** A session's time has run out. */
  proposeExpiry(session: SessionId): void {
    const high = Number(BigInt.asIntN(32, session >> 32n))
    const low = Number(BigInt.asIntN(32, session))
    this.#begin(high, low, OpCode.closeSession)
    const out = this.#arena.begin()
    const start = out.position
    this.preparer.prepareRequest(this.#request, out)
    this.#propose(out, start, null)
  }

  /** A container is empty, or a node's time to live is over. */
  proposeRemoval(path: string): void {
    const request = this.#begin(0, 0, OpCode.deleteContainer)
    const out = this.#arena.begin()
    const start = out.position
    this.preparer.prepareContainerRemoval(path, request, out)
    this.#propose(out, start, null)
  }

  take(entry: LogEntry): ClientConnection | null {
    const proposal = this.#inFlight.shift()
    assert(
      proposal.entry === entry,
      () => `${entry.zxid} committed, ${proposal.entry.zxid} awaited`,
    )
    const { connection } = proposal
    return connection === null || connection.state === 'closed' ? null : connection
  }

  applied(zxid: Zxid): void {
    this.preparer.applied(zxid)
    for (let next = this.#syncs.peek(); next !== undefined; next = this.#syncs.peek()) {
      if (next.after > zxid) break
      this.#syncs.shift()
      if (next.connection.state !== 'closed') this.#onSynced(next.connection)
    }
  }

  #createForwarded({ from, sessionHigh, sessionLow, bytes, start, end }: ForwardedRequest): void {
    const reader = this.#reader
    reader.reset(bytes, start, end)
    const timeoutMs = reader.remaining >= 4 ? reader.int() : 0
    const id = sessionIdFrom(sessionHigh, sessionLow)
    const session = this.#sessions.tracker.add(id, timeoutMs, this.#time.nowMs)
    session.owner = from
    this.#proposeSession(sessionHigh, sessionLow, timeoutMs, null)
  }

  /** Who may write for a session: the server that its client came through last. */
  #sessionError(
    { from, op, sessionHigh }: ForwardedRequest,
    session: TrackedSession | undefined,
  ): number {
    if (session === undefined) return this.#unknownSessionError(sessionHigh)
    if (op === OpCode.closeSession) {
      this.#sessions.tracker.markClosing(session)
      return ErrorCode.Ok
    }
    if (session.closing && !this.#sessions.missesLateEphemerals) return ErrorCode.SessionExpired
    if (session.owner === null) session.owner = from
    return session.owner === from ? ErrorCode.Ok : ErrorCode.SessionMoved
  }

  /** A client that has gone on to another server may have left an old connection here. */
  #sessionErrorHere(session: TrackedSession, op: number): number {
    if (session.closing) return ErrorCode.SessionExpired
    const isHere = session.owner === OWNED_HERE || session.owner === null
    return isHere || op === OpCode.closeSession ? ErrorCode.Ok : ErrorCode.SessionMoved
  }

  /** A session that is unknown here may be local to the server that passes its requests on. */
  #unknownSessionError(sessionHigh: number): number {
    return this.#sessions.local !== null && !this.#sessions.isOwnId(sessionHigh)
      ? ErrorCode.Ok
      : ErrorCode.SessionExpired
  }

  #proposeSession(
    high: number,
    low: number,
    timeoutMs: number,
    connection: ClientConnection | null,
  ): void {
    const request = this.#begin(high, low, OpCode.createSession)
    const out = this.#arena.begin()
    const start = out.position
    this.preparer.prepareCreateSession(request, timeoutMs, out)
    this.#propose(out, start, connection)
  }

  /** False: what was to be read is none of our records. */
  #tryPrepare(out: JuteWriter): boolean {
    try {
      this.preparer.prepareRequest(this.#request, out)
      return true
    } catch (problem) {
      const isRefused = problem instanceof MalformedRecord || problem instanceof UnusableRequest
      if (!isRefused) throw problem
      return false
    }
  }

  #begin(sessionHigh: number, sessionLow: number, op: number): WriteRequest {
    const request = this.#request
    request.sessionHigh = sessionHigh
    request.sessionLow = sessionLow
    request.sessionError = ErrorCode.Ok
    request.ownerError = ErrorCode.Ok
    request.cxid = 0
    request.op = op
    request.zxid = this.#order.nextZxid
    request.timeMs = this.#time.wallMs
    request.identities = SERVER_IDENTITIES
    request.bytes = EMPTY_BYTES
    request.start = 0
    request.end = 0
    return request
  }

  #propose(out: JuteWriter, start: number, connection: ClientConnection | null): void {
    const entry = { zxid: this.#request.zxid, bytes: out.bytes, start, end: out.position }
    this.#inFlight.push({ entry, connection })
    // A refused reconfiguration is planned as well, but its transaction proposes nothing.
    const planned = this.#reconfigurator?.takePlanned() ?? null
    this.#order.propose(entry, txnType(entry) === OpCode.reconfig ? planned : null)
  }
}

const isForwardable = (op: number): boolean =>
  opKind(op) === 'write' || op === OpCode.check || op === OpCode.deleteContainer
