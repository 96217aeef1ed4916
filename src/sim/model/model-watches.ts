// The watches of one connection, as four sets of paths, and which of them an event reaches.

import { parentPath } from '../../base/path.ts'
import { EventType, WatcherType } from '../../core/records/watches.ts'
import type { SetWatchesBody } from './model-request.ts'
import { type ModelState, nodeAt } from './model-state.ts'

export class ModelWatches {
  readonly data = new Set<string>()
  readonly child = new Set<string>()
  readonly persistent = new Set<string>()
  readonly recursive = new Set<string>()

  get isEmpty(): boolean {
    return this.data.size + this.child.size + this.persistent.size + this.recursive.size === 0
  }

  /** Whether the event reaches this connection; uses up the watches that are good for one event. */
  take(type: EventType, path: string): boolean {
    if (type === EventType.nodeChildrenChanged) {
      const wasChild = this.child.delete(path)
      return this.persistent.has(path) || wasChild
    }
    const wasData = this.data.delete(path)
    const wasChild = type === EventType.nodeDeleted && this.child.delete(path)
    return wasData || wasChild || this.persistent.has(path) || this.#coversRecursively(path)
  }

  /** Registrations of a kind on a path; with `remove`, they are gone afterwards. */
  match(path: string, type: number, remove: boolean): boolean {
    const sets: Set<string>[] = []
    if (type === WatcherType.children || type === WatcherType.any) sets.push(this.child)
    if (type === WatcherType.data || type === WatcherType.any) sets.push(this.data)
    if (type === WatcherType.persistent || type === WatcherType.any) sets.push(this.persistent)
    if (type === WatcherType.persistentRecursive || type === WatcherType.any) {
      sets.push(this.recursive)
    }
    const found = sets.some((set) => set.has(path))
    if (remove) for (const set of sets) set.delete(path)
    return found
  }

  /** Re-registers what a client brings along; returns the events that it has missed, in order. */
  restore(
    request: SetWatchesBody,
    state: ModelState,
  ): readonly { readonly type: EventType; readonly path: string }[] {
    const missed: { type: EventType; path: string }[] = []
    const since = Number(request.relativeZxid)
    for (const path of request.dataWatches ?? []) {
      const node = nodeAt(state, path ?? '')
      if (node === undefined) missed.push({ type: EventType.nodeDeleted, path: path ?? '' })
      else if (node.mzxid > since)
        missed.push({ type: EventType.nodeDataChanged, path: path ?? '' })
      else this.data.add(path ?? '')
    }
    for (const path of request.existWatches ?? []) {
      const node = nodeAt(state, path ?? '')
      if (node !== undefined) missed.push({ type: EventType.nodeCreated, path: path ?? '' })
      else this.data.add(path ?? '')
    }
    for (const path of request.childWatches ?? []) {
      const node = nodeAt(state, path ?? '')
      if (node === undefined) missed.push({ type: EventType.nodeDeleted, path: path ?? '' })
      else if (node.pzxid > since)
        missed.push({ type: EventType.nodeChildrenChanged, path: path ?? '' })
      else this.child.add(path ?? '')
    }
    for (const path of request.persistentWatches ?? []) this.persistent.add(path ?? '')
    for (const path of request.persistentRecursiveWatches ?? []) this.recursive.add(path ?? '')
    return missed
  }

  #coversRecursively(path: string): boolean {
    if (this.recursive.size === 0) return false
    for (let at = path; ; at = parentPath(at)) {
      if (this.recursive.has(at)) return true
      if (at === '/') return false
    }
  }
}
