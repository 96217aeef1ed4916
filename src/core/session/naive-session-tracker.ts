// The slow and obvious twin of `SessionTracker`: one list, and each deadline worked out from the
// last touch whenever it is asked for. Tests and the simulator compare the two.

import type { SessionId } from '../../base/session-id.ts'

interface NaiveSession {
  readonly id: SessionId
  timeoutMs: number
  touchedMs: number
  closing: boolean
}

export class NaiveSessionTracker {
  readonly #tickMs: number
  #sessions: NaiveSession[] = []

  constructor(tickMs: number) {
    this.#tickMs = tickMs
  }

  get size(): number {
    return this.#sessions.length
  }

  get nextDeadlineMs(): number {
    const waiting = this.#sessions.filter((session) => !session.closing)
    return Math.min(Infinity, ...waiting.map((session) => this.deadlineOf(session)))
  }

  deadlineOf(session: { readonly touchedMs: number; readonly timeoutMs: number }): number {
    let deadlineMs = 0
    while (deadlineMs <= session.touchedMs + session.timeoutMs) deadlineMs += this.#tickMs
    return deadlineMs
  }

  add(id: SessionId, timeoutMs: number, nowMs: number): void {
    const known = this.get(id)
    if (known === undefined) {
      this.#sessions.push({ id, timeoutMs, touchedMs: nowMs, closing: false })
    } else {
      known.timeoutMs = timeoutMs
      known.touchedMs = nowMs
    }
  }

  get(id: SessionId): NaiveSession | undefined {
    return this.#sessions.find((session) => session.id === id)
  }

  touch(id: SessionId, nowMs: number): void {
    const session = this.get(id)
    if (session !== undefined) session.touchedMs = nowMs
  }

  remove(id: SessionId): void {
    this.#sessions = this.#sessions.filter((session) => session.id !== id)
  }

  markClosing(id: SessionId): void {
    const session = this.get(id)
    if (session !== undefined) session.closing = true
  }

  expired(nowMs: number): SessionId[] {
    const over = this.#sessions.filter(
      (session) => !session.closing && this.deadlineOf(session) <= nowMs,
    )
    for (const session of over) session.closing = true
    return over.map((session) => session.id)
  }

  restartAll(nowMs: number): void {
    for (const session of this.#sessions) {
      session.closing = false
      session.touchedMs = nowMs
    }
  }

  buckets(): Map<number, Set<SessionId>> {
    const buckets = new Map<number, Set<SessionId>>()
    for (const session of this.#sessions) {
      if (session.closing) continue
      const deadlineMs = this.deadlineOf(session)
      buckets.set(deadlineMs, new Set([...(buckets.get(deadlineMs) ?? []), session.id]))
    }
    return buckets
  }
}
