// Reads one log file, record by record, and tells three things apart: the end (end of the file, or
// zeros), a torn record (a write that a crash interrupted: the end, too), and corruption, which it
// refuses with file and offset. What the records mean, and which files there are, is not known here.

import { adler32 } from '../../base/checksum.ts'
import { EPOCH_LIMIT, type Zxid, ZXID_ZERO } from '../../base/zxid.ts'
import type { Disk } from '../../ports/disk.ts'
import { TXN_HEADER_BYTES } from '../records/txn.ts'
import { type ByteSource, ByteStream, fileSource } from './byte-stream.ts'
import {
  BODY_ZXID_OFFSET,
  LOG_HEADER_BYTES,
  LOG_MAGIC,
  RECORD_END,
  RECORD_FRAME_BYTES,
  RECORD_HEAD_BYTES,
} from './log-format.ts'
import { StorageError, StorageErrorCode } from './storage-error.ts'
import { hasLostSector, isHeadTorn, isTorn } from './torn-record.ts'

/** Why the records of a file end. */
export type LogEndReason =
  /** The file ends behind a record. */
  | 'end-of-file'
  /** Zeros follow: space that was set aside and not used. */
  | 'padding'
  /** A record begins, but a crash kept it from being written whole. */
  | 'torn'

export interface LogEnd {
  readonly reason: LogEndReason
  /** Behind the last whole record. */
  readonly offset: number
  /** What was found there, for people. */
  readonly finding: string
}

/**
 * Stands on one record at a time: `next` moves to it, the fields describe it. With the usual source
 * the bytes are never written again, so that a view of them may be kept.
 */
export class LogReader {
  readonly path: string
  zxid: Zxid = ZXID_ZERO
  /** Where the record's frame begins in the file, and the bytes of the frame with its body. */
  offset = 0
  frameBytes = 0
  /** Adler-32 of the body, as it stands in the file. */
  checksum = 0
  bytes: Uint8Array
  /** The body: a transaction. */
  start = 0
  end = 0

  readonly #disk: Disk
  readonly #stream: ByteStream
  readonly #bodyBytesMax: number
  #ended: LogEnd | null = null

  /** Throws a StorageError where the file does not begin as a log does. */
  constructor(
    disk: Disk,
    path: string,
    bodyBytesMax: number,
    source: ByteSource = fileSource(disk, path, PIECE_BYTES),
  ) {
    this.path = path
    this.#disk = disk
    this.#bodyBytesMax = bodyBytesMax
    this.#stream = new ByteStream(source, false)
    this.bytes = this.#stream.bytes
    this.#header()
  }

  /** Set once `next` has returned false. */
  get ended(): LogEnd | null {
    return this.#ended
  }

  next(): boolean {
    if (this.#ended !== null) return false
    const stream = this.#stream
    const offset = stream.offset
    if (!stream.ensure(RECORD_HEAD_BYTES)) {
      return stream.available === 0
        ? this.#endAt(offset, 'end-of-file', 'the file ends here')
        : this.#endAt(offset, 'torn', 'the file ends within the head of a record')
    }
    const length = intAt(stream.bytes, stream.position + 8)
    if (length === 0) {
      const isEmpty = intAt(stream.bytes, stream.position + 4) === 0
      if (isEmpty) return this.#endAt(offset, 'padding', 'unused space follows')
      if (isHeadTorn(this.#disk, this.path, offset)) {
        return this.#endAt(offset, 'torn', 'the head of a record was never written whole')
      }
      throw this.#corrupt(offset, 'a record claims to be empty')
    }
    if (length < 0 || length > this.#bodyBytesMax) {
      throw this.#corrupt(offset, `a record claims to be ${length} bytes long`)
    }
    if (!stream.ensure(length + RECORD_FRAME_BYTES)) {
      if (isTorn(this.#disk, this.path, offset, length)) {
        return this.#endAt(offset, 'torn', 'the file ends within a record')
      }
      throw this.#corrupt(offset, `a record claims ${length} bytes, over the end of the file`)
    }
    const { bytes, position } = stream
    const start = position + RECORD_HEAD_BYTES
    const end = start + length
    if (bytes[end] !== RECORD_END) {
      if (isTorn(this.#disk, this.path, offset, length)) {
        return this.#endAt(offset, 'torn', 'a record has no end byte')
      }
      throw this.#corrupt(offset, `a record of ${length} bytes does not end as a record does`)
    }
    const checksum = intAt(bytes, position + 4) >>> 0
    const actual = adler32(1, bytes, start, end)
    if (checksum !== actual || intAt(bytes, position) !== 0) {
      if (hasLostSector(bytes, position, end + 1, offset)) {
        return this.#endAt(offset, 'torn', 'a sector of a record was never written')
      }
      const sums = `its checksum says ${hex(checksum)}, its bytes give ${hex(actual)}`
      throw this.#corrupt(offset, `a record was changed after it was written: ${sums}`)
    }
    if (length < TXN_HEADER_BYTES) {
      throw this.#corrupt(offset, `a record of ${length} bytes is too short for a transaction`)
    }
    const epoch = intAt(bytes, start + BODY_ZXID_OFFSET)
    if (epoch < 0 || epoch >= EPOCH_LIMIT) {
      throw this.#corrupt(offset, `a transaction has epoch ${epoch}; this server goes up to 2^21`)
    }
    this.zxid = (epoch * 2 ** 32 + (intAt(bytes, start + BODY_ZXID_OFFSET + 4) >>> 0)) as Zxid
    this.offset = offset
    this.frameBytes = length + RECORD_FRAME_BYTES
    this.checksum = checksum
    this.bytes = bytes
    this.start = start
    this.end = end
    stream.position = end + 1
    return true
  }

  #header(): void {
    const stream = this.#stream
    if (!stream.ensure(LOG_HEADER_BYTES)) {
      throw new StorageError(
        StorageErrorCode.logHeader,
        this.path,
        stream.available,
        'the file ends within the header of a transaction log',
        'If it is the newest log it holds no transaction: move it away and start again. ' +
          'Otherwise restore it from a copy or from another member.',
      )
    }
    const magic = intAt(stream.bytes, stream.position)
    if (magic !== LOG_MAGIC) {
      throw new StorageError(
        StorageErrorCode.logHeader,
        this.path,
        0,
        `this is no transaction log: it begins with ${hex(magic >>> 0)} instead of "ZKLG"`,
        'Move it away if it does not belong here; otherwise restore it from a copy or from ' +
          'another member.',
      )
    }
    // Neither version nor database id has ever differed, and ZooKeeper looks at neither.
    stream.position += LOG_HEADER_BYTES
  }

  #endAt(offset: number, reason: LogEndReason, finding: string): false {
    this.#ended = { reason, offset, finding }
    return false
  }

  #corrupt(offset: number, finding: string): StorageError {
    return new StorageError(
      StorageErrorCode.logCorrupt,
      this.path,
      offset,
      finding,
      'Transactions from here on cannot be trusted, and this server alone cannot tell whether ' +
        'they were acknowledged. Restore the directory from a copy or from another member of the ' +
        'ensemble; to accept their loss, move this and all later logs away after copying them.',
    )
  }
}

const intAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!

const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`

const PIECE_BYTES = 4 << 20
