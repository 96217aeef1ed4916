// What this client watches, as the server knows it: it answers which watchers an event concerns,
// what must be set again after a reconnect, and when nobody is left who wants a watch. Many
// watchers of one path are one watch on the server. It knows paths of the server only, and sends
// nothing itself.

import { parentPath } from '../../base/path.ts'
import { ErrorCode } from '../records/errors.ts'
import { EventType, WatcherType } from '../records/watches.ts'

/**
 * `data`, `exists` and `children` fire once; `persistent` sees its node and changes of the names
 * of its children, `recursive` sees the node and everything below it but no lists of children.
 */
export type WatchKind = 'data' | 'exists' | 'children' | 'persistent' | 'recursive'

/** One interest in one path. It belongs to one machine and is used once. */
export class Watcher<Tag> {
  readonly watch: WatchKind
  readonly path: string
  readonly tag: Tag
  state: 'new' | 'asked' | 'armed' | 'gone' = 'new'

  constructor(watch: WatchKind, path: string, tag: Tag) {
    this.watch = watch
    this.path = path
    this.tag = tag
  }
}

/** A removal to be sent: nobody wants that watch any more. */
export interface WatchRemoval {
  readonly path: string
  readonly type: number
}

/** Paths of one setWatches request. */
export interface WatchBatch {
  readonly data: string[]
  readonly exist: string[]
  readonly child: string[]
  readonly persistent: string[]
  readonly recursive: string[]
}

type ByPath<Tag> = Map<string, Set<Watcher<Tag>>>

export class WatchRegistry<Tag> {
  readonly #data: ByPath<Tag> = new Map()
  readonly #exist: ByPath<Tag> = new Map()
  readonly #child: ByPath<Tag> = new Map()
  readonly #persistent: ByPath<Tag> = new Map()
  readonly #recursive: ByPath<Tag> = new Map()
  /** Requests under way that will leave a watch behind, by kind and path. */
  readonly #asked = new Map<string, number>()

  get size(): number {
    let size = 0
    for (const map of this.#maps()) size += map.size
    return size
  }

  /** A request that carries this watcher has been accepted for sending. */
  ask(watcher: Watcher<Tag>): void {
    watcher.state = watcher.state === 'gone' ? 'gone' : 'asked'
    const key = keyOf(watcher)
    this.#asked.set(key, (this.#asked.get(key) ?? 0) + 1)
  }

  /**
   * The request has been answered with `error`, or will never be (null). Returns what must be
   * removed on the server, where the watcher was dropped in the meantime.
   */
  answered(watcher: Watcher<Tag>, error: number | null): WatchRemoval | null {
    const key = keyOf(watcher)
    const asked = (this.#asked.get(key) ?? 1) - 1
    if (asked === 0) this.#asked.delete(key)
    else this.#asked.set(key, asked)
    const map = error === null ? null : this.#mapFor(watcher.watch, error)
    if (map === null) {
      watcher.state = 'gone'
      return null
    }
    if (watcher.state === 'gone') return this.#removalIfUnused(watcher)
    watcher.state = 'armed'
    const armed = map.get(watcher.path)
    if (armed === undefined) map.set(watcher.path, new Set([watcher]))
    else armed.add(watcher)
    return null
  }

  /** The watcher is not wanted any more. Returns what must be removed on the server, if anything. */
  drop(watcher: Watcher<Tag>): WatchRemoval | null {
    const wasArmed = watcher.state === 'armed'
    watcher.state = 'gone'
    if (!wasArmed) return null
    for (const map of this.#maps()) {
      const armed = map.get(watcher.path)
      if (armed?.delete(watcher) === true && armed.size === 0) map.delete(watcher.path)
    }
    return this.#removalIfUnused(watcher)
  }

  /** The watchers that an event concerns; those that fire once are gone with it. */
  fire(type: number, path: string): Watcher<Tag>[] {
    const hit: Watcher<Tag>[] = []
    switch (type) {
      case EventType.nodeCreated:
      case EventType.nodeDataChanged:
        take(this.#data, path, hit)
        take(this.#exist, path, hit)
        break
      case EventType.nodeDeleted:
        take(this.#data, path, hit)
        take(this.#exist, path, hit)
        take(this.#child, path, hit)
        break
      case EventType.nodeChildrenChanged:
        take(this.#child, path, hit)
        break
      default:
        return hit
    }
    for (const watcher of this.#persistent.get(path) ?? []) hit.push(watcher)
    if (type !== EventType.nodeChildrenChanged && this.#recursive.size > 0) {
      for (let at = path; ; at = parentPath(at)) {
        for (const watcher of this.#recursive.get(at) ?? []) hit.push(watcher)
        if (at === '/' || at === '') break
      }
    }
    return hit
  }

  /** Everything armed, in batches whose paths have about `bytesMax` characters together. */
  batches(bytesMax: number): WatchBatch[] {
    const batches: WatchBatch[] = []
    let batch = emptyBatch()
    let bytes = 0
    const add = (paths: Iterable<string>, listOf: (batch: WatchBatch) => string[]): void => {
      for (const path of paths) {
        if (bytes === 0) batches.push(batch)
        listOf(batch).push(path)
        bytes += path.length
        if (bytes >= bytesMax) {
          batch = emptyBatch()
          bytes = 0
        }
      }
    }
    add(this.#data.keys(), (into) => into.data)
    add(this.#exist.keys(), (into) => into.exist)
    add(this.#child.keys(), (into) => into.child)
    add(this.#persistent.keys(), (into) => into.persistent)
    add(this.#recursive.keys(), (into) => into.recursive)
    return batches
  }

  /** The persistent watchers of a batch: those that may have missed something. */
  *persistentOf(batch: WatchBatch): Generator<Watcher<Tag>> {
    for (const path of batch.persistent) yield* this.#persistent.get(path) ?? []
    for (const path of batch.recursive) yield* this.#recursive.get(path) ?? []
  }

  /** Every armed watcher. */
  *all(): Generator<Watcher<Tag>> {
    for (const map of this.#maps()) for (const watchers of map.values()) yield* watchers
  }

  clear(): void {
    for (const map of this.#maps()) map.clear()
    this.#asked.clear()
  }

  #maps(): readonly ByPath<Tag>[] {
    return [this.#data, this.#exist, this.#child, this.#persistent, this.#recursive]
  }

  /** Where an answer puts a watcher; null where the server kept no watch (client protocol, 15). */
  #mapFor(watch: WatchKind, error: number): ByPath<Tag> | null {
    const ok = error === ErrorCode.Ok
    switch (watch) {
      case 'data':
        return ok ? this.#data : null
      case 'exists':
        return ok ? this.#data : error === ErrorCode.NoNode ? this.#exist : null
      case 'children':
        return ok ? this.#child : null
      case 'persistent':
        return ok || error === ErrorCode.NoNode ? this.#persistent : null
      case 'recursive':
        return ok || error === ErrorCode.NoNode ? this.#recursive : null
    }
  }

  #removalIfUnused(watcher: Watcher<Tag>): WatchRemoval | null {
    const { path, watch } = watcher
    if (this.#asked.has(keyOf(watcher))) return null
    switch (watch) {
      case 'data':
      case 'exists':
        // The server does not tell the two apart.
        if (this.#data.has(path) || this.#exist.has(path)) return null
        return { path, type: WatcherType.data }
      case 'children':
        return this.#child.has(path) ? null : { path, type: WatcherType.children }
      case 'persistent':
        return this.#persistent.has(path) ? null : { path, type: WatcherType.persistent }
      case 'recursive':
        return this.#recursive.has(path) ? null : { path, type: WatcherType.persistentRecursive }
    }
  }
}

function keyOf({ watch, path }: { readonly watch: WatchKind; readonly path: string }): string {
  return `${watch === 'exists' ? 'data' : watch} ${path}`
}

function take<Tag>(map: ByPath<Tag>, path: string, into: Watcher<Tag>[]): void {
  const watchers = map.get(path)
  if (watchers === undefined) return
  map.delete(path)
  for (const watcher of watchers) {
    watcher.state = 'gone'
    into.push(watcher)
  }
}

const emptyBatch = (): WatchBatch => ({
  data: [],
  exist: [],
  child: [],
  persistent: [],
  recursive: [],
})
