// The checks of each operation on nodes, in the order in which they decide the error, and the
// transaction that a request becomes (ZooKeeper 3.9 `PrepRequestProcessor.pRequest2Txn`). The same
// code serves an operation on its own and one within a multi.

import { crc32 } from '../../base/checksum.ts'
import { pathProblem, sequenceSuffix } from '../../base/path.ts'
import { decodeUtf8, encodeUtf8 } from '../../base/text.ts'
import { JuteReader } from '../jute/reader.ts'
import { JuteWriter } from '../jute/writer.ts'
import { Perms, WORLD_ALL, aclList } from '../records/acl.ts'
import { ErrorCode } from '../records/errors.ts'
import {
  CreateMode,
  OpCode,
  TTL_MS_MAX,
  isCreateMode,
  isEphemeral,
  isSequential,
  isTtl,
} from '../records/opcodes.ts'
import { setDataTxn } from '../records/txn.ts'
import { CONFIG_PATH, type Database, skipAclList } from '../tree/database.ts'
import { CONTAINER_OWNER_HIGH, TTL_OWNER_HIGH } from '../tree/data-tree.ts'
import { OwnerKind, ownerKindOf, ttlMsOf } from '../tree/owner.ts'
import { isAllowed, normaliseAcl } from './access.ts'
import type { PendingChanges } from './pending-changes.ts'
import type { PendingNode } from './pending-node.ts'
import { hasQuotas, quotaRefusal } from './quota-check.ts'
import type { PipelineSettings } from './settings.ts'
import { UnusableRequest } from './unusable-request.ts'
import type { WriteRequest } from './write-request.ts'

export class NodePreparer {
  readonly #database: Database
  readonly #pending: PendingChanges
  readonly #settings: PipelineSettings
  readonly #txnBytesMax: number
  /** Where `#normalisedAcl` found the list to be stored. */
  #aclBytes: Uint8Array = OPEN_ACL
  #aclStart = 0
  #aclEnd = 0

  /** A request whose transaction would be longer than `txnBytesMax` is refused. */
  constructor(
    database: Database,
    pending: PendingChanges,
    settings: PipelineSettings,
    txnBytesMax: number,
  ) {
    this.#database = database
    this.#pending = pending
    this.#settings = settings
    this.#txnBytesMax = txnBytesMax
  }

  /**
   * Reads one operation's record, checks it, and writes the body of its transaction. Returns an
   * error code; where that is not Ok, nothing has changed, and what `out` got is to be thrown away.
   * Throws MalformedRecord where the record cannot be read, UnusableRequest where it can but has a
   * null where something must be.
   */
  prepare(op: number, request: WriteRequest, reader: JuteReader, out: JuteWriter): number {
    switch (op) {
      case OpCode.create:
      case OpCode.create2:
      case OpCode.createContainer:
      case OpCode.createTTL:
        return this.#create(op, request, reader, out)
      case OpCode.delete:
        return this.#delete(request, reader, out)
      case OpCode.setData:
        return this.#setData(request, reader, out)
      case OpCode.setACL:
        return this.#setAcl(request, reader, out)
      case OpCode.check:
        return this.#check(request, reader, out)
      default:
        return ErrorCode.Unimplemented
    }
  }

  /**
   * Removes a container or a node whose time has come. It was found some time ago: by now it may
   * have children, have been set anew, or be another node of that name.
   */
  prepareContainerRemoval(path: string, request: WriteRequest, out: JuteWriter): number {
    const node = this.#pending.findText(path)
    if (node === null) return ErrorCode.NoNode
    if (node.childCount > 0) return ErrorCode.NotEmpty
    if (!this.#isRemovable(node, request.timeMs)) return ErrorCode.BadVersion
    const bytes = encodeUtf8(path)
    out.ustring(path)
    this.#removeNode(node, this.#parentOf(bytes, 0, bytes.length), request)
    return ErrorCode.Ok
  }

  /** Removes what a session leaves behind, and returns the paths. */
  removeEphemerals(request: WriteRequest): readonly string[] {
    const { tree } = this.#database
    const { sessionHigh, sessionLow } = request
    const paths = new Set<string>()
    for (const row of tree.ephemerals(sessionHigh, sessionLow)) paths.add(tree.path(row))
    for (const node of this.#pending.nodes()) {
      const isOwned =
        node.isEphemeral && node.ownerHigh === sessionHigh && node.ownerLow === sessionLow
      if (node.exists && isOwned) paths.add(node.path)
      else if (paths.size > 0) paths.delete(node.path)
    }
    for (const path of paths) {
      const bytes = encodeUtf8(path)
      const node = this.#pending.findText(path)
      if (node !== null) this.#removeNode(node, this.#parentOf(bytes, 0, bytes.length), request)
    }
    return [...paths]
  }

  #create(op: number, request: WriteRequest, reader: JuteReader, out: JuteWriter): number {
    const bytes = reader.bytes
    const pathLength = reader.skipField()
    const pathEnd = reader.position
    const pathStart = pathEnd - pathLength
    const dataLength = reader.skipField()
    const dataEnd = reader.position
    const aclStart = reader.position
    skipAclList(reader)
    const aclEnd = reader.position
    const mode = reader.int()
    const ttl = op === OpCode.createTTL ? reader.long() : -1n
    if (!isCreateMode(mode)) return ErrorCode.BadArguments
    if (isTtl(mode)) {
      if (!this.#settings.extendedTypes) return ErrorCode.Unimplemented
      if (ttl <= 0n || ttl > TTL_MS_MAX) return ErrorCode.BadArguments
    } else if (op === OpCode.createTTL) {
      return ErrorCode.BadArguments
    }
    const sessionError = isEphemeral(mode) ? request.ownerError : request.sessionError
    if (sessionError !== ErrorCode.Ok) return sessionError
    requirePath(pathLength)
    const slash = lastSlashOrNone(bytes, pathStart, pathEnd)
    if (slash < 0) return ErrorCode.BadArguments
    if (!this.#normaliseAcl(request, bytes, aclStart, aclEnd)) return ErrorCode.InvalidACL
    const parent = this.#find(bytes, pathStart, slash)
    if (parent === null) return ErrorCode.NoNode
    if (!this.#isAllowed(parent, Perms.create, request)) return ErrorCode.NoAuth

    // The final name: what was asked for, and the parent's count of creations where it is sequential.
    const lengthAt = out.position
    out.int(pathLength)
    const finalStart = out.position
    out.raw(bytes, pathStart, pathEnd)
    if (isSequential(mode)) out.ascii(sequenceSuffix(parent.creations))
    const finalEnd = out.position
    out.intAt(lengthAt, finalEnd - finalStart)
    if (!isValidPath(out.bytes, finalStart, finalEnd)) return ErrorCode.BadArguments
    const finalSlash = finalStart + slash - pathStart
    const existing = this.#pending.findChild(
      parent,
      out.bytes,
      finalStart,
      finalSlash + 1,
      finalEnd,
    )
    if (existing !== null) return ErrorCode.NodeExists
    if (parent.isEphemeral) return ErrorCode.NoChildrenForEphemerals
    if (hasQuotas(this.#database, this.#settings)) {
      const path = decodeUtf8(out.bytes, finalStart, finalEnd)
      const refusal = quotaRefusal(this.#database, path, Math.max(0, dataLength), 1)
      if (refusal !== ErrorCode.Ok) return refusal
    }

    this.#change(parent, request)
    // No tree lowers the count: after 2^31-1 creations it stays where it is, and pzxid with it.
    const creations = (parent.creations + 1) | 0
    if (creations > parent.creations) {
      parent.creations = creations
      parent.pzxid = request.zxid
    }
    parent.childCount++
    this.#pending.settle(parent)
    const owner = this.#ownerOf(op, mode, ttl, request)
    const aclId = this.#database.tree.acls.intern(this.#aclBytes, this.#aclStart, this.#aclEnd)
    const node = this.#pending.add(out.bytes, finalStart, finalEnd, request.zxid)
    node.exists = true
    node.czxid = request.zxid
    node.mzxid = request.zxid
    node.pzxid = request.zxid
    node.ctime = request.timeMs
    node.mtime = request.timeMs
    node.version = 0
    node.creations = 0
    node.aversion = 0
    node.ownerHigh = owner.high
    node.ownerLow = owner.low
    node.isEphemeral = owner.isEphemeral
    node.childCount = 0
    node.aclId = aclId
    node.dataLength = dataLength
    const pathCrc = crc32(0, out.bytes, finalStart, finalEnd)
    node.contentCrc =
      dataLength > 0 ? crc32(pathCrc, bytes, dataEnd - dataLength, dataEnd) : pathCrc
    node.isDigested = isDigested(out.bytes, finalStart, finalEnd)
    this.#pending.settle(node)
    writeField(out, bytes, dataLength, dataEnd)
    out.raw(this.#aclBytes, this.#aclStart, this.#aclEnd)
    if (op === OpCode.create || op === OpCode.create2) out.bool(owner.isEphemeral)
    out.int(creations)
    if (op === OpCode.createTTL) out.long(ttl)
    return ErrorCode.Ok
  }

  /** The membership of the ensemble becomes another one; `text` is what its node will show. */
  prepareConfig(text: string, request: WriteRequest, out: JuteWriter): number {
    const path = encodeUtf8(CONFIG_PATH)
    const node = this.#find(path, 0, path.length)
    if (node === null) return ErrorCode.NoNode
    if (!this.#isAllowed(node, Perms.write, request)) return ErrorCode.NoAuth
    setDataTxn.write(out, { path: CONFIG_PATH, data: encodeUtf8(text), version: -1 })
    return ErrorCode.Ok
  }

  #delete(request: WriteRequest, reader: JuteReader, out: JuteWriter): number {
    const bytes = reader.bytes
    const pathLength = reader.skipField()
    const pathEnd = reader.position
    const pathStart = pathEnd - pathLength
    const version = reader.int()
    if (request.sessionError !== ErrorCode.Ok) return request.sessionError
    requirePath(pathLength)
    const slash = lastSlashOrNone(bytes, pathStart, pathEnd)
    if (slash < 0) return ErrorCode.BadArguments
    if (isSystemPath(bytes, pathStart, pathEnd)) return ErrorCode.BadArguments
    const parent = this.#find(bytes, pathStart, slash)
    if (parent === null) return ErrorCode.NoNode
    if (!this.#isAllowed(parent, Perms.delete, request)) return ErrorCode.NoAuth
    const node = this.#pending.findChild(parent, bytes, pathStart, slash + 1, pathEnd)
    if (node === null) return ErrorCode.NoNode
    if (version !== -1 && version !== node.version) return ErrorCode.BadVersion
    if (node.childCount > 0) return ErrorCode.NotEmpty
    this.#removeNode(node, parent, request)
    writeField(out, bytes, pathLength, pathEnd)
    return ErrorCode.Ok
  }

  #setData(request: WriteRequest, reader: JuteReader, out: JuteWriter): number {
    const bytes = reader.bytes
    const pathLength = reader.skipField()
    const pathEnd = reader.position
    const pathStart = pathEnd - pathLength
    const dataLength = reader.skipField()
    const dataEnd = reader.position
    const version = reader.int()
    if (request.sessionError !== ErrorCode.Ok) return request.sessionError
    if (pathLength < 0 || !isValidPath(bytes, pathStart, pathEnd)) return ErrorCode.BadArguments
    const node = this.#find(bytes, pathStart, pathEnd)
    if (node === null) return ErrorCode.NoNode
    if (!this.#isAllowed(node, Perms.write, request)) return ErrorCode.NoAuth
    if (hasQuotas(this.#database, this.#settings)) {
      // What the data grows by, compared with what writes in flight will have made of it.
      const growth = Math.max(0, dataLength) - Math.max(0, node.dataLength)
      const path = decodeUtf8(bytes, pathStart, pathEnd)
      const refusal = quotaRefusal(this.#database, path, growth, 0)
      if (refusal !== ErrorCode.Ok) return refusal
    }
    if (version !== -1 && version !== node.version) return ErrorCode.BadVersion
    this.#change(node, request)
    node.version = (node.version + 1) | 0
    node.mzxid = request.zxid
    node.mtime = request.timeMs
    node.dataLength = dataLength
    const pathCrc = pathLength === 1 ? 0 : crc32(0, bytes, pathStart, pathEnd)
    node.contentCrc =
      dataLength > 0 ? crc32(pathCrc, bytes, dataEnd - dataLength, dataEnd) : pathCrc
    this.#pending.settle(node)
    writeField(out, bytes, pathLength, pathEnd)
    writeField(out, bytes, dataLength, dataEnd)
    out.int(node.version)
    return ErrorCode.Ok
  }

  #setAcl(request: WriteRequest, reader: JuteReader, out: JuteWriter): number {
    const bytes = reader.bytes
    const pathLength = reader.skipField()
    const pathEnd = reader.position
    const pathStart = pathEnd - pathLength
    const aclStart = reader.position
    skipAclList(reader)
    const aclEnd = reader.position
    const version = reader.int()
    if (request.sessionError !== ErrorCode.Ok) return request.sessionError
    if (pathLength < 0 || !isValidPath(bytes, pathStart, pathEnd)) return ErrorCode.BadArguments
    if (!this.#normaliseAcl(request, bytes, aclStart, aclEnd)) return ErrorCode.InvalidACL
    const node = this.#find(bytes, pathStart, pathEnd)
    if (node === null) return ErrorCode.NoNode
    if (!this.#isAllowed(node, Perms.admin, request)) return ErrorCode.NoAuth
    if (version !== -1 && version !== node.aversion) return ErrorCode.BadVersion
    this.#change(node, request)
    node.aversion = (node.aversion + 1) | 0
    node.aclId = this.#database.tree.acls.intern(this.#aclBytes, this.#aclStart, this.#aclEnd)
    this.#pending.settle(node)
    writeField(out, bytes, pathLength, pathEnd)
    out.raw(this.#aclBytes, this.#aclStart, this.#aclEnd)
    out.int(node.aversion)
    return ErrorCode.Ok
  }

  #check(request: WriteRequest, reader: JuteReader, out: JuteWriter): number {
    const bytes = reader.bytes
    const pathLength = reader.skipField()
    const pathEnd = reader.position
    const pathStart = pathEnd - pathLength
    const version = reader.int()
    if (request.sessionError !== ErrorCode.Ok) return request.sessionError
    if (pathLength < 0 || !isValidPath(bytes, pathStart, pathEnd)) return ErrorCode.BadArguments
    const node = this.#find(bytes, pathStart, pathEnd)
    if (node === null) return ErrorCode.NoNode
    if (!this.#isAllowed(node, Perms.read, request)) return ErrorCode.NoAuth
    if (version !== -1 && version !== node.version) return ErrorCode.BadVersion
    writeField(out, bytes, pathLength, pathEnd)
    out.int((node.version + 1) | 0)
    return ErrorCode.Ok
  }

  #isRemovable(node: PendingNode, timeMs: number): boolean {
    const settings = this.#settings
    switch (ownerKindOf(settings, node.ownerHigh, node.ownerLow)) {
      case OwnerKind.container: {
        const unusedMs = settings.containerMaxNeverUsedMs
        return node.creations > 0 || (unusedMs > 0 && timeMs - node.mtime > unusedMs)
      }
      case OwnerKind.ttl:
        return timeMs - node.mtime > ttlMsOf(settings, node.ownerHigh, node.ownerLow)
      default:
        return false
    }
  }

  #removeNode(node: PendingNode, parent: PendingNode, request: WriteRequest): void {
    this.#change(parent, request)
    parent.childCount--
    parent.pzxid = request.zxid
    this.#pending.settle(parent)
    this.#change(node, request)
    node.exists = false
    this.#pending.settle(node)
  }

  #change(node: PendingNode, request: WriteRequest): void {
    this.#pending.change(node, request.zxid)
  }

  #find(bytes: Uint8Array, start: number, end: number): PendingNode | null {
    return this.#pending.find(bytes, start, end)
  }

  #parentOf(bytes: Uint8Array, start: number, end: number): PendingNode {
    const parent = this.#find(bytes, start, lastSlashOrNone(bytes, start, end))
    if (parent === null) throw new UnusableRequest('a node has no parent')
    return parent
  }

  #isAllowed(node: PendingNode, wanted: number, request: WriteRequest): boolean {
    const { acls } = this.#database.tree
    return isAllowed(acls, node.aclId, wanted, request.identities, this.#settings.skipAcl)
  }

  #ownerOf(op: number, mode: CreateMode, ttl: bigint, request: WriteRequest): Owner {
    if (op === OpCode.createContainer) {
      return { high: CONTAINER_OWNER_HIGH, low: 0, isEphemeral: false }
    }
    if (op === OpCode.createTTL) {
      const mark = this.#settings.emulate353Ttl ? CONTAINER_OWNER_HIGH : TTL_OWNER_HIGH
      return {
        high: mark | Number(ttl >> 32n),
        low: Number(BigInt.asIntN(32, ttl)),
        isEphemeral: false,
      }
    }
    return isEphemeral(mode)
      ? { high: request.sessionHigh, low: request.sessionLow, isEphemeral: true }
      : NO_OWNER
  }

  /** Leaves the bytes of the list to be stored in `#aclBytes`; false for a list that is not valid. */
  #normaliseAcl(request: WriteRequest, bytes: Uint8Array, start: number, end: number): boolean {
    if (isOpenAcl(bytes, start, end)) {
      this.#aclBytes = bytes
      this.#aclStart = start
      this.#aclEnd = end
      return true
    }
    aclReader.reset(bytes, start, end)
    const stored = normaliseAcl(aclList.read(aclReader), request.identities)
    if (stored === null) return false
    const writer = new JuteWriter()
    aclList.write(writer, stored)
    // `auth` stands for all identities of the caller: a short list can become a very long one.
    const growth = writer.position - (end - start)
    if (request.end - request.start + growth > this.#txnBytesMax - TXN_EXTRA_BYTES) return false
    this.#aclBytes = writer.view()
    this.#aclStart = 0
    this.#aclEnd = writer.position
    return true
  }
}

interface Owner {
  readonly high: number
  readonly low: number
  readonly isEphemeral: boolean
}

/** More than a transaction has beyond its request: header, digest, sequence suffix, counters. */
export const TXN_EXTRA_BYTES = 128

const NO_OWNER: Owner = { high: 0, low: 0, isEphemeral: false }

const SYSTEM_PATHS: readonly Uint8Array[] = [
  '/',
  '/zookeeper',
  '/zookeeper/quota',
  '/zookeeper/config',
].map(encodeUtf8)

const SYSTEM_PREFIX: Uint8Array = encodeUtf8('/zookeeper/')

const OPEN_ACL: Uint8Array = (() => {
  const writer = new JuteWriter(64)
  aclList.write(writer, WORLD_ALL)
  return writer.copy()
})()

const aclReader = new JuteReader(OPEN_ACL)

const isOpenAcl = (bytes: Uint8Array, start: number, end: number): boolean =>
  isSame(OPEN_ACL, bytes, start, end)

function isSystemPath(bytes: Uint8Array, start: number, end: number): boolean {
  for (const path of SYSTEM_PATHS) if (isSame(path, bytes, start, end)) return true
  return false
}

function isSame(whole: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== whole.length) return false
  for (let i = 0; i < whole.length; i++) if (whole[i] !== bytes[start + i]) return false
  return true
}

/** Whether the digest counts a node: those of `/zookeeper` it does not. */
function isDigested(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < SYSTEM_PREFIX.length) return true
  for (let i = 0; i < SYSTEM_PREFIX.length; i++) {
    if (bytes[start + i] !== SYSTEM_PREFIX[i]) return true
  }
  return false
}

/** Creating or deleting nothing fails inside ZooKeeper; other operations refuse such a path. */
function requirePath(length: number): void {
  if (length < 0) throw new UnusableRequest('a path is missing')
}

/** Length and bytes of a field that ends at `end` in another record. */
function writeField(out: JuteWriter, bytes: Uint8Array, length: number, end: number): void {
  out.int(length)
  if (length > 0) out.raw(bytes, end - length, end)
}

/** The index of the last slash; -1 where there is none, or where the path contains a zero byte. */
function lastSlashOrNone(bytes: Uint8Array, start: number, end: number): number {
  let slash = -1
  for (let i = start; i < end; i++) {
    const byte = bytes[i]
    if (byte === 0x2f) slash = i
    else if (byte === 0) return -1
  }
  return slash
}

/** Full validity; plain ASCII is decided on the bytes, anything else on the text. */
function isValidPath(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start === 1) return bytes[start] === 0x2f
  if (end === start || bytes[start] !== 0x2f || bytes[end - 1] === 0x2f) return false
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    if (byte < 0x20 || byte > 0x7e) return pathProblem(decodeUtf8(bytes, start, end)) === null
    if (byte !== 0x2f) continue
    const next = bytes[i + 1]
    if (next === 0x2f) return false
    if (next === 0x2e) return pathProblem(decodeUtf8(bytes, start, end)) === null
  }
  return true
}
