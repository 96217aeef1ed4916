// The children of each node, in byte order of their names. Up to 511 are one run in a block of the
// arena, which grows by quarters; more are a `LargeChildList`. The count of children in the parent's
// stat, and the cversion that follows from it, are kept here.

import { assert } from '../../base/assert.ts'
import type { Address, Arena } from './arena.ts'
import { ChildCursor } from './child-cursor.ts'
import { RUN_CHILDREN_MAX, addToRun, firstAfter, removeFromRun, sortRun } from './child-run.ts'
import { NO_ROW, type Row } from './data-tree.ts'
import { LargeChildList } from './large-child-list.ts'
import type { NodeNames } from './node-names.ts'
import {
  CHILDREN,
  CHILD_COUNT,
  CVERSION,
  Flag,
  NAME,
  type RowStore,
  rowOffset,
} from './row-store.ts'

export class ChildLists {
  readonly #rows: RowStore
  readonly #arena: Arena
  readonly #names: NodeNames
  readonly #large: (LargeChildList | null)[] = []
  readonly #freeLarge: number[] = []
  #changes = 0

  constructor(rows: RowStore, arena: Arena, names: NodeNames) {
    this.#rows = rows
    this.#arena = arena
    this.#names = names
  }

  /** Counts the additions and removals, after which cursors are no longer good. */
  get changes(): number {
    return this.#changes
  }

  /** Adds a child, whose name is in its row already. */
  add(parent: Row, child: Row): void {
    this.#changes++
    const words = this.#rows.segmentOf(parent)
    const at = rowOffset(parent)
    const count = words[at + CHILD_COUNT]!
    words[at + CHILD_COUNT] = count + 1
    words[at + CVERSION]!--
    if ((words[at + NAME]! & Flag.manyChildren) !== 0) {
      this.#large[words[at + CHILDREN]!]!.add(child)
    } else if (count === RUN_CHILDREN_MAX) {
      this.#makeLarge(words, at).add(child)
    } else {
      this.#addToBlock(words, at, count, child)
    }
  }

  remove(parent: Row, child: Row): void {
    this.#changes++
    const words = this.#rows.segmentOf(parent)
    const at = rowOffset(parent)
    const count = words[at + CHILD_COUNT]! - 1
    words[at + CHILD_COUNT] = count
    words[at + CVERSION]!++
    if ((words[at + NAME]! & Flag.manyChildren) === 0) {
      this.#removeFromBlock(words, at, count + 1, child)
      return
    }
    this.#large[words[at + CHILDREN]!]!.remove(child)
    if (count <= RUN_CHILDREN_MAX >>> 1) this.#makeBlock(words, at, count)
  }

  /** A cursor before the first child; good until a child of this parent comes or goes. */
  all(parent: Row): ChildCursor {
    return this.#cursor(parent, null, 0, 0)
  }

  /** A cursor before the first child whose name follows the given one. */
  after(parent: Row, name: Uint8Array, start: number, end: number): ChildCursor {
    return this.#cursor(parent, name, start, end)
  }

  verify(parent: Row): void {
    const words = this.#rows.segmentOf(parent)
    const at = rowOffset(parent)
    let previous = NO_ROW
    let count = 0
    const cursor = this.all(parent)
    for (let child = cursor.next(); child !== NO_ROW; child = cursor.next()) {
      assert(
        previous === NO_ROW || this.#names.isBefore(previous, child),
        () => `children of row ${parent} are in order of their names`,
      )
      previous = child
      count++
    }
    assert(count === words[at + CHILD_COUNT], () => `row ${parent} knows how many children it has`)
    if ((words[at + NAME]! & Flag.manyChildren) !== 0) this.#large[words[at + CHILDREN]!]!.verify()
  }

  #cursor(parent: Row, name: Uint8Array | null, start: number, end: number): ChildCursor {
    const words = this.#rows.segmentOf(parent)
    const at = rowOffset(parent)
    const count = words[at + CHILD_COUNT]!
    if (count === 0) return new ChildCursor(NO_WORDS, 0, 0, null, 0)
    const place = words[at + CHILDREN]!
    const isLarge = (words[at + NAME]! & Flag.manyChildren) !== 0
    if (isLarge) return this.#large[place]!.cursor(name, start, end)
    const run = this.#arena.wordsOf(place)
    const from = this.#arena.wordOffsetOf(place)
    sortRun(this.#names, run, from, count)
    const first = from + 1
    const last = first + count
    if (name === null) return new ChildCursor(run, first, last, null, 0)
    const next = firstAfter(this.#names, run, first, last, name, start, end)
    return new ChildCursor(run, next, last, null, 0)
  }

  #addToBlock(words: Int32Array, at: number, count: number, child: Row): void {
    const arena = this.#arena
    let block = words[at + CHILDREN]!
    if (count === 0) {
      block = arena.allocate(blockBytes(1))
      arena.wordsOf(block)[arena.wordOffsetOf(block)] = 0
      words[at + CHILDREN] = block
    } else if (blockBytes(count) !== blockBytes(count + 1)) {
      block = this.#resized(block, count, count + 1)
      words[at + CHILDREN] = block
    }
    addToRun(this.#names, arena.wordsOf(block), arena.wordOffsetOf(block), count, child)
  }

  #removeFromBlock(words: Int32Array, at: number, count: number, child: Row): void {
    const arena = this.#arena
    const block = words[at + CHILDREN]!
    removeFromRun(this.#names, arena.wordsOf(block), arena.wordOffsetOf(block), count, child)
    if (count === 1) {
      arena.free(block, blockBytes(1))
      words[at + CHILDREN] = 0
    } else if (blockBytes(count - 1) !== blockBytes(count)) {
      words[at + CHILDREN] = this.#resized(block, count, count - 1)
    }
  }

  #resized(block: Address, fromCount: number, toCount: number): Address {
    const arena = this.#arena
    const resized = arena.allocate(blockBytes(toCount))
    const source = arena.wordsOf(block)
    const target = arena.wordsOf(resized)
    const from = arena.wordOffsetOf(block)
    const to = arena.wordOffsetOf(resized)
    const kept = fromCount < toCount ? fromCount : toCount
    for (let i = 0; i <= kept; i++) target[to + i] = source[from + i]!
    arena.free(block, blockBytes(fromCount))
    return resized
  }

  #makeLarge(words: Int32Array, at: number): LargeChildList {
    const list = new LargeChildList(this.#arena, this.#names, words[at + CHILDREN]!)
    const number = this.#freeLarge.pop() ?? this.#large.length
    this.#large[number] = list
    words[at + CHILDREN] = number
    words[at + NAME]! |= Flag.manyChildren
    return list
  }

  #makeBlock(words: Int32Array, at: number, count: number): void {
    const number = words[at + CHILDREN]!
    const list = this.#large[number]!
    const block = this.#arena.allocate(blockBytes(count))
    list.moveTo(this.#arena.wordsOf(block), this.#arena.wordOffsetOf(block))
    this.#large[number] = null
    this.#freeLarge.push(number)
    words[at + CHILDREN] = block
    words[at + NAME]! &= ~Flag.manyChildren
  }
}

const NO_WORDS = new Int32Array(0)

/** The block of a run of `count` children: 2 or 4 words, then steps of an eighth to a quarter. */
function blockBytes(count: number): number {
  if (count <= 3) return count === 1 ? 8 : 16
  const shift = 29 - Math.clz32(count)
  const step = shift < 2 ? 2 : shift
  return (((count >>> step) + 1) << step) * 4
}
