// Figures that nobody but the server can count: refused connections, syncs, snapshots, late turns.

import type { AdminFigures } from '../admin/facts.ts'
import type { Clock } from '../ports/clock.ts'
import { Durations } from './durations.ts'
import { EventLoopPauses } from './event-loop-pauses.ts'

export class ServerFigures implements AdminFigures {
  readonly syncs: Durations = new Durations()
  readonly snapshots: Durations = new Durations()
  readonly pauses: EventLoopPauses = new EventLoopPauses()
  refusedConnectionCount: number = 0
  readonly #clock: Clock
  readonly #startedMs: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startedMs = clock.nowMs()
  }

  get uptimeMs(): number {
    return this.#clock.nowMs() - this.#startedMs
  }

  stop(): void {
    this.pauses.stop()
  }

  reset(): void {
    this.syncs.reset()
    this.snapshots.reset()
    this.pauses.reset()
    this.refusedConnectionCount = 0
  }
}
