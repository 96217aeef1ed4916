// What one learner has been told of transactions, and what it has made of them: proposed, committed,
// logged, durable, acknowledged, applied. It is the learner's bookkeeping over all phases of its life
// with a leader; which of these steps is due when, it leaves to its owners. Where the leader breaks
// a promise, or the ensemble sends this server elsewhere, it notes the ending and does no more.

import { mark } from '../../base/marks.ts'
import { Ring } from '../../base/ring.ts'
import { EMPTY_BYTES } from '../../base/text.ts'
import { epochOf, type Zxid, ZXID_NONE } from '../../base/zxid.ts'
import type { LinkId } from '../../ports/peer-network.ts'
import { JuteReader, MalformedRecord } from '../jute/reader.ts'
import { packetName, PacketType, type QuorumPacket, writePacket } from '../records/quorum-packet.ts'
import type { Membership } from '../quorum/membership.ts'
import type { LogEntry } from './log-entry.ts'
import { ProposalQueue } from './proposal-queue.ts'
import { membershipTextOf, proposedEntry } from './proposed-entry.ts'
import type { LearnerHost, ZabOptions } from './zab-host.ts'

/** Why a learner's life with its leader is over. */
export interface Ending {
  readonly reason: string
  /** Who leads from here on, where the ensemble has decided that; null where it is to be found out. */
  readonly designatedLeader: number | null
}

export interface LedgerOptions extends ZabOptions {
  readonly leader: number
}

export class LearningLedger {
  /** The link to the leader and its epoch, once there are any. */
  link: LinkId = 0
  epoch: number
  ending: Ending | null = null

  readonly #options: LedgerOptions
  readonly #host: LearnerHost
  readonly #reader = new JuteReader(EMPTY_BYTES)
  readonly #queue = new ProposalQueue()
  /** What has to be acknowledged, in order, once it is durable. */
  readonly #unacknowledged = new Ring<Zxid>()
  /** Reconfigurations that are to be activated when they are applied, and who leads then. */
  readonly #activations = new Map<Zxid, number>()
  /** Everything up to here came with a snapshot: neither logged nor applied again. */
  #covered: Zxid = ZXID_NONE
  #lastAppended: Zxid = ZXID_NONE
  #durable: Zxid = ZXID_NONE
  /** Whether everything in the queue has been appended to the log as well. */
  #isQueueLogged = false

  constructor(options: LedgerOptions, host: LearnerHost) {
    this.#options = options
    this.#host = host
    this.epoch = host.epochs.current
  }

  end(reason: string, designatedLeader: number | null = null): void {
    this.ending ??= { reason, designatedLeader }
  }

  /** Proposals that have not been applied. */
  get waitingCount(): number {
    return this.#queue.length
  }

  /** Whether this proposal is one of them. */
  isWaiting(zxid: Zxid): boolean {
    for (let i = 0; i < this.#queue.length; i++) if (this.#queue.at(i).zxid === zxid) return true
    return false
  }

  get waitingBytes(): number {
    return this.#queue.byteCount
  }

  /** History goes on from the end of the log. */
  continueFrom(zxid: Zxid): void {
    this.#queue.begin(zxid, false)
  }

  /** History goes on from a database that the leader has sent. */
  startOverFrom(zxid: Zxid): void {
    this.#covered = zxid
    this.#queue.begin(zxid, true)
  }

  /**
   * Takes the proposal that a packet carries behind `skip` bytes; null where it breaks a promise.
   * Throws MalformedRecord.
   */
  propose(packet: QuorumPacket, skip: number): LogEntry | null {
    const entry = proposedEntry(packet, skip, this.#reader)
    this.#host.checkTransaction(entry)
    // Everything that may be unreadable is read before the proposal is taken up.
    const text = membershipTextOf(entry, this.#reader)
    const proposed = text === null ? null : this.#host.membershipOf(text)
    const problem =
      epochOf(entry.zxid) > this.epoch ? 'a proposal of a later epoch' : this.#queue.add(entry)
    if (problem !== null) {
      mark('learning.gap')
      this.end(`the leader broke its promise: ${problem}`)
      return null
    }
    if (proposed !== null) this.#onReconfiguration(proposed)
    return entry
  }

  /**
   * The oldest proposal is committed; false where another one should have been. ZooKeeper ends its
   * process there; we leave the leader, since it is the one that is not to be trusted.
   */
  commit(zxid: Zxid): boolean {
    const problem = this.#queue.commit(zxid)
    if (problem === null) return true
    if (this.#options.faults.dropsUncommitted) return false
    mark('learning.commit-out-of-order')
    this.end(`the leader broke its promise: ${problem}`)
    return false
  }

  /** Commits the reconfiguration that the packet names, which is to take effect when applied. */
  commitAndActivate(packet: QuorumPacket): boolean {
    if (packet.start < 0) throw new MalformedRecord(`${packetName(packet.type)} without data`)
    this.#reader.reset(packet.bytes, packet.start, packet.end)
    const designatedLeader = this.#reader.safeLong()
    if (!this.commit(packet.zxid)) return false
    this.#activations.set(packet.zxid, designatedLeader)
    return true
  }

  /** Applies what is committed, in order, and appends it before where that is still to be done. */
  applyCommitted(appends: boolean): void {
    while (this.ending === null) {
      const entry = this.#queue.takeCommitted()
      if (entry === undefined) return
      if (appends) this.#append(entry)
      if (entry.zxid > this.#covered) this.#host.apply(entry)
      if (this.#activations.size > 0) this.#activateWith(entry)
    }
  }

  /** Into the log, and in its turn among what is acknowledged. */
  log(entry: LogEntry): void {
    this.#unacknowledged.push(entry.zxid)
    this.#append(entry)
    // What came with a snapshot is durable already.
    if (entry.zxid <= this.#covered) this.#acknowledgeDurable()
  }

  /** Everything that waits goes into the log, and from now on all that is proposed. */
  logWaiting(): void {
    const { faults } = this.#options
    const applied = faults.skipsLogInSync ? this.#queue.committedCount : 0
    for (let i = applied; i < this.#queue.length; i++) {
      const entry = this.#queue.at(i)
      if (faults.acknowledgesUnlogged) {
        this.acknowledge(entry.zxid)
        this.#append(entry)
      } else {
        this.log(entry)
      }
    }
    this.#isQueueLogged = true
  }

  /** The log is on disk up to `zxid`. */
  onDurable(zxid: Zxid): void {
    this.#durable = zxid
    this.#acknowledgeDurable()
  }

  /** Whether everything that was appended is on disk. */
  get isDurable(): boolean {
    return this.#lastAppended <= this.#durable
  }

  acknowledge(zxid: Zxid): void {
    writePacket(this.#host.links.output(this.link), PacketType.ack, zxid)
  }

  /** What was appended and not applied. */
  unapplied(): LogEntry[] {
    const entries: LogEntry[] = []
    for (let i = 0; this.#isQueueLogged && i < this.#queue.length; i++) {
      const entry = this.#queue.at(i)
      if (entry.zxid > this.#covered) entries.push(entry)
    }
    return entries
  }

  /** Only where an old fault is to be had again. */
  forgetWaiting(): void {
    this.#queue.clear()
  }

  #append(entry: LogEntry): void {
    if (entry.zxid <= this.#covered) {
      mark('learning.proposal-in-snapshot')
      return
    }
    this.#host.append(entry)
    this.#lastAppended = entry.zxid
  }

  /** One ACK for each proposal, since a leader of ZooKeeper counts them one by one. */
  #acknowledgeDurable(): void {
    const durable = Math.max(this.#durable, this.#covered)
    for (;;) {
      const zxid = this.#unacknowledged.peek()
      if (zxid === undefined || zxid > durable) return
      this.#unacknowledged.shift()
      this.acknowledge(zxid)
    }
  }

  /**
   * From its proposal on, a new membership has a say in elections, so that a leader that dies in
   * between does not leave two quorums behind (ZooKeeper 3.9, dynamic reconfiguration).
   */
  #onReconfiguration(proposed: Membership): void {
    const { membership, proposedMembership } = this.#host
    if (proposed.version <= membership.version) return
    if (proposed.version === proposedMembership?.version) return
    this.#host.proposeMembership(proposed)
  }

  #activateWith(entry: LogEntry): void {
    const designatedLeader = this.#activations.get(entry.zxid)
    if (designatedLeader === undefined) return
    this.#activations.delete(entry.zxid)
    const text = membershipTextOf(entry, this.#reader)
    if (text === null) {
      this.end('the leader broke its promise: what it activates is no reconfiguration')
      return
    }
    const decided = this.#host.membershipOf(text)
    let keepsRole = true
    if (decided.version > this.#host.membership.version) {
      keepsRole = this.#host.commitMembership(decided)
    }
    if (keepsRole && designatedLeader === this.#options.leader) return
    mark('learning.reconfigured-away')
    this.end('the ensemble was reconfigured', designatedLeader)
  }
}
