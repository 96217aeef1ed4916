// What a transaction does to a state, and what of it can be seen by watches. It is told outcomes,
// not requests: whether a transaction should be there at all is decided in `model-decide.ts`.

import { must } from '../../base/assert.ts'
import { nameOf, parentPath } from '../../base/path.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { Acl } from '../../core/records/acl.ts'
import { EventType } from '../../core/records/watches.ts'
import {
  type ModelNode,
  type ModelState,
  CONTAINER_OWNER,
  digestOf,
  ephemeralsOf,
  ttlOwner,
} from './model-state.ts'

/** One change, as a transaction or a part of a multi states it. */
export type ModelChange =
  | {
      readonly kind: 'create'
      readonly path: string
      readonly data: Uint8Array | null
      readonly acl: readonly Acl[]
      readonly owner: 'none' | 'session' | 'container' | 'ttl'
      readonly ttlMs: number
    }
  | { readonly kind: 'delete'; readonly path: string }
  | { readonly kind: 'setData'; readonly path: string; readonly data: Uint8Array | null }
  | { readonly kind: 'setACL'; readonly path: string; readonly acl: readonly Acl[] }
  | { readonly kind: 'check'; readonly path: string }
  | { readonly kind: 'createSession'; readonly timeoutMs: number }
  | { readonly kind: 'closeSession'; readonly paths: readonly string[] }

/** An event as watches see it; `acl` is what the watcher needs READ in. */
export interface ModelEvent {
  readonly zxid: Zxid
  readonly type: EventType
  readonly path: string
  readonly acl: readonly Acl[]
}

export interface TxnFacts {
  readonly zxid: Zxid
  readonly session: bigint
  readonly timeMs: number
}

/** A state in the making. */
export class ModelDraft {
  readonly facts: TxnFacts
  readonly events: ModelEvent[] = []
  readonly #nodes: Map<string, ModelNode>
  readonly #sessions: Map<bigint, number>
  #digest: bigint

  constructor(state: ModelState, facts: TxnFacts) {
    this.facts = facts
    this.#nodes = new Map(state.nodes)
    this.#sessions = new Map(state.sessions)
    this.#digest = state.digest
  }

  /** The state so far; later changes do show in it. */
  get state(): ModelState {
    return {
      zxid: this.facts.zxid,
      nodes: this.#nodes,
      sessions: this.#sessions,
      digest: BigInt.asIntN(64, this.#digest),
    }
  }

  /** A copy to try something on. */
  trial(): ModelDraft {
    return new ModelDraft(this.state, this.facts)
  }

  apply(change: ModelChange): void {
    switch (change.kind) {
      case 'create':
        this.#create(change)
        break
      case 'delete':
        this.#delete(change.path)
        break
      case 'setData':
        this.#setData(change.path, change.data)
        break
      case 'setACL': {
        const node = this.#node(change.path)
        this.#put(change.path, { ...node, acl: change.acl, aversion: (node.aversion + 1) | 0 })
        break
      }
      case 'check':
        break
      case 'createSession':
        this.#sessions.set(this.facts.session, change.timeoutMs)
        break
      case 'closeSession':
        for (const path of change.paths) this.#delete(path)
        for (const path of ephemeralsOf(this.state, this.facts.session)) this.#delete(path)
        this.#sessions.delete(this.facts.session)
        break
    }
  }

  #create(change: ModelChange & { kind: 'create' }): void {
    const { zxid, timeMs } = this.facts
    const { path } = change
    const parentAt = parentPath(path)
    const parent = this.#node(parentAt)
    this.#put(parentAt, {
      ...parent,
      creations: (parent.creations + 1) | 0,
      pzxid: zxid,
      children: new Set([...parent.children, nameOf(path)]),
    })
    this.#put(path, {
      data: change.data,
      acl: change.acl,
      czxid: zxid,
      mzxid: zxid,
      pzxid: zxid,
      ctime: timeMs,
      mtime: timeMs,
      version: 0,
      creations: 0,
      aversion: 0,
      owner: this.#ownerOf(change),
      children: new Set(),
    })
    this.#event(EventType.nodeCreated, path, change.acl)
    this.#event(EventType.nodeChildrenChanged, parentAt, parent.acl)
  }

  #ownerOf(change: ModelChange & { kind: 'create' }): bigint {
    switch (change.owner) {
      case 'session':
        return this.facts.session
      case 'container':
        return CONTAINER_OWNER
      case 'ttl':
        return ttlOwner(change.ttlMs)
      case 'none':
        return 0n
    }
  }

  #delete(path: string): void {
    const node = this.#node(path)
    const parentAt = parentPath(path)
    const parent = this.#node(parentAt)
    const children = new Set(parent.children)
    children.delete(nameOf(path))
    this.#put(parentAt, { ...parent, pzxid: this.facts.zxid, children })
    this.#digest -= digestOf(path, node)
    this.#nodes.delete(path)
    this.#event(EventType.nodeDeleted, path, node.acl)
    this.#event(EventType.nodeChildrenChanged, parentAt, parent.acl)
  }

  #setData(path: string, data: Uint8Array | null): void {
    const node = this.#node(path)
    const { zxid, timeMs } = this.facts
    const version = (node.version + 1) | 0
    this.#put(path, { ...node, data, version, mzxid: zxid, mtime: timeMs })
    this.#event(EventType.nodeDataChanged, path, node.acl)
  }

  #put(path: string, node: ModelNode): void {
    const before = this.#nodes.get(path)
    if (before !== undefined) this.#digest -= digestOf(path, before)
    this.#nodes.set(path, node)
    this.#digest += digestOf(path, node)
  }

  #event(type: EventType, path: string, acl: readonly Acl[]): void {
    this.events.push({ zxid: this.facts.zxid, type, path, acl })
  }

  #node(path: string): ModelNode {
    return must(this.#nodes.get(path), () => `the model has no ${path}`)
  }
}
