// What one server is in its ensemble, and how it comes to be something else: it looks for a leader,
// leads, follows or observes, and leaves each role the same way, with everything it has logged
// durable and applied, so that its next vote tells the truth (ZooKeeper 3.9 `QuorumPeer`). This file
// owns these transitions. Changes asked for by a machine in the middle of its own work happen at the
// end of the step.

import { assert } from '../../base/assert.ts'
import { mark } from '../../base/marks.ts'
import type { Zxid } from '../../base/zxid.ts'
import { Election } from '../election/election.ts'
import { type ElectionHost, ServerState, type Vote } from '../election/election-host.ts'
import { MalformedRecord } from '../jute/reader.ts'
import type { RemarkFields } from '../peer/peer-links.ts'
import type { Membership } from '../quorum/membership.ts'
import { InvalidMembership, membershipOf, sameMembers } from '../quorum/membership-text.ts'
import type { Database } from '../tree/database.ts'
import { Leading } from '../zab/leading.ts'
import { Learning } from '../zab/learning.ts'
import type { LeaderRole, LearnerRole } from '../zab/roles.ts'
import { NO_FAULTS } from '../zab/zab-faults.ts'
import type { EnsembleOptions } from './ensemble-options.ts'
import { foundMembership, isProposed } from './found-membership.ts'
import type { Links } from './links.ts'
import type { DiskTask } from './ready.ts'
import type { ReadyBuilder } from './ready-builder.ts'
import { RoleTimes } from './role-times.ts'
import type { Service } from './service.ts'
import type { StepTime } from './step-time.ts'
import { ZabDesk } from './zab-desk.ts'

export type Standing = 'looking' | 'leading' | 'following' | 'observing' | 'leaving'

/** How a member gets at clients: it decides when they are served, not how. */
export interface ServiceMaker {
  /** Clients are served on the database as it is; writes are ordered by `leader`. */
  lead(leader: LeaderRole, member: Member): Service
  follow(learner: LearnerRole): Service
  /** What is there is served to those who do not mind that it may be old. */
  readOnly(): Service
}

export class Member implements ElectionHost {
  readonly serverId: number
  readonly options: EnsembleOptions
  readonly links: Links
  readonly election: Election
  readonly desk: ZabDesk
  readonly times: RoleTimes = new RoleTimes()

  membership: Membership
  proposedMembership: Membership | null

  readonly #time: StepTime
  readonly #ready: ReadyBuilder
  readonly #maker: ServiceMaker
  #standing: Standing = 'looking'
  #leading: LeaderRole | null = null
  #learning: LearnerRole | null = null
  #service: Service | null = null
  #elected: Vote | null = null
  /** Why the present role ends with this step. */
  #leaveReason: string | null = null
  #designated: number | null = null
  /** Until when an observer that has left its role rests; Infinity where nothing is waited for. */
  #restMs = Infinity
  /** When a server that still looks for a leader begins to serve reads. */
  #readOnlyMs = Infinity
  /** From when on a leader without a quorum takes a voter that looks for a sign. */
  #desertedMs = Infinity
  #electionRestarts = false
  /** The version of the membership that the history ended with at the start. */
  #foundVersion = 0
  #taskCount = 0
  /** How much of what is durable the role has been told. */
  #toldDurable: Zxid
  /** The versions of proposed memberships that are being written. */
  readonly #membershipWrites: number[] = []
  #durable: Zxid

  constructor(
    serverId: number,
    options: EnsembleOptions,
    database: Database,
    links: Links,
    time: StepTime,
    ready: ReadyBuilder,
    maker: ServiceMaker,
  ) {
    this.serverId = serverId
    this.options = options
    this.links = links
    this.membership = options.membership
    this.proposedMembership = options.proposedMembership
    this.#time = time
    this.#ready = ready
    this.#maker = maker
    this.#durable = database.lastZxid
    this.#toldDurable = this.#durable
    this.desk = new ZabDesk(this, database)
    this.election = new Election({ ...options.election, serverId }, this)
    links.listeners.election = this.election
  }

  // What it is

  get nowMs(): number {
    return this.#time.nowMs
  }

  get wallMs(): number {
    return this.#time.wallMs
  }

  get standing(): Standing {
    return this.#standing
  }

  get service(): Service | null {
    return this.#service
  }

  get leading(): LeaderRole | null {
    return this.#leading
  }

  get learning(): LearnerRole | null {
    return this.#learning
  }

  /** The server that it follows or is; null while it looks for one. */
  get leaderId(): number | null {
    return this.#leading === null && this.#learning === null ? null : this.election.vote.leader
  }

  get deadlineMs(): number {
    return Math.min(
      this.election.deadlineMs,
      this.#leading?.deadlineMs ?? Infinity,
      this.#learning?.deadlineMs ?? Infinity,
      this.#readOnlyMs,
      this.#restMs,
    )
  }

  describe(): string {
    const role = this.#leading ?? this.#learning
    return `${this.#standing}${role === null ? '' : `: ${role.describe()}`}`
  }

  // What happens to it

  start(): void {
    const found = this.options.reconfigEnabled ? foundMembership(this.desk.history.database) : null
    if (found !== null) {
      this.#foundVersion = found.version
      if (isProposed(found, this.membership, this.proposedMembership)) {
        mark('a reconfiguration found in the log')
        this.proposeMembership(found)
      }
    }
    this.desk.showMembership()
    this.election.start()
    this.#look()
  }

  onWake(): void {
    if (this.nowMs >= this.election.deadlineMs) this.election.onTime()
    if (this.nowMs >= this.#restMs) this.#restMs = Infinity
    if (this.nowMs >= this.#readOnlyMs && this.#elected === null) this.#serveReadOnly()
    const role = this.#leading ?? this.#learning
    if (role !== null && !this.#isEnding && this.nowMs >= role.deadlineMs) role.onTime()
  }

  durable(zxid: Zxid): void {
    if (zxid > this.#durable) this.#durable = zxid
    this.#tellDurable()
  }

  /**
   * A reconfiguration is not durable before the file that tells of it is: a server that has
   * acknowledged one must know of it after a crash, whom it then asks for votes.
   */
  #tellDurable(): void {
    if (this.#isEnding) return
    const isCareless = this.options.faults?.trustsUnwrittenMembership === true
    const awaited = isCareless ? undefined : this.#membershipWrites[0]
    const zxid =
      awaited === undefined ? this.#durable : (Math.min(this.#durable, awaited - 1) as Zxid)
    if (zxid <= this.#toldDurable) return
    this.#toldDurable = zxid
    ;(this.#leading ?? this.#learning)?.durable(zxid)
  }

  taskDone(task: DiskTask, database: Database | null): void {
    this.#taskCount--
    if (database !== null) {
      this.desk.replaced(database)
      this.#durable = database.lastZxid
      this.#toldDurable = this.#durable
    }
    if (task.kind === 'save-history') {
      this.#durable = task.zxid
      this.#toldDurable = task.zxid
    }
    if (task.kind === 'write-epoch') this.desk.epochs = { ...this.desk.epochs, ...epochOf(task) }
    const wrote = task.kind === 'write-membership' && !task.isCommitted ? task.membership : null
    if (wrote !== null) this.#membershipWrites.shift()
    if (this.#isEnding) return
    switch (task.kind) {
      case 'write-epoch':
        ;(this.#leading ?? this.#learning)?.epochWritten(task.file)
        break
      case 'truncate':
        this.#learning?.truncated(database !== null)
        break
      case 'save-history':
        this.#learning?.historySaved()
        break
      case 'write-membership':
        this.#tellDurable()
        break
      case 'reload':
        break
    }
  }

  /** The end of a step: what was asked for in its course happens. */
  settle(): void {
    if (this.election.isDeserted) this.#onDeserted()
    if (this.#leaveReason !== null && this.#standing !== 'leaving') this.#endRole()
    const isRested = this.#restMs === Infinity
    if (this.#standing === 'leaving' && isRested && this.#isLogSettled) this.#left()
    if (this.#electionRestarts) {
      this.#electionRestarts = false
      this.election.restart()
    }
    // A membership that a voter brought is written first: a role speaks of what is known for certain.
    if (this.#elected !== null && this.#taskCount === 0) this.#take(this.#elected)
    this.#service?.settle()
  }

  // Roles

  /**
   * Those who elected this server have found another one, and will say no more. It would be out of
   * service for as long as a leader waits for followers (as ZooKeeper's would: `initLimit`).
   */
  #onDeserted(): void {
    if (this.#leaveReason !== null || this.#leading?.phase !== 'discovery') return
    mark('deserted for a better vote')
    this.#leading.stepDown('the voters are for another leader')
  }

  #look(): void {
    const { readOnlyMode = false, timing } = this.options
    this.#standing = 'looking'
    this.#designated = null
    this.times.looks(this.nowMs)
    this.#readOnlyMs = readOnlyMode
      ? this.nowMs + Math.max(READ_ONLY_AFTER_MS, timing.tickMs)
      : Infinity
    this.election.look(this.desk.history.lastZxid, this.desk.epochs.current)
  }

  #serveReadOnly(): void {
    mark('read-only')
    this.#readOnlyMs = Infinity
    this.#service = this.#maker.readOnly()
    this.remark('warn', 'no leader is in sight: serving reads to those who ask for no more')
  }

  #take(vote: Vote): void {
    this.#elected = null
    if (this.#standing !== 'looking') return
    this.#readOnlyMs = Infinity
    this.#service?.end()
    this.#service = null
    if (vote.leader === this.serverId) this.#becomeLeading(vote)
    else this.#becomeLearning(vote)
  }

  #becomeLeading(vote: Vote): void {
    const { options, desk } = this
    this.#standing = 'leading'
    this.times.takesRole(true, this.nowMs)
    this.#desertedMs = this.nowMs + DESERTED_AFTER_MS
    this.election.settle(ServerState.leading, vote)
    const role = new Leading(
      {
        serverId: this.serverId,
        timing: options.timing,
        faults: options.faults ?? NO_FAULTS,
        ...fieldLimitOf(options),
        reconfigEnabled: options.reconfigEnabled,
        forceSnapshotSync: options.forceSnapshotSync,
        snapshotSyncsMax: options.snapshotSyncsMax,
        differenceSyncsMax: options.differenceSyncsMax,
        ...(options.zxidsPerEpoch === undefined ? {} : { zxidsPerEpoch: options.zxidsPerEpoch }),
        quorumAddress: desk.ownQuorumAddress,
      },
      desk,
    )
    this.#leading = role
    this.links.listeners.zab = role
    role.start()
  }

  #becomeLearning(vote: Vote): void {
    const { options, desk } = this
    const leader =
      this.membership.members.get(vote.leader) ?? this.proposedMembership?.members.get(vote.leader)
    if (leader === undefined) {
      this.remark('warn', 'the elected leader is not among the members', { leader: vote.leader })
      this.#look()
      return
    }
    const isVoter = this.membership.members.get(this.serverId)?.isVoter ?? true
    this.#standing = isVoter ? 'following' : 'observing'
    this.times.takesRole(isVoter, this.nowMs)
    this.election.settle(isVoter ? ServerState.following : ServerState.observing, vote)
    const role = new Learning(
      {
        serverId: this.serverId,
        timing: options.timing,
        faults: options.faults ?? NO_FAULTS,
        ...fieldLimitOf(options),
        leader: vote.leader,
        leaderAddress: leader.quorumAddress,
        isVoter,
      },
      desk,
    )
    this.#learning = role
    this.links.listeners.zab = role
    role.start()
  }

  /** From now on nothing reaches the role any more; its log has yet to become durable. */
  #endRole(): void {
    mark(`left: ${this.#standing}`)
    this.remark('info', 'the role is over', { role: this.#standing, reason: this.#leaveReason })
    if (this.#standing === 'observing') this.#rest()
    this.#standing = 'leaving'
    this.links.listeners.zab = null
    this.links.hangUpAll('zab')
    this.#service?.end()
    this.#service = null
  }

  /** Voters wait for nobody; observers may be many, and come to a new leader all at once. */
  #rest(): void {
    const pauseMs = this.options.observerPauseMs?.() ?? 0
    if (pauseMs > 0) this.#restMs = this.nowMs + pauseMs
  }

  get #isEnding(): boolean {
    return this.#leaveReason !== null
  }

  get #isLogSettled(): boolean {
    if (this.#taskCount > 0) return false
    // Of a database that has come only in part, nothing was ever to be logged: it is read again.
    if (this.desk.isDatabaseVoid) return true
    return (
      this.#durable >= this.desk.history.lastLogged || this.options.faults?.logsAfterRole === true
    )
  }

  /** The log is as long as it will be: the database catches up with it. */
  #left(): void {
    const role = this.#leading ?? this.#learning
    assert(role !== null, 'a role that nobody had is over')
    if (this.desk.isDatabaseVoid) {
      this.addTask({ kind: 'reload' })
      return
    }
    if (!(this.options.faults?.forgetsLogTail ?? false)) {
      for (const entry of role.takeUnapplied()) this.desk.replay(entry)
    }
    this.#leading = null
    this.#learning = null
    this.#leaveReason = null
    const designated = this.#designated
    if (designated === null) this.#look()
    else this.#followDesignated(designated)
  }

  /** A reconfiguration named who leads: there is nothing to elect. */
  #followDesignated(leader: number): void {
    mark('designated leader')
    this.#standing = 'looking'
    this.#designated = null
    const { lastZxid } = this.desk.history
    const { round } = this.election.vote
    this.#elected = { leader, zxid: lastZxid, peerEpoch: this.desk.epochs.current, round }
  }

  // For the election

  membershipOf(text: string): Membership {
    try {
      return membershipOf(text)
    } catch (error) {
      if (!(error instanceof InvalidMembership)) throw error
      throw new MalformedRecord(error.message)
    }
  }

  adoptMembership(membership: Membership): void {
    // Who was removed, and is to come back with a configuration written by hand, knows better than a
    // voter that has been away for longer: together they could elect a leader beside the real one.
    if (membership.version < this.#foundVersion) {
      mark('an outlived membership is not adopted')
      return
    }
    mark('membership adopted')
    this.commitMembership(membership)
  }

  elected(vote: Vote): void {
    this.#elected = vote
  }

  /**
   * Whoever elected this server would have come by now: it does not wait for them out of its whole
   * patience (ZooKeeper 3.9 `leader.maxTimeToWaitForEpoch`, off there by default).
   */
  voterLooks(id: number): void {
    if (this.#leading?.phase !== 'discovery' || this.nowMs < this.#desertedMs) return
    mark('deserted')
    this.#leading.stepDown(`server ${id} looks for a leader again, and no quorum has come`)
  }

  electionPortLost(reason: string): void {
    this.#ready.fatal = `the election port cannot be bound: ${reason}`
  }

  remark(level: 'info' | 'warn' | 'error', message: string, fields: RemarkFields = {}): void {
    this.#ready.remarks.push({ level, message, fields })
  }

  // For the roles, through the desk

  leave(reason: string): void {
    this.#leaveReason ??= reason
  }

  leaveFor(designated: number, reason: string): void {
    if (this.#leaveReason === null) this.#designated = designated
    this.#leaveReason ??= reason
  }

  lead(epoch: number): void {
    const leading = this.#leading
    assert(leading !== null, 'who does not lead serves as a leader')
    this.#service = this.#maker.lead(leading, this)
    this.times.serves(true, this.nowMs)
    this.election.settle(ServerState.leading, { ...this.election.vote, peerEpoch: epoch })
    this.#ready.wantsSnapshot = true
    this.#service.closeUnknownSessions()
    this.remark('info', 'leading', { epoch })
  }

  follow(epoch: number): void {
    const learning = this.#learning
    assert(learning !== null, 'who does not follow serves as a follower')
    this.#service = this.#maker.follow(learning)
    this.times.serves(false, this.nowMs)
    const state = this.#standing === 'observing' ? ServerState.observing : ServerState.following
    this.election.settle(state, { ...this.election.vote, peerEpoch: epoch })
    this.remark('info', this.#standing, { epoch, leader: this.election.vote.leader })
  }

  addTask(task: DiskTask): void {
    this.#taskCount++
    this.#ready.tasks.push(task)
  }

  get append(): ReadyBuilder['append'] {
    return this.#ready.append
  }

  proposeMembership(membership: Membership): void {
    const isDropped = membership.version <= this.membership.version
    const wasProposed = this.proposedMembership !== null
    this.proposedMembership = isDropped ? null : membership
    if (!this.options.reconfigEnabled) return
    if (!isDropped) {
      this.#membershipWrites.push(membership.version)
      this.addTask({ kind: 'write-membership', membership, isCommitted: false })
    } else if (wasProposed) {
      this.addTask({ kind: 'write-membership', membership: null, isCommitted: false })
    }
  }

  /** Returns whether this server keeps its role. */
  commitMembership(membership: Membership): boolean {
    if (!this.options.reconfigEnabled || membership.version <= this.membership.version) return true
    const before = this.membership
    this.membership = membership
    if ((this.proposedMembership?.version ?? 0) <= membership.version)
      this.proposedMembership = null
    this.addTask({ kind: 'write-membership', membership, isCommitted: true })
    this.desk.showMembership()
    if (!sameMembers(before, membership)) this.#electionRestarts = true
    const was = before.members.get(this.serverId)?.isVoter ?? true
    const is = membership.members.get(this.serverId)?.isVoter ?? true
    return was === is
  }
}

/** Longer than any server waits for better votes, and than it takes to connect. */
const DESERTED_AFTER_MS = 1_000

const fieldLimitOf = ({ fieldBytesMax }: EnsembleOptions): { fieldBytesMax?: number } =>
  fieldBytesMax === undefined ? {} : { fieldBytesMax }

/** As ZooKeeper 3.9 `QuorumPeer`: at least so long, or a tick. */
const READ_ONLY_AFTER_MS = 2_000

const epochOf = (
  task: DiskTask & { kind: 'write-epoch' },
): { accepted?: number; current?: number } =>
  task.file === 'acceptedEpoch' ? { accepted: task.epoch } : { current: task.epoch }
