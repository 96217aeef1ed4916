// Makes proposals of requests: writes the transaction, gives it to the leader and to the log, and
// remembers for whom. What is committed comes back out in the same order. It knows no frames and
// sends nothing.

import { assert } from '../../base/assert.ts'
import { Ring } from '../../base/ring.ts'
import { EMPTY_BYTES } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import { type JuteReader, MalformedRecord } from '../jute/reader.ts'
import type { JuteWriter } from '../jute/writer.ts'
import { SERVER_IDENTITIES } from '../pipeline/identities.ts'
import { Preparer } from '../pipeline/prepare.ts'
import type { PipelineSettings } from '../pipeline/settings.ts'
import { UnusableRequest } from '../pipeline/unusable-request.ts'
import { WriteRequest } from '../pipeline/write-request.ts'
import { OpCode } from '../records/opcodes.ts'
import type { TrackedSession } from '../session/session-tracker.ts'
import type { Database } from '../tree/database.ts'
import type { Leader } from '../zab/leader.ts'
import type { LogEntry } from '../zab/log-entry.ts'
import type { ClientConnection } from './client-connection.ts'
import { TxnArena } from './txn-arena.ts'

/** A proposal that is not applied yet. */
export interface Proposal {
  readonly entry: LogEntry
  readonly op: number
  /** Who waits for the answer; null for what the server does on its own. */
  readonly connection: ClientConnection | null
  /** The session that begins or ends. */
  readonly session: TrackedSession | null
}

export class Proposer {
  readonly preparer: Preparer
  readonly #leader: Leader
  /** Where entries go that are to be made durable. */
  readonly #append: LogEntry[]
  readonly #arena = new TxnArena()
  readonly #request = new WriteRequest()
  readonly #inFlight = new Ring<Proposal>()

  constructor(
    database: Database,
    leader: Leader,
    settings: PipelineSettings,
    fieldBytesMax: number,
    append: LogEntry[],
  ) {
    this.preparer = new Preparer(database, settings, fieldBytesMax)
    this.#leader = leader
    this.#append = append
  }

  /** Proposals that are not applied yet. */
  get count(): number {
    return this.#inFlight.length
  }

  /** A client's write, its body where `reader` stands. Returns its zxid; null if it is unreadable. */
  proposeWrite(
    connection: ClientConnection,
    op: number,
    xid: number,
    reader: JuteReader,
    wallMs: number,
  ): Zxid | null {
    const session = connection.session!
    const request = this.#begin(connection.sessionHigh, connection.sessionLow, op, wallMs)
    request.isSessionAlive = !session.closing
    request.cxid = xid
    request.identities = connection.identities
    request.bytes = reader.bytes
    request.start = reader.position
    request.end = reader.end
    const out = this.#arena.begin()
    const start = out.position
    try {
      this.preparer.prepareRequest(request, out)
    } catch (problem) {
      const isRefused = problem instanceof MalformedRecord || problem instanceof UnusableRequest
      if (!isRefused) throw problem
      out.position = start
      return null
    }
    return this.#propose(out, start, connection, op === OpCode.closeSession ? session : null)
  }

  proposeSession(connection: ClientConnection, session: TrackedSession, wallMs: number): void {
    const { sessionHigh, sessionLow } = connection
    const request = this.#begin(sessionHigh, sessionLow, OpCode.createSession, wallMs)
    const out = this.#arena.begin()
    const start = out.position
    this.preparer.prepareCreateSession(request, session.timeoutMs, out)
    this.#propose(out, start, connection, session)
  }

  /** A session's time has run out. */
  proposeExpiry(session: TrackedSession, wallMs: number): void {
    const high = Number(BigInt.asIntN(32, session.id >> 32n))
    const low = Number(BigInt.asIntN(32, session.id))
    const request = this.#begin(high, low, OpCode.closeSession, wallMs)
    const out = this.#arena.begin()
    const start = out.position
    this.preparer.prepareRequest(request, out)
    this.#propose(out, start, null, session)
  }

  /** A container is empty, or a node's time to live is over. */
  proposeRemoval(path: string, wallMs: number): void {
    const request = this.#begin(0, 0, OpCode.deleteContainer, wallMs)
    const out = this.#arena.begin()
    const start = out.position
    this.preparer.prepareContainerRemoval(path, request, out)
    this.#propose(out, start, null, null)
  }

  /** The next proposal that has been committed and is to be applied; undefined where there is none. */
  takeCommitted(): Proposal | undefined {
    const entry = this.#leader.takeCommitted()
    if (entry === undefined) return undefined
    const proposal = this.#inFlight.shift()
    assert(
      proposal.entry === entry,
      () => `${entry.zxid} committed, ${proposal.entry.zxid} awaited`,
    )
    return proposal
  }

  #begin(sessionHigh: number, sessionLow: number, op: number, wallMs: number): WriteRequest {
    const request = this.#request
    request.sessionHigh = sessionHigh
    request.sessionLow = sessionLow
    request.isSessionAlive = true
    request.cxid = 0
    request.op = op
    request.zxid = this.#leader.nextZxid
    request.timeMs = wallMs
    request.identities = SERVER_IDENTITIES
    request.bytes = EMPTY_BYTES
    request.start = 0
    request.end = 0
    return request
  }

  #propose(
    out: JuteWriter,
    start: number,
    connection: ClientConnection | null,
    session: TrackedSession | null,
  ): Zxid {
    const { zxid, op } = this.#request
    const entry = { zxid, bytes: out.bytes, start, end: out.position }
    this.#leader.propose(entry)
    this.#append.push(entry)
    this.#inFlight.push({ entry, op, connection, session })
    return zxid
  }
}
