// Writes one snapshot to disk in slices, while the server goes on: a slice of nodes is encoded into
// one buffer while the one before is being written. Slices are written durably one by one, so that
// there is no great sync at the end for commits to wait behind. The file gets its name, and its
// directory a sync, when it is whole; before that no start would take it for a snapshot.

import { mark } from '../../base/marks.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { Compression } from '../../ports/compression.ts'
import type { Disk, DiskError, DiskFile } from '../../ports/disk.ts'
import { JuteWriter } from '../jute/writer.ts'
import { SNAPSHOT_IN_THE_MAKING, type SnapshotFileName } from './file-names.ts'
import { SnapshotEncoder, type SnapshotSource } from './snapshot-encoder.ts'
import { SNAPPY_BLOCK_BYTES, SNAPPY_HEADER } from './snapshot-format.ts'
import type { SnapshotCompression } from './storage-options.ts'

export interface SnapshotWriterOptions {
  /** The directory of the snapshot files themselves. */
  readonly directory: string
  readonly compression: SnapshotCompression
  /** Null for what suits the compression. */
  readonly sliceBytes: number | null
  readonly digestEnabled: boolean
  /** What it is called once it is whole. */
  readonly fileName: (zxid: Zxid, compression: SnapshotCompression) => string
}

export interface SnapshotWriterEvents {
  /** Another slice can be made although the last `step` said otherwise. */
  onSlice(): void
  /**
   * Whether the log holds everything up to `zxid` for certain. Otherwise the snapshot waits for
   * `logIsDurable`: it may show what the log could still lose.
   */
  isDurable(zxid: Zxid): boolean
  /** `newest`: transactions up to this one may show in it. */
  onWhole(file: SnapshotFileName, byteCount: number, newest: Zxid): void
  onFatal(error: DiskError): void
}

export class SnapshotWriter {
  readonly #disk: Disk
  readonly #compression: Compression
  readonly #options: SnapshotWriterOptions
  readonly #events: SnapshotWriterEvents
  readonly #sliceBytes: number
  readonly #zxid: Zxid
  readonly #source: SnapshotSource
  readonly #encoder: SnapshotEncoder
  /** The last transaction that was applied when the last node was encoded. */
  #newest: Zxid
  #waitsForLog = false
  readonly #path: string
  #file: DiskFile | null = null
  /** The slice in the making, and the one being written. */
  #slice: JuteWriter
  #writing: JuteWriter
  /** A request of ours is under way. */
  #isBusy = true
  #position = 0
  #isEnded = false
  #whenAbandoned: (() => void) | null = null

  /** Fixes the name and copies sessions and access lists; nodes follow with `step`. */
  constructor(
    disk: Disk,
    compression: Compression,
    options: SnapshotWriterOptions,
    source: SnapshotSource,
    zxid: Zxid,
    events: SnapshotWriterEvents,
  ) {
    this.#disk = disk
    this.#compression = compression
    this.#options = options
    this.#events = events
    this.#zxid = zxid
    this.#newest = zxid
    this.#source = source
    this.#path = `${options.directory}/${SNAPSHOT_IN_THE_MAKING}`
    // Compressing costs far more than encoding, and a slice must stay short.
    const usual = options.compression === '' ? SLICE_BYTES : COMPRESSED_SLICE_BYTES
    this.#sliceBytes = options.sliceBytes ?? usual
    this.#slice = new JuteWriter(this.#sliceBytes + (16 << 10))
    this.#writing = new JuteWriter(this.#sliceBytes + (16 << 10))
    this.#encoder = new SnapshotEncoder(source, options.digestEnabled, this.#slice)
    disk.create(this.#path, (error, file) => {
      this.#isBusy = false
      this.#file = file
      if (this.#whenAbandoned !== null) this.#finishAbandoning()
      else if (error !== null) this.#fail(error)
      else this.#afterRequest()
    })
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Makes one slice if there is room for it. True: another one can follow at once. */
  step(): boolean {
    if (this.#isEnded || this.#isSliceFull()) return false
    this.#encoder.continue(this.#slice, this.#sliceBytes)
    if (this.#encoder.isDone) this.#newest = this.#source.lastZxid()
    if (!this.#isBusy) this.#write()
    return !this.#isSliceFull()
  }

  /** More of the log is certain. */
  logIsDurable(): void {
    if (this.#waitsForLog && !this.#isEnded) this.#publish()
  }

  /** Stops and removes what there is; does nothing where the snapshot has ended. */
  abandon(done: () => void): void {
    if (this.#isEnded) return done()
    this.#isEnded = true
    this.#whenAbandoned = done
    if (!this.#isBusy) this.#finishAbandoning()
  }

  #isSliceFull(): boolean {
    return this.#encoder.isDone || this.#slice.position >= this.#sliceBytes
  }

  #write(): void {
    const file = this.#file as DiskFile
    const slice = this.#slice
    this.#slice = this.#writing
    this.#writing = slice
    const bytes = this.#packed(slice.view())
    this.#isBusy = true
    file.write(this.#position, bytes, true, (error) => {
      this.#isBusy = false
      this.#writing.reset()
      this.#position += bytes.length
      if (this.#whenAbandoned !== null) this.#finishAbandoning()
      else if (error !== null) this.#fail(error)
      else this.#afterRequest()
    })
  }

  /** A request has ended and the file is idle: write what is ready, or finish, or ask for more. */
  #afterRequest(): void {
    const isReady = this.#slice.position > 0 && this.#isSliceFull()
    if (isReady) this.#write()
    else if (this.#encoder.isDone) return this.#publish()
    if (!this.#encoder.isDone) this.#events.onSlice()
  }

  #publish(): void {
    this.#waitsForLog = !this.#events.isDurable(this.#newest)
    if (this.#waitsForLog) mark('storage-snapshot-waits-for-log')
    else this.#finish()
  }

  #finish(): void {
    const { directory, compression, fileName } = this.#options
    const file = this.#file as DiskFile
    const path = `${directory}/${fileName(this.#zxid, compression)}`
    this.#isBusy = true
    this.#file = null
    const next =
      (then: () => void) =>
      (error: DiskError | null): void => {
        if (error === null) return then()
        this.#isBusy = false
        if (this.#whenAbandoned !== null) this.#finishAbandoning()
        else this.#fail(error)
      }
    const done = (): void => {
      this.#isBusy = false
      this.#isEnded = true
      const whole = { path, zxid: this.#zxid, compression }
      this.#events.onWhole(whole, this.#position, this.#newest)
      this.#whenAbandoned?.()
    }
    const syncName = (): void => this.#disk.syncDirectory(directory, next(done))
    const rename = (): void => this.#disk.rename(this.#path, path, next(syncName))
    file.close(next(rename))
  }

  #fail(error: DiskError): void {
    this.#isEnded = true
    this.#events.onFatal(error)
  }

  #finishAbandoning(): void {
    const done = this.#whenAbandoned as () => void
    const unlink = (): void => this.#disk.unlink(this.#path, () => done())
    if (this.#file === null) unlink()
    else this.#file.close(unlink)
  }

  #packed(slice: Uint8Array): Uint8Array {
    switch (this.#options.compression) {
      case '':
        return slice
      case 'gz':
        // Members of a gzip file may follow one another; readers join them.
        return this.#compression.gzip(slice)
      case 'snappy':
        return this.#snappyBlocks(slice)
    }
  }

  #snappyBlocks(slice: Uint8Array): Uint8Array {
    const out = new JuteWriter(slice.length + 1024)
    if (this.#position === 0) out.raw(SNAPPY_HEADER, 0, SNAPPY_HEADER.length)
    for (let at = 0; at < slice.length; at += SNAPPY_BLOCK_BYTES) {
      const block = slice.subarray(at, Math.min(slice.length, at + SNAPPY_BLOCK_BYTES))
      out.buffer(this.#compression.snappyCompress(block))
    }
    return out.view()
  }
}

const SLICE_BYTES = 256 << 10
const COMPRESSED_SLICE_BYTES = 64 << 10
