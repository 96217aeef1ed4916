// Whose agreement is enough: arithmetic over the ids of servers, by majority or by groups with
// weights (ZooKeeper 3.9 `QuorumMaj` and `QuorumHierarchical`). It refuses to know what is being
// agreed on: votes, epochs and transactions all count alike. Servers that do not vote count never.

import { assert } from '../../base/assert.ts'
import { type Zxid, ZXID_ZERO } from '../../base/zxid.ts'

export interface QuorumVerifier {
  readonly voters: ReadonlySet<number>
  /** How much a server counts; 0 for one that does not vote, or that must not lead. */
  weightOf(id: number): number
  /** Whether these servers, those of them that vote, decide for all. */
  containsQuorum(acks: ReadonlySet<number>): boolean
  /** The highest zxid that a quorum has acknowledged, given each one's own; 0 where there is none. */
  highestCommitted(acked: ReadonlyMap<number, Zxid>): Zxid
}

/** More than half of the voters. */
export class MajorityQuorum implements QuorumVerifier {
  readonly voters: ReadonlySet<number>
  /** Room to sort in, since this is asked for each acknowledgement. */
  readonly #sorted: Zxid[] = []

  constructor(voters: Iterable<number>) {
    this.voters = new Set(voters)
  }

  weightOf(id: number): number {
    return this.voters.has(id) ? 1 : 0
  }

  containsQuorum(acks: ReadonlySet<number>): boolean {
    let count = 0
    for (const id of acks) if (this.voters.has(id)) count++
    return count > this.voters.size >>> 1
  }

  highestCommitted(acked: ReadonlyMap<number, Zxid>): Zxid {
    const sorted = this.#sorted
    sorted.length = 0
    for (const id of this.voters) {
      const zxid = acked.get(id)
      if (zxid !== undefined) sorted.push(zxid)
    }
    sorted.sort(descending)
    // The zxid in the place of the last voter needed for a majority: it and all above hold it.
    return sorted[this.voters.size >>> 1] ?? ZXID_ZERO
  }
}

/**
 * More than half of the groups, each by more than half of its weight. A group without weight is no
 * group, and a server without weight helps nobody to a quorum.
 */
export class HierarchicalQuorum implements QuorumVerifier {
  readonly voters: ReadonlySet<number>
  readonly #groupOf = new Map<number, number>()
  readonly #weightOf = new Map<number, number>()
  readonly #weightOfGroup: number[] = []
  readonly #countingGroups: number

  /** `groups` are disjoint and hold every voter; a voter that `weights` does not name weighs 1. */
  constructor(groups: readonly (readonly number[])[], weights: ReadonlyMap<number, number>) {
    groups.forEach((group, index) => {
      let total = 0
      for (const id of group) {
        assert(!this.#groupOf.has(id), () => `server ${id} is in two groups`)
        const weight = weights.get(id) ?? 1
        assert(weight >= 0, () => `server ${id} has the negative weight ${weight}`)
        this.#groupOf.set(id, index)
        this.#weightOf.set(id, weight)
        total += weight
      }
      this.#weightOfGroup.push(total)
    })
    this.voters = new Set(this.#groupOf.keys())
    this.#countingGroups = this.#weightOfGroup.filter((weight) => weight > 0).length
  }

  weightOf(id: number): number {
    return this.#weightOf.get(id) ?? 0
  }

  containsQuorum(acks: ReadonlySet<number>): boolean {
    const present = this.#weightOfGroup.map(() => 0)
    for (const id of acks) {
      const group = this.#groupOf.get(id)
      if (group !== undefined) present[group]! += this.#weightOf.get(id)!
    }
    const won = present.filter((weight, group) => weight * 2 > this.#weightOfGroup[group]!).length
    return won * 2 > this.#countingGroups
  }

  highestCommitted(acked: ReadonlyMap<number, Zxid>): Zxid {
    const candidates = [...new Set(acked.values())].sort(descending)
    for (const candidate of candidates) {
      const holders = new Set<number>()
      for (const [id, zxid] of acked) if (zxid >= candidate) holders.add(id)
      if (this.containsQuorum(holders)) return candidate
    }
    return ZXID_ZERO
  }
}

/**
 * Two at once, as long as a reconfiguration is proposed and not decided: what both agree to is
 * agreed (ZooKeeper 3.9 `SyncedLearnerTracker`).
 */
export class JointQuorum implements QuorumVerifier {
  readonly voters: ReadonlySet<number>
  readonly #one: QuorumVerifier
  readonly #other: QuorumVerifier

  constructor(one: QuorumVerifier, other: QuorumVerifier) {
    this.voters = new Set([...one.voters, ...other.voters])
    this.#one = one
    this.#other = other
  }

  weightOf(id: number): number {
    return Math.max(this.#one.weightOf(id), this.#other.weightOf(id))
  }

  containsQuorum(acks: ReadonlySet<number>): boolean {
    return this.#one.containsQuorum(acks) && this.#other.containsQuorum(acks)
  }

  highestCommitted(acked: ReadonlyMap<number, Zxid>): Zxid {
    // What a quorum has up to some zxid, it has up to any lower one.
    const one = this.#one.highestCommitted(acked)
    const other = this.#other.highestCommitted(acked)
    return one < other ? one : other
  }
}

const descending = (a: Zxid, b: Zxid): number => b - a
