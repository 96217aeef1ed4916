// The durable side of a running server: the log with its group commit, the next snapshot, and the
// removal of what is too old. It decides when a snapshot is due and keeps the list of files, so
// that nothing has to be asked of the disk while requests are being served. Recovery is over when
// this begins.

import { assert } from '../../base/assert.ts'
import { type Zxid, formatZxid } from '../../base/zxid.ts'
import type { Compression } from '../../ports/compression.ts'
import type { Disk, DiskError } from '../../ports/disk.ts'
import { type LogFileName, type SnapshotFileName, listLogs, listSnapshots } from './file-names.ts'
import { RECORD_FRAME_BYTES } from './log-format.ts'
import { LogWriter } from './log-writer.ts'
import { planPurge } from './purge.ts'
import type { SnapshotSource } from './snapshot-encoder.ts'
import { looksWhole } from './snapshot-source.ts'
import { SnapshotWriter } from './snapshot-writer.ts'
import { type StorageOptions, versionDirectory } from './storage-options.ts'

export interface StorageEvents {
  /** Everything appended up to `zxid` survives a crash. */
  onDurable(zxid: Zxid): void
  /** `continueSnapshot` has work again, after it returned false. */
  onSnapshotSlice(): void
  /** A snapshot is whole and survives a crash. */
  onSnapshotWritten(zxid: Zxid, byteCount: number): void
  /** A write or sync failed. Nothing is retried: the server must end. */
  onFatal(error: DiskError): void
}

export interface PurgeResult {
  readonly removedSnapshots: number
  readonly removedLogs: number
  readonly error: DiskError | null
}

export class Storage {
  readonly #disk: Disk
  readonly #compression: Compression
  readonly #options: StorageOptions
  readonly #events: StorageEvents
  readonly #snapshotDirectory: string
  readonly #logDirectory: string
  readonly #log: LogWriter
  #snapshot: SnapshotWriter | null = null

  #snapshots: SnapshotFileName[]
  readonly #wholeSnapshots: Set<string>
  #logs: LogFileName[]
  #isPurging = false

  /** Since the last snapshot fell due; and what will make the next one fall due. */
  #txnCount = 0
  #txnBytes = 0
  #txnCountLimit = 0
  #txnBytesLimit = 0

  /**
   * `lastZxid` is what recovery found. Lists the directories, which still blocks. Where there is no
   * snapshot yet, one must be begun at once: nothing becomes durable before it is whole, because no
   * start would accept logs without one.
   */
  constructor(
    disk: Disk,
    compression: Compression,
    options: StorageOptions,
    lastZxid: Zxid,
    events: StorageEvents,
  ) {
    this.#disk = disk
    this.#compression = compression
    this.#options = options
    this.#events = events
    this.#snapshotDirectory = versionDirectory(options.snapshotDirectory)
    this.#logDirectory = versionDirectory(options.logDirectory)
    this.#snapshots = listSnapshots(disk, this.#snapshotDirectory)
    this.#wholeSnapshots = new Set(
      this.#snapshots
        .slice(0, SNAPSHOTS_CHECKED_MAX)
        .filter((file) => looksWhole(disk, file))
        .map((file) => file.path),
    )
    this.#logs = listLogs(disk, this.#logDirectory)
    this.#log = new LogWriter(
      disk,
      {
        directory: this.#logDirectory,
        preallocateBytes: options.preallocateBytes,
        logSizeLimitBytes: options.logSizeLimitBytes,
        isHeld: this.#wholeSnapshots.size === 0,
        logger: options.logger,
      },
      lastZxid,
      {
        onDurable: (zxid) => events.onDurable(zxid),
        onLogCreated: (path, zxid) => this.#onLogCreated(path, zxid),
        onFatal: (error) => events.onFatal(error),
      },
    )
    this.#drawLimits()
  }

  // The log.

  /** Frames a transaction into the growing batch; the bytes are copied. */
  append(zxid: Zxid, bytes: Uint8Array, start: number, end: number): void {
    this.#log.append(zxid, bytes, start, end)
    this.#txnCount++
    this.#txnBytes += end - start + RECORD_FRAME_BYTES
  }

  /** Begins one write-and-sync of all that was appended; if one is in flight, the next follows it. */
  flush(): void {
    this.#log.flush()
  }

  get lastAppended(): Zxid {
    return this.#log.lastAppended
  }

  get lastDurable(): Zxid {
    return this.#log.lastDurable
  }

  // Snapshots.

  /** Whether enough has been appended for the next snapshot. Answer with {@link beginSnapshot}. */
  snapshotDue(): boolean {
    return (
      this.#txnCount > this.#txnCountLimit ||
      (this.#options.snapSizeBytes > 0 && this.#txnBytes > this.#txnBytesLimit)
    )
  }

  get snapshotRunning(): boolean {
    return this.#snapshot !== null
  }

  /**
   * Lets the next batch begin a new log, and begins a snapshot named after `lastProcessed`, the
   * last transaction applied to the tree. While one is still running there is none to begin.
   */
  beginSnapshot(source: SnapshotSource, lastProcessed: Zxid): void {
    this.#drawLimits()
    this.#log.roll()
    if (this.#snapshot !== null) {
      this.#options.logger.warn('too busy for a snapshot: the previous one is still being written')
      return
    }
    this.#snapshot = new SnapshotWriter(
      this.#disk,
      this.#compression,
      {
        directory: this.#snapshotDirectory,
        compression: this.#options.snapshotCompression,
        sliceBytes: this.#options.snapshotSliceBytes ?? null,
        digestEnabled: this.#options.digestEnabled,
      },
      source,
      lastProcessed,
      {
        onSlice: () => this.#events.onSnapshotSlice(),
        onWhole: (file, byteCount) => this.#onSnapshotWhole(file, byteCount),
        onFatal: (error) => this.#events.onFatal(error),
      },
    )
  }

  /**
   * Writes one slice of a running snapshot, about a millisecond of work. True: call again in the
   * next turn. False: there is nothing to do before `onSnapshotSlice`, or at all.
   */
  continueSnapshot(): boolean {
    return this.#snapshot?.step() ?? false
  }

  // Housekeeping.

  /** Removes all but the newest `retain` snapshots and the logs that they may need. */
  purge(retain: number, done: (result: PurgeResult) => void): void {
    if (this.#isPurging) return done({ removedSnapshots: 0, removedLogs: 0, error: null })
    const isWhole = (file: SnapshotFileName): boolean => this.#wholeSnapshots.has(file.path)
    const plan = planPurge(this.#snapshots, this.#logs, isWhole, retain)
    const snapshotPaths = plan.snapshots.map((file) => file.path)
    const logPaths = plan.logs.map((file) => file.path)
    this.#isPurging = true
    const finish = (error: DiskError | null): void => {
      this.#isPurging = false
      done({ removedSnapshots: snapshotPaths.length, removedLogs: logPaths.length, error })
    }
    if (snapshotPaths.length + logPaths.length === 0) return finish(null)
    const removed = new Set([...snapshotPaths, ...logPaths])
    this.#snapshots = this.#snapshots.filter((file) => !removed.has(file.path))
    this.#logs = this.#logs.filter((file) => !removed.has(file.path))
    // Nothing goes before the names of what is kept are sure to stay, and the snapshots that need
    // a log go before the log.
    this.#disk.syncDirectory(this.#snapshotDirectory, (error) => {
      if (error !== null) return finish(error)
      this.#removeAll(snapshotPaths, this.#snapshotDirectory, (snapshotError) => {
        if (snapshotError !== null) return finish(snapshotError)
        this.#removeAll(logPaths, this.#logDirectory, finish)
      })
    })
  }

  /** Makes the rest of the log durable, gives up a running snapshot, closes all files. */
  close(done: () => void): void {
    this.#log.close(() => {
      if (this.#snapshot === null) done()
      else this.#snapshot.abandon(done)
    })
  }

  #onLogCreated(path: string, zxid: Zxid): void {
    // It may replace a file of that name that held no whole record.
    this.#logs = [...this.#logs.filter((log) => log.path !== path), { path, zxid }]
    this.#options.logger.debug('began a new log', { file: path })
  }

  #onSnapshotWhole(file: SnapshotFileName, byteCount: number): void {
    this.#snapshot = null
    this.#snapshots = [...this.#snapshots.filter((old) => old.path !== file.path), file]
    this.#wholeSnapshots.add(file.path)
    this.#log.release()
    this.#options.logger.info('wrote a snapshot', {
      file: file.path,
      zxid: formatZxid(file.zxid),
      bytes: byteCount,
    })
    this.#events.onSnapshotWritten(file.zxid, byteCount)
  }

  #removeAll(
    paths: readonly string[],
    directory: string,
    done: (error: DiskError | null) => void,
  ): void {
    if (paths.length === 0) return done(null)
    const [first, ...rest] = paths
    assert(first !== undefined, 'a list of paths has a hole')
    this.#disk.unlink(first, (error) => {
      // Somebody else may have cleaned up.
      if (error !== null && error.code !== 'ENOENT') done(error)
      else if (rest.length > 0) this.#removeAll(rest, directory, done)
      else this.#disk.syncDirectory(directory, done)
    })
  }

  /**
   * Somewhere between half and all of what is configured, so that the members of an ensemble do
   * not all write their snapshots at once (ZooKeeper 3.9 `SyncRequestProcessor`).
   */
  #drawLimits(): void {
    const { random, snapCount, snapSizeBytes } = this.#options
    const halfCount = Math.floor(Math.max(snapCount, 2) / 2)
    const halfBytes = Math.floor(snapSizeBytes / 2)
    this.#txnCount = 0
    this.#txnBytes = 0
    this.#txnCountLimit = halfCount + random.below(halfCount)
    this.#txnBytesLimit = snapSizeBytes > 0 ? halfBytes + random.below(Math.max(halfBytes, 1)) : 0
  }
}

/** As many as a start would try. */
const SNAPSHOTS_CHECKED_MAX = 100
