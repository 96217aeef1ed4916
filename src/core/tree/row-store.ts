// The rows in which nodes are kept: 24 words each, in segments that come one by one, so that
// growing never copies. Rows of removed nodes are used again. It knows where a field is, not what
// it means for the others.
//
// A stat is kept as the words that go over the wire: all its fields are whole words, so that
// writing it out is writing 17 words, and reading a field is reading one or two.

import { assert } from '../../base/assert.ts'
import { NO_ROW, type Row } from './data-tree.ts'

/** A cache line and a half: the first three words, which a look-up reads, are never in two lines. */
export const ROW_WORDS = 24

// The fields of a row, as offsets in words. What a look-up touches comes first, side by side.

/** The parent's row. While the row is free: the next free row. */
export const PARENT = 0
/** Where name and data are: the name first, padded to whole words, then the data. */
export const BLOCK = 1
/** The length of the name in bytes, and flags in the top byte. */
export const NAME = 2
/** The list of children: see `ChildLists`. */
export const CHILDREN = 3
export const ACL = 4
/** CRC-32 over path and data. */
export const CONTENT_CRC = 5
/** What the node adds to the digest of the tree. */
export const DIGEST = 6

export const STAT = 7
export const STAT_WORDS = 17
export const CZXID: number = STAT
export const MZXID: number = STAT + 2
export const CTIME: number = STAT + 4
export const MTIME: number = STAT + 6
export const VERSION: number = STAT + 8
/** Twice the children ever created, less those there now; see {@link creationsOf}. */
export const CVERSION: number = STAT + 9
export const AVERSION: number = STAT + 10
/** The owner as clients see it: 0 for containers and nodes with a time to live. */
export const OWNER: number = STAT + 11
export const DATA_LENGTH: number = STAT + 13
export const CHILD_COUNT: number = STAT + 14
export const PZXID: number = STAT + 15

export const NAME_LENGTH_MASK = 0xffffff

/** Data begins on a word behind the name, so that it can be copied out by words. */
export const paddedName = (nameLength: number): number => (nameLength + 3) & ~3

/** Flags, in the word {@link NAME}. */
export const Flag = {
  live: 1 << 24,
  nullData: 1 << 25,
  /** Below `/zookeeper`: the digest does not count it. */
  undigested: 1 << 26,
  /** The children are in a list of their own, not in a block. */
  manyChildren: 1 << 27,
  sessionOwned: 1 << 28,
  /** A container or a node with a time to live: the owner field is kept aside. */
  specialOwner: 1 << 29,
  /** The name has fewer characters than bytes. */
  wideName: 1 << 30,
  /** The top bit of the count of creations. */
  manyCreations: 1 << 31,
} as const

/**
 * The stored cversion: children ever created, as a signed word. What clients see is kept, and this
 * is worked out, but for the bit that doubling loses.
 */
export function creationsOf(words: Int32Array, at: number): number {
  const half = (words[at + CVERSION]! + words[at + CHILD_COUNT]!) >>> 1
  return (words[at + NAME]! & Flag.manyCreations) === 0 ? half : half | (1 << 31)
}

export function setCreations(words: Int32Array, at: number, creations: number): void {
  words[at + CVERSION] = 2 * creations - words[at + CHILD_COUNT]!
  if (creations < 0) words[at + NAME]! |= Flag.manyCreations
  else words[at + NAME]! &= ~Flag.manyCreations
}

export class RowStore {
  /** For the hot functions, which fetch a segment once and read many fields. */
  readonly segments: Int32Array[] = []
  #freeRow: Row = NO_ROW
  #end: Row = 0
  #liveCount = 0

  get liveCount(): number {
    return this.#liveCount
  }

  /** Rows are below this number. */
  get end(): Row {
    return this.#end
  }

  /** A row with all fields zero but the flag that it is live. */
  allocate(): Row {
    let row = this.#freeRow
    if (row !== NO_ROW) {
      const words = this.segments[row >>> SEGMENT_SHIFT]!
      const at = rowOffset(row)
      this.#freeRow = words[at + PARENT]!
      for (let i = 0; i < ROW_WORDS; i++) words[at + i] = 0
      words[at + NAME] = Flag.live
    } else {
      row = this.#end++
      const segment = row >>> SEGMENT_SHIFT
      if (segment === this.segments.length) {
        assert(row >= 0, 'rows fit in 31 bits')
        this.segments.push(new Int32Array(ROW_WORDS << SEGMENT_SHIFT))
      }
      this.segments[segment]![rowOffset(row) + NAME] = Flag.live
    }
    this.#liveCount++
    return row
  }

  free(row: Row): void {
    const words = this.segmentOf(row)
    const at = rowOffset(row)
    assert((words[at + NAME]! & Flag.live) !== 0, 'a row is freed once')
    words[at + NAME] = 0
    words[at + PARENT] = this.#freeRow
    this.#freeRow = row
    this.#liveCount--
  }

  isLive(row: Row): boolean {
    return row >= 0 && row < this.#end && (this.get(row, NAME) & Flag.live) !== 0
  }

  segmentOf(row: Row): Int32Array {
    return this.segments[row >>> SEGMENT_SHIFT]!
  }

  get(row: Row, field: number): number {
    return this.segments[row >>> SEGMENT_SHIFT]![rowOffset(row) + field]!
  }

  set(row: Row, field: number, value: number): void {
    this.segments[row >>> SEGMENT_SHIFT]![rowOffset(row) + field] = value
  }

  /** A field of two words. */
  long(row: Row, field: number): number {
    const words = this.segments[row >>> SEGMENT_SHIFT]!
    const at = rowOffset(row) + field
    return words[at]! * 2 ** 32 + (words[at + 1]! >>> 0)
  }
}

/** Where a row begins in its segment. */
export const rowOffset = (row: Row): number => (row & SEGMENT_MASK) * ROW_WORDS

export function putLong(words: Int32Array, at: number, value: number): void {
  words[at] = Math.floor(value / 2 ** 32)
  words[at + 1] = value
}

/** 4,096 rows, 384 KiB: little enough to begin with, and a hundred million rows are 25,000. */
const SEGMENT_SHIFT = 12
const SEGMENT_MASK = (1 << SEGMENT_SHIFT) - 1
