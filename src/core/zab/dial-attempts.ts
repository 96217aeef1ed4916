// How often and how long a learner tries to reach its leader (ZooKeeper 3.9
// `Learner.connectToLeader`), which listens only from when it knows that it leads: some moments after
// those who elected it do. Until then it refuses, and is tried again.

import type { ZabTiming } from './zab-host.ts'

/** What comes of an attempt that failed. */
export type Missed =
  /** The leader did not even refuse. */
  | 'out-of-reach'
  /** It refused, and there is no time or try left. */
  | 'given-up'
  /** It refused, and is tried again at `retryAtMs`. */
  | 'tried-again'

export class DialAttempts {
  readonly #timing: ZabTiming
  #tries = 0
  #startedMs = 0
  /** When the present attempt gives up. */
  #untilMs = 0
  retryAtMs = 0

  constructor(timing: ZabTiming) {
    this.#timing = timing
  }

  /** The first attempt is due now. */
  begin(nowMs: number): void {
    this.#tries = 0
    this.#startedMs = nowMs
  }

  /** Another attempt begins. Returns for how many milliseconds; null where there are none left. */
  next(nowMs: number): number | null {
    const remainingMs = this.#limitMs - (nowMs - this.#startedMs)
    if (remainingMs <= 0) return null
    this.#tries++
    const limitMs = Math.min(remainingMs, this.longestMs)
    this.#untilMs = nowMs + limitMs
    return limitMs
  }

  missed(nowMs: number): Missed {
    return nowMs < this.#untilMs ? this.rest(nowMs) : 'out-of-reach'
  }

  /** The next attempt is to come after a pause, where there is to be one. */
  rest(nowMs: number): 'given-up' | 'tried-again' {
    const { connectRetryMs } = this.#timing
    const retryAtMs = nowMs + Math.min(connectRetryMs, FIRST_RETRY_MS * 2 ** (this.#tries - 1))
    const isLate = retryAtMs - this.#startedMs >= this.#limitMs
    if (isLate || this.#tries >= TRIES_MAX) return 'given-up'
    this.retryAtMs = retryAtMs
    return 'tried-again'
  }

  /** How long a single attempt may take, in milliseconds. */
  get longestMs(): number {
    return Math.max(this.#timing.tickMs, DIAL_MS_MAX)
  }

  get #limitMs(): number {
    const { connectLimit, initLimit, tickMs } = this.#timing
    return (connectLimit > 0 ? connectLimit : initLimit) * tickMs
  }
}

/**
 * ZooKeeper tries five times, with the whole pause in between. A leader that has just been elected
 * opens its port within moments, in which all writes wait: the first pauses are short ones, and as
 * many tries are added to make up for them.
 */
const TRIES_MAX = 8
const FIRST_RETRY_MS = 10

/**
 * How long one attempt to connect may take, or a tick where that is longer: a system repeats a lost
 * SYN after a second (RFC 6298), and has time for the answer.
 */
const DIAL_MS_MAX = 1_500
