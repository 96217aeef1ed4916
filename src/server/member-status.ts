// What operators are told of a member of an ensemble, looked up in its replica each time they ask.
// It keeps nothing: what is counted in between is counted there.

import {
  type EnsembleStatus,
  type LeadingStatus,
  type ProposalFigures,
  type ServingMode,
  peerStateOf,
} from '../admin/ensemble-status.ts'
import type { DurationFigures } from '../admin/facts.ts'
import type { SessionId } from '../base/session-id.ts'
import type { Membership } from '../core/quorum/membership.ts'
import type { RoleTimes } from '../core/replica/role-times.ts'

/** As much of a replica as is looked at, and of its place in the ensemble. */
interface MemberReplica {
  readonly database: { readonly sessions: ReadonlyMap<SessionId, number> }
}

export interface MemberView {
  readonly serverId: number
  readonly standing: 'looking' | 'leading' | 'following' | 'observing' | 'leaving'
  /** What serves clients. */
  readonly service: { readonly sessions: SessionsView } | null
  readonly leaderId: number | null
  readonly membership: Membership
  readonly desk: { readonly epochs: { readonly current: number } }
  readonly nowMs: number
  readonly times: RoleTimes
  readonly leading: LeaderView | null
  readonly learning: RoleView | null
}

interface LeaderView extends RoleView {
  readonly learners: readonly LearnerView[]
  readonly pendingSyncCount: number
  readonly proposals: ProposalFigures & { reset(): void }
}

interface SessionsView {
  /** Those that are this server's alone; null where there can be none. */
  readonly local: { readonly size: number } | null
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

  get lookCount(): number {
    return this.#member.times.lookCount
  }

  get elections(): DurationFigures {
    return this.#member.times.elections
  }

  get unavailable(): DurationFigures {
    return this.#member.times.unavailable
  }

  get leaderUnavailable(): DurationFigures {
    return this.#member.times.leaderUnavailable
  }

  get localSessionCount(): number {
    return this.#member.service?.sessions.local?.size ?? 0
  }

  get leading(): LeadingStatus | null {
    const { leading, membership, nowMs, times } = this.#member
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
      pendingSyncCount: leading.pendingSyncCount,
      uptimeMs: nowMs - times.roleSinceMs,
      proposals: leading.proposals,
    }
  }

  globalSessions(): Iterable<readonly [id: SessionId, timeoutMs: number]> | null {
    return this.#member.leading === null ? this.#replica.database.sessions : null
  }

  resetStatistics(): void {
    this.#member.times.reset()
    this.#member.leading?.proposals.reset()
  }

  get #role(): RoleView | null {
    return this.#member.leading ?? this.#member.learning
  }

  get #self() {
    return this.#member.membership.members.get(this.#member.serverId)
  }
}
