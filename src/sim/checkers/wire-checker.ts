// Watches the wire at the server's door: every byte as the server gets it, every byte as the server
// gives it. From the history and the requests of a connection it knows, frame for frame, what the
// server must send: each answer is that of the state at the zxid it carries, answers come in the
// order of the requests, events come once and before anything that shows their change, and nothing
// is shown that a crash could take back. It looks at nothing inside the server.

import type { SessionId } from '../../base/session-id.ts'
import { mark } from '../../base/marks.ts'
import { type Zxid, formatZxid } from '../../base/zxid.ts'
import { MalformedRecord } from '../../core/jute/reader.ts'
import { Perms } from '../../core/records/acl.ts'
import { ErrorCode, errorName } from '../../core/records/errors.ts'
import { OpCode, Xid, opKind, opName } from '../../core/records/opcodes.ts'
import { type EventType, watcherEvent } from '../../core/records/watches.ts'
import type { ConnectionId } from '../../ports/client-network.ts'
import type { Hasher } from '../../ports/hasher.ts'
import { isPermitted } from '../model/model-access.ts'
import { provenIdentity } from '../model/model-identity.ts'
import { type Answer, answerRead, watchLeftBy } from '../model/model-read.ts'
import { decodeReplyFrame, type SentReply } from '../model/model-reply.ts'
import {
  type ModelRequest,
  type SetWatchesBody,
  createsEphemeral,
  decodeRequest,
} from '../model/model-request.ts'
import { HandshakeChecker } from './handshake-checker.ts'
import type { DeliveredWrite, HistoryView } from './history.ts'
import { ServerStanding } from './server-standing.ts'
import type { LocalSessionWitness, SessionWitness } from './session-checker.ts'
import type { ServiceRules } from './txn-judge.ts'
import { Violation, canonical, isSame } from './violation.ts'
import { type Pending, WireConnection, wrongOn } from './wire-connection.ts'

export class WireChecker {
  readonly #history: HistoryView
  readonly #sessions: SessionWitness
  /** Null where every session begins with a transaction. */
  readonly #locals: LocalSessionWitness | null
  readonly #rules: ServiceRules
  readonly #hasher: Hasher
  readonly #connections = new Map<ConnectionId, WireConnection>()
  readonly #standing: ServerStanding
  readonly #handshakes: HandshakeChecker
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
    this.#standing = new ServerStanding(history)
    this.#handshakes = new HandshakeChecker(history, sessions, locals, rules, this.#standing)
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
    const connection = new WireConnection(id, address, this.#rules.frameBytesMax)
    connection.closable = this.#standing.notServing
    this.#connections.set(id, connection)
  }

  received(id: ConnectionId, chunk: Uint8Array): void {
    const connection = this.#must(id)
    for (const frame of connection.up.push(chunk)) {
      if (connection.phase === 'handshake') {
        this.#handshakes.asked(connection, frame, this.#connections.values())
      } else {
        this.#onRequest(connection, frame)
      }
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
    this.#standing.applied = zxid
  }

  /** The server does not serve any more, or not yet: it may close whatever there is. */
  stopServing(reason: string): void {
    this.#locals?.clear()
    this.#standing.notServing = reason
    for (const connection of this.#connections.values()) connection.closable ??= reason
  }

  /** The server serves, with everything up to `zxid`; others' clients alone unless `takesClients`. */
  startServing(zxid: Zxid, takesClients: boolean): void {
    this.#standing.takesClients = takesClients
    this.#standing.isReadOnly = false
    if (takesClients) this.#standing.notServing = null
    else this.stopServing('it takes no clients')
    this.#standing.applied = zxid
  }

  /** The server has no leader, and shows what it has up to `zxid`, be that committed or not. */
  startReadOnly(zxid: Zxid): void {
    this.startServing(zxid, true)
    this.#standing.isReadOnly = true
  }

  // What the server says.

  sent(id: ConnectionId, bytes: Uint8Array): void {
    const connection = this.#connections.get(id)
    if (connection === undefined) return
    if (connection.isSuperseded) throw wrongOn(connection, 'is sent to after its session moved')
    for (const frame of connection.down.push(bytes)) {
      try {
        if (connection.phase === 'handshake') {
          throw wrongOn(connection, `is sent ${frame.length} bytes before its handshake`)
        }
        this.#onReply(connection, decodeReplyFrame(frame))
      } catch (error) {
        if (!(error instanceof MalformedRecord)) throw error
        throw wrongOn(connection, `is sent a frame that cannot be read: ${error.message}`)
      }
    }
  }

  /** The server closes a connection. */
  closing(id: ConnectionId): void {
    const connection = this.#connections.get(id)
    if (connection === undefined) return
    if (this.#handshakes.isOver(connection)) connection.closable ??= 'session ended'
    if (connection.phase === 'handshake') connection.closable ??= 'handshake'
    if (connection.pending.some(({ write }) => isMoved(write))) {
      connection.closable ??= 'session moved to another server'
    }
    mark(`closed: ${connection.closable}`)
    if (connection.closable === null) throw wrongOn(connection, 'is closed for no reason')
    connection.isClosing = true
  }

  /** The server has done all that followed from one input. */
  endTurn(applied: Zxid): void {
    if (applied < this.#standing.applied) {
      throw new Violation(
        'one order',
        `the server goes back from ${formatZxid(this.#standing.applied)} to ${formatZxid(applied)}`,
      )
    }
    this.#standing.applied = applied
    if (!this.#standing.isReadOnly) this.#requireDurable(applied, 'is applied')
    for (const connection of this.#connections.values()) {
      if (connection.isOver && !connection.isClosing) {
        throw wrongOn(connection, 'takes up a session that has ended')
      }
      if (connection.phase === 'live' && !connection.isClosing) {
        this.#advance(connection, applied)
        const missing = connection.expected.find((event) => !event.isOptional)
        if (missing !== undefined) {
          throw wrongOn(connection, `was not told of ${canonical(missing)}`)
        }
      }
      connection.idsBefore = connection.ids
      connection.isSuperseded ||= connection.closable === 'session moved'
    }
  }

  // Requests.

  #onRequest(connection: WireConnection, frame: Uint8Array): void {
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
    const syncPoint = isSync ? this.#history.syncPoint?.(this.#standing.applied) : 0
    const { ids } = connection
    connection.pending.push({ request, ids, write, refusal, shows: syncPoint ?? 0 })
  }

  /** What the server answers by itself, without asking its tree or anybody else; or null. */
  #refusalOf(request: ModelRequest, isWrite: boolean): ErrorCode | null {
    if (this.#standing.isReadOnly) {
      if (request.op === OpCode.closeSession) return ErrorCode.Ok
      return isWrite || request.op === OpCode.sync ? ErrorCode.NotReadOnly : null
    }
    const { localSessions, localSessionsUpgrading } = this.#rules
    const ownsNothing = localSessions && !localSessionsUpgrading
    return ownsNothing && createsEphemeral(request) ? ErrorCode.EphemeralOnLocalSession : null
  }

  #onAuthRequest(connection: WireConnection, request: ModelRequest): void {
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

  #onReply(connection: WireConnection, reply: SentReply): void {
    if (connection.phase === 'connecting') {
      this.#handshakes.answered(connection, reply.reader.bytes)
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
        throw wrongOn(connection, `is told ${errorName(err)} about its identity`)
      }
      return
    }
    this.#answers++
    const pending = connection.pending.shift()
    if (pending === undefined) throw wrongOn(connection, `is answered ${xid} without asking`)
    const { request } = pending
    const expectedXid = request.op === OpCode.ping ? Xid.ping : request.xid
    if (xid !== expectedXid) {
      throw wrongOn(connection, `is answered ${xid}, its oldest request is ${request.xid}`)
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
      throw wrongOn(
        connection,
        `gets the answer to ${describe(request)} at ${formatZxid(zxid)} before ${canonical(missing)}`,
      )
    }
    connection.expected.length = 0
    const found: Answer = { error: err as ErrorCode, body: reply.bodyFor(request.op) }
    const isKnown = pending.refusal !== null || this.#standing.isCertain(zxid)
    if (!isKnown) mark('shown without a leader: what may not be committed')
    const expected = isKnown ? this.#expectedAnswer(connection, pending, zxid) : found
    if (!isKnown) connection.replayed.length = 0
    if (!isSame(found, expected)) {
      throw wrongOn(
        connection,
        `is answered ${describe(request)} at ${formatZxid(zxid)}\n  with     ${canonical(found)}` +
          `\n  expected ${canonical(expected)}`,
      )
    }
    if (request.op === OpCode.closeSession) connection.closable ??= 'session closed'
  }

  #expectedAnswer(connection: WireConnection, pending: Pending, zxid: Zxid): Answer {
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
        throw wrongOn(connection, `is answered ${describe(request)}, which is not durable`)
      }
      if (entry.zxid !== zxid) {
        throw wrongOn(
          connection,
          `is answered ${describe(request)} at ${formatZxid(zxid)}, done at ${formatZxid(entry.zxid)}`,
        )
      }
      if (isMoved(write)) {
        throw wrongOn(connection, `is answered ${describe(request)}, but its session has moved`)
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
          throw wrongOn(connection, `missed ${canonical(missed)} and is told of ${canonical(told)}`)
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

  #onNotification(connection: WireConnection, reply: SentReply): void {
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
      throw wrongOn(
        connection,
        `is told of ${type} ${path} at ${formatZxid(zxid)}, expected ${canonical(expected)}`,
      )
    }
  }

  /** The events that the transactions up to `zxid` mean for a connection. */
  #advance(connection: WireConnection, zxid: Zxid): void {
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

  #requireNext(connection: WireConnection, zxid: Zxid, what: string): void {
    if (zxid < connection.shown) {
      throw wrongOn(
        connection,
        `gets ${what} at ${formatZxid(zxid)} after ${formatZxid(connection.shown)}`,
      )
    }
    connection.shown = zxid
    if (this.#standing.isReadOnly) return
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

  #must(id: ConnectionId): WireConnection {
    const connection = this.#connections.get(id)
    if (connection === undefined) throw new Violation('wire', `connection ${id} is unknown`)
    return connection
  }
}

const describe = (request: ModelRequest): string => `${opName(request.op)} ${request.xid}`

/** Refused for a reason that is not told: the connection is closed. */
const isMoved = (write: DeliveredWrite | null): boolean =>
  write?.entry?.answer.error === ErrorCode.SessionMoved
