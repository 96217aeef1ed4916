// What the roles of Zab have done for them. The replica implements it: calls are taken up in the
// order in which they are made and leave with the next Ready; answers come back as events of the
// role. A role that has called `leave` makes no more calls.

import type { Zxid } from '../../base/zxid.ts'
import type { LinkId } from '../../ports/peer-network.ts'
import type { JuteWriter } from '../jute/writer.ts'
import type { PeerLinks, Remarks } from '../peer/peer-links.ts'
import type { Membership } from '../quorum/membership.ts'
import type { Id } from '../records/acl.ts'
import type { History } from './history.ts'
import type { LogEntry } from './log-entry.ts'
import type { ZabFaults } from './zab-faults.ts'

export type EpochFile = 'acceptedEpoch' | 'currentEpoch'

export interface ZabTiming {
  readonly tickMs: number
  /** Ticks for discovery and synchronisation. */
  readonly initLimit: number
  /** Ticks within which a packet has to be answered. */
  readonly syncLimit: number
  /** Ticks for the link to the leader; 0 for `initLimit`. */
  readonly connectLimit: number
  /** Milliseconds between two attempts to reach the leader. */
  readonly connectRetryMs: number
}

export interface ZabOptions {
  readonly serverId: number
  readonly timing: ZabTiming
  /** Old faults that a test switches back on. */
  readonly faults: ZabFaults
}

/** The epochs as their files hold them. */
export interface Epochs {
  readonly accepted: number
  readonly current: number
}

export interface ZabHost extends Remarks {
  readonly nowMs: number
  readonly links: PeerLinks
  readonly history: History
  /** What is decided, and what has been proposed in its place; null where nothing has. */
  readonly membership: Membership
  readonly proposedMembership: Membership | null
  readonly epochs: Epochs
  /** Into the log, in order. `durable` follows. */
  append(entry: LogEntry): void
  /** `epochWritten` follows when the file is durable; from then on `epochs` shows it. */
  writeEpoch(file: EpochFile, epoch: number): void
  /**
   * The entry is committed, or its commit is only a matter of time: it changes the database and
   * enters the history. Called in zxid order.
   */
  apply(entry: LogEntry): void
  /** Another membership is proposed: durable before anything that depends on it is sent. */
  proposeMembership(membership: Membership): void
  /**
   * The membership is decided. Returns whether this server keeps its role under it; otherwise the
   * role leaves.
   */
  commitMembership(membership: Membership): boolean
  /** Reads a membership from its text. Throws MalformedRecord. */
  membershipOf(text: string): Membership
  /**
   * The server has been silent for too long, or cannot be connected to: links to it that are older
   * prove nothing, and are made anew. For so long it is not voted for, either; 0 where it may be.
   */
  doubt(serverId: number, forMs: number): void
  /** The role is over, and the server looks for a leader again. */
  leave(reason: string): void
  /** The role is over because the ensemble has decided who leads from here on. */
  leaveFor(designatedLeader: number, reason: string): void
}

/** A request as a learner passes it on. */
export interface ForwardedRequest {
  readonly from: LinkId
  readonly sessionHigh: number
  readonly sessionLow: number
  readonly cxid: number
  readonly op: number
  /** The client's request record from `start` to `end`; these bytes do not change. */
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  readonly identities: readonly Id[]
}

export interface LeaderHost extends ZabHost {
  /**
   * A quorum follows, in this epoch, and history goes on from `epoch << 32`: clients may be served,
   * and `propose` be called.
   */
  lead(epoch: number): void
  request(request: ForwardedRequest): void
  /** A learner has heard of the session since it was asked last. */
  touched(sessionHigh: number, sessionLow: number, timeoutMs: number): void
  /**
   * Whether the session lives; from now on it belongs to that learner. Null where its end is under
   * way but not committed: the learner will hear of that, or nothing will have come of it.
   */
  revalidate(from: LinkId, sessionId: bigint, timeoutMs: number): boolean | null
  /** A learner is gone, and with it the sessions' way to us. */
  learnerGone(link: LinkId): void
}

export interface LearnerHost extends ZabHost {
  /** Looks through a transaction that is to be logged. Throws MalformedRecord where it is none. */
  checkTransaction(entry: LogEntry): void
  /** The database is void from here on; the stream of another one follows. */
  beginSnapshot(zxid: Zxid): void
  /**
   * Takes what belongs to the stream and returns where it ended: `end` where more is to come, less
   * or as much where {@link isSnapshotWhole} is true afterwards. Throws MalformedRecord.
   */
  takeSnapshot(bytes: Uint8Array, start: number, end: number): number
  readonly isSnapshotWhole: boolean
  /** Makes the database as it is durable, and the log end with it. `historySaved` follows. */
  saveHistory(): void
  /**
   * Cuts everything behind `zxid` from the log and brings the database back to it. `truncated`
   * follows. What cannot be cut there stays as it is.
   */
  truncate(zxid: Zxid): void
  /** The leader serves, and so may this server: history goes on from here. */
  follow(epoch: number): void
  /** The leader has handled the oldest `sync` that was passed on. */
  synced(): void
  revalidated(sessionId: bigint, isValid: boolean): void
  /** Writes id and timeout of all sessions heard of since the last call. */
  writeTouches(out: JuteWriter): void
}
