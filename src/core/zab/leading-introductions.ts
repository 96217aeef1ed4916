// Who a leader lets in: learners say once who they are, which epoch they have accepted and which
// membership they know, and some of them must not, or cannot, be led by this one (ZooKeeper 3.9
// `LearnerHandler.run`, its first packet). It judges; hanging up is for others, and so is what follows.

import { mark } from '../../base/marks.ts'
import { epochOf } from '../../base/zxid.ts'
import { JuteReader } from '../jute/reader.ts'
import {
  packetName,
  PacketType,
  PROTOCOL_VERSION,
  type QuorumPacket,
  readLearnerInfo,
} from '../records/quorum-packet.ts'
import type { Discovery } from './leading-discovery.ts'
import type { Learners } from './leading-learners.ts'
import { type LearnerLink, LearnerStep } from './learner-link.ts'
import type { LeaderHost } from './zab-host.ts'

export class Introductions {
  readonly #serverId: number
  readonly #host: LeaderHost
  readonly #learners: Learners
  readonly #discovery: Discovery
  readonly #reader = new JuteReader(new Uint8Array(0))

  constructor(serverId: number, host: LeaderHost, learners: Learners, discovery: Discovery) {
    this.#serverId = serverId
    this.#host = host
    this.#learners = learners
    this.#discovery = discovery
  }

  /**
   * Notes who the learner is, and returns why it cannot be led, or null. Throws MalformedRecord.
   */
  problemOf(learner: LearnerLink, packet: QuorumPacket): string | null {
    const isFollower = packet.type === PacketType.followerInfo
    if (!isFollower && packet.type !== PacketType.observerInfo) {
      return `${packetName(packet.type)} where it should introduce itself`
    }
    const info = readLearnerInfo(packet, this.#reader)
    const acceptedEpoch = epochOf(packet.zxid)
    if (info === null || info.protocolVersion < PROTOCOL_VERSION) {
      return 'it is older than ZooKeeper 3.4'
    }
    const { serverId, configVersion } = info
    learner.serverId = serverId
    learner.isFollower = isFollower
    if (serverId < 0 || serverId === this.#serverId) return `no learner can be server ${serverId}`
    // Its membership was decided by a quorum that we have not heard of: it must not lose it.
    if (configVersion > this.#host.membership.version) return 'its membership is newer than ours'
    if (!this.#discovery.isUsable(acceptedEpoch)) {
      return `it cannot have accepted epoch ${acceptedEpoch}, or be led in another`
    }
    if (!this.#isMember(serverId) && this.#countOtherOutsiders(serverId) >= OUTSIDERS_MAX) {
      mark('leading.outsider-turned-away')
      return 'too many learners are no members'
    }
    return null
  }

  #isMember(serverId: number): boolean {
    const { membership, proposedMembership } = this.#host
    return membership.members.has(serverId) || proposedMembership?.members.has(serverId) === true
  }

  /** Servers on their way into the ensemble, mostly: there are never many of them. */
  #countOtherOutsiders(than: number): number {
    let count = 0
    for (const { step, serverId } of this.#learners.all) {
      const isIn = step !== LearnerStep.connected && serverId !== than
      if (isIn && !this.#isMember(serverId)) count++
    }
    return count
  }
}

/** Learners that are no members. */
const OUTSIDERS_MAX = 100
