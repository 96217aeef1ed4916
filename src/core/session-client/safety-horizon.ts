// Until when a session is certain to live: no server can have expired it before. The bound counts
// from the moment at which an answered request was *sent*, the only moment of which it is known
// that the server heard from us no earlier. It is computed from two clocks handed in by the caller:
// the monotonic one, and the wall clock to notice that the machine itself was suspended.

export class SafetyHorizon {
  readonly #tickTimeMs: number
  #timeoutMs = 0
  #marginMs = 0
  #confirmedAtMs = Number.NEGATIVE_INFINITY

  // Wall clock minus monotonic clock. A machine that slept shows a jump forward of it.
  #skewMs: number | null = null
  #trustedSkewMs: number | null = null
  #probeSentAtMs = 0
  #probeSkewMs: number | null = null

  constructor(tickTimeMs: number) {
    this.#tickTimeMs = tickTimeMs
  }

  get marginMs(): number {
    return this.#marginMs
  }

  /** The moment, on the monotonic clock, up to which the session is certain to live. */
  get safeUntilMs(): number {
    return this.#confirmedAtMs + this.#timeoutMs - this.#marginMs
  }

  /** The server granted or renewed the session in answer to what was sent at `sentAtMs`. */
  established(sentAtMs: number, timeoutMs: number): void {
    this.#timeoutMs = timeoutMs
    this.#marginMs = marginOf(timeoutMs, this.#tickTimeMs)
    this.#confirmedAtMs = sentAtMs
    this.#trustedSkewMs = this.#skewMs
    this.#probeSkewMs = null
  }

  lost(): void {
    this.#confirmedAtMs = Number.NEGATIVE_INFINITY
  }

  /** A request that counts as a sign of life leaves now. */
  sent(nowMs: number): void {
    if (this.#probeSkewMs === null && this.#skewMs !== null) {
      this.#probeSentAtMs = nowMs
      this.#probeSkewMs = this.#skewMs
    }
  }

  /** The server answered a request that was sent at `sentAtMs`. */
  confirmed(sentAtMs: number): void {
    if (sentAtMs > this.#confirmedAtMs) this.#confirmedAtMs = sentAtMs
    if (this.#probeSkewMs !== null && sentAtMs >= this.#probeSentAtMs) {
      this.#trustedSkewMs = this.#probeSkewMs
      this.#probeSkewMs = null
    }
  }

  /** Notes both clocks; true when the machine seems to have slept since the server last answered. */
  observe(nowMs: number, wallMs: number): boolean {
    const skew = wallMs - nowMs
    this.#skewMs = skew
    if (this.#trustedSkewMs === null) {
      this.#trustedSkewMs = skew
      return false
    }
    if (skew - this.#trustedSkewMs > this.#marginMs) {
      // An open probe was sent before the jump: its answer would prove nothing.
      if (this.#probeSkewMs !== null && skew - this.#probeSkewMs > this.#marginMs) {
        this.#probeSkewMs = null
      }
      return true
    }
    // A clock that was set back is no sleep; only what it gains from here on counts.
    if (skew < this.#trustedSkewMs) this.#trustedSkewMs = skew
    return false
  }

  /** Whether no server can have expired the session at this moment. */
  isSafe(nowMs: number, wallMs: number): boolean {
    if (nowMs >= this.safeUntilMs) return false
    return this.#trustedSkewMs === null || wallMs - nowMs - this.#trustedSkewMs <= this.#marginMs
  }
}

/**
 * A follower tells the leader of our sign of life only every half tick, and may die before it does;
 * a quarter of a second is for clocks that run at different speeds and for the network.
 */
function marginOf(timeoutMs: number, tickTimeMs: number): number {
  return Math.min(timeoutMs / 3, Math.max(timeoutMs / 10, tickTimeMs / 2 + 250))
}
