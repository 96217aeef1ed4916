// Watches the packets between leaders and learners as they leave, and holds each against what the
// disks of the servers have at that moment: DurableAck, DurableNewLeaderAck, EpochAckOnce,
// CommitQuorum, CommitInOrder, UptodateAfterQuorum. It tells the ledger of epochs and transactions,
// and `ExpiryByLeaderOnly` of what leaders hear and propose.

import { type Zxid, ZXID_ZERO, counterOf, epochOf, formatZxid } from '../../../base/zxid.ts'
import { JuteReader } from '../../../core/jute/reader.ts'
import { PacketType, type QuorumPacket, packetInt } from '../../../core/records/quorum-packet.ts'
import { Violation } from '../../checkers/violation.ts'
import { decodeTxn } from '../../model/model-txn.ts'
import type { FakeLink, PeerTap } from '../fake-peer-network.ts'
import type { ExpiryChecker } from './expiry-checker.ts'
import type { Ledger } from './ledger.ts'
import type { MembershipChecker } from './membership-checker.ts'
import { PacketCutter } from './packet-cutter.ts'
import type { ServerDisk } from './server-disk.ts'

export interface WatchedServers {
  disk(serverId: number): ServerDisk
  /** Where a server's database stands at this moment. */
  lastZxid(serverId: number): Zxid
  /** Whether those servers whose disks are as asked for are a quorum. */
  isQuorum(holds: (disk: ServerDisk) => boolean): boolean
}

/** What has passed over one link. */
interface Passed {
  readonly cutters: readonly [PacketCutter, PacketCutter]
  readonly arrivals: readonly [PacketCutter, PacketCutter]
  epoch: number
  proposed: Zxid
  committed: Zxid
  /** What the learner must have made durable before it acknowledges NEWLEADER. */
  readonly synced: Zxid[]
  hasNewLeader: boolean
  /** The learner logs and acknowledges what is proposed. */
  isFollower: boolean
}

export class PacketWatcher implements PeerTap {
  readonly #servers: WatchedServers
  readonly #ledger: Ledger
  readonly #expiry: ExpiryChecker
  readonly #memberships: MembershipChecker
  readonly #passed = new WeakMap<FakeLink, Passed>()
  /** The newest link of each learner. */
  readonly #newest = new Map<number, Passed>()
  /** The epochs that each server has promised to follow, with a vote that counts. */
  readonly #promised = new Map<number, Set<number>>()
  readonly #reader = new JuteReader(new Uint8Array(0))
  #packets = 0

  constructor(
    servers: WatchedServers,
    ledger: Ledger,
    expiry: ExpiryChecker,
    memberships: MembershipChecker,
  ) {
    this.#servers = servers
    this.#ledger = ledger
    this.#expiry = expiry
    this.#memberships = memberships
  }

  get packets(): number {
    return this.#packets
  }

  /** A server begins anew with nothing: what it promised is forgotten. */
  wiped(serverId: number): void {
    this.#promised.delete(serverId)
    this.#newest.delete(serverId)
  }

  /**
   * A voter's disk is in a new epoch: by then it has everything that its leader told it is
   * committed (ZOOKEEPER-4643).
   */
  entered(disk: ServerDisk, epoch: number): void {
    const passed = this.#newest.get(disk.serverId)
    if (passed === undefined || !passed.isFollower) return
    if (passed.epoch !== epoch || !passed.hasNewLeader) return
    this.#requireSynced(disk, passed, `enters epoch ${epoch}`)
  }

  sent(link: FakeLink, side: 0 | 1, bytes: Uint8Array): void {
    if (link.door !== 'quorum') return
    const passed = this.#of(link)
    const [learner, leader] = link.ends.map((end) => idOf(end.machine)) as [number, number]
    for (const packet of passed.cutters[side].push(bytes)) {
      this.#packets++
      this.#memberships.sent(link, side, learner, packet)
      if (side === 0) this.#fromLearner(learner, passed, packet)
      else this.#fromLeader(leader, learner, passed, packet)
    }
  }

  arrived(link: FakeLink, side: 0 | 1, bytes: Uint8Array): void {
    if (link.door !== 'quorum' || side === 1) return
    const leader = idOf(link.ends[1].machine)
    for (const packet of this.#of(link).arrivals[side].push(bytes)) {
      this.#expiry.heard(leader, packet)
    }
  }

  #of(link: FakeLink): Passed {
    const known = this.#passed.get(link)
    if (known !== undefined) return known
    const passed: Passed = {
      cutters: [new PacketCutter(), new PacketCutter()],
      arrivals: [new PacketCutter(), new PacketCutter()],
      epoch: 0,
      proposed: ZXID_ZERO,
      committed: ZXID_ZERO,
      synced: [],
      hasNewLeader: false,
      isFollower: false,
    }
    this.#passed.set(link, passed)
    return passed
  }

  // What a learner says.

  #fromLearner(learner: number, passed: Passed, packet: QuorumPacket): void {
    const disk = this.#servers.disk(learner)
    const { type, zxid } = packet
    if (type === PacketType.followerInfo) passed.isFollower = true
    else if (type === PacketType.ackEpoch) {
      disk.follow()
      this.#onPromise(learner, disk, passed.epoch, packetInt(packet, this.#reader))
    } else if (type === PacketType.ack) {
      if (!passed.isFollower) return
      disk.follow()
      if (counterOf(zxid) === 0) this.#onNewLeaderAck(learner, disk, passed, zxid)
      else if (!disk.hasLogged(zxid)) {
        throw new Violation(
          'DurableAck',
          `server ${learner} acknowledges ${formatZxid(zxid)}, which its log does not have`,
        )
      }
    }
  }

  #onPromise(learner: number, disk: ServerDisk, epoch: number, vote: number): void {
    if (disk.accepted < epoch) {
      throw new Violation(
        'EpochAckOnce',
        `server ${learner} promises epoch ${epoch}, its disk has accepted ${disk.accepted}`,
      )
    }
    if (vote < 0) return
    let promised = this.#promised.get(learner)
    if (promised === undefined) this.#promised.set(learner, (promised = new Set()))
    if (promised.has(epoch)) {
      throw new Violation('EpochAckOnce', `server ${learner} promises epoch ${epoch} again`)
    }
    promised.add(epoch)
  }

  #onNewLeaderAck(learner: number, disk: ServerDisk, passed: Passed, zxid: Zxid): void {
    const epoch = epochOf(zxid)
    if (disk.current !== epoch) {
      throw new Violation(
        'DurableNewLeaderAck',
        `server ${learner} acknowledges epoch ${epoch}, its disk is in ${disk.current}`,
      )
    }
    this.#requireSynced(disk, passed, `acknowledges epoch ${epoch}`)
  }

  #requireSynced(disk: ServerDisk, { synced }: Passed, what: string): void {
    const missing = synced.find((one) => !disk.holds(one))
    if (missing === undefined) return
    throw new Violation(
      'DurableNewLeaderAck',
      `server ${disk.serverId} ${what}, its disk does not have ${formatZxid(missing)}`,
    )
  }

  // What a leader says.

  #fromLeader(leader: number, learner: number, passed: Passed, packet: QuorumPacket): void {
    const { type, zxid } = packet
    switch (type) {
      case PacketType.leaderInfo:
        this.#newest.set(learner, passed)
        this.#onLeaderInfo(leader, passed, epochOf(zxid))
        break
      case PacketType.diff:
      case PacketType.snap:
      case PacketType.trunc:
        if (counterOf(zxid) > 0 && type !== PacketType.diff) passed.synced.push(zxid)
        break
      case PacketType.proposal:
        this.#onProposal(leader, passed, packet)
        break
      case PacketType.commit:
      case PacketType.commitAndActivate:
        this.#onCommit(leader, passed, zxid)
        break
      case PacketType.informAndActivate:
        this.#onProposal(leader, passed, packet, 8)
        this.#onCommit(leader, passed, zxid)
        break
      case PacketType.inform:
        this.#onProposal(leader, passed, packet)
        this.#onCommit(leader, passed, zxid)
        break
      case PacketType.newLeader:
        passed.hasNewLeader = true
        if (this.#ledger.leaderOf(epochOf(zxid)) !== leader) {
          this.#ledger.began(epochOf(zxid), leader, this.#servers.lastZxid(leader))
        }
        break
      case PacketType.upToDate:
        this.#onUpToDate(leader, passed)
        break
      default:
        break
    }
  }

  #onLeaderInfo(leader: number, passed: Passed, epoch: number): void {
    passed.epoch = epoch
    const disk = this.#servers.disk(leader)
    disk.follow()
    if (disk.accepted < epoch) {
      throw new Violation(
        'EpochAckOnce',
        `server ${leader} proposes epoch ${epoch}, its disk has accepted ${disk.accepted}`,
      )
    }
  }

  #onProposal(leader: number, passed: Passed, packet: QuorumPacket, skipped: number = 0): void {
    const { zxid } = packet
    const txn = decodeTxn(packet.bytes.slice(packet.start + skipped, packet.end))
    if (txn.header.zxid !== zxid) {
      throw new Violation('CommitInOrder', `${formatZxid(zxid)} carries another transaction`)
    }
    this.#ledger.found(txn, `in what server ${leader} sends`)
    if (epochOf(zxid) === passed.epoch) this.#expiry.proposed(leader, txn, passed.hasNewLeader)
    const { proposed } = passed
    const follows =
      proposed === ZXID_ZERO || zxid === proposed + 1 || epochOf(zxid) > epochOf(proposed)
    if (!follows) {
      throw new Violation(
        'CommitInOrder',
        `server ${leader} proposes ${formatZxid(zxid)} behind ${formatZxid(proposed)}`,
      )
    }
    passed.proposed = zxid
  }

  #onCommit(leader: number, passed: Passed, zxid: Zxid): void {
    const { committed, proposed } = passed
    const isNext =
      committed === ZXID_ZERO || zxid === committed + 1 || epochOf(zxid) > epochOf(committed)
    if (!isNext || zxid > proposed) {
      throw new Violation(
        'CommitInOrder',
        `server ${leader} commits ${formatZxid(zxid)} behind ${formatZxid(committed)}, ` +
          `proposed up to ${formatZxid(proposed)}`,
      )
    }
    passed.committed = zxid
    if (!passed.hasNewLeader) passed.synced.push(zxid)
    if (epochOf(zxid) !== passed.epoch || this.#servers.isQuorum((disk) => disk.holds(zxid))) return
    throw new Violation(
      'CommitQuorum',
      `server ${leader} commits ${formatZxid(zxid)}, which no quorum has on disk`,
    )
  }

  #onUpToDate(leader: number, { epoch }: Passed): void {
    if (this.#servers.isQuorum((disk) => disk.current >= epoch)) return
    throw new Violation(
      'UptodateAfterQuorum',
      `server ${leader} serves in epoch ${epoch}, which no quorum has entered`,
    )
  }
}

/** The number in the name of a machine. */
export const idOf = (machine: string): number => Number(machine.slice(machine.indexOf('-') + 1))
