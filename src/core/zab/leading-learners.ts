// All links to a leader's quorum port: which of them are learners, and which of those are sent what
// is proposed. It finds and counts them, and sends to all; it makes no decision about any of them.

import type { Zxid } from '../../base/zxid.ts'
import type { LinkId } from '../../ports/peer-network.ts'
import { PacketType } from '../records/quorum-packet.ts'
import { type LearnerLink, LearnerStep } from './learner-link.ts'
import type { LogEntry } from './log-entry.ts'

export class Learners {
  /** The leader's clock, by which they are in step or not. It goes while the leader broadcasts. */
  tick = 0
  readonly #all = new Map<LinkId, LearnerLink>()
  readonly #followers: LearnerLink[] = []
  readonly #observers: LearnerLink[] = []

  get all(): Iterable<LearnerLink> {
    return this.#all.values()
  }

  get(link: LinkId): LearnerLink | undefined {
    return this.#all.get(link)
  }

  add(learner: LearnerLink): void {
    this.#all.set(learner.link, learner)
  }

  /** From now on it is sent what is proposed, or, if it is an observer, what is committed. */
  forward(learner: LearnerLink): void {
    learner.isForwarding = true
    this.#forwarding(learner).push(learner)
  }

  remove(learner: LearnerLink): void {
    this.#all.delete(learner.link)
    if (!learner.isForwarding) return
    learner.isForwarding = false
    const list = this.#forwarding(learner)
    list.splice(list.indexOf(learner), 1)
  }

  /** Who has waited longest to say who it is, where `max` do; null where fewer do. */
  oldestStranger(max: number): LearnerLink | null {
    let oldest: LearnerLink | null = null
    let count = 0
    for (const learner of this.#all.values()) {
      if (learner.step !== LearnerStep.connected) continue
      oldest ??= learner
      count++
    }
    return count < max ? null : oldest
  }

  /** Another link of the same server. */
  twinOf(learner: LearnerLink): LearnerLink | null {
    for (const other of this.#all.values()) {
      if (other !== learner && other.serverId === learner.serverId) return other
    }
    return null
  }

  /** How many observers and followers are being sent their history in this way. */
  countSyncing(isSnapshot: boolean): number {
    let count = 0
    for (const { syncKind } of this.#all.values()) {
      if (syncKind !== null && (syncKind === 'snap') === isSnapshot) count++
    }
    return count
  }

  /** Ids of the followers that have shown signs of life lately, and with them `serverId`. */
  inStep(serverId: number | null, atLeast: LearnerStep): Set<number> {
    const ids = new Set<number>()
    if (serverId !== null) ids.add(serverId)
    for (const learner of this.#all.values()) {
      if (learner.step >= atLeast && learner.isInStep(this.tick)) ids.add(learner.serverId)
    }
    return ids
  }

  propose(entry: LogEntry): void {
    for (const learner of this.#followers) learner.output.proposal(entry)
  }

  commit(entry: LogEntry): void {
    for (const learner of this.#followers) learner.output.bare(PacketType.commit, entry.zxid)
    for (const learner of this.#observers) learner.output.inform(entry)
  }

  commitAndActivate(entry: LogEntry, designatedLeader: Uint8Array): void {
    for (const { output } of this.#followers) {
      output.data(PacketType.commitAndActivate, entry.zxid, designatedLeader)
    }
    for (const { output } of this.#observers) {
      output.data(PacketType.informAndActivate, entry.zxid, designatedLeader, entry)
    }
  }

  ping(lastProposed: Zxid): void {
    for (const learner of this.#all.values()) {
      if (learner.step >= LearnerStep.syncing) learner.output.ping(lastProposed)
    }
  }

  #forwarding(learner: LearnerLink): LearnerLink[] {
    return learner.isFollower ? this.#followers : this.#observers
  }
}
