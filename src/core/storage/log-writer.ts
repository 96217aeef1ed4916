// Appends transactions to the log: the state of the group commit, and which file they go to. At
// most one write-and-sync is in flight; what is appended meanwhile is framed into the other of two
// buffers and becomes the next one. A failed write or sync is never retried: what the medium holds
// afterwards is unknown, so the server must end.
//
// An existing file is never appended to. A new one is a spare that was filled with zeros ahead,
// renamed to `log.<first zxid>`; its directory is synced before anything is written to it. Where a
// log of that name exists (it held nothing but a torn record), the rename replaces it in one step.

import { InvariantError, assert } from '../../base/assert.ts'
import { adler32 } from '../../base/checksum.ts'
import { type Zxid, formatZxid } from '../../base/zxid.ts'
import { type Disk, DiskError, type DiskFile } from '../../ports/disk.ts'
import type { Logger } from '../../ports/logger.ts'
import { JuteWriter } from '../jute/writer.ts'
import { LOG_IN_THE_MAKING, logFileName } from './file-names.ts'
import { LOG_HEADER_BYTES, RECORD_END, RECORD_FRAME_BYTES } from './log-format.ts'
import { SpareLog } from './spare-log.ts'

export interface LogWriterOptions {
  /** The directory of the log files themselves. */
  readonly directory: string
  readonly preallocateBytes: number
  readonly logSizeLimitBytes: number | null
  /** Write nothing before `release` is called. */
  readonly isHeld: boolean
  readonly logger: Logger
  /** For tests: after a failed write the log goes on as if nothing had been lost. */
  readonly survivesWriteError?: boolean
}

export interface LogWriterEvents {
  /** Everything appended up to `zxid` survives a crash. */
  onDurable(zxid: Zxid): void
  onLogCreated(path: string, zxid: Zxid): void
  onFatal(error: DiskError): void
}

export class LogWriter {
  readonly #disk: Disk
  readonly #options: LogWriterOptions
  readonly #events: LogWriterEvents
  readonly #spare: SpareLog
  /** How large the next spare is to be; doubled each time one is filled up. */
  #spareBytes: number

  /** What is being collected, and what is being written. */
  #batch = new Batch()
  #writing = new Batch()
  #isBusy = false
  #flushWanted = false
  #isHeld: boolean
  #isSuspended = false

  #file: DiskFile | null = null
  #path = ''
  /** Where the next batch goes, and how far the file is filled with zeros. */
  #position = 0
  #filled = 0
  #rollWanted = false
  /** The new file that a batch waits for is on its way. */
  #waitsForSpare = false

  #lastAppended: Zxid
  #lastDurable: Zxid
  #isFailed = false
  #isClosed = false
  #whenClosed: (() => void) | null = null
  #whenSuspended: (() => void) | null = null
  #drainsFirst = false
  /** What is being written belongs to a history that has been given up. */
  #isForgotten = false

  /** `lastZxid`: what the directory holds already. */
  constructor(disk: Disk, options: LogWriterOptions, lastZxid: Zxid, events: LogWriterEvents) {
    this.#disk = disk
    this.#options = options
    this.#events = events
    this.#lastAppended = lastZxid
    this.#lastDurable = lastZxid
    this.#isHeld = options.isHeld
    this.#spareBytes = Math.min(options.preallocateBytes, SPARE_BYTES_FIRST)
    const path = `${options.directory}/${LOG_IN_THE_MAKING}`
    this.#spare = new SpareLog(disk, path, options.logger, {
      onSpareReady: () => this.#onSpareReady(),
      onSpareFailed: (error) => {
        if (this.#waitsForSpare) this.#failBatch(error)
        else this.#fail(error)
      },
    })
    this.#spare.begin(this.#spareBytes, 0)
  }

  get lastAppended(): Zxid {
    return this.#lastAppended
  }

  get lastDurable(): Zxid {
    return this.#lastDurable
  }

  /** The file in use, and the bytes of it that hold something; null where none is open. */
  get live(): { readonly path: string; readonly byteCount: number } | null {
    return this.#file === null ? null : { path: this.#path, byteCount: this.#position }
  }

  get isHeld(): boolean {
    return this.#isHeld
  }

  /** True while something that was appended is not durable. */
  get isPending(): boolean {
    return this.#lastDurable < this.#lastAppended
  }

  /** Frames one transaction into the growing batch; the bytes are copied. */
  append(zxid: Zxid, bytes: Uint8Array, start: number, end: number): void {
    if (zxid <= this.#lastAppended) refuseOrder(zxid, this.#lastAppended)
    this.#lastAppended = zxid
    this.#batch.add(zxid, bytes, start, end)
  }

  /** Begins to make durable what was appended; at once, or when the write in flight has ended. */
  flush(): void {
    if (this.#isBusy || this.#isHeld || this.#isSuspended) this.#flushWanted = true
    else this.#begin()
  }

  /** Lets the log go on, or begin. */
  release(): void {
    this.#isHeld = false
    if (this.#flushWanted && !this.#isBusy) this.#begin()
  }

  /** The next batch begins a new file. */
  roll(): void {
    if (this.#file === null) return
    this.#rollWanted = true
    this.#spare.hurry()
  }

  /**
   * Lets go of the files, so that they can be changed: the write in flight ends, and with
   * `writesAll` so does what was appended behind it. Nothing is written before `resume`; after a
   * failure `done` is never called.
   */
  suspend(writesAll: boolean, done: () => void): void {
    assert(this.#whenSuspended === null, 'the log is suspended twice')
    this.#whenSuspended = done
    this.#drainsFirst = writesAll && !this.#isHeld && !this.#isSuspended
    if (!this.#drainsFirst) this.#isSuspended = true
    this.#suspendWhenIdle()
  }

  /**
   * History goes on behind `zxid`, whatever was appended before: for a log that is suspended, or
   * about to be. `keepsUnwritten` is for tests.
   */
  restartAt(zxid: Zxid, keepsUnwritten: boolean): void {
    this.#isForgotten = this.#isBusy
    this.#lastAppended = zxid
    if (!keepsUnwritten) this.#batch.clear()
  }

  /** The files end with `zxid`. Where `isHeld`, nothing is written before `release`. */
  resume(zxid: Zxid, isHeld: boolean): void {
    this.#lastDurable = zxid
    this.#isHeld = isHeld
    this.#isSuspended = false
    if (this.#flushWanted && !this.#isBusy) this.#begin()
  }

  /** Makes the rest durable, then closes; after a failure it just ends. */
  close(done: () => void): void {
    assert(this.#whenClosed === null, 'the log is closed twice')
    this.#whenClosed = done
    if (!this.#isBusy) this.#begin()
    this.#closeWhenIdle()
  }

  // One batch: perhaps a new file, then one write.

  #begin(): void {
    if (this.#isFailed || this.#isHeld || this.#isSuspended || this.#batch.isEmpty) return
    this.#isBusy = true
    this.#flushWanted = false
    const batch = this.#batch
    this.#batch = this.#writing
    this.#writing = batch
    if (!this.#needsNewFile(batch.byteCount)) this.#write()
    else if (this.#spare.isReady) this.#openNext()
    else if (this.#file !== null) this.#write()
    else this.#waitsForSpare = true
  }

  #needsNewFile(bytes: number): boolean {
    if (this.#file === null) return true
    if (this.#rollWanted) return true
    if (this.#position + bytes <= this.#filled || this.#options.preallocateBytes <= 0) return false
    // It does not fit. A spare that is still too small for it only helps once this file is full.
    const fitsSpare = LOG_HEADER_BYTES + bytes <= this.#spare.filledBytes
    const isFull = fitsSpare || this.#position >= this.#filled
    if (isFull) this.#spare.hurry()
    return isFull
  }

  #onSpareReady(): void {
    if (!this.#waitsForSpare || this.#isFailed) return
    this.#waitsForSpare = false
    this.#openNext()
  }

  #openNext(): void {
    const directory = this.#options.directory
    const zxid = this.#writing.firstZxid
    const path = `${directory}/${logFileName(zxid)}`
    const wasFilledUp = this.#file !== null && !this.#rollWanted
    const filled = this.#spare.filledBytes
    const file = this.#spare.take()
    const previous = this.#file
    this.#disk.rename(this.#spare.path, path, (renameError) => {
      if (renameError !== null) return this.#failBatch(renameError)
      this.#disk.syncDirectory(directory, (syncError) => {
        if (syncError !== null) return this.#failBatch(syncError)
        this.#file = file
        this.#path = path
        this.#position = LOG_HEADER_BYTES
        this.#filled = filled
        this.#rollWanted = false
        this.#events.onLogCreated(path, zxid)
        this.#beginSpare(wasFilledUp)
        if (previous !== null) this.#retire(previous)
        this.#write()
      })
    })
  }

  /** Everything in the old file is durable already, so a failure to close it loses nothing. */
  #retire(file: DiskFile): void {
    file.close((error) => {
      if (error !== null) {
        this.#options.logger.warn('closing a finished log failed', { error: error.message })
      }
    })
  }

  #beginSpare(wasFilledUp: boolean): void {
    if (this.#whenClosed !== null) return
    const { preallocateBytes } = this.#options
    // A quiet server stays with small files; a busy one soon changes files only rarely.
    const most = preallocateBytes <= 0 ? 0 : Math.max(preallocateBytes, SPARE_BYTES_FIRST)
    if (wasFilledUp) this.#spareBytes = Math.min(this.#spareBytes * 2, most)
    this.#spare.begin(this.#spareBytes, Math.floor(this.#filled / 2))
  }

  #write(): void {
    const file = this.#file as DiskFile
    file.write(this.#position, this.#writing.view(), 'over-zeros', (error) => {
      if (error === null) return this.#onWritten()
      if (this.#options.survivesWriteError === true) return this.#goOnWithout()
      this.#cutBatch()
      this.#failBatch(error)
    })
  }

  /**
   * Takes back what failed and was promised to nobody. Otherwise the next start might read it from
   * the page cache, believe it and show it to clients, although the medium never got it: after a
   * failed sync the system takes such pages for clean, and no later sync writes them.
   */
  #cutBatch(): void {
    try {
      this.#disk.truncate(this.#path, this.#position)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.#options.logger.error('the failed end of the log could not be cut off', {
        file: this.#path,
        error: error.message,
      })
    }
  }

  #onWritten(): void {
    const { byteCount, lastZxid } = this.#writing
    this.#writing.clear()
    this.#isBusy = false
    this.#position += byteCount
    const isForgotten = this.#isForgotten
    this.#isForgotten = false
    if (!isForgotten) this.#lastDurable = lastZxid
    this.#spare.pay(byteCount)
    const limit = this.#options.logSizeLimitBytes
    if (limit !== null && this.#position > limit) this.roll()
    // The disk goes on before anyone is told: it is the slower one.
    if (this.#flushWanted || this.#drainsFirst || this.#whenClosed !== null) this.#begin()
    if (!isForgotten) this.#events.onDurable(lastZxid)
    this.#suspendWhenIdle()
    this.#closeWhenIdle()
  }

  /** As ZooKeeper did (ZOOKEEPER-4882): what failed leaves a hole behind which the log goes on. */
  #goOnWithout(): void {
    this.#writing.clear()
    this.#isBusy = false
    this.#isForgotten = false
    if (this.#flushWanted || this.#drainsFirst || this.#whenClosed !== null) this.#begin()
    this.#suspendWhenIdle()
    this.#closeWhenIdle()
  }

  #failBatch(error: DiskError): void {
    this.#isBusy = false
    this.#fail(error)
  }

  #fail(error: DiskError): void {
    if (!this.#isFailed) {
      this.#isFailed = true
      this.#events.onFatal(error)
    }
    this.#closeWhenIdle()
  }

  #suspendWhenIdle(): void {
    const done = this.#whenSuspended
    if (done === null || this.#isFailed || this.#whenClosed !== null) return
    if (this.#drainsFirst && !this.#isBusy) this.#begin()
    if (this.#isBusy) return
    this.#whenSuspended = null
    this.#drainsFirst = false
    this.#isSuspended = true
    const file = this.#file
    this.#file = null
    this.#rollWanted = false
    // The next batch cannot begin without it.
    this.#spare.hurry()
    if (file === null) return done()
    file.close((error) => {
      if (error !== null) this.#fail(error)
      else done()
    })
  }

  #closeWhenIdle(): void {
    const done = this.#whenClosed
    if (done === null || this.#isBusy || this.#isClosed) return
    this.#isClosed = true
    const file = this.#file
    this.#file = null
    this.#spare.discard(() => {
      if (file === null) done()
      else file.close(() => done())
    })
  }
}

/** The log says what happened and in which order; nothing may be said twice. */
function refuseOrder(zxid: Zxid, last: Zxid): never {
  throw new InvariantError(`zxid ${formatZxid(zxid)} is appended after ${formatZxid(last)}`)
}

/** Framed records, in the order in which they were appended. */
class Batch {
  #writer = new JuteWriter(BATCH_BYTES_FIRST)
  firstZxid = 0 as Zxid
  lastZxid = 0 as Zxid

  get byteCount(): number {
    return this.#writer.position
  }

  get isEmpty(): boolean {
    return this.#writer.position === 0
  }

  view(): Uint8Array {
    return this.#writer.view()
  }

  add(zxid: Zxid, bytes: Uint8Array, start: number, end: number): void {
    const writer = this.#writer
    if (writer.position === 0) this.firstZxid = zxid
    this.lastZxid = zxid
    writer.ensure(end - start + RECORD_FRAME_BYTES)
    writer.int(0)
    writer.int(adler32(1, bytes, start, end))
    writer.int(end - start)
    writer.raw(bytes, start, end)
    writer.byte(RECORD_END)
  }

  /** Empties it; an array that an unusual load made very large is given back. */
  clear(): void {
    if (this.#writer.bytes.length > BATCH_BYTES_KEPT) {
      this.#writer = new JuteWriter(BATCH_BYTES_FIRST)
    } else {
      this.#writer.reset()
    }
  }
}

const SPARE_BYTES_FIRST = 4 << 20
const BATCH_BYTES_FIRST = 256 << 10
const BATCH_BYTES_KEPT = 16 << 20
