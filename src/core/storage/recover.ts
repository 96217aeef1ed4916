// What a start does before anything else: the newest whole snapshot, then every transaction logged
// after it. The caller owns the meaning; this finds the bytes, checks them, and refuses where it
// cannot vouch for what comes out (ZooKeeper 3.9 `FileTxnSnapLog.restore`). All of it blocks.
//
// What was written but perhaps not synced by the process before us is made durable before it is
// shown to anyone, and the newest log is cut behind its last whole record: nothing is ever written
// behind a torn one.

import { type Zxid, ZXID_NONE, ZXID_ZERO, counterOf, epochOf, formatZxid } from '../../base/zxid.ts'
import type { Compression } from '../../ports/compression.ts'
import type { Disk } from '../../ports/disk.ts'
import { MalformedRecord } from '../jute/reader.ts'
import { windowSource } from './byte-stream.ts'
import {
  type LogFileName,
  type SnapshotFileName,
  listLogs,
  listSnapshots,
  logsFrom,
} from './file-names.ts'
import { finishReceived } from './finish-received.ts'
import { type LogEnd, LogReader } from './log-reader.ts'
import { NewestSeen } from './newest-seen.ts'
import { type SnapshotSummary, type SnapshotVisitor, readSnapshot } from './snapshot-reader.ts'
import { looksWhole, openSnapshot } from './snapshot-source.ts'
import { StorageError, StorageErrorCode } from './storage-error.ts'
import { type StorageOptions, versionDirectory } from './storage-options.ts'

/** Takes what recovery finds, in order. */
export interface RecoveryTarget extends SnapshotVisitor {
  /** A snapshot follows. Whatever came before, perhaps half of a damaged one, is void. */
  reset(): void
  /** The snapshot was whole. `zxid` is the one it is named after: transactions above it follow. */
  snapshotLoaded(zxid: Zxid, summary: SnapshotSummary): void
  /**
   * One transaction: header, body, digest. The bytes are valid during the call. Throws
   * MalformedRecord where it is none.
   */
  applyTxn(zxid: Zxid, bytes: Uint8Array, start: number, end: number): void
}

export interface RecoveryResult {
  /** The last transaction of the state; ZXID_NONE where an empty database may not be begun. */
  readonly lastZxid: Zxid
  /** The snapshot that was loaded; null for none. */
  readonly snapshot: SnapshotFileName | null
  /** Transactions replayed from the logs. */
  readonly txnCount: number
  /** Nothing was there: this is a new database, and a snapshot should be written at once. */
  readonly isNew: boolean
  /** A torn record that was cut off the newest log; null where its end was clean. */
  readonly torn: { readonly file: string; readonly end: LogEnd } | null
}

/** Throws a StorageError that says what to do, or a DiskError. */
export function recover(
  disk: Disk,
  compression: Compression,
  options: StorageOptions,
  target: RecoveryTarget,
): RecoveryResult {
  return new Recovery(disk, compression, options, target, null).run()
}

/** What has to change on disk for history to end with a transaction. */
export interface Cut {
  /** Newest first. */
  readonly removeSnapshots: readonly SnapshotFileName[]
  readonly removeLogs: readonly LogFileName[]
  /** The log that holds the last transaction to stay, and where that ends; null for none. */
  readonly cutLog: { readonly path: string; readonly length: number } | null
}

/**
 * Brings the target to the state after `zxid` and says what else is on disk. Changes nothing
 * there; throws a StorageError where the files do not hold that state. `newestOf` knows how far the
 * content of a snapshot may go beyond its name.
 */
export function recoverUpTo(
  disk: Disk,
  compression: Compression,
  options: StorageOptions,
  target: RecoveryTarget,
  zxid: Zxid,
  newestOf: (file: SnapshotFileName) => Zxid,
): Cut {
  return new Recovery(disk, compression, options, target, { zxid, newestOf }).runUpTo(zxid)
}

interface Limit {
  readonly zxid: Zxid
  readonly newestOf: (file: SnapshotFileName) => Zxid
}

class Recovery {
  readonly #disk: Disk
  readonly #compression: Compression
  readonly #options: StorageOptions
  readonly #target: RecoveryTarget
  readonly #snapshotDirectory: string
  readonly #logDirectory: string
  readonly #limit: Limit | null
  /** Snapshots that show more than the limit allows. */
  readonly #tooNew: SnapshotFileName[] = []
  #cutLog: Cut['cutLog'] = null
  /** The first transaction behind the limit that is logged. */
  #firstBehind = Number.POSITIVE_INFINITY

  constructor(
    disk: Disk,
    compression: Compression,
    options: StorageOptions,
    target: RecoveryTarget,
    limit: Limit | null,
  ) {
    this.#limit = limit
    this.#disk = disk
    this.#compression = compression
    this.#options = options
    this.#target = target
    this.#snapshotDirectory = versionDirectory(options.snapshotDirectory)
    this.#logDirectory = versionDirectory(options.logDirectory)
  }

  run(): RecoveryResult {
    this.#disk.makeDirectory(this.#snapshotDirectory)
    this.#disk.makeDirectory(this.#logDirectory)
    this.#refuseMixedDirectories()
    // The process before us may have changed names and died: what is read here must not come back,
    // or vanish, with the next power loss.
    this.#disk.settleNames(this.#snapshotDirectory)
    this.#disk.settleNames(this.#logDirectory)
    finishReceived(this.#disk, this.#snapshotDirectory, this.#logDirectory)
    this.#removeEmptyNewestLog()
    const mayBegin = this.#takeInitializeMarker()
    const logs = listLogs(this.#disk, this.#logDirectory)
    const snapshot = this.#loadNewestSnapshot()
    if (snapshot === null) {
      if (logs.length === 0) return this.#nothingFound(mayBegin)
      if (!this.#options.trustEmpty) this.#refuseLogsWithoutSnapshot(logs)
      this.#options.logger.warn('no snapshot found: starting from the logs alone, as configured')
      this.#target.reset()
    }
    return this.#replay(logs, snapshot)
  }

  runUpTo(zxid: Zxid): Cut {
    const logs = listLogs(this.#disk, this.#logDirectory)
    this.#firstBehind = this.#findBehind(logs, zxid)
    const snapshot = this.#loadNewestSnapshot()
    if (snapshot === null) {
      if (logs.length === 0 || !this.#options.trustEmpty) {
        throw notInHistory(this.#logDirectory, zxid, 'no snapshot goes back that far')
      }
      this.#target.reset()
    }
    const { lastZxid } = this.#replay(logs, snapshot)
    if (lastZxid !== zxid) {
      const finding = `the logs go from ${formatZxid(lastZxid)} past it`
      throw notInHistory(this.#logDirectory, zxid, finding)
    }
    const removeLogs = logs.filter((log) => log.zxid > zxid).reverse()
    return { removeSnapshots: this.#tooNew, removeLogs, cutLog: this.#cutLog }
  }

  #findBehind(logs: readonly LogFileName[], zxid: Zxid): number {
    for (const { path } of logsFrom(logs, zxid)) {
      const source = windowSource(this.#disk, path, WINDOW_BYTES)
      const reader = new LogReader(this.#disk, path, this.#options.fieldBytesMax, source)
      while (reader.next()) if (reader.zxid > zxid) return reader.zxid
    }
    return Number.POSITIVE_INFINITY
  }

  #nothingFound(mayBegin: boolean): RecoveryResult {
    const lastZxid = mayBegin ? ZXID_ZERO : ZXID_NONE
    this.#target.reset()
    return { lastZxid, snapshot: null, txnCount: 0, isNew: mayBegin, torn: null }
  }

  // Snapshots.

  #loadNewestSnapshot(): SnapshotFileName | null {
    const { logger } = this.#options
    let tried = 0
    let lastError: StorageError | null = null
    for (const file of listSnapshots(this.#disk, this.#snapshotDirectory)) {
      if (this.#isTooNew(file)) continue
      if (!looksWhole(this.#disk, file)) {
        logger.warn('a snapshot is not whole and is passed over', { file: file.path })
        continue
      }
      if (tried === SNAPSHOTS_TRIED_MAX) break
      tried++
      try {
        if (this.#loadSnapshot(file)) return file
      } catch (error) {
        if (!(error instanceof StorageError)) throw error
        logger.error('a snapshot is damaged: trying the one before it', { error: error.message })
        lastError = error
      }
    }
    if (lastError === null) return this.#noSnapshotWhole()
    throw new StorageError(
      StorageErrorCode.snapshotsUnreadable,
      lastError.file,
      lastError.offset,
      `none of ${tried} snapshots can be read; the last one tried: ${lastError.finding}`,
      'Restore the directory from a copy, or, in an ensemble, empty it and let this server be ' +
        'brought up to date by the others.',
    )
  }

  /**
   * None looked whole. That of an empty database may be one that the very first start was writing
   * when it crashed; any other held data.
   */
  #noSnapshotWhole(): null {
    if (this.#limit !== null) return null
    const file = listSnapshots(this.#disk, this.#snapshotDirectory)[0]
    if (file === undefined || file.zxid === ZXID_ZERO) return null
    throw new StorageError(
      StorageErrorCode.snapshotsUnreadable,
      file.path,
      null,
      'no snapshot is whole: this, the newest, was cut short',
      'Restore the directory from a copy, or, in an ensemble, empty it and let this server be ' +
        'brought up to date by the others.',
    )
  }

  #isTooNew(file: SnapshotFileName): boolean {
    const limit = this.#limit
    if (limit === null) return false
    if (file.zxid <= limit.zxid && limit.newestOf(file) < this.#firstBehind) return false
    this.#tooNew.push(file)
    return true
  }

  /**
   * False where its content goes beyond the limit: it was written while the tree changed, and
   * transactions behind the limit may be in it.
   */
  #loadSnapshot(file: SnapshotFileName): boolean {
    this.#target.reset()
    const stream = openSnapshot(this.#disk, this.#compression, file)
    const seen = this.#limit === null ? null : new NewestSeen(this.#target)
    const visitor = seen ?? this.#target
    const summary = readSnapshot(stream, file.path, this.#options.fieldBytesMax, visitor)
    const told = Math.max(summary.digest?.zxid ?? 0, summary.lastZxid ?? 0)
    if (seen !== null && Math.max(told, seen.newest) >= this.#firstBehind) {
      this.#tooNew.push(file)
      return false
    }
    this.#target.snapshotLoaded(file.zxid, summary)
    this.#options.logger.info('loaded a snapshot', {
      file: file.path,
      nodes: summary.nodeCount,
      sessions: summary.sessionCount,
    })
    return true
  }

  // Logs.

  #replay(logs: readonly LogFileName[], snapshot: SnapshotFileName | null): RecoveryResult {
    const from = snapshot?.zxid ?? ZXID_ZERO
    let last = from
    let txnCount = 0
    let torn: RecoveryResult['torn'] = null
    // The log that holds the snapshot's own transaction is read for those that follow it.
    const needed = logsFrom(logs, (from + 1) as Zxid)
    for (const { path, zxid: first } of needed) {
      if (this.#limit !== null && first > this.#limit.zxid) break
      const source = windowSource(this.#disk, path, WINDOW_BYTES)
      const reader = new LogReader(this.#disk, path, this.#options.fieldBytesMax, source)
      while (reader.next()) {
        if (this.#limit !== null && reader.zxid > this.#limit.zxid) {
          this.#cutLog = { path, length: reader.offset }
          break
        }
        if (reader.zxid <= from) continue
        this.#checkOrder(reader, last, snapshot)
        this.#apply(reader)
        txnCount++
        if (reader.zxid > last) last = reader.zxid
      }
      if (this.#limit !== null) {
        if (this.#cutLog !== null) break
        continue
      }
      const end = reader.ended as LogEnd
      const isNewest = path === needed.at(-1)?.path
      this.#settle(path, end, isNewest)
      torn = isNewest && end.reason === 'torn' ? { file: path, end } : null
    }
    return { lastZxid: last, snapshot, txnCount, isNew: false, torn }
  }

  #apply(reader: LogReader): void {
    try {
      this.#target.applyTxn(reader.zxid, reader.bytes, reader.start, reader.end)
    } catch (error) {
      if (!(error instanceof MalformedRecord)) throw error
      throw new StorageError(
        StorageErrorCode.logCorrupt,
        reader.path,
        reader.offset,
        `transaction ${formatZxid(reader.zxid)} cannot be understood: ${error.message}`,
        'It was written like this, perhaps by a newer version: start the version that wrote it, ' +
          'or restore the directory from another member of the ensemble.',
      )
    }
  }

  /** Within an epoch zxids follow each other; a new epoch counts from 1. */
  #checkOrder(reader: LogReader, last: Zxid, snapshot: SnapshotFileName | null): void {
    const { zxid } = reader
    if (zxid <= last) {
      this.#options.logger.error('a log repeats transactions: they are applied once more', {
        file: reader.path,
        offset: reader.offset,
        zxid: formatZxid(zxid),
        after: formatZxid(last),
      })
      return
    }
    const isNext = epochOf(zxid) === epochOf(last) ? zxid === last + 1 : counterOf(zxid) === 1
    if (isNext) return
    if (snapshot === null && last === ZXID_ZERO) {
      this.#options.logger.warn('the logs do not begin with the first transaction', {
        file: reader.path,
        zxid: formatZxid(zxid),
      })
      return
    }
    throw new StorageError(
      StorageErrorCode.logGap,
      reader.path,
      reader.offset,
      `transaction ${formatZxid(zxid)} follows ${formatZxid(last)}: those between are missing`,
      'A log file or a newer snapshot was removed, or a log was damaged in its middle. Bring the ' +
        'missing files back, or restore the directory from another member of the ensemble.',
    )
  }

  /** Makes a log durable as we have read it, and ends the newest one where its records end. */
  #settle(path: string, end: LogEnd, isNewest: boolean): void {
    const size = this.#disk.size(path) ?? end.offset
    if (end.reason === 'torn') {
      this.#options.logger.warn('the end of a log was torn by a crash and is cut off', {
        file: path,
        offset: end.offset,
        bytes: size - end.offset,
        finding: end.finding,
      })
    }
    this.#disk.truncate(path, isNewest || end.reason === 'torn' ? end.offset : size)
  }

  #refuseLogsWithoutSnapshot(logs: readonly LogFileName[]): never {
    throw new StorageError(
      StorageErrorCode.snapshotMissing,
      logs[0]?.path ?? this.#logDirectory,
      null,
      'there are transaction logs, but no snapshot that they could be applied to',
      `Bring the snapshots back to ${this.#snapshotDirectory}. Only if the logs are known to go ` +
        'back to the very first transaction (data of ZooKeeper 3.4), set snapshot.trust.empty=true.',
    )
  }

  // The directory.

  #refuseMixedDirectories(): void {
    if (this.#snapshotDirectory === this.#logDirectory) return
    this.#refuseNames(this.#logDirectory, 'snapshot.', 'a snapshot', 'dataLogDir')
    this.#refuseNames(this.#snapshotDirectory, 'log.', 'a transaction log', 'dataDir')
  }

  #refuseNames(directory: string, prefix: string, what: string, setting: string): void {
    const name = this.#disk.list(directory).find((one) => one.startsWith(prefix))
    if (name === undefined) return
    throw new StorageError(
      StorageErrorCode.directoriesMixedUp,
      `${directory}/${name}`,
      null,
      `${what} is where it does not belong`,
      `Check dataDir and dataLogDir: ${setting} points here. If the settings are right, move the ` +
        'file to the other directory.',
    )
  }

  /** A crash between creating a file and writing its header left it: it never held anything. */
  #removeEmptyNewestLog(): void {
    const newest = listLogs(this.#disk, this.#logDirectory).at(-1)
    if (newest === undefined || this.#disk.size(newest.path) !== 0) return
    this.#options.logger.warn('the newest log is empty and is removed', { file: newest.path })
    this.#disk.remove(newest.path)
  }

  /** Whether an empty directory may become a database: by setting, or once by a marker file. */
  #takeInitializeMarker(): boolean {
    const marker = `${this.#options.logDirectory}/initialize`
    const isMarked = this.#disk.size(marker) !== null
    if (isMarked) this.#disk.remove(marker)
    return isMarked || this.#options.databaseAutocreate !== false
  }
}

function notInHistory(directory: string, zxid: Zxid, finding: string): StorageError {
  return new StorageError(
    StorageErrorCode.notInHistory,
    directory,
    null,
    `history cannot be brought back to ${formatZxid(zxid)}: ${finding}`,
    'Empty the directory, and let this server be brought up to date by the others.',
  )
}

/** As ZooKeeper 3.9 `FileSnap.deserialize`. */
const SNAPSHOTS_TRIED_MAX = 100

const WINDOW_BYTES = 256 << 10
