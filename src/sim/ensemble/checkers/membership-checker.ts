// Who belongs to the ensemble, as every server, every disk and every packet has it. ConfigOverlap: a
// server never goes back to an older membership, nobody takes one for decided that is not on
// quorums of both, and nobody leads without quorums of both. OneReconfig: a leader proposes none
// while another is open. And what a server acknowledges of a membership its disk knows. The end:
// everybody has the same.

import { type Zxid, counterOf, epochOf, formatZxid } from '../../../base/zxid.ts'
import { decodeUtf8 } from '../../../base/text.ts'
import type { Membership } from '../../../core/quorum/membership.ts'
import { membershipOf, sameMembers } from '../../../core/quorum/membership-text.ts'
import { OpCode } from '../../../core/records/opcodes.ts'
import { PacketType, type QuorumPacket } from '../../../core/records/quorum-packet.ts'
import { Violation } from '../../checkers/violation.ts'
import type { ServerDisk } from './server-disk.ts'

/** What is asked of the run. */
export interface MembershipWorld {
  /** The newest one that is decided for certain. */
  decided(): Membership
  /** A newer one is decided, and no transaction will tell of it. */
  decide(membership: Membership): void
  /** The newest epoch in which a server has served. */
  servedEpoch(): number
  disk(serverId: number): ServerDisk
  isQuorumOf(members: Membership, holds: (disk: ServerDisk) => boolean): boolean
}

/** What a server that runs says of the members. */
export interface MemberView {
  readonly membership: Membership
  readonly proposedMembership: Membership | null
}

interface Link {
  /** The reconfiguration that is proposed over it, and not committed. */
  open: Zxid | null
  /** The version that NEWLEADER carried. */
  version: number
  isFollower: boolean
}

export class MembershipChecker {
  readonly #world: MembershipWorld
  readonly #links = new WeakMap<object, Link>()
  /** The newest version that each server has had since it started. */
  readonly #versions = new Map<number, number>()
  readonly #known = new Set<number>()
  #checks = 0

  constructor(world: MembershipWorld) {
    this.#world = world
  }

  get checks(): number {
    return this.#checks
  }

  /** A server starts, and reads what its disk has. */
  started(serverId: number, version: number): void {
    this.#versions.set(serverId, version)
  }

  /** What a server holds for decided, looked at whenever something may have changed. */
  holds(serverId: number, { membership }: MemberView): void {
    const { version } = membership
    const before = this.#versions.get(serverId) ?? 0
    if (version === before) return
    if (version < before) {
      throw new Violation(
        'ConfigOverlap',
        `server ${serverId} goes back from ${hex(before)} to ${hex(version)}`,
      )
    }
    this.#versions.set(serverId, version)
    if (!this.#known.has(version)) this.#requireDecided(serverId, membership)
    this.#known.add(version)
  }

  /**
   * A server begins to serve as a leader. `before` is what was decided when it did so, and `after`
   * what is decided with that.
   */
  leads(serverId: number, epoch: number, before: Membership, after: Membership): void {
    if (this.#world.servedEpoch() > epoch) return
    for (const members of [before, after]) {
      this.#checks++
      if (this.#world.isQuorumOf(members, (disk) => disk.current >= epoch)) continue
      throw new Violation(
        'ConfigOverlap',
        `server ${serverId} leads in epoch ${epoch} without a quorum of\n${members.text}`,
      )
    }
  }

  /** A packet leaves the learner (0) or the leader (1) of a link. */
  sent(link: object, side: 0 | 1, learner: number, packet: QuorumPacket): void {
    const known = this.#of(link)
    if (side === 1) this.#fromLeader(known, packet)
    else if (packet.type === PacketType.followerInfo) known.isFollower = true
    else if (packet.type === PacketType.ack && known.isFollower) {
      this.#onAck(known, learner, packet.zxid)
    }
  }

  /** At the end all servers are of one mind, and nothing is open. */
  requireSame(serverId: number, { membership, proposedMembership }: MemberView): void {
    const decided = this.#world.decided()
    // The first one has no transaction that it would be known by.
    const isFirst = decided.version === 0 && counterOf(membership.version as Zxid) === 0
    const isSame = sameMembers(membership, decided)
    if (!isSame || !(isFirst || membership.version === decided.version)) {
      throw new Violation(
        'ConfigOverlap',
        `server ${serverId} ends with\n${membership.text}\ndecided is\n${decided.text}`,
      )
    }
    if (proposedMembership !== null && proposedMembership.version > membership.version) {
      throw new Violation(
        'OneReconfig',
        `at the end, server ${serverId} still takes for proposed\n${proposedMembership.text}`,
      )
    }
  }

  /**
   * It has been committed, or else quorums of both have it on their disks: its transaction, or, where
   * that was lost with the leader that proposed it, the membership itself and a later epoch, to whose
   * leader they acknowledged it with NEWLEADER.
   */
  #requireDecided(serverId: number, membership: Membership): void {
    this.#checks++
    const zxid = membership.version as Zxid
    const decided = this.#world.decided()
    if (counterOf(zxid) === 0 || zxid <= decided.version) return
    const isLogged = this.#world.isQuorumOf(decided, (disk) => disk.holds(zxid))
    const holds = (disk: ServerDisk): boolean =>
      isLogged ? disk.holds(zxid) : disk.membershipVersion >= zxid && disk.current > epochOf(zxid)
    for (const members of [decided, membership]) {
      if (this.#world.isQuorumOf(members, holds)) continue
      throw new Violation(
        'ConfigOverlap',
        `server ${serverId} takes ${formatZxid(zxid)} for decided, which no quorum holds of\n` +
          members.text,
      )
    }
    if (!isLogged) this.#world.decide(membership)
  }

  #fromLeader(link: Link, packet: QuorumPacket): void {
    const { type, zxid } = packet
    switch (type) {
      case PacketType.proposal:
        if (txnTypeOf(packet, 0) !== OpCode.reconfig) return
        this.#checks++
        if (link.open !== null) {
          throw new Violation(
            'OneReconfig',
            `${formatZxid(zxid)} is proposed while ${formatZxid(link.open)} is open`,
          )
        }
        link.open = zxid
        return
      case PacketType.commit:
      case PacketType.commitAndActivate:
        if (link.open === zxid) link.open = null
        return
      case PacketType.newLeader:
        if (packet.start >= 0) link.version = versionIn(packet)
        return
      default:
    }
  }

  /** From an acknowledgement on, the server must know of the membership after a crash. */
  #onAck(link: Link, learner: number, zxid: Zxid): void {
    const disk = this.#world.disk(learner)
    const needed = counterOf(zxid) === 0 ? link.version : zxid === link.open ? zxid : 0
    if (needed === 0) return
    this.#checks++
    disk.follow()
    if (disk.membershipVersion >= needed) return
    throw new Violation(
      'DurableAck',
      `server ${learner} acknowledges ${formatZxid(zxid)}, its disk knows the members of ` +
        `${hex(disk.membershipVersion)}, not of ${hex(needed)}`,
    )
  }

  #of(link: object): Link {
    const known = this.#links.get(link)
    if (known !== undefined) return known
    const fresh: Link = { open: null, version: 0, isFollower: false }
    this.#links.set(link, fresh)
    return fresh
  }
}

const hex = (version: number): string => `0x${version.toString(16)}`

const versionIn = ({ bytes, start, end }: QuorumPacket): number =>
  membershipOf(decodeUtf8(bytes, start, end)).version

/** Where the type stands in the header of a transaction. */
const TYPE_AT = 28

function txnTypeOf({ bytes, start }: QuorumPacket, skipped: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(start + skipped + TYPE_AT)
}
