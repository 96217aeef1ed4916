// Which sessions live and when each one ends if it stays silent. Deadlines are rounded up to the
// next tick after the timeout, so that sessions share few buckets and a request seldom moves its
// session (ZooKeeper 3.9 `ExpiryQueue`). It refuses to know clocks, connections and transactions:
// now is an argument, and ending a session is somebody else's work.

import { assert } from '../../base/assert.ts'
import type { SessionId } from '../../base/session-id.ts'

export interface TrackedSession {
  readonly id: SessionId
  timeoutMs: number
  /** Its end is under way: it does not expire again, and touching it changes nothing. */
  closing: boolean
  /** The bucket it is in; Infinity while it is in none. Only the tracker writes it. */
  deadlineMs: number
  /**
   * `local`: known to this server alone, and to no transaction. `upgrading`: on its way to being
   * everybody's.
   */
  scope: 'global' | 'local' | 'upgrading'
  /** Through whom its client came last, by a number of the tracker's owner; null for nobody yet. */
  owner: number | null
}

/** A session that is in no bucket yet. */
export const newSession = (id: SessionId, timeoutMs: number): TrackedSession => ({
  id,
  timeoutMs,
  closing: false,
  deadlineMs: Infinity,
  scope: 'global',
  owner: null,
})

/** What is asked of the sessions' keeper while requests are served. */
export interface SessionTable {
  readonly size: number
  /** When {@link expired} will next have something to return; Infinity for never. */
  readonly nextDeadlineMs: number
  /** Begins a session; one that is known already takes the new timeout and counts as touched. */
  add(id: SessionId, timeoutMs: number, nowMs: number): TrackedSession
  get(id: SessionId): TrackedSession | undefined
  touch(session: TrackedSession, nowMs: number): void
  remove(id: SessionId): void
  markClosing(session: TrackedSession): void
  /** The sessions whose deadline has come, each only once, now closing. */
  expired(nowMs: number): readonly TrackedSession[]
  sessions(): Iterable<TrackedSession>
  /** What the `dump` word prints: the sessions by deadline, the earliest first. */
  buckets(): Iterable<readonly [deadlineMs: number, ids: readonly SessionId[]]>
}

export class SessionTracker implements SessionTable {
  readonly #tickMs: number
  readonly #sessions = new Map<SessionId, TrackedSession>()
  /** By deadline; never empty sets. */
  readonly #buckets = new Map<number, Set<TrackedSession>>()
  #nextDeadlineMs = Infinity
  /** The earliest bucket is gone: look for the next one when someone asks. */
  #nextIsStale = false

  constructor(tickMs: number) {
    assert(tickMs > 0, () => `a tick of ${tickMs} ms`)
    this.#tickMs = tickMs
  }

  get size(): number {
    return this.#sessions.size
  }

  /** When {@link expired} will next have something to return; Infinity for never. */
  get nextDeadlineMs(): number {
    if (this.#nextIsStale) {
      this.#nextIsStale = false
      this.#nextDeadlineMs = Infinity
      for (const deadlineMs of this.#buckets.keys()) {
        if (deadlineMs < this.#nextDeadlineMs) this.#nextDeadlineMs = deadlineMs
      }
    }
    return this.#nextDeadlineMs
  }

  /** Begins a session; one that is known already takes the new timeout and counts as touched. */
  add(id: SessionId, timeoutMs: number, nowMs: number): TrackedSession {
    let session = this.#sessions.get(id)
    if (session === undefined) {
      session = newSession(id, timeoutMs)
      this.#sessions.set(id, session)
    } else {
      session.timeoutMs = timeoutMs
    }
    this.touch(session, nowMs)
    return session
  }

  get(id: SessionId): TrackedSession | undefined {
    return this.#sessions.get(id)
  }

  /** Something was heard of the session: once a request, so it is cheap within one tick. */
  touch(session: TrackedSession, nowMs: number): void {
    const tickMs = this.#tickMs
    const deadlineMs = (Math.floor((nowMs + session.timeoutMs) / tickMs) + 1) * tickMs
    if (deadlineMs === session.deadlineMs || session.closing) return
    this.#leaveBucket(session)
    this.#enterBucket(session, deadlineMs)
  }

  remove(id: SessionId): void {
    const session = this.#sessions.get(id)
    if (session === undefined) return
    this.#sessions.delete(id)
    this.#leaveBucket(session)
    // Whoever still holds the object may touch it; that must not bring it back into a bucket.
    session.closing = true
  }

  markClosing(session: TrackedSession): void {
    session.closing = true
    this.#leaveBucket(session)
  }

  /** The sessions whose deadline has come, the longest overdue first; each only once, now closing. */
  expired(nowMs: number): readonly TrackedSession[] {
    if (nowMs < this.nextDeadlineMs) return NOBODY
    const expired: TrackedSession[] = []
    for (let next = this.nextDeadlineMs; next <= nowMs; next = this.nextDeadlineMs) {
      for (const session of this.#buckets.get(next)!) {
        session.closing = true
        session.deadlineMs = Infinity
        expired.push(session)
      }
      this.#buckets.delete(next)
      this.#nextIsStale = true
    }
    return expired
  }

  sessions(): Iterable<TrackedSession> {
    return this.#sessions.values()
  }

  /**
   * A new leader gives every session its full time again. Ends that its predecessor had under way
   * count as never begun: if they were not committed, nobody else will bring them to an end.
   */
  restartAll(nowMs: number): void {
    for (const session of this.#sessions.values()) {
      session.closing = false
      this.touch(session, nowMs)
    }
  }

  /** What the `dump` word prints: the sessions by deadline, the earliest first. */
  *buckets(): Iterable<readonly [deadlineMs: number, ids: readonly SessionId[]]> {
    for (const deadlineMs of [...this.#buckets.keys()].sort((a, b) => a - b)) {
      yield [deadlineMs, [...this.#buckets.get(deadlineMs)!].map((session) => session.id)]
    }
  }

  #enterBucket(session: TrackedSession, deadlineMs: number): void {
    session.deadlineMs = deadlineMs
    const bucket = this.#buckets.get(deadlineMs)
    if (bucket !== undefined) {
      bucket.add(session)
      return
    }
    this.#buckets.set(deadlineMs, new Set([session]))
    if (deadlineMs < this.#nextDeadlineMs) this.#nextDeadlineMs = deadlineMs
  }

  #leaveBucket(session: TrackedSession): void {
    const deadlineMs = session.deadlineMs
    if (deadlineMs === Infinity) return
    session.deadlineMs = Infinity
    const bucket = this.#buckets.get(deadlineMs)!
    bucket.delete(session)
    if (bucket.size > 0) return
    this.#buckets.delete(deadlineMs)
    if (deadlineMs === this.#nextDeadlineMs) this.#nextIsStale = true
  }
}

const NOBODY: readonly TrackedSession[] = []
