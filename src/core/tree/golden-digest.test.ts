// Digests against those of real servers: trees are loaded from the golden data of ZooKeeper 3.8.0
// and 3.9.5, and must sum up to what these servers wrote down.

import { describe, expect, it } from 'vitest'
import { type GoldenNode, goldenDirectories } from '../../../test/support/golden-data.ts'
import { loadStored, storedNode } from '../../../test/support/stored-node.ts'
import type { Zxid } from '../../base/zxid.ts'
import { ColumnTree } from './column-tree.ts'
import { ACL_WORLD_ALL, type DataTree, NO_ROW, type OwnerRules } from './data-tree.ts'
import { NaiveTree } from './naive-tree.ts'

/** A node as the clients of a recovered server see it. */
interface SeenNode extends Omit<GoldenNode, 'acl'> {
  readonly persistedEphemeralOwner?: string
}

const RULES: OwnerRules = { extendedTypes: true, emulate353Ttl: false }

const directories = goldenDirectories().filter(({ name }) => !name.includes('/'))

const snapshots = directories.flatMap(({ version, name, expected }) =>
  Object.entries(expected.files).flatMap(([file, { nodes, zxidDigest }]) => {
    const isWhole = zxidDigest === undefined || zxidDigest.zxid === '0x0'
    const sum = (expected.files[file] as { readonly nodeDigestSum?: string }).nodeDigestSum
    // A fuzzy snapshot carries the digest of a later state; its own nodes have another sum.
    if (!Array.isArray(nodes) || sum === undefined) return []
    if (!isWhole && zxidDigest.digest !== sum) return []
    return [[`${version} ${name} ${file}`, nodes as readonly GoldenNode[], sum] as const]
  }),
)

const recovered = directories.flatMap(({ version, name, expected }) => {
  const { tree, treeDigest } = expected as { tree?: readonly SeenNode[]; treeDigest?: string }
  if (tree === undefined || treeDigest === undefined) return []
  return [[`${version} ${name}`, tree, treeDigest] as const]
})

describe.each<[string, () => DataTree]>([
  ['ColumnTree', () => new ColumnTree(RULES)],
  ['NaiveTree', () => new NaiveTree(RULES)],
])('%s', (_name, make) => {
  it.each(snapshots)('has the digest of snapshot %s', (_file, nodes, digest) => {
    const tree = make()
    for (const { path, data, stat } of nodes) load(tree, path, data, stat, Number(stat['cversion']))
    tree.verify()
    expect(digestOf(tree)).toBe(BigInt(digest))
  })

  it.each(recovered)('has the digest of the tree of %s', (_directory, nodes, digest) => {
    const tree = make()
    for (const { path, data, stat, persistedEphemeralOwner } of nodes) {
      const ephemeralOwner = persistedEphemeralOwner ?? stat['ephemeralOwner']!
      const creations = (Number(stat['cversion']) + Number(stat['numChildren'])) / 2
      load(tree, path, data, { ...stat, ephemeralOwner }, creations)
    }
    tree.verify()
    expect(digestOf(tree)).toBe(BigInt(digest))
  })
})

it('has golden data to compare with', () => {
  expect(snapshots.length).toBeGreaterThan(20)
  expect(recovered.length).toBeGreaterThan(8)
})

function load(
  tree: DataTree,
  path: string,
  data: string | null,
  stat: GoldenNode['stat'],
  cversion: number,
): void {
  const zxid = (field: string): Zxid => Number(stat[field]) as Zxid
  const stored = storedNode(
    path,
    data === null ? null : new Uint8Array(Buffer.from(data, 'base64')),
    ACL_WORLD_ALL,
    {
      czxid: zxid('czxid'),
      mzxid: zxid('mzxid'),
      ctime: Number(stat['ctime']),
      mtime: Number(stat['mtime']),
      version: Number(stat['version']),
      cversion,
      aversion: Number(stat['aversion']),
      ephemeralOwner: BigInt.asIntN(64, BigInt(stat['ephemeralOwner']!)),
      pzxid: zxid('pzxid'),
    },
  )
  expect(loadStored(tree, stored)).not.toBe(NO_ROW)
}

const digestOf = (tree: DataTree): bigint =>
  (BigInt(tree.digestHigh) << 32n) | BigInt(tree.digestLow)
