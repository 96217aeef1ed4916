// One server's whole behaviour as a synchronous, deterministic object: inputs go into `step`,
// everything that follows from them comes out of `drain`. It has no clock, socket, disk or
// randomness of its own. This file routes inputs and owns the order of things: what is proposed,
// committed, applied and answered when. What requests mean is the pipeline's, what is durable zab's.

import { assert } from '../../base/assert.ts'
import {
  IDENTITIES_PER_CONNECTION_MAX,
  OUTPUT_CLOSE_BYTES,
  OUTPUT_PAUSE_BYTES,
  WATCHES_PER_CONNECTION_MAX,
} from '../../base/limits.ts'
import { Ring } from '../../base/ring.ts'
import type { SessionId } from '../../base/session-id.ts'
import { EMPTY_BYTES } from '../../base/text.ts'
import { type Zxid, ZXID_NONE } from '../../base/zxid.ts'
import type { ConnectionId } from '../../ports/client-network.ts'
import type { Hasher } from '../../ports/hasher.ts'
import { JuteReader, MalformedRecord } from '../jute/reader.ts'
import { Applier } from '../pipeline/apply.ts'
import { type Identities, authenticate } from '../pipeline/identities.ts'
import { type Audience, Notifier } from '../pipeline/notify.ts'
import { ReadProcessor } from '../pipeline/read.ts'
import { setWatches } from '../pipeline/set-watches.ts'
import type { PipelineSettings } from '../pipeline/settings.ts'
import type { QuorumVerifier } from '../quorum/quorum.ts'
import { readConnectRequest } from '../records/connect.ts'
import { ErrorCode } from '../records/errors.ts'
import { REQUEST_HEADER_BYTES } from '../records/headers.ts'
import { OpCode, Xid, opKind } from '../records/opcodes.ts'
import { authPacket, saslRequest } from '../records/requests.ts'
import type { EventType } from '../records/watches.ts'
import type { TrackedSession } from '../session/session-tracker.ts'
import type { Database } from '../tree/database.ts'
import { WatchManager, type Watcher } from '../watch/watch-manager.ts'
import { Leader } from '../zab/leader.ts'
import { ClientConnection, ConnectionStatistics, type QueuedRequest } from './client-connection.ts'
import { ContainerSweeper } from './container-sweeper.ts'
import { fourLetterWord } from './four-letter-word.ts'
import type { Input, Moment } from './ready.ts'
import { type Ready, ReadyBuilder } from './ready-builder.ts'
import {
  beginReply,
  finishReply,
  writeConnected,
  writeHeaderReply,
  writeNotification,
  writeSessionInvalid,
} from './replies.ts'
import { LatencySummary } from './latency-summary.ts'
import { Proposer } from './proposer.ts'
import { SessionDesk } from './session-desk.ts'
import { HANDSHAKE_MS_MAX, needsPause, mayResume } from './flow-control.ts'

export interface ReplicaOptions {
  /** This server's id within its ensemble; 1 when standing alone. */
  readonly serverId: number
  /** Whose acknowledgements commit a transaction; a server that stands alone is its own quorum. */
  readonly quorum: QuorumVerifier
  readonly settings: PipelineSettings
  /** The longest frame accepted from a client, in bytes (`jute.maxbuffer`). */
  readonly frameBytesMax: number
  /** The longest string or buffer within a record, in bytes. */
  readonly fieldBytesMax: number
  /** The first session id that this server gives out, see `firstSessionId`. */
  readonly firstSessionId: SessionId
  /** A connection that has not sent its handshake by then is closed (`nio.sessionlessCnxnTimeout`). */
  readonly handshakeMsMax?: number
  /** A connection that holds more watches is closed. */
  readonly watchesPerConnectionMax?: number
  readonly hasher: Hasher
}

export class Replica implements Audience {
  readonly database: Database
  readonly watches: WatchManager = new WatchManager()
  readonly sessions: SessionDesk
  readonly connections: Map<ConnectionId, ClientConnection> = new Map()
  readonly statistics: ConnectionStatistics
  readonly readLatency: LatencySummary = new LatencySummary()
  readonly updateLatency: LatencySummary = new LatencySummary()
  /** Connections with a session that are gone, since the start. */
  droppedConnectionCount = 0
  readonly handshakeMsMax: number
  readonly leader: Leader
  readonly proposer: Proposer

  readonly #options: ReplicaOptions
  readonly #applier: Applier
  readonly #reads: ReadProcessor
  readonly #sweeper: ContainerSweeper
  readonly #ready = new ReadyBuilder()
  readonly #reader = new JuteReader(EMPTY_BYTES)
  /** Connections that have not sent a handshake yet, the oldest first. */
  readonly #strangers = new Set<ClientConnection>()
  readonly #renewals = new Ring<Renewal>()
  readonly #watchesMax: number
  #nowMs: number
  #wallMs: number

  /** `database` is what recovery found; everything in it is durable. */
  constructor(options: ReplicaOptions, database: Database, moment: Moment) {
    const { settings } = options
    this.#options = options
    this.database = database
    this.#nowMs = moment.nowMs
    this.#wallMs = moment.wallMs
    this.#reader.fieldBytesMax = options.fieldBytesMax
    this.handshakeMsMax = options.handshakeMsMax ?? HANDSHAKE_MS_MAX
    this.#watchesMax = options.watchesPerConnectionMax ?? WATCHES_PER_CONNECTION_MAX
    this.statistics = new ConnectionStatistics(moment.nowMs)
    this.sessions = new SessionDesk(database, settings, options.firstSessionId)
    this.sessions.adoptAll(moment.nowMs)
    this.leader = new Leader(options.serverId, options.quorum, database.lastZxid)
    this.proposer = new Proposer(
      database,
      this.leader,
      settings,
      options.fieldBytesMax,
      this.#ready.append,
    )
    this.#applier = new Applier(database, new Notifier(database, this.watches, this, settings))
    this.#reads = new ReadProcessor(database, this.watches, settings)
    this.#sweeper = new ContainerSweeper(database.tree, settings, moment.nowMs)
  }

  /** Requests that have been read but not answered. */
  get outstandingCount(): number {
    return this.proposer.count
  }

  step(input: Input, moment: Moment): void {
    this.#ready.begin()
    this.#nowMs = moment.nowMs
    this.#wallMs = moment.wallMs
    switch (input.kind) {
      case 'client-bytes':
        this.#onBytes(input.connection, input.bytes)
        break
      case 'durable':
        this.leader.acknowledge(this.#options.serverId, input.zxid)
        this.#applyCommitted()
        break
      case 'client-opened':
        this.#onOpened(input.connection, input.address, input.port)
        break
      case 'client-drained':
        this.#onDrained(input.connection)
        break
      case 'client-closed':
        this.#onClosed(input.connection)
        break
      case 'session-over':
        this.#onSessionOver(input.session)
        break
      case 'wake':
        this.#onWake()
        break
    }
  }

  drain(): Ready {
    return this.#ready.take(
      Math.min(
        this.sessions.tracker.nextDeadlineMs,
        this.#sweeper.wakeAtMs,
        this.#handshakeDeadlineMs,
      ),
    )
  }

  // Connections

  #onOpened(id: ConnectionId, address: string, port: number): void {
    const { frameBytesMax } = this.#options
    const connection = new ClientConnection(
      id,
      address,
      port,
      frameBytesMax,
      this.#nowMs,
      this.#wallMs,
    )
    this.connections.set(id, connection)
    this.#strangers.add(connection)
  }

  #onBytes(id: ConnectionId, bytes: Uint8Array): void {
    const connection = this.connections.get(id)
    if (connection === undefined) return
    if (connection.state === 'closed' || connection.state === 'closing') return
    connection.framer.push(bytes)
    this.#readFrames(connection)
  }

  #onDrained(id: ConnectionId): void {
    const connection = this.connections.get(id)
    if (connection === undefined || !connection.isHeldBack) return
    connection.isHeldBack = false
    if (connection.state === 'closed') return
    if (mayResume(connection)) this.#setReading(connection, true)
    connection.framer.resume()
    this.#readFrames(connection)
  }

  #readFrames(connection: ClientConnection): void {
    const { framer } = connection
    if (connection.state === 'new' && this.#tookWord(connection)) return
    while (
      (connection.state === 'open' || connection.state === 'new') &&
      !connection.isHeldBack &&
      framer.next()
    ) {
      this.#onFrame(connection, framer.bytes, framer.start, framer.end)
      // A few bytes of requests can ask for any amount of answers: those wait for room to go to.
      if (connection.output.position > OUTPUT_PAUSE_BYTES) this.#holdBack(connection)
    }
    if (framer.problem !== null) this.#drop(connection)
    if (connection.state === 'closed') return
    framer.keepRest()
    if (needsPause(connection)) this.#setReading(connection, false)
  }

  #holdBack(connection: ClientConnection): void {
    connection.isHeldBack = true
    this.#setReading(connection, false)
    this.#ready.touch(connection)
  }

  /** Before its first frame, a connection may send a word instead. */
  #tookWord(connection: ClientConnection): boolean {
    const word = fourLetterWord(connection.framer.peekInt())
    if (word === null) return false
    this.#ready.words.push({
      connection: connection.connection,
      word,
      argument: connection.framer.peekBehindInt(8),
    })
    connection.statistics.received++
    this.statistics.received++
    this.#strangers.delete(connection)
    connection.state = 'closed'
    return true
  }

  #onFrame(connection: ClientConnection, bytes: Uint8Array, start: number, end: number): void {
    const reader = this.#reader
    reader.reset(bytes, start, end)
    connection.statistics.received++
    this.statistics.received++
    if (connection.state === 'new') {
      this.#onHandshake(connection, reader)
      return
    }
    if (end - start < REQUEST_HEADER_BYTES) {
      this.#drop(connection)
      return
    }
    const xid = reader.int()
    const op = reader.int()
    const session = connection.session!
    // A session whose end is under way is not served any more; its connection ends with it.
    if (session.closing && op !== OpCode.auth && op !== OpCode.sasl) return
    switch (opKind(op)) {
      case 'read':
        this.sessions.tracker.touch(session, this.#nowMs)
        this.#readInOrder(connection, xid, op)
        break
      case 'write':
        this.sessions.tracker.touch(session, this.#nowMs)
        this.#write(connection, xid, op)
        break
      case 'special':
        this.#onSpecial(connection, xid, op)
        break
      case 'refused':
        writeHeaderReply(connection.output, xid, ZXID_NONE, ErrorCode.Unimplemented)
        this.#sent(connection)
        this.#drop(connection)
        break
    }
  }

  #onSpecial(connection: ClientConnection, xid: number, op: number): void {
    if (op === OpCode.auth) {
      this.#onAuth(connection, xid)
    } else if (op === OpCode.sasl) {
      this.#onSasl(connection, xid)
    } else {
      this.sessions.tracker.touch(connection.session!, this.#nowMs)
      this.#readInOrder(connection, xid, op)
    }
  }

  /** No mechanism is configured: any token ends the exchange, and proves nothing. */
  #onSasl(connection: ClientConnection, xid: number): void {
    if (!hasToken(this.#reader)) {
      this.#drop(connection)
      return
    }
    const start = beginReply(connection.output)
    connection.output.int(-1)
    finishReply(connection.output, start, xid, 0 as Zxid, ErrorCode.Ok)
    this.#sent(connection)
  }

  #onAuth(connection: ClientConnection, xid: number): void {
    const { settings, hasher } = this.#options
    let added: ReturnType<typeof authenticate>
    try {
      const { scheme, auth } = authPacket.read(this.#reader)
      added = authenticate(scheme, auth, connection.address, settings, hasher)
    } catch (problem) {
      if (!(problem instanceof MalformedRecord)) throw problem
      this.#drop(connection)
      return
    }
    const error = added === null ? ErrorCode.AuthFailed : ErrorCode.Ok
    writeHeaderReply(connection.output, xid, 0 as Zxid, error)
    this.#sent(connection)
    if (added === null) this.#drop(connection)
    else connection.identities = connection.identities.with(added)
    if (connection.identities.list.length > IDENTITIES_PER_CONNECTION_MAX) this.#drop(connection)
  }

  #onClosed(id: ConnectionId): void {
    const connection = this.connections.get(id)
    if (connection === undefined) return
    this.connections.delete(id)
    if (connection.session !== null) this.droppedConnectionCount++
    this.#forget(connection)
  }

  /** Closes a connection from this side, once what is in its output has been sent. */
  #drop(connection: ClientConnection): void {
    if (connection.state === 'closed') return
    this.#forget(connection)
    connection.close = true
    this.#ready.touch(connection)
  }

  #forget(connection: ClientConnection): void {
    connection.state = 'closed'
    this.#strangers.delete(connection)
    this.watches.removeWatcher(connection.watcher)
    this.sessions.detach(connection)
    connection.queue.clear()
    connection.queuedBytes = 0
  }

  // Sessions

  #onHandshake(connection: ClientConnection, reader: JuteReader): void {
    this.#strangers.delete(connection)
    let request: ReturnType<typeof readConnectRequest>
    try {
      request = readConnectRequest(reader)
    } catch (problem) {
      if (!(problem instanceof MalformedRecord)) throw problem
      this.#drop(connection)
      return
    }
    if (request.lastZxidSeen > BigInt(this.database.lastZxid)) {
      // It has seen more than this server has: let it find one that is further.
      this.#drop(connection)
      return
    }
    connection.knowsReadOnly = request.readOnly !== null
    if (request.sessionId === 0n) {
      this.#beginSession(connection, this.sessions.timeoutFor(request.timeOut))
      return
    }
    const former = this.sessions.connectionOf(request.sessionId as SessionId)
    if (former !== undefined) this.#drop(former)
    const session = this.sessions.renew(request, this.#nowMs)
    if (session === null) this.#refuseSession(connection)
    else this.#renew(connection, session)
  }

  /**
   * What the session asked on its former connection may still be under way. It is answered when
   * that is done, so that a client that looks for its own lost write finds it.
   */
  #renew(connection: ClientConnection, session: TrackedSession): void {
    const after = this.leader.lastProposed
    if (after === this.database.lastZxid) {
      this.#connected(connection, session)
    } else {
      this.sessions.attach(connection, session)
      connection.state = 'connecting'
      this.#renewals.push({ connection, session, after })
    }
  }

  #refuseSession(connection: ClientConnection): void {
    writeSessionInvalid(connection.output, connection.knowsReadOnly)
    this.#drop(connection)
  }

  #beginSession(connection: ClientConnection, timeoutMs: number): void {
    const session = this.sessions.tracker.add(this.sessions.newId(), timeoutMs, this.#nowMs)
    this.sessions.attach(connection, session)
    connection.state = 'connecting'
    this.proposer.proposeSession(connection, session, this.#wallMs)
  }

  #connected(connection: ClientConnection, session: TrackedSession): void {
    connection.state = 'open'
    this.sessions.attach(connection, session)
    writeConnected(connection.output, session, connection.knowsReadOnly)
    this.#sent(connection)
  }

  // Requests

  /** Answers at once, unless the connection waits for a write of its own. */
  #readInOrder(connection: ClientConnection, xid: number, op: number): void {
    if (connection.queue.length === 0) {
      this.#read(connection, xid, op, connection.identities, this.#nowMs)
      return
    }
    const { bytes, position, end } = this.#reader
    const body = bytes.slice(position, end)
    connection.queue.push({
      xid,
      op,
      zxid: 0 as Zxid,
      body,
      identities: connection.identities,
      byteCount: body.length,
      arrivedMs: this.#nowMs,
    })
    connection.queuedBytes += body.length
  }

  #read(
    connection: ClientConnection,
    xid: number,
    op: number,
    identities: Identities,
    arrivedMs: number,
  ): void {
    const { output } = connection
    const zxid = this.database.lastZxid
    if (op === OpCode.ping) {
      writeHeaderReply(output, Xid.ping, zxid, ErrorCode.Ok)
    } else if (op === OpCode.setWatches || op === OpCode.setWatches2) {
      writeHeaderReply(output, xid, zxid, this.#setWatches(connection, op))
    } else if (opKind(op) === 'write') {
      // A write that could not be read is answered in its turn, and changes nothing.
      writeHeaderReply(output, xid, zxid, ErrorCode.MarshallingError)
    } else {
      const start = beginReply(output)
      const bodyStart = output.position
      let hasBodyBesideError = op === OpCode.multiRead
      let error: number
      try {
        error = this.#reads.read(op, this.#reader, connection, identities, output)
      } catch (problem) {
        if (!(problem instanceof MalformedRecord)) throw problem
        hasBodyBesideError = false
        error = ErrorCode.MarshallingError
      }
      if (error !== ErrorCode.Ok && !hasBodyBesideError) output.position = bodyStart
      finishReply(output, start, xid, zxid, error)
    }
    this.readLatency.add(this.#answered(connection, op, xid, arrivedMs))
    if (this.watches.count > this.#watchesMax) this.#checkWatches(connection)
  }

  #checkWatches(connection: ClientConnection): void {
    if (this.watches.countOf(connection.watcher) > this.#watchesMax) this.#drop(connection)
  }

  #setWatches(connection: ClientConnection, op: number): number {
    try {
      setWatches(
        op,
        this.#reader,
        this.database.tree,
        this.watches,
        connection.watcher,
        (type, path, zxid) => this.notify(connection.watcher, type, path, zxid),
      )
      return ErrorCode.Ok
    } catch (problem) {
      if (!(problem instanceof MalformedRecord)) throw problem
      return ErrorCode.MarshallingError
    }
  }

  #write(connection: ClientConnection, xid: number, op: number): void {
    if (op === OpCode.closeSession) {
      this.sessions.tracker.markClosing(connection.session!)
      connection.state = 'closing'
    }
    const byteCount = this.#reader.remaining
    const zxid = this.proposer.proposeWrite(connection, op, xid, this.#reader, this.#wallMs)
    if (zxid === null) {
      this.#readInOrder(connection, xid, op)
      return
    }
    connection.queue.push({
      xid,
      op,
      zxid,
      body: null,
      identities: connection.identities,
      byteCount,
      arrivedMs: this.#nowMs,
    })
    connection.queuedBytes += byteCount
  }

  // Commits

  #applyCommitted(): void {
    for (let done = this.proposer.takeCommitted(); done; done = this.proposer.takeCommitted()) {
      const { zxid, bytes, start, end } = done.entry
      const connection = done.connection?.state === 'closed' ? null : done.connection
      this.#applier.apply(zxid, bytes, start, end, connection !== null)
      this.proposer.preparer.applied(zxid)
      if (done.op === OpCode.createSession) {
        if (connection !== null) this.#beginServing(connection, done.session!)
      } else {
        if (connection !== null) this.#onWritten(connection, zxid)
        if (done.op === OpCode.closeSession) this.#onSessionEnded(done.session!)
      }
    }
    for (let next = this.#renewals.peek(); next !== undefined; next = this.#renewals.peek()) {
      if (next.after > this.database.lastZxid) break
      this.#renewals.shift()
      if (next.connection.state !== 'connecting') continue
      if (next.session.closing) this.#refuseSession(next.connection)
      else this.#beginServing(next.connection, next.session)
    }
  }

  /** The session is there: what was sent behind the handshake is read now. */
  #beginServing(connection: ClientConnection, session: TrackedSession): void {
    // The client has waited for our disk: that is not held against it.
    this.sessions.tracker.touch(session, this.#nowMs)
    this.#connected(connection, session)
    this.#setReading(connection, true)
    connection.framer.resume()
    this.#readFrames(connection)
  }

  #onSessionEnded(session: TrackedSession): void {
    const connection = this.sessions.ended(session.id)
    if (connection !== undefined) this.#drop(connection)
  }

  #onWritten(connection: ClientConnection, zxid: Zxid): void {
    const request = connection.queue.shift()
    assert(request.zxid === zxid, () => `${zxid} is done, the connection waits for ${request.zxid}`)
    connection.queuedBytes -= request.byteCount
    const { output } = connection
    const { body, error } = this.#applier
    const start = beginReply(output)
    output.raw(body.bytes, 0, body.position)
    finishReply(output, start, request.xid, this.database.lastZxid, error)
    this.updateLatency.add(this.#answered(connection, request.op, request.xid, request.arrivedMs))
    this.#readQueued(connection)
  }

  /** Reads that waited for the write before them. */
  #readQueued(connection: ClientConnection): void {
    const { queue } = connection
    for (let next = queue.peek(); next !== undefined && next.body !== null; next = queue.peek()) {
      this.#readOne(connection, queue.shift(), next.body)
      if (connection.output.position > OUTPUT_CLOSE_BYTES) {
        // These cannot wait: the next write may be applied in this very step.
        this.#drop(connection)
        return
      }
    }
    if (!connection.isReading && !connection.isHeldBack && mayResume(connection)) {
      this.#setReading(connection, true)
    }
  }

  #readOne(connection: ClientConnection, request: QueuedRequest, body: Uint8Array): void {
    connection.queuedBytes -= request.byteCount
    this.#reader.reset(body, 0, body.length)
    this.#read(connection, request.xid, request.op, request.identities, request.arrivedMs)
  }

  // Time

  get #handshakeDeadlineMs(): number {
    for (const connection of this.#strangers) return connection.openedMs + this.handshakeMsMax
    return Infinity
  }

  #onSessionOver(id: SessionId): void {
    const session = this.sessions.tracker.get(id)
    if (session === undefined || session.closing) return
    this.sessions.tracker.markClosing(session)
    this.#expire(session)
  }

  #expire(session: TrackedSession): void {
    this.sessions.expiredCount++
    this.proposer.proposeExpiry(session, this.#wallMs)
  }

  #onWake(): void {
    for (const session of this.sessions.tracker.expired(this.#nowMs)) this.#expire(session)
    const path = this.#sweeper.next(this.#nowMs, this.#wallMs)
    if (path !== null) this.proposer.proposeRemoval(path, this.#wallMs)
    for (const connection of this.#strangers) {
      if (connection.openedMs + this.handshakeMsMax > this.#nowMs) break
      this.#drop(connection)
    }
  }

  // Output

  identitiesOf(watcher: Watcher): Identities {
    return this.connections.get(watcher)!.identities
  }

  notify(watcher: Watcher, type: EventType, path: string, zxid: Zxid): void {
    const connection = this.connections.get(watcher)!
    writeNotification(connection.output, type, path, zxid)
    this.#sent(connection)
  }

  /** Returns the latency in milliseconds. */
  #answered(connection: ClientConnection, op: number, xid: number, arrivedMs: number): number {
    const latencyMs = Math.floor(this.#nowMs - arrivedMs)
    const zxid = this.database.lastZxid
    connection.statistics.answered(op, xid, zxid, latencyMs, this.#nowMs)
    this.statistics.answered(op, xid, zxid, latencyMs, this.#nowMs)
    this.#ready.touch(connection)
    return latencyMs
  }

  #sent(connection: ClientConnection): void {
    connection.statistics.sent++
    this.statistics.sent++
    this.#ready.touch(connection)
  }

  #setReading(connection: ClientConnection, reading: boolean): void {
    if (connection.isReading === reading) return
    connection.isReading = reading
    this.#ready.reading.push({ connection: connection.connection, reading })
  }
}

function hasToken(reader: JuteReader): boolean {
  try {
    return saslRequest.read(reader).token !== null
  } catch (problem) {
    if (!(problem instanceof MalformedRecord)) throw problem
    return false
  }
}

/** A session that goes on with a new connection, once everything up to `after` has been applied. */
interface Renewal {
  readonly connection: ClientConnection
  readonly session: TrackedSession
  readonly after: Zxid
}
