// Sessions as one server keeps them: who holds which connection, how ids and passwords are given
// out, and when a silent session has to end. It decides; transactions are the replica's to propose.

import { equalBytes } from '../../base/text.ts'
import { type SessionId, sessionIdOf } from '../../base/session-id.ts'
import type { PipelineSettings } from '../pipeline/settings.ts'
import type { ConnectRequest } from '../records/connect.ts'
import { negotiatedTimeoutMs } from '../session/negotiated-timeout.ts'
import { sessionPassword } from '../session/password.ts'
import {
  type SessionTable,
  SessionTracker,
  type TrackedSession,
} from '../session/session-tracker.ts'
import type { Database } from '../tree/database.ts'
import type { ClientConnection } from './client-connection.ts'

/** The owner of sessions whose clients are connected to this server; links have other numbers. */
export const OWNED_HERE = 0

export class SessionDesk {
  /** Sessions of the whole ensemble. */
  readonly tracker: SessionTable
  /** Sessions of this server alone; null where there are none. */
  readonly local: SessionTracker | null
  /** An old fault (ZOOKEEPER-4837), for a test: a session that is being closed may still write. */
  missesLateEphemerals: boolean = false
  readonly #database: Database
  readonly #settings: PipelineSettings
  readonly #connections = new Map<SessionId, ClientConnection>()
  #nextId: SessionId

  /**
   * `firstId` is the first session id that this server may give out; `tracker` knows when sessions
   * end, or, on a server that follows, only passes on who is alive.
   */
  constructor(
    database: Database,
    settings: PipelineSettings,
    firstId: SessionId,
    tracker: SessionTable = new SessionTracker(settings.tickMs),
    hasLocal: boolean = false,
  ) {
    this.local = hasLocal ? new SessionTracker(settings.tickMs) : null
    this.#database = database
    this.#settings = settings
    this.tracker = tracker
    this.#nextId = firstId
  }

  /** Takes over the sessions of a recovered database; each has its full time again. */
  adoptAll(nowMs: number): void {
    for (const [id, timeoutMs] of this.#database.sessions) this.tracker.add(id, timeoutMs, nowMs)
  }

  timeoutFor(requestedMs: number): number {
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.#settings
    return negotiatedTimeoutMs(requestedMs, minSessionTimeoutMs, maxSessionTimeoutMs)
  }

  /** Where the next one who gives out ids for this server goes on: none is given out twice. */
  get nextId(): SessionId {
    return this.#nextId
  }

  /** Whether sessions with that upper half of their number were begun by this server. */
  isOwnId(sessionHigh: number): boolean {
    return sessionHigh >>> 24 === Number((this.#nextId >> 56n) & 0xffn)
  }

  newId(): SessionId {
    let id = this.#nextId
    while (this.tracker.get(id) ?? this.local?.get(id) ?? this.#database.sessions.has(id))
      id = sessionIdOf(id + 1n)
    this.#nextId = sessionIdOf(id + 1n)
    return id
  }

  /** Whether a client may speak of the session as its own. */
  isPasswordRight({ sessionId, passwd }: ConnectRequest): boolean {
    return passwd !== null && equalBytes(passwd, sessionPassword(sessionIdOf(sessionId)))
  }

  /**
   * The session that a client of `owner` goes on with; null where it is over. One whose end is under
   * way is given back as it is, `closing`. Only for a server that decides on the end of sessions.
   */
  renew(id: SessionId, timeoutMs: number, owner: number, nowMs: number): TrackedSession | null {
    const session = this.tracker.get(id)
    if (session === undefined) return null
    if (session.closing) return session
    session.owner = owner
    return this.tracker.add(id, timeoutMs, nowMs)
  }

  /** Something was heard of the session. */
  touch(session: TrackedSession, nowMs: number): void {
    if (session.scope === 'global') {
      this.tracker.touch(session, nowMs)
      return
    }
    // While it is being upgraded, a leader has it in both tables.
    this.local!.touch(session, nowMs)
    const twin = session.scope === 'upgrading' ? this.tracker.get(session.id) : undefined
    if (twin !== undefined) this.tracker.touch(twin, nowMs)
  }

  /** The end of a session that a transaction has begun, or will have, is under way. */
  markClosing(session: TrackedSession): void {
    if (session.scope !== 'global') this.local!.markClosing(session)
    const known = session.scope === 'global' ? session : this.tracker.get(session.id)
    if (known !== undefined) this.tracker.markClosing(known)
  }

  /** A session of this server alone, from now on. */
  addLocal(id: SessionId, timeoutMs: number, nowMs: number): TrackedSession {
    const session = this.local!.add(id, timeoutMs, nowMs)
    if (session.scope === 'global') session.scope = 'local'
    return session
  }

  /**
   * A local session is everybody's now: its connection goes on with that. A leader has known it as
   * such since it was proposed, and may know by now that its client has gone on to another server.
   */
  upgraded({ id, timeoutMs }: TrackedSession, nowMs: number): void {
    this.local!.remove(id)
    const connection = this.#connections.get(id)
    if (connection === undefined) return
    const session = this.tracker.get(id) ?? this.tracker.add(id, timeoutMs, nowMs)
    session.owner ??= OWNED_HERE
    connection.session = session
  }

  attach(connection: ClientConnection, session: TrackedSession): void {
    connection.session = session
    connection.sessionHigh = Number(BigInt.asIntN(32, session.id >> 32n))
    connection.sessionLow = Number(BigInt.asIntN(32, session.id))
    this.#connections.set(session.id, connection)
  }

  detach(connection: ClientConnection): void {
    const { session } = connection
    if (session !== null && this.#connections.get(session.id) === connection) {
      this.#connections.delete(session.id)
    }
  }

  connectionOf(id: SessionId): ClientConnection | undefined {
    return this.#connections.get(id)
  }

  /** A session of this server has ended here, whatever others know of it. Returns its connection. */
  endedHere(id: SessionId): ClientConnection | undefined {
    const connection = this.#connections.get(id)
    this.#connections.delete(id)
    this.local?.remove(id)
    return connection
  }

  /** A session has ended by its transaction. Returns the connection that it had. */
  ended(id: SessionId): ClientConnection | undefined {
    this.tracker.remove(id)
    return this.endedHere(id)
  }
}
