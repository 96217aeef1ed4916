// The machine's clocks. Whole milliseconds: that is what sessions, stamps and latencies count in.

import type { Clock } from '../../ports/clock.ts'

export class NodeClock implements Clock {
  nowMs(): number {
    return Math.floor(performance.now())
  }

  wallMs(): number {
    return Date.now()
  }
}
