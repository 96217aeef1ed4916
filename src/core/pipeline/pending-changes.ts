// The overlay: nodes as they will be once everything that has been proposed is applied. Requests
// are checked against it, so that a write need not wait for those before it (ZooKeeper 3.9
// `PrepRequestProcessor`, outstanding changes). A node leaves the overlay when the tree has caught
// up with its last change. It also carries the digest that the tree will have.

import { assert } from '../../base/assert.ts'
import { Ring } from '../../base/ring.ts'
import type { Zxid } from '../../base/zxid.ts'
import { type DataTree, NO_ROW } from '../tree/data-tree.ts'
import { nodeDigest } from '../tree/node-digest.ts'

/** A node as it will be. Fields mean what they mean in the tree. */
export interface PendingNode {
  readonly path: string
  exists: boolean
  czxid: Zxid
  mzxid: Zxid
  pzxid: Zxid
  ctime: number
  mtime: number
  version: number
  creations: number
  aversion: number
  ownerHigh: number
  ownerLow: number
  isEphemeral: boolean
  childCount: number
  aclId: number
  dataLength: number
  contentCrc: number
  isDigested: boolean
  /** What the node adds to the tree's digest; 0 where it does not count. */
  digest: number
  /** The access list on which the overlay holds a reference; 0 for none. */
  heldAcl: number
  /** The proposal that changed it last; 0 for a node that is only being looked at. */
  changedBy: Zxid
}

export class PendingChanges {
  readonly #tree: DataTree
  readonly #nodes = new Map<string, PendingNode>()
  readonly #log = new Ring<PendingNode>()
  readonly #logZxids = new Ring<Zxid>()
  #digestHigh = 0
  #digestLow = 0
  /** Copies of what the proposal under way has changed, so that a failed multi can be undone. */
  readonly #undo: { node: PendingNode; before: PendingNode }[] = []
  #undoing = false

  constructor(tree: DataTree) {
    this.#tree = tree
  }

  get size(): number {
    return this.#nodes.size
  }

  get digestHigh(): number {
    return this.#nodes.size === 0 ? this.#tree.digestHigh : this.#digestHigh
  }

  get digestLow(): number {
    return this.#nodes.size === 0 ? this.#tree.digestLow : this.#digestLow
  }

  /**
   * The node at a path given as bytes: pending, or as in the tree; null where there is none. The
   * result may be a loose copy: pass it to {@link change} before changing it.
   */
  find(bytes: Uint8Array, start: number, end: number, path: string): PendingNode | null {
    const pending = this.#nodes.get(path)
    if (pending !== undefined) return pending.exists ? pending : null
    const row = this.#tree.lookup(bytes, start, end)
    return row === NO_ROW ? null : loadNode(this.#tree, row, path)
  }

  findText(path: string): PendingNode | null {
    const pending = this.#nodes.get(path)
    if (pending !== undefined) return pending.exists ? pending : null
    const row = this.#tree.lookupText(path)
    return row === NO_ROW ? null : loadNode(this.#tree, row, path)
  }

  /** Makes a node part of the overlay on behalf of `zxid`; afterwards the caller may change it, and settles. */
  change(node: PendingNode, zxid: Zxid): void {
    if (this.#nodes.size === 0) this.#adoptDigest()
    if (this.#undoing) this.#undo.push({ node, before: { ...node } })
    if (node.changedBy === zxid) return
    if (node.changedBy === 0) this.#nodes.set(node.path, node)
    node.changedBy = zxid
    this.#log.push(node)
    this.#logZxids.push(zxid)
  }

  /** Adds a node that was not there, or not any more. */
  add(node: PendingNode, zxid: Zxid): void {
    if (this.#nodes.size === 0) this.#adoptDigest()
    const former = this.#nodes.get(node.path)
    if (former !== undefined) {
      this.change(former, zxid)
      Object.assign(former, node, {
        changedBy: zxid,
        digest: former.digest,
        heldAcl: former.heldAcl,
      })
      this.settle(former)
      return
    }
    if (this.#undoing) this.#undo.push({ node, before: { ...node, exists: false } })
    node.changedBy = zxid
    this.#nodes.set(node.path, node)
    this.#log.push(node)
    this.#logZxids.push(zxid)
    this.settle(node)
  }

  /** Brings the digest, and the reference on the access list, up to date after a change. */
  settle(node: PendingNode): void {
    if (node.aclId !== node.heldAcl) {
      this.#tree.acls.retain(node.aclId)
      this.#releaseAcl(node)
      node.heldAcl = node.aclId
    }
    const digest = node.exists && node.isDigested ? digestOf(node) : 0
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
    this.#undo.length = 0
  }

  /** Undoes every change since `begin`. Nodes stay in the overlay, as they were before. */
  rollback(): void {
    for (let i = this.#undo.length - 1; i >= 0; i--) {
      const { node, before } = this.#undo[i]!
      const { digest, changedBy, heldAcl } = node
      Object.assign(node, before, { digest, changedBy, heldAcl })
      this.settle(node)
    }
    this.commit()
  }

  /** The tree has applied everything up to `zxid`. */
  applied(zxid: Zxid): void {
    for (
      let next = this.#logZxids.peek();
      next !== undefined && next <= zxid;
      next = this.#logZxids.peek()
    ) {
      this.#logZxids.shift()
      const node = this.#log.shift()
      if (node.changedBy !== next) continue
      this.#nodes.delete(node.path)
      this.#releaseAcl(node)
    }
  }

  /** Pending nodes, those that will not exist included. */
  nodes(): Iterable<PendingNode> {
    return this.#nodes.values()
  }

  #releaseAcl(node: PendingNode): void {
    if (node.heldAcl !== 0) this.#tree.acls.release(node.heldAcl)
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

const digestOf = (node: PendingNode): number =>
  nodeDigest(
    node.contentCrc,
    node.czxid,
    node.mzxid,
    node.pzxid,
    node.ctime,
    node.mtime,
    node.version,
    node.creations,
    node.aversion,
    node.ownerHigh,
    node.ownerLow,
  )

function loadNode(tree: DataTree, row: number, path: string): PendingNode {
  return {
    path,
    exists: true,
    czxid: tree.czxid(row),
    mzxid: tree.mzxid(row),
    pzxid: tree.pzxid(row),
    ctime: tree.ctime(row),
    mtime: tree.mtime(row),
    version: tree.version(row),
    creations: tree.creations(row),
    aversion: tree.aversion(row),
    // A tree may hand out the words of an owner unsigned; those of requests are signed.
    ownerHigh: tree.ownerHigh(row) | 0,
    ownerLow: tree.ownerLow(row) | 0,
    isEphemeral: tree.isEphemeral(row),
    childCount: tree.childCount(row),
    aclId: tree.aclId(row),
    dataLength: tree.dataLength(row),
    contentCrc: tree.contentCrc(row),
    isDigested: tree.isDigested(row),
    digest: tree.digest(row),
    heldAcl: 0,
    changedBy: 0 as Zxid,
  }
}
