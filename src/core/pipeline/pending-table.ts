// Nodes found by the bytes of their paths, and the nodes not in use at the moment: the overlay
// takes and gives back one for nearly every request, and leaves nothing for the collector.

import { hashByte, hashEnd, hashStart } from '../tree/name-hash.ts'
import { PendingNode } from './pending-node.ts'

export class PendingTable {
  readonly #seed: number
  #places: (PendingNode | null)[] = new Array<PendingNode | null>(PLACES_FIRST).fill(null)
  #count = 0
  readonly #idle: PendingNode[] = []

  /** `seed` is a number that nobody outside can foresee: it decides which paths share a place. */
  constructor(seed: number) {
    this.#seed = seed
  }

  get count(): number {
    return this.#count
  }

  hashOf(bytes: Uint8Array, start: number, end: number): number {
    let hash = hashStart(0, this.#seed)
    for (let i = start; i < end; i++) hash = hashByte(hash, bytes[i]!)
    return hashEnd(hash)
  }

  find(hash: number, bytes: Uint8Array, start: number, end: number): PendingNode | null {
    let node = this.#places[hash & (this.#places.length - 1)] as PendingNode | null
    while (node !== null && !node.hasPath(hash, bytes, start, end)) node = node.next
    return node
  }

  add(node: PendingNode): void {
    if (this.#count >= this.#places.length) this.#grow()
    const place = node.hash & (this.#places.length - 1)
    node.next = this.#places[place] as PendingNode | null
    this.#places[place] = node
    this.#count++
  }

  remove(node: PendingNode): void {
    const place = node.hash & (this.#places.length - 1)
    let at = this.#places[place] as PendingNode
    if (at === node) {
      this.#places[place] = node.next
    } else {
      while (at.next !== node) at = at.next as PendingNode
      at.next = node.next
    }
    node.next = null
    this.#count--
  }

  /** A node with whatever it held before. */
  take(): PendingNode {
    return this.#idle.pop() ?? new PendingNode()
  }

  /** Nobody looks at the node any more. */
  giveBack(node: PendingNode): void {
    if (this.#idle.length >= IDLE_MAX || node.pathBytes.length > PATH_BYTES_KEPT) return
    this.#idle.push(node)
  }

  #grow(): void {
    const old = this.#places
    this.#places = new Array<PendingNode | null>(old.length * 2).fill(null)
    this.#count = 0
    for (const first of old) {
      for (let node = first; node !== null; ) {
        const { next } = node
        this.add(node)
        node = next
      }
    }
  }
}

/** A power of two. */
const PLACES_FIRST = 256
const IDLE_MAX = 4_096
const PATH_BYTES_KEPT = 1_024
