// Passes the parts of a snapshot on and notes the newest transaction that shows in its nodes: a
// snapshot written while the tree changed may show more than its name says, and not every one says
// up to where. Only a change of an access list leaves no trace in a node's stat.

import type { SessionId } from '../../base/session-id.ts'
import type { Acl } from '../records/acl.ts'
import type { SnapshotVisitor } from './snapshot-reader.ts'

export class NewestSeen implements SnapshotVisitor {
  /** A zxid. */
  newest = 0
  readonly #visitor: SnapshotVisitor

  constructor(visitor: SnapshotVisitor) {
    this.#visitor = visitor
  }

  session(id: SessionId, timeoutMs: number): void {
    this.#visitor.session(id, timeoutMs)
  }

  acl(aclId: number, list: readonly Acl[]): void {
    this.#visitor.acl(aclId, list)
  }

  node(
    bytes: Uint8Array,
    pathStart: number,
    pathEnd: number,
    dataStart: number,
    dataEnd: number,
    aclId: number,
    statStart: number,
  ): boolean {
    this.#note(bytes, statStart + CZXID)
    this.#note(bytes, statStart + MZXID)
    this.#note(bytes, statStart + PZXID)
    return this.#visitor.node(bytes, pathStart, pathEnd, dataStart, dataEnd, aclId, statStart)
  }

  #note(bytes: Uint8Array, at: number): void {
    const high =
      (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
    const low =
      (bytes[at + 4]! << 24) | (bytes[at + 5]! << 16) | (bytes[at + 6]! << 8) | bytes[at + 7]!
    const zxid = high * 2 ** 32 + (low >>> 0)
    if (zxid > this.newest) this.newest = zxid
  }
}

/** Where they stand in a `StatPersisted`. */
const CZXID = 0
const MZXID = 8
const PZXID = 52
