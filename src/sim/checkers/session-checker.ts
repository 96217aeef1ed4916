// Sessions and time: none ends before its client has been silent for the whole timeout, none lives
// on much longer, and no client trusts its session beyond the end. It is told when requests reach the server, when the server proposes
// transactions, and which of them ended a session without being asked to.

import { type SessionId, formatSessionId } from '../../base/session-id.ts'
import type { Zxid } from '../../base/zxid.ts'
import { OpCode } from '../../core/records/opcodes.ts'
import type { History, HistoryEntry } from './history.ts'
import { Violation } from './violation.ts'

/** What the checker of a wire tells about sessions, and asks. */
export interface SessionWitness {
  touched(session: SessionId): void
  /** The client's connection is served from now on. */
  served(session: SessionId): void
  renewed(session: SessionId, timeoutMs: number): void
  /** An end of the session may be on its way. */
  mayBeClosing(session: SessionId): boolean
}

/** What the checker of a wire tells about sessions of its server alone, and asks. */
export interface LocalSessionWitness {
  has(session: bigint): boolean
  /** It was there, and then left or silent for too long. */
  hasEnded(session: bigint): boolean
  began(session: bigint, timeoutMs: number): void
  heard(session: bigint): void
  /** The client wants it to end. */
  left(session: bigint): void
  clear(): void
}

interface SessionTimes {
  timeoutMs: number
  /** Simulated milliseconds of the latest signs of life, the newest last. */
  touches: number[]
}

/** How late a timer may be, and the grid on which sessions expire. */
export interface SessionTiming {
  readonly tickMs: number
  readonly lateMs: number
}

export class SessionChecker implements SessionWitness {
  readonly #history: History
  readonly #timing: SessionTiming
  readonly #nowMs: () => number
  /** Until when a client believes its session to be certain, in simulated milliseconds. */
  readonly #safeUntilMs: (session: SessionId) => number
  readonly #sessions = new Map<SessionId, SessionTimes>()
  /** When each transaction was proposed, in simulated milliseconds. */
  readonly #proposed = new Map<Zxid, number>()
  #lastProposed = 0
  #lastChecked = 0 as Zxid
  #startedMs = 0
  #expired = 0

  constructor(
    history: History,
    timing: SessionTiming,
    nowMs: () => number,
    safeUntilMs: (session: SessionId) => number,
  ) {
    this.#history = history
    this.#timing = timing
    this.#nowMs = nowMs
    this.#safeUntilMs = safeUntilMs
  }

  /** Sessions that ended by silence. */
  get expired(): number {
    return this.#expired
  }

  touched(session: SessionId): void {
    const times = this.#sessions.get(session)
    if (times === undefined) return
    const now = this.#nowMs()
    if (times.touches.at(-1) !== now) times.touches.push(now)
    if (times.touches.length > 64) times.touches.splice(0, 32)
  }

  /** The client's connection is served from now on: its time begins anew. */
  served(session: SessionId): void {
    this.touched(session)
  }

  /** A client wants to take the session up again, perhaps with another timeout. */
  renewed(session: SessionId, timeoutMs: number): void {
    const times = this.#sessions.get(session)
    if (times === undefined) return
    times.timeoutMs = timeoutMs
    this.touched(session)
  }

  /** The server has proposed everything up to `zxid`. */
  proposed(zxid: Zxid): void {
    for (let at = this.#lastProposed + 1; at <= zxid; at++) {
      this.#proposed.set(at as Zxid, this.#nowMs())
    }
    this.#lastProposed = zxid
  }

  /** An end of the session may be on its way. */
  mayBeClosing(_session: SessionId): boolean {
    return this.#lastProposed > this.#history.durable
  }

  /** The server has started: every session has its whole time again. */
  restarted(zxid: Zxid): void {
    this.#startedMs = this.#nowMs()
    this.#lastProposed = zxid
    this.#lastChecked = zxid
    const { sessions } = this.#history.stateAt(zxid)
    this.#sessions.clear()
    for (const [session, timeoutMs] of sessions) {
      this.#sessions.set(session as SessionId, {
        timeoutMs,
        touches: [this.#startedMs],
      })
    }
  }

  /** Looks at the transactions that have come to be known. */
  follow(): void {
    const { last } = this.#history
    for (const entry of this.#history.between(this.#lastChecked, last)) this.#look(entry)
    this.#lastChecked = last
  }

  /** Sessions that should have ended by now. */
  overdue(): readonly SessionId[] {
    const late: SessionId[] = []
    for (const session of this.#history.stateAt(this.#history.last).sessions.keys()) {
      const times = this.#sessions.get(session as SessionId)
      if (times === undefined) continue
      const touched = times.touches.at(-1) ?? this.#startedMs
      if (this.#nowMs() > touched + times.timeoutMs + this.#timing.tickMs + this.#timing.lateMs) {
        late.push(session as SessionId)
      }
    }
    return late
  }

  #look({ txn, zxid, write }: HistoryEntry): void {
    const session = txn.header.clientId as SessionId
    const proposedMs = this.#proposed.get(zxid) ?? this.#nowMs()
    this.#proposed.delete(zxid)
    if (txn.type === OpCode.createSession && !this.#sessions.has(session)) {
      const timeoutMs = txn.body['timeOut'] as number
      this.#sessions.set(session, { timeoutMs, touches: [proposedMs] })
    }
    if (txn.type !== OpCode.closeSession) return
    const times = this.#sessions.get(session)
    this.#sessions.delete(session)
    if (write !== null || times === undefined) return
    this.#expired++
    const touchedMs = times.touches.findLast((at) => at <= proposedMs) ?? this.#startedMs
    const silentMs = proposedMs - touchedMs
    const { tickMs, lateMs } = this.#timing
    if (silentMs < times.timeoutMs || silentMs > times.timeoutMs + tickMs + lateMs) {
      throw new Violation(
        'expiry',
        `${formatSessionId(session)} with ${times.timeoutMs} ms ended after ${silentMs} ms of silence`,
      )
    }
    const safeUntilMs = this.#safeUntilMs(session)
    if (safeUntilMs > proposedMs) {
      throw new Violation(
        'safety horizon',
        `${formatSessionId(session)} ended at ${proposedMs} ms, its client trusts it until ${safeUntilMs}`,
      )
    }
  }
}
