// The children of one parent that has more than 512: sorted chunks of up to 512 row numbers, and
// a directory of the chunks. Finding a name costs a search among the first children of the chunks
// and one within a chunk; a child whose name comes last goes to the last chunk after one
// comparison, and leaves full chunks behind.

import { assert } from '../../base/assert.ts'
import type { Address, Arena } from './arena.ts'
import type { Row } from './data-tree.ts'
import type { NodeNames } from './node-names.ts'
import { BLOCK_CHILDREN_MAX, firstAfter, insertSorted, removeFrom } from './sorted-children.ts'

export class LargeChildList {
  readonly #arena: Arena
  readonly #names: NodeNames
  #blocks: Int32Array = new Int32Array(8)
  #counts: Uint16Array = new Uint16Array(8)
  #chunkCount = 1

  /** Takes over a full block of children. */
  constructor(arena: Arena, names: NodeNames, fullBlock: Address) {
    this.#arena = arena
    this.#names = names
    this.#blocks[0] = fullBlock
    this.#counts[0] = CHUNK_CHILDREN_MAX
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

  offsetOf(chunk: number): number {
    return this.#arena.wordOffsetOf(this.#blocks[chunk]!)
  }

  /** The only chunk in which a child of this name can be. */
  chunkFor(name: Uint8Array, start: number, end: number): number {
    let low = 0
    let high = this.#chunkCount - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      const first = this.wordsOf(middle)[this.offsetOf(middle)]!
      if (this.#names.compare(first, name, start, end) > 0) high = middle - 1
      else low = middle
    }
    return low
  }

  /** How many children of a chunk have names up to the given one. */
  after(chunk: number, name: Uint8Array, start: number, end: number): number {
    const from = this.offsetOf(chunk)
    const to = from + this.#counts[chunk]!
    return firstAfter(this.#names, this.wordsOf(chunk), from, to, name, start, end) - from
  }

  add(child: Row): void {
    let chunk = this.#chunkOf(child)
    if (this.#counts[chunk] === CHUNK_CHILDREN_MAX) {
      if (chunk === this.#chunkCount - 1 && this.#followsLast(child)) {
        this.#openChunk(chunk + 1)
        chunk++
      } else {
        this.#split(chunk)
        chunk = this.#chunkOf(child)
      }
    }
    const count = this.#counts[chunk]!
    insertSorted(this.#names, this.wordsOf(chunk), this.offsetOf(chunk), count, child)
    this.#counts[chunk] = count + 1
  }

  remove(child: Row): void {
    const chunk = this.#chunkOf(child)
    removeFrom(this.wordsOf(chunk), this.offsetOf(chunk), this.#counts[chunk]!, child)
    const count = --this.#counts[chunk]!
    if (count === 0) this.#closeChunk(chunk)
    else if (count < CHUNK_CHILDREN_MAX / 4) this.#mergeWithNeighbour(chunk)
  }

  /** Hands all children over, in order, and gives the chunks back: the list is of no use afterwards. */
  moveTo(words: Int32Array, at: number): void {
    let to = at
    for (let chunk = 0; chunk < this.#chunkCount; chunk++) {
      const source = this.wordsOf(chunk)
      const from = this.offsetOf(chunk)
      for (let i = 0; i < this.#counts[chunk]!; i++) words[to++] = source[from + i]!
      this.#arena.free(this.#blocks[chunk]!, CHUNK_BYTES)
    }
    this.#chunkCount = 0
  }

  verify(): void {
    for (let chunk = 0; chunk < this.#chunkCount; chunk++) {
      const count = this.#counts[chunk]!
      assert(
        count > 0 && count <= CHUNK_CHILDREN_MAX,
        'a chunk of children is neither empty nor over-full',
      )
    }
  }

  #chunkOf(child: Row): number {
    const start = this.#names.offsetOf(child)
    const end = start + this.#names.byteLength(child)
    const name = this.#names.bytesOf(child)
    // Sequential names: the last chunk is tried before the search.
    const last = this.#chunkCount - 1
    const first = this.wordsOf(last)[this.offsetOf(last)]!
    if (this.#names.compare(first, name, start, end) <= 0) return last
    return this.chunkFor(name, start, end)
  }

  #followsLast(child: Row): boolean {
    const last = this.#chunkCount - 1
    const lastChild = this.wordsOf(last)[this.offsetOf(last) + this.#counts[last]! - 1]!
    const start = this.#names.offsetOf(child)
    const end = start + this.#names.byteLength(child)
    return this.#names.compare(lastChild, this.#names.bytesOf(child), start, end) < 0
  }

  #split(chunk: number): void {
    this.#openChunk(chunk + 1)
    this.#move(chunk, CHUNK_CHILDREN_MAX / 2, chunk + 1)
  }

  #mergeWithNeighbour(chunk: number): void {
    if (this.#chunkCount === 1) return
    const left = chunk === 0 ? 0 : chunk - 1
    const together = this.#counts[left]! + this.#counts[left + 1]!
    if (together > (CHUNK_CHILDREN_MAX * 3) / 4) return
    const words = this.wordsOf(left + 1)
    const from = this.offsetOf(left + 1)
    const target = this.wordsOf(left)
    const to = this.offsetOf(left) + this.#counts[left]!
    for (let i = 0; i < this.#counts[left + 1]!; i++) target[to + i] = words[from + i]!
    this.#counts[left] = together
    this.#closeChunk(left + 1)
  }

  /** Moves the children of a chunk from place `from` on to an empty one. */
  #move(chunk: number, from: number, emptyChunk: number): void {
    const count = this.#counts[chunk]! - from
    const source = this.wordsOf(chunk)
    const target = this.wordsOf(emptyChunk)
    const sourceAt = this.offsetOf(chunk) + from
    const targetAt = this.offsetOf(emptyChunk)
    for (let i = 0; i < count; i++) target[targetAt + i] = source[sourceAt + i]!
    this.#counts[chunk] = from
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

const CHUNK_CHILDREN_MAX = BLOCK_CHILDREN_MAX
const CHUNK_BYTES = CHUNK_CHILDREN_MAX * 4
