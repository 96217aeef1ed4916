// A node as it will be once everything that has been proposed is applied: plain fields, filled anew
// each time the object is used. The overlay keeps and reuses these objects; this file only knows
// what they hold and what a node adds to the digest of the tree.

import type { Zxid } from '../../base/zxid.ts'
import { copyBytes } from '../../base/copy-bytes.ts'
import { decodeUtf8 } from '../../base/text.ts'
import { type DataTree, NO_ROW, type Row } from '../tree/data-tree.ts'
import { nodeDigest } from '../tree/node-digest.ts'

/** Fields mean what they mean in the tree. */
export class PendingNode {
  exists: boolean = false
  czxid: Zxid = 0 as Zxid
  mzxid: Zxid = 0 as Zxid
  pzxid: Zxid = 0 as Zxid
  ctime: number = 0
  mtime: number = 0
  version: number = 0
  creations: number = 0
  aversion: number = 0
  ownerHigh: number = 0
  ownerLow: number = 0
  isEphemeral: boolean = false
  childCount: number = 0
  aclId: number = NO_ACL
  dataLength: number = 0
  contentCrc: number = 0
  isDigested: boolean = false
  /** Its row, where it is the node that the tree has under its path; NO_ROW otherwise. */
  row: Row = NO_ROW

  // What only the overlay changes.

  /** What the node adds to the tree's digest; 0 where it does not count. */
  digest: number = 0
  /** The access list on which the overlay holds a reference; NO_ACL for none. */
  heldAcl: number = NO_ACL
  /** The proposal that changed it last; 0 for a node that is only being looked at. */
  changedBy: Zxid = 0 as Zxid
  /** The path, of which the root has nothing, and its hash. */
  pathBytes: Uint8Array = new Uint8Array(PATH_BYTES_FIRST)
  pathLength: number = 0
  hash: number = 0
  /** The next node in the same place of the overlay's table. */
  next: PendingNode | null = null

  get path(): string {
    return this.pathLength === 0 ? '/' : decodeUtf8(this.pathBytes, 0, this.pathLength)
  }

  hasPath(hash: number, bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start
    if (this.hash !== hash || this.pathLength !== length) return false
    const { pathBytes } = this
    for (let i = 0; i < length; i++) if (pathBytes[i] !== bytes[start + i]) return false
    return true
  }

  setPath(hash: number, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    if (length > this.pathBytes.length) this.pathBytes = new Uint8Array(length)
    copyBytes(bytes, start, end, this.pathBytes, 0)
    this.pathLength = length
    this.hash = hash
  }

  /** As the tree has it. */
  load(tree: DataTree, row: Row): void {
    this.exists = true
    this.czxid = tree.czxid(row)
    this.mzxid = tree.mzxid(row)
    this.pzxid = tree.pzxid(row)
    this.ctime = tree.ctime(row)
    this.mtime = tree.mtime(row)
    this.version = tree.version(row)
    this.creations = tree.creations(row)
    this.aversion = tree.aversion(row)
    // A tree may hand out the words of an owner unsigned; those of requests are signed.
    this.ownerHigh = tree.ownerHigh(row) | 0
    this.ownerLow = tree.ownerLow(row) | 0
    this.isEphemeral = tree.isEphemeral(row)
    this.childCount = tree.childCount(row)
    this.aclId = tree.aclId(row)
    this.dataLength = tree.dataLength(row)
    this.contentCrc = tree.contentCrc(row)
    this.isDigested = tree.isDigested(row)
    this.row = row
    this.digest = tree.digest(row)
    this.heldAcl = NO_ACL
    this.changedBy = 0 as Zxid
  }

  /** Everything but what only the overlay changes. */
  copyState(from: PendingNode): void {
    this.exists = from.exists
    this.czxid = from.czxid
    this.mzxid = from.mzxid
    this.pzxid = from.pzxid
    this.ctime = from.ctime
    this.mtime = from.mtime
    this.version = from.version
    this.creations = from.creations
    this.aversion = from.aversion
    this.ownerHigh = from.ownerHigh
    this.ownerLow = from.ownerLow
    this.isEphemeral = from.isEphemeral
    this.childCount = from.childCount
    this.aclId = from.aclId
    this.dataLength = from.dataLength
    this.contentCrc = from.contentCrc
    this.isDigested = from.isDigested
    this.row = from.row
  }

  /** What it is to add to the tree's digest. */
  computeDigest(): number {
    if (!this.exists || !this.isDigested) return 0
    return nodeDigest(
      this.contentCrc,
      this.czxid,
      this.mzxid,
      this.pzxid,
      this.ctime,
      this.mtime,
      this.version,
      this.creations,
      this.aversion,
      this.ownerHigh,
      this.ownerLow,
    )
  }
}

/** Access lists are numbered from 1, and -1 is the open one. */
export const NO_ACL = 0

const PATH_BYTES_FIRST = 64
