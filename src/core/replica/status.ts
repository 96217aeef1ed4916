// What operators may learn of a replica, and the two figures that they may set back: all that the
// admin part sees of it. How it is printed is not known here.

import { type SessionId, sessionIdOf } from '../../base/session-id.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { ConnectionId } from '../../ports/client-network.ts'
import type { Clock } from '../../ports/clock.ts'
import { opName } from '../records/opcodes.ts'
import type { WatchSummary } from '../watch/watch-manager.ts'
import type { ClientConnection, ConnectionStatistics } from './client-connection.ts'
import type { LatencySummary } from './latency-summary.ts'
import type { Replica } from './replica.ts'

export interface ConnectionStatus {
  readonly connection: ConnectionId
  readonly address: string
  readonly port: number
  readonly isReading: boolean
  /** Requests that wait for an answer. */
  readonly queuedCount: number
  readonly openedWallMs: number
  readonly session: SessionStatus | null
  readonly statistics: ConnectionStatistics
  /** The operation answered last, as `OpCode` names it. */
  readonly lastOpName: string
}

export interface SessionStatus {
  readonly id: SessionId
  readonly timeoutMs: number
}

/** What ends at one time, unless something is heard of it before. */
export interface ExpiryBucket<T> {
  /** By the wall clock. */
  readonly wallMs: number
  readonly members: readonly T[]
}

export class ReplicaStatus {
  readonly #replica: Replica
  readonly #clock: Clock

  constructor(replica: Replica, clock: Clock) {
    this.#replica = replica
    this.#clock = clock
  }

  get lastZxid(): Zxid {
    return this.#replica.database.lastZxid
  }

  get nodeCount(): number {
    return this.#replica.database.tree.nodeCount
  }

  get approximateDataBytes(): number {
    return this.#replica.database.tree.approximateDataBytes
  }

  get ephemeralCount(): number {
    return this.#replica.database.tree.ephemeralCount
  }

  get sessionCount(): number {
    return this.#replica.database.sessions.size
  }

  /** Sessions whose time ran out, since the start. */
  get expiredCount(): number {
    return this.#replica.clients.expiredSessionCount
  }

  get connectionCount(): number {
    return this.#replica.connections.size
  }

  get outstandingCount(): number {
    return this.#replica.outstandingCount
  }

  get watchCount(): number {
    return this.#replica.watches.count
  }

  get digestMismatchCount(): number {
    return this.#replica.database.digestMismatches
  }

  /** Connections with a session that are gone, since the start. */
  get droppedConnectionCount(): number {
    return this.#replica.clients.droppedCount
  }

  get readLatency(): LatencySummary {
    return this.#replica.latencies.read
  }

  get updateLatency(): LatencySummary {
    return this.#replica.latencies.update
  }

  /** Of all connections together. */
  get statistics(): ConnectionStatistics {
    return this.#replica.clients.statistics
  }

  get watchSummary(): WatchSummary {
    return this.#replica.watches.summary()
  }

  *connections(): Iterable<ConnectionStatus> {
    for (const connection of this.#replica.connections.values()) yield statusOf(connection)
  }

  /** Data watches by session: who watches what. */
  *watchesBySession(): Iterable<readonly [SessionId, readonly string[]]> {
    for (const [watcher, paths] of this.#replica.watches.byWatcher()) {
      const session = this.#sessionOf(watcher)
      if (session !== null) yield [session, paths]
    }
  }

  /** Data watches by path: what is watched by whom. */
  *watchesByPath(): Iterable<readonly [string, readonly SessionId[]]> {
    for (const [path, watchers] of this.#replica.watches.byPath()) {
      const sessions = watchers.map((watcher) => this.#sessionOf(watcher))
      yield [path, sessions.filter((session) => session !== null)]
    }
  }

  /** Sessions by the time at which they end if they stay silent, the earliest first. */
  *sessionExpiry(): Iterable<ExpiryBucket<SessionId>> {
    for (const [deadlineMs, members] of this.#replica.service?.sessions.tracker.buckets() ?? []) {
      yield { wallMs: this.#wallMsOf(deadlineMs), members }
    }
  }

  /** Connections by the time at which they end: with their session, or for want of a handshake. */
  connectionExpiry(): readonly ExpiryBucket<ConnectionStatus>[] {
    const buckets = new Map<number, ConnectionStatus[]>()
    const { connections, options } = this.#replica.clients
    for (const connection of connections.values()) {
      const { session, openedMs, statistics } = connection
      let deadlineMs = session?.deadlineMs ?? openedMs + options.handshakeMsMax
      // Where the leader decides when sessions end, a connection ends when its own client is silent.
      if (deadlineMs === Infinity && session !== null) {
        deadlineMs = statistics.lastResponseMs + session.timeoutMs
      }
      const members = buckets.get(deadlineMs)
      if (members === undefined) buckets.set(deadlineMs, [statusOf(connection)])
      else members.push(statusOf(connection))
    }
    return [...buckets]
      .sort(([left], [right]) => left - right)
      .map(([deadlineMs, members]) => ({ wallMs: this.#wallMsOf(deadlineMs), members }))
  }

  /** The paths of ephemeral nodes by the session that owns them. */
  *ephemerals(): Iterable<readonly [SessionId, readonly string[]]> {
    const { tree } = this.#replica.database
    for (const owner of tree.ephemeralOwners()) {
      const high = Number(BigInt.asIntN(32, owner >> 32n))
      const low = Number(BigInt.asIntN(32, owner))
      yield [sessionIdOf(owner), Array.from(tree.ephemerals(high, low), (row) => tree.path(row))]
    }
  }

  resetStatistics(): void {
    const replica = this.#replica
    replica.clients.statistics.reset(this.#clock.nowMs())
    replica.latencies.read.reset()
    replica.latencies.update.reset()
    replica.clients.droppedCount = 0
    replica.clients.expiredSessionCount = 0
  }

  resetConnectionStatistics(): void {
    for (const connection of this.#replica.connections.values()) {
      connection.statistics.reset(this.#clock.nowMs())
    }
  }

  #sessionOf(watcher: ConnectionId): SessionId | null {
    return this.#replica.connections.get(watcher)?.session?.id ?? null
  }

  #wallMsOf(nowMs: number): number {
    return this.#clock.wallMs() + (nowMs - this.#clock.nowMs())
  }
}

const statusOf = (connection: ClientConnection): ConnectionStatus => ({
  connection: connection.connection,
  address: connection.address,
  port: connection.port,
  isReading: connection.isReading && connection.state !== 'closed',
  queuedCount: connection.queue.length,
  openedWallMs: connection.openedWallMs,
  session: connection.session,
  statistics: connection.statistics,
  lastOpName: opName(connection.statistics.lastOp),
})
