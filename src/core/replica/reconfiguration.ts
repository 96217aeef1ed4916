// Reconfigurations on a leader: whether one may be proposed now, and what comes of it (ZooKeeper 3.9
// `PrepRequestProcessor.pRequest2Txn`, reconfig). What a change makes of a membership is arithmetic
// of the quorum's; that the new quorum is already there is looked at here.

import type { Reconfigurator, WantedMembership } from '../pipeline/reconfigurator.ts'
import type { Membership } from '../quorum/membership.ts'
import { reconfigure } from '../quorum/reconfigure.ts'
import { ErrorCode } from '../records/errors.ts'
import type { LeaderRole } from '../zab/roles.ts'
import type { Member } from './member.ts'

export class Reconfiguration implements Reconfigurator {
  readonly #member: Member
  readonly #leading: LeaderRole
  #planned: Membership | null = null

  constructor(member: Member, leading: LeaderRole) {
    this.#member = member
    this.#leading = leading
  }

  plan(wanted: WantedMembership, zxid: number): string | number {
    this.#planned = null
    const { membership, proposedMembership, options } = this.#member
    if (proposedMembership !== null && proposedMembership.version > membership.version) {
      return ErrorCode.ReconfigInProgress
    }
    const { joiningServers: joining, leavingServers: leaving, newMembers, fromVersion } = wanted
    const change = { joining, leaving, members: newMembers, fromVersion }
    const changed = reconfigure(membership, change, zxid, options.votersMin ?? 2)
    switch (changed.kind) {
      case 'bad-version':
        return ErrorCode.BadVersion
      case 'bad-arguments':
        return ErrorCode.BadArguments
      case 'membership':
        break
    }
    if (!this.#hasQuorumOf(changed.membership)) return ErrorCode.NewConfigNoQuorum
    this.#planned = changed.membership
    return changed.membership.text
  }

  /** The membership that the transaction just prepared proposes; null for any other transaction. */
  takePlanned(): Membership | null {
    const planned = this.#planned
    this.#planned = null
    return planned
  }

  /** Whether enough of those who would vote follow already, be it without a vote so far. */
  #hasQuorumOf({ voters }: Membership): boolean {
    const present = new Set([this.#member.serverId])
    for (const learner of this.#leading.learners) {
      if (learner.isFollower && learner.isSynced) present.add(learner.serverId)
    }
    return voters.containsQuorum(present)
  }
}
