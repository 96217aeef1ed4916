// The first frame of each connection, and the first answer: who is given which session, for how long,
// by which server, and who is sent away. A session is everybody's, and durable before anyone has it,
// or the server's own.

import { must } from '../../base/assert.ts'
import { type SessionId, formatSessionId } from '../../base/session-id.ts'
import { mark } from '../../base/marks.ts'
import { equalBytes } from '../../base/text.ts'
import { JuteReader, MalformedRecord } from '../../core/jute/reader.ts'
import { readConnectRequest, readConnectResponse } from '../../core/records/connect.ts'
import { expectedPassword } from '../model/model-identity.ts'
import type { HistoryView } from './history.ts'
import type { LocalSessionWitness, SessionWitness } from './session-checker.ts'
import type { ServerStanding } from './server-standing.ts'
import type { ServiceRules } from './txn-judge.ts'
import { type WireConnection, wrongOn } from './wire-connection.ts'

export class HandshakeChecker {
  readonly #history: HistoryView
  readonly #sessions: SessionWitness
  readonly #locals: LocalSessionWitness | null
  readonly #rules: ServiceRules
  readonly #standing: ServerStanding

  constructor(
    history: HistoryView,
    sessions: SessionWitness,
    locals: LocalSessionWitness | null,
    rules: ServiceRules,
    standing: ServerStanding,
  ) {
    this.#history = history
    this.#sessions = sessions
    this.#locals = locals
    this.#rules = rules
    this.#standing = standing
  }

  /** The first frame of a connection, one of those that there are. */
  asked(
    connection: WireConnection,
    frame: Uint8Array,
    connections: Iterable<WireConnection>,
  ): void {
    connection.phase = 'connecting'
    try {
      connection.connect = readConnectRequest(new JuteReader(frame))
    } catch (error) {
      if (!(error instanceof MalformedRecord)) throw error
      connection.closable = 'malformed handshake'
      return
    }
    const { connect } = connection
    if (connect.lastZxidSeen > BigInt(this.#standing.applied)) {
      connection.closable = 'has seen more'
      return
    }
    // Nothing is heard of the session either.
    if (!this.#standing.takesClients) return
    if (this.#standing.isReadOnly && connect.readOnly !== true) {
      connection.closable = 'wants to write as well'
      return
    }
    const { sessionId, passwd, timeOut } = connect
    if (sessionId === 0n) return
    this.#history.wanted?.(sessionId, connection.id)
    // It counts from here on, whenever it is answered.
    if (equalBytes(passwd ?? new Uint8Array(0), expectedPassword(sessionId))) {
      this.#sessions.renewed(sessionId as SessionId, this.#granted(timeOut))
    }
    for (const other of connections) {
      // One that still waits for its own answer gives way as well.
      const wanted = other.session ?? other.connect?.sessionId
      if (other !== connection && wanted === sessionId) {
        other.closable ??= 'session moved'
      }
    }
  }

  /** The server's first frame. */
  answered(connection: WireConnection, frame: Uint8Array): void {
    const response = readConnectResponse(new JuteReader(frame))
    const { applied } = this.#standing
    const connect = must(connection.connect, 'a server answers what was asked')
    if (connect.lastZxidSeen > BigInt(applied) && connection.closable === 'has seen more') {
      throw wrongOn(connection, 'is accepted although it has seen more than the server')
    }
    const session = response.sessionId
    if (response.timeOut === 0) {
      this.#onRefused(connection, connect.sessionId, connect.passwd)
      return
    }
    if (!this.#standing.takesClients) {
      throw wrongOn(connection, 'is accepted where no clients are taken')
    }
    const timeoutMs = this.#granted(connect.timeOut)
    if (response.timeOut !== timeoutMs) {
      throw wrongOn(connection, `is granted ${response.timeOut} ms instead of ${timeoutMs}`)
    }
    if (this.#standing.isReadOnly && connect.readOnly !== true) {
      throw wrongOn(connection, 'did not ask for a server that only reads')
    }
    if ((response.readOnly === true) !== this.#standing.isReadOnly) {
      throw wrongOn(connection, `is told ${response.readOnly} of being read-only`)
    }
    const isNew = connect.sessionId === 0n
    const password = expectedPassword(session)
    if (!equalBytes(response.passwd ?? new Uint8Array(0), password)) {
      throw wrongOn(connection, 'is given a wrong password')
    }
    if (!isNew) {
      if (session !== connect.sessionId) throw wrongOn(connection, 'gets another session')
      if (!equalBytes(connect.passwd ?? new Uint8Array(0), password)) {
        throw wrongOn(connection, 'takes up a session without its password')
      }
      // It lived when the leader was asked; its end has come in the same turn as the answer.
      connection.isOver = this.#history.isClosed(session)
    }
    // It may have ended by now, if the disk was slower than its timeout.
    const beganAt = this.#history.beginningOf(session)
    connection.isLocal = this.#isServedLocally(session, isNew)
    if (connection.isLocal) {
      if (isNew && beganAt !== undefined) throw wrongOn(connection, 'begins as everybody’s')
      if (this.#locals?.has(session) === true) mark('a local session is taken up again')
      else this.#locals?.began(session, timeoutMs)
    } else if (beganAt === undefined || beganAt > this.#history.durable) {
      // What is on its way to being everybody's may be taken up elsewhere before it is.
      const isUpgrading = this.#history.isBeginning?.(session) === true
      if (isNew || !this.#rules.localSessionsUpgrading || !isUpgrading) {
        throw wrongOn(connection, `is given ${formatSessionId(session)}, which is not durable`)
      }
    }
    connection.phase = 'live'
    connection.session = session
    this.#history.attached?.(session, connection.id)
    if (!isNew) mark('a session is taken up again')
    this.#sessions.served(session as SessionId)
  }

  /** A session that no other server need know of: without a leader, that is every one. */
  #isServedLocally(session: bigint, isNew: boolean): boolean {
    if (isNew) return this.#standing.isReadOnly || this.#rules.localSessions
    if (this.#locals?.has(session) === true) return true
    if (!this.#standing.isReadOnly) return false
    const { applied } = this.#standing
    return !this.#standing.isCertain(applied) || this.#standing.hasAt(applied, session)
  }

  /** The session has ended, as far as this server knows. */
  isOver({ session, isLocal }: WireConnection): boolean {
    if (session === null) return false
    return this.#history.isClosed(session) || (isLocal && this.#locals?.hasEnded(session) === true)
  }

  #granted(wantedMs: number): number {
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.#rules
    return Math.min(maxSessionTimeoutMs, Math.max(minSessionTimeoutMs, wantedMs))
  }

  #onRefused(connection: WireConnection, session: bigint, password: Uint8Array | null): void {
    const knows = equalBytes(password ?? new Uint8Array(0), expectedPassword(session))
    const { applied } = this.#standing
    const lives =
      this.#standing.isCertain(applied) &&
      [applied, this.#history.durable].every((zxid) => this.#standing.hasAt(zxid, session))
    if (knows && this.#locals?.has(session) === true) {
      throw wrongOn(connection, `is refused ${formatSessionId(session)}, which is local`)
    }
    if (knows && lives && !this.#sessions.mayBeClosing(session as SessionId)) {
      throw wrongOn(connection, `is refused ${formatSessionId(session)}, which lives`)
    }
    connection.closable = 'session refused'
    mark('a session is refused')
  }
}
