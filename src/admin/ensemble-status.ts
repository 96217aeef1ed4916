// What the admin part is told of a server's place in its ensemble. Everything may change from one
// look to the next. How the server comes by it is not known here.

import type { SessionId } from '../base/session-id.ts'
import type { DurationFigures } from './facts.ts'

export interface EnsembleStatus {
  readonly serverId: number
  /** How this server serves clients; null while it serves none. */
  readonly mode: ServingMode | null
  /** In ZooKeeper's words, as `following - synchronization - diff`: see {@link peerStateOf}. */
  readonly peerState: string
  /** Null while this server does not know one. */
  readonly leaderId: number | null
  /** The epoch that it serves in, or did last. */
  readonly epoch: number
  /** Whether it has a vote, and where it listens for others; ports are -1 for one that is no member. */
  readonly isVoter: boolean
  readonly quorumPort: number
  readonly electionPort: number
  readonly voterCount: number
  /** The members as they are decided: lines, that with the version the last. */
  readonly membershipText: string
  /** How often it began to look for a leader, and how long it took to know one. */
  readonly lookCount: number
  readonly elections: DurationFigures
  /** How long clients were not served meanwhile, in any role and where it was the leader then. */
  readonly unavailable: DurationFigures
  readonly leaderUnavailable: DurationFigures
  readonly localSessionCount: number
  /** Null where this server leads: then it knows when each session ends. */
  globalSessions(): Iterable<readonly [id: SessionId, timeoutMs: number]> | null
  /** Null where it does not. */
  readonly leading: LeadingStatus | null
  /** Sets back what is counted here. */
  resetStatistics(): void
}

export type ServingMode = 'leader' | 'follower' | 'observer' | 'read-only'

/** What only a leader knows. Of learners, those that are connected count. */
export interface LeadingStatus {
  readonly learnerCount: number
  readonly syncedFollowerCount: number
  /** Servers that follow without being voters: those that have been removed, or are about to join. */
  readonly syncedNonVotingFollowerCount: number
  readonly syncedObserverCount: number
  /** Learners' requests for a `sync` that wait for a commit. */
  readonly pendingSyncCount: number
  readonly uptimeMs: number
  readonly proposals: ProposalFigures
}

/** Sizes in bytes; -1 before the first. */
export interface ProposalFigures {
  readonly count: number
  readonly lastBytes: number
  readonly minBytes: number
  readonly maxBytes: number
}

/** Role, then phase and way of synchronising where there are any (`QuorumPeer`). */
export function peerStateOf(
  role: 'looking' | 'leading' | 'following' | 'observing',
  phase: 'discovery' | 'synchronization' | 'broadcast' | null,
  sync: 'diff' | 'trunc' | 'snap' | null,
): string {
  return [role, phase, sync].filter((part) => part !== null).join(' - ')
}
