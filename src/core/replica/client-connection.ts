// One client's connection as the replica keeps it: its stream of frames, its session, who it has
// shown to be, what it waits for, and what is to be sent to it. Requests of a connection are
// answered in the order in which they came: reads wait in `queue` behind the connection's own
// writes, and nowhere else.

import { Ring } from '../../base/ring.ts'
import { type Zxid, ZXID_ZERO } from '../../base/zxid.ts'
import type { ConnectionId } from '../../ports/client-network.ts'
import { Framer } from '../jute/framer.ts'
import { JuteWriter } from '../jute/writer.ts'
import { type Identities, identitiesOfAddress } from '../pipeline/identities.ts'
import type { TrackedSession } from '../session/session-tracker.ts'
import type { ClientOutput } from './ready.ts'

/**
 * `new`: no frame yet. `connecting`: its session is being created. `open`: serves requests.
 * `closing`: nothing more is read; what was asked before is still answered, then it is closed.
 * `closed`: gone.
 */
export type ConnectionState = 'new' | 'connecting' | 'open' | 'closing' | 'closed'

/**
 * A request that waits: a write for its transaction, a `sync` for the leader, any other for those
 * before it.
 */
export interface QueuedRequest {
  readonly xid: number
  readonly op: number
  /** Waits for more than the requests before it. */
  isBlocked: boolean
  /** What is answered from the tree, copied; null for a write. */
  readonly body: Uint8Array | null
  readonly identities: Identities
  /** What it makes us keep, wherever it is kept. */
  readonly byteCount: number
  readonly arrivedMs: number
}

export class ClientConnection implements ClientOutput {
  readonly connection: ConnectionId
  /** The peer's address and port, for people and for the `ip` scheme. */
  readonly address: string
  readonly port: number
  readonly framer: Framer
  readonly output: JuteWriter = new JuteWriter(256)
  readonly queue: Ring<QueuedRequest> = new Ring<QueuedRequest>()
  /** Bytes that the requests in the queue make us keep. */
  queuedBytes: number = 0

  state: ConnectionState = 'new'
  session: TrackedSession | null = null
  sessionHigh: number = 0
  sessionLow: number = 0
  identities: Identities
  /** The client sent the read-only byte, and is answered in kind. */
  knowsReadOnly: boolean = false
  /** Close once the output has been sent. */
  close: boolean = false
  /** To be closed because its client has closed the session. */
  isDone: boolean = false
  /** In the list of connections with output. */
  isDirty: boolean = false
  isReading: boolean = true
  /** Its frames wait: there is output enough for now. */
  isHeldBack: boolean = false

  readonly openedMs: number
  readonly openedWallMs: number
  readonly statistics: ConnectionStatistics

  constructor(
    connection: ConnectionId,
    address: string,
    port: number,
    frameBytesMax: number,
    nowMs: number,
    wallMs: number,
  ) {
    this.connection = connection
    this.address = address
    this.port = port
    this.framer = new Framer(frameBytesMax)
    this.identities = identitiesOfAddress(address)
    this.openedMs = nowMs
    this.openedWallMs = wallMs
    this.statistics = new ConnectionStatistics(nowMs)
  }

  /** The watch manager's name for this connection. */
  get watcher(): number {
    return this.connection
  }
}

/** What the words `cons` and `stat` tell of a connection; times in milliseconds. */
export class ConnectionStatistics {
  received: number = 0
  sent: number = 0
  latencyMinMs: number = 0
  latencyMaxMs: number = 0
  latencySumMs: number = 0
  latencyCount: number = 0
  lastOp: number = NO_OP
  lastXid: number = 0
  lastZxid: Zxid = ZXID_ZERO
  lastResponseMs: number
  lastLatencyMs: number = 0

  constructor(nowMs: number) {
    this.lastResponseMs = nowMs
  }

  /** Connection-wide figures begin anew; what was last is kept (the word `crst`). */
  reset(nowMs: number): void {
    this.received = 0
    this.sent = 0
    this.latencyMinMs = 0
    this.latencyMaxMs = 0
    this.latencySumMs = 0
    this.latencyCount = 0
    this.lastOp = NO_OP
    this.lastXid = 0
    this.lastZxid = ZXID_ZERO
    this.lastResponseMs = nowMs
    this.lastLatencyMs = 0
  }

  answered(op: number, xid: number, zxid: Zxid, latencyMs: number, nowMs: number): void {
    this.sent++
    this.lastOp = op
    this.lastXid = xid
    this.lastZxid = zxid
    this.lastResponseMs = nowMs
    this.lastLatencyMs = latencyMs
    if (this.latencyCount === 0 || latencyMs < this.latencyMinMs) this.latencyMinMs = latencyMs
    if (latencyMs > this.latencyMaxMs) this.latencyMaxMs = latencyMs
    this.latencySumMs += latencyMs
    this.latencyCount++
  }
}

/** No operation yet. */
export const NO_OP: number = -100
