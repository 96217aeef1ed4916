// A database on its way from a leader to a learner (ZooKeeper 3.9 `LearnerHandler`, packet SNAP):
//
//   sessions, ACLs, nodes and the path "/" behind them, as in a snapshot file
//   signature   the string "BenWasHere"
//
// without header, seals and digest. Written in pieces while the tree changes, and read in whatever
// pieces arrive. Neither side knows links or packets.

import { PEER_FIELD_BYTES_MAX_DEFAULT } from '../../base/limits.ts'
import { sessionIdOf } from '../../base/session-id.ts'
import { EMPTY_BYTES, decodeUtf8 } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import { JuteReader, MalformedRecord } from '../jute/reader.ts'
import type { JuteWriter } from '../jute/writer.ts'
import { aclList } from '../records/acl.ts'
import { NO_ROW, type TreeWalk } from '../tree/data-tree.ts'
import { checkStat, hasOwner } from './check-stat.ts'
import { type SnapshotSource, writeSessionsAndAcls } from './snapshot-encoder.ts'
import { STAT_PERSISTED_BYTES } from './snapshot-format.ts'
import type { SnapshotVisitor } from './snapshot-reader.ts'

/** The writing side. It shows the tree as each node is when its turn comes. */
export class SnapshotStream {
  /** The last transaction that is in it for certain. */
  readonly zxid: Zxid
  #source: SnapshotSource | null
  #walk: TreeWalk | null = null

  /** `zxid` is the last transaction applied to the tree when this is made. */
  constructor(source: SnapshotSource, zxid: Zxid) {
    this.#source = source
    this.zxid = zxid
  }

  /** Writes the next piece of about `byteCount` bytes. False: that was all, signature included. */
  write(out: JuteWriter, byteCount: number): boolean {
    const source = this.#source
    if (source === null) return false
    const limit = out.position + byteCount
    const walk = this.#walk ?? this.#begin(source, out)
    while (out.position < limit) {
      const row = walk.next()
      if (row === NO_ROW) {
        out.ustring('/')
        out.ustring(SIGNATURE)
        this.close()
        return false
      }
      source.tree.writeSnapshotNode(row, out)
    }
    return true
  }

  close(): void {
    this.#source = null
    this.#walk = null
  }

  #begin(source: SnapshotSource, out: JuteWriter): TreeWalk {
    writeSessionsAndAcls(source, out)
    const walk = source.tree.walk(() => source.lastZxid())
    this.#walk = walk
    return walk
  }
}

/**
 * The reading side: takes bytes, cut anywhere, and hands over what is complete. It keeps no more
 * than the one session, access list or node that is cut.
 */
export class SnapshotIntake {
  readonly #visitor: SnapshotVisitor
  readonly #fieldBytesMax: number
  readonly #reader = new JuteReader(EMPTY_BYTES)
  #part: Part = Part.sessionCount
  /** Sessions or access lists to come. */
  #left = 0
  /** The beginning of what was cut. */
  #held: Uint8Array = EMPTY_BYTES
  #heldBytes = 0
  /** How much of an access list has been looked through, so that no cut makes us begin again. */
  #seenEntries = 0
  #seenBytes = 0

  constructor(visitor: SnapshotVisitor, fieldBytesMax: number = PEER_FIELD_BYTES_MAX_DEFAULT) {
    this.#visitor = visitor
    this.#fieldBytesMax = fieldBytesMax
    this.#reader.fieldBytesMax = fieldBytesMax
  }

  /** The signature has been read: there is nothing more to come. */
  get isWhole(): boolean {
    return this.#part === Part.whole
  }

  /**
   * Takes what belongs to the stream and returns where that ended: `end` where more is to come.
   * Throws MalformedRecord, after which the database is void.
   */
  take(bytes: Uint8Array, start: number, end: number): number {
    let at = start
    while (this.#part !== Part.whole) {
      if (this.#heldBytes > 0) {
        const needed = this.#unitBytes(this.#held, 0, this.#heldBytes)
        if (needed <= this.#heldBytes) {
          this.#heldBytes = 0
          this.#unit(this.#held, 0, needed)
        } else if (at === end) {
          return end
        } else {
          const next = Math.min(end, at + needed - this.#heldBytes)
          this.#hold(bytes, at, next)
          at = next
        }
        continue
      }
      const needed = this.#unitBytes(bytes, at, end - at)
      if (needed > end - at) {
        this.#hold(bytes, at, end)
        return end
      }
      this.#unit(bytes, at, at + needed)
      at += needed
    }
    this.#held = EMPTY_BYTES
    return at
  }

  #hold(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#heldBytes + end - start
    if (length > this.#held.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#held.length, HELD_BYTES_FIRST))
      grown.set(this.#held.subarray(0, this.#heldBytes))
      this.#held = grown
    }
    this.#held.set(bytes.subarray(start, end), this.#heldBytes)
    this.#heldBytes = length
  }

  /** The bytes of the next unit as far as can be told: no more than `available` if it is whole. */
  #unitBytes(bytes: Uint8Array, at: number, available: number): number {
    switch (this.#part) {
      case Part.sessionCount:
      case Part.aclCount:
        return 4
      case Part.session:
        return 12
      case Part.acl:
        return this.#aclBytes(bytes, at, available)
      case Part.node:
        return this.#nodeBytes(bytes, at, available)
      case Part.signature:
        return 4 + SIGNATURE.length
      case Part.whole:
        return 0
    }
  }

  /** A number, and a list of unknown length whose entries end in two strings each. */
  #aclBytes(bytes: Uint8Array, at: number, available: number): number {
    if (available < 12) return 12
    const count = intAt(bytes, at + 8)
    let length = Math.max(this.#seenBytes, 12)
    while (this.#seenEntries < count) {
      length += 4
      for (let field = 0; field < 2; field++) {
        if (available < length + 4) return length + 4
        length += this.#fieldBytes(bytes, at + length)
      }
      if (length > this.#fieldBytesMax) {
        throw new MalformedRecord(`an access list of more than ${this.#fieldBytesMax} bytes`)
      }
      this.#seenEntries++
      this.#seenBytes = length
    }
    return length
  }

  #nodeBytes(bytes: Uint8Array, at: number, available: number): number {
    if (available < 5) return 5
    const pathBytes = this.#fieldBytes(bytes, at)
    if (pathBytes === 5 && bytes[at + 4] === SLASH) return 5
    if (available < pathBytes + 4) return pathBytes + 4
    return pathBytes + this.#fieldBytes(bytes, at + pathBytes) + 8 + STAT_PERSISTED_BYTES
  }

  /** The bytes of a string or buffer, its length included. */
  #fieldBytes(bytes: Uint8Array, at: number): number {
    const length = intAt(bytes, at)
    if (length < -1 || length > this.#fieldBytesMax) {
      throw new MalformedRecord(`a field of a snapshot claims to be ${length} bytes long`)
    }
    return 4 + Math.max(length, 0)
  }

  /** Takes one unit, which is whole. */
  #unit(bytes: Uint8Array, start: number, end: number): void {
    const reader = this.#reader
    reader.reset(bytes, start, end)
    switch (this.#part) {
      case Part.sessionCount:
        return this.#count(Part.session, Part.aclCount)
      case Part.session:
        this.#visitor.session(sessionIdOf(reader.long()), reader.int())
        return this.#counted(Part.aclCount)
      case Part.aclCount:
        return this.#count(Part.acl, Part.node)
      case Part.acl:
        this.#seenEntries = 0
        this.#seenBytes = 0
        this.#visitor.acl(reader.safeLong(), aclList.read(reader) ?? [])
        return this.#counted(Part.node)
      case Part.node:
        return this.#node(end - start)
      case Part.signature:
        if (decodeUtf8(bytes, start + 4, end) !== SIGNATURE || reader.int() !== SIGNATURE.length) {
          throw new MalformedRecord('a snapshot does not end with its signature')
        }
        this.#part = Part.whole
        return
      case Part.whole:
        return
    }
  }

  #node(byteCount: number): void {
    if (byteCount === 5) {
      this.#part = Part.signature
      return
    }
    const reader = this.#reader
    const pathStart = reader.position + 4
    reader.skipField()
    const pathEnd = reader.position
    const dataBytes = reader.skipField()
    const dataEnd = reader.position
    const dataStart = dataBytes < 0 ? -1 : dataEnd - dataBytes
    const aclId = reader.safeLong()
    const { bytes, position: stat } = reader
    checkStat(bytes, stat, reader)
    // It would go with its owner, and the tree with it.
    if (pathStart === pathEnd && hasOwner(bytes, stat)) {
      throw new MalformedRecord('the root of a snapshot has an owner')
    }
    if (!this.#visitor.node(bytes, pathStart, pathEnd, dataStart, dataEnd, aclId, stat)) {
      throw new MalformedRecord('a node of a snapshot comes before its parent')
    }
  }

  #count(counted: Part, next: Part): void {
    const count = this.#reader.int()
    if (count < 0) throw new MalformedRecord(`a count of a snapshot is ${count}`)
    this.#left = count
    this.#part = count > 0 ? counted : next
  }

  #counted(next: Part): void {
    this.#left--
    if (this.#left === 0) this.#part = next
  }
}

/** What comes next. */
const Part = {
  sessionCount: 0,
  session: 1,
  aclCount: 2,
  acl: 3,
  node: 4,
  signature: 5,
  whole: 6,
} as const

type Part = (typeof Part)[keyof typeof Part]

const intAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!

/** ZooKeeper 3.9 `LearnerHandler` writes it, `Learner.syncWithLeader` compares it. */
const SIGNATURE = 'BenWasHere'
const SLASH = 0x2f
const HELD_BYTES_FIRST = 256
