// One row for each pair of a path and a watcher: the kinds of watch between them, as bits. A row
// is on two lists, its path's and its watcher's, both in the order in which the pairs came, and in
// a hash table that finds a pair. It refuses to know what the kinds mean.
//
//   path row     first ─► row ◄─► row ◄─► row ◄─ last          watcher row likewise
//   hash bucket        ─► row  ─► row

import { assert } from '../../base/assert.ts'
import { NONE, grownColumn } from './columns.ts'
import type { Owners } from './owners.ts'

export class Registrations {
  readonly #paths: Owners<string>
  readonly #watchers: Owners<number>
  #pathRow = new Int32Array(CAPACITY)
  #watcherRow = new Int32Array(CAPACITY)
  #kinds = new Int32Array(CAPACITY)
  #nextOfPath = new Int32Array(CAPACITY)
  #previousOfPath = new Int32Array(CAPACITY)
  #nextOfWatcher = new Int32Array(CAPACITY)
  #previousOfWatcher = new Int32Array(CAPACITY)
  #nextInBucket = new Int32Array(CAPACITY)
  /** As many buckets as rows. */
  #buckets = new Int32Array(CAPACITY).fill(NONE)
  #used = 0
  /** Free rows are chained through `#nextInBucket`. */
  #free = NONE

  constructor(paths: Owners<string>, watchers: Owners<number>) {
    this.#paths = paths
    this.#watchers = watchers
  }

  pathRowOf(row: number): number {
    return this.#pathRow[row]!
  }

  watcherRowOf(row: number): number {
    return this.#watcherRow[row]!
  }

  kindsOf(row: number): number {
    return this.#kinds[row]!
  }

  setKinds(row: number, kinds: number): void {
    this.#kinds[row] = kinds
  }

  nextOfPath(row: number): number {
    return this.#nextOfPath[row]!
  }

  nextOfWatcher(row: number): number {
    return this.#nextOfWatcher[row]!
  }

  find(pathRow: number, watcherRow: number): number {
    let row = this.#buckets[this.#bucketOf(pathRow, watcherRow)]!
    while (row !== NONE) {
      if (this.#pathRow[row] === pathRow && this.#watcherRow[row] === watcherRow) return row
      row = this.#nextInBucket[row]!
    }
    return NONE
  }

  /** Adds a pair, which must be new, without a kind, at the end of both lists. */
  insert(pathRow: number, watcherRow: number): number {
    const row = this.#newRow()
    this.#pathRow[row] = pathRow
    this.#watcherRow[row] = watcherRow
    this.#kinds[row] = 0
    this.#putInBucket(row)

    const lastOfPath = this.#paths.lastOf(pathRow)
    this.#previousOfPath[row] = lastOfPath
    this.#nextOfPath[row] = NONE
    if (lastOfPath === NONE) this.#paths.setFirst(pathRow, row)
    else this.#nextOfPath[lastOfPath] = row
    this.#paths.setLast(pathRow, row)

    const lastOfWatcher = this.#watchers.lastOf(watcherRow)
    this.#previousOfWatcher[row] = lastOfWatcher
    this.#nextOfWatcher[row] = NONE
    if (lastOfWatcher === NONE) this.#watchers.setFirst(watcherRow, row)
    else this.#nextOfWatcher[lastOfWatcher] = row
    this.#watchers.setLast(watcherRow, row)
    return row
  }

  /** Forgets a pair, and with it a path or a watcher that has no other. */
  delete(row: number): void {
    this.#takeFromBucket(row)
    this.#takeFromPath(row)
    this.#takeFromWatcher(row)
    this.#nextInBucket[row] = this.#free
    this.#free = row
  }

  #takeFromPath(row: number): void {
    const pathRow = this.#pathRow[row]!
    const previous = this.#previousOfPath[row]!
    const next = this.#nextOfPath[row]!
    if (previous === NONE) this.#paths.setFirst(pathRow, next)
    else this.#nextOfPath[previous] = next
    if (next === NONE) this.#paths.setLast(pathRow, previous)
    else this.#previousOfPath[next] = previous
    if (previous === NONE && next === NONE) this.#paths.release(pathRow)
  }

  #takeFromWatcher(row: number): void {
    const watcherRow = this.#watcherRow[row]!
    const previous = this.#previousOfWatcher[row]!
    const next = this.#nextOfWatcher[row]!
    if (previous === NONE) this.#watchers.setFirst(watcherRow, next)
    else this.#nextOfWatcher[previous] = next
    if (next === NONE) this.#watchers.setLast(watcherRow, previous)
    else this.#previousOfWatcher[next] = previous
    if (previous === NONE && next === NONE) this.#watchers.release(watcherRow)
  }

  #bucketOf(pathRow: number, watcherRow: number): number {
    let hash = Math.imul(pathRow, 0x9e3779b1) ^ Math.imul(watcherRow, 0x85ebca77)
    hash ^= hash >>> 15
    return hash & (this.#buckets.length - 1)
  }

  #putInBucket(row: number): void {
    const bucket = this.#bucketOf(this.#pathRow[row]!, this.#watcherRow[row]!)
    this.#nextInBucket[row] = this.#buckets[bucket]!
    this.#buckets[bucket] = row
  }

  #takeFromBucket(row: number): void {
    const bucket = this.#bucketOf(this.#pathRow[row]!, this.#watcherRow[row]!)
    let at = this.#buckets[bucket]!
    if (at === row) {
      this.#buckets[bucket] = this.#nextInBucket[row]!
      return
    }
    while (this.#nextInBucket[at] !== row) {
      at = this.#nextInBucket[at]!
      assert(at !== NONE, () => `registration ${row} is not in its bucket`)
    }
    this.#nextInBucket[at] = this.#nextInBucket[row]!
  }

  #newRow(): number {
    const row = this.#free
    if (row !== NONE) {
      this.#free = this.#nextInBucket[row]!
      return row
    }
    if (this.#used === this.#kinds.length) this.#grow()
    return this.#used++
  }

  /** Called when every row is in use, so all of them go into the new buckets. */
  #grow(): void {
    this.#pathRow = grownColumn(this.#pathRow)
    this.#watcherRow = grownColumn(this.#watcherRow)
    this.#kinds = grownColumn(this.#kinds)
    this.#nextOfPath = grownColumn(this.#nextOfPath)
    this.#previousOfPath = grownColumn(this.#previousOfPath)
    this.#nextOfWatcher = grownColumn(this.#nextOfWatcher)
    this.#previousOfWatcher = grownColumn(this.#previousOfWatcher)
    this.#nextInBucket = grownColumn(this.#nextInBucket)
    this.#buckets = new Int32Array(this.#kinds.length).fill(NONE)
    for (let row = 0; row < this.#used; row++) this.#putInBucket(row)
  }
}

const CAPACITY = 64
