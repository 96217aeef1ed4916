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
  /** How long elections took, from losing a leader to having one; null where nobody counts them. */
  readonly elections: DurationFigures | null
  readonly localSessionCount: number
  /** Null where this server leads: then it knows when each session ends. */
  globalSessions(): Iterable<readonly [id: SessionId, timeoutMs: number]> | null
  /** Null where it does not. */
  readonly leading: LeadingStatus | null
}

export type ServingMode = 'leader' | 'follower' | 'observer' | 'read-only'

/** What only a leader knows. Of learners, those that are connected count. Null is not counted. */
export interface LeadingStatus {
  readonly learnerCount: number
  readonly syncedFollowerCount: number
  /** Servers that follow without being voters: those that have been removed, or are about to join. */
  readonly syncedNonVotingFollowerCount: number
  readonly syncedObserverCount: number
  /** Learners' requests for a `sync` that wait for a commit. */
  readonly pendingSyncCount: number | null
  readonly uptimeMs: number | null
  readonly proposals: ProposalFigures | null
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
