// The durable side of a running server: the log with its group commit, the next snapshot, the
// epochs, the removal of what is too old, and the changes of history that a leader demands. It
// decides when a snapshot is due and knows the files, so that nothing has to be asked of the disk
// while requests are being served. Recovery is over when this begins.

import { assert } from '../../base/assert.ts'
import { mark } from '../../base/marks.ts'
import { type Zxid, formatZxid } from '../../base/zxid.ts'
import type { Compression } from '../../ports/compression.ts'
import { type Disk, DiskError } from '../../ports/disk.ts'
import { DataFiles } from './data-files.ts'
import { type EpochFile, epochContent, epochPath } from './epoch-files.ts'
import { carryOut, changesOfCut, changesOfReceived } from './file-changes.ts'
import { type SnapshotFileName, receivedFileName, snapshotFileName } from './file-names.ts'
import { LogCursor, logsWorthSending } from './log-cursor.ts'
import { LogWriter } from './log-writer.ts'
import { type RecoveryTarget, recover, recoverUpTo } from './recover.ts'
import { FileReplacer } from './replace-file.ts'
import type { SnapshotSource } from './snapshot-encoder.ts'
import { SnapshotSchedule } from './snapshot-schedule.ts'
import { SnapshotWriter } from './snapshot-writer.ts'
import { StorageError } from './storage-error.ts'
import { diskWithFaults } from './storage-faults.ts'
import type { StorageOptions } from './storage-options.ts'

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

/**
 * A change of history has ended, with the last transaction that there is now. An error says that
 * the files do not allow it; they are as they were.
 */
export type HistoryDone = (error: StorageError | null, lastZxid: Zxid) => void

export class Storage {
  readonly #disk: Disk
  readonly #compression: Compression
  readonly #options: StorageOptions
  readonly #events: StorageEvents
  readonly #files: DataFiles
  readonly #smallFiles: FileReplacer
  readonly #log: LogWriter
  readonly #schedule: SnapshotSchedule
  #snapshot: SnapshotWriter | null = null
  #isPurging = false
  #isClosed = false

  /** Changes of history, one after the other; the first is under way. */
  readonly #changes: Array<() => void> = []
  /** What waits for the purge or the snapshot that is under way. */
  #whenUndisturbed: (() => void) | null = null
  #isReceiving = false
  #historyNumber = 0

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
    this.#disk = diskWithFaults(disk, options.faults)
    this.#compression = compression
    this.#options = options
    this.#events = events
    this.#files = new DataFiles(disk, options)
    this.#smallFiles = new FileReplacer(this.#disk)
    this.#log = new LogWriter(
      this.#disk,
      {
        directory: this.#files.logDirectory,
        preallocateBytes: options.preallocateBytes,
        logSizeLimitBytes: options.logSizeLimitBytes,
        isHeld: !this.#files.hasWholeSnapshot,
        logger: options.logger,
        survivesWriteError: options.faults?.survivesWriteError === true,
      },
      lastZxid,
      {
        onDurable: (zxid) => this.#onDurable(zxid),
        onLogCreated: (path, zxid) => {
          this.#files.addLog({ path, zxid })
          options.logger.debug('began a new log', { file: path })
        },
        onFatal: (error) => events.onFatal(error),
      },
    )
    this.#schedule = new SnapshotSchedule(options)
  }

  // The log.

  /** Frames a transaction into the growing batch; the bytes are copied. */
  append(zxid: Zxid, bytes: Uint8Array, start: number, end: number): void {
    this.#log.append(zxid, bytes, start, end)
    this.#schedule.count(end - start)
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

  /**
   * Transactions on disk from `from` on, or from the next one there is. Null where the logs do not
   * reach back so far, or where a snapshot is cheaper.
   */
  openLog(from: Zxid): LogCursor | null {
    if (this.#changes.length > 0) return null
    const logs = logsWorthSending(this.#disk, this.#files, this.#log.live, from, this.#options)
    if (logs === null) return null
    const history = this.#historyNumber
    return new LogCursor(this.#disk, {
      logs,
      from,
      upTo: this.#log.lastDurable,
      bodyBytesMax: this.#options.fieldBytesMax,
      logger: this.#options.logger,
      isValid: () => history === this.#historyNumber,
    })
  }

  // Epochs.

  /** `done` when the file is durable. */
  writeEpoch(file: EpochFile, epoch: number, done: () => void): void {
    const path = epochPath(this.#options.snapshotDirectory, file)
    this.#smallFiles.replace(path, epochContent(epoch), (error) => {
      if (error === null) done()
      else this.#events.onFatal(error)
    })
  }

  // Snapshots.

  /**
   * Whether enough has been appended for the next snapshot of a tree of that size. Answer with
   * {@link beginSnapshot}.
   */
  snapshotDue(nodeCount: number): boolean {
    return this.#changes.length === 0 && this.#schedule.isDue(nodeCount)
  }

  get snapshotRunning(): boolean {
    return this.#snapshot !== null
  }

  /**
   * Lets the next batch begin a new log, and begins a snapshot named after `lastProcessed`, the
   * last transaction applied to the tree. While one is still running there is none to begin.
   */
  beginSnapshot(source: SnapshotSource, lastProcessed: Zxid): void {
    this.#schedule.begin()
    this.#log.roll()
    if (this.#snapshot !== null || this.#changes.length > 0) {
      this.#options.logger.warn('too busy for a snapshot: the previous one is still being written')
      return
    }
    this.#snapshot = this.#newSnapshot(source, lastProcessed, snapshotFileName, (file, newest) => {
      this.#files.addSnapshot(file, newest)
      this.#log.release()
    })
  }

  /**
   * Writes one slice of a running snapshot, about a millisecond of work. True: call again in the
   * next turn. False: there is nothing to do before `onSnapshotSlice`, or at all.
   */
  continueSnapshot(): boolean {
    return this.#snapshot?.step() ?? false
  }

  // Changes of history. Each gives up a snapshot that is being written.

  /** From `truncate`, `saveHistory` or `reload` until their `done`. */
  get isChangingHistory(): boolean {
    return this.#changes.length > 0
  }

  /**
   * Cuts everything behind `zxid` off the logs, with the snapshots that show any of it, and brings
   * the target to the state that is left. The log goes on from there.
   */
  truncate(zxid: Zxid, target: RecoveryTarget, done: HistoryDone): void {
    this.#change(() => {
      this.#quieten(() => {
        const { lastDurable } = this.#log
        const cut = this.#attempt(() =>
          recoverUpTo(this.#disk, this.#compression, this.#options, target, zxid, (file) =>
            this.#files.newestOf(file),
          ),
        )
        if (cut === null) return
        if (cut instanceof StorageError) return this.#ended(lastDurable, done, cut)
        carryOut(this.#disk, changesOfCut(cut, this.#files), (error) => {
          if (error !== null) return this.#events.onFatal(error)
          mark('storage-truncated')
          this.#ended(zxid, done, null)
        })
      })
    })
  }

  /**
   * Makes the database of `source`, which ends with `zxid`, the only thing that a start can find:
   * every other snapshot and every log goes. Its tree must not change before `done`. What is
   * appended meanwhile is written behind it.
   */
  saveHistory(source: SnapshotSource, zxid: Zxid, done: () => void): void {
    this.#log.restartAt(zxid, false)
    this.#change(() => {
      this.#log.suspend(false, () =>
        this.#giveUpSnapshot(() => this.#afterPurge(() => this.#receive(source, zxid, done))),
      )
    })
  }

  /** Reads the directory again, into the target: what it had in memory is void. */
  reload(target: RecoveryTarget, done: HistoryDone): void {
    this.#change(() => {
      this.#quieten(() => {
        const { lastDurable } = this.#log
        const result = this.#attempt(() =>
          recover(this.#disk, this.#compression, this.#options, target),
        )
        if (result === null) return
        if (result instanceof StorageError) this.#ended(lastDurable, done, result)
        else this.#ended(result.lastZxid, done, null)
      })
    })
  }

  // Housekeeping.

  /** Removes all but the newest `retain` snapshots and the logs that they may need. */
  purge(retain: number, done: (result: PurgeResult) => void): void {
    if (this.#isPurging || this.#changes.length > 0) {
      return done({ removedSnapshots: 0, removedLogs: 0, error: null })
    }
    const { snapshotDirectory, logDirectory } = this.#files
    const plan = this.#files.takePurgeable(retain)
    const removedSnapshots = plan.snapshots.length
    const removedLogs = plan.logs.length
    if (removedSnapshots + removedLogs === 0)
      return done({ removedSnapshots, removedLogs, error: null })
    this.#isPurging = true
    const remove = ({ path }: { path: string }) => ({ kind: 'remove', path }) as const
    const settle = (directory: string) => ({ kind: 'settle', directory }) as const
    // Nothing goes before the names of what is kept are sure to stay, and the snapshots that need
    // a log go before the log.
    const changes = [
      settle(snapshotDirectory),
      ...plan.snapshots.map(remove),
      settle(snapshotDirectory),
      ...plan.logs.map(remove),
      settle(logDirectory),
    ]
    carryOut(this.#disk, changes, (error) => {
      this.#isPurging = false
      done({ removedSnapshots, removedLogs, error })
      this.#undisturbed()
    })
  }

  /** Makes the rest of the log durable, gives up a running snapshot, closes all files. */
  close(done: () => void): void {
    const closeLog = (): void => {
      this.#isClosed = true
      this.#log.close(() => this.#giveUpSnapshot(done))
    }
    const isFree = this.#changes.length === 0 || this.#snapshot !== null
    if (isFree) closeLog()
    else this.#changes.push(closeLog)
  }

  #onDurable(zxid: Zxid): void {
    this.#snapshot?.logIsDurable()
    this.#events.onDurable(zxid)
  }

  #newSnapshot(
    source: SnapshotSource,
    zxid: Zxid,
    fileName: typeof snapshotFileName,
    onWhole: (file: SnapshotFileName, newest: Zxid) => void,
  ): SnapshotWriter {
    const options = this.#options
    return new SnapshotWriter(
      this.#disk,
      this.#compression,
      {
        directory: this.#files.snapshotDirectory,
        compression: options.snapshotCompression,
        sliceBytes: options.snapshotSliceBytes ?? null,
        digestEnabled: options.digestEnabled,
        fileName,
      },
      source,
      zxid,
      {
        onSlice: () => this.#events.onSnapshotSlice(),
        isDurable: (newest) => this.#isLogged(newest),
        onWhole: (file, byteCount, newest) => {
          this.#snapshot = null
          onWhole(file, newest)
          options.logger.info('wrote a snapshot', {
            file: file.path,
            zxid: formatZxid(zxid),
            bytes: byteCount,
          })
          this.#events.onSnapshotWritten(zxid, byteCount)
          this.#undisturbed()
        },
        onFatal: (error) => this.#events.onFatal(error),
      },
    )
  }

  /** Where the log waits for a snapshot, the snapshot does not wait for the log. */
  #isLogged(zxid: Zxid): boolean {
    const log = this.#log
    return zxid <= log.lastDurable || !log.isPending || log.isHeld || this.#isReceiving
  }

  // One change of history after the other.

  #change(begin: () => void): void {
    this.#changes.push(begin)
    if (this.#changes.length === 1) begin()
  }

  /** The files end with `lastZxid`, and so does the log; where nothing was changed, as before. */
  #ended(lastZxid: Zxid, done: HistoryDone, error: StorageError | null): void {
    const isLast = this.#changes.length === 1
    if (isLast && error === null) this.#log.restartAt(lastZxid, this.#keepsUnwritten)
    const next = this.#resume(lastZxid)
    done(error, lastZxid)
    next?.()
  }

  /** The log goes on, unless the files are to be changed once more: begin that after `done`. */
  #resume(lastZxid: Zxid): (() => void) | undefined {
    this.#historyNumber++
    this.#files.refresh()
    this.#changes.shift()
    const next = this.#changes[0]
    if (next === undefined) this.#log.resume(lastZxid, !this.#files.hasWholeSnapshot)
    return next
  }

  get #keepsUnwritten(): boolean {
    return this.#options.faults?.logsAfterRole === true
  }

  /** Calls `then` when nothing else is being written, and everything that was appended is. */
  #quieten(then: () => void): void {
    this.#log.suspend(!this.#keepsUnwritten, () => {
      this.#afterFirstSnapshot(() => {
        this.#giveUpSnapshot(() => this.#afterPurge(() => this.#settleNames(then)))
      })
    })
  }

  /** As at a start, what is read has names that a crash cannot take away. */
  #settleNames(then: () => void): void {
    this.#disk.syncDirectory(this.#files.logDirectory, (error) => {
      if (error !== null) this.#events.onFatal(error)
      else then()
    })
  }

  /** Without its first snapshot a directory is not worth reading. */
  #afterFirstSnapshot(then: () => void): void {
    if (this.#snapshot !== null && !this.#files.hasWholeSnapshot) this.#whenUndisturbed = then
    else then()
  }

  #afterPurge(then: () => void): void {
    if (this.#isPurging) this.#whenUndisturbed = then
    else if (!this.#isClosed) then()
  }

  #undisturbed(): void {
    const then = this.#whenUndisturbed
    this.#whenUndisturbed = null
    if (!this.#isClosed) then?.()
  }

  #giveUpSnapshot(then: () => void): void {
    if (this.#snapshot === null) return then()
    this.#snapshot.abandon(() => {
      this.#snapshot = null
      then()
    })
  }

  #receive(source: SnapshotSource, zxid: Zxid, done: () => void): void {
    this.#isReceiving = true
    this.#snapshot = this.#newSnapshot(source, zxid, receivedFileName, (received, newest) => {
      // The next start will do the rest.
      if (this.#isClosed) return
      assert(newest === zxid, 'the database changed while it was saved')
      const changes = changesOfReceived(received, this.#files)
      carryOut(this.#disk, changes, (error) => {
        if (error !== null) return this.#events.onFatal(error)
        mark('storage-history-saved')
        this.#isReceiving = false
        const next = this.#resume(zxid)
        done()
        next?.()
      })
    })
  }

  /** Null where the disk failed, which is fatal; a StorageError where its content does not do. */
  #attempt<T>(task: () => T): T | StorageError | null {
    try {
      return task()
    } catch (error) {
      if (error instanceof StorageError) return error
      if (!(error instanceof DiskError)) throw error
      this.#events.onFatal(error)
      return null
    }
  }
}
