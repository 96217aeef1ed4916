// What the storage code is told once, at the start. Directories and limits come from the server's
// configuration; how they are written in `zoo.cfg` is not known here.

import type { Logger } from '../../ports/logger.ts'
import type { Random } from '../../ports/random.ts'

export type SnapshotCompression = '' | 'gz' | 'snappy'

export interface StorageOptions {
  /** `dataDir`: snapshots, epochs and `myid`. The files themselves are in its `version-2`. */
  readonly snapshotDirectory: string
  /** `dataLogDir`: transaction logs, in its `version-2`. May be the same directory. */
  readonly logDirectory: string
  /** The largest piece of a log file that is filled with zeros ahead of use; 0 for none. */
  readonly preallocateBytes: number
  /** Transactions between two snapshots, at most; the exact number is drawn. */
  readonly snapCount: number
  /** Bytes of log between two snapshots, at most; 0 for no such limit. */
  readonly snapSizeBytes: number
  /** A log file that has grown beyond this is followed by a new one; null for no such limit. */
  readonly logSizeLimitBytes: number | null
  /** Whether snapshots carry the digest of the tree. Reading never depends on it. */
  readonly digestEnabled: boolean
  readonly snapshotCompression: SnapshotCompression
  /** How much of a snapshot is encoded at a time, in bytes; the rest waits for the next turn. */
  readonly snapshotSliceBytes?: number
  /** Start from logs alone where there is no snapshot (data of ZooKeeper 3.4). */
  readonly trustEmpty: boolean
  /**
   * Whether an empty directory may become an empty database by itself (the default). Where it may
   * not, a file `initialize` in the log directory allows it once.
   */
  readonly databaseAutocreate?: boolean
  /**
   * The log files that a learner would have to be sent may be this large in proportion to the
   * newest snapshot (ZooKeeper's default and most is 0.33; below 0 none may).
   */
  readonly snapshotSizeFactor?: number
  /** The longest record or field that is believed (`jute.maxbuffer` and its extra size). */
  readonly fieldBytesMax: number
  readonly random: Random
  readonly logger: Logger
  /** For tests only. */
  readonly faults?: StorageFaults
}

/** Faults that ZooKeeper has had (issues by number), to be switched back on by a test. */
export interface StorageFaults {
  /** 4882: after a failed write the log goes on. */
  readonly survivesWriteError?: boolean
  /** 4712: what was appended before the log was changed is written behind the change. */
  readonly logsAfterRole?: boolean
  /** Names of files are left to chance. */
  readonly skipsDirectorySync?: boolean
}

/** Where the files are: both parents have a folder named after the version of the formats. */
export const versionDirectory = (parent: string): string => `${parent}/version-2`
