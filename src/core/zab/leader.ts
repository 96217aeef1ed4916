// The leading side of broadcast: gives zxids out in order, keeps what is proposed until a quorum
// has it on disk, and hands it out as committed in the same order, never skipping one (Zab, phase 3).
// A leader does not count itself until its own disk has answered: its vote is an acknowledgement
// like any other. Standing alone is to have a quorum of one.

import { assert } from '../../base/assert.ts'
import { Ring } from '../../base/ring.ts'
import { type Zxid, ZXID_ZERO, nextZxid } from '../../base/zxid.ts'
import type { QuorumVerifier } from '../quorum/quorum.ts'
import type { LogEntry } from './log-entry.ts'

export class Leader {
  readonly serverId: number
  #quorum: QuorumVerifier
  readonly #acknowledged = new Map<number, Zxid>()
  readonly #outstanding = new Ring<LogEntry>()
  #lastProposed: Zxid
  #committed: Zxid

  /** `lastZxid` is the last transaction of the history that this leader begins with. */
  constructor(serverId: number, quorum: QuorumVerifier, lastZxid: Zxid) {
    this.serverId = serverId
    this.#quorum = quorum
    this.#lastProposed = lastZxid
    this.#committed = lastZxid
    // The history led with is on the disks of the quorum that elected this leader.
    for (const voter of quorum.voters) this.#acknowledged.set(voter, lastZxid)
  }

  /** The zxid that the next proposal has to carry. */
  get nextZxid(): Zxid {
    return nextZxid(this.#lastProposed)
  }

  get lastProposed(): Zxid {
    return this.#lastProposed
  }

  /** Everything up to here is held by a quorum. */
  get committed(): Zxid {
    return this.#committed
  }

  /** Proposals that have not been taken as committed yet. */
  get outstandingCount(): number {
    return this.#outstanding.length
  }

  propose(entry: LogEntry): void {
    assert(entry.zxid === this.nextZxid, () => `proposal ${entry.zxid} after ${this.#lastProposed}`)
    this.#outstanding.push(entry)
    this.#lastProposed = entry.zxid
  }

  /** `server` has everything up to `zxid` on disk. */
  acknowledge(server: number, zxid: Zxid): void {
    assert(zxid <= this.#lastProposed, () => `${zxid} acknowledged before it was proposed`)
    const before = this.#acknowledged.get(server)
    if (before !== undefined && zxid <= before) return
    this.#acknowledged.set(server, zxid)
    if (zxid > this.#committed) this.#settle()
  }

  /** What `server` has on disk at least; 0 where nothing is known. */
  acknowledgedBy(server: number): Zxid {
    return this.#acknowledged.get(server) ?? ZXID_ZERO
  }

  /** `server` may have less on disk than it said before. What is committed stays so. */
  forget(server: number): void {
    this.#acknowledged.delete(server)
  }

  /** Others decide from here on, also about what has been proposed already. */
  setQuorum(quorum: QuorumVerifier): void {
    this.#quorum = quorum
    this.#settle()
  }

  /** The proposal `index` places behind the oldest that has not been taken. */
  outstandingAt(index: number): LogEntry | undefined {
    return this.#outstanding.at(index)
  }

  /** The next committed proposal that was not taken before; undefined where there is none. */
  takeCommitted(): LogEntry | undefined {
    const first = this.#outstanding.peek()
    if (first === undefined || first.zxid > this.#committed) return undefined
    return this.#outstanding.shift()
  }

  #settle(): void {
    const committed = this.#quorum.highestCommitted(this.#acknowledged)
    if (committed > this.#committed) this.#committed = committed
  }
}
