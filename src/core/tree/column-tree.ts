// The tree of znodes outside the heap: nodes are rows of words, names and data are bytes in an
// arena, a stat is kept as it goes over the wire. The collector of garbage sees a few thousand
// typed arrays instead of millions of objects, and a reply is a few copies. This file puts the
// parts together and keeps stat, counts, indexes and digest in step; `NaiveTree` is its twin.

import { assert } from '../../base/assert.ts'
import { crc32 } from '../../base/checksum.ts'
import { LastView } from '../../base/last-view.ts'
import { EMPTY_BYTES, copyOf, encodeUtf8 } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { JuteWriter } from '../jute/writer.ts'
import { WORLD_READ } from '../records/acl.ts'
import type { AclTable } from './acl-table.ts'
import { Arena } from './arena.ts'
import { ChildLists } from './child-lists.ts'
import { ColumnWalk } from './column-walk.ts'
import {
  ACL_WORLD_ALL,
  type DataTree,
  NO_ROW,
  type OwnerRules,
  ROOT,
  type Row,
  type TreeWalk,
} from './data-tree.ts'
import { hashByte, hashEnd } from './name-hash.ts'
import { NameIndex } from './name-index.ts'
import { NodeContent } from './node-content.ts'
import { NodeNames } from './node-names.ts'
import { NodePaths } from './node-paths.ts'
import { OwnerIndex } from './owner-index.ts'
import { RefAclTable } from './ref-acl-table.ts'
import { DigestSum, rowDigest } from './row-digest.ts'
import {
  ACL,
  BLOCK,
  AVERSION,
  CHILD_COUNT,
  CONTENT_CRC,
  CTIME,
  CVERSION,
  CZXID,
  DATA_LENGTH,
  DIGEST,
  Flag,
  MTIME,
  MZXID,
  NAME,
  OWNER,
  PARENT,
  PZXID,
  RowStore,
  STAT,
  STAT_WORDS,
  VERSION,
  creationsOf,
  putLong,
  rowOffset,
  setCreations,
} from './row-store.ts'
import { verifyColumns } from './verify-columns.ts'

export class ColumnTree implements DataTree {
  readonly acls: AclTable
  readonly hashSeed: number
  readonly #rows = new RowStore()
  readonly #arena = new Arena()
  readonly #names: NodeNames
  readonly #content = new NodeContent(this.#rows, this.#arena)
  readonly #paths = new NodePaths(this.#rows, this.#arena)
  readonly #children: ChildLists
  readonly #index: NameIndex
  readonly #owners: OwnerIndex
  readonly #digest = new DigestSum()
  /** `/zookeeper`, whose descendants the digest leaves out. */
  readonly #system: Row
  #approximateDataBytes = '/'.length
  /** The parent of the node that was loaded last; NO_ROW once nodes have been removed. */
  #lastParent: Row = NO_ROW
  #lastParentPath: Uint8Array = EMPTY_BYTES
  readonly #views = new LastView()

  /** Where names are placed in the index follows from `hashSeed`; nothing else does. */
  constructor(rules: OwnerRules, acls: AclTable = new RefAclTable(), hashSeed: number = 0) {
    this.acls = acls
    this.hashSeed = hashSeed
    this.#names = new NodeNames(this.#rows, this.#arena, hashSeed)
    this.#children = new ChildLists(this.#rows, this.#arena, this.#names)
    this.#index = new NameIndex(this.#names)
    this.#owners = new OwnerIndex(this.#rows, rules)
    this.#system = NO_ROW
    this.#addSystemNode(NO_ROW, '', ACL_WORLD_ALL)
    this.#system = this.#addSystemNode(ROOT, 'zookeeper', ACL_WORLD_ALL)
    this.#addSystemNode(this.#system, 'quota', ACL_WORLD_ALL)
    const config = this.#addSystemNode(this.#system, 'config', acls.internList(WORLD_READ))
    this.#rows.set(config, AVERSION, -1)
  }

  get nodeCount(): number {
    return this.#rows.liveCount + 1
  }

  get approximateDataBytes(): number {
    return this.#approximateDataBytes
  }

  get ephemeralCount(): number {
    return this.#owners.ephemeralCount
  }

  get digestHigh(): number {
    return this.#digest.high
  }

  get digestLow(): number {
    return this.#digest.low
  }

  lookup(path: Uint8Array, start: number, end: number): Row {
    if (start === end) return ROOT
    if (path[start] !== SLASH) return NO_ROW
    if (end === start + 1) return ROOT
    const index = this.#index
    const names = this.#names
    let row = ROOT
    for (let at = start; at < end; ) {
      const nameStart = at + 1
      let hash = names.hashStart(row)
      for (at = nameStart; at < end; at++) {
        const byte = path[at]!
        if (byte === SLASH) break
        hash = hashByte(hash, byte)
      }
      if (at === nameStart) return NO_ROW
      row = index.find(hashEnd(hash), row, path, nameStart, at)
      if (row === NO_ROW) return NO_ROW
    }
    return row
  }

  lookupText(path: string): Row {
    const bytes = encodeUtf8(path)
    return this.lookup(bytes, 0, bytes.length)
  }

  child(parent: Row, name: Uint8Array, start: number, end: number): Row {
    return this.#index.find(this.#names.hash(parent, name, start, end), parent, name, start, end)
  }

  parent(row: Row): Row {
    return this.#rows.get(row, PARENT)
  }

  path(row: Row): string {
    return this.#paths.text(row)
  }

  czxid(row: Row): Zxid {
    return this.#rows.long(row, CZXID) as Zxid
  }

  mzxid(row: Row): Zxid {
    return this.#rows.long(row, MZXID) as Zxid
  }

  pzxid(row: Row): Zxid {
    return this.#rows.long(row, PZXID) as Zxid
  }

  ctime(row: Row): number {
    return this.#rows.long(row, CTIME)
  }

  mtime(row: Row): number {
    return this.#rows.long(row, MTIME)
  }

  version(row: Row): number {
    return this.#rows.get(row, VERSION)
  }

  creations(row: Row): number {
    return creationsOf(this.#rows.segmentOf(row), rowOffset(row))
  }

  aversion(row: Row): number {
    return this.#rows.get(row, AVERSION)
  }

  ownerHigh(row: Row): number {
    return this.#owners.high(row)
  }

  ownerLow(row: Row): number {
    return this.#owners.low(row)
  }

  isEphemeral(row: Row): boolean {
    return this.#has(row, Flag.sessionOwned)
  }

  childCount(row: Row): number {
    return this.#rows.get(row, CHILD_COUNT)
  }

  dataLength(row: Row): number {
    return this.#has(row, Flag.nullData) ? -1 : this.#rows.get(row, DATA_LENGTH)
  }

  aclId(row: Row): number {
    return this.#rows.get(row, ACL)
  }

  data(row: Row): Uint8Array | null {
    return this.#content.data(row)
  }

  contentCrc(row: Row): number {
    return this.#rows.get(row, CONTENT_CRC) >>> 0
  }

  isDigested(row: Row): boolean {
    return !this.#has(row, Flag.undigested)
  }

  digest(row: Row): number {
    return this.isDigested(row) ? this.#rows.get(row, DIGEST) >>> 0 : 0
  }

  descendantCount(row: Row): number {
    if (row === ROOT) return this.#rows.liveCount - 1
    let count = 0
    const parents: Row[] = [row]
    for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
      count += this.#rows.get(parent, CHILD_COUNT)
      const cursor = this.#children.all(parent)
      for (let child = cursor.next(); child !== NO_ROW; child = cursor.next()) {
        if (this.#rows.get(child, CHILD_COUNT) > 0) parents.push(child)
      }
    }
    return count
  }

  writeStat(row: Row, out: JuteWriter): void {
    out.ensure(STAT_WORDS * 4)
    const words = this.#rows.segmentOf(row)
    const view = out.dataView
    let from = rowOffset(row) + STAT
    let to = out.position
    const end = to + STAT_WORDS * 4
    for (; to < end; to += 4) view.setInt32(to, words[from++]!)
    out.position = end
  }

  writeData(row: Row, out: JuteWriter): void {
    this.#content.writeData(row, out)
  }

  writeChildren(row: Row, out: JuteWriter): void {
    out.int(this.#rows.get(row, CHILD_COUNT))
    const cursor = this.#children.all(row)
    for (let child = cursor.next(); child !== NO_ROW; child = cursor.next()) {
      this.#names.write(child, out)
    }
  }

  writePath(row: Row, out: JuteWriter, rootAs: '' | '/'): void {
    this.#paths.write(row, out, rootAs)
  }

  writeSnapshotNode(row: Row, out: JuteWriter): void {
    this.#paths.write(row, out, '')
    this.#content.writeData(row, out)
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    out.safeLong(words[at + ACL]!)
    for (let i = CZXID; i < VERSION; i++) out.int(words[at + i]!)
    out.int(words[at + VERSION]!)
    out.int(creationsOf(words, at))
    out.int(words[at + AVERSION]!)
    out.int(this.ownerHigh(row))
    out.int(this.ownerLow(row))
    out.int(words[at + PZXID]!)
    out.int(words[at + PZXID + 1]!)
  }

  childNames(row: Row, after: string | null, limit: number): readonly string[] {
    const name = after === null ? null : encodeUtf8(after)
    const cursor =
      name === null ? this.#children.all(row) : this.#children.after(row, name, 0, name.length)
    const found: string[] = []
    while (found.length < limit) {
      const child = cursor.next()
      if (child === NO_ROW) break
      found.push(this.#names.text(child))
    }
    return found
  }

  forEachChild(row: Row, visit: (child: Row) => void): void {
    const cursor = this.#children.all(row)
    for (let child = cursor.next(); child !== NO_ROW; child = cursor.next()) visit(child)
  }

  ephemerals(ownerHigh: number, ownerLow: number): Iterable<Row> {
    return this.#owners.ephemerals(ownerHigh, ownerLow)
  }

  ephemeralOwners(): Iterable<bigint> {
    return this.#owners.ephemeralOwners()
  }

  containers(): Iterable<Row> {
    return this.#owners.containers()
  }

  ttlNodes(): Iterable<readonly [row: Row, ttlMs: number]> {
    return this.#owners.ttlNodes()
  }

  insert(
    parent: Row,
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    data: Uint8Array,
    dataStart: number,
    dataEnd: number,
    aclId: number,
    ownerHigh: number,
    ownerLow: number,
    zxid: Zxid,
    timeMs: number,
  ): Row {
    const row = this.#place(parent, name, nameStart, nameEnd, data, dataStart, dataEnd, aclId)
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    const zxidHigh = Math.floor(zxid / 2 ** 32)
    const timeHigh = Math.floor(timeMs / 2 ** 32)
    words[at + CZXID] = zxidHigh
    words[at + CZXID + 1] = zxid
    words[at + MZXID] = zxidHigh
    words[at + MZXID + 1] = zxid
    words[at + CTIME] = timeHigh
    words[at + CTIME + 1] = timeMs
    words[at + MTIME] = timeHigh
    words[at + MTIME + 1] = timeMs
    words[at + PZXID] = zxidHigh
    words[at + PZXID + 1] = zxid
    if (ownerHigh !== 0 || ownerLow !== 0) this.#owners.set(row, ownerHigh, ownerLow)
    this.#redigest(row, words, at)
    return row
  }

  remove(row: Row): void {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    const parent = words[at + PARENT]!
    const nameAndFlags = words[at + NAME]!
    assert(row !== ROOT, 'the root is never removed')
    assert(words[at + CHILD_COUNT] === 0, () => `${this.path(row)} still has children`)
    this.#approximateDataBytes -= this.#paths.characters(words, at) + words[at + DATA_LENGTH]!
    this.#lastParent = NO_ROW
    this.#paths.forget(row)
    this.#index.remove(this.#names.hashOf(row), row)
    this.#children.remove(parent, row)
    this.#owners.clear(row)
    if ((nameAndFlags & Flag.undigested) === 0) this.#digest.subtract(words[at + DIGEST]!)
    this.acls.release(words[at + ACL]!)
    this.#content.free(words, at)
    this.#rows.free(row)
  }

  setData(
    row: Row,
    data: Uint8Array,
    start: number,
    end: number,
    version: number,
    zxid: Zxid,
    timeMs: number,
  ): void {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    words[at + VERSION] = version
    putLong(words, at + MZXID, zxid)
    putLong(words, at + MTIME, timeMs)
    this.#replaceData(row, words, at, data, start, end)
    this.#redigest(row, words, at)
  }

  replaceDataSilently(row: Row, data: Uint8Array): void {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    this.#replaceData(row, words, at, data, 0, data.length)
    this.#redigest(row, words, at)
  }

  setAcl(row: Row, aclId: number, aversion: number): void {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    this.#replaceAcl(words, at, aclId)
    words[at + AVERSION] = aversion
    this.#redigest(row, words, at)
  }

  touchParent(row: Row, creations: number, pzxid: Zxid): void {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    setCreations(words, at, creations)
    putLong(words, at + PZXID, pzxid)
    this.#redigest(row, words, at)
  }

  load(
    bytes: Uint8Array,
    pathStart: number,
    pathEnd: number,
    dataStart: number,
    dataEnd: number,
    aclId: number,
    statStart: number,
  ): Row {
    let slash = pathEnd - 1
    while (slash >= pathStart && bytes[slash] !== SLASH) slash--
    const isRoot = pathStart === pathEnd || (slash === pathStart && pathEnd === pathStart + 1)
    let parent = NO_ROW
    let row: Row = ROOT
    if (!isRoot) {
      if (slash < pathStart || slash === pathEnd - 1) return NO_ROW
      parent = this.#parentToLoad(bytes, pathStart, slash)
      if (parent === NO_ROW) return NO_ROW
      row = this.child(parent, bytes, slash + 1, pathEnd)
    }
    if (row === NO_ROW) {
      row = this.#place(parent, bytes, slash + 1, pathEnd, bytes, dataStart, dataEnd, aclId)
    } else {
      const words = this.#rows.segmentOf(row)
      this.#replaceAcl(words, rowOffset(row), aclId)
      this.#replaceData(row, words, rowOffset(row), bytes, dataStart, dataEnd)
    }
    this.#loadStat(row, bytes, statStart)
    return row
  }

  walk(lastZxid: (() => Zxid) | null = null): TreeWalk {
    return new ColumnWalk(this.#rows, this.#names, this.#children, lastZxid)
  }

  verify(): void {
    verifyColumns({
      tree: this,
      rows: this.#rows,
      arena: this.#arena,
      children: this.#children,
      index: this.#index,
      owners: this.#owners,
    })
  }

  #addSystemNode(parent: Row, name: string, aclId: number): Row {
    const bytes = encodeUtf8(name)
    const row = this.#place(parent, bytes, 0, bytes.length, EMPTY_BYTES, 0, 0, aclId)
    this.#redigest(row, this.#rows.segmentOf(row), rowOffset(row))
    return row
  }

  /** Makes a row and enters it everywhere; its stat, owner and digest are still to be set. */
  #place(
    parent: Row,
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    data: Uint8Array,
    dataStart: number,
    dataEnd: number,
    aclId: number,
  ): Row {
    const row = this.#rows.allocate()
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    words[at + PARENT] = parent
    words[at + ACL] = aclId
    this.acls.retain(aclId)
    this.#content.create(words, at, name, nameStart, nameEnd, data, dataStart, dataEnd)
    if (parent !== NO_ROW) {
      this.#enter(parent, row, words, at, this.#names.hash(parent, name, nameStart, nameEnd))
    }
    const pathCrc = this.#paths.crc(words, at)
    words[at + CONTENT_CRC] = dataStart < 0 ? pathCrc : crc32(pathCrc, data, dataStart, dataEnd)
    this.#approximateDataBytes += this.#paths.characters(words, at) + words[at + DATA_LENGTH]!
    return row
  }

  #enter(parent: Row, row: Row, words: Int32Array, at: number, hash: number): void {
    if (parent === this.#system || this.#has(parent, Flag.undigested)) {
      words[at + NAME]! |= Flag.undigested
    }
    this.#index.add(hash, row, words[at + BLOCK]!)
    this.#children.add(parent, row)
  }

  #replaceData(
    row: Row,
    words: Int32Array,
    at: number,
    data: Uint8Array,
    start: number,
    end: number,
  ): void {
    const block = words[at + BLOCK]!
    this.#approximateDataBytes += this.#content.replaceData(words, at, data, start, end)
    if (words[at + BLOCK] !== block && row !== ROOT) {
      this.#index.move(this.#names.hashOf(row), row, words[at + BLOCK]!)
    }
    const pathCrc = this.#paths.crc(words, at)
    words[at + CONTENT_CRC] = start < 0 ? pathCrc : crc32(pathCrc, data, start, end)
  }

  /** Children of one parent come one after the other: its path is compared before it is looked up. */
  #parentToLoad(path: Uint8Array, start: number, end: number): Row {
    const last = this.#lastParentPath
    const length = end - start
    let same = this.#lastParent !== NO_ROW && length === last.length
    for (let i = 0; same && i < length; i++) same = last[i] === path[start + i]
    if (same) return this.#lastParent
    const parent = this.lookup(path, start, end)
    this.#lastParent = parent
    this.#lastParentPath = copyOf(path, start, end)
    return parent
  }

  #loadStat(row: Row, bytes: Uint8Array, statStart: number): void {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    // A stat is stored as it is kept, up to the version of the children.
    const view = this.#views.of(bytes)
    let from = statStart
    for (let to = at + CZXID; to < at + CVERSION; to++, from += 4) words[to] = view.getInt32(from)
    setCreations(words, at, view.getInt32(from))
    words[at + AVERSION] = view.getInt32(from + 4)
    const ownerHigh = view.getInt32(from + 8)
    const ownerLow = view.getInt32(from + 12)
    words[at + PZXID] = view.getInt32(from + 16)
    words[at + PZXID + 1] = view.getInt32(from + 20)
    this.#owners.clear(row)
    if (ownerHigh !== 0 || ownerLow !== 0) this.#owners.set(row, ownerHigh, ownerLow)
    this.#redigest(row, words, at)
  }

  #replaceAcl(words: Int32Array, at: number, aclId: number): void {
    this.acls.retain(aclId)
    this.acls.release(words[at + ACL]!)
    words[at + ACL] = aclId
  }

  #redigest(row: Row, words: Int32Array, at: number): void {
    const flags = words[at + NAME]!
    if ((flags & Flag.undigested) !== 0) return
    const isSpecial = (flags & Flag.specialOwner) !== 0
    const ownerHigh = isSpecial ? this.ownerHigh(row) : words[at + OWNER]!
    const ownerLow = isSpecial ? this.ownerLow(row) : words[at + OWNER + 1]!
    const digest = rowDigest(words, at, ownerHigh, ownerLow)
    this.#digest.subtract(words[at + DIGEST]!)
    this.#digest.add(digest)
    words[at + DIGEST] = digest
  }

  #has(row: Row, flag: number): boolean {
    return (this.#rows.get(row, NAME) & flag) !== 0
  }
}

const SLASH = 0x2f
