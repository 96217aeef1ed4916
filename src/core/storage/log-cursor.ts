// Reads transactions back from the logs, a piece at a time, while the newest of them is being
// written: for a learner that is further behind than memory reaches. It stops where it cannot
// vouch for what comes next, and never behind what was durable when it was opened.

import { mark } from '../../base/marks.ts'
import { type Zxid, ZXID_ZERO, counterOf, epochOf } from '../../base/zxid.ts'
import { type Disk, DiskError } from '../../ports/disk.ts'
import type { Logger } from '../../ports/logger.ts'
import { windowSource } from './byte-stream.ts'
import type { DataFiles } from './data-files.ts'
import { type LogFileName, logsFrom } from './file-names.ts'
import { LogReader } from './log-reader.ts'
import { StorageError } from './storage-error.ts'
import type { StorageOptions } from './storage-options.ts'

/** The bytes from `start` to `end` are the transaction; they are its own and never change. */
export interface LoggedTxn {
  readonly zxid: Zxid
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

export interface LogCursorOptions {
  /** Oldest first. */
  readonly logs: readonly LogFileName[]
  /** The first transaction wanted, or the next one there is. */
  readonly from: Zxid
  /** The last transaction that may be read. */
  readonly upTo: Zxid
  readonly bodyBytesMax: number
  readonly logger: Logger
  /** Whether the files are still those of the same history. */
  readonly isValid: () => boolean
}

export class LogCursor {
  readonly #disk: Disk
  readonly #options: LogCursorOptions
  #file = 0
  #reader: LogReader | null = null
  #last: Zxid = ZXID_ZERO
  #isEnded = false

  constructor(disk: Disk, options: LogCursorOptions) {
    this.#disk = disk
    this.#options = options
  }

  /** Null at the end of what could be read; it is not asked again then. */
  next(): LoggedTxn | null {
    while (!this.#isEnded && this.#options.isValid()) {
      const reader = this.#reader
      if (reader === null) {
        this.#openNext()
      } else if (!this.#guarded(() => reader.next())) {
        this.#reader = null
      } else if (reader.zxid > this.#options.upTo) {
        this.#isEnded = true
      } else if (reader.zxid >= this.#options.from && reader.zxid > this.#last) {
        return this.#take(reader)
      }
    }
    this.close()
    return null
  }

  close(): void {
    this.#isEnded = true
    this.#reader = null
  }

  #take(reader: LogReader): LoggedTxn | null {
    const { zxid, bytes, start, end } = reader
    const last = this.#last
    const follows = epochOf(zxid) === epochOf(last) ? zxid === last + 1 : counterOf(zxid) === 1
    if (last !== ZXID_ZERO && !follows) {
      mark('log-cursor-gap')
      this.#options.logger.warn('the logs have a gap: older transactions are not read from them', {
        file: reader.path,
        offset: reader.offset,
      })
      this.close()
      return null
    }
    this.#last = zxid
    if (zxid === this.#options.upTo) this.close()
    return { zxid, bytes: bytes.slice(start, end), start: 0, end: end - start }
  }

  #openNext(): void {
    const file = this.#options.logs[this.#file++]
    if (file === undefined || file.zxid > this.#options.upTo) {
      this.#isEnded = true
      return
    }
    this.#guarded(() => {
      const source = windowSource(this.#disk, file.path, PIECE_BYTES)
      this.#reader = new LogReader(this.#disk, file.path, this.#options.bodyBytesMax, source)
      return true
    })
  }

  /**
   * Damage and missing files end the reading and nothing else: this server has what it needs in
   * memory, and the next start will judge its files.
   */
  #guarded(read: () => boolean): boolean {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof StorageError) && !(error instanceof DiskError)) throw error
      this.#options.logger.warn('an old log cannot be read', { error: error.message })
      this.close()
      return false
    }
  }
}

/**
 * The logs (oldest first) that hold what follows `from`. Null where none goes back so far, or where
 * those behind the first are large beside the newest snapshot: then that is cheaper to send
 * (ZooKeeper 3.9 `FileTxnSnapLog.readTxnLog`). `live` is the log in use, which is filled with zeros
 * ahead.
 */
export function logsWorthSending(
  disk: Disk,
  files: DataFiles,
  live: { readonly path: string; readonly byteCount: number } | null,
  from: Zxid,
  options: Pick<StorageOptions, 'snapshotSizeFactor'>,
): readonly LogFileName[] | null {
  const { snapshotSizeFactor = SIZE_FACTOR_MAX } = options
  const logs = logsFrom(files.logs, from)
  const first = logs[0]
  if (first === undefined || first.zxid > from || snapshotSizeFactor < 0) return null
  const bytesMax = files.newestSnapshotBytes() * Math.min(snapshotSizeFactor, SIZE_FACTOR_MAX)
  let byteCount = 0
  for (const { path } of logs.slice(1)) {
    byteCount += path === live?.path ? live.byteCount : (disk.size(path) ?? 0)
  }
  return bytesMax > 0 && byteCount > bytesMax ? null : logs
}

/** ZooKeeper's default for `snapshotSizeFactor`, and the most that it takes. */
const SIZE_FACTOR_MAX = 0.33

/** Short reads keep the pauses short. */
const PIECE_BYTES = 256 << 10
