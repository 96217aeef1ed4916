// The tree of znodes outside the heap: nodes are rows of words, names and data are bytes in an
// arena, a stat is kept as it goes over the wire. The collector of garbage sees a few thousand
// typed arrays instead of millions of objects, and a reply is a few copies. This file puts the
// parts together and keeps stat, counts, indexes and digest in step; `NaiveTree` is its twin.

import { assert } from '../../base/assert.ts'
import { crc32 } from '../../base/checksum.ts'
import { EMPTY_BYTES, encodeUtf8 } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { JuteWriter } from '../jute/writer.ts'
import { WORLD_READ } from '../records/acl.ts'
import type { StatPersisted } from '../records/stat.ts'
import type { AclTable } from './acl-table.ts'
import { Arena } from './arena.ts'
import { ChildLists } from './child-lists.ts'
import { ColumnWalk } from './column-walk.ts'
import { copyBytes } from './copy-bytes.ts'
import {
  ACL_WORLD_ALL,
  type DataTree,
  NO_ROW,
  type OwnerRules,
  ROOT,
  type Row,
  type TreeWalk,
} from './data-tree.ts'
import { NameIndex, hashByte, hashEnd } from './name-index.ts'
import { NodeNames } from './node-names.ts'
import { NodePaths } from './node-paths.ts'
import { OwnerIndex } from './owner-index.ts'
import { OwnerKind } from './owner.ts'
import { RefAclTable } from './ref-acl-table.ts'
import { DigestSum, rowDigest } from './row-digest.ts'
import {
  ACL,
  AVERSION,
  BLOCK,
  CHILD_COUNT,
  CONTENT_CRC,
  CREATIONS,
  CTIME,
  CVERSION,
  CZXID,
  DATA_LENGTH,
  DIGEST,
  Flag,
  MTIME,
  MZXID,
  NAME,
  NAME_LENGTH_MASK,
  OWNER,
  PARENT,
  PZXID,
  RowStore,
  STAT,
  STAT_WORDS,
  VERSION,
  putLong,
  rowOffset,
} from './row-store.ts'
import { verifyColumns } from './verify-columns.ts'
import { WORDWISE_BYTES_MAX, writeWords } from './write-words.ts'

export class ColumnTree implements DataTree {
  readonly acls: AclTable
  readonly #rows = new RowStore()
  readonly #arena = new Arena()
  readonly #names = new NodeNames(this.#rows, this.#arena)
  readonly #paths = new NodePaths(this.#rows, this.#arena, this.#names)
  readonly #children = new ChildLists(this.#rows, this.#arena, this.#names)
  readonly #index: NameIndex
  readonly #owners: OwnerIndex
  readonly #digest = new DigestSum()
  /** `/zookeeper`, whose descendants the digest leaves out. */
  readonly #system: Row
  #approximateDataBytes = '/'.length

  /** Where names are placed in the index follows from `hashSeed`; nothing else does. */
  constructor(rules: OwnerRules, acls: AclTable = new RefAclTable(), hashSeed: number = 0) {
    this.acls = acls
    this.#index = new NameIndex(this.#names, hashSeed)
    this.#owners = new OwnerIndex(rules)
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
    let row = ROOT
    for (let at = start; at < end; ) {
      const nameStart = at + 1
      let hash = index.hashStart(row)
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
    return this.#index.find(this.#index.hash(parent, name, start, end), parent, name, start, end)
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
    return this.#rows.get(row, CREATIONS)
  }

  aversion(row: Row): number {
    return this.#rows.get(row, AVERSION)
  }

  ownerHigh(row: Row): number {
    if (this.#has(row, Flag.specialOwner)) return Number(this.#owners.specialOwner(row) >> 32n)
    return this.#rows.get(row, OWNER)
  }

  ownerLow(row: Row): number {
    if (this.#has(row, Flag.specialOwner)) {
      return Number(BigInt.asUintN(32, this.#owners.specialOwner(row)))
    }
    return this.#rows.get(row, OWNER + 1) >>> 0
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
    if (this.#has(row, Flag.nullData)) return null
    const block = this.#rows.get(row, BLOCK)
    const start = this.#arena.offsetOf(block) + padded(this.#names.byteLength(row))
    return this.#arena.bytesOf(block).slice(start, start + this.#rows.get(row, DATA_LENGTH))
  }

  contentCrc(row: Row): number {
    return this.#rows.get(row, CONTENT_CRC) >>> 0
  }

  isDigested(row: Row): boolean {
    return !this.#has(row, Flag.undigested)
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
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    const nameAndFlags = words[at + NAME]!
    if ((nameAndFlags & Flag.nullData) !== 0) {
      out.int(-1)
      return
    }
    const length = words[at + DATA_LENGTH]!
    const block = words[at + BLOCK]!
    const nameBytes = padded(nameAndFlags & NAME_LENGTH_MASK)
    out.int(length)
    if (length <= WORDWISE_BYTES_MAX) {
      const from = this.#arena.wordOffsetOf(block) + (nameBytes >>> 2)
      writeWords(this.#arena.wordsOf(block), from, length, out)
    } else {
      const from = this.#arena.offsetOf(block) + nameBytes
      out.raw(this.#arena.bytesOf(block), from, from + length)
    }
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
    this.writeData(row, out)
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    out.safeLong(words[at + ACL]!)
    for (let i = CZXID; i < VERSION; i++) out.int(words[at + i]!)
    out.int(words[at + VERSION]!)
    out.int(words[at + CREATIONS]!)
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
    putLong(words, at + CZXID, zxid)
    putLong(words, at + MZXID, zxid)
    putLong(words, at + PZXID, zxid)
    putLong(words, at + CTIME, timeMs)
    putLong(words, at + MTIME, timeMs)
    if (ownerHigh !== 0 || ownerLow !== 0) this.#setOwner(row, ownerHigh, ownerLow)
    this.#redigest(row, words, at)
    return row
  }

  remove(row: Row): void {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    const parent = words[at + PARENT]!
    assert(row !== ROOT, 'the root is never removed')
    assert(words[at + CHILD_COUNT] === 0, () => `${this.path(row)} still has children`)
    const nameLength = words[at + NAME]! & NAME_LENGTH_MASK
    const nameStart = this.#names.offsetOf(row)
    const name = this.#names.bytesOf(row)
    this.#index.remove(this.#index.hash(parent, name, nameStart, nameStart + nameLength), row)
    this.#children.remove(parent, row)
    this.#showChildren(parent)
    this.#approximateDataBytes -= this.#paths.characters(row) + words[at + DATA_LENGTH]!
    this.#paths.forget(row)
    this.#clearOwner(row)
    if ((words[at + NAME]! & Flag.undigested) === 0) this.#digest.subtract(words[at + DIGEST]!)
    this.acls.release(words[at + ACL]!)
    this.#arena.free(words[at + BLOCK]!, padded(nameLength) + words[at + DATA_LENGTH]!)
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
    this.#storeData(row, words, at, data, start, end)
    this.#redigest(row, words, at)
  }

  replaceDataSilently(row: Row, data: Uint8Array): void {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    this.#storeData(row, words, at, data, 0, data.length)
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
    words[at + CREATIONS] = creations
    putLong(words, at + PZXID, pzxid)
    this.#showChildren(row)
    this.#redigest(row, words, at)
  }

  load(
    path: Uint8Array,
    start: number,
    end: number,
    data: Uint8Array | null,
    aclId: number,
    stat: StatPersisted,
  ): Row {
    let row = this.lookup(path, start, end)
    const bytes = data ?? EMPTY_BYTES
    const dataStart = data === null ? -1 : 0
    if (row === NO_ROW) {
      let slash = end - 1
      while (slash >= start && path[slash] !== SLASH) slash--
      const parent = slash < start ? NO_ROW : this.lookup(path, start, slash)
      if (parent === NO_ROW || slash === end - 1) return NO_ROW
      row = this.#place(parent, path, slash + 1, end, bytes, dataStart, bytes.length, aclId)
    } else {
      const words = this.#rows.segmentOf(row)
      this.#replaceAcl(words, rowOffset(row), aclId)
      this.#storeData(row, words, rowOffset(row), bytes, dataStart, bytes.length)
    }
    this.#loadStat(row, stat)
    return row
  }

  walk(): TreeWalk {
    return new ColumnWalk(this.#rows, this.#names, this.#children)
  }

  verify(): void {
    verifyColumns({
      tree: this,
      rows: this.#rows,
      arena: this.#arena,
      names: this.#names,
      paths: this.#paths,
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
    const nameLength = nameEnd - nameStart
    const dataLength = dataStart < 0 ? 0 : dataEnd - dataStart
    assert(nameLength <= NAME_LENGTH_MASK, 'a name is shorter than 16 MiB')
    const row = this.#rows.allocate()
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    const block = this.#arena.allocate(padded(nameLength) + dataLength)
    const bytes = this.#arena.bytesOf(block)
    const blockStart = this.#arena.offsetOf(block)
    let flags = Flag.live
    for (let i = 0; i < nameLength; i++) {
      const byte = name[nameStart + i]!
      if (byte > 0x7f) flags |= Flag.wideName
      bytes[blockStart + i] = byte
    }
    if (dataStart < 0) flags |= Flag.nullData
    else copyBytes(data, dataStart, dataEnd, bytes, blockStart + padded(nameLength))
    if (parent !== NO_ROW && (parent === this.#system || this.#has(parent, Flag.undigested))) {
      flags |= Flag.undigested
    }
    words[at + PARENT] = parent
    words[at + BLOCK] = block
    words[at + NAME] = nameLength | flags
    words[at + ACL] = aclId
    words[at + DATA_LENGTH] = dataLength
    this.acls.retain(aclId)
    if (parent !== NO_ROW) {
      this.#index.add(this.#index.hash(parent, name, nameStart, nameEnd), row)
      this.#children.add(parent, row)
      this.#showChildren(parent)
    }
    const pathCrc = this.#paths.crc(row)
    words[at + CONTENT_CRC] = dataLength === 0 ? pathCrc : crc32(pathCrc, data, dataStart, dataEnd)
    this.#approximateDataBytes += this.#paths.characters(row) + dataLength
    return row
  }

  #storeData(
    row: Row,
    words: Int32Array,
    at: number,
    data: Uint8Array,
    start: number,
    end: number,
  ): void {
    const arena = this.#arena
    const nameLength = words[at + NAME]! & NAME_LENGTH_MASK
    const nameBytes = padded(nameLength)
    const before = words[at + DATA_LENGTH]!
    const length = start < 0 ? 0 : end - start
    let block = words[at + BLOCK]!
    if (!arena.sameClass(nameBytes + before, nameBytes + length)) {
      const old = block
      block = arena.allocate(nameBytes + length)
      const from = arena.offsetOf(old)
      copyBytes(
        arena.bytesOf(old),
        from,
        from + nameLength,
        arena.bytesOf(block),
        arena.offsetOf(block),
      )
      arena.free(old, nameBytes + before)
      words[at + BLOCK] = block
    }
    if (start < 0) {
      words[at + NAME]! |= Flag.nullData
    } else {
      words[at + NAME]! &= ~Flag.nullData
      copyBytes(data, start, end, arena.bytesOf(block), arena.offsetOf(block) + nameBytes)
    }
    words[at + DATA_LENGTH] = length
    const pathCrc = this.#paths.crc(row)
    words[at + CONTENT_CRC] = length === 0 ? pathCrc : crc32(pathCrc, data, start, end)
    this.#approximateDataBytes += length - before
  }

  #loadStat(row: Row, stat: StatPersisted): void {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    putLong(words, at + CZXID, stat.czxid)
    putLong(words, at + MZXID, stat.mzxid)
    putLong(words, at + PZXID, stat.pzxid)
    putLong(words, at + CTIME, stat.ctime)
    putLong(words, at + MTIME, stat.mtime)
    words[at + VERSION] = stat.version
    words[at + CREATIONS] = stat.cversion
    words[at + AVERSION] = stat.aversion
    this.#clearOwner(row)
    if (stat.ephemeralOwner !== 0n) {
      const low = Number(BigInt.asIntN(32, stat.ephemeralOwner))
      this.#setOwner(row, Number(BigInt.asIntN(32, stat.ephemeralOwner >> 32n)), low)
    }
    this.#showChildren(row)
    this.#redigest(row, words, at)
  }

  /** The cversion that clients see counts creations and removals. */
  #showChildren(row: Row): void {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    words[at + CVERSION] = 2 * words[at + CREATIONS]! - words[at + CHILD_COUNT]!
  }

  #setOwner(row: Row, high: number, low: number): void {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    const kind = this.#owners.add(row, high, low)
    if (kind === OwnerKind.session) {
      words[at + OWNER] = high
      words[at + OWNER + 1] = low
      words[at + NAME]! |= Flag.sessionOwned
    } else if (kind !== OwnerKind.none) {
      words[at + NAME]! |= Flag.specialOwner
    }
  }

  #clearOwner(row: Row): void {
    const words = this.#rows.segmentOf(row)
    const at = rowOffset(row)
    const flags = words[at + NAME]!
    if ((flags & Flag.sessionOwned) !== 0) {
      this.#owners.removeEphemeral(row, words[at + OWNER]!, words[at + OWNER + 1]!)
    } else if ((flags & Flag.specialOwner) !== 0) {
      this.#owners.removeSpecial(row)
    }
    words[at + OWNER] = 0
    words[at + OWNER + 1] = 0
    words[at + NAME] = flags & ~(Flag.sessionOwned | Flag.specialOwner)
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

/** Data begins on a word, so that it can be copied out by words. */
const padded = (nameLength: number): number => (nameLength + 3) & ~3
