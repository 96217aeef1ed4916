// The moments that matter to a client's session, computed from a few observed ones (ZooKeeper 3.9
// `ClientCnxn`): with S the session's timeout and H the number of hosts, connect within S/H, drop a
// silent server after 2/3 S, ping after about S/3 without a request, and give the session up after
// 4/3 S of silence.

import type { AuthIdentity } from './identities.ts'
import type { OfflineLimits } from './call-queue.ts'

export interface SessionClientOptions {
  /** What is asked of the server, in milliseconds; it may grant more or less. */
  readonly sessionTimeoutMs: number
  /** For connection and handshake together; null derives it from the session's timeout. */
  readonly connectTimeoutMs: number | null
  /** The server's tick, which the safety margin counts with. */
  readonly tickTimeMs: number
  /** Whether a server without a quorum will do. */
  readonly readOnly: boolean
  /** Ask for a new session when the old one is lost, instead of closing. */
  readonly renewSession: boolean
  /** A session to take over. */
  readonly resume: { readonly id: bigint; readonly password: Uint8Array } | null
  /** What may wait while there is no connection; no calls at all refuses them at once. */
  readonly offline: OfflineLimits
  /** Calls sent and not answered, beyond which further ones wait. */
  readonly inFlightMax: number
  readonly receiveBytesMax: number
  readonly sendBytesMax: number
  readonly auth: readonly AuthIdentity[]
  readonly shuffleHosts: boolean
}

export const DEFAULT_OPTIONS: SessionClientOptions = {
  sessionTimeoutMs: 30_000,
  connectTimeoutMs: null,
  tickTimeMs: 2_000,
  readOnly: false,
  renewSession: true,
  resume: null,
  offline: { calls: 10_000, bytes: 16 << 20 },
  inFlightMax: 1_000,
  receiveBytesMax: (4 << 20) - 1_024,
  sendBytesMax: (1 << 20) - 1,
  auth: [],
  shuffleHosts: true,
}

export class SessionTimers {
  /** The session's timeout as granted; before that as asked for. */
  sessionTimeoutMs: number
  hostCount: number
  attemptAtMs = 0
  connectByMs: number = Number.POSITIVE_INFINITY
  closeAtMs: number = Number.POSITIVE_INFINITY
  /** When the last request left that the server counts as a sign of life. */
  sentAtMs = 0

  readonly #connectTimeoutMs: number | null
  #heardAtMs = 0
  #establishedAtMs = 0

  constructor(options: SessionClientOptions, hostCount: number) {
    this.sessionTimeoutMs = options.sessionTimeoutMs
    this.#connectTimeoutMs = options.connectTimeoutMs
    this.hostCount = hostCount
  }

  get connectTimeoutMs(): number {
    if (this.#connectTimeoutMs !== null) return this.#connectTimeoutMs
    const share = Math.floor(this.sessionTimeoutMs / this.hostCount)
    return Math.max(CONNECT_MS_MIN, Math.min(CONNECT_MS_MAX, share))
  }

  /** The server has been silent for too long: try another one. */
  get readByMs(): number {
    return this.#heardAtMs + (this.sessionTimeoutMs * 2) / 3
  }

  get pingAtMs(): number {
    const third = this.sessionTimeoutMs / 3
    return this.sentAtMs + Math.min(PING_MS_MAX, third - Math.min(1_000, third / 4))
  }

  /** No server can still hold the session. */
  get lostAtMs(): number {
    return this.#heardAtMs + (this.sessionTimeoutMs * 4) / 3
  }

  silenceMs(nowMs: number): number {
    return Math.round(nowMs - this.#heardAtMs)
  }

  establishedForMs(nowMs: number): number {
    return nowMs - this.#establishedAtMs
  }

  connecting(nowMs: number): void {
    this.connectByMs = nowMs + this.connectTimeoutMs
  }

  established(nowMs: number, sessionTimeoutMs: number): void {
    this.sessionTimeoutMs = sessionTimeoutMs
    this.#establishedAtMs = nowMs
    this.#heardAtMs = nowMs
  }

  heard(nowMs: number): void {
    this.#heardAtMs = nowMs
  }

  sent(nowMs: number): void {
    this.sentAtMs = nowMs
  }
}

const CONNECT_MS_MIN = 100
const CONNECT_MS_MAX = 10_000
const PING_MS_MAX = 10_000
