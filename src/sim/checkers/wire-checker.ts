// Watches the wire at the server's door: every byte as the server gets it, every byte as the server
// gives it. From the history and the requests of a connection it knows, frame for frame, what the
// server must send: each answer is that of the state at the zxid it carries, answers come in the
// order of the requests, events come once and before anything that shows their change, and nothing
// is shown that a crash could take back. It looks at nothing inside the server.

import type { SessionId } from '../../base/session-id.ts'
import { formatSessionId } from '../../base/session-id.ts'
import { mark } from '../../base/marks.ts'
import { equalBytes } from '../../base/text.ts'
import { type Zxid, ZXID_ZERO, formatZxid } from '../../base/zxid.ts'
import { JuteReader, MalformedRecord } from '../../core/jute/reader.ts'
import { type Id, Perms } from '../../core/records/acl.ts'
import { readConnectRequest, readConnectResponse } from '../../core/records/connect.ts'
import { ErrorCode, errorName } from '../../core/records/errors.ts'
import { OpCode, Xid, opKind, opName } from '../../core/records/opcodes.ts'
import { type EventType, watcherEvent } from '../../core/records/watches.ts'
import type { ConnectionId } from '../../ports/client-network.ts'
import type { Hasher } from '../../ports/hasher.ts'
import { isPermitted } from '../model/model-access.ts'
import { expectedPassword, provenIdentity } from '../model/model-identity.ts'
import { type Answer, answerRead, watchLeftBy } from '../model/model-read.ts'
import { decodeReplyFrame, type SentReply } from '../model/model-reply.ts'
import {
  type ModelRequest,
  type SetWatchesBody,
  createsEphemeral,
  decodeRequest,
} from '../model/model-request.ts'
import { ModelWatches } from '../model/model-watches.ts'
import { FrameCutter } from './frame-cutter.ts'
import type { DeliveredWrite, HistoryView } from './history.ts'
import type { LocalSessionWitness, SessionWitness } from './session-checker.ts'
import type { ServiceRules } from './txn-judge.ts'
import { Violation, canonical, isSame } from './violation.ts'

export class WireChecker {
  readonly #history: HistoryView
  readonly #sessions: SessionWitness
  /** Null where every session begins with a transaction. */
  readonly #locals: LocalSessionWitness | null
  readonly #rules: ServiceRules
  readonly #hasher: Hasher
  readonly #connections = new Map<ConnectionId, Connection>()
  /** Why the server serves nobody at present. */
  #notServing: string | null = null
  #takesClients = true
  /** It has no leader, and serves those who asked for no more. */
  #isReadOnly = false
  /** The server's position at the end of the last turn. */
  #applied: Zxid = ZXID_ZERO
  #answers = 0
  #events = 0

  constructor(
    history: HistoryView,
    sessions: SessionWitness,
    rules: ServiceRules,
    hasher: Hasher,
    locals: LocalSessionWitness | null = null,
  ) {
    this.#locals = locals
    this.#history = history
    this.#sessions = sessions
    this.#rules = rules
    this.#hasher = hasher
  }

  /** How much has been compared: a run in which nothing was is no evidence. */
  get answers(): number {
    return this.#answers
  }

  get events(): number {
    return this.#events
  }

  /** Requests that the server has and has not answered. */
  get unanswered(): number {
    let count = 0
    for (const connection of this.#connections.values()) {
      if (connection.closable === null) count += connection.pending.length
    }
    return count
  }

  // What the server hears.

  opened(id: ConnectionId, address: string): void {
    const connection = new Connection(id, address, this.#rules.frameBytesMax)
    connection.closable = this.#notServing
    this.#connections.set(id, connection)
  }

  received(id: ConnectionId, chunk: Uint8Array): void {
    const connection = this.#must(id)
    for (const frame of connection.up.push(chunk)) {
      if (connection.phase === 'handshake') this.#onConnectRequest(connection, frame)
      else this.#onRequest(connection, frame)
    }
    if (connection.up.isBroken) connection.closable ??= 'frame too large'
  }

  /** The client's side has gone; the server knows by now. */
  closed(id: ConnectionId): void {
    const connection = this.#connections.get(id)
    if (connection === undefined) return
    for (const request of connection.pending) {
      if (request.write !== null) request.write.isOrphan = true
    }
    this.#connections.delete(id)
  }

  /** The server's process has ended. */
  crash(): void {
    this.#connections.clear()
    this.#locals?.clear()
  }

  restarted(zxid: Zxid): void {
    this.#applied = zxid
  }

  /** The server does not serve any more, or not yet: it may close whatever there is. */
  stopServing(reason: string): void {
    this.#locals?.clear()
    this.#notServing = reason
    for (const connection of this.#connections.values()) connection.closable ??= reason
  }

  /** The server serves, with everything up to `zxid`; others' clients alone unless `takesClients`. */
  startServing(zxid: Zxid, takesClients: boolean): void {
    this.#takesClients = takesClients
    this.#isReadOnly = false
    if (takesClients) this.#notServing = null
    else this.stopServing('it takes no clients')
    this.#applied = zxid
  }

  /** The server has no leader, and shows what it has up to `zxid`, be that committed or not. */
  startReadOnly(zxid: Zxid): void {
    this.startServing(zxid, true)
    this.#isReadOnly = true
  }

  // What the server says.

  sent(id: ConnectionId, bytes: Uint8Array): void {
    const connection = this.#connections.get(id)
    if (connection === undefined) return
    if (connection.isSuperseded) throw this.#wrong(connection, 'is sent to after its session moved')
    for (const frame of connection.down.push(bytes)) {
      try {
        if (connection.phase === 'handshake') this.#onConnectResponse(connection, frame)
        else this.#onReply(connection, decodeReplyFrame(frame))
      } catch (error) {
        if (!(error instanceof MalformedRecord)) throw error
        throw this.#wrong(connection, `is sent a frame that cannot be read: ${error.message}`)
      }
    }
  }

  /** The server closes a connection. */
  closing(id: ConnectionId): void {
    const connection = this.#connections.get(id)
    if (connection === undefined) return
    if (this.#isOver(connection)) connection.closable ??= 'session ended'
    if (connection.phase === 'handshake') connection.closable ??= 'handshake'
    if (connection.pending.some(({ write }) => isMoved(write))) {
      connection.closable ??= 'session moved to another server'
    }
    mark(`closed: ${connection.closable}`)
    if (connection.closable === null) throw this.#wrong(connection, 'is closed for no reason')
    connection.isClosing = true
  }

  /** The server has done all that followed from one input. */
  endTurn(applied: Zxid): void {
    if (applied < this.#applied) {
      throw new Violation(
        'one order',
        `the server goes back from ${formatZxid(this.#applied)} to ${formatZxid(applied)}`,
      )
    }
    this.#applied = applied
    if (!this.#isReadOnly) this.#requireDurable(applied, 'is applied')
    for (const connection of this.#connections.values()) {
      if (connection.isOver && !connection.isClosing) {
        throw this.#wrong(connection, 'takes up a session that has ended')
      }
      if (connection.phase === 'live' && !connection.isClosing) {
        this.#advance(connection, applied)
        const missing = connection.expected.find((event) => !event.isOptional)
        if (missing !== undefined) {
          throw this.#wrong(connection, `was not told of ${canonical(missing)}`)
        }
      }
      connection.idsBefore = connection.ids
      connection.isSuperseded ||= connection.closable === 'session moved'
    }
  }

  // The handshake.

  #onConnectRequest(connection: Connection, frame: Uint8Array): void {
    connection.phase = 'connecting'
    try {
      connection.connect = readConnectRequest(new JuteReader(frame))
    } catch (error) {
      if (!(error instanceof MalformedRecord)) throw error
      connection.closable = 'malformed handshake'
      return
    }
    const { connect } = connection
    if (connect.lastZxidSeen > BigInt(this.#applied)) {
      connection.closable = 'has seen more'
      return
    }
    // Nothing is heard of the session either.
    if (!this.#takesClients) return
    if (this.#isReadOnly && connect.readOnly !== true) {
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
    for (const other of this.#connections.values()) {
      // One that still waits for its own answer gives way as well.
      const wanted = other.session ?? other.connect?.sessionId
      if (other !== connection && wanted === sessionId) {
        other.closable ??= 'session moved'
      }
    }
  }

  #onConnectResponse(connection: Connection, frame: Uint8Array): void {
    throw this.#wrong(connection, `is sent ${frame.length} bytes before its handshake`)
  }

  #onConnected(connection: Connection, frame: Uint8Array): void {
    const response = readConnectResponse(new JuteReader(frame))
    const connect = connection.connect as NonNullable<Connection['connect']>
    if (connect.lastZxidSeen > BigInt(this.#applied) && connection.closable === 'has seen more') {
      throw this.#wrong(connection, 'is accepted although it has seen more than the server')
    }
    const session = response.sessionId
    if (response.timeOut === 0) {
      this.#onRefused(connection, connect.sessionId, connect.passwd)
      return
    }
    if (!this.#takesClients) throw this.#wrong(connection, 'is accepted where no clients are taken')
    const timeoutMs = this.#granted(connect.timeOut)
    if (response.timeOut !== timeoutMs) {
      throw this.#wrong(connection, `is granted ${response.timeOut} ms instead of ${timeoutMs}`)
    }
    if (this.#isReadOnly && connect.readOnly !== true) {
      throw this.#wrong(connection, 'did not ask for a server that only reads')
    }
    if ((response.readOnly === true) !== this.#isReadOnly) {
      throw this.#wrong(connection, `is told ${response.readOnly} of being read-only`)
    }
    const isNew = connect.sessionId === 0n
    const password = expectedPassword(session)
    if (!equalBytes(response.passwd ?? new Uint8Array(0), password)) {
      throw this.#wrong(connection, 'is given a wrong password')
    }
    if (!isNew) {
      if (session !== connect.sessionId) throw this.#wrong(connection, 'gets another session')
      if (!equalBytes(connect.passwd ?? new Uint8Array(0), password)) {
        throw this.#wrong(connection, 'takes up a session without its password')
      }
      // It lived when the leader was asked; its end has come in the same turn as the answer.
      connection.isOver = this.#history.isClosed(session)
    }
    // It may have ended by now, if the disk was slower than its timeout.
    const beganAt = this.#history.beginningOf(session)
    connection.isLocal = this.#isServedLocally(session, isNew)
    if (connection.isLocal) {
      if (isNew && beganAt !== undefined) throw this.#wrong(connection, 'begins as everybody’s')
      if (this.#locals?.has(session) === true) mark('a local session is taken up again')
      else this.#locals?.began(session, timeoutMs)
    } else if (beganAt === undefined || beganAt > this.#history.durable) {
      // What is on its way to being everybody's may be taken up elsewhere before it is.
      const isUpgrading = this.#history.isBeginning?.(session) === true
      if (isNew || !this.#rules.localSessionsUpgrading || !isUpgrading)
        throw this.#wrong(connection, `is given ${formatSessionId(session)}, which is not durable`)
    }
    connection.phase = 'live'
    connection.session = session
    this.#history.attached?.(session, connection.id)
    if (!isNew) mark('a session is taken up again')
    this.#sessions.served(session as SessionId)
  }

  /** A session that no other server need know of: without a leader, that is every one. */
  #isServedLocally(session: bigint, isNew: boolean): boolean {
    if (isNew) return this.#isReadOnly || this.#rules.localSessions
    if (this.#locals?.has(session) === true) return true
    if (!this.#isReadOnly) return false
    const isKnown = !this.#isCertain(this.#applied) || this.#hasAt(this.#applied, session)
    return isKnown
  }

  #isOver({ session, isLocal }: Connection): boolean {
    if (session === null) return false
    return this.#history.isClosed(session) || (isLocal && this.#locals?.hasEnded(session) === true)
  }

  #hasAt(zxid: Zxid, session: bigint): boolean {
    return this.#history.stateAt(zxid).sessions.has(session)
  }

  /** Whether what a server shows there must be what the history says. */
  #isCertain(zxid: Zxid): boolean {
    return !this.#isReadOnly || this.#history.isCommitted?.(zxid) === true
  }

  #granted(wantedMs: number): number {
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.#rules
    return Math.min(maxSessionTimeoutMs, Math.max(minSessionTimeoutMs, wantedMs))
  }

  #onRefused(connection: Connection, session: bigint, password: Uint8Array | null): void {
    const knows = equalBytes(password ?? new Uint8Array(0), expectedPassword(session))
    const lives =
      this.#isCertain(this.#applied) &&
      [this.#applied, this.#history.durable].every((zxid) => this.#hasAt(zxid, session))
    if (knows && this.#locals?.has(session) === true) {
      throw this.#wrong(connection, `is refused ${formatSessionId(session)}, which is local`)
    }
    if (knows && lives && !this.#sessions.mayBeClosing(session as SessionId)) {
      throw this.#wrong(connection, `is refused ${formatSessionId(session)}, which lives`)
    }
    connection.closable = 'session refused'
    mark('a session is refused')
  }

  // Requests.

  #onRequest(connection: Connection, frame: Uint8Array): void {
    if (connection.phase !== 'live' && connection.phase !== 'connecting') return
    if (frame.length < 8) {
      connection.closable ??= 'short frame'
      return
    }
    const request = decodeRequest(frame)
    const kind = opKind(request.op)
    if (kind === 'refused') connection.closable ??= 'refused operation'
    if (request.op === OpCode.auth) {
      this.#onAuthRequest(connection, request)
      return
    }
    // While its session is being made the connection's requests wait, unread.
    if (connection.session !== null) {
      this.#sessions.touched(connection.session as SessionId)
      this.#locals?.heard(connection.session)
      if (request.op === OpCode.closeSession) this.#locals?.left(connection.session)
    }
    let write: DeliveredWrite | null = null
    const refusal = this.#refusalOf(request, kind === 'write')
    if (kind === 'write' && refusal === null) {
      write = {
        session: connection.session ?? 0n,
        connection: connection.id,
        request,
        ids: connection.ids,
        entry: null,
        isOrphan: false,
      }
      this.#history.deliver(write)
    }
    const isSync = request.op === OpCode.sync && refusal === null
    const syncPoint = isSync ? this.#history.syncPoint?.(this.#applied) : 0
    const { ids } = connection
    connection.pending.push({ request, ids, write, refusal, shows: syncPoint ?? 0 })
  }

  /** What the server answers by itself, without asking its tree or anybody else; or null. */
  #refusalOf(request: ModelRequest, isWrite: boolean): ErrorCode | null {
    if (this.#isReadOnly) {
      if (request.op === OpCode.closeSession) return ErrorCode.Ok
      return isWrite || request.op === OpCode.sync ? ErrorCode.NotReadOnly : null
    }
    const { localSessions, localSessionsUpgrading } = this.#rules
    const ownsNothing = localSessions && !localSessionsUpgrading
    return ownsNothing && createsEphemeral(request) ? ErrorCode.EphemeralOnLocalSession : null
  }

  #onAuthRequest(connection: Connection, request: ModelRequest): void {
    const packet = request.body as { scheme: string | null; auth: Uint8Array | null } | null
    if (packet === null) {
      connection.closable ??= 'malformed identity'
      return
    }
    const { scheme, auth } = packet
    const id = provenIdentity(scheme, auth, connection.address, this.#hasher)
    connection.auths.push(id === null ? ErrorCode.AuthFailed : ErrorCode.Ok)
    if (id === null) connection.closable ??= 'identity refused'
    else if (!connection.ids.some((own) => isSame(own, id))) {
      connection.ids = [...connection.ids, id]
    }
  }

  // Answers.

  #onReply(connection: Connection, reply: SentReply): void {
    if (connection.phase === 'connecting') {
      this.#onConnected(connection, reply.reader.bytes)
      return
    }
    const { xid, zxid, err } = reply.header
    if (xid === Xid.notification) {
      this.#onNotification(connection, reply)
      return
    }
    if (xid === Xid.auth) {
      const expected = connection.auths.shift()
      if (expected !== err) {
        throw this.#wrong(connection, `is told ${errorName(err)} about its identity`)
      }
      return
    }
    this.#answers++
    const pending = connection.pending.shift()
    if (pending === undefined) throw this.#wrong(connection, `is answered ${xid} without asking`)
    const { request } = pending
    const expectedXid = request.op === OpCode.ping ? Xid.ping : request.xid
    if (xid !== expectedXid) {
      throw this.#wrong(connection, `is answered ${xid}, its oldest request is ${request.xid}`)
    }
    if (opKind(request.op) === 'refused') return
    this.#requireNext(connection, zxid, `the answer to ${describe(request)}`)
    if (zxid < pending.shows) {
      throw new Violation(
        'SyncFlush',
        `a sync on connection ${connection.id} is answered at ${formatZxid(zxid)}, ` +
          `${formatZxid(pending.shows as Zxid)} was committed when it was asked for`,
      )
    }
    this.#advance(connection, zxid)
    const missing = connection.expected.find((event) => !event.isOptional)
    if (missing !== undefined) {
      throw this.#wrong(
        connection,
        `gets the answer to ${describe(request)} at ${formatZxid(zxid)} before ${canonical(missing)}`,
      )
    }
    connection.expected.length = 0
    const found: Answer = { error: err as ErrorCode, body: reply.bodyFor(request.op) }
    const isKnown = pending.refusal !== null || this.#isCertain(zxid)
    if (!isKnown) mark('shown without a leader: what may not be committed')
    const expected = isKnown ? this.#expectedAnswer(connection, pending, zxid) : found
    if (!isKnown) connection.replayed.length = 0
    if (!isSame(found, expected)) {
      throw this.#wrong(
        connection,
        `is answered ${describe(request)} at ${formatZxid(zxid)}\n  with     ${canonical(found)}` +
          `\n  expected ${canonical(expected)}`,
      )
    }
    if (request.op === OpCode.closeSession) connection.closable ??= 'session closed'
  }

  #expectedAnswer(connection: Connection, pending: Pending, zxid: Zxid): Answer {
    const { request, write, refusal } = pending
    const { watches } = connection
    if (refusal !== null) {
      mark(`refused here: ${errorName(refusal)}`)
      return { error: refusal, body: null }
    }
    if (write !== null) {
      const { entry } = write
      const hasBegun = this.#history.beginningOf(write.session) !== undefined
      if (entry === null && request.op === OpCode.closeSession && connection.isLocal && !hasBegun) {
        mark('a local session is closed')
        return { error: ErrorCode.Ok, body: null }
      }
      if (entry === null || entry.zxid > this.#history.durable) {
        throw this.#wrong(connection, `is answered ${describe(request)}, which is not durable`)
      }
      if (entry.zxid !== zxid) {
        throw this.#wrong(
          connection,
          `is answered ${describe(request)} at ${formatZxid(zxid)}, done at ${formatZxid(entry.zxid)}`,
        )
      }
      if (isMoved(write)) {
        throw this.#wrong(connection, `is answered ${describe(request)}, but its session has moved`)
      }
      return entry.answer
    }
    const state = this.#history.stateAt(zxid)
    const body = request.body as { path?: string; mode?: number; type?: number } | null
    const path = body?.path ?? ''
    switch (request.op) {
      case OpCode.addWatch:
        ;(body?.mode === 0 ? watches.persistent : watches.recursive).add(path)
        return { error: ErrorCode.Ok, body: { err: ErrorCode.Ok } }
      case OpCode.checkWatches:
      case OpCode.removeWatches: {
        const found = watches.match(path, body?.type ?? 0, request.op === OpCode.removeWatches)
        return { error: found ? ErrorCode.Ok : ErrorCode.NoWatcher, body: null }
      }
      case OpCode.setWatches:
      case OpCode.setWatches2: {
        const missed = watches.restore(request.body as SetWatchesBody, state)
        if (missed.length > 0) mark('a change is made up for after a reconnect')
        const told = connection.replayed.splice(0)
        if (!isSame(missed, told)) {
          throw this.#wrong(
            connection,
            `missed ${canonical(missed)} and is told of ${canonical(told)}`,
          )
        }
        return { error: ErrorCode.Ok, body: null }
      }
      default: {
        const reader = { session: connection.session ?? 0n, ids: pending.ids }
        const answer = answerRead(state, request, reader)
        const left = watchLeftBy(request, answer)
        if (left !== null) watches[left].add(path)
        return answer
      }
    }
  }

  // Events.

  #onNotification(connection: Connection, reply: SentReply): void {
    this.#events++
    const { zxid } = reply.header
    const { type, path } = watcherEvent.read(reply.reader)
    if (zxid < 0) {
      connection.replayed.push({ type: type as EventType, path: path ?? '' })
      return
    }
    this.#requireNext(connection, zxid, `the event ${type} of ${path}`)
    this.#advance(connection, zxid)
    for (;;) {
      const expected = connection.expected.shift()
      if (expected?.zxid === zxid && expected.type === type && expected.path === path) return
      if (expected?.isOptional === true) continue
      throw this.#wrong(
        connection,
        `is told of ${type} ${path} at ${formatZxid(zxid)}, expected ${canonical(expected)}`,
      )
    }
  }

  /** The events that the transactions up to `zxid` mean for a connection. */
  #advance(connection: Connection, zxid: Zxid): void {
    const from = connection.position
    if (zxid <= from) return
    connection.position = zxid
    if (connection.watches.isEmpty) return
    for (const { events } of this.#history.between(from, zxid)) {
      for (const { zxid: at, type, path, acl } of events) {
        if (!connection.watches.take(type, path)) continue
        const now = isPermitted(acl, Perms.read, connection.ids)
        const before = isPermitted(acl, Perms.read, connection.idsBefore)
        if (!now) mark('an event is held back from one who may not read')
        if (now || before) {
          connection.expected.push({ zxid: at, type, path, isOptional: now !== before })
        }
      }
    }
  }

  #requireNext(connection: Connection, zxid: Zxid, what: string): void {
    if (zxid < connection.shown) {
      throw this.#wrong(
        connection,
        `gets ${what} at ${formatZxid(zxid)} after ${formatZxid(connection.shown)}`,
      )
    }
    connection.shown = zxid
    if (this.#isReadOnly) return
    this.#requireDurable(zxid, `is shown by ${what} on connection ${connection.id}`)
  }

  #requireDurable(zxid: Zxid, what: string): void {
    if (zxid > this.#history.durable) {
      throw new Violation(
        'durable before shown',
        `${formatZxid(zxid)} ${what}, only ${formatZxid(this.#history.durable)} is durable`,
      )
    }
  }

  #must(id: ConnectionId): Connection {
    const connection = this.#connections.get(id)
    if (connection === undefined) throw new Violation('wire', `connection ${id} is unknown`)
    return connection
  }

  #wrong(connection: Connection, what: string): Violation {
    const session = connection.session === null ? '' : ` (${formatSessionId(connection.session)})`
    return new Violation('wire', `connection ${connection.id}${session} ${what}`)
  }
}

interface Pending {
  readonly request: ModelRequest
  readonly ids: readonly Id[]
  readonly write: DeliveredWrite | null
  /** What the server says to it by itself; null where the state or its transaction does. */
  readonly refusal: ErrorCode | null
  /** The zxid that the answer must have reached. */
  readonly shows: number
}

interface ExpectedEvent {
  readonly zxid: Zxid
  readonly type: EventType
  readonly path: string
  /** Whether the watcher may read the node changed in the very turn of the event. */
  readonly isOptional: boolean
}

class Connection {
  readonly id: ConnectionId
  readonly address: string
  readonly up: FrameCutter
  readonly down = new FrameCutter()
  readonly watches = new ModelWatches()
  readonly pending: Pending[] = []
  readonly auths: ErrorCode[] = []
  readonly expected: ExpectedEvent[] = []
  readonly replayed: { type: EventType; path: string }[] = []
  phase: 'handshake' | 'connecting' | 'live' = 'handshake'
  connect: ReturnType<typeof readConnectRequest> | null = null
  session: bigint | null = null
  ids: readonly Id[]
  idsBefore: readonly Id[]
  /** Up to here the events of the history have been looked at. */
  position: Zxid = ZXID_ZERO
  /** The highest zxid that the client has been shown. */
  shown: Zxid = ZXID_ZERO
  /** Why the server may close it; null for no reason. */
  closable: string | null = null
  isClosing = false
  isSuperseded = false
  /** Its session was this server's own when it was accepted. */
  isLocal = false
  /** Its session has ended: it has to be closed in the same turn. */
  isOver = false

  constructor(id: ConnectionId, address: string, frameBytesMax: number) {
    this.up = new FrameCutter(frameBytesMax)
    this.id = id
    this.address = address
    this.ids = [{ scheme: 'ip', id: address }]
    this.idsBefore = this.ids
  }
}

const describe = (request: ModelRequest): string => `${opName(request.op)} ${request.xid}`

/** Refused for a reason that is not told: the connection is closed. */
const isMoved = (write: DeliveredWrite | null): boolean =>
  write?.entry?.answer.error === ErrorCode.SessionMoved
