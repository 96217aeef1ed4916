// The two sides of Zab as the replica drives them. Each role lives from a won or lost election to
// its `leave`; its file owns its transitions. `linkAccepted`, `linkBytes` and the like tell of the
// quorum port's links.

import type { Zxid } from '../../base/zxid.ts'
import type { LinkId } from '../../ports/peer-network.ts'
import type { LinkListener } from '../peer/peer-links.ts'
import type { Membership } from '../quorum/membership.ts'
import type { Id } from '../records/acl.ts'
import type { LogEntry } from './log-entry.ts'
import type { ProposalSizes } from './proposal-sizes.ts'
import type { EpochFile } from './zab-host.ts'

export interface Role extends LinkListener {
  /** When {@link onTime} is due; Infinity for never. */
  readonly deadlineMs: number
  start(): void
  onTime(): void
  /** Everything appended up to `zxid` is on this server's disk. */
  durable(zxid: Zxid): void
  epochWritten(file: EpochFile): void
  /**
   * What was appended to the log and never applied, in order. Asked once, after the role has left
   * or been stopped and the log is durable.
   */
  takeUnapplied(): readonly LogEntry[]
  /** One line for people: phase, epoch, learners. */
  describe(): string
}

/** For monitoring, in ZooKeeper's words. */
export type ZabPhase = 'discovery' | 'synchronization' | 'broadcast'

export interface LeaderRole extends Role {
  readonly phase: ZabPhase
  readonly epoch: number
  /** The zxid that the next proposal has to carry. */
  readonly nextZxid: Zxid
  readonly lastProposed: Zxid
  readonly lastCommitted: Zxid
  /** Proposals that are not committed yet. */
  readonly outstandingCount: number
  /** Learners that vote and are in step, this server not counted. */
  readonly syncedVoters: ReadonlySet<number>
  readonly learners: readonly LearnerStatus[]
  /** Learners' `sync`s that wait for what was proposed before them. */
  readonly pendingSyncCount: number
  readonly proposals: ProposalSizes
  /**
   * Sends an entry to all and appends it here. `membership` is what a reconfiguration proposes.
   * Only while broadcasting. Leaves instead where the epoch has no zxids left.
   */
  propose(entry: LogEntry, membership: Membership | null): void
  /** Leaves now, because this server knows what the role cannot. */
  stepDown(reason: string): void
  /** A learner's `sync` is answered behind everything proposed so far. */
  sync(link: LinkId): void
}

export interface LearnerStatus {
  readonly link: LinkId
  readonly serverId: number
  /** Follows, with or without a vote; otherwise it observes. */
  readonly isFollower: boolean
  readonly isVoter: boolean
  readonly isSynced: boolean
  readonly remote: string
}

export interface LearnerRole extends Role {
  readonly phase: ZabPhase
  readonly epoch: number
  /** False: the log has no such place, and is as it was. */
  truncated(isDone: boolean): void
  historySaved(): void
  /** Passes a client's request on; `bytes` may be empty. Only while serving. */
  forward(
    sessionHigh: number,
    sessionLow: number,
    cxid: number,
    op: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    identities: readonly Id[] | null,
  ): void
  revalidate(sessionId: bigint, timeoutMs: number): void
}
