// ExpiryByLeaderOnly: a session ends without being asked to only by a leader's own proposal, and not
// before that leader has heard nothing of it for its whole timeout. What the leader hears: its own
// clients, and what learners pass on.

import { type SessionId, formatSessionId } from '../../../base/session-id.ts'
import { formatZxid } from '../../../base/zxid.ts'
import { JuteReader } from '../../../core/jute/reader.ts'
import { OpCode } from '../../../core/records/opcodes.ts'
import { PacketType, type QuorumPacket } from '../../../core/records/quorum-packet.ts'
import type { SessionWitness } from '../../checkers/session-checker.ts'
import { Violation } from '../../checkers/violation.ts'
import type { ModelTxn } from '../../model/model-txn.ts'

interface Heard {
  readonly atMs: number
  readonly timeoutMs: number
  /** When it was heard again after a silence in which it may have been given up. */
  readonly lateMs: number
}

/** At most so long after a decision its proposal leaves. */
const DECIDED_MS = 1_000

/** A timer may fire within the millisecond in which a sign of life was counted. */
const GRAIN_MS = 1

export class ExpiryChecker {
  readonly #nowMs: () => number
  readonly #isClosing: (session: SessionId) => boolean
  /** What each server has heard of each session since it began to lead, or to run. */
  readonly #heard = new Map<number, Map<bigint, Heard>>()
  readonly #ledMs = new Map<number, number>()
  readonly #timeouts = new Map<bigint, number>()
  readonly #closing = new Set<bigint>()
  readonly #seen = new Set<number>()
  readonly #reader = new JuteReader(new Uint8Array(0))
  #expired = 0

  /** `isClosing`: a server has decided on the end of a session, whether it can tell anybody or not. */
  constructor(nowMs: () => number, isClosing: (session: SessionId) => boolean) {
    this.#nowMs = nowMs
    this.#isClosing = isClosing
  }

  get expired(): number {
    return this.#expired
  }

  /** A server begins to lead: every session has its whole time again. */
  leads(serverId: number): void {
    this.#ledMs.set(serverId, this.#nowMs())
    this.#heard.set(serverId, new Map())
  }

  /** What the checker of a server's wire is to tell. */
  witness(serverId: number): SessionWitness {
    return {
      touched: (session) => this.#touch(serverId, session, 0),
      served: (session) => this.#touch(serverId, session, 0),
      renewed: (session, timeoutMs) => this.#touch(serverId, session, timeoutMs),
      mayBeClosing: (session) => this.#closing.has(session) || this.#isClosing(session),
    }
  }

  /** A packet of a learner has reached a leader. */
  heard(leader: number, packet: QuorumPacket): void {
    const { type, bytes, start, end } = packet
    if (start < 0) return
    const reader = this.#reader
    reader.reset(bytes, start, end)
    if (type === PacketType.ping) {
      while (reader.remaining >= 12) {
        const session = reader.long()
        this.#touch(leader, session, reader.int())
      }
    } else if (type === PacketType.revalidate) {
      const session = reader.long()
      this.#touch(leader, session, reader.int())
    }
  }

  /**
   * A leader proposes a transaction of its own epoch; told once for each learner. One that is not
   * `isNew` was proposed some time ago, before the learner came.
   */
  proposed(leader: number, txn: ModelTxn, isNew: boolean): void {
    const { zxid, clientId, cxid } = txn.header
    if (this.#seen.has(zxid)) return
    this.#seen.add(zxid)
    if (txn.type === OpCode.createSession) {
      const timeoutMs = txn.body['timeOut'] as number
      this.#timeouts.set(clientId, timeoutMs)
      if (isNew) this.#touch(leader, clientId, timeoutMs)
    }
    if (txn.type !== OpCode.closeSession) return
    this.#closing.add(clientId)
    if (cxid !== 0) return
    this.#expired++
    const heard = this.#heard.get(leader)?.get(clientId)
    const timeoutMs = Math.min(
      this.#timeouts.get(clientId) ?? 0,
      heard?.timeoutMs ?? Number.POSITIVE_INFINITY,
    )
    const silentMs = this.#nowMs() - (heard?.atMs ?? this.#ledMs.get(leader) ?? 0)
    if (silentMs + GRAIN_MS >= timeoutMs) return
    // It was given up while what its client had sent was still waiting to be read.
    if (this.#nowMs() - (heard?.lateMs ?? Number.NEGATIVE_INFINITY) <= DECIDED_MS) return
    throw new Violation(
      'ExpiryByLeaderOnly',
      `server ${leader} ends ${formatSessionId(clientId as SessionId)} with ${timeoutMs} ms at ` +
        `${formatZxid(zxid)}, of which it heard ${silentMs} ms ago`,
    )
  }

  #touch(serverId: number, session: bigint, timeoutMs: number): void {
    // Too late where its end is decided, which others are told at the end of the turn only.
    if (this.#isClosing(session as SessionId)) return
    let sessions = this.#heard.get(serverId)
    if (sessions === undefined) this.#heard.set(serverId, (sessions = new Map()))
    const known = sessions.get(session)
    const now = this.#nowMs()
    const timeout = timeoutMs > 0 ? timeoutMs : (known?.timeoutMs ?? Number.POSITIVE_INFINITY)
    const before = known?.atMs ?? this.#ledMs.get(serverId) ?? now
    const limitMs = Math.min(timeout, this.#timeouts.get(session) ?? timeout)
    const isLate = now - before + GRAIN_MS >= limitMs
    const lateMs = isLate ? now : (known?.lateMs ?? Number.NEGATIVE_INFINITY)
    sessions.set(session, { atMs: now, timeoutMs: timeout, lateMs })
  }
}
