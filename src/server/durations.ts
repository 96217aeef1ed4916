// How often something took how long: count, sum and extremes, as ZooKeeper's basic summaries.

import type { DurationFigures } from '../admin/facts.ts'

export class Durations implements DurationFigures {
  count = 0
  sumMs = 0
  minMs = 0
  maxMs = 0

  add(ms: number): void {
    if (this.count === 0 || ms < this.minMs) this.minMs = ms
    if (ms > this.maxMs) this.maxMs = ms
    this.sumMs += ms
    this.count++
  }

  reset(): void {
    this.count = 0
    this.sumMs = 0
    this.minMs = 0
    this.maxMs = 0
  }
}
