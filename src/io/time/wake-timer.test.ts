import { expect, test } from 'vitest'
import { WakeTimer } from './wake-timer.ts'

/** A clock that tests move; it remembers how many timers were wound. */
class HandClock {
  now = 0
  wound = 0
  #due: { at: number; task: () => void }[] = []

  nowMs(): number {
    return this.now
  }

  wallMs(): number {
    return this.now
  }

  schedule(delayMs: number, task: () => void): () => void {
    this.wound++
    const entry = { at: this.now + delayMs, task }
    this.#due.push(entry)
    return () => {
      this.#due = this.#due.filter((other) => other !== entry)
    }
  }

  advanceTo(now: number): void {
    this.now = now
    for (const entry of this.#due.filter(({ at }) => at <= now)) {
      this.#due = this.#due.filter((other) => other !== entry)
      entry.task()
    }
  }

  get pending(): number {
    return this.#due.length
  }
}

function alarm(): { clock: HandClock; timer: WakeTimer; rings: number[] } {
  const clock = new HandClock()
  const rings: number[] = []
  const timer = new WakeTimer(clock, clock, () => rings.push(clock.now))
  return { clock, timer, rings }
}

test('rings once at the hour', () => {
  const { clock, timer, rings } = alarm()
  timer.wakeAt(10)
  for (const now of [5, 9, 10, 20]) clock.advanceTo(now)
  expect(rings).toEqual([10])
})

test('is moved to a later hour without winding a timer', () => {
  const { clock, timer, rings } = alarm()
  timer.wakeAt(10)
  for (let hour = 11; hour <= 50; hour++) timer.wakeAt(hour)
  expect(clock.wound).toBe(1)
  clock.advanceTo(10)
  expect(rings).toEqual([])
  clock.advanceTo(50)
  expect(rings).toEqual([50])
})

test('is moved to an earlier hour', () => {
  const { clock, timer, rings } = alarm()
  timer.wakeAt(100)
  timer.wakeAt(10)
  clock.advanceTo(10)
  expect(rings).toEqual([10])
  expect(clock.pending).toBe(0)
})

test('an hour that has passed rings in the next turn', () => {
  const { clock, timer, rings } = alarm()
  clock.advanceTo(50)
  timer.wakeAt(10)
  expect(rings).toEqual([])
  clock.advanceTo(50)
  expect(rings).toEqual([50])
})

test('may be set from within the task', () => {
  const { clock } = alarm()
  const rings: number[] = []
  const timer: WakeTimer = new WakeTimer(clock, clock, () => {
    rings.push(clock.now)
    if (rings.length < 3) timer.wakeAt(clock.now + 10)
  })
  timer.wakeAt(10)
  for (const now of [10, 20, 30, 40]) clock.advanceTo(now)
  expect(rings).toEqual([10, 20, 30])
})

test('never, and stopped, leave nothing under way', () => {
  const { clock, timer, rings } = alarm()
  timer.wakeAt(10)
  timer.wakeAt(Infinity)
  clock.advanceTo(10)
  timer.wakeAt(20)
  timer.stop()
  timer.wakeAt(25)
  clock.advanceTo(30)
  expect(rings).toEqual([])
  expect(clock.pending).toBe(0)
})
