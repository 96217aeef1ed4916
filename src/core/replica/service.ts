// What serves clients, on one database and one way into the order of writes. It lives from the
// moment at which a server stands in an ensemble, or stands alone, until it loses that place:
// nothing of it outlives a change of role, and no client is connected in between.

import { type SessionId, sessionIdOf } from '../../base/session-id.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { Hasher } from '../../ports/hasher.ts'
import { JuteReader } from '../jute/reader.ts'
import { Applier } from '../pipeline/apply.ts'
import { Notifier } from '../pipeline/notify.ts'
import type { PipelineSettings } from '../pipeline/settings.ts'
import { OpCode } from '../records/opcodes.ts'
import type { TrackedSession } from '../session/session-tracker.ts'
import type { Database } from '../tree/database.ts'
import type { WatchManager } from '../watch/watch-manager.ts'
import type { LogEntry } from '../zab/log-entry.ts'
import type { ClientConnection } from './client-connection.ts'
import type { Clients } from './clients.ts'
import { ContainerSweeper } from './container-sweeper.ts'
import { Handshakes } from './handshakes.ts'
import type { Latencies } from './latency-summary.ts'
import { Proposer } from './proposer.ts'
import { Requests } from './requests.ts'
import type { SessionDesk } from './session-desk.ts'
import type { StepTime } from './step-time.ts'
import { txnCxid, txnSession, txnType } from './txn-peek.ts'
import type { Writes } from './writes.ts'

/** What outlives a service. */
export interface ServiceContext {
  readonly settings: PipelineSettings
  readonly hasher: Hasher
  readonly watchesPerConnectionMax: number
  /** False: only other servers' clients are served (`leaderServes=no`). */
  readonly servesClients: boolean
  readonly watches: WatchManager
  readonly clients: Clients
  readonly latencies: Latencies
  readonly time: StepTime
  readonly reader: JuteReader
  /** A connection is served from now on: what it sent behind its handshake is to be read. */
  readonly onServing: (connection: ClientConnection) => void
}

export class Service {
  readonly sessions: SessionDesk
  readonly requests: Requests
  readonly handshakes: Handshakes
  readonly writes: Writes
  readonly servesClients: boolean

  readonly #database: Database
  readonly #clients: Clients
  readonly #time: StepTime
  readonly #applier: Applier
  /** Null on a server that follows: its leader sees to both. */
  readonly #proposer: Proposer | null
  readonly #sweeper: ContainerSweeper | null
  #applied: Zxid
  #settled: Zxid

  /** `makeWrites` is told what to call when the oldest `sync` of a connection is done. */
  constructor(
    context: ServiceContext,
    database: Database,
    sessions: SessionDesk,
    makeWrites: (onSynced: (connection: ClientConnection) => void) => Writes,
  ) {
    const { settings, hasher, watchesPerConnectionMax, watches, clients, time } = context
    const { latencies, reader, onServing } = context
    const writes = makeWrites((connection) => this.requests.synced(connection))
    this.#database = database
    this.#applied = database.lastZxid
    this.#settled = database.lastZxid
    this.#clients = clients
    this.#time = time
    this.sessions = sessions
    this.writes = writes
    this.servesClients = context.servesClients
    this.requests = new Requests(
      { settings, hasher, watchesPerConnectionMax },
      { database, watches, sessions, clients, writes, latencies, time, reader },
    )
    this.handshakes = new Handshakes(database, writes, sessions, clients, time, onServing)
    this.#applier = new Applier(database, new Notifier(database, watches, clients, settings))
    this.#proposer = writes instanceof Proposer ? writes : null
    this.#sweeper =
      this.#proposer === null ? null : new ContainerSweeper(database.tree, settings, time.nowMs)
    clients.sessions = sessions
  }

  /** The last committed transaction: what is applied when a role is over need not be committed. */
  get applied(): Zxid {
    return this.#applied
  }

  /** When {@link onWake} has something to do. */
  get deadlineMs(): number {
    const { tracker, local } = this.sessions
    return Math.min(
      tracker.nextDeadlineMs,
      local?.nextDeadlineMs ?? Infinity,
      this.#sweeper?.wakeAtMs ?? Infinity,
    )
  }

  /** The next transaction in the order is committed: it happens. */
  commit(entry: LogEntry): void {
    const { writes } = this
    const connection = writes.take(entry)
    this.#applier.apply(entry.zxid, entry.bytes, entry.start, entry.end, connection !== null)
    writes.applied(entry.zxid)
    const type = txnType(entry)
    if (type === OpCode.createSession) {
      this.#onSessionCreated(connection, txnSession(entry))
    } else {
      if (connection !== null) this.requests.written(connection, txnCxid(entry), this.#applier)
      if (type === OpCode.closeSession) this.handshakes.ended(txnSession(entry))
    }
    this.#applied = entry.zxid
  }

  /** The end of a step: what waited for transactions of this step goes on. */
  settle(): void {
    if (this.#settled === this.#applied) return
    this.#settled = this.#applied
    this.handshakes.settleRenewals()
  }

  /** A session is to end now, as if its time had run out. */
  endSession(id: bigint): void {
    const session = this.sessions.tracker.get(sessionIdOf(id))
    if (this.sessions.local?.get(sessionIdOf(id)) !== undefined)
      this.handshakes.endedHere(sessionIdOf(id))
    if (session === undefined || session.closing || this.#proposer === null) return
    this.sessions.tracker.markClosing(session)
    this.#expire(session)
  }

  onWake(): void {
    const { nowMs, wallMs } = this.#time
    for (const { id } of this.sessions.local?.expired(nowMs) ?? []) {
      this.#clients.expiredSessionCount++
      this.handshakes.endedHere(id)
    }
    if (this.#proposer === null) return
    for (const session of this.sessions.tracker.expired(nowMs)) this.#expire(session)
    const path = this.#sweeper!.next(nowMs, wallMs)
    if (path !== null) this.#proposer.proposeRemoval(path)
  }

  /** Ephemerals whose session nobody knows are removed for all, by a transaction. */
  closeUnknownSessions(): void {
    for (const owner of [...this.#database.tree.ephemeralOwners()]) {
      const id = sessionIdOf(owner)
      if (!this.#database.sessions.has(id)) this.#proposer?.proposeExpiry(id)
    }
  }

  /** Clients go elsewhere. */
  end(): void {
    this.#clients.dropAll()
    this.#clients.sessions = null
  }

  #expire(session: TrackedSession): void {
    this.#clients.expiredSessionCount++
    this.#proposer!.proposeExpiry(session.id)
  }

  /** Whoever asked for an upgrade may have come back over another connection meanwhile. */
  #onSessionCreated(connection: ClientConnection | null, id: SessionId): void {
    const local = this.sessions.local?.get(id)
    if (local !== undefined) this.sessions.upgraded(local, this.#time.nowMs)
    else if (connection !== null) this.handshakes.created(connection, connection.session!)
  }
}
