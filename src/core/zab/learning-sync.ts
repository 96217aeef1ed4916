// How a learner is brought in step with its leader, from the promise of an epoch to the word that
// the leader serves (ZooKeeper 3.9 `Learner.syncWithLeader`; Zab paper, phase 2). It owns the order
// in which things become durable here, each of which has been wrong once:
//
//   TRUNC  the log cut ─┐
//   DIFF   ─────────────┴► what is committed into the log ┐
//   SNAP   ──────────────► the database as a whole saved  ┴► current epoch ─► ACK of NEWLEADER
//
// (ZooKeeper saves the database after TRUNC, too. Cut and read again, it is what the log says, and
// what follows can be logged; it need not be ahead of the log for a moment.)
//
// What is proposed, but not committed, before NEWLEADER or after it waits for UPTODATE: it is the
// leader's to commit, and its acknowledgement comes after that of NEWLEADER (ZOOKEEPER-3911, 4685).

import { assert } from '../../base/assert.ts'
import { mark } from '../../base/marks.ts'
import { decodeUtf8 } from '../../base/text.ts'
import { epochOf, formatZxid, type Zxid, zxidOf } from '../../base/zxid.ts'
import type { PacketStream } from '../peer/packet-stream.ts'
import type { Membership } from '../quorum/membership.ts'
import { packetName, PacketType, type QuorumPacket } from '../records/quorum-packet.ts'
import type { LearningLedger } from './learning-ledger.ts'
import type { LearnerHost, ZabOptions } from './zab-host.ts'

/** In the order in which they come; some are left out. */
export type SyncState =
  /** ACKEPOCH is sent: DIFF, TRUNC or SNAP will follow. */
  | 'awaiting-direction'
  | 'receiving-snapshot'
  | 'truncating'
  /** Proposals and commits come in. */
  | 'gathering'
  /** NEWLEADER has come: the database that was received is being saved, */
  | 'saving'
  /** what is committed is on its way to the log, */
  | 'logging'
  /** and the current epoch is being written. */
  | 'entering'
  /** NEWLEADER is acknowledged. */
  | 'in-step'
  /** UPTODATE has come. */
  | 'done'

export class LearningSync {
  readonly #options: ZabOptions
  readonly #host: LearnerHost
  readonly #ledger: LearningLedger
  #state: SyncState = 'awaiting-direction'
  /** What NEWLEADER said of the ensemble; null where it said nothing. */
  #membership: Membership | null = null
  /** What was known of the ensemble when the leader was come to. */
  readonly #knownBefore: readonly [Membership, Membership | null]
  /** Brought in step by another database: what follows is applied at once and saved with it. */
  #bypassesLog = false
  #hasAcknowledged = false

  constructor(options: ZabOptions, host: LearnerHost, ledger: LearningLedger) {
    this.#options = options
    this.#host = host
    this.#ledger = ledger
    this.#knownBefore = [host.membership, host.proposedMembership]
  }

  get state(): SyncState {
    return this.#state
  }

  /** Whether this server's own disk is at work, and nothing more is read meanwhile. */
  get awaitsDisk(): boolean {
    const state = this.#state
    return (
      state === 'truncating' || state === 'saving' || state === 'logging' || state === 'entering'
    )
  }

  get isDone(): boolean {
    return this.#state === 'done'
  }

  /** Takes up the next packet, or piece of a snapshot; false where there is none yet. */
  readFrom(stream: PacketStream): boolean {
    if (this.#state === 'receiving-snapshot') return this.#receive(stream)
    if (!stream.next()) return false
    if (this.#state === 'awaiting-direction') this.#onDirection(stream.packet)
    else this.#onPacket(stream.packet)
    return true
  }

  /** Returns false where the log could not be cut: only another database helps. */
  truncated(isDone: boolean): boolean {
    if (this.#state !== 'truncating') return true
    if (isDone) this.#state = 'gathering'
    return isDone
  }

  historySaved(): void {
    if (this.#state !== 'saving') return
    this.#bypassesLog = false
    this.#keepHistory()
  }

  durable(): void {
    if (this.#state === 'logging' && this.#ledger.isDurable) this.#onHistoryLogged()
  }

  currentEpochWritten(): void {
    if (this.#state === 'entering') this.#onEpochEntered()
  }

  #onDirection(packet: QuorumPacket): void {
    const { zxid } = packet
    const { lastLogged } = this.#host.history
    if (epochOf(zxid) > this.#ledger.epoch) {
      this.#ledger.end(`the leader of epoch ${this.#ledger.epoch} knows ${formatZxid(zxid)}`)
      return
    }
    switch (packet.type) {
      case PacketType.diff:
        if (zxid < lastLogged && !this.#options.faults.neverTruncates) {
          this.#ledger.end(`the leader ends at ${formatZxid(zxid)}, but does not cut back`)
          return
        }
        mark('learning.diff')
        this.#ledger.continueFrom(lastLogged)
        this.#state = 'gathering'
        return
      case PacketType.trunc:
        if (zxid > lastLogged) {
          this.#ledger.end(`the leader cuts back to ${formatZxid(zxid)}, which is not in the log`)
          return
        }
        mark('learning.trunc')
        this.#ledger.continueFrom(zxid)
        this.#state = 'truncating'
        this.#host.truncate(zxid)
        return
      case PacketType.snap:
        mark('learning.snap')
        // The proposals that follow go on from where the leader was when it decided to send a
        // snapshot; the snapshot itself is younger.
        this.#ledger.startOverFrom(zxid)
        this.#bypassesLog = true
        this.#state = 'receiving-snapshot'
        this.#host.beginSnapshot(zxid)
        return
      default:
        this.#ledger.end(`the leader began to synchronise with ${packetName(packet.type)}`)
    }
  }

  #receive(stream: PacketStream): boolean {
    if (!stream.hasWindow()) return false
    const { bytes, start, end } = stream
    const stopped = this.#host.takeSnapshot(bytes, start, end)
    stream.readUpTo(stopped)
    if (this.#host.isSnapshotWhole) this.#state = 'gathering'
    else assert(stopped === end, 'a snapshot that is not whole takes all there is')
    return true
  }

  #onPacket(packet: QuorumPacket): void {
    switch (packet.type) {
      case PacketType.proposal:
        this.#ledger.propose(packet, 0)
        return
      case PacketType.commit:
        this.#onCommitted(this.#ledger.commit(packet.zxid))
        return
      case PacketType.commitAndActivate:
        this.#onCommitted(this.#ledger.commitAndActivate(packet))
        return
      case PacketType.inform:
        if (this.#ledger.propose(packet, 0) === null) return
        this.#onCommitted(this.#ledger.commit(packet.zxid))
        return
      case PacketType.informAndActivate:
        if (this.#ledger.propose(packet, DESIGNATED_LEADER_BYTES) === null) return
        this.#onCommitted(this.#ledger.commitAndActivate(packet))
        return
      case PacketType.newLeader:
        if (this.#state === 'gathering') this.#onNewLeader(packet)
        return
      case PacketType.upToDate:
        if (this.#state === 'in-step') this.#onUpToDate()
        else this.#ledger.end('the leader serves before it has said in which epoch')
        return
      default:
      // PINGs, above all: they are not answered before UPTODATE, as ZooKeeper's learners do it.
    }
  }

  /**
   * A commit may come on either side of NEWLEADER and of UPTODATE, whatever the side on which its
   * proposal came (ZOOKEEPER-4394).
   */
  #onCommitted(isExpected: boolean): void {
    if (this.#state === 'in-step') {
      mark('learning.commit-before-up-to-date')
      assert(!this.#options.faults.expectsNoCommitInSync, 'a commit came before UPTODATE')
    }
    if (isExpected && this.#bypassesLog) this.#ledger.applyCommitted(false)
  }

  /** The epoch begins: what the leader has committed so far is made durable, then the epoch. */
  #onNewLeader(packet: QuorumPacket): void {
    if (packet.zxid !== zxidOf(this.#ledger.epoch, 0)) {
      this.#ledger.end(`NEWLEADER ${formatZxid(packet.zxid)} in epoch ${this.#ledger.epoch}`)
      return
    }
    this.#learnMembership(packet)
    if (!this.#bypassesLog) {
      this.#keepHistory()
      return
    }
    // Until it is saved there is nothing here that could be acknowledged (ZOOKEEPER-3104).
    this.#state = 'saving'
    this.#host.saveHistory()
    if (this.#options.faults.trustsUnsavedSnapshot) this.#acknowledge()
  }

  #learnMembership(packet: QuorumPacket): void {
    // Leaders before 3.5 say nothing of their ensemble.
    if (packet.start < 0 || packet.end - packet.start <= 1) return
    const { membership, proposedMembership } = this.#host
    const learnt = this.#host.membershipOf(decodeUtf8(packet.bytes, packet.start, packet.end))
    this.#membership = learnt
    const known = (proposedMembership ?? membership).version
    if (learnt.version === known || learnt.version < membership.version) return
    // An older one than the one proposed here: that proposal has not survived its leader.
    if (learnt.version < known) mark('learning.reconfiguration-dropped')
    this.#host.proposeMembership(learnt)
  }

  /** History before the epoch: whoever has the epoch must have its history (ZOOKEEPER-4643). */
  #keepHistory(): void {
    if (this.#options.faults.entersEpochEarly) this.#enterEpoch()
    else this.#logHistory()
  }

  #logHistory(): void {
    const { faults } = this.#options
    this.#state = 'logging'
    this.#ledger.applyCommitted(true)
    if (this.#ledger.ending !== null) return
    if (this.#ledger.waitingCount > 0) mark('learning.uncommitted-over-new-leader')
    if (faults.dropsUncommitted) this.#ledger.forgetWaiting()
    if (faults.acknowledgesEarly) this.#acknowledge()
    this.durable()
  }

  #onHistoryLogged(): void {
    if (this.#options.faults.entersEpochEarly) this.#stepIn()
    else this.#enterEpoch()
  }

  #enterEpoch(): void {
    const { epoch } = this.#ledger
    this.#state = 'entering'
    // A membership that came on the way is being written. What is written behind it, be it the same
    // epoch once more, is durable after it: the acknowledgement speaks of both.
    const { epochs, membership, proposedMembership } = this.#host
    const [before, proposedBefore] = this.#knownBefore
    const hasNewMembership = membership !== before || proposedMembership !== proposedBefore
    const isEntered = epochs.current === epoch && !hasNewMembership
    if (isEntered) this.#onEpochEntered()
    else this.#host.writeEpoch('currentEpoch', epoch)
  }

  #onEpochEntered(): void {
    if (this.#options.faults.entersEpochEarly) this.#logHistory()
    else this.#stepIn()
  }

  #stepIn(): void {
    this.#state = 'in-step'
    if (!this.#hasAcknowledged) this.#acknowledge()
  }

  #acknowledge(): void {
    this.#hasAcknowledged = true
    this.#ledger.acknowledge(zxidOf(this.#ledger.epoch, 0))
  }

  /**
   * A quorum follows the leader, and what NEWLEADER said of the ensemble is decided with that, unless
   * it is a reconfiguration that this very leader has proposed: that one is decided with its
   * transaction. (ZooKeeper 3.9 `Learner.syncWithLeader` takes it for decided. Whoever did that could
   * elect another leader by a membership that is given up with this one.)
   */
  #onUpToDate(): void {
    const learnt = this.#membership
    const isNews = learnt !== null && learnt.version > this.#host.membership.version
    const isOpen = isNews && this.#ledger.isWaiting(learnt.version as Zxid)
    if (isOpen) mark('learning.reconfiguration-under-way')
    if (isNews && !isOpen) {
      if (!this.#host.commitMembership(learnt)) {
        this.#ledger.end('the ensemble has another role for this server')
        return
      }
    }
    this.#acknowledge()
    this.#state = 'done'
  }
}

/** The designated leader's id, before the transaction of INFORMANDACTIVATE. */
export const DESIGNATED_LEADER_BYTES = 8
