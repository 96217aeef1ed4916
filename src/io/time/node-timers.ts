// Later work by Node's timers.

import type { Timers } from '../../ports/clock.ts'

/** Longer waits overflow Node's timers, which then fire at once. */
const DELAY_MS_MAX: number = 2 ** 31 - 1

export class NodeTimers implements Timers {
  schedule(delayMs: number, task: () => void): () => void {
    const timer = setTimeout(task, Math.min(Math.max(0, delayMs), DELAY_MS_MAX))
    return () => clearTimeout(timer)
  }
}
