// What a server replicates: the tree and the table of sessions, and what each transaction does to
// them (ZooKeeper 3.9 `DataTree.processTxn`). `apply` is total: replaying a log over a fuzzy
// snapshot meets nodes that are there already or gone already, and both are fine. It knows nothing
// of clients; who wants to hear of changes passes an observer.

import { ErrorCode } from '../records/errors.ts'
import { OpCode } from '../records/opcodes.ts'
import { TXN_DIGEST_BYTES, DIGEST_VERSION } from '../records/txn.ts'
import { JuteReader, MalformedRecord } from '../jute/reader.ts'
import { assert } from '../../base/assert.ts'
import { type SessionId, sessionIdOf } from '../../base/session-id.ts'
import { decodeUtf8, encodeUtf8 } from '../../base/text.ts'
import { type Zxid, ZXID_ZERO } from '../../base/zxid.ts'
import {
  CONTAINER_OWNER_HIGH,
  type DataTree,
  NO_ROW,
  type OwnerRules,
  type Row,
  TTL_OWNER_HIGH,
} from './data-tree.ts'
import { QuotaBook } from './quota.ts'

export const CONFIG_PATH = '/zookeeper/config'

/** Hears of each change in the order in which they happen. Paths are ranges of the transaction's bytes. */
export interface ChangeObserver {
  onCreated(bytes: Uint8Array, pathStart: number, pathEnd: number, row: Row, parent: Row): void
  /** Called while the node is still there. `path` is given where the bytes do not have it. */
  onDeleting(
    path: string | null,
    bytes: Uint8Array,
    pathStart: number,
    pathEnd: number,
    row: Row,
    parent: Row,
  ): void
  onDataChanged(bytes: Uint8Array, pathStart: number, pathEnd: number, row: Row): void
  /**
   * The outcome of one operation: the transaction itself, or each one within a multi. `row` is
   * the node created or changed; NO_ROW where there is none.
   */
  onResult(
    type: number,
    error: number,
    row: Row,
    bytes: Uint8Array,
    pathStart: number,
    pathEnd: number,
  ): void
}

export class Database {
  readonly tree: DataTree
  readonly quotas: QuotaBook
  readonly ownerRules: OwnerRules
  /** Global sessions and their timeouts in milliseconds. */
  readonly sessions: Map<SessionId, number> = new Map()
  /** The last transaction applied. */
  lastZxid: Zxid = ZXID_ZERO
  /** Transactions after which our tree's digest was not the one they carried: a bug, or bad memory. */
  digestMismatches = 0
  /** Digests are not compared up to this zxid: a fuzzy snapshot holds later changes. */
  fuzzyUntil: Zxid = ZXID_ZERO

  readonly #reader = new JuteReader(new Uint8Array(0))
  #compareDigests: boolean

  constructor(tree: DataTree, ownerRules: OwnerRules, compareDigests: boolean = true) {
    this.tree = tree
    this.ownerRules = ownerRules
    this.quotas = new QuotaBook(tree)
    this.#compareDigests = compareDigests
  }

  /**
   * Applies one transaction (header, body, optional digest) from a range of bytes. Throws
   * MalformedRecord only where the bytes are no transaction.
   */
  apply(bytes: Uint8Array, start: number, end: number, observer: ChangeObserver | null): void {
    const reader = this.#reader
    reader.reset(bytes, start, end)
    const clientHigh = reader.int()
    const clientLow = reader.int()
    reader.int() // cxid
    const zxid = reader.zxid()
    const time = reader.safeLong()
    const type = reader.int()
    switch (type) {
      case OpCode.createSession:
        this.sessions.set(sessionOf(clientHigh, clientLow), reader.int())
        observer?.onResult(type, ErrorCode.Ok, NO_ROW, bytes, 0, 0)
        break
      case OpCode.closeSession:
        this.#closeSession(reader, clientHigh, clientLow, zxid, observer)
        observer?.onResult(type, ErrorCode.Ok, NO_ROW, bytes, 0, 0)
        break
      case OpCode.multi:
        this.#multi(reader, clientHigh, clientLow, zxid, time, observer)
        break
      default:
        this.#operation(type, reader, clientHigh, clientLow, zxid, time, observer)
    }
    if (zxid > this.lastZxid) this.lastZxid = zxid
    if (this.#compareDigests) this.#compareDigest(reader, zxid)
  }

  /**
   * Writes the membership of the ensemble to `/zookeeper/config`. No transaction does it: each
   * server shows what it knows as decided (ZooKeeper 3.9 `DataTree.addConfigNode`,
   * `ZKDatabase.initConfigInZKDatabase`). Its time differs between servers.
   */
  showConfig(text: string, version: Zxid, wallMs: number): void {
    const row = this.tree.lookupText(CONFIG_PATH)
    // Every tree begins with that node, but a leader may have sent one without it, or deleted it.
    if (row === NO_ROW) return
    const bytes = encodeUtf8(text)
    this.tree.setData(row, bytes, 0, bytes.length, -1, version, wallMs)
  }

  /** After a snapshot has been loaded: rebuilds what is not stored. */
  finishLoading(): void {
    this.tree.acls.dropUnused()
    this.quotas.rebuild()
  }

  /**
   * Removes ephemerals whose session is not in the table, as a server does when it begins to lead
   * (no transaction: the snapshot that follows makes it last). Returns their number.
   */
  dropOrphanEphemerals(): number {
    const orphans = [...this.tree.ephemeralOwners()].filter(
      (owner) => !this.sessions.has(sessionIdOf(owner)),
    )
    let count = 0
    for (const owner of orphans) {
      const high = Number(BigInt.asIntN(32, owner >> 32n))
      const low = Number(BigInt.asIntN(32, owner))
      count += this.#removeEphemerals(high, low, this.lastZxid, null)
    }
    return count
  }

  #multi(
    reader: JuteReader,
    clientHigh: number,
    clientLow: number,
    zxid: Zxid,
    time: number,
    observer: ChangeObserver | null,
  ): void {
    const count = reader.vectorCount()
    const end = reader.end
    const first = reader.position
    let failed = false
    for (let i = 0; i < count; i++) {
      failed = reader.int() === OpCode.error || failed
      reader.skipField()
    }
    const after = reader.position
    reader.position = first
    for (let i = 0; i < count; i++) {
      const type = reader.int()
      const length = reader.skipField()
      const bodyEnd = reader.position
      reader.position = bodyEnd - length
      reader.end = bodyEnd
      if (type === OpCode.error) {
        observer?.onResult(OpCode.error, reader.int(), NO_ROW, reader.bytes, 0, 0)
      } else if (failed) {
        observer?.onResult(OpCode.error, ErrorCode.Ok, NO_ROW, reader.bytes, 0, 0)
      } else {
        this.#operation(type, reader, clientHigh, clientLow, zxid, time, observer)
      }
      reader.position = bodyEnd
      reader.end = end
    }
    reader.position = after
  }

  #operation(
    type: number,
    reader: JuteReader,
    clientHigh: number,
    clientLow: number,
    zxid: Zxid,
    time: number,
    observer: ChangeObserver | null,
  ): void {
    switch (type) {
      case OpCode.create:
      case OpCode.create2:
      case OpCode.createContainer:
      case OpCode.createTTL:
        this.#create(type, reader, clientHigh, clientLow, zxid, time, observer)
        break
      case OpCode.delete:
      case OpCode.deleteContainer:
        this.#delete(type, reader, zxid, observer)
        break
      case OpCode.setData:
      case OpCode.reconfig:
        this.#setData(type, reader, zxid, time, observer)
        break
      case OpCode.setACL:
        this.#setAcl(reader, observer)
        break
      case OpCode.check: {
        reader.skipField()
        reader.int()
        observer?.onResult(type, ErrorCode.Ok, NO_ROW, reader.bytes, 0, 0)
        break
      }
      case OpCode.error:
        observer?.onResult(type, reader.int(), NO_ROW, reader.bytes, 0, 0)
        break
      default:
        throw new MalformedRecord(`transaction ${zxid} has the unknown type ${type}`)
    }
  }

  #create(
    type: number,
    reader: JuteReader,
    clientHigh: number,
    clientLow: number,
    zxid: Zxid,
    time: number,
    observer: ChangeObserver | null,
  ): void {
    const { tree } = this
    const bytes = reader.bytes
    const pathLength = requiredField(reader)
    const pathEnd = reader.position
    const pathStart = pathEnd - pathLength
    const dataLength = reader.skipField()
    const dataEnd = reader.position
    const aclStart = reader.position
    skipAclList(reader)
    const aclEnd = reader.position
    let ownerHigh = 0
    let ownerLow = 0
    if (type === OpCode.create || type === OpCode.create2) {
      if (reader.bool()) {
        ownerHigh = clientHigh
        ownerLow = clientLow
      }
    } else if (type === OpCode.createContainer) {
      ownerHigh = CONTAINER_OWNER_HIGH
    }
    // Servers of 3.3 and before did not write the parent's version.
    let parentCreations = reader.remaining < 4 && type === OpCode.create ? -1 : reader.int()
    if (type === OpCode.createTTL) {
      const ttl = reader.safeLong()
      ownerHigh = this.#ttlMark() | Math.floor(ttl / 2 ** 32)
      ownerLow = ttl | 0
    }
    const nameStart = lastSlash(bytes, pathStart, pathEnd) + 1
    const parent = tree.lookup(bytes, pathStart, Math.max(pathStart, nameStart - 1))
    if (parent === NO_ROW) {
      observer?.onResult(type, ErrorCode.NoNode, NO_ROW, bytes, pathStart, pathEnd)
      return
    }
    const existing = tree.child(parent, bytes, nameStart, pathEnd)
    if (parentCreations === -1) parentCreations = (tree.creations(parent) + 1) | 0
    const raisesParent = parentCreations > tree.creations(parent)
    const aclId = tree.acls.intern(bytes, aclStart, aclEnd)
    if (existing !== NO_ROW) {
      tree.setAcl(existing, aclId, tree.aversion(existing))
      if (type === OpCode.create && raisesParent) tree.touchParent(parent, parentCreations, zxid)
      observer?.onResult(type, ErrorCode.NodeExists, NO_ROW, bytes, pathStart, pathEnd)
      return
    }
    if (raisesParent) tree.touchParent(parent, parentCreations, zxid)
    const row = tree.insert(
      parent,
      bytes,
      nameStart,
      pathEnd,
      bytes,
      dataLength < 0 ? -1 : dataEnd - dataLength,
      dataEnd,
      aclId,
      ownerHigh,
      ownerLow,
      zxid,
      time,
    )
    if (!this.quotas.isEmpty || !tree.isDigested(row)) {
      const path = decodeUtf8(bytes, pathStart, pathEnd)
      if (!tree.isDigested(row)) this.quotas.onSystemNodeCreated(path)
      this.quotas.account(path, Math.max(0, dataLength), 1)
    }
    if (observer !== null) {
      observer.onCreated(bytes, pathStart, pathEnd, row, parent)
      observer.onResult(type, ErrorCode.Ok, row, bytes, pathStart, pathEnd)
    }
  }

  #delete(type: number, reader: JuteReader, zxid: Zxid, observer: ChangeObserver | null): void {
    const pathLength = requiredField(reader)
    const pathEnd = reader.position
    const pathStart = pathEnd - pathLength
    const error = this.#deletePath(reader.bytes, pathStart, pathEnd, zxid, observer)
    observer?.onResult(type, error, NO_ROW, reader.bytes, pathStart, pathEnd)
  }

  #deletePath(
    bytes: Uint8Array,
    pathStart: number,
    pathEnd: number,
    zxid: Zxid,
    observer: ChangeObserver | null,
  ): number {
    const { tree } = this
    const nameStart = lastSlash(bytes, pathStart, pathEnd) + 1
    const parent = tree.lookup(bytes, pathStart, Math.max(pathStart, nameStart - 1))
    if (parent === NO_ROW) return ErrorCode.NoNode
    const row = tree.child(parent, bytes, nameStart, pathEnd)
    if (zxid > tree.pzxid(parent)) tree.touchParent(parent, tree.creations(parent), zxid)
    if (row === NO_ROW) return ErrorCode.NoNode
    // Only a replay over a fuzzy snapshot finds children here: later ones, that the log will bring again.
    if (tree.childCount(row) > 0) this.#removeDescendants(row, zxid)
    if (!this.quotas.isEmpty) this.#accountRemoval(row, decodeUtf8(bytes, pathStart, pathEnd))
    observer?.onDeleting(null, bytes, pathStart, pathEnd, row, parent)
    tree.remove(row)
    return ErrorCode.Ok
  }

  /** One after the other from the first on: one of them may take others with it, if it has children. */
  #removeEphemerals(
    high: number,
    low: number,
    zxid: Zxid,
    observer: ChangeObserver | null,
  ): number {
    for (let count = 0; ; count++) {
      const [first] = this.tree.ephemerals(high, low)
      if (first === undefined) return count
      this.#removeRow(first, zxid, observer)
    }
  }

  #removeRow(row: Row, zxid: Zxid, observer: ChangeObserver | null): void {
    const { tree } = this
    const parent = tree.parent(row)
    const path = tree.path(row)
    if (tree.childCount(row) > 0) this.#removeDescendants(row, zxid)
    if (zxid > tree.pzxid(parent)) tree.touchParent(parent, tree.creations(parent), zxid)
    if (!this.quotas.isEmpty) this.#accountRemoval(row, path)
    observer?.onDeleting(path, NOTHING, 0, 0, row, parent)
    tree.remove(row)
  }

  #removeDescendants(top: Row, zxid: Zxid): void {
    const children: Row[] = []
    this.tree.forEachChild(top, (child) => children.push(child))
    for (const child of children) this.#removeRow(child, zxid, null)
  }

  #accountRemoval(row: Row, path: string): void {
    const { tree, quotas } = this
    if (!tree.isDigested(row)) quotas.onSystemNodeDeleted(path)
    quotas.account(path, -Math.max(0, tree.dataLength(row)), -1)
  }

  #setData(
    type: number,
    reader: JuteReader,
    zxid: Zxid,
    time: number,
    observer: ChangeObserver | null,
  ): void {
    const { tree } = this
    const bytes = reader.bytes
    const pathLength = requiredField(reader)
    const pathEnd = reader.position
    const pathStart = pathEnd - pathLength
    const dataLength = reader.skipField()
    const dataEnd = reader.position
    const version = reader.int()
    const row = tree.lookup(bytes, pathStart, pathEnd)
    if (row === NO_ROW) {
      observer?.onResult(type, ErrorCode.NoNode, NO_ROW, bytes, pathStart, pathEnd)
      return
    }
    if (!this.quotas.isEmpty) {
      const growth = Math.max(0, dataLength) - Math.max(0, tree.dataLength(row))
      this.quotas.account(decodeUtf8(bytes, pathStart, pathEnd), growth, 0)
    }
    const dataStart = dataLength < 0 ? -1 : dataEnd - dataLength
    tree.setData(row, bytes, dataStart, dataEnd, version, zxid, time)
    if (observer !== null) {
      observer.onDataChanged(bytes, pathStart, pathEnd, row)
      observer.onResult(type, ErrorCode.Ok, row, bytes, pathStart, pathEnd)
    }
  }

  #setAcl(reader: JuteReader, observer: ChangeObserver | null): void {
    const { tree } = this
    const bytes = reader.bytes
    const pathLength = requiredField(reader)
    const pathEnd = reader.position
    const aclStart = reader.position
    skipAclList(reader)
    const aclEnd = reader.position
    const aversion = reader.int()
    const row = tree.lookup(bytes, pathEnd - pathLength, pathEnd)
    if (row === NO_ROW) {
      observer?.onResult(OpCode.setACL, ErrorCode.NoNode, NO_ROW, bytes, 0, 0)
      return
    }
    tree.setAcl(row, tree.acls.intern(bytes, aclStart, aclEnd), aversion)
    observer?.onResult(OpCode.setACL, ErrorCode.Ok, row, bytes, pathEnd - pathLength, pathEnd)
  }

  /** The body is a list of paths, or nothing at all: servers before 3.6, and some settings since. */
  #closeSession(
    reader: JuteReader,
    clientHigh: number,
    clientLow: number,
    zxid: Zxid,
    observer: ChangeObserver | null,
  ): void {
    if (hasPathList(reader)) {
      const count = reader.vectorCount()
      for (let i = 0; i < count; i++) {
        const length = requiredField(reader)
        const end = reader.position
        this.#deletePath(reader.bytes, end - length, end, zxid, observer)
      }
    }
    this.#removeEphemerals(clientHigh, clientLow, zxid, observer)
    this.sessions.delete(sessionOf(clientHigh, clientLow))
  }

  #ttlMark(): number {
    return this.ownerRules.emulate353Ttl ? CONTAINER_OWNER_HIGH : TTL_OWNER_HIGH
  }

  #compareDigest(reader: JuteReader, zxid: Zxid): void {
    if (reader.remaining < TXN_DIGEST_BYTES) return
    if (zxid <= this.fuzzyUntil) return
    if (reader.int() !== DIGEST_VERSION) return
    const { tree } = this
    const high = reader.int()
    const low = reader.int()
    if (high !== tree.digestHigh || low !== (tree.digestLow | 0)) this.digestMismatches++
  }
}

const NOTHING = new Uint8Array(0)

const sessionOf = (high: number, low: number): SessionId =>
  sessionIdOf((BigInt(high) << 32n) | BigInt(low >>> 0))

function requiredField(reader: JuteReader): number {
  const length = reader.skipField()
  if (length < 0) throw new MalformedRecord('a path is missing')
  return length
}

/** Moves over a vector of ACL without building it. */
export function skipAclList(reader: JuteReader): void {
  const count = reader.vectorCount()
  for (let i = 0; i < count; i++) {
    reader.int()
    reader.skipField()
    reader.skipField()
  }
}

/** The index of the last slash; a path in a transaction has one. */
export function lastSlash(bytes: Uint8Array, start: number, end: number): number {
  let at = end - 1
  while (at > start && bytes[at] !== 0x2f) at--
  assert(bytes[at] === 0x2f, 'a path of a transaction has no slash')
  return at
}

/** Whether the end of a session names nodes; a digest may stand there instead, or nothing. */
export function hasPathList(reader: JuteReader): boolean {
  if (reader.remaining === 0) return false
  if (reader.remaining !== TXN_DIGEST_BYTES) return true
  const at = reader.position
  const first = reader.int()
  reader.position = at
  return first !== DIGEST_VERSION
}
