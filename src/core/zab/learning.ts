// The learning side of Zab: one server's life with one leader, as a follower or an observer. It
// finds the leader, promises it an epoch, is brought in step, and then logs, acknowledges and
// applies what it is told (ZooKeeper 3.9 `Learner`, `Follower`, `Observer`; Zab paper, phases 1-3).
// It owns the transitions of that life. What transactions mean, and how anything becomes durable,
// it does not know; what has to be durable before what is its whole business:
//
//   promise        acceptedEpoch                                  before ACKEPOCH
//   step in        snapshot, or log; then currentEpoch            before the ACK of NEWLEADER
//   follow         log                                            before the ACK of a proposal

import { assert } from '../../base/assert.ts'
import { LEARNER_BACKLOG_BYTES_MAX } from '../../base/limits.ts'
import { mark } from '../../base/marks.ts'
import { Ring } from '../../base/ring.ts'
import { decodeUtf8, EMPTY_BYTES } from '../../base/text.ts'
import { epochOf, formatZxid, type Zxid, ZXID_NONE, zxidOf } from '../../base/zxid.ts'
import type { LinkId, PeerAddress } from '../../ports/peer-network.ts'
import { JuteReader, MalformedRecord } from '../jute/reader.ts'
import { PacketStream } from '../peer/packet-stream.ts'
import type { Membership } from '../quorum/membership.ts'
import type { Id } from '../records/acl.ts'
import {
  beginPacket,
  endPacket,
  packetInt,
  packetName,
  PacketType,
  PROTOCOL_VERSION,
  type QuorumPacket,
  writeIntPacket,
  writeLearnerInfo,
  writePacket,
} from '../records/quorum-packet.ts'
import type { LogEntry } from './log-entry.ts'
import { ProposalQueue } from './proposal-queue.ts'
import { membershipTextOf, proposedEntry } from './proposed-entry.ts'
import type { LearnerRole, ZabPhase } from './roles.ts'
import type { EpochFile, LearnerHost, ZabOptions } from './zab-host.ts'

export interface LearningOptions extends ZabOptions {
  readonly leader: number
  readonly leaderAddress: PeerAddress
  /** A server that is no member yet learns as if it voted; nobody counts it. */
  readonly isVoter: boolean
}

export class Learning implements LearnerRole {
  readonly #options: LearningOptions
  readonly #host: LearnerHost
  readonly #stream = new PacketStream()
  readonly #reader = new JuteReader(EMPTY_BYTES)
  readonly #queue = new ProposalQueue()
  /** What has to be acknowledged, in order, once it is durable. */
  readonly #unacknowledged = new Ring<Zxid>()
  /** Reconfigurations that were activated with their commit, and who leads from there on. */
  readonly #activations = new Map<Zxid, number>()

  #state: State = 'idle'
  #link: LinkId = NO_LINK
  #tries = 0
  #retryAtMs = 0
  #startedMs = 0
  /** When the leader was last heard of, or this server's own disk last kept it from listening. */
  #heardMs = 0
  #epoch: number
  /** What NEWLEADER said of the ensemble; null where it said nothing. */
  #membership: Membership | null = null
  /** Synchronised by a changed database rather than by the log: applied at once, saved as a whole. */
  #bypassesLog = false
  /** Everything up to here came with a snapshot: neither logged nor applied again. */
  #covered: Zxid = ZXID_NONE
  #lastAppended: Zxid = ZXID_NONE
  #durable: Zxid = ZXID_NONE
  #hasAcknowledgedLeader = false
  /** Whether what is in the queue has also been appended to the log. */
  #logsProposals = false

  constructor(options: LearningOptions, host: LearnerHost) {
    this.#options = options
    this.#host = host
    this.#epoch = host.epochs.current
  }

  get phase(): ZabPhase {
    return STATES[this.#state].phase
  }

  get epoch(): number {
    return this.#epoch
  }

  get deadlineMs(): number {
    const { timing } = this.#options
    if (this.#state === 'resting') return this.#retryAtMs
    switch (STATES[this.#state].patience) {
      case 'none':
        return Number.POSITIVE_INFINITY
      case 'init':
        return this.#heardMs + timing.initLimit * timing.tickMs
      case 'sync':
        return this.#heardMs + timing.syncLimit * timing.tickMs
    }
  }

  describe(): string {
    const { leader, isVoter } = this.#options
    const waiting = this.#queue.length === 0 ? '' : `, ${this.#queue.length} not applied`
    return `${isVoter ? 'follower' : 'observer'} of ${leader}, epoch ${this.#epoch}, ${this.#state}${waiting}`
  }

  start(): void {
    this.#startedMs = this.#host.nowMs
    this.#dial()
  }

  onTime(): void {
    if (this.#host.nowMs < this.deadlineMs) return
    if (this.#state === 'resting') this.#dial()
    else this.#leave(`the leader was silent for ${this.#host.nowMs - this.#heardMs} ms`)
  }

  takeUnapplied(): readonly LogEntry[] {
    const entries: LogEntry[] = []
    if (!this.#logsProposals) return entries
    for (let i = 0; i < this.#queue.length; i++) {
      const entry = this.#queue.at(i)
      if (entry.zxid > this.#covered) entries.push(entry)
    }
    return entries
  }

  // The link to the leader

  linkOpened(link: LinkId): void {
    if (link !== this.#link) return
    const { serverId, isVoter } = this.#options
    const { epochs, membership } = this.#host
    const type = isVoter ? PacketType.followerInfo : PacketType.observerInfo
    writeLearnerInfo(this.#host.links.output(link), type, zxidOf(epochs.accepted, 0), {
      serverId,
      protocolVersion: PROTOCOL_VERSION,
      configVersion: membership.version as Zxid,
    })
    this.#become('discovering')
  }

  linkBytes(link: LinkId, bytes: Uint8Array): void {
    if (link !== this.#link) return
    this.#heardMs = this.#host.nowMs
    this.#stream.push(bytes)
    this.#read()
  }

  linkClosed(link: LinkId, reason: string): void {
    if (link !== this.#link) return
    this.#link = NO_LINK
    if (this.#state !== 'connecting') this.#leave(`the link to the leader closed: ${reason}`)
    else this.#rest(reason)
  }

  linkAccepted(link: LinkId): void {
    this.#host.links.hangUp(link)
  }

  linkRoom(): void {}

  doorOpened(): void {}

  doorFailed(): void {}

  // What the host has done

  epochWritten(file: EpochFile): void {
    if (this.#state === 'promising' && file === 'acceptedEpoch') this.#promise(true)
    else if (this.#state === 'entering' && file === 'currentEpoch') this.#onEpochEntered()
    this.#read()
  }

  truncated(): void {
    if (this.#state !== 'truncating') return
    this.#become('synchronising')
    this.#read()
  }

  historySaved(): void {
    if (this.#state !== 'saving') return
    this.#bypassesLog = false
    this.#durable = this.#covered
    this.#keepHistory()
    this.#read()
  }

  durable(zxid: Zxid): void {
    this.#durable = zxid
    if (this.#state === 'following') {
      this.#acknowledge()
    } else if (this.#state === 'logging' && zxid >= this.#lastAppended) {
      this.#onHistoryLogged()
      this.#read()
    }
  }

  // What a server asks of its leader

  forward(
    sessionHigh: number,
    sessionLow: number,
    cxid: number,
    op: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    identities: readonly Id[] | null,
  ): void {
    assert(this.#state === 'following', () => `a request is forwarded while ${this.#state}`)
    const out = this.#host.links.output(this.#link)
    const at = beginPacket(out, PacketType.request)
    out.int(sessionHigh)
    out.int(sessionLow)
    out.int(cxid)
    out.int(op)
    out.raw(bytes, start, end)
    endPacket(out, at, identities)
  }

  revalidate(sessionId: bigint, timeoutMs: number): void {
    assert(this.#state === 'following', () => `a session is revalidated while ${this.#state}`)
    const out = this.#host.links.output(this.#link)
    const at = beginPacket(out, PacketType.revalidate)
    out.long(sessionId)
    out.int(timeoutMs)
    endPacket(out, at)
  }

  // Reaching the leader (`Learner.connectToLeader`): it may be some moments behind us in learning
  // that it leads, and listens only then.

  #dial(): void {
    const remainingMs = this.#connectLimitMs() - (this.#host.nowMs - this.#startedMs)
    if (remainingMs <= 0) {
      this.#leave('the leader could not be reached in time')
      return
    }
    this.#tries++
    this.#become('connecting')
    this.#link = this.#host.links.dial('zab', this.#options.leaderAddress, remainingMs)
  }

  #rest(reason: string): void {
    const { nowMs } = this.#host
    const { connectRetryMs } = this.#options.timing
    const elapsedMs = nowMs - this.#startedMs
    if (this.#tries >= CONNECT_TRIES_MAX || elapsedMs + connectRetryMs >= this.#connectLimitMs()) {
      this.#leave(`the leader could not be reached: ${reason}`)
      return
    }
    mark('learning.dialled-again')
    this.#retryAtMs = nowMs + connectRetryMs
    this.#become('resting')
  }

  #connectLimitMs(): number {
    const { connectLimit, initLimit, tickMs } = this.#options.timing
    return (connectLimit > 0 ? connectLimit : initLimit) * tickMs
  }

  // Reading

  /** Takes up what has arrived, as far as this server's own disk lets it. */
  #read(): void {
    try {
      while (STATES[this.#state].reads && this.#readOne());
    } catch (error) {
      if (!(error instanceof MalformedRecord)) throw error
      mark('learning.malformed')
      this.#leave(`what the leader sent cannot be read: ${error.message}`)
    }
    if (this.#stream.waitingBytes + this.#queue.byteCount > LEARNER_BACKLOG_BYTES_MAX) {
      this.#leave('the leader is too far ahead of what the disk here can take')
    }
  }

  #readOne(): boolean {
    if (this.#state === 'receiving') return this.#receive()
    if (!this.#stream.next()) return false
    const { packet } = this.#stream
    if (this.#state === 'following') this.#onBroadcast(packet)
    else if (this.#state === 'discovering') this.#onLeaderInfo(packet)
    else if (this.#state === 'awaiting-direction') this.#onDirection(packet)
    else this.#onSync(packet)
    return true
  }

  // Discovery: the leader's epoch, and what we promise it (`Learner.registerWithLeader`)

  #onLeaderInfo(packet: QuorumPacket): void {
    if (packet.type !== PacketType.leaderInfo) {
      this.#leave(`the leader began with ${packetName(packet.type)}`)
      return
    }
    packetInt(packet, this.#reader)
    const epoch = epochOf(packet.zxid)
    const { accepted } = this.#host.epochs
    if (epoch < accepted) {
      mark('learning.older-epoch')
      this.#leave(`the leader's epoch ${epoch} is behind ${accepted}, which is promised`)
      return
    }
    this.#epoch = epoch
    if (epoch === accepted) {
      this.#promise(false)
      return
    }
    this.#become('promising')
    this.#host.writeEpoch('acceptedEpoch', epoch)
    if (this.#options.faults.promisesEpochEarly) this.#promise(true)
  }

  /**
   * An epoch is promised once. Whoever had accepted it before says so with -1, and is not counted:
   * it may have promised itself to another leader of that epoch.
   */
  #promise(isNew: boolean): void {
    const { epochs, history, links } = this.#host
    if (!isNew) mark('learning.epoch-known')
    const answer = isNew ? epochs.current : -1
    const out = links.output(this.#link)
    writeIntPacket(out, PacketType.ackEpoch, history.lastLogged, answer)
    this.#become('awaiting-direction')
  }

  // Synchronisation (`Learner.syncWithLeader`)

  #onDirection(packet: QuorumPacket): void {
    const { zxid } = packet
    const { lastLogged } = this.#host.history
    if (epochOf(zxid) > this.#epoch) {
      this.#leave(`the leader of epoch ${this.#epoch} knows ${formatZxid(zxid)}`)
      return
    }
    switch (packet.type) {
      case PacketType.diff:
        mark('learning.diff')
        this.#queue.begin(lastLogged, false)
        this.#become('synchronising')
        return
      case PacketType.trunc:
        if (zxid > lastLogged) {
          this.#leave(`the leader cuts back to ${formatZxid(zxid)}, which is not in the log`)
          return
        }
        mark('learning.trunc')
        this.#startOverFrom(zxid, false)
        this.#become('truncating')
        this.#host.truncate(zxid)
        return
      case PacketType.snap:
        mark('learning.snap')
        this.#startOverFrom(zxid, true)
        this.#become('receiving')
        this.#host.beginSnapshot(zxid)
        return
      default:
        this.#leave(`the leader began to synchronise with ${packetName(packet.type)}`)
    }
  }

  #startOverFrom(zxid: Zxid, mayRepeat: boolean): void {
    this.#bypassesLog = true
    this.#covered = zxid
    this.#queue.begin(zxid, mayRepeat)
  }

  #receive(): boolean {
    const stream = this.#stream
    if (!stream.hasWindow()) return false
    const { bytes, start, end } = stream
    const stopped = this.#host.takeSnapshot(bytes, start, end)
    stream.readUpTo(stopped)
    if (this.#host.isSnapshotWhole) this.#become('synchronising')
    else assert(stopped === end, 'a snapshot that is not whole takes all there is')
    return true
  }

  #onSync(packet: QuorumPacket): void {
    switch (packet.type) {
      case PacketType.proposal:
        this.#addProposal(packet, 0)
        return
      case PacketType.inform:
        if (this.#addProposal(packet, 0) !== null) this.#onCommitInSync(packet.zxid)
        return
      case PacketType.informAndActivate:
        if (this.#addProposal(packet, LEADER_BYTES) === null) return
        this.#activations.set(packet.zxid, this.#designatedLeader(packet))
        this.#onCommitInSync(packet.zxid)
        return
      case PacketType.commitAndActivate:
        this.#activations.set(packet.zxid, this.#designatedLeader(packet))
        this.#onCommitInSync(packet.zxid)
        return
      case PacketType.commit:
        this.#onCommitInSync(packet.zxid)
        return
      case PacketType.newLeader:
        if (this.#state === 'synchronising') this.#onNewLeader(packet)
        else this.#ignore(packet)
        return
      case PacketType.upToDate:
        if (this.#state === 'in-step') this.#onUpToDate()
        else this.#leave('the leader serves before it has said in which epoch')
        return
      case PacketType.ping:
        // A leader hears nothing but ACKs until it has said UPTODATE.
        return
      default:
        this.#ignore(packet)
    }
  }

  /**
   * What was proposed may be committed on either side of NEWLEADER and of UPTODATE
   * (ZOOKEEPER-4394): it waits in the queue for the next step.
   */
  #onCommitInSync(zxid: Zxid): void {
    const { faults } = this.#options
    if (this.#state === 'in-step') {
      mark('learning.commit-before-up-to-date')
      assert(!faults.expectsNoCommitInSync, 'a commit came before the leader was established')
    }
    if (!this.#commit(zxid)) return
    if (this.#bypassesLog) this.#applyCommitted(false)
  }

  /** The epoch begins: what the leader has committed so far is made durable, then the epoch. */
  #onNewLeader(packet: QuorumPacket): void {
    if (packet.zxid !== zxidOf(this.#epoch, 0)) {
      this.#leave(`NEWLEADER ${formatZxid(packet.zxid)} in epoch ${this.#epoch}`)
      return
    }
    this.#learnMembership(packet)
    if (!this.#bypassesLog) {
      this.#keepHistory()
      return
    }
    // ZOOKEEPER-3104: until it is saved there is nothing here that could be acknowledged.
    this.#become('saving')
    this.#host.saveHistory()
    if (this.#options.faults.trustsUnsavedSnapshot) this.#acknowledgeLeader()
  }

  #learnMembership(packet: QuorumPacket): void {
    // Leaders before 3.5 say nothing of their ensemble.
    if (packet.start < 0 || packet.end - packet.start <= 1) return
    const { membership, proposedMembership } = this.#host
    const learnt = this.#host.membershipOf(decodeUtf8(packet.bytes, packet.start, packet.end))
    this.#membership = learnt
    const known = (proposedMembership ?? membership).version
    // Also an older one than is known as proposed: that proposal has not survived its leader.
    if (learnt.version !== known && learnt.version >= membership.version) {
      if (learnt.version < known) mark('learning.reconfiguration-dropped')
      this.#host.proposeMembership(learnt)
    }
  }

  /** History first, then the epoch: whoever holds the epoch must hold its history (4643). */
  #keepHistory(): void {
    if (this.#options.faults.entersEpochEarly) this.#enterEpoch()
    else this.#logHistory()
  }

  #logHistory(): void {
    const { faults } = this.#options
    this.#become('logging')
    this.#applyCommitted(true)
    if (this.#isOver()) return
    if (this.#queue.length > 0) mark('learning.uncommitted-over-new-leader')
    if (faults.dropsUncommitted) this.#queue.clear()
    if (faults.acknowledgesEarly) this.#acknowledgeLeader()
    if (this.#lastAppended <= this.#durable) this.#onHistoryLogged()
  }

  #onHistoryLogged(): void {
    if (this.#options.faults.entersEpochEarly) this.#stepIn()
    else this.#enterEpoch()
  }

  #enterEpoch(): void {
    this.#become('entering')
    if (this.#host.epochs.current === this.#epoch) this.#onEpochEntered()
    else this.#host.writeEpoch('currentEpoch', this.#epoch)
  }

  #onEpochEntered(): void {
    if (this.#options.faults.entersEpochEarly) this.#logHistory()
    else this.#stepIn()
  }

  #stepIn(): void {
    this.#become('in-step')
    if (!this.#hasAcknowledgedLeader) this.#acknowledgeLeader()
  }

  #acknowledgeLeader(): void {
    this.#hasAcknowledgedLeader = true
    writePacket(this.#host.links.output(this.#link), PacketType.ack, zxidOf(this.#epoch, 0))
  }

  /** A quorum follows the leader: this server serves, and catches up with what came meanwhile. */
  #onUpToDate(): void {
    const { isVoter, faults } = this.#options
    const learnt = this.#membership
    if (learnt !== null && learnt.version > this.#host.membership.version) {
      if (!this.#host.commitMembership(learnt)) {
        this.#leave('the ensemble has another role for this server')
        return
      }
    }
    this.#acknowledgeLeader()
    this.#become('following')
    this.#host.follow(this.#epoch)
    if (isVoter) {
      const skipped = faults.skipsLogInSync ? this.#queue.committedCount : 0
      for (let i = skipped; i < this.#queue.length; i++) this.#log(this.#queue.at(i))
      this.#logsProposals = true
      this.#acknowledge()
    }
    this.#applyCommitted(!isVoter)
  }

  // Broadcast (`Follower.processPacket`, `Observer.processPacket`)

  #onBroadcast(packet: QuorumPacket): void {
    const { isVoter } = this.#options
    switch (packet.type) {
      case PacketType.proposal:
        if (isVoter) this.#onProposal(packet)
        else this.#ignore(packet)
        return
      case PacketType.commit:
        if (!isVoter) this.#ignore(packet)
        else if (this.#commit(packet.zxid)) this.#applyCommitted(false)
        return
      case PacketType.commitAndActivate:
        this.#activations.set(packet.zxid, this.#designatedLeader(packet))
        if (this.#commit(packet.zxid)) this.#applyCommitted(false)
        return
      case PacketType.inform:
      case PacketType.informAndActivate:
        if (isVoter) this.#ignore(packet)
        else this.#onInform(packet)
        return
      case PacketType.ping:
        this.#answerPing(packet)
        return
      case PacketType.sync:
        this.#host.synced()
        return
      case PacketType.revalidate:
        this.#onRevalidated(packet)
        return
      default:
        this.#ignore(packet)
    }
  }

  #onProposal(packet: QuorumPacket): void {
    const entry = this.#addProposal(packet, 0)
    if (entry === null) return
    this.#log(entry)
    // What a snapshot brought is durable already.
    if (entry.zxid <= this.#covered) this.#acknowledge()
  }

  /** An observer is told of transactions when they are committed. */
  #onInform(packet: QuorumPacket): void {
    const activates = packet.type === PacketType.informAndActivate
    if (this.#addProposal(packet, activates ? LEADER_BYTES : 0) === null) return
    if (activates) this.#activations.set(packet.zxid, this.#designatedLeader(packet))
    if (this.#commit(packet.zxid)) this.#applyCommitted(true)
  }

  #answerPing(packet: QuorumPacket): void {
    const out = this.#host.links.output(this.#link)
    const at = beginPacket(out, PacketType.ping, packet.zxid)
    this.#host.writeTouches(out)
    endPacket(out, at)
  }

  #onRevalidated(packet: QuorumPacket): void {
    const reader = this.#dataOf(packet)
    const sessionId = reader.long()
    this.#host.revalidated(sessionId, reader.bool())
  }

  // Transactions

  /** Null where the proposal is refused: then the leader is left. */
  #addProposal(packet: QuorumPacket, skip: number): LogEntry | null {
    const entry = proposedEntry(packet, skip, this.#reader)
    const problem =
      epochOf(entry.zxid) > this.#epoch ? 'a proposal of a later epoch' : this.#queue.add(entry)
    if (problem !== null) {
      mark('learning.gap')
      this.#leave(`the leader broke its promise: ${problem}`)
      return null
    }
    const text = membershipTextOf(entry, this.#reader)
    if (text !== null) this.#onReconfiguration(text)
    return entry
  }

  /** From its proposal on, the new membership has a say in elections (ZooKeeper 3.9, reconfig). */
  #onReconfiguration(text: string): void {
    const { membership, proposedMembership } = this.#host
    const proposed = this.#host.membershipOf(text)
    if (proposed.version <= membership.version) return
    if (proposed.version === proposedMembership?.version) return
    this.#host.proposeMembership(proposed)
  }

  /** A leader that commits out of order is left, but it does not take this process with it. */
  #commit(zxid: Zxid): boolean {
    const problem = this.#queue.commit(zxid)
    if (problem === null) return true
    if (this.#options.faults.dropsUncommitted) return false
    mark('learning.commit-out-of-order')
    this.#leave(`the leader broke its promise: ${problem}`)
    return false
  }

  /** Into the log, and in its turn among what is acknowledged. */
  #log(entry: LogEntry): void {
    if (this.#options.faults.acknowledgesUnlogged && !this.#logsProposals) {
      writePacket(this.#host.links.output(this.#link), PacketType.ack, entry.zxid)
    } else {
      this.#unacknowledged.push(entry.zxid)
    }
    this.#append(entry)
  }

  #append(entry: LogEntry): void {
    if (entry.zxid <= this.#covered) {
      mark('learning.proposal-in-snapshot')
      return
    }
    this.#host.append(entry)
    this.#lastAppended = entry.zxid
  }

  /** One ACK for each proposal: a leader of ZooKeeper counts them one by one. */
  #acknowledge(): void {
    const durable = Math.max(this.#durable, this.#covered)
    for (;;) {
      const zxid = this.#unacknowledged.peek()
      if (zxid === undefined || zxid > durable) return
      this.#unacknowledged.shift()
      writePacket(this.#host.links.output(this.#link), PacketType.ack, zxid)
    }
  }

  #applyCommitted(appends: boolean): void {
    for (;;) {
      const entry = this.#queue.takeCommitted()
      if (entry === undefined) return
      if (appends) this.#append(entry)
      if (entry.zxid > this.#covered) this.#host.apply(entry)
      const designated = this.#activations.get(entry.zxid)
      if (designated === undefined) continue
      this.#activations.delete(entry.zxid)
      if (!this.#activate(entry, designated)) return
    }
  }

  // Reconfiguration

  #designatedLeader(packet: QuorumPacket): number {
    return this.#dataOf(packet).safeLong()
  }

  #dataOf(packet: QuorumPacket): JuteReader {
    if (packet.start < 0) throw new MalformedRecord(`${packetName(packet.type)} without data`)
    this.#reader.reset(packet.bytes, packet.start, packet.end)
    return this.#reader
  }

  /** Returns whether this server goes on learning from the leader that it has. */
  #activate(entry: LogEntry, designated: number): boolean {
    const text = membershipTextOf(entry, this.#reader)
    if (text === null) {
      this.#leave('the leader broke its promise: what it activates is no reconfiguration')
      return false
    }
    const decided = this.#host.membershipOf(text)
    let keepsRole = true
    if (decided.version > this.#host.membership.version) {
      keepsRole = this.#host.commitMembership(decided)
    }
    if (keepsRole && designated === this.#options.leader) return true
    mark('learning.reconfigured-away')
    this.#hangUp()
    this.#host.leaveFor(designated, 'the ensemble was reconfigured')
    return false
  }

  // The end

  #ignore(packet: QuorumPacket): void {
    mark('learning.unexpected-packet')
    const fields = { type: packetName(packet.type), zxid: formatZxid(packet.zxid) }
    this.#host.remark('warn', 'ignored a packet that the leader should not have sent', fields)
  }

  #leave(reason: string): void {
    if (this.#isOver()) return
    this.#hangUp()
    this.#host.leave(reason)
  }

  #hangUp(): void {
    if (this.#link !== NO_LINK) this.#host.links.hangUp(this.#link)
    this.#link = NO_LINK
    this.#become('over')
  }

  #isOver(): boolean {
    return this.#state === 'over'
  }

  #become(state: State): void {
    this.#state = state
    this.#heardMs = this.#host.nowMs
  }
}

interface StateTraits {
  readonly phase: ZabPhase
  /** Whether packets are taken up; where not, this server's own disk is at work. */
  readonly reads: boolean
  /** How long the leader may be silent; its silence does not count while we do not listen. */
  readonly patience: 'none' | 'init' | 'sync'
}

const traits = (
  phase: ZabPhase,
  reads: boolean,
  patience: StateTraits['patience'],
): StateTraits => ({ phase, reads, patience })

/** In the order in which a learner goes through them; `over` can follow each. */
const STATES = {
  idle: traits('discovery', false, 'none'),
  connecting: traits('discovery', false, 'none'),
  /** Between two attempts to connect. */
  resting: traits('discovery', false, 'none'),
  discovering: traits('discovery', true, 'init'),
  /** The accepted epoch is being written. */
  promising: traits('discovery', false, 'none'),
  'awaiting-direction': traits('synchronization', true, 'init'),
  /** A snapshot is coming in. */
  receiving: traits('synchronization', true, 'init'),
  truncating: traits('synchronization', false, 'none'),
  synchronising: traits('synchronization', true, 'init'),
  /** NEWLEADER has come: what a snapshot or a cut has made of the database is being saved, */
  saving: traits('synchronization', false, 'none'),
  /** what is committed is on its way to the log, */
  logging: traits('synchronization', false, 'none'),
  /** and the current epoch is being written. */
  entering: traits('synchronization', false, 'none'),
  /** NEWLEADER is acknowledged. */
  'in-step': traits('synchronization', true, 'sync'),
  following: traits('broadcast', true, 'sync'),
  over: traits('discovery', false, 'none'),
} as const satisfies Record<string, StateTraits>

type State = keyof typeof STATES

const NO_LINK: LinkId = 0
const CONNECT_TRIES_MAX = 5
/** The designated leader's id before the transaction of INFORMANDACTIVATE. */
const LEADER_BYTES = 8
