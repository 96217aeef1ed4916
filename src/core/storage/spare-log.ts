// The next log file, prepared ahead: created, begun with a header and filled with zeros while the
// current one is in use, so that a commit never makes a file grow and never waits for the file
// system's journal. The zeros are written in small durable pieces, each paid for by bytes that have
// been committed, so that the filling never becomes a burst that commits would have to wait for.
// It is given its name as a log by whoever takes it.

import type { Disk, DiskError, DiskFile } from '../../ports/disk.ts'
import type { Logger } from '../../ports/logger.ts'
import { LOG_HEADER_BYTES, logFileStart } from './log-format.ts'

export interface SpareLogEvents {
  /** The file is ready to be taken. */
  onSpareReady(): void
  /** It cannot even be created, or the disk is failing. */
  onSpareFailed(error: DiskError): void
}

export class SpareLog {
  readonly path: string
  readonly #disk: Disk
  readonly #logger: Logger
  readonly #events: SpareLogEvents
  #file: DiskFile | null = null
  /** Bytes of the file that are filled, and that shall be. */
  #filled = 0
  #target = 0
  /** Bytes of zeros that may be written now. */
  #credit = 0
  #creditPerByte = 0
  #isBusy = false
  #isDiscarded = false
  #whenClosed: () => void = () => {}

  constructor(disk: Disk, path: string, logger: Logger, events: SpareLogEvents) {
    this.#disk = disk
    this.path = path
    this.#logger = logger
    this.#events = events
  }

  get isReady(): boolean {
    return this.#file !== null && !this.#isBusy && this.#filled >= this.#target
  }

  /** Bytes that the file was filled to. */
  get filledBytes(): number {
    return this.#filled
  }

  /**
   * Begins a file of `bytes` bytes, to be ready by the time `within` more bytes are committed;
   * 0 for as soon as possible.
   */
  begin(bytes: number, within: number): void {
    this.#target = Math.max(bytes, LOG_HEADER_BYTES)
    this.#filled = 0
    this.#creditPerByte = this.#target / Math.max(within, 1)
    this.#credit = within === 0 ? Number.POSITIVE_INFINITY : 0
    this.#isBusy = true
    this.#disk.create(this.path, (error, file) => {
      this.#isBusy = false
      if (file !== null) this.#file = file
      if (this.#isDiscarded) this.#close()
      else if (error !== null) this.#events.onSpareFailed(error)
      else this.#fill()
    })
  }

  /** So many bytes have been committed. */
  pay(bytes: number): void {
    this.#credit += bytes * this.#creditPerByte
    this.#fill()
  }

  /** The file is wanted now. */
  hurry(): void {
    this.#credit = Number.POSITIVE_INFINITY
    this.#fill()
  }

  /** Hands the file over; only when it is ready. */
  take(): DiskFile {
    const file = this.#file as DiskFile
    this.#file = null
    this.#target = 0
    return file
  }

  /** Gives the file up, once what is under way has ended. */
  discard(done: () => void): void {
    this.#isDiscarded = true
    this.#whenClosed = done
    if (!this.#isBusy) this.#close()
  }

  #close(): void {
    const file = this.#file
    this.#file = null
    if (file === null) this.#whenClosed()
    else file.close(() => this.#disk.unlink(this.path, () => this.#whenClosed()))
  }

  #fill(): void {
    const file = this.#file
    if (file === null || this.#isBusy || this.#filled >= this.#target) return
    const isStart = this.#filled === 0
    if (!isStart && this.#credit < Math.min(PIECE_BYTES, this.#target - this.#filled)) return
    const length = Math.min(PIECE_BYTES, this.#target - this.#filled)
    const piece = isStart ? logFileStart(length) : ZEROS.subarray(0, length)
    this.#isBusy = true
    file.write(this.#filled, piece, 'over-zeros', (error) => {
      this.#isBusy = false
      this.#credit -= length
      if (this.#isDiscarded) this.#close()
      else if (error !== null) this.#onFailedWrite(error, isStart)
      else this.#onFilled(length)
    })
  }

  #onFilled(length: number): void {
    this.#filled += length
    if (this.isReady) this.#events.onSpareReady()
    else this.#fill()
  }

  #onFailedWrite(error: DiskError, isStart: boolean): void {
    if (isStart || !isFull(error)) {
      this.#events.onSpareFailed(error)
      return
    }
    // Room that was to be set aside is missing, none that anybody has been promised: go on with
    // less. The commit that finds no room at all ends the server.
    this.#logger.warn('the disk is full: the next log file is shorter than it should be', {
      wantedBytes: this.#target,
      bytes: this.#filled,
      error: error.message,
    })
    this.#target = this.#filled
    this.#events.onSpareReady()
  }
}

const isFull = (error: DiskError): boolean => error.code === 'ENOSPC' || error.code === 'EDQUOT'

const PIECE_BYTES = 256 << 10
const ZEROS: Uint8Array = new Uint8Array(PIECE_BYTES)
