// Sessions on a server that follows: it knows those of its own clients and tells the leader, who
// alone lets sessions expire, which of them it has heard of since it was asked last (ZooKeeper 3.9
// `LearnerSessionTracker`).

import type { SessionId } from '../../base/session-id.ts'
import { type SessionTable, type TrackedSession, newSession } from './session-tracker.ts'

export class SessionReporter implements SessionTable {
  readonly nextDeadlineMs: number = Infinity
  readonly #sessions = new Map<SessionId, TrackedSession>()
  /** Heard of since the last report; a session is in it once. */
  #heardOf: TrackedSession[] = []

  get size(): number {
    return this.#sessions.size
  }

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

  /** Here, a deadline that is set means: in the next report. */
  touch(session: TrackedSession, nowMs: number): void {
    if (session.deadlineMs !== Infinity || session.closing) return
    session.deadlineMs = nowMs + session.timeoutMs
    this.#heardOf.push(session)
  }

  remove(id: SessionId): void {
    const session = this.#sessions.get(id)
    if (session === undefined) return
    this.#sessions.delete(id)
    session.closing = true
  }

  markClosing(session: TrackedSession): void {
    session.closing = true
  }

  expired(_nowMs: number): readonly TrackedSession[] {
    return []
  }

  sessions(): Iterable<TrackedSession> {
    return this.#sessions.values()
  }

  buckets(): Iterable<readonly [deadlineMs: number, ids: readonly SessionId[]]> {
    return []
  }

  /** Who was heard of since the last call. */
  takeReport(): readonly TrackedSession[] {
    const report = this.#heardOf
    this.#heardOf = []
    for (const session of report) session.deadlineMs = Infinity
    return report
  }
}
