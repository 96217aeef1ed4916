// What a leader and each of its learners say to one another, from the learner's introduction to the
// end of its link (ZooKeeper 3.9 `LearnerHandler.run`). This file owns the learners' transitions,
// and what is due when from each of them:
//
//   connected ─ it says who it is ─► introduced ─ there is an epoch ─► invited ─ it promises ─►
//   promised ─ the epoch is adopted ─► syncing ─ it has the history ─► synced ─ the leader leads ─►
//   serving
//
// It asks how far the leader itself has come, and tells it when a learner has come further. What
// makes a quorum, and what follows from one, it does not know.

import { LEADER_WAITING_BYTES_MAX } from '../../base/limits.ts'
import { mark } from '../../base/marks.ts'
import { counterOf, epochOf, formatZxid, type Zxid, ZXID_NONE } from '../../base/zxid.ts'
import type { LinkId } from '../../ports/peer-network.ts'
import { JuteReader, MalformedRecord } from '../jute/reader.ts'
import {
  packetInt,
  packetName,
  PacketType,
  PROTOCOL_VERSION,
  type QuorumPacket,
  writeIntPacket,
} from '../records/quorum-packet.ts'
import { LearnerLink, LearnerStep } from './learner-link.ts'
import type { Broadcast } from './leading-broadcast.ts'
import type { Discovery } from './leading-discovery.ts'
import { Introductions } from './leading-introductions.ts'
import type { Learners } from './leading-learners.ts'
import { LearnerRequests } from './leading-requests.ts'
import { Synchronizer, type SynchronizerOptions } from './leading-synchronizer.ts'
import type { LeaderHost } from './zab-host.ts'

export interface ConversationOptions extends SynchronizerOptions {
  /** The longest string or buffer that a learner may send, in bytes. */
  readonly fieldBytesMax?: number
  /** What may wait for a quorum before a learner that asks for more is dropped. */
  readonly waitingBytesMax?: number
}

/** In the order in which they come; `over` can follow each. */
export type LeadingState =
  | 'opening'
  | 'choosing'
  | 'recording'
  | 'promising'
  | 'synchronizing'
  | 'broadcasting'
  | 'over'

/** The leading role, as its conversations with learners depend on it and move it. */
export interface LeadingCourse {
  readonly state: LeadingState
  /** From `promising` on; there is none before. */
  readonly broadcast: Broadcast
  /** A learner has come a step further: so does the role, where that is what it waited for. */
  advance(): void
  stepDown(reason: string): void
}

export class Conversations {
  readonly #options: ConversationOptions
  readonly #host: LeaderHost
  readonly #learners: Learners
  readonly #discovery: Discovery
  readonly #course: LeadingCourse
  readonly #introductions: Introductions
  readonly #synchronizer: Synchronizer
  readonly #requests: LearnerRequests
  readonly #reader = new JuteReader(new Uint8Array(0))

  constructor(
    options: ConversationOptions,
    host: LeaderHost,
    learners: Learners,
    discovery: Discovery,
    course: LeadingCourse,
  ) {
    this.#options = options
    this.#host = host
    this.#learners = learners
    this.#discovery = discovery
    this.#course = course
    this.#introductions = new Introductions(options.serverId, host, learners, discovery)
    this.#synchronizer = new Synchronizer(options, host, learners)
    this.#requests = new LearnerRequests(host)
  }

  // With all of them

  inviteAll(): void {
    for (const learner of this.#learners.all) {
      if (learner.step === LearnerStep.introduced) this.#invite(learner)
    }
  }

  synchronizeAll(): void {
    for (const learner of [...this.#learners.all]) {
      if (learner.step === LearnerStep.promised) this.#synchronize(learner)
    }
  }

  serveAll(): void {
    for (const learner of this.#learners.all) {
      if (learner.step === LearnerStep.synced) this.#serve(learner)
    }
  }

  dropOverdue(): void {
    const { nowMs } = this.#host
    for (const learner of [...this.#learners.all]) {
      const problem = learner.isSilent(nowMs)
        ? 'nothing was heard of it for too long'
        : learner.output.oldestUnanswered.waitedMs(nowMs) > this.#syncMs
          ? 'it has not acknowledged a proposal for too long'
          : learner.output.problem
      if (problem !== null) this.#refuse(learner, problem)
    }
  }

  dropAll(): void {
    for (const learner of [...this.#learners.all]) this.#drop(learner)
  }

  // Links

  accepted(link: LinkId, remote: string): void {
    const stranger = this.#learners.oldestStranger(STRANGERS_MAX)
    if (stranger !== null) this.#refuse(stranger, 'it has not said who it is, and others wait')
    const { initLimit, syncLimit } = this.#options.timing
    const lastTick = this.#learners.tick + initLimit + syncLimit
    const { fieldBytesMax } = this.#options
    this.#learners.add(
      new LearnerLink(link, remote, this.#host, fieldBytesMax, this.#initMs, lastTick),
    )
  }

  take(link: LinkId, bytes: Uint8Array): void {
    const learner = this.#learners.get(link)
    if (learner === undefined) return
    const { stream } = learner
    stream.push(bytes)
    try {
      // A packet may end the learner, and an acknowledgement even the role.
      while (this.#learners.get(link) === learner && stream.next()) {
        learner.heard(this.#host.nowMs)
        learner.lastTick = this.#learners.tick + this.#options.timing.syncLimit
        this.#onPacket(learner, stream.packet)
      }
      // Until it serves, a learner has only small things to say: nothing large is kept for it.
      const isIn = learner.step === LearnerStep.serving || this.#learners.get(link) !== learner
      if (!isIn && stream.waitingBytes > INTRODUCTION_BYTES_MAX) {
        throw new MalformedRecord('more than an introduction takes')
      }
    } catch (problem) {
      if (!(problem instanceof MalformedRecord)) throw problem
      mark('leading.malformed')
      this.#refuse(learner, problem.message)
    }
  }

  onRoom(link: LinkId): void {
    const learner = this.#learners.get(link)
    if (learner === undefined) return
    // Taking what it is sent is all that a learner can do while it gets a history.
    if (learner.output.isReadingHistory) learner.heard(this.#host.nowMs)
    learner.output.onRoom()
    if (learner.step === LearnerStep.syncing) {
      const { epochZxid } = this.#discovery
      this.#synchronizer.announce(learner, epochZxid, this.#course.state === 'broadcasting')
    }
    this.#checkOutput(learner)
  }

  closed(learner: LearnerLink, reason: string): void {
    if (learner.step !== LearnerStep.connected) {
      this.#host.remark('info', 'a learner is gone', { server: learner.serverId, reason })
    }
    this.#forget(learner)
  }

  // Learners' transitions

  #onPacket(learner: LearnerLink, packet: QuorumPacket): void {
    switch (learner.step) {
      case LearnerStep.connected:
        this.#onInfo(learner, packet)
        return
      case LearnerStep.invited:
        this.#onPromise(learner, packet)
        return
      case LearnerStep.syncing:
        this.#onHistoryTaken(learner, packet)
        return
      case LearnerStep.serving:
        if (packet.type === PacketType.ack) this.#onAck(learner, packet.zxid)
        else if (packet.type === PacketType.request) this.#onRequest(learner, packet)
        else this.#requests.take(learner, packet)
        return
      case LearnerStep.synced:
        // Old learners may acknowledge what they got with their history one by one.
        if (packet.type === PacketType.ack) return
        break
      default:
        break
    }
    this.#refuse(learner, `${packetName(packet.type)} out of turn`)
  }

  #onInfo(learner: LearnerLink, packet: QuorumPacket): void {
    const problem = this.#introductions.problemOf(learner, packet)
    if (problem !== null) {
      this.#refuse(learner, problem)
      return
    }
    const acceptedEpoch = epochOf(packet.zxid)
    this.#replaceTwin(learner)
    learner.step = LearnerStep.introduced
    learner.expectNothing()
    const { state } = this.#course
    const isChoosing = state === 'opening' || state === 'choosing'
    if (!isChoosing && acceptedEpoch > this.#discovery.epoch && this.#isVoter(learner)) {
      // It has promised itself to a leader that came to nothing, and may never follow this epoch.
      // ZooKeeper leaves it out until there is another leader for some other reason.
      mark('leading.voter-of-later-epoch')
      const { serverId } = learner
      this.#course.stepDown(`server ${serverId} has promised itself to epoch ${acceptedEpoch}`)
      return
    }
    if (isChoosing) {
      this.#discovery.arrive(learner.serverId, acceptedEpoch, learner.isFollower)
      this.#course.advance()
    } else if (state !== 'recording') {
      this.#invite(learner)
    }
  }

  #isVoter({ serverId, isFollower }: LearnerLink): boolean {
    return isFollower && this.#host.membership.voters.voters.has(serverId)
  }

  /** A server has one link; a second one means that the first is dead and we have not heard of it. */
  #replaceTwin(learner: LearnerLink): void {
    const twin = this.#learners.twinOf(learner)
    if (twin === null) return
    mark('leading.learner-came-twice')
    this.#refuse(twin, 'it has connected again')
  }

  #invite(learner: LearnerLink): void {
    const out = this.#host.links.output(learner.link)
    writeIntPacket(out, PacketType.leaderInfo, this.#discovery.epochZxid, PROTOCOL_VERSION)
    learner.step = LearnerStep.invited
    learner.expectWithin(this.#initMs, this.#host.nowMs)
  }

  #onPromise(learner: LearnerLink, packet: QuorumPacket): void {
    if (packet.type !== PacketType.ackEpoch) {
      this.#refuse(learner, `${packetName(packet.type)} where it should accept the epoch`)
      return
    }
    const currentEpoch = packetInt(packet, this.#reader)
    learner.lastZxid = packet.zxid
    learner.step = LearnerStep.promised
    learner.expectNothing()
    if (this.#course.state !== 'promising') {
      this.#synchronize(learner)
      return
    }
    if (this.#discovery.isAhead(currentEpoch, packet.zxid)) {
      mark('leading.follower-is-ahead')
      this.#refuse(learner, 'it has more than this leader')
      return
    }
    const { serverId, isFollower } = learner
    this.#discovery.promise(serverId, currentEpoch, packet.zxid, isFollower)
    this.#course.advance()
  }

  #synchronize(learner: LearnerLink): void {
    const { state, broadcast } = this.#course
    const { epochZxid } = this.#discovery
    const isServing = state === 'broadcasting'
    const problem = this.#synchronizer.begin(learner, broadcast, epochZxid, isServing)
    if (problem !== null) {
      this.#refuse(learner, problem)
      return
    }
    learner.expectWithin(this.#initMs, this.#host.nowMs)
    this.#checkOutput(learner)
  }

  #onHistoryTaken(learner: LearnerLink, packet: QuorumPacket): void {
    if (packet.type !== PacketType.ack || packet.zxid !== this.#discovery.epochZxid) {
      const what = `${packetName(packet.type)} ${formatZxid(packet.zxid)}`
      this.#refuse(learner, `${what} where it should acknowledge its history`)
      return
    }
    if (learner.output.isReadingHistory) {
      this.#refuse(learner, 'it acknowledges a history that it does not have')
      return
    }
    learner.step = LearnerStep.synced
    learner.syncKind = null
    learner.expectNothing()
    learner.output.oldestUnanswered.startCounting()
    if (this.#options.faults.joinsLate) this.#learners.forward(learner)
    if (this.#course.state === 'broadcasting') {
      this.#serve(learner)
      return
    }
    // Also of one that observes: it may vote in the membership that is proposed, and comes back as a
    // follower when that is decided (ZooKeeper 3.9 `Leader.waitForNewLeaderAck`).
    this.#course.broadcast.historyTaken(learner.serverId)
    this.#course.advance()
  }

  #serve(learner: LearnerLink): void {
    learner.step = LearnerStep.serving
    learner.expectWithin(this.#syncMs, this.#host.nowMs)
    learner.output.bare(PacketType.upToDate, ZXID_NONE)
  }

  /**
   * Learners hold their own clients back; what they ask for nevertheless is bounded here. Not to read
   * from one for a while is no way out: its acknowledgements come on the same link, and may be those
   * that everything waits for.
   */
  #onRequest(learner: LearnerLink, packet: QuorumPacket): void {
    const { waitingBytesMax = LEADER_WAITING_BYTES_MAX } = this.#options
    if (this.#course.broadcast.waitingBytes <= waitingBytesMax) {
      this.#requests.take(learner, packet)
      return
    }
    mark('leading.too-many-requests')
    this.#refuse(learner, 'it asks for more than the disks of a quorum can take')
  }

  #onAck(learner: LearnerLink, zxid: Zxid): void {
    // UPTODATE is acknowledged with the epoch's zxid once more, which says nothing.
    if (!learner.isFollower || counterOf(zxid) === 0) return
    const { broadcast } = this.#course
    if (zxid > broadcast.leader.lastProposed) {
      this.#refuse(learner, `it acknowledges ${formatZxid(zxid)}, which was never proposed`)
      return
    }
    learner.output.oldestUnanswered.answered(zxid)
    // Old learners acknowledge what was committed before they came.
    if (epochOf(zxid) === this.#discovery.epoch) broadcast.acknowledge(learner.serverId, zxid)
  }

  #checkOutput(learner: LearnerLink): void {
    const { problem, isHistoryBroken } = learner.output
    if (problem === null) return
    if (isHistoryBroken) this.#synchronizer.sendDatabaseNext(learner)
    this.#refuse(learner, problem)
  }

  #refuse(learner: LearnerLink, reason: string): void {
    this.#host.remark('warn', 'a learner is dropped', {
      server: learner.serverId,
      remote: learner.remote,
      reason,
    })
    this.#drop(learner)
  }

  #drop(learner: LearnerLink): void {
    this.#host.links.hangUp(learner.link)
    this.#forget(learner)
  }

  #forget(learner: LearnerLink): void {
    this.#learners.remove(learner)
    learner.output.close()
    if (learner.step === LearnerStep.serving) this.#host.learnerGone(learner.link)
  }

  get #initMs(): number {
    const { tickMs, initLimit } = this.#options.timing
    return tickMs * initLimit
  }

  get #syncMs(): number {
    const { tickMs, syncLimit } = this.#options.timing
    return tickMs * syncLimit
  }
}

/** Links that have not said whose they are; the oldest goes when another one comes. */
const STRANGERS_MAX = 64

/** What may wait to be read of a learner that does not serve yet: a packet with a number or two. */
const INTRODUCTION_BYTES_MAX = 4 << 10
