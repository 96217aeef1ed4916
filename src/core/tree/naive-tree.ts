// The tree of znodes as plain objects and Maps: the obvious twin of `ColumnTree`, with which that
// is compared, and the model of the simulator's checkers. It keeps no index that it can do
// without; a session's ephemerals, for one, are found by looking at every node.

import { assert, must } from '../../base/assert.ts'
import { crc32 } from '../../base/checksum.ts'
import { compareBytes, copyOf, decodeUtf8, encodeUtf8 } from '../../base/text.ts'
import { JuteReader } from '../jute/reader.ts'
import { type Zxid, ZXID_ZERO } from '../../base/zxid.ts'
import type { JuteWriter } from '../jute/writer.ts'
import { WORLD_READ } from '../records/acl.ts'
import { type StatPersisted, stat, statPersisted } from '../records/stat.ts'
import type { AclTable } from './acl-table.ts'
import {
  ACL_WORLD_ALL,
  type DataTree,
  NO_ROW,
  type OwnerRules,
  ROOT,
  type Row,
  type TreeWalk,
} from './data-tree.ts'
import { nodeDigest } from './node-digest.ts'
import { OwnerKind, ownerKindOf, ttlMsOf } from './owner.ts'
import { RefAclTable } from './ref-acl-table.ts'

interface Node {
  /** NO_ROW once the node has been removed. */
  row: Row
  readonly parent: Node | null
  readonly name: string
  readonly path: string
  readonly children: Map<string, Node>
  data: Uint8Array | null
  aclId: number
  stat: StatPersisted
}

export class NaiveTree implements DataTree {
  readonly acls: AclTable
  readonly hashSeed = 0
  readonly #rules: OwnerRules
  readonly #rows: (Node | null)[] = []
  readonly #freeRows: Row[] = []
  #digest = 0n

  constructor(rules: OwnerRules, acls: AclTable = new RefAclTable()) {
    this.#rules = rules
    this.acls = acls
    const root = this.#add(null, '', NO_DATA, ACL_WORLD_ALL, FRESH_STAT)
    const system = this.#add(root, 'zookeeper', NO_DATA, ACL_WORLD_ALL, FRESH_STAT)
    this.#add(system, 'quota', NO_DATA, ACL_WORLD_ALL, FRESH_STAT)
    const configAcl = acls.internList(WORLD_READ)
    this.#add(system, 'config', NO_DATA, configAcl, { ...FRESH_STAT, aversion: -1 })
  }

  get nodeCount(): number {
    return this.#nodes().length + 1
  }

  get approximateDataBytes(): number {
    let bytes = '/'.length
    for (const node of this.#nodes()) bytes += node.path.length + (node.data?.length ?? 0)
    return bytes
  }

  get ephemeralCount(): number {
    return this.#nodes().filter((node) => this.#kind(node) === OwnerKind.session).length
  }

  get digestHigh(): number {
    return Number(this.#digest >> 32n)
  }

  get digestLow(): number {
    return Number(this.#digest & 0xffff_ffffn)
  }

  lookup(path: Uint8Array, start: number, end: number): Row {
    return this.lookupText(decodeUtf8(path, start, end))
  }

  lookupText(path: string): Row {
    if (path === '' || path === '/') return ROOT
    const [first, ...names] = path.split('/')
    if (first !== '') return NO_ROW
    let node = this.#at(ROOT)
    for (const name of names) {
      const child = node.children.get(name)
      if (child === undefined) return NO_ROW
      node = child
    }
    return node.row
  }

  child(parent: Row, name: Uint8Array, start: number, end: number): Row {
    return this.#at(parent).children.get(decodeUtf8(name, start, end))?.row ?? NO_ROW
  }

  parent(row: Row): Row {
    return this.#at(row).parent?.row ?? NO_ROW
  }

  path(row: Row): string {
    return this.#at(row).path || '/'
  }

  czxid(row: Row): Zxid {
    return this.#at(row).stat.czxid
  }

  mzxid(row: Row): Zxid {
    return this.#at(row).stat.mzxid
  }

  pzxid(row: Row): Zxid {
    return this.#at(row).stat.pzxid
  }

  ctime(row: Row): number {
    return this.#at(row).stat.ctime
  }

  mtime(row: Row): number {
    return this.#at(row).stat.mtime
  }

  version(row: Row): number {
    return this.#at(row).stat.version
  }

  creations(row: Row): number {
    return this.#at(row).stat.cversion
  }

  aversion(row: Row): number {
    return this.#at(row).stat.aversion
  }

  ownerHigh(row: Row): number {
    return highOf(this.#at(row).stat.ephemeralOwner)
  }

  ownerLow(row: Row): number {
    return lowOf(this.#at(row).stat.ephemeralOwner)
  }

  isEphemeral(row: Row): boolean {
    return this.#kind(this.#at(row)) === OwnerKind.session
  }

  childCount(row: Row): number {
    return this.#at(row).children.size
  }

  dataLength(row: Row): number {
    return this.#at(row).data?.length ?? -1
  }

  aclId(row: Row): number {
    return this.#at(row).aclId
  }

  data(row: Row): Uint8Array | null {
    return this.#at(row).data?.slice() ?? null
  }

  contentCrc(row: Row): number {
    return contentCrcOf(this.#at(row))
  }

  isDigested(row: Row): boolean {
    return isDigested(this.#at(row))
  }

  digest(row: Row): number {
    return Number(digestOf(this.#at(row)))
  }

  descendantCount(row: Row): number {
    let count = 0
    for (const child of this.#at(row).children.values())
      count += 1 + this.descendantCount(child.row)
    return count
  }

  writeStat(row: Row, out: JuteWriter): void {
    const node = this.#at(row)
    const childCount = node.children.size
    stat.write(out, {
      ...node.stat,
      cversion: (2 * node.stat.cversion - childCount) | 0,
      ephemeralOwner: this.#kind(node) === OwnerKind.session ? node.stat.ephemeralOwner : 0n,
      dataLength: node.data?.length ?? 0,
      numChildren: childCount,
    })
  }

  writeData(row: Row, out: JuteWriter): void {
    out.buffer(this.#at(row).data)
  }

  writeChildren(row: Row, out: JuteWriter): void {
    const names = sortedNames(this.#at(row))
    out.int(names.length)
    for (const name of names) out.ustring(name)
  }

  writePath(row: Row, out: JuteWriter, rootAs: '' | '/'): void {
    out.ustring(this.#at(row).path || rootAs)
  }

  writeSnapshotNode(row: Row, out: JuteWriter): void {
    const node = this.#at(row)
    out.ustring(node.path)
    out.buffer(node.data)
    out.safeLong(node.aclId)
    statPersisted.write(out, node.stat)
  }

  childNames(row: Row, after: string | null, limit: number): readonly string[] {
    const names = sortedNames(this.#at(row))
    if (after === null) return names.slice(0, limit)
    const afterBytes = encodeUtf8(after)
    return names.filter((name) => compareBytes(encodeUtf8(name), afterBytes) > 0).slice(0, limit)
  }

  forEachChild(row: Row, visit: (child: Row) => void): void {
    const node = this.#at(row)
    for (const name of sortedNames(node)) visit(node.children.get(name)!.row)
  }

  ephemerals(ownerHigh: number, ownerLow: number): Iterable<Row> {
    const owner = ownerOf(ownerHigh, ownerLow)
    return this.#nodes()
      .filter((node) => this.#kind(node) === OwnerKind.session)
      .filter((node) => node.stat.ephemeralOwner === owner)
      .map((node) => node.row)
  }

  ephemeralOwners(): Iterable<bigint> {
    const ephemerals = this.#nodes().filter((node) => this.#kind(node) === OwnerKind.session)
    return new Set(ephemerals.map((node) => node.stat.ephemeralOwner))
  }

  containers(): Iterable<Row> {
    return this.#nodes()
      .filter((node) => this.#kind(node) === OwnerKind.container)
      .map((node) => node.row)
  }

  ttlNodes(): Iterable<readonly [row: Row, ttlMs: number]> {
    return this.#nodes()
      .filter((node) => this.#kind(node) === OwnerKind.ttl)
      .map((node) => {
        const owner = node.stat.ephemeralOwner
        return [node.row, ttlMsOf(this.#rules, highOf(owner), lowOf(owner))]
      })
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
    const parentNode = this.#at(parent)
    const nameText = decodeUtf8(name, nameStart, nameEnd)
    assert(
      !parentNode.children.has(nameText),
      () => `${parentNode.path}/${nameText} exists already`,
    )
    const node = this.#add(parentNode, nameText, slice(data, dataStart, dataEnd), aclId, {
      czxid: zxid,
      mzxid: zxid,
      ctime: timeMs,
      mtime: timeMs,
      version: 0,
      cversion: 0,
      aversion: 0,
      ephemeralOwner: ownerOf(ownerHigh, ownerLow),
      pzxid: zxid,
    })
    return node.row
  }

  remove(row: Row): void {
    const node = this.#at(row)
    const parent = must(node.parent, 'the root is never removed')
    assert(node.children.size === 0, () => `${node.path} still has children`)
    this.#digest = BigInt.asIntN(64, this.#digest - digestOf(node))
    parent.children.delete(node.name)
    this.acls.release(node.aclId)
    this.#rows[row] = null
    this.#freeRows.push(row)
    node.row = NO_ROW
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
    const node = this.#at(row)
    this.#change(node, () => {
      node.data = slice(data, start, end)
      node.stat = { ...node.stat, version, mzxid: zxid, mtime: timeMs }
    })
  }

  replaceDataSilently(row: Row, data: Uint8Array): void {
    const node = this.#at(row)
    this.#change(node, () => {
      node.data = copyOf(data, 0, data.length)
    })
  }

  setAcl(row: Row, aclId: number, aversion: number): void {
    const node = this.#at(row)
    this.#change(node, () => {
      this.#replaceAcl(node, aclId)
      node.stat = { ...node.stat, aversion }
    })
  }

  touchParent(row: Row, creations: number, pzxid: Zxid): void {
    const node = this.#at(row)
    this.#change(node, () => {
      node.stat = { ...node.stat, cversion: creations, pzxid }
    })
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
    const text = decodeUtf8(bytes, pathStart, pathEnd)
    const data = dataStart < 0 ? null : copyOf(bytes, dataStart, dataEnd)
    const stat = statPersisted.read(new JuteReader(bytes, statStart, bytes.length))
    const existing = this.lookupText(text)
    if (existing !== NO_ROW) {
      const node = this.#at(existing)
      this.#change(node, () => {
        this.#replaceAcl(node, aclId)
        node.data = data
        node.stat = stat
      })
      return existing
    }
    const slash = text.lastIndexOf('/')
    const parent = slash < 0 ? NO_ROW : this.lookupText(text.slice(0, slash))
    if (parent === NO_ROW || slash === text.length - 1) return NO_ROW
    const name = text.slice(slash + 1)
    return this.#add(this.#at(parent), name, data, aclId, stat).row
  }

  walk(lastZxid: () => Zxid = () => Number.POSITIVE_INFINITY as Zxid): TreeWalk {
    return new NaiveWalk(this.#at(ROOT), lastZxid)
  }

  verify(): void {
    let digest = 0n
    for (const node of this.#nodes()) {
      digest += digestOf(node)
      assert(this.lookupText(node.path) === node.row, () => `${node.path} is not found by its path`)
      if (node.parent === null) continue
      assert(this.#rows[node.parent.row] === node.parent, () => `${node.path} has a lost parent`)
    }
    assert(BigInt.asIntN(64, digest) === this.#digest, 'the digest is not the sum over the nodes')
  }

  #add(
    parent: Node | null,
    name: string,
    data: Uint8Array | null,
    aclId: number,
    stat: StatPersisted,
  ): Node {
    const row = this.#freeRows.pop() ?? this.#rows.length
    const path = parent === null ? '' : `${parent.path}/${name}`
    const node: Node = { row, parent, name, path, children: new Map(), data, aclId, stat }
    this.#rows[row] = node
    parent?.children.set(name, node)
    this.acls.retain(aclId)
    this.#digest = BigInt.asIntN(64, this.#digest + digestOf(node))
    return node
  }

  #change(node: Node, change: () => void): void {
    const before = digestOf(node)
    change()
    this.#digest = BigInt.asIntN(64, this.#digest - before + digestOf(node))
  }

  #replaceAcl(node: Node, aclId: number): void {
    this.acls.retain(aclId)
    this.acls.release(node.aclId)
    node.aclId = aclId
  }

  #at(row: Row): Node {
    return must(this.#rows[row], () => `no node has row ${row}`)
  }

  #nodes(): Node[] {
    return this.#rows.filter((node) => node !== null)
  }

  #kind(node: Node): OwnerKind {
    const owner = node.stat.ephemeralOwner
    return ownerKindOf(this.#rules, highOf(owner), lowOf(owner))
  }
}

/** Fixes the names of a node's children when it comes to that node, and skips those gone since. */
class NaiveWalk implements TreeWalk {
  readonly #pending: {
    readonly parent: Node
    readonly names: string[]
    readonly newest: Zxid
  }[] = []
  readonly #lastZxid: () => Zxid
  #root: Node | null

  constructor(root: Node, lastZxid: () => Zxid) {
    this.#root = root
    this.#lastZxid = lastZxid
  }

  next(): Row {
    if (this.#root !== null) {
      const root = this.#root
      this.#root = null
      return this.#enter(root)
    }
    for (let top = this.#pending.at(-1); top !== undefined; top = this.#pending.at(-1)) {
      const name = top.parent.row === NO_ROW ? undefined : top.names.pop()
      if (name === undefined) {
        this.#pending.pop()
        continue
      }
      const child = top.parent.children.get(name)
      if (child !== undefined && child.stat.czxid <= top.newest) return this.#enter(child)
    }
    return NO_ROW
  }

  #enter(node: Node): Row {
    const names = sortedNames(node).reverse()
    this.#pending.push({ parent: node, names, newest: this.#lastZxid() })
    return node.row
  }
}

const NO_DATA = new Uint8Array(0)

const FRESH_STAT: StatPersisted = {
  czxid: ZXID_ZERO,
  mzxid: ZXID_ZERO,
  ctime: 0,
  mtime: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0n,
  pzxid: ZXID_ZERO,
}

const sortedNames = (node: Node): string[] =>
  [...node.children.keys()]
    .map((name) => ({ name, bytes: encodeUtf8(name) }))
    .sort((a, b) => compareBytes(a.bytes, b.bytes))
    .map(({ name }) => name)

const slice = (data: Uint8Array, start: number, end: number): Uint8Array | null =>
  start < 0 ? null : copyOf(data, start, end)

const ownerOf = (high: number, low: number): bigint => (BigInt(high | 0) << 32n) | BigInt(low >>> 0)

const highOf = (owner: bigint): number => Number(BigInt.asIntN(32, owner >> 32n))

const lowOf = (owner: bigint): number => Number(BigInt.asUintN(32, owner))

const isDigested = (node: Node): boolean => !node.path.startsWith('/zookeeper/')

function contentCrcOf(node: Node): number {
  const path = encodeUtf8(node.path)
  const crc = crc32(0, path, 0, path.length)
  return node.data === null ? crc : crc32(crc, node.data, 0, node.data.length)
}

function digestOf(node: Node): bigint {
  if (!isDigested(node)) return 0n
  const { czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion } = node.stat
  const owner = node.stat.ephemeralOwner
  const high = highOf(owner)
  const low = lowOf(owner)
  const crc = contentCrcOf(node)
  return BigInt(
    nodeDigest(crc, czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, high, low),
  )
}
