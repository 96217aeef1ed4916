// What operators are told of a member of an ensemble, looked up in its replica each time they ask.
// It keeps nothing, so what somebody would have to count in between is left out.

import {
  type EnsembleStatus,
  type LeadingStatus,
  type ServingMode,
  peerStateOf,
} from '../admin/ensemble-status.ts'
import type { SessionId } from '../base/session-id.ts'
import type { Membership } from '../core/quorum/membership.ts'

/** As much of a replica as is looked at, and of its place in the ensemble. */
interface MemberReplica {
  readonly database: { readonly sessions: ReadonlyMap<SessionId, number> }
}

export interface MemberView {
  readonly serverId: number
  readonly standing: 'looking' | 'leading' | 'following' | 'observing' | 'leaving'
  /** What serves clients. */
  readonly service: object | null
  readonly leaderId: number | null
  readonly membership: Membership
  readonly desk: { readonly epochs: { readonly current: number } }
  readonly leading: (RoleView & { readonly learners: readonly LearnerView[] }) | null
  readonly learning: RoleView | null
}

interface RoleView {
  readonly phase: 'discovery' | 'synchronization' | 'broadcast'
  readonly epoch: number
}

interface LearnerView {
  readonly serverId: number
  readonly isSynced: boolean
}

const modes = { leading: 'leader', following: 'follower', observing: 'observer' } as const

export class MemberStatus implements EnsembleStatus {
  readonly elections: null = null
  readonly localSessionCount: number = 0
  readonly #member: MemberView
  readonly #replica: MemberReplica

  constructor(replica: MemberReplica, member: MemberView) {
    this.#replica = replica
    this.#member = member
  }

  get serverId(): number {
    return this.#member.serverId
  }

  get mode(): ServingMode | null {
    const { service, standing } = this.#member
    if (service === null || standing === 'leaving') return null
    return standing === 'looking' ? 'read-only' : modes[standing]
  }

  get peerState(): string {
    const { standing } = this.#member
    const role = standing === 'leaving' ? 'looking' : standing
    return peerStateOf(role, role === 'looking' ? null : (this.#role?.phase ?? null), null)
  }

  get leaderId(): number | null {
    return this.#member.leaderId
  }

  get epoch(): number {
    return this.#role?.epoch ?? this.#member.desk.epochs.current
  }

  get isVoter(): boolean {
    return this.#self?.isVoter ?? false
  }

  get quorumPort(): number {
    return this.#self?.quorumAddress.port ?? -1
  }

  get electionPort(): number {
    return this.#self?.electionAddress.port ?? -1
  }

  get voterCount(): number {
    return this.#member.membership.voters.voters.size
  }

  get membershipText(): string {
    return this.#member.membership.text
  }

  get leading(): LeadingStatus | null {
    const { leading, membership } = this.#member
    if (leading === null) return null
    const { learners } = leading
    const synced = learners
      .filter((learner) => learner.isSynced)
      .map((learner) => membership.members.get(learner.serverId))
    return {
      learnerCount: learners.length,
      syncedFollowerCount: synced.filter((member) => member?.isVoter === true).length,
      // The list tells observers from servers that have been removed from it or are to join it.
      syncedNonVotingFollowerCount: synced.filter((member) => member === undefined).length,
      syncedObserverCount: synced.filter((member) => member?.isVoter === false).length,
      pendingSyncCount: null,
      uptimeMs: null,
      proposals: null,
    }
  }

  globalSessions(): Iterable<readonly [id: SessionId, timeoutMs: number]> | null {
    return this.#member.leading === null ? this.#replica.database.sessions : null
  }

  get #role(): RoleView | null {
    return this.#member.leading ?? this.#member.learning
  }

  get #self() {
    return this.#member.membership.members.get(this.#member.serverId)
  }
}
