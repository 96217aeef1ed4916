import fc from 'fast-check'
import { expect, test } from 'vitest'

import { sessionIdOf } from '../../base/session-id.ts'
import { NaiveSessionTracker } from './naive-session-tracker.ts'
import { SessionTracker, type TrackedSession } from './session-tracker.ts'

const TICK_MS = 10

const id = fc.bigInt({ min: 1n, max: 6n }).map(sessionIdOf)
const step = fc.record({
  action: fc.constantFrom(
    'add',
    'touch',
    'touch',
    'remove',
    'close',
    'expire',
    'expire',
    'restart',
  ),
  id,
  timeoutMs: fc.integer({ min: 1, max: 60 }),
  elapsedMs: fc.integer({ min: 0, max: 25 }),
})

test('any history of sessions gives what the naive twin gives', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const real = new SessionTracker(TICK_MS)
      const naive = new NaiveSessionTracker(TICK_MS)
      let nowMs = 0
      for (const { action, id, timeoutMs, elapsedMs } of steps) {
        nowMs += elapsedMs
        const session = real.get(id)
        if (action === 'add') {
          expect(real.add(id, timeoutMs, nowMs)).toBe(real.get(id))
          naive.add(id, timeoutMs, nowMs)
        } else if (action === 'touch' && session !== undefined) {
          real.touch(session, nowMs)
          naive.touch(id, nowMs)
        } else if (action === 'remove') {
          real.remove(id)
          naive.remove(id)
        } else if (action === 'close' && session !== undefined) {
          real.markClosing(session)
          naive.markClosing(id)
        } else if (action === 'restart') {
          real.restartAll(nowMs)
          naive.restartAll(nowMs)
        } else if (action === 'expire') {
          const ids = real.expired(nowMs).map((one: TrackedSession) => one.id)
          expect(new Set(ids)).toEqual(new Set(naive.expired(nowMs)))
          expect(new Set(ids).size).toBe(ids.length)
        }
        expectSame(real, naive)
      }
    }),
  )
})

function expectSame(real: SessionTracker, naive: NaiveSessionTracker): void {
  expect(real.size).toBe(naive.size)
  expect(real.nextDeadlineMs).toBe(naive.nextDeadlineMs)
  const buckets = [...real.buckets()]
  expect(new Map(buckets.map(([at, ids]) => [at, new Set(ids)]))).toEqual(naive.buckets())
  expect(buckets.map(([at]) => at)).toEqual(
    buckets.map(([at]) => at).sort((left, right) => left - right),
  )
  for (const session of real.sessions()) {
    const twin = naive.get(session.id)!
    expect([session.timeoutMs, session.closing]).toEqual([twin.timeoutMs, twin.closing])
  }
}
