// The table of access lists: found by their bytes, held under a number, forgotten with their last
// node. It knows which permissions a list gives to everybody, because nearly every request asks
// only that; who else a list admits is decided elsewhere.

import { copyOf } from '../../base/text.ts'
import { JuteReader } from '../jute/reader.ts'
import { JuteWriter } from '../jute/writer.ts'
import { type Acl, Perms, WORLD_ALL, aclList } from '../records/acl.ts'
import type { AclTable } from './acl-table.ts'
import { ACL_WORLD_ALL } from './data-tree.ts'

interface Entry {
  readonly aclId: number
  readonly bytes: Uint8Array
  readonly hash: number
  readonly list: readonly Acl[]
  readonly worldPerms: number
  references: number
  /** The next entry whose bytes have the same hash. */
  next: Entry | null
}

export class RefAclTable implements AclTable {
  readonly #byId = new Map<number, Entry>()
  readonly #byHash = new Map<number, Entry>()
  #nextId = 1

  intern(bytes: Uint8Array, start: number, end: number): number {
    if (isRange(WORLD_ALL_BYTES, bytes, start, end)) return ACL_WORLD_ALL
    const hash = hashOf(bytes, start, end)
    for (let entry = this.#byHash.get(hash) ?? null; entry !== null; entry = entry.next) {
      if (isRange(entry.bytes, bytes, start, end)) return entry.aclId
    }
    const list = aclList.read(new JuteReader(bytes, start, end))
    // An absent list stands for the open one, as in ZooKeeper 3.9 `ReferenceCountedACLCache`.
    if (list === null) return ACL_WORLD_ALL
    return this.#add(this.#nextId++, copyOf(bytes, start, end), list)
  }

  internList(list: readonly Acl[]): number {
    const bytes = encode(list)
    return this.intern(bytes, 0, bytes.length)
  }

  list(aclId: number): readonly Acl[] | undefined {
    return aclId === ACL_WORLD_ALL ? WORLD_ALL : this.#byId.get(aclId)?.list
  }

  /** An unknown number has the bytes of an empty list: nobody may do anything. */
  bytes(aclId: number): Uint8Array {
    if (aclId === ACL_WORLD_ALL) return WORLD_ALL_BYTES
    return this.#byId.get(aclId)?.bytes ?? EMPTY_LIST_BYTES
  }

  worldPerms(aclId: number): number {
    if (aclId === ACL_WORLD_ALL) return Perms.all
    return this.#byId.get(aclId)?.worldPerms ?? 0
  }

  retain(aclId: number): void {
    if (aclId === ACL_WORLD_ALL) return
    const entry = this.#byId.get(aclId)
    if (entry === undefined) {
      // A fuzzy snapshot may name a list that it does not carry. The number stays without a list:
      // were it given to a new one, the node would silently get that.
      this.#nextId = Math.max(this.#nextId, aclId + 1)
      return
    }
    entry.references++
  }

  release(aclId: number): void {
    if (aclId === ACL_WORLD_ALL) return
    const entry = this.#byId.get(aclId)
    if (entry === undefined) return
    entry.references--
    if (entry.references <= 0) this.#forget(entry)
  }

  /**
   * Where the number is in use already, its users keep their references and get the new list: the
   * nodes that every tree has are loaded anew after the table.
   */
  load(aclId: number, list: readonly Acl[]): void {
    if (aclId === ACL_WORLD_ALL) return
    const before = this.#byId.get(aclId)
    if (before !== undefined) this.#forget(before)
    this.#add(aclId, encode(list), list)
    this.#byId.get(aclId)!.references = before?.references ?? 0
    this.#nextId = Math.max(this.#nextId, aclId + 1)
  }

  dropUnused(): void {
    for (const entry of [...this.#byId.values()]) {
      if (entry.references <= 0) this.#forget(entry)
    }
  }

  *entries(): Generator<readonly [aclId: number, list: readonly Acl[]]> {
    for (const entry of this.#byId.values()) yield [entry.aclId, entry.list]
  }

  #add(aclId: number, bytes: Uint8Array, list: readonly Acl[]): number {
    const hash = hashOf(bytes, 0, bytes.length)
    const next = this.#byHash.get(hash) ?? null
    const worldPerms = worldPermsOf(list)
    const entry: Entry = { aclId, bytes, hash, list, worldPerms, references: 0, next }
    this.#byId.set(aclId, entry)
    this.#byHash.set(hash, entry)
    return aclId
  }

  #forget(entry: Entry): void {
    this.#byId.delete(entry.aclId)
    const first = this.#byHash.get(entry.hash) ?? null
    if (first !== entry) {
      let before = first
      while (before !== null && before.next !== entry) before = before.next
      if (before !== null) before.next = entry.next
    } else if (entry.next === null) {
      this.#byHash.delete(entry.hash)
    } else {
      this.#byHash.set(entry.hash, entry.next)
    }
  }
}

const WORLD_ALL_BYTES = encode(WORLD_ALL)
const EMPTY_LIST_BYTES = encode([])

function encode(list: readonly Acl[]): Uint8Array {
  const writer = new JuteWriter(64)
  aclList.write(writer, list)
  return writer.copy()
}

function worldPermsOf(list: readonly Acl[]): number {
  let perms = 0
  for (const one of list) {
    if (one.id.scheme === 'world' && one.id.id === 'anyone') perms |= one.perms
  }
  return perms
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
  return hash
}

function isRange(whole: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== whole.length) return false
  for (let i = 0; i < whole.length; i++) if (whole[i] !== bytes[start + i]) return false
  return true
}
