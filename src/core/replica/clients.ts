// All connections of this server: how they come and go, what is sent to them, and the figures kept
// of that. It knows nothing of requests and sessions beyond which session a connection has.

import type { Zxid } from '../../base/zxid.ts'
import type { ConnectionId } from '../../ports/client-network.ts'
import type { Identities } from '../pipeline/identities.ts'
import type { Audience } from '../pipeline/notify.ts'
import type { EventType } from '../records/watches.ts'
import type { WatchManager, Watcher } from '../watch/watch-manager.ts'
import { ClientConnection, ConnectionStatistics } from './client-connection.ts'
import type { ReadyBuilder } from './ready-builder.ts'
import { writeNotification } from './replies.ts'
import type { SessionDesk } from './session-desk.ts'
import type { StepTime } from './step-time.ts'

export interface ClientsOptions {
  readonly frameBytesMax: number
  /** A connection that has not sent its handshake by then is closed. */
  readonly handshakeMsMax: number
}

export class Clients implements Audience {
  readonly connections: Map<ConnectionId, ClientConnection> = new Map()
  readonly statistics: ConnectionStatistics
  readonly options: ClientsOptions
  /** Connections with a session that are gone, since the start. */
  droppedCount = 0
  /** Sessions whose time ran out, since the start. */
  expiredSessionCount = 0

  readonly #time: StepTime
  readonly #ready: ReadyBuilder
  readonly #watches: WatchManager
  /** Whose sessions the connections have; null while nobody is served. */
  sessions: SessionDesk | null = null
  /** Connections that have not sent a handshake yet, the oldest first. */
  readonly #strangers = new Set<ClientConnection>()

  constructor(options: ClientsOptions, time: StepTime, ready: ReadyBuilder, watches: WatchManager) {
    this.options = options
    this.#time = time
    this.#ready = ready
    this.#watches = watches
    this.statistics = new ConnectionStatistics(time.nowMs)
  }

  // Coming and going

  opened(id: ConnectionId, address: string, port: number): void {
    const { nowMs, wallMs } = this.#time
    const { frameBytesMax } = this.options
    const connection = new ClientConnection(id, address, port, frameBytesMax, nowMs, wallMs)
    this.connections.set(id, connection)
    this.#strangers.add(connection)
  }

  closed(id: ConnectionId): void {
    const connection = this.connections.get(id)
    if (connection === undefined) return
    this.connections.delete(id)
    if (connection.session !== null) this.droppedCount++
    this.#forget(connection)
  }

  /** It has said who it is: it may be silent for longer now. */
  introduced(connection: ClientConnection): void {
    this.#strangers.delete(connection)
  }

  /** Closes a connection from this side, once what is in its output has been sent. */
  drop(connection: ClientConnection): void {
    if (connection.state === 'closed') return
    connection.isDone = connection.state === 'closing'
    this.#forget(connection)
    connection.close = true
    this.#ready.touch(connection)
  }

  /** Nobody is served any more: all who were have to go elsewhere. */
  dropAll(): void {
    for (const connection of this.connections.values()) this.drop(connection)
  }

  /** When the oldest stranger has been silent for too long; Infinity where there is none. */
  get handshakeDeadlineMs(): number {
    for (const stranger of this.#strangers) return stranger.openedMs + this.options.handshakeMsMax
    return Infinity
  }

  dropSilentStrangers(): void {
    for (const stranger of this.#strangers) {
      if (stranger.openedMs + this.options.handshakeMsMax > this.#time.nowMs) break
      this.drop(stranger)
    }
  }

  #forget(connection: ClientConnection): void {
    connection.state = 'closed'
    this.#strangers.delete(connection)
    this.#watches.removeWatcher(connection.watcher)
    this.sessions?.detach(connection)
    connection.queue.clear()
    connection.queuedBytes = 0
  }

  // What they get

  identitiesOf(watcher: Watcher): Identities {
    return this.connections.get(watcher)!.identities
  }

  notify(watcher: Watcher, type: EventType, path: string, zxid: Zxid): void {
    const connection = this.connections.get(watcher)!
    writeNotification(connection.output, type, path, zxid)
    this.sent(connection)
  }

  /** Something arrived that counts as a packet. */
  received(connection: ClientConnection): void {
    connection.statistics.received++
    this.statistics.received++
  }

  /** A frame that answers no request has been written to the output. */
  sent(connection: ClientConnection): void {
    connection.statistics.sent++
    this.statistics.sent++
    this.#ready.touch(connection)
  }

  /** A reply has been written to the output. Returns its latency in milliseconds. */
  answered(
    connection: ClientConnection,
    op: number,
    xid: number,
    zxid: Zxid,
    arrivedMs: number,
  ): number {
    const { nowMs } = this.#time
    const latencyMs = Math.floor(nowMs - arrivedMs)
    connection.statistics.answered(op, xid, zxid, latencyMs, nowMs)
    this.statistics.answered(op, xid, zxid, latencyMs, nowMs)
    this.#ready.touch(connection)
    return latencyMs
  }

  setReading(connection: ClientConnection, reading: boolean): void {
    if (connection.isReading === reading) return
    connection.isReading = reading
    this.#ready.reading.push({ connection: connection.connection, reading })
  }
}
