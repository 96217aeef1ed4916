// One server's whole behaviour as a synchronous, deterministic object: inputs go into `step`,
// everything that follows from them comes out of `drain`. It has no clock, socket, disk or
// randomness of its own. This file routes inputs to its parts and owns what comes after what:
// frames are read, transactions committed, applied and answered in one order. What requests mean is
// the pipeline's business, what is durable zab's.

import { OUTPUT_PAUSE_BYTES, WATCHES_PER_CONNECTION_MAX } from '../../base/limits.ts'
import type { SessionId } from '../../base/session-id.ts'
import { EMPTY_BYTES } from '../../base/text.ts'
import type { ConnectionId } from '../../ports/client-network.ts'
import type { Hasher } from '../../ports/hasher.ts'
import { JuteReader } from '../jute/reader.ts'
import { Applier } from '../pipeline/apply.ts'
import { Notifier } from '../pipeline/notify.ts'
import type { PipelineSettings } from '../pipeline/settings.ts'
import type { QuorumVerifier } from '../quorum/quorum.ts'
import { OpCode } from '../records/opcodes.ts'
import type { TrackedSession } from '../session/session-tracker.ts'
import type { Database } from '../tree/database.ts'
import { WatchManager } from '../watch/watch-manager.ts'
import { Leader } from '../zab/leader.ts'
import type { ClientConnection } from './client-connection.ts'
import { Clients } from './clients.ts'
import { ContainerSweeper } from './container-sweeper.ts'
import { HANDSHAKE_MS_MAX, mayResume, needsPause } from './flow-control.ts'
import { fourLetterWord } from './four-letter-word.ts'
import { Handshakes } from './handshakes.ts'
import { Proposer } from './proposer.ts'
import type { Input, Moment } from './ready.ts'
import { type Ready, ReadyBuilder } from './ready-builder.ts'
import { Requests } from './requests.ts'
import { SessionDesk } from './session-desk.ts'
import { StepTime } from './step-time.ts'

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

export class Replica {
  readonly database: Database
  readonly watches: WatchManager = new WatchManager()
  readonly sessions: SessionDesk
  readonly clients: Clients
  readonly requests: Requests
  readonly leader: Leader
  readonly proposer: Proposer

  readonly #serverId: number
  readonly #handshakes: Handshakes
  readonly #applier: Applier
  readonly #sweeper: ContainerSweeper
  readonly #ready = new ReadyBuilder()
  readonly #reader = new JuteReader(EMPTY_BYTES)
  readonly #time: StepTime

  /** `database` is what recovery found; everything in it is durable. */
  constructor(options: ReplicaOptions, database: Database, moment: Moment) {
    const { settings, serverId, frameBytesMax, fieldBytesMax, hasher } = options
    const { watches } = this
    const time = new StepTime(moment)
    const ready = this.#ready
    const reader = this.#reader
    reader.fieldBytesMax = fieldBytesMax
    const sessions = new SessionDesk(database, settings, options.firstSessionId)
    sessions.adoptAll(moment.nowMs)
    const leader = new Leader(serverId, options.quorum, database.lastZxid)
    const proposer = new Proposer(database, leader, settings, fieldBytesMax, ready.append)
    const handshakeMsMax = options.handshakeMsMax ?? HANDSHAKE_MS_MAX
    const clients = new Clients({ frameBytesMax, handshakeMsMax }, time, ready, watches, sessions)
    const onServing = (connection: ClientConnection): void => this.#resume(connection)

    this.database = database
    this.sessions = sessions
    this.leader = leader
    this.proposer = proposer
    this.clients = clients
    this.requests = new Requests(
      {
        settings,
        hasher,
        watchesPerConnectionMax: options.watchesPerConnectionMax ?? WATCHES_PER_CONNECTION_MAX,
      },
      { database, watches, sessions, clients, proposer, time, reader },
    )
    this.#serverId = serverId
    this.#time = time
    this.#handshakes = new Handshakes(
      database,
      leader,
      proposer,
      sessions,
      clients,
      time,
      onServing,
    )
    this.#applier = new Applier(database, new Notifier(database, watches, clients, settings))
    this.#sweeper = new ContainerSweeper(database.tree, settings, moment.nowMs)
  }

  get connections(): ReadonlyMap<ConnectionId, ClientConnection> {
    return this.clients.connections
  }

  /** Requests that have been read but not answered. */
  get outstandingCount(): number {
    return this.proposer.count
  }

  step(input: Input, moment: Moment): void {
    this.#ready.begin()
    this.#time.set(moment)
    switch (input.kind) {
      case 'client-bytes':
        this.#onBytes(input.connection, input.bytes)
        break
      case 'durable':
        this.leader.acknowledge(this.#serverId, input.zxid)
        this.#applyCommitted()
        break
      case 'client-opened':
        this.clients.opened(input.connection, input.address, input.port)
        break
      case 'client-drained':
        this.#onDrained(input.connection)
        break
      case 'client-closed':
        this.clients.closed(input.connection)
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
        this.clients.handshakeDeadlineMs,
      ),
    )
  }

  // Frames

  #onBytes(id: ConnectionId, bytes: Uint8Array): void {
    const connection = this.clients.connections.get(id)
    if (connection === undefined) return
    if (connection.state === 'closed' || connection.state === 'closing') return
    connection.framer.push(bytes)
    this.#readFrames(connection)
  }

  #onDrained(id: ConnectionId): void {
    const connection = this.clients.connections.get(id)
    if (connection === undefined || !connection.isHeldBack) return
    connection.isHeldBack = false
    if (connection.state === 'closed') return
    if (mayResume(connection)) this.clients.setReading(connection, true)
    connection.framer.resume()
    this.#readFrames(connection)
  }

  /** A connection is served from now on: what it sent behind its handshake is read. */
  #resume(connection: ClientConnection): void {
    this.clients.setReading(connection, true)
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
      this.#reader.reset(framer.bytes, framer.start, framer.end)
      this.clients.received(connection)
      if (connection.state === 'new') this.#handshakes.accept(connection, this.#reader)
      else this.requests.accept(connection)
      // A few bytes of requests can ask for any amount of answers: those wait for room to go to.
      if (connection.output.position > OUTPUT_PAUSE_BYTES) this.#holdBack(connection)
    }
    if (framer.problem !== null) this.clients.drop(connection)
    if (connection.state === 'closed') return
    framer.keepRest()
    if (needsPause(connection)) this.clients.setReading(connection, false)
  }

  #holdBack(connection: ClientConnection): void {
    connection.isHeldBack = true
    this.clients.setReading(connection, false)
    this.#ready.touch(connection)
  }

  /** Before its first frame, a connection may send a word instead. */
  #tookWord(connection: ClientConnection): boolean {
    const word = fourLetterWord(connection.framer.peekInt())
    if (word === null) return false
    const argument = connection.framer.peekBehindInt(8)
    this.#ready.words.push({ connection: connection.connection, word, argument })
    this.clients.received(connection)
    this.clients.introduced(connection)
    connection.state = 'closed'
    return true
  }

  // Commits

  #applyCommitted(): void {
    for (let done = this.proposer.takeCommitted(); done; done = this.proposer.takeCommitted()) {
      const { zxid, bytes, start, end } = done.entry
      const connection = done.connection?.state === 'closed' ? null : done.connection
      this.#applier.apply(zxid, bytes, start, end, connection !== null)
      this.proposer.preparer.applied(zxid)
      if (done.op === OpCode.createSession) {
        if (connection !== null) this.#handshakes.created(connection, done.session!)
      } else {
        if (connection !== null) this.requests.written(connection, zxid, this.#applier)
        if (done.op === OpCode.closeSession) this.#onSessionEnded(done.session!)
      }
    }
    this.#handshakes.settleRenewals()
  }

  #onSessionEnded(session: TrackedSession): void {
    const connection = this.sessions.ended(session.id)
    if (connection !== undefined) this.clients.drop(connection)
  }

  // Time

  #onSessionOver(id: SessionId): void {
    const session = this.sessions.tracker.get(id)
    if (session === undefined || session.closing) return
    this.sessions.tracker.markClosing(session)
    this.#expire(session)
  }

  #expire(session: TrackedSession): void {
    this.sessions.expiredCount++
    this.proposer.proposeExpiry(session, this.#time.wallMs)
  }

  #onWake(): void {
    const { nowMs, wallMs } = this.#time
    for (const session of this.sessions.tracker.expired(nowMs)) this.#expire(session)
    const path = this.#sweeper.next(nowMs, wallMs)
    if (path !== null) this.proposer.proposeRemoval(path, wallMs)
    this.clients.dropSilentStrangers()
  }
}
