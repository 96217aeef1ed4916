import { expect, it } from 'vitest'

import type { SessionId } from '../../base/session-id.ts'
import { SessionReporter } from './session-reporter.ts'

const ids = (reporter: SessionReporter): SessionId[] =>
  reporter.takeReport().map((session) => session.id)

it('reports each session once, however often it was heard of', () => {
  const reporter = new SessionReporter()
  const first = reporter.add(1n as SessionId, 1_000, 0)
  reporter.add(2n as SessionId, 1_000, 0)
  reporter.touch(first, 5)
  expect(ids(reporter)).toEqual([1n, 2n])
  expect(ids(reporter)).toEqual([])
  reporter.touch(first, 9)
  expect(ids(reporter)).toEqual([1n])
})

it('says nothing of sessions that are over or about to be', () => {
  const reporter = new SessionReporter()
  const gone = reporter.add(1n as SessionId, 1_000, 0)
  const closing = reporter.add(2n as SessionId, 1_000, 0)
  reporter.takeReport()
  reporter.remove(gone.id)
  reporter.markClosing(closing)
  reporter.touch(gone, 5)
  reporter.touch(closing, 5)
  expect(ids(reporter)).toEqual([])
  expect(reporter.get(gone.id)).toBeUndefined()
})

it('lets no session expire: that is the leader’s business', () => {
  const reporter = new SessionReporter()
  reporter.add(1n as SessionId, 10, 0)
  expect(reporter.expired(1_000_000)).toEqual([])
  expect(reporter.nextDeadlineMs).toBe(Infinity)
})
