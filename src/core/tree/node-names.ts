// The names of nodes, as bytes in the arena: compared, copied and shown without being decoded.
// Names are ordered as unsigned bytes, which for UTF-8 is the order of code points.

import { decodeUtf8 } from '../../base/text.ts'
import type { JuteWriter } from '../jute/writer.ts'
import type { Address, Arena } from './arena.ts'
import type { Row } from './data-tree.ts'
import { hashByte, hashEnd, hashStart } from './name-hash.ts'
import { BLOCK, NAME, NAME_LENGTH_MASK, PARENT, type RowStore, rowOffset } from './row-store.ts'
import { MACHINE_IS_LITTLE_ENDIAN, writeWords } from './write-words.ts'

export class NodeNames {
  readonly #rows: RowStore
  readonly #arena: Arena
  readonly #hashSeed: number

  constructor(rows: RowStore, arena: Arena, hashSeed: number) {
    this.#rows = rows
    this.#arena = arena
    this.#hashSeed = Math.imul(hashSeed ^ 0x5bd1e995, 0x9e3779b1)
  }

  byteLength(row: Row): number {
    return this.#rows.get(row, NAME) & NAME_LENGTH_MASK
  }

  /** The buffer in which the name is, from {@link offsetOf} on. */
  bytesOf(row: Row): Uint8Array {
    return this.#arena.bytesOf(this.#rows.get(row, BLOCK))
  }

  offsetOf(row: Row): number {
    return this.#arena.offsetOf(this.#rows.get(row, BLOCK))
  }

  text(row: Row): string {
    const start = this.offsetOf(row)
    return decodeUtf8(this.bytesOf(row), start, start + this.byteLength(row))
  }

  /** Begins the hash of a child's name; continue with `hashByte` and `hashEnd`. */
  hashStart(parent: Row): number {
    return hashStart(parent, this.#hashSeed)
  }

  hash(parent: Row, name: Uint8Array, start: number, end: number): number {
    let hash = hashStart(parent, this.#hashSeed)
    for (let i = start; i < end; i++) hash = hashByte(hash, name[i]!)
    return hashEnd(hash)
  }

  blockOf(row: Row): Address {
    return this.#rows.get(row, BLOCK)
  }

  hashOf(row: Row): number {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    const block = words[at + BLOCK]!
    const start = this.#arena.offsetOf(block)
    const end = start + (words[at + NAME]! & NAME_LENGTH_MASK)
    return this.hash(words[at + PARENT]!, this.#arena.bytesOf(block), start, end)
  }

  /** Whether this is the child of `parent` with the given name. */
  isChildNamed(
    row: Row,
    block: Address,
    parent: Row,
    name: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    const length = end - start
    if (words[at + PARENT] !== parent) return false
    if ((words[at + NAME]! & NAME_LENGTH_MASK) !== length) return false
    if (!MACHINE_IS_LITTLE_ENDIAN) return this.compare(row, name, start, end) === 0
    const own = this.#arena.wordsOf(block)
    let place = this.#arena.wordOffsetOf(block)
    let i = start
    for (; i + 4 <= end; i += 4) {
      const word = name[i]! | (name[i + 1]! << 8) | (name[i + 2]! << 16) | (name[i + 3]! << 24)
      if (own[place++] !== word) return false
    }
    if (i === end) return true
    // Behind its name a block holds anything.
    for (let rest = own[place]!; i < end; i++, rest >>>= 8) {
      if ((rest & 0xff) !== name[i]) return false
    }
    return true
  }

  /** Negative where the node's name comes before the given one, 0 where it is the same. */
  compare(row: Row, name: Uint8Array, start: number, end: number): number {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    const block = words[at + BLOCK]!
    const bytes = this.#arena.bytesOf(block)
    const offset = this.#arena.offsetOf(block)
    const length = words[at + NAME]! & NAME_LENGTH_MASK
    const otherLength = end - start
    const shared = length < otherLength ? length : otherLength
    for (let i = 0; i < shared; i++) {
      const difference = bytes[offset + i]! - name[start + i]!
      if (difference !== 0) return difference
    }
    return length - otherLength
  }

  /** Whether the name of one node comes before that of another. */
  isBefore(row: Row, other: Row): boolean {
    const words = this.#rows.segmentOf(other)
    const at = rowOffset(other)
    const block = words[at + BLOCK]!
    const start = this.#arena.offsetOf(block)
    const end = start + (words[at + NAME]! & NAME_LENGTH_MASK)
    return this.compare(row, this.#arena.bytesOf(block), start, end) < 0
  }

  /** Writes the name as a jute string. */
  write(row: Row, out: JuteWriter): void {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    const length = words[at + NAME]! & NAME_LENGTH_MASK
    const block = words[at + BLOCK]!
    out.int(length)
    writeWords(this.#arena.wordsOf(block), this.#arena.wordOffsetOf(block), length, out)
  }
}
