// Checks that the parts of a `ColumnTree` agree with each other, row by row. For tests, the
// simulator and a doubt in production: it takes as long as reading everything.

import { assert } from '../../base/assert.ts'
import { crc32 } from '../../base/checksum.ts'
import { encodeUtf8 } from '../../base/text.ts'
import type { Arena } from './arena.ts'
import type { ChildLists } from './child-lists.ts'
import { type DataTree, NO_ROW, ROOT, type Row } from './data-tree.ts'
import type { NameIndex } from './name-index.ts'
import { nodeDigest } from './node-digest.ts'
import type { OwnerIndex } from './owner-index.ts'
import { DigestSum } from './row-digest.ts'
import {
  CHILD_COUNT,
  CVERSION,
  Flag,
  NAME,
  OWNER,
  PARENT,
  type RowStore,
  DIGEST,
} from './row-store.ts'

export interface ColumnParts {
  readonly tree: DataTree
  readonly rows: RowStore
  readonly arena: Arena
  readonly children: ChildLists
  readonly index: NameIndex
  readonly owners: OwnerIndex
}

export function verifyColumns(parts: ColumnParts): void {
  const { tree, rows, arena, children, index, owners } = parts
  const digest = new DigestSum()
  let live = 0
  let childCount = 0
  let dataBytes = '/'.length
  let ephemeral = 0
  let special = 0
  for (let row = ROOT; row < rows.end; row++) {
    if (!rows.isLive(row)) continue
    live++
    childCount += rows.get(row, CHILD_COUNT)
    dataBytes += pathOf(tree, row).length + Math.max(0, tree.dataLength(row))
    verifyPlace(parts, row)
    verifyStat(parts, row)
    verifyDigest(parts, row)
    children.verify(row)
    if (tree.isDigested(row)) digest.add(rows.get(row, DIGEST))
    if (tree.isEphemeral(row)) ephemeral++
    if ((rows.get(row, NAME) & Flag.specialOwner) !== 0) special++
  }
  assert(live === rows.liveCount, 'the count of rows is that of the live ones')
  assert(childCount === live - 1, 'every node but the root is the child of one')
  assert(index.count === live - 1, 'every node but the root is in the index')
  assert(dataBytes === tree.approximateDataBytes, 'bytes of paths and data are counted right')
  assert(ephemeral === owners.ephemeralCount, 'every ephemeral is in the index of owners')
  assert(special === owners.specialCount, 'every container and TTL node is in the index of owners')
  assert(
    digest.high === tree.digestHigh && digest.low === tree.digestLow,
    'the digest is the sum over the nodes',
  )
  index.verify()
  arena.verify()
}

function verifyPlace({ tree, rows }: ColumnParts, row: Row): void {
  assert(
    tree.lookupText(tree.path(row)) === row,
    () => `${tree.path(row)} is not found by its path`,
  )
  const parent = rows.get(row, PARENT)
  assert(row === ROOT ? parent === NO_ROW : rows.isLive(parent), () => `row ${row} has no parent`)
}

function verifyStat({ tree, rows, owners }: ColumnParts, row: Row): void {
  const cversion = (2 * tree.creations(row) - tree.childCount(row)) | 0
  assert(rows.get(row, CVERSION) === cversion, () => `${tree.path(row)} shows a wrong cversion`)
  const high = tree.ownerHigh(row)
  const low = tree.ownerLow(row)
  const isSpecial = (rows.get(row, NAME) & Flag.specialOwner) !== 0
  const isListed = isSpecial
    ? owners.isSpecial(row)
    : tree.isEphemeral(row) === owners.ephemerals(high, low).has(row)
  assert(isListed, () => `${tree.path(row)} is not listed under its owner`)
  const shown = rows.get(row, OWNER) !== 0 || rows.get(row, OWNER + 1) !== 0
  assert(shown === tree.isEphemeral(row), () => `${tree.path(row)} shows a wrong owner`)
}

function verifyDigest({ tree, rows }: ColumnParts, row: Row): void {
  const path = encodeUtf8(pathOf(tree, row))
  const data = tree.data(row)
  const pathCrc = crc32(0, path, 0, path.length)
  const crc = data === null ? pathCrc : crc32(pathCrc, data, 0, data.length)
  assert(tree.contentCrc(row) === crc, () => `${tree.path(row)} has a wrong checksum`)
  if (!tree.isDigested(row)) return
  const digest = nodeDigest(
    crc,
    tree.czxid(row),
    tree.mzxid(row),
    tree.pzxid(row),
    tree.ctime(row),
    tree.mtime(row),
    tree.version(row),
    tree.creations(row),
    tree.aversion(row),
    tree.ownerHigh(row),
    tree.ownerLow(row),
  )
  assert(rows.get(row, DIGEST) >>> 0 === digest, () => `${tree.path(row)} has a wrong digest`)
}

const pathOf = (tree: DataTree, row: Row): string => (row === ROOT ? '' : tree.path(row))
