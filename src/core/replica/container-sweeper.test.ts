import { expect, it } from 'vitest'

import { encodeUtf8 } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import { DEFAULT_PIPELINE_SETTINGS, type PipelineSettings } from '../pipeline/settings.ts'
import {
  ACL_WORLD_ALL,
  CONTAINER_OWNER_HIGH,
  type DataTree,
  ROOT,
  TTL_OWNER_HIGH,
} from '../tree/data-tree.ts'
import { NaiveTree } from '../tree/naive-tree.ts'
import { ContainerSweeper } from './container-sweeper.ts'

const settings: PipelineSettings = {
  ...DEFAULT_PIPELINE_SETTINGS,
  extendedTypes: true,
  containerCheckIntervalMs: 1_000,
  containerMaxPerMinute: 600,
}

/** A tree of containers that once had a child. */
function treeOf(...names: readonly string[]): DataTree {
  const tree = new NaiveTree(settings)
  for (const name of names) {
    const row = add(tree, name, CONTAINER_OWNER_HIGH, 0)
    tree.touchParent(row, 1, 2 as Zxid)
  }
  return tree
}

function add(tree: DataTree, name: string, ownerHigh: number, ownerLow: number): number {
  const bytes = encodeUtf8(name)
  return tree.insert(
    ROOT,
    bytes,
    0,
    bytes.length,
    bytes,
    -1,
    0,
    ACL_WORLD_ALL,
    ownerHigh,
    ownerLow,
    1 as Zxid,
    0,
  )
}

it('looks at each interval, and at no other time', () => {
  const tree = treeOf()
  const sweeper = new ContainerSweeper(tree, settings, 500)
  expect(sweeper.wakeAtMs).toBe(1_500)
  tree.touchParent(add(tree, 'c', CONTAINER_OWNER_HIGH, 0), 1, 2 as Zxid)
  expect(sweeper.next(1_499, 0)).toBeNull()
  expect(sweeper.next(1_500, 0)).toBe('/c')
  expect(sweeper.wakeAtMs).toBe(2_500)
})

it('takes one node after another, no faster than is allowed', () => {
  const sweeper = new ContainerSweeper(treeOf('a', 'b', 'c'), settings, 0)
  expect(sweeper.next(1_000, 0)).not.toBeNull()
  expect(sweeper.wakeAtMs).toBe(1_100)
  expect(sweeper.next(1_099, 0)).toBeNull()
  expect(sweeper.next(1_100, 0)).not.toBeNull()
  expect(sweeper.next(1_200, 0)).not.toBeNull()
  expect(sweeper.wakeAtMs).toBe(2_000)
  expect(sweeper.next(1_300, 0)).toBeNull()
})

it('finds again what was not removed', () => {
  const sweeper = new ContainerSweeper(treeOf('a'), settings, 0)
  expect(sweeper.next(1_000, 0)).toBe('/a')
  expect(sweeper.next(2_000, 0)).toBe('/a')
})

it('an interval of zero is never', () => {
  const off = { ...settings, containerCheckIntervalMs: 0 }
  const sweeper = new ContainerSweeper(treeOf('a'), off, 0)
  expect(sweeper.wakeAtMs).toBe(Infinity)
  expect(sweeper.next(1e12, 0)).toBeNull()
})

it('a node outlives its time to live, and not its next look', () => {
  const tree = treeOf()
  add(tree, 't', TTL_OWNER_HIGH, 5_000)
  const sweeper = new ContainerSweeper(tree, settings, 0)
  expect(sweeper.next(1_000, 5_000)).toBeNull()
  expect(sweeper.next(2_000, 5_001)).toBe('/t')
})
