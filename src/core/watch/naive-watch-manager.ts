// The slow and obvious twin of `WatchManager`: one list of pairs, searched from end to end. Tests
// and the simulator compare the two.

import { WatchKind, type Watcher, type WatcherTypeNumber } from './watch-manager.ts'

interface Pair {
  readonly watcher: Watcher
  readonly path: string
  readonly kinds: Set<WatchKind>
}

export class NaiveWatchManager {
  #pairs: Pair[] = []

  get count(): number {
    return sum(this.#pairs, tablesOf)
  }

  add(watcher: Watcher, path: string, kind: WatchKind): boolean {
    let pair = this.#pairs.find((one) => one.watcher === watcher && one.path === path)
    if (pair === undefined) {
      pair = { watcher, path, kinds: new Set() }
      this.#pairs.push(pair)
    }
    if (pair.kinds.has(kind)) return false
    pair.kinds.add(kind)
    return true
  }

  remove(watcher: Watcher, path: string, type: WatcherTypeNumber): boolean {
    if (!this.has(watcher, path, type)) return false
    for (const pair of this.#pairs) {
      if (pair.watcher !== watcher || pair.path !== path) continue
      for (const kind of kindsOfType(type)) pair.kinds.delete(kind)
    }
    this.#dropEmpty()
    return true
  }

  has(watcher: Watcher, path: string, type: WatcherTypeNumber): boolean {
    return this.#pairs.some(
      (pair) =>
        pair.watcher === watcher &&
        pair.path === path &&
        kindsOfType(type).some((kind) => pair.kinds.has(kind)),
    )
  }

  removeWatcher(watcher: Watcher): void {
    this.#pairs = this.#pairs.filter((pair) => pair.watcher !== watcher)
  }

  countOf(watcher: Watcher): number {
    return sum(
      this.#pairs.filter((pair) => pair.watcher === watcher),
      tablesOf,
    )
  }

  onCreated(path: string): readonly Watcher[] {
    return this.#fire(path, NODE_KINDS, [WatchKind.data], true)
  }

  onDeleted(path: string): readonly Watcher[] {
    const kinds = Object.values(WatchKind)
    return this.#fire(path, kinds, [WatchKind.data, WatchKind.child], true)
  }

  onDataChanged(path: string): readonly Watcher[] {
    return this.#fire(path, NODE_KINDS, [WatchKind.data], true)
  }

  onChildrenChanged(path: string): readonly Watcher[] {
    return this.#fire(path, [WatchKind.child, WatchKind.persistent], [WatchKind.child], false)
  }

  summary(): { connections: number; paths: number; watches: number } {
    const inData = this.#pairs.filter(isInDataTable)
    return {
      connections: new Set(inData.map((pair) => pair.watcher)).size,
      paths: new Set(inData.map((pair) => pair.path)).size,
      watches: inData.length,
    }
  }

  byPath(): readonly (readonly [string, readonly Watcher[]])[] {
    return grouped(
      this.#pairs.filter(isInDataTable).map((pair): [string, Watcher] => [pair.path, pair.watcher]),
    )
  }

  byWatcher(): readonly (readonly [Watcher, readonly string[]])[] {
    return grouped(
      this.#pairs.filter(isInDataTable).map((pair): [Watcher, string] => [pair.watcher, pair.path]),
    )
  }

  #fire(
    path: string,
    matching: readonly WatchKind[],
    consumed: readonly WatchKind[],
    upwards: boolean,
  ): readonly Watcher[] {
    const notified = new Set<Watcher>()
    for (const pair of this.#pairs) {
      if (pair.path !== path || !matching.some((kind) => pair.kinds.has(kind))) continue
      notified.add(pair.watcher)
      for (const kind of consumed) pair.kinds.delete(kind)
    }
    for (const ancestor of upwards ? ancestorsOf(path) : []) {
      for (const pair of this.#pairs) {
        if (pair.path === ancestor && pair.kinds.has(WatchKind.recursive)) {
          notified.add(pair.watcher)
        }
      }
    }
    this.#dropEmpty()
    return [...notified]
  }

  #dropEmpty(): void {
    this.#pairs = this.#pairs.filter((pair) => pair.kinds.size > 0)
  }
}

/** The kinds that an event of the node itself reaches. */
const NODE_KINDS: readonly WatchKind[] = [WatchKind.data, WatchKind.persistent, WatchKind.recursive]

const isInDataTable = (pair: Pair): boolean => NODE_KINDS.some((kind) => pair.kinds.has(kind))

const isInChildTable = (pair: Pair): boolean =>
  pair.kinds.has(WatchKind.child) || pair.kinds.has(WatchKind.persistent)

const tablesOf = (pair: Pair): number => Number(isInDataTable(pair)) + Number(isInChildTable(pair))

function kindsOfType(type: WatcherTypeNumber): readonly WatchKind[] {
  switch (type) {
    case 1:
      return [WatchKind.child]
    case 2:
      return [WatchKind.data]
    case 3:
      return Object.values(WatchKind)
    case 4:
      return [WatchKind.persistent]
    case 5:
      return [WatchKind.recursive]
  }
}

/** The paths above `path`, the nearest first, `/` the last. */
function ancestorsOf(path: string): string[] {
  if (path === '/' || !path.startsWith('/')) return []
  const names = path.slice(1).split('/')
  const ancestors: string[] = []
  for (let count = names.length - 1; count >= 0; count--) {
    ancestors.push(`/${names.slice(0, count).join('/')}`)
  }
  return ancestors
}

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0)

function grouped<K, V>(pairs: readonly [K, V][]): [K, V[]][] {
  const groups = new Map<K, V[]>()
  for (const [key, value] of pairs) groups.set(key, [...(groups.get(key) ?? []), value])
  return [...groups]
}
