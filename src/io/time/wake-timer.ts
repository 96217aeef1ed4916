// One alarm that is set anew all the time, mostly to a later hour. Moving it back costs nothing:
// the timer that is under way stays, and looks at the hour when it rings.

import type { Clock, Timers } from '../../ports/clock.ts'

export class WakeTimer {
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #task: () => void
  #wakeAtMs = Infinity
  /** When the timer under way rings; Infinity while there is none. */
  #ringsAtMs = Infinity
  #cancel: (() => void) | null = null
  #isStopped = false

  constructor(clock: Clock, timers: Timers, task: () => void) {
    this.#clock = clock
    this.#timers = timers
    this.#task = task
  }

  /** Asks for one call of the task at `wakeAtMs` or shortly after; Infinity for none. */
  wakeAt(wakeAtMs: number): void {
    if (this.#isStopped) return
    this.#wakeAtMs = wakeAtMs
    if (wakeAtMs < this.#ringsAtMs) this.#wind()
  }

  /** For ever: what still happens to its owner shall not wind it again. */
  stop(): void {
    this.#isStopped = true
    this.#cancel?.()
    this.#cancel = null
    this.#wakeAtMs = Infinity
    this.#ringsAtMs = Infinity
  }

  #wind(): void {
    this.#cancel?.()
    this.#ringsAtMs = this.#wakeAtMs
    const delayMs = this.#wakeAtMs - this.#clock.nowMs()
    this.#cancel = this.#timers.schedule(Math.max(0, delayMs), () => this.#ring())
  }

  #ring(): void {
    this.#cancel = null
    this.#ringsAtMs = Infinity
    if (this.#wakeAtMs <= this.#clock.nowMs()) {
      this.#wakeAtMs = Infinity
      this.#task()
    } else if (this.#wakeAtMs < Infinity) {
      this.#wind()
    }
  }
}
