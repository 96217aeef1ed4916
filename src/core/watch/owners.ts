// The two sides of a registration, paths and watchers, as numbered rows: each row has a key, the
// ends of its list of registrations, and its share of the counts. It refuses to know what a
// registration is. Rows are columns of numbers, so that a million cost the collector nothing; keys
// are spread over many maps, so that none grows long enough to stall the server while it does.

import { NONE, grownColumn } from './columns.ts'

export class Owners<K> {
  readonly #rowOf: readonly Map<K, number>[]
  readonly #hash: (key: K) => number
  readonly #keys: (K | undefined)[] = []
  #first = new Int32Array(16)
  #last = new Int32Array(16)
  #dataCount = new Int32Array(16)
  #childCount = new Int32Array(16)
  /** Free rows are chained through `#first`. */
  #free = NONE
  #withData = 0

  /** `hash` need only tell most keys apart by its lowest bits. */
  constructor(hash: (key: K) => number) {
    this.#hash = hash
    this.#rowOf = Array.from({ length: MAPS }, () => new Map<K, number>())
  }

  /** The rows that own at least one registration of the data table. */
  get inDataTable(): number {
    return this.#withData
  }

  /** The row of a key; {@link NONE} where it has none. */
  find(key: K): number {
    return this.#mapOf(key).get(key) ?? NONE
  }

  /** The row of a key; a new, empty one where it has none. */
  intern(key: K): number {
    const map = this.#mapOf(key)
    const known = map.get(key)
    if (known !== undefined) return known
    const row = this.#newRow()
    map.set(key, row)
    this.#keys[row] = key
    this.#first[row] = NONE
    this.#last[row] = NONE
    this.#dataCount[row] = 0
    this.#childCount[row] = 0
    return row
  }

  release(row: number): void {
    const key = this.keyOf(row)
    this.#mapOf(key).delete(key)
    this.#keys[row] = undefined
    this.#first[row] = this.#free
    this.#free = row
  }

  keyOf(row: number): K {
    return this.#keys[row] as K
  }

  /** All keys with their rows, in no particular order. */
  *rows(): Iterable<readonly [K, number]> {
    for (const map of this.#rowOf) yield* map
  }

  firstOf(row: number): number {
    return this.#first[row]!
  }

  lastOf(row: number): number {
    return this.#last[row]!
  }

  setFirst(row: number, registration: number): void {
    this.#first[row] = registration
  }

  setLast(row: number, registration: number): void {
    this.#last[row] = registration
  }

  countOf(row: number): number {
    return this.#dataCount[row]! + this.#childCount[row]!
  }

  /** Adds to the counts of a row what it gained or lost in the data and in the child table. */
  addCounts(row: number, data: number, child: number): void {
    this.#childCount[row]! += child
    if (data === 0) return
    const before = this.#dataCount[row]!
    this.#dataCount[row] = before + data
    if (before === 0) this.#withData++
    else if (before + data === 0) this.#withData--
  }

  #mapOf(key: K): Map<K, number> {
    return this.#rowOf[this.#hash(key) & (MAPS - 1)]!
  }

  #newRow(): number {
    const row = this.#free
    if (row !== NONE) {
      this.#free = this.#first[row]!
      return row
    }
    const fresh = this.#keys.length
    if (fresh === this.#first.length) this.#grow()
    return fresh
  }

  #grow(): void {
    this.#first = grownColumn(this.#first)
    this.#last = grownColumn(this.#last)
    this.#dataCount = grownColumn(this.#dataCount)
    this.#childCount = grownColumn(this.#childCount)
  }
}

/** A power of two. */
const MAPS = 64
