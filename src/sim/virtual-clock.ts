// Simulated time: one queue of events for everything that happens in a run. Time moves only from
// event to event, so hours pass in seconds and nothing ever races. Events at the same instant run
// in the order in which they were scheduled. It knows nothing of what the events do.

import type { Clock, Timers } from '../ports/clock.ts'
import type { Trace } from './trace.ts'

/** A set of events that end together, such as those of a process that has crashed. */
export class Scope {
  #alive = true

  get alive(): boolean {
    return this.#alive
  }

  end(): void {
    this.#alive = false
  }
}

export class VirtualClock implements Timers {
  #nowUs = 0
  #order = 0
  readonly #queue = new EventQueue()
  readonly #trace: Trace

  constructor(trace: Trace) {
    this.#trace = trace
  }

  /** Microseconds since the run began. */
  get nowUs(): number {
    return this.#nowUs
  }

  get isIdle(): boolean {
    return this.#queue.length === 0
  }

  /** Runs `task` after `delayUs`, unless its scope has ended by then. */
  after(delayUs: number, label: string, scope: Scope | null, task: () => void): ScheduledEvent {
    const event: ScheduledEvent = {
      dueUs: this.#nowUs + Math.max(0, Math.floor(delayUs)),
      order: this.#order++,
      label,
      scope,
      task,
      cancelled: false,
    }
    this.#queue.push(event)
    return event
  }

  schedule(delayMs: number, task: () => void): () => void {
    const event = this.after(delayMs * 1_000, 'timer', null, task)
    return () => {
      event.cancelled = true
    }
  }

  /** Runs the next event that is due until `limitUs`; false where there is none. */
  step(limitUs: number = Number.POSITIVE_INFINITY): boolean {
    for (;;) {
      const event = this.#queue.peek()
      if (event === undefined || event.dueUs > limitUs) {
        if (limitUs !== Number.POSITIVE_INFINITY) this.#nowUs = Math.max(this.#nowUs, limitUs)
        return false
      }
      this.#queue.pop()
      if (event.cancelled || (event.scope !== null && !event.scope.alive)) continue
      this.#nowUs = event.dueUs
      this.#trace.event(this.#nowUs, event.label)
      event.task()
      return true
    }
  }
}

export interface ScheduledEvent {
  readonly dueUs: number
  readonly order: number
  readonly label: string
  readonly scope: Scope | null
  readonly task: () => void
  cancelled: boolean
}

/**
 * The clocks of one machine: the steady one starts somewhere else at each boot, the wall clock is
 * off by whatever the run has drawn and may jump while the machine runs.
 */
export class MachineClock implements Clock {
  readonly #clock: VirtualClock
  #steadyBaseMs: number
  #wallBaseMs: number
  /** Of the steady clock; 1 is right. */
  readonly #speed: number

  constructor(clock: VirtualClock, steadyBaseMs: number, wallBaseMs: number, speed: number = 1) {
    this.#clock = clock
    this.#steadyBaseMs = steadyBaseMs
    this.#wallBaseMs = wallBaseMs
    this.#speed = speed
  }

  nowMs(): number {
    return this.#steadyBaseMs + Math.floor((this.#clock.nowUs * this.#speed) / 1_000)
  }

  wallMs(): number {
    return Math.max(0, this.#wallBaseMs + Math.floor(this.#clock.nowUs / 1_000))
  }

  /** The simulated time, in microseconds, at which `nowMs()` will have reached `momentMs`. */
  simulatedUs(momentMs: number): number {
    return Math.ceil(((momentMs - this.#steadyBaseMs) * 1_000) / this.#speed)
  }

  jumpWall(byMs: number): void {
    this.#wallBaseMs += byMs
  }

  /** A new boot: the steady clock begins elsewhere. */
  reboot(steadyNowMs: number): void {
    this.#steadyBaseMs = steadyNowMs - Math.floor((this.#clock.nowUs * this.#speed) / 1_000)
  }
}

/** A binary heap by time, then by order of scheduling. */
class EventQueue {
  readonly #heap: ScheduledEvent[] = []

  get length(): number {
    return this.#heap.length
  }

  peek(): ScheduledEvent | undefined {
    return this.#heap[0]
  }

  push(event: ScheduledEvent): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(event, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = event
  }

  pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }
}

function isBefore(a: ScheduledEvent, b: ScheduledEvent): boolean {
  return a.dueUs !== b.dueUs ? a.dueUs < b.dueUs : a.order < b.order
}
