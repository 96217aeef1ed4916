// By how much turns of the event loop were late: what a pause of the virtual machine is to
// ZooKeeper. The platform samples it on a timer of its own.

import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import type { DurationFigures } from '../admin/facts.ts'

/** How often it is looked at; a sample includes this wait. */
const SAMPLE_MS = 50

export class EventLoopPauses implements DurationFigures {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: SAMPLE_MS })

  constructor() {
    this.#histogram.enable()
  }

  get count(): number {
    return this.#histogram.count
  }

  get sumMs(): number {
    return this.count === 0 ? 0 : this.count * lateness(this.#histogram.mean)
  }

  get minMs(): number {
    return this.count === 0 ? 0 : lateness(this.#histogram.min)
  }

  get maxMs(): number {
    return this.count === 0 ? 0 : lateness(this.#histogram.max)
  }

  reset(): void {
    this.#histogram.reset()
  }

  stop(): void {
    this.#histogram.disable()
  }
}

function lateness(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e6 - SAMPLE_MS)
}
