// Reads a snapshot in one pass and hands its parts to a visitor, in the order in which they stand.
// The visitor must be ready to throw everything away: only the seals at the end say whether what
// it got was whole. Which sections follow the nodes is told by the bytes that are left, not by
// settings, so that a snapshot is read alike whoever wrote it.

import { EMPTY_BYTES } from '../../base/text.ts'
import { type SessionId, sessionIdOf } from '../../base/session-id.ts'
import type { Zxid } from '../../base/zxid.ts'
import { JuteReader, MalformedRecord } from '../jute/reader.ts'
import { type Acl, aclList } from '../records/acl.ts'
import { DIGEST_VERSION } from '../records/txn.ts'
import type { ByteStream } from './byte-stream.ts'
import { checkStat } from './check-stat.ts'
import {
  LAST_ZXID_SECTION_BYTES,
  SEAL_BYTES,
  SNAPSHOT_HEADER_BYTES,
  SNAPSHOT_MAGIC,
  STAT_PERSISTED_BYTES,
} from './snapshot-format.ts'
import { StorageError, StorageErrorCode } from './storage-error.ts'

export interface SnapshotVisitor {
  session(id: SessionId, timeoutMs: number): void
  acl(aclId: number, list: readonly Acl[]): void
  /**
   * Path ("" for the root) and data are ranges of the bytes, which are valid during the call;
   * `dataStart` is -1 for null data. A `StatPersisted`, of which zxids and times are known to be
   * within their limits, begins at `statStart`. False where the node has no parent, which ends the
   * reading.
   */
  node(
    bytes: Uint8Array,
    pathStart: number,
    pathEnd: number,
    dataStart: number,
    dataEnd: number,
    aclId: number,
    statStart: number,
  ): boolean
}

/** The digest of the tree when the last node had been written, after the transaction `zxid`. */
export interface SnapshotDigest {
  readonly zxid: Zxid
  readonly version: number
  /** Signed 64 bits; 0 where the version is not 2. */
  readonly digest: bigint
}

export interface SnapshotSeal {
  readonly offset: number
  readonly adler32: number
}

export interface SnapshotSummary {
  readonly sessionCount: number
  readonly aclCount: number
  readonly nodeCount: number
  /** Null where the section is absent or says "none". */
  readonly digest: SnapshotDigest | null
  /** The last transaction applied when the snapshot was complete; null where it is not told. */
  readonly lastZxid: Zxid | null
  readonly seals: readonly SnapshotSeal[]
  readonly byteCount: number
}

/** Throws a StorageError where the bytes are not a whole snapshot. `path` is for messages only. */
export function readSnapshot(
  stream: ByteStream,
  path: string,
  fieldBytesMax: number,
  visitor: SnapshotVisitor,
): SnapshotSummary {
  return new SnapshotReading(stream, path, fieldBytesMax, visitor).run()
}

class SnapshotReading {
  readonly #stream: ByteStream
  readonly #path: string
  readonly #fieldBytesMax: number
  readonly #visitor: SnapshotVisitor
  readonly #reader = new JuteReader(EMPTY_BYTES)
  readonly #seals: SnapshotSeal[] = []

  constructor(stream: ByteStream, path: string, fieldBytesMax: number, visitor: SnapshotVisitor) {
    this.#stream = stream
    this.#path = path
    this.#fieldBytesMax = fieldBytesMax
    this.#visitor = visitor
  }

  run(): SnapshotSummary {
    this.#header()
    const sessionCount = this.#sessions()
    const aclCount = this.#acls()
    const nodeCount = this.#nodes()
    this.#seal()
    const digest = this.#digest()
    const lastZxid = this.#lastZxid()
    const byteCount = this.#stream.offset
    const seals = this.#seals
    return { sessionCount, aclCount, nodeCount, digest, lastZxid, seals, byteCount }
  }

  #header(): void {
    this.#need(SNAPSHOT_HEADER_BYTES)
    if (this.#intAt(0) !== SNAPSHOT_MAGIC) {
      throw this.#corrupt('this is no snapshot: it does not begin with "ZKSN"')
    }
    this.#stream.position += SNAPSHOT_HEADER_BYTES
  }

  #sessions(): number {
    const count = this.#count()
    for (let i = 0; i < count; i++) {
      const reader = this.#record(12)
      this.#visitor.session(sessionIdOf(reader.long()), reader.int())
      this.#stream.position += 12
    }
    return count
  }

  #acls(): number {
    const count = this.#count()
    for (let i = 0; i < count; i++) {
      const reader = this.#record(this.#aclEntryBytes())
      const aclId = this.#exactly(() => reader.safeLong())
      this.#visitor.acl(aclId, this.#exactly(() => aclList.read(reader)) ?? [])
      this.#stream.position = reader.position
    }
    return count
  }

  /** A number, and a list of unknown length whose entries end in two strings each. */
  #aclEntryBytes(): number {
    this.#need(12)
    const count = this.#intAt(8)
    let bytes = 12
    for (let i = 0; i < count; i++) {
      bytes += 4
      bytes += this.#fieldBytes(bytes)
      bytes += this.#fieldBytes(bytes)
    }
    return bytes
  }

  #nodes(): number {
    const stream = this.#stream
    let nodeCount = 0
    for (;;) {
      const pathBytes = this.#fieldBytes(0)
      if (pathBytes === 5 && stream.bytes[stream.position + 4] === SLASH) {
        stream.position += 5
        return nodeCount
      }
      const dataBytes = this.#fieldBytes(pathBytes)
      const nodeBytes = pathBytes + dataBytes + 8 + STAT_PERSISTED_BYTES
      this.#need(nodeBytes)
      const dataStart = this.#intAt(pathBytes) < 0 ? -1 : stream.position + pathBytes + 4
      const aclStart = stream.position + pathBytes + dataBytes
      const statStart = aclStart + 8
      this.#checkStat(statStart)
      const isPlaced = this.#visitor.node(
        stream.bytes,
        stream.position + 4,
        stream.position + pathBytes,
        dataStart,
        aclStart,
        this.#aclId(aclStart),
        statStart,
      )
      if (!isPlaced) throw this.#corrupt('a node comes before its parent')
      stream.position += nodeBytes
      nodeCount++
    }
  }

  #aclId(at: number): number {
    const { bytes } = this.#stream
    const high = intOf(bytes, at)
    const low = intOf(bytes, at + 4)
    if (high === low >> 31) return low
    this.#reader.reset(bytes, at, at + 8)
    return this.#exactly(() => this.#reader.safeLong())
  }

  #checkStat(at: number): void {
    try {
      checkStat(this.#stream.bytes, at, this.#reader)
    } catch (error) {
      throw this.#asCorrupt(error)
    }
  }

  #digest(): SnapshotDigest | null {
    const stream = this.#stream
    const withLastZxid = LAST_ZXID_SECTION_BYTES + SEAL_BYTES
    stream.ensure(withLastZxid + 1)
    if (stream.available === 0 || stream.available === withLastZxid) return null
    const reader = this.#record(DIGEST_HEAD_BYTES)
    const zxid = this.#zxid(reader)
    const version = reader.int()
    stream.position += DIGEST_HEAD_BYTES
    let digest = 0n
    if (version < DIGEST_VERSION) {
      // The first version wrote text.
      const bytes = this.#fieldBytes(0)
      stream.position += bytes
    } else {
      digest = this.#record(8).long()
      stream.position += 8
    }
    this.#seal()
    return zxid === 0 ? null : { zxid, version, digest }
  }

  #lastZxid(): Zxid | null {
    const stream = this.#stream
    if (!stream.ensure(1)) return null
    const zxid = this.#zxid(this.#record(LAST_ZXID_SECTION_BYTES))
    stream.position += LAST_ZXID_SECTION_BYTES
    this.#seal()
    return zxid
  }

  #seal(): void {
    const stream = this.#stream
    const actual = stream.checksum()
    const reader = this.#record(SEAL_BYTES)
    const high = reader.int()
    const sealed = reader.int() >>> 0
    const isClosed = reader.int() === 1 && reader.byte() === SLASH
    if (high !== 0 || sealed !== actual || !isClosed) {
      throw this.#corrupt('a seal does not match the bytes before it')
    }
    this.#seals.push({ offset: stream.offset, adler32: sealed })
    stream.position += SEAL_BYTES
  }

  #zxid(reader: JuteReader): Zxid {
    return this.#exactly(() => reader.zxid())
  }

  #count(): number {
    this.#need(4)
    const count = this.#intAt(0)
    if (count < 0) throw this.#corrupt(`a count is ${count}`)
    this.#stream.position += 4
    return count
  }

  /** The bytes of a string or buffer at a distance from the position, its length included. */
  #fieldBytes(distance: number): number {
    this.#need(distance + 4)
    const length = this.#intAt(distance)
    if (length < -1 || length > this.#fieldBytesMax) {
      throw this.#corrupt(`a field claims to be ${length} bytes long`)
    }
    if (length <= 0) return 4
    this.#need(distance + 4 + length)
    return 4 + length
  }

  /** A reader on the next `count` bytes, which stay unread in the stream. */
  #record(count: number): JuteReader {
    this.#need(count)
    const { bytes, position } = this.#stream
    this.#reader.reset(bytes, position, position + count)
    return this.#reader
  }

  #need(count: number): void {
    if (!this.#stream.ensure(count)) throw this.#corrupt('the file ends too early')
  }

  #intAt(distance: number): number {
    return intOf(this.#stream.bytes, this.#stream.position + distance)
  }

  #exactly<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw this.#asCorrupt(error)
    }
  }

  #asCorrupt(error: unknown): unknown {
    return error instanceof MalformedRecord ? this.#corrupt(error.message) : error
  }

  #corrupt(finding: string): StorageError {
    return new StorageError(
      StorageErrorCode.snapshotCorrupt,
      this.#path,
      this.#stream.offset,
      finding,
      'An older snapshot and the logs that follow it can take its place.',
    )
  }
}

const intOf = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!

/** zxid and version, before the digest itself */
const DIGEST_HEAD_BYTES = 12
const SLASH = 0x2f
