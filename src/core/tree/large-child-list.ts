// The children of one parent that has more than 511: runs of up to 511, called chunks, and a
// directory of them. Finding a name costs a search among the first children of the chunks and one
// within a chunk; a child whose name comes last goes to the last chunk after two comparisons, and
// leaves full chunks behind.

import { assert } from '../../base/assert.ts'
import type { Address, Arena } from './arena.ts'
import { ChildCursor } from './child-cursor.ts'
import { RUN_CHILDREN_MAX, addToRun, firstAfter, removeFromRun, sortRun } from './child-run.ts'
import type { Row } from './data-tree.ts'
import type { NodeNames } from './node-names.ts'

export class LargeChildList {
  readonly #arena: Arena
  readonly #names: NodeNames
  #blocks: Int32Array = new Int32Array(8)
  #counts: Uint16Array = new Uint16Array(8)
  #chunkCount = 1

  /** Takes over a block of as many children as a run can have. */
  constructor(arena: Arena, names: NodeNames, fullBlock: Address) {
    this.#arena = arena
    this.#names = names
    this.#blocks[0] = fullBlock
    this.#counts[0] = RUN_CHILDREN_MAX
  }

  get chunkCount(): number {
    return this.#chunkCount
  }

  countOf(chunk: number): number {
    return this.#counts[chunk]!
  }

  wordsOf(chunk: number): Int32Array {
    return this.#arena.wordsOf(this.#blocks[chunk]!)
  }

  /** Where the run begins, with the count of those that are sorted. */
  offsetOf(chunk: number): number {
    return this.#arena.wordOffsetOf(this.#blocks[chunk]!)
  }

  sort(chunk: number): void {
    sortRun(this.#names, this.wordsOf(chunk), this.offsetOf(chunk), this.#counts[chunk]!)
  }

  /** A cursor before the first child, or before the first whose name follows the given one. */
  cursor(name: Uint8Array | null, start: number, end: number): ChildCursor {
    const chunk = name === null ? 0 : this.#chunkFor(name, start, end)
    this.sort(chunk)
    const words = this.wordsOf(chunk)
    const first = this.offsetOf(chunk) + 1
    const last = first + this.#counts[chunk]!
    const from =
      name === null ? first : firstAfter(this.#names, words, first, last, name, start, end)
    return new ChildCursor(words, from, last, this, chunk)
  }

  add(child: Row): void {
    let chunk = this.#chunkOf(child)
    if (this.#counts[chunk] === RUN_CHILDREN_MAX) {
      this.sort(chunk)
      if (chunk === this.#chunkCount - 1 && this.#names.isBefore(this.#lastChild(), child)) {
        chunk++
        this.#openChunk(chunk)
      } else {
        this.#openChunk(chunk + 1)
        this.#move(chunk, (RUN_CHILDREN_MAX + 1) / 2, chunk + 1)
        chunk = this.#chunkOf(child)
      }
    }
    const count = this.#counts[chunk]!
    addToRun(this.#names, this.wordsOf(chunk), this.offsetOf(chunk), count, child)
    this.#counts[chunk] = count + 1
  }

  remove(child: Row): void {
    const chunk = this.#chunkOf(child)
    const count = this.#counts[chunk]!
    removeFromRun(this.#names, this.wordsOf(chunk), this.offsetOf(chunk), count, child)
    this.#counts[chunk] = count - 1
    if (count === 1) this.#closeChunk(chunk)
    else if (count <= RUN_CHILDREN_MAX >>> 2) this.#mergeWithNeighbour(chunk)
  }

  /** Hands all children over as one run, and gives the chunks back: the list is of no use afterwards. */
  moveTo(words: Int32Array, at: number): void {
    let to = at
    for (let chunk = 0; chunk < this.#chunkCount; chunk++) {
      this.sort(chunk)
      const source = this.wordsOf(chunk)
      const from = this.offsetOf(chunk)
      for (let i = 1; i <= this.#counts[chunk]!; i++) words[++to] = source[from + i]!
      this.#arena.free(this.#blocks[chunk]!, CHUNK_BYTES)
    }
    words[at] = to - at
    this.#chunkCount = 0
  }

  verify(): void {
    for (let chunk = 0; chunk < this.#chunkCount; chunk++) {
      const count = this.#counts[chunk]!
      assert(count > 0 && count <= RUN_CHILDREN_MAX, 'a chunk is neither empty nor over-full')
    }
  }

  /** The only chunk in which a child of this name can be. */
  #chunkFor(name: Uint8Array, start: number, end: number): number {
    let low = 0
    let high = this.#chunkCount - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (this.#names.compare(this.#firstChild(middle), name, start, end) > 0) high = middle - 1
      else low = middle
    }
    return low
  }

  #chunkOf(child: Row): number {
    const last = this.#chunkCount - 1
    const start = this.#names.offsetOf(child)
    const end = start + this.#names.byteLength(child)
    const name = this.#names.bytesOf(child)
    // Sequential names: the last chunk is tried before the search.
    if (this.#names.compare(this.#firstChild(last), name, start, end) <= 0) return last
    return this.#chunkFor(name, start, end)
  }

  #firstChild(chunk: number): Row {
    return this.wordsOf(chunk)[this.offsetOf(chunk) + 1]!
  }

  /** Of a last chunk that is sorted. */
  #lastChild(): Row {
    const last = this.#chunkCount - 1
    return this.wordsOf(last)[this.offsetOf(last) + this.#counts[last]!]!
  }

  #mergeWithNeighbour(chunk: number): void {
    if (this.#chunkCount === 1) return
    const left = chunk === 0 ? 0 : chunk - 1
    const leftCount = this.#counts[left]!
    const together = leftCount + this.#counts[left + 1]!
    if (together > RUN_CHILDREN_MAX - (RUN_CHILDREN_MAX >>> 2)) return
    this.sort(left)
    this.sort(left + 1)
    const source = this.wordsOf(left + 1)
    const from = this.offsetOf(left + 1)
    const target = this.wordsOf(left)
    const to = this.offsetOf(left)
    for (let i = 1; leftCount + i <= together; i++) target[to + leftCount + i] = source[from + i]!
    target[to] = together
    this.#counts[left] = together
    this.#closeChunk(left + 1)
  }

  /** Moves the children of a sorted chunk behind the first `kept` to an empty one. */
  #move(chunk: number, kept: number, emptyChunk: number): void {
    const count = this.#counts[chunk]! - kept
    const source = this.wordsOf(chunk)
    const target = this.wordsOf(emptyChunk)
    const from = this.offsetOf(chunk)
    const to = this.offsetOf(emptyChunk)
    for (let i = 1; i <= count; i++) target[to + i] = source[from + kept + i]!
    source[from] = kept
    target[to] = count
    this.#counts[chunk] = kept
    this.#counts[emptyChunk] = count
  }

  #openChunk(at: number): void {
    const count = this.#chunkCount
    if (count === this.#blocks.length) this.#growDirectory()
    this.#blocks.copyWithin(at + 1, at, count)
    this.#counts.copyWithin(at + 1, at, count)
    this.#blocks[at] = this.#arena.allocate(CHUNK_BYTES)
    this.#counts[at] = 0
    this.#chunkCount = count + 1
    this.wordsOf(at)[this.offsetOf(at)] = 0
  }

  #closeChunk(at: number): void {
    this.#arena.free(this.#blocks[at]!, CHUNK_BYTES)
    this.#blocks.copyWithin(at, at + 1, this.#chunkCount)
    this.#counts.copyWithin(at, at + 1, this.#chunkCount)
    this.#chunkCount--
  }

  #growDirectory(): void {
    const blocks = new Int32Array(this.#blocks.length * 2)
    const counts = new Uint16Array(this.#counts.length * 2)
    blocks.set(this.#blocks)
    counts.set(this.#counts)
    this.#blocks = blocks
    this.#counts = counts
  }
}

const CHUNK_BYTES = (RUN_CHILDREN_MAX + 1) * 4
