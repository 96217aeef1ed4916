// Rows in the order in which they came. A few are kept in an array: most sessions own but a few
// nodes, and create and delete them again and again, for which a `Set` makes a new table each time.

import type { Row } from './data-tree.ts'

export class RowSet implements Iterable<Row> {
  #few: Row[] = []
  #many: Set<Row> | null = null

  get size(): number {
    return this.#many === null ? this.#few.length : this.#many.size
  }

  has(row: Row): boolean {
    return this.#many === null ? this.#few.includes(row) : this.#many.has(row)
  }

  /** Adds a row that is not there. */
  add(row: Row): void {
    if (this.#many !== null) {
      this.#many.add(row)
    } else if (this.#few.length < FEW_MAX) {
      this.#few.push(row)
    } else {
      this.#many = new Set(this.#few)
      this.#many.add(row)
      this.#few = []
    }
  }

  /** False where it is not there. */
  delete(row: Row): boolean {
    const many = this.#many
    if (many === null) return this.#deleteFew(row)
    const isDeleted = many.delete(row)
    if (many.size === 0) this.#many = null
    return isDeleted
  }

  [Symbol.iterator](): Iterator<Row> {
    return (this.#many ?? this.#few)[Symbol.iterator]()
  }

  #deleteFew(row: Row): boolean {
    const few = this.#few
    const place = few.indexOf(row)
    if (place < 0) return false
    for (let i = place + 1; i < few.length; i++) few[i - 1] = few[i]!
    few.pop()
    return true
  }
}

const FEW_MAX = 16
