import { beforeEach, expect, it } from 'vitest'

import { encodeUtf8 } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import { ACL_WORLD_ALL, type DataTree, ROOT } from '../tree/data-tree.ts'
import { NaiveTree } from '../tree/naive-tree.ts'
import { PendingChanges } from './pending-changes.ts'
import type { PendingNode } from './pending-node.ts'

const rules = { extendedTypes: false, emulate353Ttl: false }

let tree: DataTree
let pending: PendingChanges
beforeEach(() => {
  tree = new NaiveTree(rules)
  const name = encodeUtf8('a')
  tree.insert(ROOT, name, 0, 1, name, -1, 0, ACL_WORLD_ALL, 0, 0, 1 as Zxid, 0)
  pending = new PendingChanges(tree)
})

const find = (path: string): PendingNode => {
  const node = pending.findText(path)
  expect(node, path).not.toBeNull()
  return node!
}

function setVersion(path: string, version: number, zxid: number): void {
  const node = find(path)
  pending.change(node, zxid as Zxid)
  node.version = version
  pending.settle(node)
}

it('looking at a node makes nothing pending', () => {
  const node = find('/a')
  node.version = 77
  expect(pending.size).toBe(0)
  expect(find('/a').version).toBe(0)
})

it('what is pending is seen by whoever looks next, until it is applied', () => {
  setVersion('/a', 5, 2)
  expect(find('/a').version).toBe(5)
  pending.applied(1 as Zxid)
  expect(find('/a').version).toBe(5)
  pending.applied(2 as Zxid)
  expect(pending.size).toBe(0)
  expect(find('/a').version).toBe(0)
})

it('a node stays until its last change is applied', () => {
  setVersion('/a', 1, 2)
  setVersion('/a', 2, 3)
  pending.applied(2 as Zxid)
  expect(find('/a').version).toBe(2)
  pending.applied(3 as Zxid)
  expect(pending.size).toBe(0)
})

it('a node that goes is not found, and the tree still has it', () => {
  const node = find('/a')
  pending.change(node, 2 as Zxid)
  node.exists = false
  pending.settle(node)
  expect(pending.findText('/a')).toBeNull()
  const path = encodeUtf8('/a')
  expect(pending.find(path, 0, path.length)).toBeNull()
  expect(tree.lookupText('/a')).not.toBe(-1)
})

it('the digest follows every change, and is the tree’s again when nothing is pending', () => {
  const digest = (): readonly number[] => [pending.digestHigh, pending.digestLow]
  const before = digest()
  expect(before).toEqual([tree.digestHigh, tree.digestLow])
  setVersion('/a', 1, 2)
  const after = digest()
  expect(after).not.toEqual(before)
  setVersion('/a', 0, 3)
  expect(digest()).toEqual(before)
  setVersion('/a', 1, 4)
  expect(digest()).toEqual(after)
  pending.applied(4 as Zxid)
  expect(digest()).toEqual(before)
})

it('a rollback undoes what was changed since it began, and nothing before', () => {
  setVersion('/a', 1, 2)
  const before = [pending.digestHigh, pending.digestLow]
  pending.begin()
  setVersion('/a', 2, 3)
  setVersion('/', 9, 3)
  const path = encodeUtf8('/b')
  const added = pending.add(path, 0, path.length, 3 as Zxid)
  added.copyState(find('/a'))
  pending.settle(added)
  setVersion('/b', 4, 3)
  pending.rollback()
  expect(find('/a').version).toBe(1)
  expect(find('/').version).toBe(0)
  expect(pending.findText('/b')).toBeNull()
  expect([pending.digestHigh, pending.digestLow]).toEqual(before)
  pending.applied(3 as Zxid)
  expect(pending.size).toBe(0)
})

it('what is committed stays', () => {
  pending.begin()
  setVersion('/a', 2, 3)
  pending.commit()
  pending.begin()
  setVersion('/a', 3, 4)
  pending.rollback()
  expect(find('/a').version).toBe(2)
})

it('a node that goes and comes back within one rollback is what it was', () => {
  pending.begin()
  const node = find('/a')
  pending.change(node, 2 as Zxid)
  node.exists = false
  pending.settle(node)
  const path = encodeUtf8('/a')
  const anew = pending.add(path, 0, path.length, 2 as Zxid)
  anew.exists = true
  anew.czxid = 2 as Zxid
  pending.settle(anew)
  expect(find('/a').czxid).toBe(2)
  pending.rollback()
  expect(find('/a').czxid).toBe(1)
})

it('holds on to an access list that only it uses', () => {
  const list = [{ perms: 1, id: { scheme: 'digest', id: 'u:h' } }]
  const node = find('/a')
  pending.change(node, 2 as Zxid)
  node.aclId = tree.acls.internList(list)
  pending.settle(node)
  expect(tree.acls.list(node.aclId)).toEqual(list)
  const { aclId } = node
  pending.applied(2 as Zxid)
  expect(tree.acls.list(aclId)).toBeUndefined()
})

it('finds children of what is in the tree, of what is pending, and of nothing by an odd path', () => {
  const child = (path: string): PendingNode | null => {
    const bytes = encodeUtf8(path)
    const slash = path.lastIndexOf('/')
    const parent = pending.find(bytes, 0, slash)
    expect(parent, path).not.toBeNull()
    return pending.findChild(parent!, bytes, 0, slash + 1, bytes.length)
  }
  expect(child('/a')?.path).toBe('/a')
  expect(child('/')?.path).toBe('/')
  expect(child('//a')).toBeNull()
  expect(child('/a/b')).toBeNull()
  const path = encodeUtf8('/a/b')
  const added = pending.add(path, 0, path.length, 2 as Zxid)
  added.exists = true
  pending.settle(added)
  expect(child('/a/b')).toBe(added)
  expect(child('/a/b/c')).toBeNull()
})

it('a node that was changed and one that was only looked at are not mixed up by the next request', () => {
  const changed = find('/a')
  pending.change(changed, 2 as Zxid)
  changed.version = 5
  pending.settle(changed)
  find('/')
  pending.beginRequest()
  const other = find('/zookeeper')
  expect(other).not.toBe(changed)
  expect(find('/a')).toBe(changed)
  pending.applied(2 as Zxid)
  const first = find('/a')
  expect(find('/')).not.toBe(first)
  expect(first.version).toBe(0)
})
