import { beforeEach, expect, test } from 'vitest'

import { sessionIdOf } from '../../base/session-id.ts'
import { SessionTracker } from './session-tracker.ts'

const A = sessionIdOf(0x0100000000000001n)
const B = sessionIdOf(0x0100000000000002n)

let tracker: SessionTracker
beforeEach(() => {
  tracker = new SessionTracker(2_000)
})

const expiredAt = (nowMs: number): bigint[] => tracker.expired(nowMs).map((session) => session.id)

test('a silent session ends at the first tick after its timeout', () => {
  tracker.add(A, 4_000, 950)
  expect(tracker.nextDeadlineMs).toBe(6_000)
  expect(expiredAt(5_999)).toEqual([])
  expect(expiredAt(6_000)).toEqual([A])
})

test('a timeout that ends on a tick still gets the tick that follows', () => {
  tracker.add(A, 4_000, 0)
  expect(tracker.nextDeadlineMs).toBe(6_000)
})

test('a session that was touched in time gets its full time again', () => {
  const session = tracker.add(A, 4_000, 0)
  tracker.touch(session, 5_900)
  expect(expiredAt(6_000)).toEqual([])
  expect(tracker.nextDeadlineMs).toBe(10_000)
})

test('an expired session is returned once, is closing, and is still there', () => {
  const session = tracker.add(A, 4_000, 0)
  expect(expiredAt(6_000)).toEqual([A])
  expect(expiredAt(60_000)).toEqual([])
  expect(session.closing).toBe(true)
  expect(tracker.get(A)).toBe(session)
  expect(tracker.nextDeadlineMs).toBe(Infinity)
})

test('touching a closing session does not bring it back', () => {
  const session = tracker.add(A, 4_000, 0)
  tracker.markClosing(session)
  tracker.touch(session, 1_000)
  expect(tracker.nextDeadlineMs).toBe(Infinity)
})

test('touching a session that was removed does not bring it back', () => {
  const session = tracker.add(A, 4_000, 0)
  tracker.remove(A)
  tracker.touch(session, 1_000)
  expect([tracker.size, tracker.nextDeadlineMs]).toEqual([0, Infinity])
})

test('adding a known session replaces its timeout', () => {
  const session = tracker.add(A, 4_000, 0)
  expect(tracker.add(A, 10_000, 0)).toBe(session)
  expect([tracker.size, session.timeoutMs, tracker.nextDeadlineMs]).toEqual([1, 10_000, 12_000])
})

test('sessions that ended while nobody looked come in the order of their deadlines', () => {
  tracker.add(A, 9_000, 0)
  tracker.add(B, 4_000, 0)
  expect(expiredAt(100_000)).toEqual([B, A])
})

test('a new leader restarts every session, and may expire again what was closing', () => {
  const session = tracker.add(A, 4_000, 0)
  expect(expiredAt(6_000)).toEqual([A])
  tracker.restartAll(7_000)
  expect(session.closing).toBe(false)
  expect(tracker.nextDeadlineMs).toBe(12_000)
  expect(expiredAt(12_000)).toEqual([A])
})

test('buckets come with the earliest deadline first', () => {
  tracker.add(A, 9_000, 0)
  tracker.add(B, 4_000, 0)
  expect([...tracker.buckets()]).toEqual([
    [6_000, [B]],
    [10_000, [A]],
  ])
})
