// The children of each node, in byte order of their names. Up to 512 are one block of row numbers
// in the arena, which grows with its size class; more are a `LargeChildList`. A child whose name
// comes last, as sequential ones do, is added after one comparison. The count of children is in
// the parent's stat; it is kept here.

import { assert } from '../../base/assert.ts'
import type { Arena } from './arena.ts'
import { ChildCursor } from './child-cursor.ts'
import { NO_ROW, type Row } from './data-tree.ts'
import { LargeChildList } from './large-child-list.ts'
import type { NodeNames } from './node-names.ts'
import { CHILDREN, CHILD_COUNT, Flag, NAME, type RowStore, rowOffset } from './row-store.ts'
import { BLOCK_CHILDREN_MAX, firstAfter, insertSorted, removeFrom } from './sorted-children.ts'

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
    if ((words[at + NAME]! & Flag.manyChildren) !== 0) {
      this.#large[words[at + CHILDREN]!]!.add(child)
    } else if (count === BLOCK_CHILDREN_MAX) {
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
    if ((words[at + NAME]! & Flag.manyChildren) === 0) {
      this.#removeFromBlock(words, at, count, child)
      return
    }
    this.#large[words[at + CHILDREN]!]!.remove(child)
    if (count <= BLOCK_CHILDREN_MAX / 2) this.#makeBlock(words, at, count)
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
      if (previous !== NO_ROW) {
        const start = this.#names.offsetOf(child)
        const end = start + this.#names.byteLength(child)
        const order = this.#names.compare(previous, this.#names.bytesOf(child), start, end)
        assert(order < 0, () => `children of row ${parent} are in order of their names`)
      }
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
    if ((words[at + NAME]! & Flag.manyChildren) !== 0) {
      const list = this.#large[words[at + CHILDREN]!]!
      if (name === null) return new ChildCursor(list, 0, 0, NO_WORDS, 0)
      const chunk = list.chunkFor(name, start, end)
      return new ChildCursor(list, chunk, list.after(chunk, name, start, end), NO_WORDS, 0)
    }
    if (count === 0) return new ChildCursor(null, 0, 0, NO_WORDS, 0)
    const block = words[at + CHILDREN]!
    const list = this.#arena.wordsOf(block)
    const first = this.#arena.wordOffsetOf(block)
    const from =
      name === null ? first : firstAfter(this.#names, list, first, first + count, name, start, end)
    return new ChildCursor(null, 0, from, list, first + count)
  }

  #addToBlock(words: Int32Array, at: number, count: number, child: Row): void {
    const arena = this.#arena
    let block = words[at + CHILDREN]!
    if (count === 0) {
      block = arena.allocate(4)
      words[at + CHILDREN] = block
    } else if (!arena.sameClass(count * 4, count * 4 + 4)) {
      block = this.#resize(block, count, count + 1)
      words[at + CHILDREN] = block
    }
    insertSorted(this.#names, arena.wordsOf(block), arena.wordOffsetOf(block), count, child)
  }

  #removeFromBlock(words: Int32Array, at: number, count: number, child: Row): void {
    const arena = this.#arena
    const block = words[at + CHILDREN]!
    removeFrom(arena.wordsOf(block), arena.wordOffsetOf(block), count + 1, child)
    if (count === 0) {
      arena.free(block, 4)
      words[at + CHILDREN] = 0
    } else if (!arena.sameClass(count * 4, count * 4 + 4)) {
      words[at + CHILDREN] = this.#resize(block, count + 1, count)
    }
  }

  #resize(block: number, fromCount: number, toCount: number): number {
    const arena = this.#arena
    const resized = arena.allocate(toCount * 4)
    const source = arena.wordsOf(block)
    const target = arena.wordsOf(resized)
    const from = arena.wordOffsetOf(block)
    const to = arena.wordOffsetOf(resized)
    const kept = fromCount < toCount ? fromCount : toCount
    for (let i = 0; i < kept; i++) target[to + i] = source[from + i]!
    arena.free(block, fromCount * 4)
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
    const block = this.#arena.allocate(count * 4)
    list.moveTo(this.#arena.wordsOf(block), this.#arena.wordOffsetOf(block))
    this.#large[number] = null
    this.#freeLarge.push(number)
    words[at + CHILDREN] = block
    words[at + NAME]! &= ~Flag.manyChildren
  }
}

const NO_WORDS = new Int32Array(0)
