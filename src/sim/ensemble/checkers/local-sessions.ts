// LocalSessions: what one server promises of sessions that are its own. One that its client has been
// told of lives on, in the table of that server and no other, until the server's role ends, its
// client closes it, it becomes everybody's, or nothing was heard of it for its whole timeout.

import { type SessionId, formatSessionId } from '../../../base/session-id.ts'
import { mark } from '../../../base/marks.ts'
import type { LocalSessionWitness } from '../../checkers/session-checker.ts'
import { Violation } from '../../checkers/violation.ts'

/** A timer may fire within the millisecond in which a sign of life was counted. */
const GRAIN_MS = 1

interface Local {
  readonly timeoutMs: number
  heardMs: number
  /** Its client has asked for its end. */
  isLeft: boolean
}

export class LocalSessions implements LocalSessionWitness {
  readonly #name: string
  readonly #nowMs: () => number
  readonly #isGlobal: (session: bigint) => boolean
  readonly #sessions = new Map<bigint, Local>()
  readonly #ended = new Set<bigint>()

  /** `isGlobal` tells whether a transaction has begun the session by now. */
  constructor(name: string, nowMs: () => number, isGlobal: (session: bigint) => boolean) {
    this.#name = name
    this.#nowMs = nowMs
    this.#isGlobal = isGlobal
  }

  has(session: bigint): boolean {
    return this.#sessions.has(session)
  }

  hasEnded(session: bigint): boolean {
    return this.#ended.has(session)
  }

  began(session: bigint, timeoutMs: number): void {
    mark('a local session begins')
    this.#sessions.set(session, { timeoutMs, heardMs: this.#nowMs(), isLeft: false })
  }

  heard(session: bigint): void {
    const known = this.#sessions.get(session)
    if (known !== undefined) known.heardMs = this.#nowMs()
  }

  left(session: bigint): void {
    const known = this.#sessions.get(session)
    if (known !== undefined) known.isLeft = true
  }

  /** The role is over, and all sessions of the server alone with it. */
  clear(): void {
    this.#sessions.clear()
    this.#ended.clear()
  }

  /** The server has this table now. */
  follow(table: { get(id: SessionId): unknown } | null): void {
    for (const [session, { timeoutMs, heardMs, isLeft }] of this.#sessions) {
      if (table !== null && table.get(session as SessionId) !== undefined) continue
      this.#sessions.delete(session)
      const silentMs = this.#nowMs() - heardMs
      const isOver = isLeft || silentMs + GRAIN_MS >= timeoutMs
      if (isOver) this.#ended.add(session)
      if (this.#isGlobal(session)) mark('a local session becomes global')
      else if (isOver) mark('a local session ends')
      else this.#wrong(session, timeoutMs, silentMs)
    }
  }

  #wrong(session: bigint, timeoutMs: number, silentMs: number): never {
    throw new Violation(
      'LocalSessions',
      `${this.#name} has no ${formatSessionId(session as SessionId)} with ${timeoutMs} ms any ` +
        `more, of which it heard ${silentMs} ms ago`,
    )
  }
}
