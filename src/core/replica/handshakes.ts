// The first frame of a connection: a new session, or one that goes on (ZooKeeper 3.9
// `ZooKeeperServer.processConnectRequest`). A connection is `connecting` until its session is there;
// what it sends meanwhile waits.

import { Ring } from '../../base/ring.ts'
import { mark } from '../../base/marks.ts'
import { type SessionId, sessionIdOf } from '../../base/session-id.ts'
import type { Zxid } from '../../base/zxid.ts'
import { type JuteReader, MalformedRecord } from '../jute/reader.ts'
import { type ConnectRequest, readConnectRequest } from '../records/connect.ts'
import type { TrackedSession } from '../session/session-tracker.ts'
import type { Database } from '../tree/database.ts'
import type { ClientConnection } from './client-connection.ts'
import type { Clients } from './clients.ts'
import { writeConnected, writeSessionInvalid } from './replies.ts'
import { OWNED_HERE, type SessionDesk } from './session-desk.ts'
import type { StepTime } from './step-time.ts'
import type { Writes } from './writes.ts'

export class Handshakes {
  readonly #database: Database
  readonly #writes: Writes
  readonly #sessions: SessionDesk
  readonly #clients: Clients
  readonly #time: StepTime
  readonly #onServing: (connection: ClientConnection) => void
  readonly #renewals = new Ring<Renewal>()
  /** Connections for whose session the leader has been asked. */
  readonly #asked = new Map<SessionId, Asked>()

  /** `onServing` is told when what a connection sent behind its handshake can be read. */
  constructor(
    database: Database,
    writes: Writes,
    sessions: SessionDesk,
    clients: Clients,
    time: StepTime,
    onServing: (connection: ClientConnection) => void,
  ) {
    this.#database = database
    this.#writes = writes
    this.#sessions = sessions
    this.#clients = clients
    this.#time = time
    this.#onServing = onServing
  }

  accept(connection: ClientConnection, reader: JuteReader): void {
    this.#clients.introduced(connection)
    const request = tryRead(reader)
    // Where it has seen more than this server has, let it find one that is further.
    if (request === null || request.lastZxidSeen > BigInt(this.#database.lastZxid)) {
      this.#clients.drop(connection)
      return
    }
    connection.knowsReadOnly = request.readOnly !== null
    if (this.#writes.isReadOnly && request.readOnly !== true) {
      this.#clients.drop(connection)
      return
    }
    if (request.sessionId === 0n) {
      this.#begin(connection, this.#sessions.timeoutFor(request.timeOut))
      return
    }
    const id = sessionIdOf(request.sessionId)
    const former = this.#sessions.connectionOf(id)
    if (former !== undefined) this.#clients.drop(former)
    if (this.#sessions.isPasswordRight(request)) {
      this.#goOn(connection, id, this.#sessions.timeoutFor(request.timeOut))
    } else {
      this.#refuse(connection)
    }
  }

  /** The leader has said whether a session lives. */
  revalidated(id: SessionId, isValid: boolean): void {
    const asked = this.#asked.get(id)
    if (asked === undefined) return
    this.#asked.delete(id)
    const { connection, timeoutMs } = asked
    if (connection.state !== 'connecting') return
    if (isValid) {
      this.#beginServing(connection, this.#sessions.tracker.add(id, timeoutMs, this.#time.nowMs))
    } else {
      this.#refuse(connection)
    }
  }

  /** A session's transaction has been applied: its client is served. */
  created(connection: ClientConnection, session: TrackedSession): void {
    this.#beginServing(connection, session)
  }

  /** A session of this server alone has been silent for too long. */
  endedHere(id: SessionId): void {
    const connection = this.#sessions.endedHere(id)
    if (connection !== undefined) this.#clients.drop(connection)
  }

  /** A session is over: a client that waits to go on with it hears so, others are disconnected. */
  ended(id: SessionId): void {
    const connection = this.#sessions.ended(id)
    const asked = this.#asked.get(id)
    this.#asked.delete(id)
    for (const one of [connection, asked?.connection]) {
      if (one?.state === 'connecting') this.#refuse(one)
      else if (one !== undefined) this.#clients.drop(one)
    }
  }

  /** Everything committed has been applied: renewals that waited for it are answered. */
  settleRenewals(): void {
    for (let next = this.#renewals.peek(); next !== undefined; next = this.#renewals.peek()) {
      if (next.after > this.#database.lastZxid) break
      this.#renewals.shift()
      if (next.connection.state !== 'connecting') continue
      // Its end is under way: that comes next, or nothing, and the client is told then.
      if (!next.session.closing) this.#beginServing(next.connection, next.session)
    }
  }

  #begin(connection: ClientConnection, timeoutMs: number): void {
    if (this.#sessions.local !== null) {
      const id = this.#sessions.newId()
      this.#connected(connection, this.#sessions.addLocal(id, timeoutMs, this.#time.nowMs))
      return
    }
    const session = this.#sessions.tracker.add(this.#sessions.newId(), timeoutMs, this.#time.nowMs)
    this.#sessions.attach(connection, session)
    connection.state = 'connecting'
    this.#writes.beginSession(connection, session)
  }

  /** A client goes on with a session that is its own, if it still is one. */
  #goOn(connection: ClientConnection, id: SessionId, timeoutMs: number): void {
    if (this.#isLocal(id)) {
      this.#connected(connection, this.#sessions.addLocal(id, timeoutMs, this.#time.nowMs))
      return
    }
    if (this.#writes.isReadOnly) {
      this.#refuse(connection)
      return
    }
    if (this.#writes.lastProposed === null) {
      this.#ask(connection, id, timeoutMs)
      return
    }
    const session = this.#sessions.renew(id, timeoutMs, OWNED_HERE, this.#time.nowMs)
    if (session === null) this.#refuse(connection)
    else if (session.closing) this.#awaitEnd(connection, session)
    else this.#renew(connection, session, this.#writes.lastProposed)
  }

  /**
   * A session's end that is not committed may never come, if the leader changes: until then nobody is
   * told of it (ZooKeeper's clients are, and may find their old ephemerals beside their new ones).
   */
  #awaitEnd(connection: ClientConnection, session: TrackedSession): void {
    mark('a client waits for the end of its session')
    connection.state = 'connecting'
    this.#sessions.attach(connection, session)
  }

  /** Without a leader, every session that is not known to be over goes on here, for the time being. */
  #isLocal(id: SessionId): boolean {
    if (this.#sessions.local?.get(id)?.closing === false) return true
    return this.#writes.isReadOnly && this.#database.sessions.has(id)
  }

  #ask(connection: ClientConnection, id: SessionId, timeoutMs: number): void {
    const former = this.#asked.get(id)
    if (former !== undefined) this.#clients.drop(former.connection)
    connection.state = 'connecting'
    this.#asked.set(id, { connection, timeoutMs })
    if (former === undefined) this.#writes.revalidate(id, timeoutMs)
  }

  /**
   * What the session asked on its former connection may still be under way. It is answered when
   * that is done, so that a client that looks for its own lost write finds it.
   */
  #renew(connection: ClientConnection, session: TrackedSession, after: Zxid): void {
    if (after === this.#database.lastZxid) {
      this.#connected(connection, session)
    } else {
      this.#sessions.attach(connection, session)
      connection.state = 'connecting'
      this.#renewals.push({ connection, session, after })
    }
  }

  #refuse(connection: ClientConnection): void {
    writeSessionInvalid(connection.output, connection.knowsReadOnly)
    this.#clients.drop(connection)
  }

  #connected(connection: ClientConnection, session: TrackedSession): void {
    connection.state = 'open'
    this.#sessions.attach(connection, session)
    const { knowsReadOnly } = connection
    writeConnected(connection.output, session, knowsReadOnly, this.#writes.isReadOnly)
    this.#clients.sent(connection)
  }

  #beginServing(connection: ClientConnection, session: TrackedSession): void {
    // The client has waited for our disk: that is not held against it.
    this.#sessions.touch(session, this.#time.nowMs)
    this.#connected(connection, session)
    this.#onServing(connection)
  }
}

interface Asked {
  readonly connection: ClientConnection
  readonly timeoutMs: number
}

/** A session that goes on with a new connection, once everything up to `after` has been applied. */
interface Renewal {
  readonly connection: ClientConnection
  readonly session: TrackedSession
  readonly after: Zxid
}

function tryRead(reader: JuteReader): ConnectRequest | null {
  try {
    return readConnectRequest(reader)
  } catch (problem) {
    if (!(problem instanceof MalformedRecord)) throw problem
    return null
  }
}
