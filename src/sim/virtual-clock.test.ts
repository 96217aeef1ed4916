import { describe, expect, it } from 'vitest'

import { Trace } from './trace.ts'
import { MachineClock, Scope, VirtualClock } from './virtual-clock.ts'

describe('VirtualClock', () => {
  it('runs events by time, and at the same instant in the order of scheduling', () => {
    const clock = new VirtualClock(new Trace())
    const ran: string[] = []
    clock.after(20, 'x', null, () => ran.push('late'))
    clock.after(10, 'x', null, () => ran.push('first'))
    clock.after(10, 'x', null, () => ran.push('second'))
    clock.after(5, 'x', null, () => clock.after(5, 'x', null, () => ran.push('third')))
    while (clock.step());
    expect(ran).toEqual(['first', 'second', 'third', 'late'])
    expect(clock.nowUs).toBe(20)
  })

  it('keeps the order of many random events', () => {
    const clock = new VirtualClock(new Trace())
    const ran: [number, number][] = []
    for (let i = 0; i < 2_000; i++) {
      const at = (i * 7_919) % 101
      clock.after(at, 'x', null, () => ran.push([at, i]))
    }
    while (clock.step());
    const sorted = [...ran].sort((a, b) => a[0] - b[0] || a[1] - b[1])
    expect(ran).toEqual(sorted)
  })

  it('skips what was cancelled and what belongs to an ended scope', () => {
    const clock = new VirtualClock(new Trace())
    const scope = new Scope()
    const ran: string[] = []
    clock.after(1, 'x', scope, () => ran.push('before the end'))
    clock.after(2, 'x', null, () => scope.end())
    clock.after(3, 'x', scope, () => ran.push('after the end'))
    const cancel = clock.schedule(1, () => ran.push('cancelled'))
    cancel()
    while (clock.step());
    expect(ran).toEqual(['before the end'])
  })

  it('stops at a limit and stands there', () => {
    const clock = new VirtualClock(new Trace())
    clock.after(100, 'x', null, () => {})
    expect(clock.step(50)).toBe(false)
    expect(clock.nowUs).toBe(50)
    expect(clock.step(100)).toBe(true)
  })
})

describe('MachineClock', () => {
  it('has a wall clock that jumps and a steady one that does not', () => {
    const clock = new VirtualClock(new Trace())
    const machine = new MachineClock(clock, 1_000, 5_000_000)
    clock.after(250_000, 'x', null, () => {})
    clock.step()
    machine.jumpWall(-60_000)
    expect(machine.nowMs()).toBe(1_250)
    expect(machine.wallMs()).toBe(4_940_250)
    expect(machine.simulatedUs(1_300)).toBe(300_000)
    machine.reboot(77)
    expect(machine.nowMs()).toBe(77)
  })
})

describe('Trace', () => {
  it('depends on every event, its time and its order', () => {
    const hashOf = (events: readonly (readonly [number, string])[]): string => {
      const trace = new Trace()
      for (const [time, text] of events) trace.event(time, text)
      return trace.hash
    }
    const base = hashOf([
      [1, 'a'],
      [2, 'b'],
    ])
    const others = [
      [
        [1, 'b'],
        [2, 'a'],
      ],
      [
        [1, 'a'],
        [3, 'b'],
      ],
      [[1, 'a']],
    ] as const
    expect(new Set([base, ...others.map((events) => hashOf(events))]).size).toBe(4)
    expect(base).toMatch(/^[0-9a-f]{16}$/)
  })
})
