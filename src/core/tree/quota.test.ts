import { beforeEach, describe, expect, it } from 'vitest'

import { decodeUtf8, encodeUtf8 } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import { ACL_WORLD_ALL, type DataTree, NO_ROW } from './data-tree.ts'
import { NaiveTree } from './naive-tree.ts'
import { QuotaBook, formatQuota, limitsPath, parseQuota, statsPath } from './quota.ts'

const rules = { extendedTypes: false, emulate353Ttl: false }

let tree: DataTree
let quotas: QuotaBook
beforeEach(() => {
  tree = new NaiveTree(rules)
  quotas = new QuotaBook(tree)
})

/** Adds a node, with all that is missing above it. */
function add(path: string, data: string | null): void {
  const slash = path.lastIndexOf('/')
  if (tree.lookupText(path.slice(0, slash)) === NO_ROW) add(path.slice(0, slash), null)
  const name = encodeUtf8(path.slice(slash + 1))
  const bytes = encodeUtf8(data ?? '')
  tree.insert(
    tree.lookupText(path.slice(0, slash)),
    name,
    0,
    name.length,
    bytes,
    data === null ? -1 : 0,
    bytes.length,
    ACL_WORLD_ALL,
    0,
    0,
    1 as Zxid,
    0,
  )
  if (path.startsWith('/zookeeper/')) quotas.onSystemNodeCreated(path)
}

const usageOf = (root: string): string => decodeUtf8(tree.data(tree.lookupText(statsPath(root)))!)

describe('the text of a quota', () => {
  const parse = (text: string): Record<string, number> | null => {
    const quota = parseQuota(encodeUtf8(text))
    return quota === null ? null : Object.fromEntries(quota)
  }

  it('is pairs between commas and semicolons', () => {
    expect(parse('count=3,bytes=-1=;byteHardLimit=20;countHardLimit=3')).toEqual({
      count: 3,
      bytes: -1,
      byteHardLimit: 20,
      countHardLimit: 3,
    })
  })

  it.each(['', ',', ';;,', 'count=-1'])('%j limits nothing', (text) => {
    expect(parse(text)).toEqual({ count: -1, bytes: -1 })
  })

  it.each([
    'x',
    'count',
    'count=',
    'count=x',
    'count=1.5',
    'count=0x1',
    ',count=1',
    'a=99999999999999999999',
  ])('%j cannot be read', (text) => {
    expect(parse(text)).toBeNull()
  })

  it('that is null cannot be read', () => {
    expect(parseQuota(null)).toBeNull()
  })

  it('is written with count and bytes first, others in alphabetical order', () => {
    expect(formatQuota(new Map())).toBe('count=-1,bytes=-1')
    const all = [
      ['z', 1],
      ['bytes', 2],
      ['byteHardLimit', 3],
      ['count', 4],
    ] as const
    expect(formatQuota(new Map(all))).toBe('count=4,bytes=2=;byteHardLimit=3;z=1')
    expect(parse(formatQuota(new Map(all)))).toEqual(Object.fromEntries(all))
  })
})

describe('the deepest quota above a path', () => {
  beforeEach(() => {
    add(limitsPath('/a'), '')
    add(limitsPath('/a/b/c'), '')
  })

  it.each([
    ['/a', '/a'],
    ['/a/b', '/a'],
    ['/a/b/c', '/a/b/c'],
    ['/a/b/c/d/e', '/a/b/c'],
    ['/a/b/cc', '/a'],
    ['/aa', null],
    ['/', null],
    ['/b', null],
  ])('of %s is %s', (path, root) => {
    expect(quotas.rootFor(path)).toBe(root)
  })

  it('is gone with its limits', () => {
    quotas.onSystemNodeDeleted(limitsPath('/a/b/c'))
    expect(quotas.rootFor('/a/b/c')).toBe('/a')
    quotas.onSystemNodeDeleted(limitsPath('/a'))
    expect(quotas.rootFor('/a/b/c')).toBeNull()
    expect(quotas.isEmpty).toBe(true)
  })
})

it('a quota on the root counts for nothing', () => {
  add('/zookeeper/quota/zookeeper_limits', 'count=1')
  expect(quotas.isEmpty).toBe(true)
})

it('usage is counted when its node comes, and kept from then on', () => {
  add('/a/b', '12345')
  add('/a/null', null)
  add(limitsPath('/a'), '')
  add(statsPath('/a'), 'whatever')
  expect(usageOf('/a')).toBe('count=3,bytes=5')
  quotas.account('/a/x', 7, 1)
  quotas.account('/elsewhere', 100, 1)
  expect(usageOf('/a')).toBe('count=4,bytes=12')
  quotas.account('/a', -2, 0)
  expect(usageOf('/a')).toBe('count=4,bytes=10')
})

it('usage that somebody has made unreadable begins anew', () => {
  add(limitsPath('/a'), '')
  add(statsPath('/a'), '')
  tree.replaceDataSilently(tree.lookupText(statsPath('/a')), encodeUtf8('nonsense'))
  quotas.account('/a/x', 7, 1)
  expect(usageOf('/a')).toBe('count=0,bytes=6')
})

it('a tree that was loaded is counted anew', () => {
  add('/a/b', '12345')
  add(limitsPath('/a'), '')
  add(statsPath('/a'), '')
  tree.replaceDataSilently(tree.lookupText(statsPath('/a')), encodeUtf8('count=77,bytes=77'))
  const loaded = new QuotaBook(tree)
  loaded.rebuild()
  expect(usageOf('/a')).toBe('count=2,bytes=5')
  expect(loaded.rootFor('/a/b')).toBe('/a')
})
