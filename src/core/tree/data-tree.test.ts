// What both trees promise, the one outside the heap and its naive twin.

import { describe, expect, it } from 'vitest'
import { loadStored, storedNode } from '../../../test/support/stored-node.ts'
import { encodeUtf8, equalBytes } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import { JuteReader } from '../jute/reader.ts'
import { JuteWriter } from '../jute/writer.ts'
import { WORLD_READ } from '../records/acl.ts'
import { type StatPersisted, stat, statPersisted } from '../records/stat.ts'
import { ColumnTree } from './column-tree.ts'
import {
  ACL_WORLD_ALL,
  CONTAINER_OWNER_HIGH,
  type DataTree,
  NO_ROW,
  type OwnerRules,
  ROOT,
  type Row,
  TTL_OWNER_HIGH,
} from './data-tree.ts'
import { NaiveTree } from './naive-tree.ts'

const EXTENDED: OwnerRules = { extendedTypes: true, emulate353Ttl: false }

describe.each<[string, (rules: OwnerRules) => DataTree]>([
  ['ColumnTree', (rules) => new ColumnTree(rules)],
  ['NaiveTree', (rules) => new NaiveTree(rules)],
])('%s', (_name, make) => {
  const fresh = (): DataTree => make(EXTENDED)

  describe('when new', () => {
    it('has the nodes, counts and digest of a fresh ZooKeeper', () => {
      const tree = fresh()
      expect(tree.childNames(ROOT, null, 10)).toEqual(['zookeeper'])
      expect(tree.childNames(tree.lookupText('/zookeeper'), null, 10)).toEqual(['config', 'quota'])
      expect(tree.nodeCount).toBe(5)
      expect(tree.approximateDataBytes).toBe(44)
      expect(tree.ephemeralCount).toBe(0)
      expect(tree.digestHigh).toBe(0)
      expect(tree.digestLow).toBe(0x51c6d660)
      tree.verify()
    })

    it('shows the system nodes with the stats that ZooKeeper gives them', () => {
      const tree = fresh()
      const config = tree.lookupText('/zookeeper/config')
      expect(statOf(tree, ROOT)).toMatchObject({ cversion: -1, numChildren: 1, dataLength: 0 })
      expect(statOf(tree, tree.lookupText('/zookeeper'))).toMatchObject({
        cversion: -2,
        numChildren: 2,
      })
      expect(statOf(tree, config)).toMatchObject({ version: 0, aversion: -1, czxid: 0 })
      expect(tree.acls.list(tree.aclId(config))).toEqual(WORLD_READ)
      expect(tree.aclId(ROOT)).toBe(ACL_WORLD_ALL)
      expect(tree.data(config)).toEqual(new Uint8Array(0))
    })
  })

  describe('finding', () => {
    it('takes the empty path and the slash for the root', () => {
      const tree = fresh()
      expect(tree.lookupText('')).toBe(ROOT)
      expect(tree.lookupText('/')).toBe(ROOT)
      expect(tree.path(ROOT)).toBe('/')
      expect(tree.parent(ROOT)).toBe(NO_ROW)
    })

    it('finds a node by bytes within a longer buffer', () => {
      const tree = fresh()
      const row = create(tree, '/a')
      const bytes = encodeUtf8('xx/ayy')
      expect(tree.lookup(bytes, 2, 4)).toBe(row)
      expect(tree.child(ROOT, bytes, 3, 4)).toBe(row)
      expect(tree.child(ROOT, bytes, 3, 5)).toBe(NO_ROW)
    })

    it.each(['a', '//', '/a/', '/a//b', '//a', '/b', '/a/b/c', 'x/a'])(
      'does not find %s where there is only /a/b',
      (path) => {
        const tree = fresh()
        create(tree, '/a')
        create(tree, '/a/b')
        expect(tree.lookupText(path)).toBe(NO_ROW)
      },
    )

    it('tells apart the same name under different parents', () => {
      const tree = fresh()
      const rows = ['/a', '/b', '/a/x', '/b/x', '/a/x/x'].map((path) => create(tree, path))
      expect(new Set(rows).size).toBe(5)
      expect(tree.lookupText('/a/x')).toBe(rows[2])
      expect(tree.lookupText('/b/x')).toBe(rows[3])
      expect(tree.path(rows[4]!)).toBe('/a/x/x')
    })

    it('finds names that are not ASCII, and counts their characters', () => {
      const tree = fresh()
      const before = tree.approximateDataBytes
      const row = create(tree, '/größe-日本', 'x')
      expect(tree.lookupText('/größe-日本')).toBe(row)
      expect(tree.path(row)).toBe('/größe-日本')
      expect(tree.approximateDataBytes - before).toBe('/größe-日本'.length + 1)
    })
  })

  describe('a new node', () => {
    it('has its creation everywhere in its stat, and leaves its parent to touchParent', () => {
      const tree = fresh()
      const row = insert(tree, ROOT, 'a', 'data', { zxid: 7, timeMs: 1_700_000_000_123 })
      expect(statOf(tree, row)).toEqual({
        czxid: 7,
        mzxid: 7,
        ctime: 1_700_000_000_123,
        mtime: 1_700_000_000_123,
        version: 0,
        cversion: 0,
        aversion: 0,
        ephemeralOwner: 0n,
        dataLength: 4,
        numChildren: 0,
        pzxid: 7,
      })
      expect(tree.creations(ROOT)).toBe(0)
      expect(tree.pzxid(ROOT)).toBe(0)
      expect(statOf(tree, ROOT)).toMatchObject({ cversion: -2, numChildren: 2 })
      tree.touchParent(ROOT, 1, 7 as Zxid)
      expect(statOf(tree, ROOT)).toMatchObject({ cversion: 0, numChildren: 2, pzxid: 7 })
      tree.verify()
    })

    it('tells null data from empty data', () => {
      const tree = fresh()
      const nothing = insert(tree, ROOT, 'null', null)
      const empty = insert(tree, ROOT, 'empty', '')
      expect(tree.dataLength(nothing)).toBe(-1)
      expect(tree.dataLength(empty)).toBe(0)
      expect(written((out) => tree.writeData(nothing, out))).toEqual([255, 255, 255, 255])
      expect(written((out) => tree.writeData(empty, out))).toEqual([0, 0, 0, 0])
      expect(statOf(tree, nothing).dataLength).toBe(0)
    })

    it('keeps zxids of high epochs exactly', () => {
      const tree = fresh()
      const zxid = (2 ** 21 - 1) * 2 ** 32 + 0xffff_ffff
      const row = insert(tree, ROOT, 'a', '', { zxid })
      expect(tree.czxid(row)).toBe(zxid)
      expect(statOf(tree, row).pzxid).toBe(zxid)
    })
  })

  describe('changing', () => {
    it('sets data with version and time, whatever its length', () => {
      const tree = fresh()
      const row = create(tree, '/a', 'first')
      let version = 0
      for (const length of [0, 5, 6, 100, 104, 129, 5_000, 20_000, 1_000_000, 999_000, 3]) {
        const data = new Uint8Array(length).map((_, i) => i * 7)
        tree.setData(row, data, 0, length, ++version, (10 + version) as Zxid, 500 + version)
        expect(equalBytes(tree.data(row)!, data)).toBe(true)
        const written = bytesOf((out) => tree.writeData(row, out))
        expect(new JuteReader(written).int()).toBe(length)
        expect(equalBytes(written.subarray(4), data)).toBe(true)
        expect(statOf(tree, row)).toMatchObject({
          version,
          mzxid: 10 + version,
          mtime: 500 + version,
          dataLength: length,
        })
        expect(tree.path(row)).toBe('/a')
        tree.verify()
      }
      tree.setData(row, new Uint8Array(0), -1, -1, 99, 99 as Zxid, 99)
      expect(tree.data(row)).toBeNull()
      tree.verify()
    })

    it("does not keep one of Node's arrays, which the next read writes over", () => {
      const tree = fresh()
      const name = Buffer.from('name')
      const data = Buffer.from('data')
      const row = tree.insert(ROOT, name, 0, 4, data, 0, 4, ACL_WORLD_ALL, 0, 0, 9 as Zxid, 9)
      tree.setData(tree.lookupText('/zookeeper'), data, 0, 4, 1, 9 as Zxid, 9)
      tree.replaceDataSilently(tree.lookupText('/zookeeper/quota'), data)
      const stored = storedNode('/loaded', data, ACL_WORLD_ALL, SOME_STAT)
      loadStored(tree, stored)
      name.fill(0)
      data.fill(0)
      stored.fill(0)
      expect(tree.path(row)).toBe('/name')
      for (const path of ['/name', '/zookeeper', '/zookeeper/quota', '/loaded']) {
        expect(tree.data(tree.lookupText(path))).toEqual(encodeUtf8('data'))
      }
      tree.verify()
    })

    it('replaces bookkeeping data without touching the stat', () => {
      const tree = fresh()
      const row = create(tree, '/zookeeper/quota/zookeeper_stats', 'count=1,bytes=2')
      const before = statOf(tree, row)
      tree.replaceDataSilently(row, encodeUtf8('count=10,bytes=2'))
      expect(statOf(tree, row)).toEqual({ ...before, dataLength: 16 })
      tree.verify()
    })

    it('moves the reference of an access list', () => {
      const tree = fresh()
      const row = create(tree, '/a')
      const list = [{ perms: 3, id: { scheme: 'ip', id: '10.0.0.1' } }]
      const aclId = tree.acls.internList(list)
      tree.setAcl(row, aclId, 1)
      expect(tree.aclId(row)).toBe(aclId)
      expect(tree.aversion(row)).toBe(1)
      tree.setAcl(row, ACL_WORLD_ALL, 2)
      expect(tree.acls.list(aclId)).toBeUndefined()
      tree.verify()
    })

    it('wraps the visible cversion as a 32-bit number', () => {
      const tree = fresh()
      const row = create(tree, '/a')
      tree.touchParent(row, 0x7fffffff, 9 as Zxid)
      create(tree, '/a/b')
      expect(tree.creations(row)).toBe(0x7fffffff)
      expect(statOf(tree, row).cversion).toBe(-3)
      tree.verify()
    })

    it('forgets a removed node entirely', () => {
      const tree = fresh()
      const counts = countsOf(tree)
      const row = create(tree, '/a', 'data')
      tree.remove(row)
      expect(tree.lookupText('/a')).toBe(NO_ROW)
      expect(countsOf(tree)).toEqual(counts)
      tree.verify()
    })

    it('remembers nothing of a removed parent when its row is used again', () => {
      const tree = fresh()
      for (const path of ['/a', '/a/x']) create(tree, path)
      for (const path of ['/a/x', '/a']) tree.remove(tree.lookupText(path))
      for (const path of ['/longer', '/longer/x']) create(tree, path)
      tree.verify()
    })

    it('refuses to remove a node that has children', () => {
      const tree = fresh()
      const row = create(tree, '/a')
      create(tree, '/a/b')
      expect(() => tree.remove(row)).toThrow('still has children')
    })
  })

  describe('digest', () => {
    it('leaves out what is below /zookeeper', () => {
      const tree = fresh()
      const row = create(tree, '/zookeeper/quota/a', 'x')
      expect(tree.isDigested(row)).toBe(false)
      expect(tree.isDigested(tree.lookupText('/zookeeper'))).toBe(true)
      expect(tree.digestLow).toBe(0x51c6d660)
    })

    it('comes back to where it was when changes are undone', () => {
      const tree = fresh()
      const row = create(tree, '/a', 'one')
      const digest = [tree.digestHigh, tree.digestLow]
      const { version, mzxid, mtime } = statOf(tree, row)
      tree.setData(row, encodeUtf8('two'), 0, 3, 1, 50 as Zxid, 60)
      expect([tree.digestHigh, tree.digestLow]).not.toEqual(digest)
      tree.setData(row, encodeUtf8('one'), 0, 3, version, mzxid as Zxid, mtime)
      expect([tree.digestHigh, tree.digestLow]).toEqual(digest)
    })
  })

  describe('owners', () => {
    it('lists the ephemerals of each session', () => {
      const tree = fresh()
      const owner = { ownerHigh: 0x01000001, ownerLow: 0x80000000 }
      const a = insert(tree, ROOT, 'a', '', owner)
      const b = insert(tree, ROOT, 'b', '', owner)
      const c = insert(tree, ROOT, 'c', '', { ownerHigh: -1 & 0x7fffffff, ownerLow: 1 })
      expect([...tree.ephemerals(owner.ownerHigh, owner.ownerLow)].sort()).toEqual([a, b].sort())
      expect([...tree.ephemerals(owner.ownerHigh, owner.ownerLow | 0)]).toHaveLength(2)
      expect([...tree.ephemeralOwners()].sort()).toEqual(
        [0x01000001_80000000n, 0x7fffffff_00000001n].sort(),
      )
      expect(tree.ephemeralCount).toBe(3)
      expect(tree.isEphemeral(c)).toBe(true)
      expect(statOf(tree, a).ephemeralOwner).toBe(0x01000001_80000000n)
      tree.remove(a)
      tree.remove(b)
      expect([...tree.ephemerals(owner.ownerHigh, owner.ownerLow)]).toEqual([])
      expect([...tree.ephemeralOwners()]).toEqual([0x7fffffff_00000001n])
      tree.verify()
    })

    it('keeps the marks of containers and TTL nodes from clients', () => {
      const tree = fresh()
      const container = insert(tree, ROOT, 'c', '', { ownerHigh: CONTAINER_OWNER_HIGH })
      const ttl = insert(tree, ROOT, 't', '', { ownerHigh: TTL_OWNER_HIGH | 2, ownerLow: 5 })
      expect(statOf(tree, container).ephemeralOwner).toBe(0n)
      expect(statOf(tree, ttl).ephemeralOwner).toBe(0n)
      expect([tree.ownerHigh(container), tree.ownerLow(container)]).toEqual([-(2 ** 31), 0])
      expect([tree.ownerHigh(ttl), tree.ownerLow(ttl)]).toEqual([TTL_OWNER_HIGH | 2, 5])
      expect([...tree.containers()]).toEqual([container])
      expect([...tree.ttlNodes()]).toEqual([[ttl, 2 * 2 ** 32 + 5]])
      expect(tree.ephemeralCount).toBe(0)
      tree.verify()
      tree.remove(container)
      tree.remove(ttl)
      expect([...tree.containers()]).toEqual([])
      expect([...tree.ttlNodes()]).toEqual([])
      tree.verify()
    })

    it('takes a TTL node for an ephemeral while extended types are off', () => {
      const tree = make({ extendedTypes: false, emulate353Ttl: false })
      const row = insert(tree, ROOT, 't', '', { ownerHigh: TTL_OWNER_HIGH, ownerLow: 1_000 })
      expect(tree.isEphemeral(row)).toBe(true)
      expect([...tree.ttlNodes()]).toEqual([])
      expect(statOf(tree, row).ephemeralOwner).toBe(BigInt.asIntN(64, 0xff000000_000003e8n))
    })
  })

  describe('children', () => {
    it('are in byte order of their names', () => {
      const tree = fresh()
      const parent = create(tree, '/p')
      for (const name of ['b', 'é', 'a', 'ab', 'B', '日', 'a-', '0']) create(tree, `/p/${name}`)
      expect(tree.childNames(parent, null, 100)).toEqual([
        '0',
        'B',
        'a',
        'a-',
        'ab',
        'b',
        'é',
        '日',
      ])
      const visited: string[] = []
      tree.forEachChild(parent, (child) => visited.push(tree.path(child)))
      expect(visited).toEqual(tree.childNames(parent, null, 100).map((name) => `/p/${name}`))
    })

    it('are given in pages that begin behind any name', () => {
      const tree = fresh()
      const parent = create(tree, '/p')
      const names = Array.from({ length: 3_000 }, (_, i) => `n${String(i).padStart(5, '0')}`)
      for (const name of shuffled(names)) create(tree, `/p/${name}`)
      expect(tree.childCount(parent)).toBe(3_000)
      const pages: string[] = []
      for (let after: string | null = null; ; after = pages.at(-1)!) {
        const page = tree.childNames(parent, after, 77)
        if (page.length === 0) break
        pages.push(...page)
      }
      expect(pages).toEqual(names)
      expect(tree.childNames(parent, 'n00100x', 2)).toEqual(['n00101', 'n00102'])
      expect(tree.childNames(parent, 'z', 2)).toEqual([])
      expect(tree.childNames(parent, '', 1)).toEqual(['n00000'])
      expect(tree.childNames(parent, null, 0)).toEqual([])
      tree.verify()
    })

    it('are written as a vector of names', () => {
      const tree = fresh()
      const parent = create(tree, '/p')
      create(tree, '/p/bb')
      create(tree, '/p/a')
      const reader = new JuteReader(bytesOf((out) => tree.writeChildren(parent, out)))
      expect([reader.vectorCount(), reader.ustring(), reader.ustring()]).toEqual([2, 'a', 'bb'])
      expect(reader.remaining).toBe(0)
    })

    it('count at any depth', () => {
      const tree = fresh()
      for (const path of ['/a', '/a/b', '/a/b/c', '/a/d', '/e']) create(tree, path)
      expect(tree.descendantCount(tree.lookupText('/a'))).toBe(3)
      expect(tree.descendantCount(tree.lookupText('/e'))).toBe(0)
      expect(tree.descendantCount(ROOT)).toBe(5 + 3)
    })
  })

  describe('writing out', () => {
    it('writes paths, the root as asked', () => {
      const tree = fresh()
      const row = create(tree, '/a')
      const deep = create(tree, '/a/größe')
      const path = (at: Row, rootAs: '' | '/'): string | null =>
        new JuteReader(bytesOf((out) => tree.writePath(at, out, rootAs))).ustring()
      expect(path(ROOT, '')).toBe('')
      expect(path(ROOT, '/')).toBe('/')
      expect(path(row, '/')).toBe('/a')
      expect(path(deep, '')).toBe('/a/größe')
    })

    it('writes a node as a snapshot has it', () => {
      const tree = fresh()
      const row = insert(tree, ROOT, 't', 'data', {
        ownerHigh: TTL_OWNER_HIGH,
        ownerLow: 77,
        zxid: 5,
        timeMs: 1_234,
      })
      tree.touchParent(row, 3, 9 as Zxid)
      const reader = new JuteReader(bytesOf((out) => tree.writeSnapshotNode(row, out)))
      expect(reader.ustring()).toBe('/t')
      expect(reader.buffer()).toEqual(encodeUtf8('data'))
      expect(reader.long()).toBe(-1n)
      expect(statPersisted.read(reader)).toEqual({
        czxid: 5,
        mzxid: 5,
        ctime: 1_234,
        mtime: 1_234,
        version: 0,
        cversion: 3,
        aversion: 0,
        ephemeralOwner: BigInt.asIntN(64, 0xff000000_0000004dn),
        pzxid: 9,
      })
      expect(reader.remaining).toBe(0)
    })
  })

  describe('loading', () => {
    it('gives back what was written', () => {
      const tree = fresh()
      for (const path of ['/a', '/a/b', '/c', '/zookeeper/quota/q'])
        create(tree, path, `in ${path}`)
      tree.touchParent(ROOT, 17, 9 as Zxid)
      insert(tree, ROOT, 'e', null, { ownerHigh: 1, ownerLow: 2 })
      insert(tree, ROOT, 't', '', { ownerHigh: TTL_OWNER_HIGH, ownerLow: 2 })
      const copy = fresh()
      const walk = tree.walk()
      for (let row = walk.next(); row !== NO_ROW; row = walk.next()) loadFrom(tree, row, copy)
      expect(countsOf(copy)).toEqual(countsOf(tree))
      expect(statOf(copy, ROOT)).toEqual(statOf(tree, ROOT))
      expect(copy.isEphemeral(copy.lookupText('/e'))).toBe(true)
      copy.verify()
    })

    it('leaves out of a snapshot what came after its parent was written', () => {
      const tree = fresh()
      for (const path of ['/p', '/p/a', '/p/c']) create(tree, path)
      const walk = tree.walk(() => lastZxid as Zxid)
      const visited: string[] = []
      for (let row = walk.next(); row !== NO_ROW; row = walk.next()) {
        visited.push(tree.path(row))
        if (tree.path(row) !== '/p/a') continue
        for (const path of ['/p/b', '/p/b/x', '/p/d', '/p/c/new', '/z']) create(tree, path)
        tree.remove(tree.lookupText('/p/d'))
        create(tree, '/p/d')
      }
      // The child of /p/c was there when /p/c was visited; the others' parents were written before.
      expect(visited.filter((path) => !path.startsWith('/zookeeper'))).toEqual([
        '/',
        '/p',
        '/p/a',
        '/p/c',
        '/p/c/new',
      ])
    })

    it('does not take a node whose parent is missing', () => {
      const tree = fresh()
      for (const path of ['/no/where', 'bare', '/zookeeper/']) {
        const stored = storedNode(path, null, ACL_WORLD_ALL, SOME_STAT)
        expect(loadStored(tree, stored)).toBe(NO_ROW)
      }
      expect(tree.nodeCount).toBe(5)
    })

    it('gives a node that exists already the stored owner and data', () => {
      const tree = fresh()
      insert(tree, ROOT, 'a', 'old', { ownerHigh: 1, ownerLow: 1 })
      const row = loadStored(tree, storedNode('/a', encodeUtf8('new'), ACL_WORLD_ALL, SOME_STAT))
      expect(tree.isEphemeral(row)).toBe(false)
      expect(tree.ephemeralCount).toBe(0)
      expect(tree.data(row)).toEqual(encodeUtf8('new'))
      expect(tree.creations(row)).toBe(SOME_STAT.cversion)
      tree.verify()
    })
  })

  describe('a walk', () => {
    it('visits parents before children, each once', () => {
      const tree = fresh()
      for (const path of ['/b', '/a', '/a/y', '/a/x', '/a/x/1']) create(tree, path)
      expect(rest(tree, tree.walk())).toEqual([
        '/',
        '/a',
        '/a/x',
        '/a/x/1',
        '/a/y',
        '/b',
        '/zookeeper',
        '/zookeeper/config',
        '/zookeeper/quota',
      ])
    })

    it('goes on where it was after nodes before and behind it have come and gone', () => {
      const tree = fresh()
      for (const path of ['/a', '/c', '/c/1', '/c/3', '/e', '/g']) create(tree, path)
      const walk = tree.walk()
      for (const path of ['/', '/a', '/c', '/c/1']) expect(tree.path(walk.next())).toBe(path)
      tree.remove(tree.lookupText('/a'))
      tree.remove(tree.lookupText('/c/1'))
      tree.remove(tree.lookupText('/e'))
      create(tree, '/b')
      create(tree, '/c/0')
      expect(rest(tree, walk)).toEqual(
        expect.arrayContaining(['/c/3', '/g', '/zookeeper', '/zookeeper/quota']),
      )
    })

    it('does not descend into a node that was created anew under its old name', () => {
      const tree = fresh()
      create(tree, '/a')
      create(tree, '/a/1')
      create(tree, '/a/2')
      const walk = tree.walk()
      for (const path of ['/', '/a', '/a/1']) expect(tree.path(walk.next())).toBe(path)
      for (const path of ['/a/2', '/a/1', '/a']) tree.remove(tree.lookupText(path))
      create(tree, '/a')
      create(tree, '/a/3')
      expect(rest(tree, walk).filter((path) => path.startsWith('/a'))).toEqual([])
    })
  })
})

const SOME_STAT: StatPersisted = {
  czxid: 3 as Zxid,
  mzxid: 4 as Zxid,
  ctime: 5,
  mtime: 6,
  version: 7,
  cversion: 8,
  aversion: 9,
  ephemeralOwner: 0n,
  pzxid: 10 as Zxid,
}

interface InsertOptions {
  readonly ownerHigh?: number
  readonly ownerLow?: number
  readonly zxid?: number
  readonly timeMs?: number
}

let lastZxid = 100

function insert(
  tree: DataTree,
  parent: Row,
  name: string,
  data: string | null,
  { ownerHigh = 0, ownerLow = 0, zxid = ++lastZxid, timeMs = 1_000 }: InsertOptions = {},
): Row {
  const nameBytes = encodeUtf8(name)
  const bytes = encodeUtf8(data ?? '')
  return tree.insert(
    parent,
    nameBytes,
    0,
    nameBytes.length,
    bytes,
    data === null ? -1 : 0,
    bytes.length,
    ACL_WORLD_ALL,
    ownerHigh,
    ownerLow,
    zxid as Zxid,
    timeMs,
  )
}

function create(tree: DataTree, path: string, data = ''): Row {
  const slash = path.lastIndexOf('/')
  return insert(tree, tree.lookupText(path.slice(0, slash)), path.slice(slash + 1), data)
}

function bytesOf(write: (out: JuteWriter) => void): Uint8Array {
  const out = new JuteWriter(1)
  write(out)
  return out.copy()
}

const written = (write: (out: JuteWriter) => void): number[] => [...bytesOf(write)]

const statOf = (tree: DataTree, row: Row) =>
  stat.read(new JuteReader(bytesOf((out) => tree.writeStat(row, out))))

const countsOf = (tree: DataTree) => ({
  nodes: tree.nodeCount,
  bytes: tree.approximateDataBytes,
  ephemerals: tree.ephemeralCount,
  digest: [tree.digestHigh, tree.digestLow],
})

function loadFrom(tree: DataTree, row: Row, into: DataTree): void {
  expect(
    loadStored(
      into,
      bytesOf((out) => tree.writeSnapshotNode(row, out)),
    ),
  ).not.toBe(NO_ROW)
}

function rest(tree: DataTree, walk: { next(): Row }): string[] {
  const paths: string[] = []
  for (let row = walk.next(); row !== NO_ROW; row = walk.next()) paths.push(tree.path(row))
  return paths
}

function shuffled<T>(items: readonly T[]): T[] {
  const result = [...items]
  let state = 12_345
  for (let i = result.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    const j = state % (i + 1)
    const swapped = result[i]!
    result[i] = result[j]!
    result[j] = swapped
  }
  return result
}
