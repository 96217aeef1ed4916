// What a member of an ensemble is told at its start, besides what every server is told.

import type { ElectionOptions } from '../election/election-host.ts'
import type { Membership } from '../quorum/membership.ts'
import type { Database } from '../tree/database.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { LogCursor } from '../zab/history.ts'
import type { LogEntry } from '../zab/log-entry.ts'
import type { ZabFaults } from '../zab/zab-faults.ts'
import type { Epochs, ZabTiming } from '../zab/zab-host.ts'

export interface EnsembleOptions {
  readonly timing: ZabTiming
  readonly election: Omit<ElectionOptions, 'serverId'>
  /** Who belongs to the ensemble, as far as this server knows. */
  readonly membership: Membership
  /** What was proposed in its place and may have been decided; null for nothing. */
  readonly proposedMembership: Membership | null
  /** `reconfigEnabled` */
  readonly reconfigEnabled: boolean
  /** How many voters a reconfiguration must leave: 2, or 1 with `standaloneEnabled=false`. */
  readonly votersMin?: 1 | 2
  readonly epochs: Epochs
  /** The last transactions of the recovered history, oldest first. */
  readonly recent: readonly LogEntry[]
  /** `commitLogCount`: how many transactions are kept in memory for learners. */
  readonly commitLogCount: number
  /** The longest string or buffer that a peer may send, in bytes. */
  readonly fieldBytesMax?: number
  /** `forceSnapshotSync`: learners always get a snapshot. */
  readonly forceSnapshotSync: boolean
  /** `leader.maxConcurrentSnapSyncs`, `leader.maxConcurrentDiffSyncs`; observers beyond are refused. */
  readonly snapshotSyncsMax: number
  readonly differenceSyncsMax: number
  /** `leaderServes`: a leader accepts clients. */
  readonly leaderServes: boolean
  /**
   * `observer.election.DelayMs`: how long an observer whose leader is gone waits before it looks for
   * another one, drawn anew each time, so that many of them do not come at once.
   */
  readonly observerPauseMs?: () => number
  /** `readonlymode.enabled`: a server without a leader serves reads to clients that ask for that. */
  readonly readOnlyMode?: boolean
  /** How many zxids an epoch has: all there are, but where a test wants to see their end. */
  readonly zxidsPerEpoch?: number
  /** The transactions on disk, see `History.openLog`. */
  openLog(from: Zxid): LogCursor | null
  /** An empty database, to be filled from a leader's snapshot. */
  makeDatabase(): Database
  /** Old faults that a test switches back on. */
  readonly faults?: ZabFaults
}
