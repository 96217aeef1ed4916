// The past, as a leader passes it on: the last transactions from memory, older ones from the log
// on disk, and the whole database where neither reaches far enough. The replica implements what is
// not in memory.

import type { Zxid } from '../../base/zxid.ts'
import type { JuteWriter } from '../jute/writer.ts'
import type { LogEntry } from './log-entry.ts'

export interface History {
  /** The last transaction that the database has applied. */
  readonly lastZxid: Zxid
  /** The last transaction in the log, applied or not, durable or not. */
  readonly lastLogged: Zxid
  readonly committed: CommittedWindow
  /**
   * The transactions on disk from the one after `zxid`, or from the first that is at least `zxid`,
   * whichever comes first in the logs: the caller looks at what it gets. Null where the logs do not
   * reach back to `zxid`, or where sending a snapshot is cheaper (`snapshotSizeFactor`).
   */
  openLog(from: Zxid): LogCursor | null
  /** The database as a stream, which may show transactions that are applied while it is read. */
  openSnapshot(): SnapshotCursor
}

/** The last committed transactions, without a gap inside an epoch. */
export interface CommittedWindow {
  /** `lastZxid` of the history where the window is empty. */
  readonly min: Zxid
  readonly max: Zxid
  readonly length: number
  at(index: number): LogEntry
}

/** Reads on from where it is; blocks for no longer than it takes to read a piece of a file. */
export interface LogCursor {
  /** Null at the end of what is durable. */
  next(): LogEntry | null
  close(): void
}

export interface SnapshotCursor {
  /** The last transaction that is in it for certain. */
  readonly zxid: Zxid
  /** Writes the next piece of about `byteCount` bytes. False: that was all, signature included. */
  write(out: JuteWriter, byteCount: number): boolean
  close(): void
}
