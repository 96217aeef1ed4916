// Finds a child by its parent's row and its name: a hash table that grows without a stall. A
// directory, indexed by the top bits of the hash, names tables of at most 4,096 slots; a full one
// is replaced by a somewhat larger one or split in two, which costs some ten microseconds however
// large the tree is. Within a table probing is linear; a removal shifts the entries behind it
// back, so that no tombstones are left.
//
// A slot also holds where the name is, so that row and name are fetched at the same time: with
// millions of nodes neither is in a cache, and waiting for one after the other is what costs.
//
//   table:  entries | bits of the hash that its entries share | slots | slot | slot | ...
//   slot:   hash | row, 0 for an empty slot (the root is no child) | block of the name

import { assert } from '../../base/assert.ts'
import type { Address } from './arena.ts'
import { NO_ROW, ROOT, type Row } from './data-tree.ts'
import type { NodeNames } from './node-names.ts'

export class NameIndex {
  readonly #names: NodeNames
  #directory: Int32Array[]
  /** The bits of a hash to be dropped to get its place in the directory. */
  #shift = 31
  #count = 0

  constructor(names: NodeNames) {
    this.#names = names
    this.#directory = [newTable(MIN_SLOTS, 1), newTable(MIN_SLOTS, 1)]
  }

  get count(): number {
    return this.#count
  }

  /** Slots of all tables: four fifths of them at most are in use. */
  get slotCount(): number {
    let slots = 0
    for (const table of new Set(this.#directory)) slots += slotsOf(table)
    return slots
  }

  find(hash: number, parent: Row, name: Uint8Array, start: number, end: number): Row {
    const table = this.#directory[hash >>> this.#shift]!
    const last = table.length - SLOT_WORDS
    for (let at = homeOf(hash, table); ; at = at === last ? HEADER_WORDS : at + SLOT_WORDS) {
      const row = table[at + 1]!
      if (row === ROOT) return NO_ROW
      if (
        table[at] === hash &&
        this.#names.isChildNamed(row, table[at + 2]!, parent, name, start, end)
      ) {
        return row
      }
    }
  }

  add(hash: number, row: Row, block: Address): void {
    let table = this.#directory[hash >>> this.#shift]!
    while (table[COUNT]! >= capacityOf(slotsOf(table))) {
      this.#grow(hash, table)
      table = this.#directory[hash >>> this.#shift]!
    }
    put(table, hash, row, block)
    this.#count++
  }

  remove(hash: number, row: Row): void {
    const table = this.#directory[hash >>> this.#shift]!
    closeHole(table, slotOf(table, hash, row))
    table[COUNT]!--
    this.#count--
    const slots = slotsOf(table)
    if (slots > MIN_SLOTS && table[COUNT]! < slots >>> 2) {
      this.#replace(hash, table, rebuilt(table, slotsFor(table[COUNT]!)))
    }
  }

  /** Notes that the name is in another block now. */
  move(hash: number, row: Row, block: Address): void {
    const table = this.#directory[hash >>> this.#shift]!
    table[slotOf(table, hash, row) + 2] = block
  }

  /** Checks that each entry is where a search begins to look for it, with nothing empty between. */
  verify(): void {
    let count = 0
    for (const table of new Set(this.#directory)) {
      let entries = 0
      for (let at = HEADER_WORDS; at < table.length; at += SLOT_WORDS) {
        const row = table[at + 1]!
        if (row === ROOT) continue
        entries++
        const hash = table[at]!
        assert(
          this.#names.hashOf(row) === hash,
          () => `the index holds row ${row} under a wrong hash`,
        )
        assert(this.#directory[hash >>> this.#shift] === table, 'an entry is in its own table')
        const last = table.length - SLOT_WORDS
        for (
          let i = homeOf(hash, table);
          i !== at;
          i = i === last ? HEADER_WORDS : i + SLOT_WORDS
        ) {
          assert(
            table[i + 1] !== ROOT,
            () => `row ${row} is cut off from its place by an empty slot`,
          )
        }
      }
      assert(entries === table[COUNT], 'a table knows how many entries it has')
      count += entries
    }
    assert(count === this.#count, 'the index counts its entries')
  }

  #grow(hash: number, table: Int32Array): void {
    const slots = slotsOf(table)
    const bits = table[BITS]!
    if (slots < MAX_SLOTS) {
      this.#replace(hash, table, rebuilt(table, largerSlots(slots)))
    } else if (bits < MAX_BITS) {
      this.#split(hash, table)
    } else {
      // More than two hundred million nodes, or names that were made to collide.
      this.#replace(hash, table, rebuilt(table, slots * 2))
    }
  }

  #split(hash: number, table: Int32Array): void {
    const bits = table[BITS]! + 1
    if (bits > 32 - this.#shift) this.#doubleDirectory()
    let ones = 0
    for (let at = HEADER_WORDS; at < table.length; at += SLOT_WORDS) {
      if (table[at + 1] !== ROOT) ones += (table[at]! >>> (32 - bits)) & 1
    }
    const low = newTable(slotsFor(table[COUNT]! - ones), bits)
    const high = newTable(slotsFor(ones), bits)
    moveAll(table, 32 - bits, low, high)
    const prefix = (hash >>> (33 - bits)) << 1
    this.#enter(low, prefix)
    this.#enter(high, prefix | 1)
  }

  #replace(hash: number, table: Int32Array, by: Int32Array): void {
    this.#enter(by, hash >>> (32 - table[BITS]!))
  }

  /** Puts a table in all places of the directory whose numbers begin with its prefix. */
  #enter(table: Int32Array, prefix: number): void {
    const spread = 32 - this.#shift - table[BITS]!
    const first = prefix << spread
    const end = first + (1 << spread)
    for (let i = first; i < end; i++) this.#directory[i] = table
  }

  #doubleDirectory(): void {
    const doubled: Int32Array[] = []
    for (const table of this.#directory) doubled.push(table, table)
    this.#directory = doubled
    this.#shift--
  }
}

const COUNT = 0
const BITS = 1
const SLOTS = 2
const HEADER_WORDS = 3
const SLOT_WORDS = 3

const MIN_SLOTS = 64
const MAX_SLOTS = 4_096
/** Places come from the low 16 bits of a hash; the directory must not use these as well. */
const MAX_BITS = 16

function newTable(slots: number, bits: number): Int32Array {
  const table = new Int32Array(HEADER_WORDS + slots * SLOT_WORDS)
  table[BITS] = bits
  table[SLOTS] = slots
  return table
}

const slotsOf = (table: Int32Array): number => table[SLOTS]!

/** Tables are at most four fifths full. */
const capacityOf = (slots: number): number => slots - ((slots / 5) | 0)

/** Tables grow by less once they are large: they would else be half empty too often. */
const largerSlots = (slots: number): number => (slots < 2_048 ? slots * 2 : slots + 1_024)

function slotsFor(count: number): number {
  let slots = MIN_SLOTS
  while (count * 10 >= slots * 7) slots = largerSlots(slots)
  return slots
}

const homeOf = (hash: number, table: Int32Array): number =>
  HEADER_WORDS + (Math.imul(hash & 0xffff, slotsOf(table)) >>> 16) * SLOT_WORDS

/** The slot of a row that is in the table. */
function slotOf(table: Int32Array, hash: number, row: Row): number {
  const last = table.length - SLOT_WORDS
  let at = homeOf(hash, table)
  while (table[at + 1] !== row) {
    assert(table[at + 1] !== ROOT, 'a row that is looked for is in the index')
    at = at === last ? HEADER_WORDS : at + SLOT_WORDS
  }
  return at
}

function rebuilt(table: Int32Array, slots: number): Int32Array {
  const next = newTable(slots, table[BITS]!)
  moveAll(table, 0, next, next)
  return next
}

/** Moves all entries to one of two empty tables, by the bit of the hash above `shift`. */
function moveAll(table: Int32Array, shift: number, zeros: Int32Array, ones: Int32Array): void {
  const end = table.length
  for (let from = HEADER_WORDS; from < end; from += SLOT_WORDS) {
    const row = table[from + 1]!
    if (row === ROOT) continue
    const hash = table[from]!
    const target = ((hash >>> shift) & 1) === 0 ? zeros : ones
    let at = homeOf(hash, target)
    while (target[at + 1] !== ROOT) {
      at += SLOT_WORDS
      if (at === target.length) at = HEADER_WORDS
    }
    target[at] = hash
    target[at + 1] = row
    target[at + 2] = table[from + 2]!
    target[COUNT]!++
  }
}

function put(table: Int32Array, hash: number, row: Row, block: Address): void {
  const last = table.length - SLOT_WORDS
  let at = homeOf(hash, table)
  while (table[at + 1] !== ROOT) at = at === last ? HEADER_WORDS : at + SLOT_WORDS
  table[at] = hash
  table[at + 1] = row
  table[at + 2] = block
  table[COUNT]!++
}

/** Moves entries back over a hole until the next empty slot, as far as their place allows. */
function closeHole(table: Int32Array, start: number): void {
  const last = table.length - SLOT_WORDS
  let hole = start
  for (let at = hole; ; ) {
    at = at === last ? HEADER_WORDS : at + SLOT_WORDS
    if (table[at + 1] === ROOT) break
    const home = homeOf(table[at]!, table)
    // An entry stays where its place lies behind the hole, seen along the ring of slots.
    const staysPut = hole < at ? home > hole && home <= at : home > hole || home <= at
    if (staysPut) continue
    table[hole] = table[at]!
    table[hole + 1] = table[at + 1]!
    table[hole + 2] = table[at + 2]!
    hole = at
  }
  table[hole + 1] = ROOT
}
