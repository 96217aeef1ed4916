// A server's time as leader, from a won election until it leaves: it gathers a quorum, comes to an
// epoch, brings the learners to its history, and when a quorum has it, broadcasts (Zab paper, phases
// 1 to 3; ZooKeeper 3.9 `Leader.lead`). This file owns the role's transitions and its deadlines; those
// of each learner are in leading-conversations.ts, and what is counted, chosen and sent is in the
// parts beside it.
//
//   opening ─ the door is open ─► choosing ─ a quorum has come ─► recording ─ the epoch is durable ─►
//   promising ─ a quorum has promised ─► synchronizing ─ a quorum has the history ─► broadcasting
//
// From each of them the way leads to `over`, and from there nowhere.

import { assert } from '../../base/assert.ts'
import { mark } from '../../base/marks.ts'
import { counterOf, epochOf, formatZxid, type Zxid } from '../../base/zxid.ts'
import type { LinkId, PeerAddress, PeerDoor } from '../../ports/peer-network.ts'
import type { Membership } from '../quorum/membership.ts'
import { withVersion } from '../quorum/membership-text.ts'
import { LearnerStep } from './learner-link.ts'
import { Broadcast, isQuorum } from './leading-broadcast.ts'
import {
  type ConversationOptions,
  Conversations,
  type LeadingCourse,
  type LeadingState,
} from './leading-conversations.ts'
import { Discovery } from './leading-discovery.ts'
import { Learners } from './leading-learners.ts'
import type { LogEntry } from './log-entry.ts'
import { ProposalSizes } from './proposal-sizes.ts'
import type { LeaderRole, LearnerStatus, ZabPhase } from './roles.ts'
import type { EpochFile, LeaderHost } from './zab-host.ts'

export interface LeadingOptions extends ConversationOptions {
  /** Where learners connect. */
  readonly quorumAddress: PeerAddress
  /** Whether memberships have versions and may change (`reconfigEnabled`). */
  readonly reconfigEnabled: boolean
  /** How many zxids an epoch has: all there are, but where their end is to be seen. */
  readonly zxidsPerEpoch?: number
}

export class Leading implements LeaderRole, LeadingCourse {
  readonly proposals: ProposalSizes = new ProposalSizes()

  readonly #options: LeadingOptions
  readonly #host: LeaderHost
  readonly #learners = new Learners()
  readonly #discovery: Discovery
  readonly #conversations: Conversations
  #state: LeadingState = 'opening'
  /** When the present state has taken too long. */
  #stateDeadlineMs = Number.POSITIVE_INFINITY
  #broadcast: Broadcast | null = null
  /** While broadcasting, it is looked at twice a tick. */
  #isHalfTick = false
  #nextLookMs = Number.POSITIVE_INFINITY

  constructor(options: LeadingOptions, host: LeaderHost) {
    this.#options = options
    this.#host = host
    this.#discovery = new Discovery(options.serverId, host.epochs, host.history.lastZxid)
    this.#conversations = new Conversations(options, host, this.#learners, this.#discovery, this)
  }

  get state(): LeadingState {
    return this.#state
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

  get broadcast(): Broadcast {
    assert(this.#broadcast !== null, 'nothing is broadcast before there is an epoch')
    return this.#broadcast
  }

  get nextZxid(): Zxid {
    return this.broadcast.leader.nextZxid
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
    const synced = this.#learners.inStep(null, LearnerStep.synced)
    const { voters } = this.#host.membership.voters
    for (const id of synced) if (!voters.has(id)) synced.delete(id)
    return synced
  }

  get learners(): readonly LearnerStatus[] {
    const statuses: LearnerStatus[] = []
    for (const learner of this.#learners.all) {
      if (learner.step === LearnerStep.connected) continue
      statuses.push(learner.statusIn(this.#host.membership, this.#learners.tick))
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
      this.broadcast.historyTaken(this.#options.serverId)
      this.#tryLead()
    }
  }

  durable(zxid: Zxid): void {
    if (this.#state !== 'broadcasting') return
    // The history before this epoch was on disk before the role began.
    if (epochOf(zxid) !== this.epoch) return
    this.broadcast.acknowledge(this.#options.serverId, zxid)
  }

  advance(): void {
    switch (this.#state) {
      case 'choosing':
        this.#tryChooseEpoch()
        return
      case 'promising':
        this.#tryAdoptEpoch()
        return
      case 'synchronizing':
        this.#tryLead()
        return
      default:
    }
  }

  #tryChooseEpoch(): void {
    if (!this.#discovery.hasArrived(this.#host.membership.voters)) return
    this.#enter('recording')
    this.#host.writeEpoch('acceptedEpoch', this.epoch)
  }

  /** The epoch is promised by ourselves, durably; only now may anybody hear of it. */
  #becomePromising(): void {
    this.#enter('promising')
    this.#nameMembership()
    const { serverId, faults } = this.#options
    const { epochZxid } = this.#discovery
    this.#broadcast = new Broadcast(serverId, this.#host, this.#learners, epochZxid, faults)
    this.#conversations.inviteAll()
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
    this.#host.proposeMembership(withVersion(membership, this.#discovery.epochZxid))
  }

  #tryAdoptEpoch(): void {
    if (!this.#discovery.hasPromised(this.#host.membership.voters)) return
    this.#enter('synchronizing')
    this.#host.writeEpoch('currentEpoch', this.epoch)
    this.#conversations.synchronizeAll()
  }

  #tryLead(): void {
    if (!this.broadcast.isEstablished) return
    const successor = this.broadcast.commitFoundMembership()
    if (successor !== null) {
      this.#conversations.serveAll()
      this.#leave(`server ${successor} leads under the membership that was completed`, null)
      return
    }
    this.#enter('broadcasting')
    this.#host.lead(this.epoch)
    this.#conversations.serveAll()
  }

  #enter(state: LeadingState): void {
    this.#state = state
    const { tickMs, initLimit } = this.#options.timing
    this.#stateDeadlineMs =
      state === 'broadcasting' ? Number.POSITIVE_INFINITY : this.#host.nowMs + tickMs * initLimit
  }

  /** `successor` is who is known to lead next. */
  #leave(reason: string, successor: number | null = this.#broadcast?.successor ?? null): void {
    assert(this.#state !== 'over', 'a role is left once')
    this.#state = 'over'
    this.#nextLookMs = Number.POSITIVE_INFINITY
    this.#host.links.closeDoor('quorum')
    this.#conversations.dropAll()
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
    this.broadcast.propose(entry, membership)
  }

  sync(link: LinkId): void {
    if (this.#state === 'broadcasting') this.broadcast.sync(link)
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
    this.#conversations.dropOverdue()
    if (this.#state === 'broadcasting') this.#look()
  }

  /** Twice a tick all learners are asked for a sign of life; each tick, they are counted. */
  #look(): void {
    const isWholeTick = !this.#isHalfTick
    this.#isHalfTick = isWholeTick
    if (isWholeTick) {
      this.#learners.tick++
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
    const inStep = this.#learners.inStep(serverId, LearnerStep.introduced)
    return isQuorum(this.#host, inStep)
  }

  /**
   * Who is not heard may well hear us. Were it to go on hearing our votes, on links from before, it
   * would elect a leader that it cannot reach.
   */
  #doubtAbsent(): void {
    const { membership, proposedMembership } = this.#host
    const { serverId } = this.#options
    const present = this.#learners.inStep(serverId, LearnerStep.introduced)
    const voters = new Set(membership.voters.voters)
    for (const id of proposedMembership?.voters.voters ?? []) voters.add(id)
    for (const id of voters) if (!present.has(id)) this.#host.doubt(id, 0)
  }

  /** This process has not run for a while: what it could not hear was not the learners' silence. */
  #forgive(ms: number): void {
    mark('leading.slept')
    for (const learner of this.#learners.all) learner.forgive(ms)
  }

  // Links

  linkAccepted(link: LinkId, remote: string): void {
    if (this.#state !== 'over') this.#conversations.accepted(link, remote)
  }

  linkOpened(_link: LinkId): void {
    assert(false, 'a leader dials nobody')
  }

  linkBytes(link: LinkId, bytes: Uint8Array): void {
    this.#conversations.take(link, bytes)
  }

  linkRoom(link: LinkId): void {
    this.#conversations.onRoom(link)
  }

  linkClosed(link: LinkId, reason: string): void {
    const learner = this.#learners.get(link)
    if (learner === undefined) return
    this.#conversations.closed(learner, reason)
    // Who has been told to follow another leader goes; when enough have gone, it is time to go, too.
    const isHandedOver = this.#broadcast !== null && this.#broadcast.successor !== null
    if (isHandedOver && !this.#hasFollowers()) {
      this.#leave('the followers have gone over to the designated leader')
    }
  }

  get #halfTickMs(): number {
    return Math.max(1, this.#options.timing.tickMs >>> 1)
  }
}

/** The last counter is never used: the next would be another epoch's (ZOOKEEPER-1277). */
const ZXIDS_PER_EPOCH = 0xffff_fffe
