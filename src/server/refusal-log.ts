// Says that connections are being refused without filling the log: the first time, and then at most
// once a minute with how many there were.

import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'

const PAUSE_MS = 60_000

export class RefusalLog {
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #untilMs = new Map<string, number>()
  #withheld = 0

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger
    this.#clock = clock
  }

  refused(address: string, reason: 'per-address' | 'total', limit: number): void {
    const nowMs = this.#clock.nowMs()
    if (nowMs < (this.#untilMs.get(reason) ?? 0)) {
      this.#withheld++
      return
    }
    this.#untilMs.set(reason, nowMs + PAUSE_MS)
    const again = this.#withheld === 0 ? {} : { alsoRefused: this.#withheld }
    this.#withheld = 0
    if (reason === 'per-address') {
      this.#logger.warn(`Too many connections from /${address} - max is ${limit}`, again)
    } else {
      this.#logger.error(`Too many connections ${limit} - max is ${limit}`, { address, ...again })
    }
  }
}
