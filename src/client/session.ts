// A session as its user sees it: who it is, until when it is certain to live, and a signal for its
// end. A new session is a new object; this one stays lost.

import type { Clock } from '../ports/clock.ts'
import type { SessionLostError } from './errors.ts'

/** What a session asks of the client it belongs to. */
export interface SessionSource {
  readonly sessionId: bigint
  readonly safeUntilMs: number
  isSafe(nowMs: number, wallMs: number): boolean
}

/** One session with the ensemble. Ephemeral nodes live as long as the session that made them. */
export class Session {
  readonly id: bigint
  /** Proves the session to a server; keep it to take the session over in another process. */
  readonly password: Uint8Array
  /** Aborts when the session is lost; its reason is a {@link SessionLostError}. */
  readonly signal: AbortSignal
  readonly #source: SessionSource
  readonly #clock: Clock
  readonly #abort: AbortController
  #timeoutMs: number
  #isLost = false

  constructor(source: SessionSource, clock: Clock, password: Uint8Array, timeoutMs: number) {
    this.id = source.sessionId
    this.password = password
    this.#source = source
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#abort = new AbortController()
    this.signal = this.#abort.signal
  }

  /** Milliseconds, as the server granted it. */
  get timeout(): number {
    return this.#timeoutMs
  }

  /**
   * Whether no server can have expired this session at this very moment. It is computed when it is
   * asked, from the clock: after a long pause of the process it is false at once, before any timer
   * or socket has been served. The servers' clocks may run faster than ours, and the news of our
   * life may be lost between them, by the margin that is taken off (a tenth of the timeout, at
   * least half a tick and a quarter of a second).
   */
  get valid(): boolean {
    if (this.#isLost || this.#source.sessionId !== this.id) return false
    return this.#source.isSafe(this.#clock.nowMs(), this.#clock.wallMs())
  }

  /** When {@link valid} will end unless a server answers before, on the scale of `performance.now()`. */
  get safeUntil(): number {
    return this.#isLost ? Number.NEGATIVE_INFINITY : this.#source.safeUntilMs
  }

  /** The client has learned of its end. */
  end(error: SessionLostError): void {
    if (this.#isLost) return
    this.#isLost = true
    this.#abort.abort(error)
  }

  /** The server granted another timeout at a reconnect. */
  granted(timeoutMs: number): void {
    this.#timeoutMs = timeoutMs
  }
}
