// The overlay: nodes as they will be once everything that has been proposed is applied. Requests
// are checked against it, so that a write need not wait for those before it (ZooKeeper 3.9
// `PrepRequestProcessor`, outstanding changes). A node leaves the overlay when the tree has caught
// up with its last change. It also carries the digest that the tree will have.

import { assert } from '../../base/assert.ts'
import { Ring } from '../../base/ring.ts'
import { encodeUtf8 } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import { type DataTree, NO_ROW, type Row } from '../tree/data-tree.ts'
import { NO_ACL, type PendingNode } from './pending-node.ts'
import { PendingTable } from './pending-table.ts'

export class PendingChanges {
  readonly #tree: DataTree
  readonly #table: PendingTable
  /** Every change that is not applied yet, once a node and proposal. */
  readonly #log = new Ring<PendingNode>()
  readonly #logZxids = new Ring<Zxid>()
  #digestHigh = 0
  #digestLow = 0
  /** Nodes that the present request looks at without having changed them, as far as it goes. */
  readonly #seen: PendingNode[] = []
  /** How many of them; setting the length of an array to 0 would throw its memory away each time. */
  #seenCount = 0
  /** What the proposal under way has changed, and how it was, so that a failed multi can be undone. */
  readonly #changed: PendingNode[] = []
  readonly #before: PendingNode[] = []
  #changedCount = 0
  #undoing = false

  constructor(tree: DataTree) {
    this.#tree = tree
    this.#table = new PendingTable(tree.hashSeed)
  }

  get size(): number {
    return this.#table.count
  }

  get digestHigh(): number {
    return this.size === 0 ? this.#tree.digestHigh : this.#digestHigh
  }

  get digestLow(): number {
    return this.size === 0 ? this.#tree.digestLow : this.#digestLow
  }

  /** A request begins: nodes found for the one before, and not changed, are used anew. */
  beginRequest(): void {
    for (let i = 0; i < this.#seenCount; i++) {
      const node = this.#seen[i]!
      if (node.changedBy === 0) this.#table.giveBack(node)
    }
    this.#seenCount = 0
  }

  /**
   * The node at a path given as bytes: pending, or as in the tree; null where there is none. The
   * result is good until the next request, and may be a loose copy: pass it to {@link change}
   * before changing it.
   */
  find(bytes: Uint8Array, start: number, end: number): PendingNode | null {
    // "" and "/" are one node, under one key.
    const to = end === start + 1 && bytes[start] === SLASH ? start : end
    const hash = this.#table.hashOf(bytes, start, to)
    const pending = this.#table.find(hash, bytes, start, to)
    if (pending !== null) return pending.exists ? pending : null
    return this.#look(this.#tree.lookup(bytes, start, to), hash, bytes, start, to)
  }

  /** The same for a child of a node that was found: its name begins at `nameStart`. */
  findChild(
    parent: PendingNode,
    bytes: Uint8Array,
    start: number,
    nameStart: number,
    end: number,
  ): PendingNode | null {
    if (nameStart === end) return this.find(bytes, start, end)
    const hash = this.#table.hashOf(bytes, start, end)
    const pending = this.#table.find(hash, bytes, start, end)
    if (pending !== null) return pending.exists ? pending : null
    const row =
      parent.row === NO_ROW || parent.pathLength !== nameStart - 1 - start
        ? this.#tree.lookup(bytes, start, end)
        : this.#tree.child(parent.row, bytes, nameStart, end)
    return this.#look(row, hash, bytes, start, end)
  }

  findText(path: string): PendingNode | null {
    const bytes = encodeUtf8(path)
    return this.find(bytes, 0, bytes.length)
  }

  /** Makes a node part of the overlay on behalf of `zxid`; afterwards the caller may change it, and settles. */
  change(node: PendingNode, zxid: Zxid): void {
    if (this.size === 0) this.#adoptDigest()
    if (this.#undoing) this.#remember(node)
    if (node.changedBy === zxid) return
    if (node.changedBy === 0) this.#table.add(node)
    node.changedBy = zxid
    this.#note(node, zxid)
  }

  /**
   * Begins a node that is not there, or not any more; the caller fills it in and settles. Until
   * then its fields are those of some other node.
   */
  add(bytes: Uint8Array, start: number, end: number, zxid: Zxid): PendingNode {
    const hash = this.#table.hashOf(bytes, start, end)
    const former = this.#table.find(hash, bytes, start, end)
    if (former !== null) {
      this.change(former, zxid)
      former.row = NO_ROW
      return former
    }
    if (this.size === 0) this.#adoptDigest()
    const node = this.#table.take()
    node.setPath(hash, bytes, start, end)
    node.exists = false
    node.row = NO_ROW
    node.digest = 0
    node.aclId = NO_ACL
    node.heldAcl = NO_ACL
    node.changedBy = zxid
    if (this.#undoing) this.#remember(node)
    this.#table.add(node)
    this.#note(node, zxid)
    return node
  }

  /** Brings the digest, and the reference on the access list, up to date after a change. */
  settle(node: PendingNode): void {
    if (node.aclId !== node.heldAcl) {
      if (node.aclId !== NO_ACL) this.#tree.acls.retain(node.aclId)
      this.#releaseAcl(node)
      node.heldAcl = node.aclId
    }
    const digest = node.computeDigest()
    this.#addDigest(digest, node.digest)
    node.digest = digest
  }

  /** From here on, changes can be undone. */
  begin(): void {
    assert(!this.#undoing, 'one multi at a time')
    this.#undoing = true
  }

  commit(): void {
    this.#undoing = false
    for (let i = 0; i < this.#changedCount; i++) this.#table.giveBack(this.#before[i]!)
    this.#changedCount = 0
  }

  /** Undoes every change since `begin`. Nodes stay in the overlay, as they were before. */
  rollback(): void {
    for (let i = this.#changedCount - 1; i >= 0; i--) {
      const node = this.#changed[i]!
      node.copyState(this.#before[i]!)
      this.settle(node)
    }
    this.commit()
  }

  /** The tree has applied everything up to `zxid`. */
  applied(zxid: Zxid): void {
    this.beginRequest()
    for (
      let next = this.#logZxids.peek();
      next !== undefined && next <= zxid;
      next = this.#logZxids.peek()
    ) {
      this.#logZxids.shift()
      const node = this.#log.shift()
      if (node.changedBy !== next) continue
      this.#table.remove(node)
      this.#releaseAcl(node)
      node.changedBy = 0 as Zxid
      this.#table.giveBack(node)
    }
  }

  /** Pending nodes in the order of their changes, those that will not exist included; some twice. */
  *nodes(): Iterable<PendingNode> {
    for (let i = 0; i < this.#log.length; i++) yield this.#log.at(i)!
  }

  /** A loose copy of what the tree has. */
  #look(row: Row, hash: number, bytes: Uint8Array, start: number, end: number): PendingNode | null {
    if (row === NO_ROW) return null
    const node = this.#table.take()
    node.setPath(hash, bytes, start, end)
    node.load(this.#tree, row)
    this.#seen[this.#seenCount++] = node
    return node
  }

  #note(node: PendingNode, zxid: Zxid): void {
    this.#log.push(node)
    this.#logZxids.push(zxid)
  }

  #remember(node: PendingNode): void {
    const before = this.#table.take()
    before.copyState(node)
    this.#changed[this.#changedCount] = node
    this.#before[this.#changedCount++] = before
  }

  #releaseAcl(node: PendingNode): void {
    if (node.heldAcl !== NO_ACL) this.#tree.acls.release(node.heldAcl)
  }

  #adoptDigest(): void {
    this.#digestHigh = this.#tree.digestHigh
    this.#digestLow = this.#tree.digestLow
  }

  #addDigest(added: number, removed: number): void {
    const sum = this.#digestLow + added - removed
    this.#digestLow = sum >>> 0
    this.#digestHigh = (this.#digestHigh + Math.floor(sum / 2 ** 32)) | 0
  }
}

const SLASH = 0x2f
