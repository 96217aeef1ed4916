// Paths of nodes, put together from the names on the way up: their checksum, their length, their
// bytes. Checksums and lengths of a few hundred parents are remembered, because it is the children
// of few parents at a time that are created and changed.

import { crc32 } from '../../base/checksum.ts'
import { decodeUtf8 } from '../../base/text.ts'
import type { JuteWriter } from '../jute/writer.ts'
import type { Arena } from './arena.ts'
import { NO_ROW, ROOT, type Row } from './data-tree.ts'
import {
  BLOCK,
  Flag,
  NAME,
  NAME_LENGTH_MASK,
  PARENT,
  type RowStore,
  rowOffset,
} from './row-store.ts'

export class NodePaths {
  readonly #rows: RowStore
  readonly #arena: Arena

  /** Parents, each at the place that its number gives it; and of its path with a slash behind it: */
  readonly #known: Int32Array = new Int32Array(PLACES).fill(NO_ROW)
  readonly #crcs: Int32Array = new Int32Array(PLACES)
  readonly #characters: Int32Array = new Int32Array(PLACES)

  constructor(rows: RowStore, arena: Arena) {
    this.#rows = rows
    this.#arena = arena
  }

  /** CRC-32 over the path of a row, given as its words; the root has none. */
  crc(words: Int32Array, at: number): number {
    const parent = words[at + PARENT]!
    if (parent === NO_ROW) return 0
    const place = parent & (PLACES - 1)
    if (this.#known[place] !== parent) this.#learn(parent)
    return this.#crcBelow(this.#crcs[place]!, words, at)
  }

  /** The length of the path in UTF-16 units, by which ZooKeeper estimates memory; 0 for the root. */
  characters(words: Int32Array, at: number): number {
    const parent = words[at + PARENT]!
    if (parent === NO_ROW) return 0
    const place = parent & (PLACES - 1)
    if (this.#known[place] !== parent) this.#learn(parent)
    return this.#characters[place]! + this.#nameCharacters(words, at)
  }

  /** To be called before a row is freed. */
  forget(row: Row): void {
    const place = row & (PLACES - 1)
    if (this.#known[place] === row) this.#known[place] = NO_ROW
  }

  text(row: Row): string {
    if (row === ROOT) return '/'
    const bytes = new Uint8Array(this.#byteLength(row))
    this.#fill(row, bytes, bytes.length)
    return decodeUtf8(bytes, 0, bytes.length)
  }

  /** Writes the path as a jute string. */
  write(row: Row, out: JuteWriter, rootAs: '' | '/'): void {
    if (row === ROOT) {
      out.ustring(rootAs)
      return
    }
    const length = this.#byteLength(row)
    out.int(length)
    out.ensure(length)
    out.position += length
    this.#fill(row, out.bytes, out.position)
  }

  #learn(row: Row): void {
    // From the root down: on the way up the rows are only noted.
    const down: Row[] = []
    for (let at = row; at !== ROOT; at = this.#rows.get(at, PARENT)) down.push(at)
    let crc = ROOT_CRC
    let characters = 1
    for (let i = down.length - 1; i >= 0; i--) {
      const words = this.#rows.segmentOf(down[i]!)
      const at = rowOffset(down[i]!)
      crc = crc32(this.#crcBelow(crc, words, at), SLASH_BYTES, 0, 1)
      characters += this.#nameCharacters(words, at) + 1
    }
    const place = row & (PLACES - 1)
    this.#known[place] = row
    this.#crcs[place] = crc
    this.#characters[place] = characters
  }

  #crcBelow(parentCrc: number, words: Int32Array, at: number): number {
    const block = words[at + BLOCK]!
    const start = this.#arena.offsetOf(block)
    const end = start + (words[at + NAME]! & NAME_LENGTH_MASK)
    return crc32(parentCrc, this.#arena.bytesOf(block), start, end)
  }

  #nameCharacters(words: Int32Array, at: number): number {
    const nameAndFlags = words[at + NAME]!
    const length = nameAndFlags & NAME_LENGTH_MASK
    return (nameAndFlags & Flag.wideName) === 0 ? length : this.#wideCharacters(words, at, length)
  }

  #wideCharacters(words: Int32Array, at: number, length: number): number {
    const bytes = this.#arena.bytesOf(words[at + BLOCK]!)
    const start = this.#arena.offsetOf(words[at + BLOCK]!)
    let characters = 0
    for (let i = start; i < start + length; i++) {
      const byte = bytes[i]!
      // Every byte that is no continuation begins a character; those of four bytes are two units.
      if ((byte & 0xc0) !== 0x80) characters += byte >= 0xf0 ? 2 : 1
    }
    return characters
  }

  #byteLength(row: Row): number {
    let length = 0
    for (let at = row; at !== ROOT; ) {
      const words = this.#rows.segmentOf(at)
      const offset = rowOffset(at)
      length += 1 + (words[offset + NAME]! & NAME_LENGTH_MASK)
      at = words[offset + PARENT]!
    }
    return length
  }

  /** Writes the path so that it ends before `end`: the last name first. */
  #fill(row: Row, into: Uint8Array, end: number): void {
    let to = end
    for (let at = row; at !== ROOT; ) {
      const words = this.#rows.segmentOf(at)
      const offset = rowOffset(at)
      const length = words[offset + NAME]! & NAME_LENGTH_MASK
      const block = words[offset + BLOCK]!
      const bytes = this.#arena.bytesOf(block)
      const start = this.#arena.offsetOf(block)
      to -= length
      for (let i = 0; i < length; i++) into[to + i] = bytes[start + i]!
      into[--to] = SLASH
      at = words[offset + PARENT]!
    }
  }
}

const SLASH = 0x2f
const SLASH_BYTES: Uint8Array = new Uint8Array([SLASH])

const ROOT_CRC = crc32(0, SLASH_BYTES, 0, 1)

/** A power of two. */
const PLACES = 512
