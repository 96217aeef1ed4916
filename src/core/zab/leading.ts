// A server's time as leader, from a won election until it leaves: it gathers a quorum, comes to an
// epoch, brings the learners to its history, and when a quorum has it, broadcasts (Zab paper, phases
// 1 to 3; ZooKeeper 3.9 `Leader.lead`, `LearnerHandler.run`). This file owns the transitions, its own
// and its learners'; what is counted, chosen and sent is in the parts beside it.
//
//   opening ─ the door is open ─► choosing ─ a quorum has come ─► recording ─ the epoch is durable ─►
//   promising ─ a quorum has promised ─► synchronizing ─ a quorum has the history ─► broadcasting
//
// From each of them the way leads to `over`, and from there nowhere.

import { assert } from '../../base/assert.ts'
import { LEADER_WAITING_BYTES_MAX } from '../../base/limits.ts'
import { mark } from '../../base/marks.ts'
import { counterOf, epochOf, formatZxid, type Zxid, ZXID_NONE, zxidOf } from '../../base/zxid.ts'
import type { LinkId, PeerAddress, PeerDoor } from '../../ports/peer-network.ts'
import { JuteReader, MalformedRecord } from '../jute/reader.ts'
import type { Membership } from '../quorum/membership.ts'
import { withVersion } from '../quorum/membership-text.ts'
import {
  packetInt,
  packetName,
  PacketType,
  PROTOCOL_VERSION,
  type QuorumPacket,
  writeIntPacket,
} from '../records/quorum-packet.ts'
import { LearnerLink, LearnerStep } from './learner-link.ts'
import { Broadcast, designatedLeader, isQuorum } from './leading-broadcast.ts'
import { Discovery } from './leading-discovery.ts'
import { Introductions } from './leading-introductions.ts'
import { Learners } from './leading-learners.ts'
import { LearnerRequests } from './leading-requests.ts'
import { Synchronizer, type SynchronizerOptions } from './leading-synchronizer.ts'
import type { LogEntry } from './log-entry.ts'
import { ProposalSizes } from './proposal-sizes.ts'
import type { LeaderRole, LearnerStatus, ZabPhase } from './roles.ts'
import type { EpochFile, LeaderHost } from './zab-host.ts'

export interface LeadingOptions extends SynchronizerOptions {
  /** Where learners connect. */
  readonly quorumAddress: PeerAddress
  /** Whether memberships have versions and may change (`reconfigEnabled`). */
  readonly reconfigEnabled: boolean
  /** The longest string or buffer that a learner may send, in bytes. */
  readonly fieldBytesMax?: number
  /** What may wait for a quorum before a learner that asks for more is dropped. */
  readonly waitingBytesMax?: number
  /** How many zxids an epoch has: all there are, but where their end is to be seen. */
  readonly zxidsPerEpoch?: number
}

type State =
  | 'opening'
  | 'choosing'
  | 'recording'
  | 'promising'
  | 'synchronizing'
  | 'broadcasting'
  | 'over'

export class Leading implements LeaderRole {
  readonly proposals: ProposalSizes = new ProposalSizes()

  readonly #options: LeadingOptions
  readonly #host: LeaderHost
  readonly #learners = new Learners()
  readonly #requests: LearnerRequests
  readonly #discovery: Discovery
  readonly #introductions: Introductions
  readonly #synchronizer: Synchronizer
  readonly #reader = new JuteReader(new Uint8Array(0))
  #state: State = 'opening'
  /** When the present state has taken too long. */
  #stateDeadlineMs = Number.POSITIVE_INFINITY
  #broadcast: Broadcast | null = null
  /** Who has the history that this leader begins with, and is in its epoch. */
  readonly #haveHistory = new Set<number>()
  /** Counted while broadcasting. It is looked at twice a tick. */
  #tick = 0
  #isHalfTick = false
  #nextLookMs = Number.POSITIVE_INFINITY

  constructor(options: LeadingOptions, host: LeaderHost) {
    this.#options = options
    this.#host = host
    this.#requests = new LearnerRequests(host)
    this.#discovery = new Discovery(options.serverId, host.epochs, host.history.lastZxid)
    this.#introductions = new Introductions(options.serverId, host, this.#learners, this.#discovery)
    this.#synchronizer = new Synchronizer(options, host, this.#learners)
  }

  get phase(): ZabPhase {
    switch (this.#state) {
      case 'broadcasting':
        return 'broadcast'
      case 'synchronizing':
        return 'synchronization'
      default:
        return 'discovery'
    }
  }

  get epoch(): number {
    return this.#discovery.epoch
  }

  get nextZxid(): Zxid {
    return this.#established.leader.nextZxid
  }

  get lastProposed(): Zxid {
    return this.#broadcast?.leader.lastProposed ?? this.#host.history.lastZxid
  }

  get lastCommitted(): Zxid {
    return this.#broadcast?.leader.committed ?? this.#host.history.lastZxid
  }

  get outstandingCount(): number {
    return this.#broadcast?.leader.outstandingCount ?? 0
  }

  get pendingSyncCount(): number {
    return this.#broadcast?.pendingSyncCount ?? 0
  }

  get syncedVoters(): ReadonlySet<number> {
    const synced = this.#learners.inStep(null, this.#tick, LearnerStep.synced)
    const { voters } = this.#host.membership.voters
    for (const id of synced) if (!voters.has(id)) synced.delete(id)
    return synced
  }

  get learners(): readonly LearnerStatus[] {
    const statuses: LearnerStatus[] = []
    for (const learner of this.#learners.all) {
      if (learner.step === LearnerStep.connected) continue
      statuses.push(learner.statusIn(this.#host.membership, this.#tick))
    }
    return statuses
  }

  get deadlineMs(): number {
    return this.#nextLookMs
  }

  describe(): string {
    const ids = this.learners.map((one) => `${one.serverId}${one.isSynced ? '' : '?'}`).join(' ')
    const proposed = formatZxid(this.lastProposed)
    const committed = formatZxid(this.lastCommitted)
    return `leading, ${this.#state}, epoch ${this.epoch}, proposed ${proposed}, committed ${committed}, learners [${ids}]`
  }

  // The role's own transitions

  start(): void {
    this.#enter('opening')
    if (!this.#discovery.hasEpoch) {
      this.#leave('there are no epochs left')
      return
    }
    this.#nextLookMs = this.#host.nowMs + this.#halfTickMs
    this.#host.links.openDoor('quorum', this.#options.quorumAddress)
  }

  doorOpened(): void {
    if (this.#state !== 'opening') return
    this.#enter('choosing')
    this.#tryChooseEpoch()
  }

  doorFailed(_door: PeerDoor, reason: string): void {
    if (this.#state !== 'over') this.#leave(`learners cannot connect: ${reason}`)
  }

  epochWritten(file: EpochFile): void {
    if (file === 'acceptedEpoch' && this.#state === 'recording') this.#becomePromising()
    if (file === 'currentEpoch' && this.#state === 'synchronizing') {
      this.#haveHistory.add(this.#options.serverId)
      this.#tryLead()
    }
  }

  durable(zxid: Zxid): void {
    if (this.#state !== 'broadcasting') return
    // The history before this epoch was on disk before the role began.
    if (epochOf(zxid) !== this.epoch) return
    this.#established.acknowledge(this.#options.serverId, zxid)
  }

  #tryChooseEpoch(): void {
    if (this.#state !== 'choosing') return
    if (!this.#discovery.hasArrived(this.#host.membership.voters)) return
    this.#enter('recording')
    this.#host.writeEpoch('acceptedEpoch', this.epoch)
  }

  /** The epoch is promised by ourselves, durably; only now may anybody hear of it. */
  #becomePromising(): void {
    this.#enter('promising')
    this.#nameMembership()
    const { serverId, faults } = this.#options
    this.#broadcast = new Broadcast(serverId, this.#host, this.#learners, this.#epochZxid, faults)
    for (const learner of this.#learners.all) {
      if (learner.step === LearnerStep.introduced) this.#invite(learner)
    }
    this.#tryAdoptEpoch()
  }

  /**
   * A membership that comes from files has no version yet. With the first epoch it gets one, so that
   * it goes before what newcomers believe of the ensemble (ZOOKEEPER-1783). It is decided with the
   * quorum that follows.
   */
  #nameMembership(): void {
    const { membership, proposedMembership } = this.#host
    if (!this.#options.reconfigEnabled || membership.version !== 0) return
    if (proposedMembership !== null && proposedMembership.version > 0) return
    this.#host.proposeMembership(withVersion(membership, this.#epochZxid))
  }

  #tryAdoptEpoch(): void {
    if (this.#state !== 'promising') return
    if (!this.#discovery.hasPromised(this.#host.membership.voters)) return
    this.#enter('synchronizing')
    this.#host.writeEpoch('currentEpoch', this.epoch)
    for (const learner of [...this.#learners.all]) {
      if (learner.step === LearnerStep.promised) this.#synchronize(learner)
    }
  }

  #tryLead(): void {
    if (this.#state !== 'synchronizing') return
    // Our own disk has to have the epoch, even where the others would be enough.
    if (!this.#haveHistory.has(this.#options.serverId)) return
    if (!isQuorum(this.#host, this.#haveHistory)) return
    const successor = this.#commitFoundMembership()
    if (successor !== null) {
      this.#serveAll()
      this.#leave(`server ${successor} leads under the membership that was completed`, null)
      return
    }
    this.#enter('broadcasting')
    this.#host.lead(this.epoch)
    this.#serveAll()
  }

  /**
   * What an earlier leader proposed as membership is decided now that a quorum of both follows
   * (ZooKeeper 3.9 `Leader.startZkServer`). Returns who has to lead under it, if not this server.
   */
  #commitFoundMembership(): number | null {
    const { membership, proposedMembership } = this.#host
    if (proposedMembership === null || proposedMembership.version <= membership.version) return null
    const { serverId } = this.#options
    const designated = designatedLeader(serverId, membership, proposedMembership, (id) =>
      this.#haveHistory.has(id) ? this.#epochZxid : null,
    )
    const keepsRole = this.#host.commitMembership(proposedMembership)
    this.#established.membershipChanged()
    if (keepsRole && designated === serverId) return null
    mark('leading.completes-its-own-end')
    return designated
  }

  #serveAll(): void {
    for (const learner of this.#learners.all) {
      if (learner.step === LearnerStep.synced) this.#serve(learner)
    }
  }

  #enter(state: State): void {
    this.#state = state
    this.#stateDeadlineMs =
      state === 'broadcasting' ? Number.POSITIVE_INFINITY : this.#host.nowMs + this.#initMs
  }

  /** `successor` is who is known to lead next. */
  #leave(reason: string, successor: number | null = this.#broadcast?.successor ?? null): void {
    assert(this.#state !== 'over', 'a role is left once')
    this.#state = 'over'
    this.#nextLookMs = Number.POSITIVE_INFINITY
    this.#host.links.closeDoor('quorum')
    for (const learner of [...this.#learners.all]) this.#drop(learner)
    if (successor === null) this.#host.leave(reason)
    else this.#host.leaveFor(successor, reason)
  }

  stepDown(reason: string): void {
    if (this.#state !== 'over') this.#leave(reason)
  }

  // Broadcast

  propose(entry: LogEntry, membership: Membership | null): void {
    if (this.#state === 'over') return
    assert(this.#state === 'broadcasting', 'a proposal without a quorum that follows')
    const { zxidsPerEpoch = ZXIDS_PER_EPOCH } = this.#options
    if (counterOf(entry.zxid) > zxidsPerEpoch) {
      mark('leading.out-of-zxids')
      this.#leave(`epoch ${this.epoch} has no zxids left`)
      return
    }
    this.proposals.add(entry.end - entry.start)
    this.#established.propose(entry, membership)
  }

  sync(link: LinkId): void {
    if (this.#state === 'broadcasting') this.#established.sync(link)
  }

  takeUnapplied(): readonly LogEntry[] {
    return this.#broadcast?.takeOutstanding() ?? []
  }

  // Time

  onTime(): void {
    const { nowMs } = this.#host
    if (nowMs < this.#nextLookMs) return
    const lateMs = nowMs - this.#nextLookMs
    this.#nextLookMs = nowMs + this.#halfTickMs
    if (lateMs > this.#options.timing.tickMs) this.#forgive(lateMs)
    if (nowMs >= this.#stateDeadlineMs) {
      this.#doubtAbsent()
      this.#leave(`no quorum of followers while ${this.#state}`)
      return
    }
    this.#dropOverdue()
    if (this.#state === 'broadcasting') this.#look()
  }

  /** Twice a tick all learners are asked for a sign of life; each tick, they are counted. */
  #look(): void {
    const isWholeTick = !this.#isHalfTick
    this.#isHalfTick = isWholeTick
    if (isWholeTick) {
      this.#tick++
      if (!this.#hasFollowers()) {
        this.#doubtAbsent()
        this.#leave('not sufficient followers synced')
        return
      }
    }
    this.#learners.ping(this.lastProposed)
  }

  #hasFollowers(): boolean {
    const { serverId } = this.#options
    const inStep = this.#learners.inStep(serverId, this.#tick, LearnerStep.introduced)
    return isQuorum(this.#host, inStep)
  }

  /**
   * Who is not heard may well hear us. Were it to go on hearing our votes, on links from before, it
   * would elect a leader that it cannot reach.
   */
  #doubtAbsent(): void {
    const { membership, proposedMembership } = this.#host
    const { serverId } = this.#options
    const present = this.#learners.inStep(serverId, this.#tick, LearnerStep.introduced)
    const voters = new Set(membership.voters.voters)
    for (const id of proposedMembership?.voters.voters ?? []) voters.add(id)
    for (const id of voters) if (!present.has(id)) this.#host.doubt(id, 0)
  }

  #dropOverdue(): void {
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

  /** This process has not run for a while: what it could not hear was not the learners' silence. */
  #forgive(ms: number): void {
    mark('leading.slept')
    for (const learner of this.#learners.all) learner.forgive(ms)
  }

  // Links

  linkAccepted(link: LinkId, remote: string): void {
    if (this.#state === 'over') return
    const stranger = this.#learners.oldestStranger(STRANGERS_MAX)
    if (stranger !== null) this.#refuse(stranger, 'it has not said who it is, and others wait')
    const { initLimit, syncLimit } = this.#options.timing
    const lastTick = this.#tick + initLimit + syncLimit
    const { fieldBytesMax } = this.#options
    this.#learners.add(
      new LearnerLink(link, remote, this.#host, fieldBytesMax, this.#initMs, lastTick),
    )
  }

  linkOpened(_link: LinkId): void {
    assert(false, 'a leader dials nobody')
  }

  linkBytes(link: LinkId, bytes: Uint8Array): void {
    const learner = this.#learners.get(link)
    if (learner === undefined) return
    const { stream } = learner
    stream.push(bytes)
    try {
      // A packet may end the learner, and an acknowledgement even the role.
      while (this.#learners.get(link) === learner && stream.next()) {
        learner.heard(this.#host.nowMs)
        learner.lastTick = this.#tick + this.#options.timing.syncLimit
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

  linkRoom(link: LinkId): void {
    const learner = this.#learners.get(link)
    if (learner === undefined) return
    // Taking what it is sent is all that a learner can do while it gets a history.
    if (learner.output.isReadingHistory) learner.heard(this.#host.nowMs)
    learner.output.onRoom()
    if (learner.step === LearnerStep.syncing) {
      this.#synchronizer.announce(learner, this.#epochZxid, this.#state === 'broadcasting')
    }
    this.#checkOutput(learner)
  }

  linkClosed(link: LinkId, reason: string): void {
    const learner = this.#learners.get(link)
    if (learner === undefined) return
    if (learner.step !== LearnerStep.connected) {
      this.#host.remark('info', 'a learner is gone', { server: learner.serverId, reason })
    }
    this.#forget(learner)
    // Who has been told to follow another leader goes; when enough have gone, it is time to go, too.
    const isHandedOver = this.#broadcast !== null && this.#broadcast.successor !== null
    if (isHandedOver && !this.#hasFollowers()) {
      this.#leave('the followers have gone over to the designated leader')
    }
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
    const isChoosing = this.#state === 'opening' || this.#state === 'choosing'
    if (!isChoosing && acceptedEpoch > this.epoch && this.#isVoter(learner)) {
      // It has promised itself to a leader that came to nothing, and may never follow this epoch.
      // ZooKeeper leaves it out until there is another leader for some other reason.
      mark('leading.voter-of-later-epoch')
      this.#leave(`server ${learner.serverId} has promised itself to epoch ${acceptedEpoch}`)
      return
    }
    if (isChoosing) {
      this.#discovery.arrive(learner.serverId, acceptedEpoch, learner.isFollower)
      this.#tryChooseEpoch()
    } else if (this.#state !== 'recording') {
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
    writeIntPacket(out, PacketType.leaderInfo, this.#epochZxid, PROTOCOL_VERSION)
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
    if (this.#state !== 'promising') {
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
    this.#tryAdoptEpoch()
  }

  #synchronize(learner: LearnerLink): void {
    const isServing = this.#state === 'broadcasting'
    const problem = this.#synchronizer.begin(learner, this.#established, this.#epochZxid, isServing)
    if (problem !== null) {
      this.#refuse(learner, problem)
      return
    }
    learner.expectWithin(this.#initMs, this.#host.nowMs)
    this.#checkOutput(learner)
  }

  #onHistoryTaken(learner: LearnerLink, packet: QuorumPacket): void {
    if (packet.type !== PacketType.ack || packet.zxid !== this.#epochZxid) {
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
    if (this.#state === 'broadcasting') {
      this.#serve(learner)
      return
    }
    // Also of one that observes: it may vote in the membership that is proposed, and comes back as a
    // follower when that is decided (ZooKeeper 3.9 `Leader.waitForNewLeaderAck`).
    this.#haveHistory.add(learner.serverId)
    this.#tryLead()
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
    if (this.#established.waitingBytes <= waitingBytesMax) {
      this.#requests.take(learner, packet)
      return
    }
    mark('leading.too-many-requests')
    this.#refuse(learner, 'it asks for more than the disks of a quorum can take')
  }

  #onAck(learner: LearnerLink, zxid: Zxid): void {
    // UPTODATE is acknowledged with the epoch's zxid once more, which says nothing.
    if (!learner.isFollower || counterOf(zxid) === 0) return
    const broadcast = this.#established
    if (zxid > broadcast.leader.lastProposed) {
      this.#refuse(learner, `it acknowledges ${formatZxid(zxid)}, which was never proposed`)
      return
    }
    learner.output.oldestUnanswered.answered(zxid)
    // Old learners acknowledge what was committed before they came.
    if (epochOf(zxid) === this.epoch) broadcast.acknowledge(learner.serverId, zxid)
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

  // Arithmetic

  get #established(): Broadcast {
    assert(this.#broadcast !== null, 'nothing is broadcast before there is an epoch')
    return this.#broadcast
  }

  get #epochZxid(): Zxid {
    return zxidOf(this.epoch, 0)
  }

  get #halfTickMs(): number {
    return Math.max(1, this.#options.timing.tickMs >>> 1)
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

/** The last counter is never used: the next would be another epoch's (ZOOKEEPER-1277). */
const ZXIDS_PER_EPOCH = 0xffff_fffe
