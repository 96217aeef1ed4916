// The tree outside the heap against its naive twin: whatever is done to both, everything that can
// be observed of them is the same. Steps are drawn so that rows and bytes are reused, lists of
// children change their form, blocks change their size class, and walks go on through all of it.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { crc32 } from '../../base/checksum.ts'
import { loadStored, storedNode } from '../../../test/support/stored-node.ts'
import { encodeUtf8 } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import { JuteWriter } from '../jute/writer.ts'
import { type Acl, WORLD_ALL, WORLD_READ } from '../records/acl.ts'
import { ColumnTree } from './column-tree.ts'
import {
  CONTAINER_OWNER_HIGH,
  type DataTree,
  NO_ROW,
  ROOT,
  type Row,
  TTL_OWNER_HIGH,
  type TreeWalk,
} from './data-tree.ts'
import { NaiveTree } from './naive-tree.ts'

type Step = Readonly<
  | { kind: 'create'; at: number; name: string; size: number; owner: number; acl: number }
  | { kind: 'fill'; at: number; prefix: string; count: number; stride: number }
  | { kind: 'clear'; at: number; from: number; count: number; stride: number }
  | { kind: 'remove'; at: number }
  | { kind: 'setData'; at: number; size: number }
  | { kind: 'replaceData'; at: number; size: number }
  | { kind: 'setAcl'; at: number; acl: number }
  | { kind: 'touch'; at: number; creations: number }
  | { kind: 'load'; at: number; name: string; size: number; owner: number; acl: number }
  | { kind: 'page'; at: number; after: string | null; limit: number }
  | { kind: 'walk'; steps: number }
>

const at = fc.nat()
const name = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    'ab',
    'a-1',
    'a.1',
    'é',
    '日本',
    'zookeeper',
    'a name of forty-odd bytes, or so',
  ),
  fc.nat(30).map((n) => `n${n}`),
)
const size = fc.oneof(
  fc.constantFrom(-1, 0, 1, 3, 4, 48, 49, 100, 128, 129, 255, 257, 16_383, 16_384, 16_385, 40_000),
  fc.nat(300),
)
const owner = fc.nat(7)
const acl = fc.nat(5)

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('create'), at, name, size, owner, acl }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fill'),
      at,
      prefix: fc.constantFrom('n', 'c', 'child-'),
      count: fc.oneof(
        { weight: 3, arbitrary: fc.nat(60) },
        { weight: 1, arbitrary: fc.nat(1_300) },
      ),
      stride: fc.constantFrom(1, 7, 613),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('clear'),
      at,
      from: fc.nat(1_500),
      count: fc.nat(1_300),
      stride: fc.constantFrom(1, 2, 5),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('remove'), at }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('setData'), at, size }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('replaceData'), at, size }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('setAcl'), at, acl }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('touch'),
      at,
      creations: fc.oneof(fc.nat(100), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('load'), at, name, size, owner, acl }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('page'),
      at,
      after: fc.option(fc.oneof(name, fc.constantFrom('', 'n00500', 'zz'))),
      limit: fc.nat(400),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('walk'),
      steps: fc.oneof(fc.nat(5), fc.nat(5), fc.nat(300)),
    }),
  },
)

it('is indistinguishable from its naive twin', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60, size: 'max' }),
      fc.boolean(),
      (steps, extendedTypes) => {
        const rules = { extendedTypes, emulate353Ttl: false }
        const pair = new Pair(new ColumnTree(rules, undefined, steps.length), new NaiveTree(rules))
        for (const one of steps) pair.run(one)
        pair.finish()
      },
    ),
    { numRuns: 40 },
  )
})

/** Does the same to both trees, and remembers what exists. */
class Pair {
  readonly #trees: readonly [DataTree, DataTree]
  #walks: readonly WatchedWalk[]
  readonly #paths = ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']
  #zxid = 2 ** 32
  #drawn = 0

  constructor(column: DataTree, naive: DataTree) {
    this.#trees = [column, naive]
    this.#walks = [new WatchedWalk(column), new WatchedWalk(naive)]
  }

  run(step: Step): void {
    switch (step.kind) {
      case 'create':
        this.#create(this.#pick(step.at), step.name, step.size, step.owner, step.acl)
        break
      case 'fill':
        this.#fill(this.#pick(step.at, 8), step.prefix, step.count, step.stride)
        break
      case 'clear':
        this.#clear(this.#pick(step.at, 8), step.from, step.count, step.stride)
        break
      case 'remove':
        this.#remove(this.#pick(step.at))
        break
      case 'page':
        this.#page(this.#pick(step.at, 8), step.after, step.limit)
        break
      case 'walk':
        this.#walks = this.#walks.map((walk) => walk.advance(step.steps, this.#paths))
        break
      case 'load':
        this.#load(this.#pick(step.at), step)
        break
      default:
        this.#change(this.#pick(step.at), step)
    }
    const [column, naive] = this.#trees
    expect(summary(column)).toEqual(summary(naive))
  }

  finish(): void {
    const [column, naive] = this.#trees
    column.verify()
    naive.verify()
    expect(details(column)).toEqual(details(naive))
    for (const walk of this.#walks) {
      // The walk after it is another one: this one has come to its end.
      for (let now = walk; now === walk; ) now = walk.advance(1_000, this.#paths)
    }
    for (const path of this.#paths.toReversed()) if (!isSystemPath(path)) this.#remove(path)
    column.verify()
    expect(summary(column)).toEqual(summary(naive))
    expect(column.nodeCount).toBe(5)
  }

  /** One of the first paths, where there are so many: those that come to have many children. */
  #pick(at: number, first = Number.POSITIVE_INFINITY): string {
    return this.#paths[at % Math.min(first, this.#paths.length)]!
  }

  #bytes(size: number): Uint8Array {
    this.#drawn++
    return new Uint8Array(Math.max(size, 0)).map((_, i) => i * this.#drawn + (i >>> 3))
  }

  #create(parent: string, name: string, size: number, owner: number, acl: number): void {
    const path = childPath(parent, name)
    if (this.#trees[1].lookupText(path) !== NO_ROW) return
    const [ownerHigh, ownerLow] = OWNERS[owner % OWNERS.length]!
    const nameBytes = encodeUtf8(`..${name}`)
    const data = this.#bytes(size)
    const zxid = ++this.#zxid as Zxid
    for (const tree of this.#trees) {
      tree.insert(
        tree.lookupText(parent),
        nameBytes,
        2,
        nameBytes.length,
        data,
        size < 0 ? -1 : 0,
        size,
        tree.acls.internList(ACLS[acl % ACLS.length]!),
        ownerHigh,
        ownerLow,
        zxid,
        1_700_000_000_000 + this.#zxid,
      )
    }
    this.#paths.push(path)
  }

  #fill(parent: string, prefix: string, count: number, stride: number): void {
    for (let i = 0; i < count; i++) {
      // 613 and 7 have no factor in common with 1,300: each number comes once, in disorder.
      const number = stride === 1 ? i : (i * stride) % 1_300
      this.#create(parent, `${prefix}${String(number).padStart(5, '0')}`, 5, 0, 0)
    }
  }

  #clear(parent: string, from: number, count: number, stride: number): void {
    const tree = this.#trees[1]
    const names = tree.childNames(tree.lookupText(parent), null, Number.MAX_SAFE_INTEGER)
    for (let i = from; i < from + count && i < names.length; i += stride) {
      this.#remove(childPath(parent, names[i]!))
    }
  }

  #remove(path: string): void {
    const naive = this.#trees[1]
    if (isSystemPath(path) || naive.childCount(naive.lookupText(path)) > 0) return
    for (const tree of this.#trees) tree.remove(tree.lookupText(path))
    this.#paths.splice(this.#paths.lastIndexOf(path), 1)
  }

  #page(path: string, after: string | null, limit: number): void {
    const [column, naive] = this.#trees
    expect(column.childNames(column.lookupText(path), after, limit)).toEqual(
      naive.childNames(naive.lookupText(path), after, limit),
    )
  }

  #load(parent: string, { name, size, owner, acl }: Extract<Step, { kind: 'load' }>): void {
    const path = childPath(parent, name)
    if (this.#trees[1].lookupText(path) === NO_ROW) this.#paths.push(path)
    const data = size < 0 ? null : this.#bytes(size)
    const [ownerHigh, ownerLow] = OWNERS[owner % OWNERS.length]!
    const zxid = ++this.#zxid as Zxid
    for (const tree of this.#trees) {
      const aclId = tree.acls.internList(ACLS[acl % ACLS.length]!)
      const stored = storedNode(path, data, aclId, {
        czxid: zxid,
        mzxid: (zxid + 1) as Zxid,
        ctime: 1_000_000_000_000,
        mtime: 1_000_000_000_001,
        version: size,
        cversion: acl,
        aversion: owner - 3,
        ephemeralOwner: (BigInt(ownerHigh) << 32n) | BigInt(ownerLow >>> 0),
        pzxid: zxid,
      })
      loadStored(tree, stored)
    }
    // Nodes are loaded before anyone walks: a node that is loaded once more takes another identity.
    const [column, naive] = this.#trees
    this.#walks = [new WatchedWalk(column), new WatchedWalk(naive)]
  }

  #change(
    path: string,
    step: Extract<Step, { kind: 'setData' | 'replaceData' | 'setAcl' | 'touch' }>,
  ): void {
    const zxid = ++this.#zxid as Zxid
    const data = this.#bytes('size' in step ? step.size : 0)
    for (const tree of this.#trees) {
      const row = tree.lookupText(path)
      if (step.kind === 'setData') {
        const start = step.size < 0 ? -1 : 0
        tree.setData(row, data, start, data.length, tree.version(row) + 1, zxid, 1_800_000_000_000)
      } else if (step.kind === 'replaceData') {
        tree.replaceDataSilently(row, data)
      } else if (step.kind === 'setAcl') {
        tree.setAcl(row, tree.acls.internList(ACLS[step.acl % ACLS.length]!), step.acl)
      } else {
        tree.touchParent(row, step.creations, zxid)
      }
    }
  }
}

/** A walk that checks its own promises. */
class WatchedWalk {
  readonly #tree: DataTree
  readonly #walk: TreeWalk
  /** What existed when the walk began; less what went since. */
  readonly #awaited: Set<string>
  readonly #seen = new Set<string>()
  readonly #seenPaths = new Set<string>(['/'])

  constructor(tree: DataTree) {
    this.#tree = tree
    this.#walk = tree.walk()
    this.#awaited = new Set(identities(tree))
  }

  /** Goes on; after the last node, checks that none is missing, and is followed by a new walk. */
  advance(steps: number, paths: readonly string[]): WatchedWalk {
    for (let i = 0; i < steps; i++) {
      const row = this.#walk.next()
      if (row === NO_ROW) {
        this.#checkEnd(paths)
        return new WatchedWalk(this.#tree)
      }
      const path = this.#tree.path(row)
      const identity = identityOf(this.#tree, row)
      if (this.#seen.has(identity)) expect.fail(`${path} is visited twice`)
      const parent = path.slice(0, path.lastIndexOf('/')) || '/'
      if (!this.#seenPaths.has(parent)) expect.fail(`${path} is visited before its parent`)
      this.#seen.add(identity)
      this.#seenPaths.add(path)
    }
    return this
  }

  #checkEnd(paths: readonly string[]): void {
    for (const path of paths) {
      const identity = identityOf(this.#tree, this.#tree.lookupText(path))
      if (this.#awaited.has(identity) && !this.#seen.has(identity)) {
        expect.fail(`${path} was there all the time and is not visited`)
      }
    }
    expect(this.#walk.next()).toBe(NO_ROW)
  }
}

const OWNERS: readonly (readonly [high: number, low: number])[] = [
  [0, 0],
  [0, 0],
  [0x01000001, 0x7fff0001],
  [0x01000001, 0x7fff0002 | 0x80000000],
  [CONTAINER_OWNER_HIGH, 0],
  [TTL_OWNER_HIGH, 5_000],
  [TTL_OWNER_HIGH | 0xff, -1],
  [-2, 1],
]

const ACLS: readonly (readonly Acl[])[] = [
  WORLD_ALL,
  WORLD_READ,
  [{ perms: 31, id: { scheme: 'digest', id: 'a:b' } }],
  [{ perms: 1, id: { scheme: 'ip', id: '127.0.0.1' } }, ...WORLD_READ],
  [],
]

const childPath = (parent: string, name: string): string =>
  parent === '/' ? `/${name}` : `${parent}/${name}`

const isSystemPath = (path: string): boolean =>
  path === '/' || path === '/zookeeper' || /^\/zookeeper\/(quota|config)$/.test(path)

/** A path and the transaction that created the node: the same path again is another node. */
const identityOf = (tree: DataTree, row: Row): string => `${tree.path(row)}@${tree.czxid(row)}`

function* identities(tree: DataTree): Generator<string> {
  const walk = tree.walk()
  for (let row = walk.next(); row !== NO_ROW; row = walk.next()) yield identityOf(tree, row)
}

const summary = (tree: DataTree) => ({
  nodes: tree.nodeCount,
  bytes: tree.approximateDataBytes,
  ephemerals: tree.ephemeralCount,
  digest: [tree.digestHigh, tree.digestLow],
  root: written((out) => tree.writeStat(ROOT, out)),
})

/** Everything that can be seen of a tree. */
function details(tree: DataTree) {
  const paths = (rows: Iterable<Row>): string[] => [...rows].map((row) => tree.path(row)).sort()
  const nodes: string[] = []
  const walk = tree.walk()
  for (let row = walk.next(); row !== NO_ROW; row = walk.next()) nodes.push(node(tree, row))
  return {
    nodes,
    owners: [...tree.ephemeralOwners()].sort(),
    ephemerals: OWNERS.map(([high, low]) => paths(tree.ephemerals(high, low))),
    containers: paths(tree.containers()),
    ttl: [...tree.ttlNodes()].map(([row, ttlMs]) => `${tree.path(row)} ${ttlMs}`).sort(),
    acls: [...tree.acls.entries()].sort(([a], [b]) => a - b),
  }
}

/** One line with all of a node; toEqual takes ten times as long for objects. */
function node(tree: DataTree, row: Row): string {
  const children: string[] = []
  tree.forEachChild(row, (child) => children.push(tree.path(child)))
  const copy = tree.data(row)
  return JSON.stringify([
    tree.path(row),
    row === ROOT ? null : tree.path(tree.parent(row)),
    written((out) => {
      tree.writeSnapshotNode(row, out)
      tree.writeStat(row, out)
      tree.writeData(row, out)
      tree.writeChildren(row, out)
      tree.writePath(row, out, '/')
      out.buffer(copy)
    }),
    children,
    [tree.dataLength(row), tree.descendantCount(row), tree.contentCrc(row), tree.aclId(row)],
    [tree.isDigested(row), tree.isEphemeral(row), tree.ownerHigh(row), tree.ownerLow(row)],
    [tree.czxid(row), tree.mzxid(row), tree.pzxid(row), tree.ctime(row), tree.mtime(row)],
    [tree.version(row), tree.creations(row), tree.aversion(row), tree.childCount(row)],
  ])
}

function written(write: (out: JuteWriter) => void): string {
  const out = new JuteWriter(16)
  write(out)
  return `${out.position} bytes, checksum ${crc32(0, out.bytes, 0, out.position)}`
}
