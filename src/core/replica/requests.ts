// The requests of connections that have a session: which kind each is, when it is answered, and
// with what. A connection's requests are answered in the order in which they came; a read waits
// behind the connection's own writes and behind nothing else. What a request means is the
// pipeline's business.

import { assert } from '../../base/assert.ts'
import { IDENTITIES_PER_CONNECTION_MAX, OUTPUT_CLOSE_BYTES } from '../../base/limits.ts'
import { copyOf } from '../../base/text.ts'
import { ZXID_NONE, ZXID_ZERO } from '../../base/zxid.ts'
import type { Hasher } from '../../ports/hasher.ts'
import { type JuteReader, MalformedRecord } from '../jute/reader.ts'
import type { Applier } from '../pipeline/apply.ts'
import { type Identities, authenticate } from '../pipeline/identities.ts'
import { ReadProcessor } from '../pipeline/read.ts'
import { setWatches } from '../pipeline/set-watches.ts'
import type { PipelineSettings } from '../pipeline/settings.ts'
import type { Id } from '../records/acl.ts'
import { ErrorCode } from '../records/errors.ts'
import { REQUEST_HEADER_BYTES } from '../records/headers.ts'
import { OpCode, Xid, opKind } from '../records/opcodes.ts'
import { authPacket, saslRequest } from '../records/requests.ts'
import type { Database } from '../tree/database.ts'
import type { WatchManager } from '../watch/watch-manager.ts'
import type { ClientConnection, QueuedRequest } from './client-connection.ts'
import type { Clients } from './clients.ts'
import { createsEphemeral } from './creates-ephemeral.ts'
import { mayResume } from './flow-control.ts'
import type { Latencies } from './latency-summary.ts'
import { beginReply, finishReply, writeHeaderReply } from './replies.ts'
import type { SessionDesk } from './session-desk.ts'
import type { StepTime } from './step-time.ts'
import type { Writes } from './writes.ts'

export interface RequestsOptions {
  readonly settings: PipelineSettings
  readonly hasher: Hasher
  /** A connection that holds more watches is closed. */
  readonly watchesPerConnectionMax: number
}

/** What requests are served from. */
export interface RequestsContext {
  readonly database: Database
  readonly watches: WatchManager
  readonly sessions: SessionDesk
  readonly clients: Clients
  readonly writes: Writes
  readonly latencies: Latencies
  readonly time: StepTime
  /** Set to the frame that is being handled. */
  readonly reader: JuteReader
}

export class Requests {
  readonly #options: RequestsOptions
  readonly #database: Database
  readonly #watches: WatchManager
  readonly #sessions: SessionDesk
  readonly #clients: Clients
  readonly #writes: Writes
  readonly #latencies: Latencies
  readonly #time: StepTime
  readonly #reader: JuteReader
  readonly #reads: ReadProcessor

  constructor(options: RequestsOptions, context: RequestsContext) {
    this.#options = options
    this.#database = context.database
    this.#watches = context.watches
    this.#sessions = context.sessions
    this.#clients = context.clients
    this.#writes = context.writes
    this.#latencies = context.latencies
    this.#time = context.time
    this.#reader = context.reader
    this.#reads = new ReadProcessor(context.database, context.watches, options.settings)
  }

  /** A frame, where the reader stands. */
  accept(connection: ClientConnection): void {
    const reader = this.#reader
    if (reader.remaining < REQUEST_HEADER_BYTES) {
      this.#clients.drop(connection)
      return
    }
    const xid = reader.int()
    const op = reader.int()
    const session = connection.session!
    // A session whose end is under way is not served any more; its connection ends with it.
    if (session.closing && op !== OpCode.auth && op !== OpCode.sasl) return
    switch (opKind(op)) {
      case 'read':
        this.#sessions.touch(session, this.#time.nowMs)
        this.#readInOrder(connection, xid, op)
        break
      case 'write':
        this.#sessions.touch(session, this.#time.nowMs)
        this.#write(connection, xid, op)
        break
      case 'special':
        this.#special(connection, xid, op)
        break
      case 'refused':
        writeHeaderReply(connection.output, xid, ZXID_NONE, ErrorCode.Unimplemented)
        this.#clients.sent(connection)
        this.#clients.drop(connection)
        break
    }
  }

  /** The oldest write of the connection has been applied; `applied` knows what came of it. */
  written(connection: ClientConnection, xid: number, applied: Applier): void {
    const request = connection.queue.shift()
    assert(request.xid === xid, () => `${xid} is done, the connection waits for ${request.xid}`)
    connection.queuedBytes -= request.byteCount
    if (applied.isSessionMoved) {
      // Nobody is told of that: a client that has gone on elsewhere does not listen here, and one
      // that has not finds its way by connecting anew (ZOOKEEPER-710).
      this.#clients.drop(connection)
      return
    }
    const { output } = connection
    const start = beginReply(output)
    output.raw(applied.body.bytes, 0, applied.body.position)
    finishReply(output, start, request.xid, this.#database.lastZxid, applied.error)
    const latencyMs = this.#answered(connection, request.op, request.xid, request.arrivedMs)
    this.#latencies.update.add(latencyMs)
    this.#readQueued(connection)
  }

  /** The oldest `sync` of the connection has caught up with the leader. */
  synced(connection: ClientConnection): void {
    const { queue } = connection
    for (let index = 0; index < queue.length; index++) {
      const request = queue.at(index)!
      if (!request.isBlocked || request.op !== OpCode.sync) continue
      request.isBlocked = false
      if (index === 0) this.#readQueued(connection)
      return
    }
  }

  // Identities

  #special(connection: ClientConnection, xid: number, op: number): void {
    if (op === OpCode.auth) {
      this.#authenticate(connection, xid)
    } else if (op === OpCode.sasl) {
      this.#answerSasl(connection, xid)
    } else {
      this.#sessions.touch(connection.session!, this.#time.nowMs)
      if (op === OpCode.sync && this.#writes.sync(connection, xid, this.#reader)) {
        this.#enqueueAnswer(connection, xid, op, true)
      } else {
        this.#readInOrder(connection, xid, op)
      }
    }
  }

  #authenticate(connection: ClientConnection, xid: number): void {
    const { settings, hasher } = this.#options
    let added: readonly Id[] | null
    try {
      const { scheme, auth } = authPacket.read(this.#reader)
      added = authenticate(scheme, auth, connection.address, settings, hasher)
    } catch (problem) {
      if (!(problem instanceof MalformedRecord)) throw problem
      this.#clients.drop(connection)
      return
    }
    const error = added === null ? ErrorCode.AuthFailed : ErrorCode.Ok
    writeHeaderReply(connection.output, xid, ZXID_ZERO, error)
    this.#clients.sent(connection)
    if (added !== null) connection.identities = connection.identities.with(added)
    const hasTooMany = connection.identities.list.length > IDENTITIES_PER_CONNECTION_MAX
    if (added === null || hasTooMany) this.#clients.drop(connection)
  }

  /** No mechanism is configured: any token ends the exchange, and proves nothing. */
  #answerSasl(connection: ClientConnection, xid: number): void {
    if (!hasToken(this.#reader)) {
      this.#clients.drop(connection)
      return
    }
    const start = beginReply(connection.output)
    connection.output.int(-1)
    finishReply(connection.output, start, xid, ZXID_ZERO, ErrorCode.Ok)
    this.#clients.sent(connection)
  }

  // Reads

  /** Answers at once, unless the connection waits for a write of its own. */
  #readInOrder(connection: ClientConnection, xid: number, op: number): void {
    if (connection.queue.length === 0) {
      this.#read(connection, xid, op, connection.identities, this.#time.nowMs)
    } else {
      this.#enqueueAnswer(connection, xid, op, false)
    }
  }

  /** Something that is answered from the tree, in its turn. */
  #enqueueAnswer(connection: ClientConnection, xid: number, op: number, isBlocked: boolean): void {
    const { bytes, position, end } = this.#reader
    const body = copyOf(bytes, position, end)
    this.#enqueue(connection, xid, op, isBlocked, body, body.length)
  }

  #read(
    connection: ClientConnection,
    xid: number,
    op: number,
    identities: Identities,
    arrivedMs: number,
  ): void {
    const { output } = connection
    const zxid = this.#database.lastZxid
    if (op === OpCode.ping) {
      writeHeaderReply(output, Xid.ping, zxid, ErrorCode.Ok)
    } else if (op === OpCode.setWatches || op === OpCode.setWatches2) {
      writeHeaderReply(output, xid, zxid, this.#setWatches(connection, op))
    } else if (op === OpCode.closeSession) {
      writeHeaderReply(output, xid, zxid, ErrorCode.Ok)
    } else if (opKind(op) === 'write' || (op === OpCode.sync && this.#writes.isReadOnly)) {
      // A write that is refused is answered in its turn, and changes nothing.
      writeHeaderReply(output, xid, zxid, this.#refusalOf(connection, op))
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
    this.#latencies.read.add(this.#answered(connection, op, xid, arrivedMs))
    if (this.#watches.count > this.#options.watchesPerConnectionMax) this.#checkWatches(connection)
    if (op === OpCode.closeSession) {
      this.#sessions.ended(connection.session!.id)
      this.#clients.drop(connection)
    }
  }

  #refusalOf({ session }: ClientConnection, op: number): number {
    const isLocal = session!.scope === 'local' && !this.#writes.isReadOnly
    return isLocal && createsEphemeral(op, this.#reader)
      ? ErrorCode.EphemeralOnLocalSession
      : this.#writes.refusal
  }

  #setWatches(connection: ClientConnection, op: number): number {
    const { watcher } = connection
    try {
      setWatches(
        op,
        this.#reader,
        this.#database.tree,
        this.#watches,
        watcher,
        (type, path, zxid) => this.#clients.notify(watcher, type, path, zxid),
      )
      return ErrorCode.Ok
    } catch (problem) {
      if (!(problem instanceof MalformedRecord)) throw problem
      return ErrorCode.MarshallingError
    }
  }

  #checkWatches(connection: ClientConnection): void {
    const count = this.#watches.countOf(connection.watcher)
    if (count > this.#options.watchesPerConnectionMax) this.#clients.drop(connection)
  }

  /** Reads that waited for the write before them. */
  #readQueued(connection: ClientConnection): void {
    const { queue } = connection
    for (let next = queue.peek(); next !== undefined && !next.isBlocked; next = queue.peek()) {
      if (connection.output.position > OUTPUT_CLOSE_BYTES) {
        // These cannot wait: the next write may be applied in this very step.
        this.#clients.drop(connection)
        return
      }
      this.#readOne(connection, queue.shift(), next.body!)
    }
    if (!connection.isReading && !connection.isHeldBack && mayResume(connection)) {
      this.#clients.setReading(connection, true)
    }
  }

  #readOne(connection: ClientConnection, request: QueuedRequest, body: Uint8Array): void {
    connection.queuedBytes -= request.byteCount
    this.#reader.reset(body, 0, body.length)
    this.#read(connection, request.xid, request.op, request.identities, request.arrivedMs)
  }

  // Writes

  #write(connection: ClientConnection, xid: number, op: number): void {
    const session = connection.session!
    if (op === OpCode.closeSession) {
      connection.state = 'closing'
      // No transaction ends a session that none began.
      if (session.scope === 'local') {
        this.#readInOrder(connection, xid, op)
        return
      }
      this.#sessions.markClosing(session)
    } else if (session.scope === 'local' && !this.#mayWrite(connection, op)) {
      this.#readInOrder(connection, xid, op)
      return
    }
    const byteCount = this.#reader.remaining
    const isOnItsWay = this.#writes.write(connection, op, xid, this.#reader)
    if (isOnItsWay) this.#enqueue(connection, xid, op, true, null, byteCount)
    else this.#readInOrder(connection, xid, op)
  }

  /** A local session owns nothing: for an ephemeral node it has to become everybody's first. */
  #mayWrite(connection: ClientConnection, op: number): boolean {
    if (this.#writes.isReadOnly || !createsEphemeral(op, this.#reader)) return true
    if (!this.#options.settings.localSessionsUpgrading) return false
    const session = connection.session!
    session.scope = 'upgrading'
    this.#writes.beginSession(connection, session)
    return true
  }

  #enqueue(
    connection: ClientConnection,
    xid: number,
    op: number,
    isBlocked: boolean,
    body: Uint8Array | null,
    byteCount: number,
  ): void {
    const { identities } = connection
    const arrivedMs = this.#time.nowMs
    connection.queue.push({ xid, op, isBlocked, body, identities, byteCount, arrivedMs })
    connection.queuedBytes += byteCount
  }

  #answered(connection: ClientConnection, op: number, xid: number, arrivedMs: number): number {
    return this.#clients.answered(connection, op, xid, this.#database.lastZxid, arrivedMs)
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
