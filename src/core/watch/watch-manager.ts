// Who is told of a change: the watches of all connections, one-shot, persistent and recursive
// (ZooKeeper 3.9 `WatchManager`, where all kinds coexist on one path). It knows connections as
// numbers and nodes as paths; it refuses to know sessions, permissions and frames.
//
// ZooKeeper keeps two tables, and counts by them: data and exist watches stand in the data table,
// child watches in the child table, persistent ones in both, recursive ones in the data table.

import { assert } from '../../base/assert.ts'
import { NONE } from './columns.ts'
import { Owners } from './owners.ts'
import { Registrations } from './registrations.ts'

/** A connection, by number. */
export type Watcher = number

/** What was registered. A data watch and an exist watch are the same thing to a server. */
export const WatchKind = { data: 0, child: 1, persistent: 2, recursive: 3 } as const

export type WatchKind = (typeof WatchKind)[keyof typeof WatchKind]

/** The numbers of `WatcherType` on the wire: children, data, any, persistent, recursive. */
export type WatcherTypeNumber = 1 | 2 | 3 | 4 | 5

export interface WatchSummary {
  readonly connections: number
  readonly paths: number
  readonly watches: number
}

export class WatchManager {
  readonly #paths = new Owners<string>(hashOfPath)
  readonly #watchers = new Owners<Watcher>((watcher) => watcher)
  readonly #registrations = new Registrations(this.#paths, this.#watchers)
  /** How many recursive watches stand on a path: what a change looks up for each ancestor. */
  readonly #recursive = new Map<string, number>()
  #dataCount = 0
  #childCount = 0
  /** The answer of the last trigger, kept between calls. */
  readonly #notified: Watcher[] = []
  /** The trigger in which a watcher was last notified, by row: how each is notified only once. */
  #notifiedIn = new Float64Array(16)
  #trigger = 0

  /** Registrations as ZooKeeper counts them: the data table and the child table together. */
  get count(): number {
    return this.#dataCount + this.#childCount
  }

  get isEmpty(): boolean {
    return this.#dataCount + this.#childCount === 0
  }

  /** Registers a watch; false when it was there already. */
  add(watcher: Watcher, path: string, kind: WatchKind): boolean {
    const bit = 1 << kind
    const pathRow = this.#paths.intern(path)
    const watcherRow = this.#watchers.intern(watcher)
    let row = this.#registrations.find(pathRow, watcherRow)
    if (row === NONE) row = this.#registrations.insert(pathRow, watcherRow)
    const kinds = this.#registrations.kindsOf(row)
    if ((kinds & bit) !== 0) return false
    this.#setKinds(row, kinds, kinds | bit)
    return true
  }

  /** Takes away what `type` matches (all kinds for 3); false when nothing did. */
  remove(watcher: Watcher, path: string, type: WatcherTypeNumber): boolean {
    const row = this.#find(watcher, path)
    if (row === NONE) return false
    const kinds = this.#registrations.kindsOf(row)
    const left = kinds & ~KINDS_OF_TYPE[type]
    if (left === kinds) return false
    this.#setKinds(row, kinds, left)
    return true
  }

  has(watcher: Watcher, path: string, type: WatcherTypeNumber): boolean {
    const row = this.#find(watcher, path)
    return row !== NONE && (this.#registrations.kindsOf(row) & KINDS_OF_TYPE[type]) !== 0
  }

  /** Forgets a connection; the cost is proportional to its own watches. */
  removeWatcher(watcher: Watcher): void {
    const watcherRow = this.#watchers.find(watcher)
    if (watcherRow === NONE) return
    let row = this.#watchers.firstOf(watcherRow)
    while (row !== NONE) {
      const next = this.#registrations.nextOfWatcher(row)
      this.#setKinds(row, this.#registrations.kindsOf(row), 0)
      row = next
    }
  }

  /** The share of one connection in {@link count}. */
  countOf(watcher: Watcher): number {
    const row = this.#watchers.find(watcher)
    return row === NONE ? 0 : this.#watchers.countOf(row)
  }

  // Each trigger consumes the one-shot watches it finds and returns the watchers to notify, each
  // once: those on the path itself in the order in which they came to it, then the recursive ones
  // of its ancestors, the nearest first. The array is valid until the next trigger.

  /** NodeCreated. */
  onCreated(path: string): readonly Watcher[] {
    return this.#fire(path, DATA | PERSISTENT | RECURSIVE, DATA, true)
  }

  /** NodeDeleted: one event for a watcher, however many of its watches it ends. */
  onDeleted(path: string): readonly Watcher[] {
    return this.#fire(path, ALL_KINDS, DATA | CHILD, true)
  }

  /** NodeDataChanged. */
  onDataChanged(path: string): readonly Watcher[] {
    return this.#fire(path, DATA | PERSISTENT | RECURSIVE, DATA, true)
  }

  /** NodeChildrenChanged, which recursive watches never receive. */
  onChildrenChanged(path: string): readonly Watcher[] {
    return this.#fire(path, CHILD | PERSISTENT, CHILD, false)
  }

  /** What the `wchs` word prints; like that word it covers the data table only. */
  summary(): WatchSummary {
    return {
      connections: this.#watchers.inDataTable,
      paths: this.#paths.inDataTable,
      watches: this.#dataCount,
    }
  }

  /** What the `wchp` word prints: the data table by path. */
  *byPath(): Iterable<readonly [string, readonly Watcher[]]> {
    const registrations = this.#registrations
    for (const [path, pathRow] of this.#paths.rows()) {
      const watchers: Watcher[] = []
      let row = this.#paths.firstOf(pathRow)
      for (; row !== NONE; row = registrations.nextOfPath(row)) {
        if (isInDataTable(registrations.kindsOf(row))) {
          watchers.push(this.#watchers.keyOf(registrations.watcherRowOf(row)))
        }
      }
      if (watchers.length > 0) yield [path, watchers]
    }
  }

  /** What the `wchc` word prints: the data table by connection. */
  *byWatcher(): Iterable<readonly [Watcher, readonly string[]]> {
    const registrations = this.#registrations
    for (const [watcher, watcherRow] of this.#watchers.rows()) {
      const paths: string[] = []
      let row = this.#watchers.firstOf(watcherRow)
      for (; row !== NONE; row = registrations.nextOfWatcher(row)) {
        if (isInDataTable(registrations.kindsOf(row))) {
          paths.push(this.#paths.keyOf(registrations.pathRowOf(row)))
        }
      }
      if (paths.length > 0) yield [watcher, paths]
    }
  }

  #find(watcher: Watcher, path: string): number {
    const pathRow = this.#paths.find(path)
    if (pathRow === NONE) return NONE
    const watcherRow = this.#watchers.find(watcher)
    return watcherRow === NONE ? NONE : this.#registrations.find(pathRow, watcherRow)
  }

  #fire(path: string, matching: number, consumed: number, upwards: boolean): readonly Watcher[] {
    const notified = this.#notified
    if (notified.length > 0) notified.length = 0
    if (this.isEmpty) return notified
    this.#trigger++
    const pathRow = this.#paths.find(path)
    if (pathRow !== NONE) this.#fireOn(pathRow, matching, consumed)
    if (upwards && this.#recursive.size > 0) this.#fireAbove(path)
    return notified
  }

  #fireOn(pathRow: number, matching: number, consumed: number): void {
    const registrations = this.#registrations
    let row = this.#paths.firstOf(pathRow)
    while (row !== NONE) {
      // Consuming may free the row, so its successor is read first.
      const next = registrations.nextOfPath(row)
      const kinds = registrations.kindsOf(row)
      if ((kinds & matching) !== 0) {
        this.#notify(registrations.watcherRowOf(row))
        if ((kinds & consumed) !== 0) this.#setKinds(row, kinds, kinds & ~consumed)
      }
      row = next
    }
  }

  #fireAbove(path: string): void {
    if (path.length <= 1) return
    for (let slash = path.lastIndexOf('/'); slash >= 0; slash = path.lastIndexOf('/', slash - 1)) {
      const ancestor = slash === 0 ? '/' : path.slice(0, slash)
      if (this.#recursive.has(ancestor)) this.#fireOn(this.#paths.find(ancestor), RECURSIVE, 0)
      if (slash === 0) return
    }
  }

  #notify(watcherRow: number): void {
    if (watcherRow >= this.#notifiedIn.length) this.#growNotifiedIn(watcherRow)
    if (this.#notifiedIn[watcherRow] === this.#trigger) return
    this.#notifiedIn[watcherRow] = this.#trigger
    this.#notified.push(this.#watchers.keyOf(watcherRow))
  }

  #growNotifiedIn(watcherRow: number): void {
    const grown = new Float64Array(Math.max(watcherRow + 1, this.#notifiedIn.length * 2))
    grown.set(this.#notifiedIn)
    this.#notifiedIn = grown
  }

  /** The one place where a registration changes, so the one place that counts. */
  #setKinds(row: number, from: number, to: number): void {
    const registrations = this.#registrations
    const pathRow = registrations.pathRowOf(row)
    const data = Number(isInDataTable(to)) - Number(isInDataTable(from))
    const child = Number(isInChildTable(to)) - Number(isInChildTable(from))
    this.#dataCount += data
    this.#childCount += child
    this.#paths.addCounts(pathRow, data, child)
    this.#watchers.addCounts(registrations.watcherRowOf(row), data, child)
    if (((from ^ to) & RECURSIVE) !== 0) {
      this.#countRecursive(this.#paths.keyOf(pathRow), (to & RECURSIVE) !== 0 ? 1 : -1)
    }
    if (to === 0) registrations.delete(row)
    else registrations.setKinds(row, to)
  }

  #countRecursive(path: string, change: 1 | -1): void {
    const count = (this.#recursive.get(path) ?? 0) + change
    assert(count >= 0, () => `${count} recursive watches on ${path}`)
    if (count === 0) this.#recursive.delete(path)
    else this.#recursive.set(path, count)
  }
}

const DATA = 1 << WatchKind.data
const CHILD = 1 << WatchKind.child
const PERSISTENT = 1 << WatchKind.persistent
const RECURSIVE = 1 << WatchKind.recursive
const ALL_KINDS = DATA | CHILD | PERSISTENT | RECURSIVE

const isInDataTable = (kinds: number): boolean => (kinds & (DATA | PERSISTENT | RECURSIVE)) !== 0
const isInChildTable = (kinds: number): boolean => (kinds & (CHILD | PERSISTENT)) !== 0

const KINDS_OF_TYPE: Readonly<Record<WatcherTypeNumber, number>> = {
  1: CHILD,
  2: DATA,
  3: ALL_KINDS,
  4: PERSISTENT,
  5: RECURSIVE,
}

/** Paths that are many at a time differ in length or, being numbered, in their last characters. */
function hashOfPath(path: string): number {
  const length = path.length
  if (length < 3) return length
  return (
    length +
    7 * path.charCodeAt(length - 1) +
    13 * path.charCodeAt(length - 2) +
    29 * path.charCodeAt(length - 3)
  )
}
