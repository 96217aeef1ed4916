// When a member of an ensemble came to its role and how long that took, each time: what operators
// watch elections by (ZooKeeper 3.9 `QuorumPeer`). It is told of the moments and decides nothing.

import { LatencySummary } from './latency-summary.ts'

export class RoleTimes {
  /** How often it began to look for a leader. */
  lookCount = 0
  /** From looking for a leader to knowing one; of those who vote. */
  readonly elections: LatencySummary = new LatencySummary()
  /** From looking for a leader to serving clients, in any role and as the leader. */
  readonly unavailable: LatencySummary = new LatencySummary()
  readonly leaderUnavailable: LatencySummary = new LatencySummary()
  /** Since when it has its role, or had its last one. */
  roleSinceMs = 0
  /** Null while it does not look for one, or has one named by a reconfiguration. */
  #lookingSinceMs: number | null = null
  #unavailableSinceMs: number | null = null

  looks(nowMs: number): void {
    this.lookCount++
    this.#lookingSinceMs = nowMs
    this.#unavailableSinceMs ??= nowMs
  }

  takesRole(isVoter: boolean, nowMs: number): void {
    if (isVoter && this.#lookingSinceMs !== null) this.elections.add(nowMs - this.#lookingSinceMs)
    this.#lookingSinceMs = null
    this.roleSinceMs = nowMs
  }

  serves(isLeader: boolean, nowMs: number): void {
    if (this.#unavailableSinceMs === null) return
    const tookMs = nowMs - this.#unavailableSinceMs
    this.unavailable.add(tookMs)
    if (isLeader) this.leaderUnavailable.add(tookMs)
    this.#unavailableSinceMs = null
  }

  reset(): void {
    this.lookCount = 0
    this.elections.reset()
    this.unavailable.reset()
    this.leaderUnavailable.reset()
  }
}
