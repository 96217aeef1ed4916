// One server's whole behaviour as a synchronous, deterministic object: inputs go into `step`,
// everything that follows from them comes out of `drain`. It has no clock, socket, disk or
// randomness of its own. This file routes inputs to its parts and owns what comes after what:
// frames are read, transactions committed, applied and answered in one order. What requests mean is
// the pipeline's business, what is durable zab's.

import { OUTPUT_PAUSE_BYTES, WATCHES_PER_CONNECTION_MAX } from '../../base/limits.ts'
import type { SessionId } from '../../base/session-id.ts'
import { EMPTY_BYTES } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { ConnectionId } from '../../ports/client-network.ts'
import type { Hasher } from '../../ports/hasher.ts'
import { JuteReader } from '../jute/reader.ts'
import type { PipelineSettings } from '../pipeline/settings.ts'
import type { Database } from '../tree/database.ts'
import { WatchManager } from '../watch/watch-manager.ts'
import { SessionReporter } from '../session/session-reporter.ts'
import { type SessionTable, SessionTracker } from '../session/session-tracker.ts'
import type { LearnerRole } from '../zab/roles.ts'
import type { ClientConnection } from './client-connection.ts'
import { Clients } from './clients.ts'
import type { EnsembleOptions } from './ensemble-options.ts'
import { HANDSHAKE_MS_MAX, mayResume, needsPause } from './flow-control.ts'
import { Forwarder } from './forwarder.ts'
import { fourLetterWord } from './four-letter-word.ts'
import { type Latencies, LatencySummary } from './latency-summary.ts'
import { Links } from './links.ts'
import { Member } from './member.ts'
import { type Order, Proposer } from './proposer.ts'
import type { Input, Moment } from './ready.ts'
import { type Ready, ReadyBuilder } from './ready-builder.ts'
import { Service, type ServiceContext } from './service.ts'
import { SessionDesk } from './session-desk.ts'
import { Standalone } from './standalone.ts'
import { ReadOnly } from './read-only.ts'
import { Reconfiguration } from './reconfiguration.ts'
import { StepTime } from './step-time.ts'

export interface ReplicaOptions {
  /** This server's id within its ensemble; 1 when standing alone. */
  readonly serverId: number
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
  /** Null for a server that stands alone. */
  readonly ensemble: EnsembleOptions | null
}

export class Replica {
  readonly watches: WatchManager = new WatchManager()
  readonly clients: Clients
  readonly latencies: Latencies = { read: new LatencySummary(), update: new LatencySummary() }

  readonly #options: ReplicaOptions
  readonly #ready = new ReadyBuilder()
  readonly #reader = new JuteReader(EMPTY_BYTES)
  readonly #time: StepTime
  readonly #ownDatabase: Database
  readonly #standalone: Standalone | null
  readonly #standaloneService: Service | null
  readonly #member: Member | null
  readonly #links: Links
  #desk: SessionDesk | null = null

  /** `database` is what recovery found; everything in it is durable. */
  constructor(options: ReplicaOptions, database: Database, moment: Moment) {
    const time = new StepTime(moment)
    this.#options = options
    this.#time = time
    this.#reader.fieldBytesMax = options.fieldBytesMax
    this.#ownDatabase = database
    this.#links = new Links(this.#ready.linkCommands, this.#ready.linkOutputs)
    this.clients = new Clients(
      {
        frameBytesMax: options.frameBytesMax,
        handshakeMsMax: options.handshakeMsMax ?? HANDSHAKE_MS_MAX,
      },
      time,
      this.#ready,
      this.watches,
    )
    const { serverId, ensemble } = options
    if (ensemble === null) {
      this.#member = null
      this.#standalone = new Standalone(serverId, this.#ready.append, database.lastZxid)
      this.#standaloneService = this.#lead(this.#standalone, true, null)
    } else {
      this.#standalone = null
      this.#standaloneService = null
      this.#member = new Member(serverId, ensemble, database, this.#links, time, this.#ready, {
        lead: (leader, member) =>
          this.#lead(leader, ensemble.leaderServes, new Reconfiguration(member, leader)),
        follow: (learner) => this.#follow(learner),
        readOnly: () => this.#serveReadOnly(),
      })
      this.#member.start()
      this.#member.settle()
    }
  }

  /** The present one: a leader may have replaced it. */
  get database(): Database {
    return this.#member?.desk.history.database ?? this.#ownDatabase
  }

  /** Not while one that a leader sends has come only in part. */
  get isDatabaseWhole(): boolean {
    return !(this.#member?.desk.isDatabaseVoid ?? false)
  }

  /** Its place in an ensemble; null for a server that stands alone. */
  get member(): Member | null {
    return this.#member
  }

  /** What serves clients; null while this server has no place in its ensemble. */
  get service(): Service | null {
    return this.#member === null ? this.#standaloneService : this.#member.service
  }

  get connections(): ReadonlyMap<ConnectionId, ClientConnection> {
    return this.clients.connections
  }

  /** Requests that have been read but not answered. */
  get outstandingCount(): number {
    return this.service?.writes.count ?? 0
  }

  /** What this server does of its own accord is proposed through it; null where it does not lead. */
  get proposer(): Proposer | null {
    const writes = this.service?.writes
    return writes instanceof Proposer ? writes : null
  }

  /** The order of a server that stands alone. */
  get standalone(): Standalone | null {
    return this.#standalone
  }

  step(input: Input, moment: Moment): void {
    this.#ready.begin()
    this.#time.set(moment)
    switch (input.kind) {
      case 'client-bytes':
        this.#onBytes(input.connection, input.bytes)
        break
      case 'durable':
        this.#onDurable(input.zxid)
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
        this.service?.endSession(input.session)
        break
      case 'wake':
        this.#member?.onWake()
        this.service?.onWake()
        this.clients.dropSilentStrangers()
        break
      case 'task-done':
        this.#member?.taskDone(input.task, input.database)
        break
      case 'door-opened':
        this.#links.doorOpened(input.door)
        break
      case 'door-failed':
        this.#links.doorFailed(input.door, input.reason)
        break
      case 'link-accepted':
        this.#links.accepted(input.link, input.door, input.remote)
        break
      case 'link-opened':
        this.#links.opened(input.link)
        break
      case 'link-bytes':
        this.#links.bytes(input.link, input.bytes)
        break
      case 'link-room':
        this.#links.room(input.link)
        break
      case 'link-closed':
        this.#links.closed(input.link, input.reason)
        break
    }
    if (this.#member === null) this.#standaloneService!.settle()
    else this.#member.settle()
  }

  drain(): Ready {
    return this.#ready.take(
      Math.min(
        this.service?.deadlineMs ?? Infinity,
        this.clients.handshakeDeadlineMs,
        this.#member?.deadlineMs ?? Infinity,
      ),
    )
  }

  // Commits

  #onDurable(zxid: Zxid): void {
    if (this.#standalone === null) {
      this.#member!.durable(zxid)
      return
    }
    const { leader } = this.#standalone
    this.#standalone.durable(zxid)
    for (let entry = leader.takeCommitted(); entry; entry = leader.takeCommitted()) {
      this.#standaloneService!.commit(entry)
    }
  }

  // Services

  /** This server orders writes itself. */
  #lead(order: Order, servesClients: boolean, reconfiguration: Reconfiguration | null): Service {
    const { settings, fieldBytesMax } = this.#options
    const { database } = this
    const hasLocal = settings.localSessions && this.#standalone === null
    const sessions = this.#openDesk(new SessionTracker(settings.tickMs), hasLocal)
    sessions.adoptAll(this.#time.nowMs)
    return new Service(
      this.#serviceContext(servesClients),
      database,
      sessions,
      (onSynced) =>
        new Proposer(
          database,
          order,
          sessions,
          settings,
          fieldBytesMax,
          this.#time,
          onSynced,
          reconfiguration,
        ),
    )
  }

  /** Another server orders writes. */
  #follow(learner: LearnerRole): Service {
    const { database } = this
    const sessions = this.#openDesk(new SessionReporter(), this.#options.settings.localSessions)
    return new Service(
      this.#serviceContext(true),
      database,
      sessions,
      (onSynced) => new Forwarder(learner, onSynced),
    )
  }

  /** Each role keeps sessions in its own way; their ids go on from one role to the next. */
  #openDesk(tracker: SessionTable, hasLocal: boolean): SessionDesk {
    const { settings, firstSessionId, ensemble } = this.#options
    const firstId = this.#desk?.nextId ?? firstSessionId
    const desk = new SessionDesk(this.database, settings, firstId, tracker, hasLocal)
    desk.missesLateEphemerals = ensemble?.faults?.missesLateEphemerals ?? false
    this.#desk = desk
    return desk
  }

  /** Nobody orders writes: what is there can be read, by those who do not mind. */
  #serveReadOnly(): Service {
    const sessions = this.#openDesk(new SessionReporter(), true)
    return new Service(this.#serviceContext(true), this.database, sessions, () => new ReadOnly())
  }

  #serviceContext(servesClients: boolean): ServiceContext {
    const { settings, hasher, watchesPerConnectionMax } = this.#options
    return {
      settings,
      hasher,
      servesClients,
      watchesPerConnectionMax: watchesPerConnectionMax ?? WATCHES_PER_CONNECTION_MAX,
      watches: this.watches,
      clients: this.clients,
      latencies: this.latencies,
      time: this.#time,
      reader: this.#reader,
      onServing: (connection) => this.#resume(connection),
    }
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
      this.#accept(connection)
      // A few bytes of requests can ask for any amount of answers: those wait for room to go to.
      if (connection.output.position > OUTPUT_PAUSE_BYTES) this.#holdBack(connection)
    }
    if (framer.problem !== null) this.clients.drop(connection)
    if (connection.state === 'closed') return
    framer.keepRest()
    if (needsPause(connection)) this.clients.setReading(connection, false)
  }

  #accept(connection: ClientConnection): void {
    const { service } = this
    // A server without a place in its ensemble has nothing to say: the client goes elsewhere.
    if (service === null || !service.servesClients) this.clients.drop(connection)
    else if (connection.state === 'new') service.handshakes.accept(connection, this.#reader)
    else service.requests.accept(connection)
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
}
