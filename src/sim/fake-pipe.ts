// One direction of a simulated connection: bytes that arrive in order, after a while, cut anywhere.
// It can stall, swallow everything, or end. It knows nothing of who sends or receives.

import type { Prng } from '../base/prng.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** How streams are cut on their way. */
export type Chunking =
  /** As they were sent. */
  | 'as-sent'
  /** Sends joined and cut at random places. */
  | 'random'
  /** A few bytes at a time. */
  | 'small'

export interface PipeConditions {
  readonly delayUs: readonly [low: number, high: number]
  readonly chunking: Chunking
}

export interface PipeEnd {
  bytes(chunk: Uint8Array): void
  /** All that was sent has arrived, and nothing more will. */
  ended(): void
}

export class FakePipe {
  readonly #clock: VirtualClock
  readonly #random: Prng
  readonly #conditions: PipeConditions
  readonly #label: string
  readonly #to: PipeEnd
  #segments: Segment[] = []
  #queuedBytes = 0
  #lastDueUs = 0
  #isReading = true
  #isSwallowing = false
  #isScheduled = false
  #hasEnd = false
  #isOver = false

  constructor(
    clock: VirtualClock,
    random: Prng,
    conditions: PipeConditions,
    label: string,
    to: PipeEnd,
  ) {
    this.#clock = clock
    this.#random = random
    this.#conditions = conditions
    this.#label = label
    this.#to = to
  }

  /** Sent, but not taken by the other side. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** Takes `bytes` over: they are read when they arrive, and `check` just before that. */
  send(bytes: Uint8Array, check: (() => void) | null): void {
    if (this.#isOver || this.#hasEnd || bytes.length === 0) return
    this.#segments.push({ bytes, at: 0, dueUs: this.#arrivalUs(), check })
    this.#queuedBytes += bytes.length
    this.#arrange()
  }

  /** The stream ends behind what has been sent. */
  end(): void {
    if (this.#hasEnd) return
    this.#hasEnd = true
    this.#arrange()
  }

  /** Everything under way is lost, and nothing is called any more. */
  abandon(): void {
    this.#isOver = true
    this.#segments = []
    this.#queuedBytes = 0
  }

  /** Loses the newest part of what is under way, as when the sending machine dies. */
  loseTail(): void {
    const kept = this.#random.below(this.#segments.length + 1)
    for (const lost of this.#segments.splice(kept)) this.#queuedBytes -= lost.bytes.length - lost.at
  }

  setReading(reading: boolean): void {
    this.#isReading = reading
    this.#arrange()
  }

  get isSwallowing(): boolean {
    return this.#isSwallowing
  }

  /** From now on nothing arrives, and nobody is told: the far half of a half-open connection. */
  swallow(): void {
    this.#isSwallowing = true
  }

  #arrivalUs(): number {
    const [low, high] = this.#conditions.delayUs
    this.#lastDueUs = Math.max(this.#lastDueUs, this.#clock.nowUs + this.#random.between(low, high))
    return this.#lastDueUs
  }

  #arrange(): void {
    if (this.#isScheduled || this.#isOver || !this.#isReading || this.#isSwallowing) return
    const next = this.#segments[0]
    if (next === undefined && !this.#hasEnd) return
    const dueUs = next === undefined ? this.#lastDueUs : next.dueUs
    this.#isScheduled = true
    this.#clock.after(dueUs - this.#clock.nowUs, this.#label, null, () => {
      this.#isScheduled = false
      this.#deliver()
    })
  }

  #deliver(): void {
    if (this.#isOver || !this.#isReading || this.#isSwallowing) return
    if (this.#segments.length === 0) {
      if (!this.#hasEnd) return
      this.#isOver = true
      this.#to.ended()
      return
    }
    const chunk = this.#take()
    this.#to.bytes(chunk)
    this.#arrange()
  }

  /** The next bytes, in an array of their own, as many as this run's way of cutting says. */
  #take(): Uint8Array {
    const { chunking } = this.#conditions
    const first = this.#segments[0] as Segment
    let wanted = first.bytes.length - first.at
    if (chunking !== 'as-sent') {
      const due = this.#segments.filter((segment) => segment.dueUs <= this.#clock.nowUs)
      const all = due.reduce((sum, segment) => sum + segment.bytes.length - segment.at, 0)
      wanted = 1 + this.#random.below(chunking === 'small' ? Math.min(all, 24) : all)
    }
    const chunk = new Uint8Array(wanted)
    let filled = 0
    while (filled < wanted) {
      const segment = this.#segments[0] as Segment
      segment.check?.()
      const count = Math.min(wanted - filled, segment.bytes.length - segment.at)
      chunk.set(segment.bytes.subarray(segment.at, segment.at + count), filled)
      segment.at += count
      filled += count
      if (segment.at === segment.bytes.length) this.#segments.shift()
    }
    this.#queuedBytes -= wanted
    return chunk
  }
}

/** For pipes whose conditions change while bytes are under way: they ask each time. */
export const liveConditions = (now: () => PipeConditions): PipeConditions => ({
  get delayUs() {
    return now().delayUs
  },
  get chunking() {
    return now().chunking
  },
})

interface Segment {
  readonly bytes: Uint8Array
  at: number
  readonly dueUs: number
  readonly check: (() => void) | null
}
