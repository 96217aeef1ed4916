// Paths of nodes, put together from the names on the way up: their checksum, their length, their
// bytes. What was found out about the last parent is remembered, because children tend to be
// created and changed one after the other.

import { crc32 } from '../../base/checksum.ts'
import { decodeUtf8 } from '../../base/text.ts'
import type { JuteWriter } from '../jute/writer.ts'
import type { Arena } from './arena.ts'
import { NO_ROW, ROOT, type Row } from './data-tree.ts'
import type { NodeNames } from './node-names.ts'
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
  readonly #names: NodeNames

  #knownRow: Row = NO_ROW
  #knownCrc = 0
  #knownCharacters = 0

  constructor(rows: RowStore, arena: Arena, names: NodeNames) {
    this.#rows = rows
    this.#arena = arena
    this.#names = names
  }

  /** CRC-32 over the path, of which the root has none. */
  crc(row: Row): number {
    if (row === ROOT) return 0
    this.#learn(this.#rows.get(row, PARENT))
    return this.#crcBelow(this.#knownCrc, row)
  }

  /** The length of the path in UTF-16 units, by which ZooKeeper estimates memory; 0 for the root. */
  characters(row: Row): number {
    if (row === ROOT) return 0
    this.#learn(this.#rows.get(row, PARENT))
    return this.#knownCharacters + 1 + this.#nameCharacters(row)
  }

  /** To be called before a row is freed. */
  forget(row: Row): void {
    if (row === this.#knownRow) this.#knownRow = NO_ROW
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
    if (row === this.#knownRow) return
    // From the root down: on the way up the rows are only noted.
    const down: Row[] = []
    for (let at = row; at !== ROOT; at = this.#rows.get(at, PARENT)) down.push(at)
    let crc = 0
    let characters = 0
    for (let i = down.length - 1; i >= 0; i--) {
      crc = this.#crcBelow(crc, down[i]!)
      characters += 1 + this.#nameCharacters(down[i]!)
    }
    this.#knownRow = row
    this.#knownCrc = crc
    this.#knownCharacters = characters
  }

  #crcBelow(parentCrc: number, row: Row): number {
    const start = this.#names.offsetOf(row)
    const crc = crc32(parentCrc, SLASH_BYTES, 0, 1)
    return crc32(crc, this.#names.bytesOf(row), start, start + this.#names.byteLength(row))
  }

  #nameCharacters(row: Row): number {
    const flags = this.#rows.get(row, NAME)
    const length = flags & NAME_LENGTH_MASK
    if ((flags & Flag.wideName) === 0) return length
    const bytes = this.#names.bytesOf(row)
    const start = this.#names.offsetOf(row)
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
