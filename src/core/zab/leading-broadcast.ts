// The leading side once a quorum has its history, which is counted here: what is proposed goes to
// all and into our own log, what a quorum has on disk is committed everywhere in the same order (Zab,
// phase 3; ZooKeeper 3.9 `Leader.propose`, `tryToCommit`). A reconfiguration is a proposal like any
// other, except that a quorum of either membership has to have it, and that it may end this
// server's time as leader. Learners join and leave elsewhere.

import { assert } from '../../base/assert.ts'
import { mark } from '../../base/marks.ts'
import { Ring } from '../../base/ring.ts'
import { type Zxid, ZXID_ZERO } from '../../base/zxid.ts'
import type { LinkId } from '../../ports/peer-network.ts'
import { JuteWriter } from '../jute/writer.ts'
import type { Membership } from '../quorum/membership.ts'
import { JointQuorum, type QuorumVerifier } from '../quorum/quorum.ts'
import { PacketType } from '../records/quorum-packet.ts'
import { Leader } from './leader.ts'
import type { LearnerLink } from './learner-link.ts'
import type { Learners } from './leading-learners.ts'
import type { LogEntry } from './log-entry.ts'
import type { ZabFaults } from './zab-faults.ts'
import type { LeaderHost } from './zab-host.ts'

interface PendingSync {
  readonly link: LinkId
  /** It is answered when this has been committed. */
  readonly behind: Zxid
}

export class Broadcast {
  readonly leader: Leader
  readonly #serverId: number
  readonly #host: LeaderHost
  readonly #learners: Learners
  readonly #firstZxid: Zxid
  readonly #faults: ZabFaults
  /** Who has the history that this leader begins with, and is in its epoch. */
  readonly #haveHistory = new Set<number>()
  readonly #syncs = new Ring<PendingSync>()
  #outstandingBytes = 0
  /** The reconfiguration that is proposed and not committed. */
  #reconfiguration: { readonly zxid: Zxid; readonly membership: Membership } | null = null
  /** Who leads instead of this server, once that has been decided. */
  successor: number | null = null

  constructor(
    serverId: number,
    host: LeaderHost,
    learners: Learners,
    firstZxid: Zxid,
    faults: ZabFaults,
  ) {
    this.#serverId = serverId
    this.#host = host
    this.#learners = learners
    this.#firstZxid = firstZxid
    this.#faults = faults
    this.leader = new Leader(serverId, decidingQuorum(host), firstZxid)
  }

  get pendingSyncCount(): number {
    return this.#syncs.length
  }

  /** What is kept until a quorum has it, and for those who wait for that. */
  get waitingBytes(): number {
    const count = this.leader.outstandingCount + this.#syncs.length
    return this.#outstandingBytes + count * WAITING_BYTES
  }

  historyTaken(serverId: number): void {
    this.#haveHistory.add(serverId)
  }

  /** Whether a quorum has it, and our own disk, even where the others would be enough. */
  get isEstablished(): boolean {
    return this.#haveHistory.has(this.#serverId) && isQuorum(this.#host, this.#haveHistory)
  }

  /**
   * What an earlier leader proposed as membership is decided now that a quorum of both follows
   * (ZooKeeper 3.9 `Leader.startZkServer`). Returns who has to lead under it, if not this server.
   */
  commitFoundMembership(): number | null {
    const { membership, proposedMembership } = this.#host
    if (proposedMembership === null || proposedMembership.version <= membership.version) return null
    const designated = designatedLeader(this.#serverId, membership, proposedMembership, (id) =>
      this.#haveHistory.has(id) ? this.#firstZxid : null,
    )
    const keepsRole = this.#host.commitMembership(proposedMembership)
    this.membershipChanged()
    if (keepsRole && designated === this.#serverId) return null
    mark('leading.completes-its-own-end')
    return designated
  }

  /** The membership has changed, or another has been proposed. */
  membershipChanged(): void {
    this.leader.setQuorum(decidingQuorum(this.#host))
  }

  propose(entry: LogEntry, membership: Membership | null): void {
    if (membership !== null) {
      assert(this.#reconfiguration === null, 'a reconfiguration is proposed while another is')
      this.#reconfiguration = { zxid: entry.zxid, membership }
      this.#host.proposeMembership(membership)
      const { voters } = this.#host.membership
      if (!this.#faults.asksOldMembersOnly) {
        this.leader.setQuorum(new JointQuorum(voters, membership.voters))
      }
    }
    this.leader.propose(entry)
    this.#outstandingBytes += entry.end - entry.start
    this.#learners.propose(entry)
    this.#host.append(entry)
  }

  /** What has been proposed and not committed, for a learner that has everything before it. */
  sendOutstanding(learner: LearnerLink): void {
    for (let i = 0; i < this.leader.outstandingCount; i++) {
      learner.output.proposal(this.leader.outstandingAt(i)!)
    }
  }

  /** Answered behind all that has been proposed so far (ZooKeeper 3.9 `Leader.processSync`). */
  sync(link: LinkId): void {
    if (this.leader.outstandingCount === 0) this.#answerSync(link)
    else this.#syncs.push({ link, behind: this.leader.lastProposed })
  }

  acknowledge(server: number, zxid: Zxid): void {
    // Who has given the lead away commits nothing any more: its successor may already count on it.
    if (this.successor !== null) return
    this.leader.acknowledge(server, zxid)
    this.#commit()
  }

  /** What is left over when the role ends, in order. */
  takeOutstanding(): readonly LogEntry[] {
    const entries: LogEntry[] = []
    for (let i = 0; i < this.leader.outstandingCount; i++)
      entries.push(this.leader.outstandingAt(i)!)
    return entries
  }

  #commit(): void {
    while (this.successor === null) {
      const entry = this.leader.takeCommitted()
      if (entry === undefined) return
      this.#outstandingBytes -= entry.end - entry.start
      if (entry.zxid === this.#reconfiguration?.zxid) this.#commitMembership(entry)
      else this.#learners.commit(entry)
      this.#host.apply(entry)
      this.#releaseSyncs(entry.zxid)
    }
  }

  #commitMembership(entry: LogEntry): void {
    const { membership } = this.#reconfiguration!
    this.#reconfiguration = null
    const designated = designatedLeader(this.#serverId, this.#host.membership, membership, (id) =>
      this.leader.acknowledgedBy(id) >= entry.zxid ? this.leader.acknowledgedBy(id) : null,
    )
    this.#learners.commitAndActivate(entry, encodeServerId(designated))
    const keepsRole = this.#host.commitMembership(membership)
    if (designated !== this.#serverId) {
      mark('leading.gives-the-lead-away')
      this.successor = designated
      return
    }
    assert(keepsRole, 'a voter that stays leader keeps its role')
    this.membershipChanged()
  }

  #releaseSyncs(committed: Zxid): void {
    for (let sync = this.#syncs.peek(); sync; sync = this.#syncs.peek()) {
      if (sync.behind > committed) return
      this.#syncs.shift()
      this.#answerSync(sync.link)
    }
  }

  #answerSync(link: LinkId): void {
    this.#learners.get(link)?.output.bare(PacketType.sync, ZXID_ZERO)
  }
}

/**
 * Who leads under `next`: this server if it votes there under the same address; otherwise, of the
 * voters that have what decides it, the one that has most (ZooKeeper 3.9
 * `Leader.getDesignatedLeader`). `acknowledged` is null for a server that does not have it.
 */
export function designatedLeader(
  serverId: number,
  now: Membership,
  next: Membership,
  acknowledged: (serverId: number) => Zxid | null,
): number {
  const oldSelf = now.members.get(serverId)?.quorumAddress
  const newSelf = next.members.get(serverId)
  const isSamePlace =
    newSelf?.isVoter === true &&
    oldSelf?.host === newSelf.quorumAddress.host &&
    oldSelf.port === newSelf.quorumAddress.port
  if (isSamePlace) return serverId
  let best = serverId
  let bestZxid: Zxid | null = null
  for (const id of [...next.voters.voters].sort((a, b) => a - b)) {
    const zxid = id === serverId ? null : acknowledged(id)
    if (zxid === null || (bestZxid !== null && zxid <= bestZxid)) continue
    best = id
    bestZxid = zxid
  }
  return best
}

/** What a proposal costs besides its transaction, or a `sync` that waits, about. */
const WAITING_BYTES = 64

/** Whether these servers are a quorum, also of a membership that has been proposed. */
export const isQuorum = (host: LeaderHost, servers: ReadonlySet<number>): boolean =>
  decidingQuorum(host).containsQuorum(servers)

/** While a reconfiguration is under way, both memberships have to agree. */
function decidingQuorum(host: LeaderHost): QuorumVerifier {
  const { membership, proposedMembership } = host
  if (proposedMembership === null || proposedMembership.version <= membership.version) {
    return membership.voters
  }
  return new JointQuorum(membership.voters, proposedMembership.voters)
}

function encodeServerId(id: number): Uint8Array {
  const out = new JuteWriter(8)
  out.safeLong(id)
  return out.copy()
}
