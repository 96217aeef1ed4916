// A walk over the tree that survives any change between two steps. While the tree stays as it is,
// a step is the next word of a list of children. After a change each list is entered anew behind
// the name that was given last, if its node is still the same one; a node removed and created
// again under its old name is another node, whose children nobody waits for.
//
// Who writes a snapshot passes the last zxid along: then a child that came after its parent was
// visited is passed over, since the parent's stat, as it was given out, does not count it. The
// replay of its creation would find the node there and leave the parent's stat as it is, so that a
// sequential name could be given out twice (ZOOKEEPER-3249 is of this kind).

import type { Zxid } from '../../base/zxid.ts'
import type { ChildCursor } from './child-cursor.ts'
import type { ChildLists } from './child-lists.ts'
import { NO_ROW, ROOT, type Row, type TreeWalk } from './data-tree.ts'
import type { NodeNames } from './node-names.ts'
import { CHILD_COUNT, CZXID, PARENT, type RowStore } from './row-store.ts'

export class ColumnWalk implements TreeWalk {
  readonly #rows: RowStore
  readonly #names: NodeNames
  readonly #children: ChildLists
  /** The nodes from the root down whose children are being visited. */
  readonly #levels: Level[] = []
  readonly #lastZxid: (() => Zxid) | null
  #hasBegun = false

  constructor(
    rows: RowStore,
    names: NodeNames,
    children: ChildLists,
    lastZxid: (() => Zxid) | null = null,
  ) {
    this.#rows = rows
    this.#names = names
    this.#children = children
    this.#lastZxid = lastZxid
  }

  next(): Row {
    if (!this.#hasBegun) {
      this.#hasBegun = true
      return this.#enter(ROOT)
    }
    for (;;) {
      const level = this.#levels.at(-1)
      if (level === undefined) return NO_ROW
      const child = this.#nextChild(level)
      if (child !== NO_ROW) return this.#enter(child)
      this.#levels.pop()
    }
  }

  #enter(row: Row): Row {
    if (this.#rows.get(row, CHILD_COUNT) > 0) {
      const cursor = this.#children.all(row)
      const czxid = this.#rows.long(row, CZXID)
      const newest = this.#lastZxid?.() ?? Number.POSITIVE_INFINITY
      this.#levels.push(new Level(row, czxid, newest, cursor, this.#children.changes))
    }
    return row
  }

  #nextChild(level: Level): Row {
    if (level.changes !== this.#children.changes) {
      if (!this.#isStillThere(level)) return NO_ROW
      level.changes = this.#children.changes
      level.cursor =
        level.lastLength < 0
          ? this.#children.all(level.row)
          : this.#children.after(level.row, level.lastName, 0, level.lastLength)
    }
    let child = level.cursor.next()
    while (child !== NO_ROW && this.#rows.long(child, CZXID) > level.newest) {
      child = level.cursor.next()
    }
    if (child !== NO_ROW) {
      const length = this.#names.byteLength(child)
      level.remember(this.#names.bytesOf(child), this.#names.offsetOf(child), length)
    }
    return child
  }

  /** The top level only: where a node is gone, so are those that were below it. */
  #isStillThere(level: Level): boolean {
    const { row } = level
    const above = this.#levels.at(-2)
    if (above === undefined) return true
    if (!this.#rows.isLive(row) || this.#rows.long(row, CZXID) !== level.czxid) return false
    if (this.#rows.get(row, PARENT) !== above.row) return false
    return this.#names.compare(row, above.lastName, 0, above.lastLength) === 0
  }
}

class Level {
  readonly row: Row
  readonly czxid: number
  /** The last zxid when the node was visited: a child with a higher one came after that. */
  readonly newest: number
  cursor: ChildCursor
  /** The count of changes up to which the cursor is good. */
  changes: number
  lastName: Uint8Array = new Uint8Array(32)
  /** -1 before the first child. */
  lastLength = -1

  constructor(row: Row, czxid: number, newest: number, cursor: ChildCursor, changes: number) {
    this.row = row
    this.czxid = czxid
    this.newest = newest
    this.cursor = cursor
    this.changes = changes
  }

  remember(bytes: Uint8Array, start: number, length: number): void {
    if (length > this.lastName.length) this.lastName = new Uint8Array(length * 2)
    for (let i = 0; i < length; i++) this.lastName[i] = bytes[start + i]!
    this.lastLength = length
  }
}
