import { expect, it } from 'vitest'

import { encodeUtf8 } from '../../base/text.ts'
import type { PendingNode } from './pending-node.ts'
import { PendingTable } from './pending-table.ts'

function add(table: PendingTable, path: string): PendingNode {
  const bytes = encodeUtf8(path)
  const node = table.take()
  node.setPath(table.hashOf(bytes, 0, bytes.length), bytes, 0, bytes.length)
  table.add(node)
  return node
}

function find(table: PendingTable, path: string): PendingNode | null {
  const bytes = encodeUtf8(`before${path}behind`)
  const end = bytes.length - 'behind'.length
  const start = 'before'.length
  return table.find(table.hashOf(bytes, start, end), bytes, start, end)
}

it('finds each of many nodes by its path, wherever the bytes of the path stand', () => {
  const table = new PendingTable(7)
  const nodes = new Map<string, PendingNode>()
  for (let i = 0; i < 2_000; i++) nodes.set(`/n${i}`, add(table, `/n${i}`))
  expect(table.count).toBe(2_000)
  for (const [path, node] of nodes) {
    expect(find(table, path)).toBe(node)
    expect(node.path).toBe(path)
  }
  expect(find(table, '/n2000')).toBeNull()
})

it('tells nodes apart that share a place, and removes the right one', () => {
  const table = new PendingTable(1)
  const paths = Array.from({ length: 200 }, (_, i) => `/${'x'.repeat(i % 90)}/${i}`)
  const nodes = paths.map((path) => add(table, path))
  for (const [i, node] of nodes.entries()) if (i % 3 === 0) table.remove(node)
  for (const [i, path] of paths.entries()) {
    expect(find(table, path), path).toBe(i % 3 === 0 ? null : nodes[i])
  }
})

it('hands out again what was given back, under its new path only', () => {
  const table = new PendingTable(1)
  const node = add(table, '/a/rather/long/path')
  table.remove(node)
  table.giveBack(node)
  expect(add(table, '/b')).toBe(node)
  expect(node.path).toBe('/b')
  expect(find(table, '/a/rather/long/path')).toBeNull()
})
