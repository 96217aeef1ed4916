// Sessions as one server keeps them: who holds which connection, how ids and passwords are given
// out, and when a silent session has to end. It decides; transactions are the replica's to propose.

import { equalBytes } from '../../base/text.ts'
import { type SessionId, sessionIdOf } from '../../base/session-id.ts'
import type { PipelineSettings } from '../pipeline/settings.ts'
import type { ConnectRequest } from '../records/connect.ts'
import { negotiatedTimeoutMs } from '../session/negotiated-timeout.ts'
import { sessionPassword } from '../session/password.ts'
import { SessionTracker, type TrackedSession } from '../session/session-tracker.ts'
import type { Database } from '../tree/database.ts'
import type { ClientConnection } from './client-connection.ts'

export class SessionDesk {
  readonly tracker: SessionTracker
  /** Sessions whose time ran out, since the start. */
  expiredCount = 0
  readonly #database: Database
  readonly #settings: PipelineSettings
  readonly #connections = new Map<SessionId, ClientConnection>()
  #nextId: SessionId

  /** `firstId` is the first session id that this server may give out. */
  constructor(database: Database, settings: PipelineSettings, firstId: SessionId) {
    this.#database = database
    this.#settings = settings
    this.tracker = new SessionTracker(settings.tickMs)
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

  newId(): SessionId {
    let id = this.#nextId
    while (this.tracker.get(id) !== undefined) id = sessionIdOf(id + 1n)
    this.#nextId = sessionIdOf(id + 1n)
    return id
  }

  /** The session that a client wants to go on with; null where it may not. */
  renew(request: ConnectRequest, nowMs: number): TrackedSession | null {
    const id = sessionIdOf(request.sessionId)
    if (request.passwd === null || !equalBytes(request.passwd, sessionPassword(id))) return null
    const session = this.tracker.get(id)
    if (session === undefined || session.closing) return null
    return this.tracker.add(id, this.timeoutFor(request.timeOut), nowMs)
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

  /** A session has ended by its transaction. Returns the connection that it had. */
  ended(id: SessionId): ClientConnection | undefined {
    const connection = this.#connections.get(id)
    this.#connections.delete(id)
    this.tracker.remove(id)
    return connection
  }
}
