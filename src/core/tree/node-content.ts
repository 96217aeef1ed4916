// Names and data of nodes, one block of the arena for both: the name, filled up to whole words,
// then the data. It keeps the fields of a row that say where and how long they are.

import { assert } from '../../base/assert.ts'
import type { JuteWriter } from '../jute/writer.ts'
import type { Address, Arena } from './arena.ts'
import { copyBytes } from '../../base/copy-bytes.ts'
import type { Row } from './data-tree.ts'
import {
  BLOCK,
  DATA_LENGTH,
  Flag,
  NAME,
  NAME_LENGTH_MASK,
  type RowStore,
  paddedName,
  rowOffset,
} from './row-store.ts'
import { WORDWISE_BYTES_MAX, readWords, writeWords } from './write-words.ts'

export class NodeContent {
  readonly #rows: RowStore
  readonly #arena: Arena

  constructor(rows: RowStore, arena: Arena) {
    this.#rows = rows
    this.#arena = arena
  }

  /** Stores the name and data of a new row, given as its words; `dataStart` -1 is null data. */
  create(
    words: Int32Array,
    at: number,
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    data: Uint8Array,
    dataStart: number,
    dataEnd: number,
  ): void {
    const nameLength = nameEnd - nameStart
    const dataLength = dataStart < 0 ? 0 : dataEnd - dataStart
    assert(nameLength <= NAME_LENGTH_MASK, 'a name is shorter than 16 MiB')
    const nameBytes = paddedName(nameLength)
    const block = this.#arena.allocate(nameBytes + dataLength)
    const bytes = this.#arena.bytesOf(block)
    const blockStart = this.#arena.offsetOf(block)
    let wide = 0
    for (let i = 0; i < nameLength; i++) {
      const byte = name[nameStart + i]!
      wide |= byte
      bytes[blockStart + i] = byte
    }
    let flags = wide > 0x7f ? Flag.wideName : 0
    if (dataStart < 0) flags |= Flag.nullData
    else this.#putData(data, dataStart, dataEnd, block, nameBytes)
    words[at + BLOCK] = block
    words[at + NAME]! |= nameLength | flags
    words[at + DATA_LENGTH] = dataLength
  }

  /** In place where the size class stays the same. Returns by how many bytes the data grew. */
  replaceData(words: Int32Array, at: number, data: Uint8Array, start: number, end: number): number {
    const arena = this.#arena
    const nameAndFlags = words[at + NAME]!
    const nameLength = nameAndFlags & NAME_LENGTH_MASK
    const nameBytes = paddedName(nameLength)
    const before = words[at + DATA_LENGTH]!
    const length = start < 0 ? 0 : end - start
    let block = words[at + BLOCK]!
    if (length !== before && !arena.sameClass(nameBytes + before, nameBytes + length)) {
      const old = block
      const oldBytes = arena.bytesOf(old)
      const from = arena.offsetOf(old)
      block = arena.allocate(nameBytes + length)
      copyBytes(oldBytes, from, from + nameLength, arena.bytesOf(block), arena.offsetOf(block))
      arena.free(old, nameBytes + before)
      words[at + BLOCK] = block
    }
    if (start < 0) {
      words[at + NAME] = nameAndFlags | Flag.nullData
    } else {
      words[at + NAME] = nameAndFlags & ~Flag.nullData
      this.#putData(data, start, end, block, nameBytes)
    }
    words[at + DATA_LENGTH] = length
    return length - before
  }

  #putData(data: Uint8Array, start: number, end: number, block: Address, nameBytes: number): void {
    const arena = this.#arena
    if (end - start <= WORDWISE_BYTES_MAX) {
      const at = arena.wordOffsetOf(block) + (nameBytes >>> 2)
      readWords(data, start, end, arena.wordsOf(block), at)
    } else {
      copyBytes(data, start, end, arena.bytesOf(block), arena.offsetOf(block) + nameBytes)
    }
  }

  free(words: Int32Array, at: number): void {
    const nameBytes = paddedName(words[at + NAME]! & NAME_LENGTH_MASK)
    this.#arena.free(words[at + BLOCK]!, nameBytes + words[at + DATA_LENGTH]!)
  }

  /** A copy. */
  data(row: Row): Uint8Array | null {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    if ((words[at + NAME]! & Flag.nullData) !== 0) return null
    const block = words[at + BLOCK]!
    const start = this.#arena.offsetOf(block) + paddedName(words[at + NAME]! & NAME_LENGTH_MASK)
    return this.#arena.bytesOf(block).slice(start, start + words[at + DATA_LENGTH]!)
  }

  /** Writes the data as a jute buffer. */
  writeData(row: Row, out: JuteWriter): void {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    const nameAndFlags = words[at + NAME]!
    if ((nameAndFlags & Flag.nullData) !== 0) {
      out.int(-1)
      return
    }
    const length = words[at + DATA_LENGTH]!
    const block = words[at + BLOCK]!
    const nameBytes = paddedName(nameAndFlags & NAME_LENGTH_MASK)
    out.int(length)
    if (length <= WORDWISE_BYTES_MAX) {
      const from = this.#arena.wordOffsetOf(block) + (nameBytes >>> 2)
      writeWords(this.#arena.wordsOf(block), from, length, out)
    } else {
      const from = this.#arena.offsetOf(block) + nameBytes
      out.raw(this.#arena.bytesOf(block), from, from + length)
    }
  }
}
