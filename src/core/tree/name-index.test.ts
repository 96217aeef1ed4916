import { describe, expect, it } from 'vitest'
import { encodeUtf8 } from '../../base/text.ts'
import { Arena } from './arena.ts'
import { NO_ROW, ROOT, type Row } from './data-tree.ts'
import { NameIndex } from './name-index.ts'
import { NodeContent } from './node-content.ts'
import { NodeNames } from './node-names.ts'
import { PARENT, RowStore, rowOffset } from './row-store.ts'

describe('NameIndex', () => {
  it('finds what was added, under its own parent only', () => {
    const nodes = new IndexedNodes()
    const row = nodes.add(ROOT, 'a')
    const other = nodes.add(row, 'a')
    expect(nodes.find(ROOT, 'a')).toBe(row)
    expect(nodes.find(row, 'a')).toBe(other)
    expect(nodes.find(other, 'a')).toBe(NO_ROW)
    expect(nodes.find(ROOT, 'b')).toBe(NO_ROW)
    expect(nodes.find(ROOT, '')).toBe(NO_ROW)
  })

  it('finds all of many, and none that was removed', () => {
    const nodes = new IndexedNodes()
    const count = 20_000
    const rows = Array.from({ length: count }, (_, i) => nodes.add(ROOT, `name-${i}`))
    nodes.index.verify()
    for (let i = 0; i < count; i += 3) nodes.remove(rows[i]!)
    nodes.index.verify()
    for (let i = 0; i < count; i++) {
      const found = nodes.find(ROOT, `name-${i}`)
      if (found !== (i % 3 === 0 ? NO_ROW : rows[i])) expect.fail(`name-${i} is at row ${found}`)
    }
    expect(nodes.index.count).toBe(count - Math.ceil(count / 3))
  })

  it('takes as much room after much coming and going as before', () => {
    const nodes = new IndexedNodes()
    const rows = Array.from({ length: 3_000 }, (_, i) => nodes.add(ROOT, `kept-${i}`))
    const before = nodes.index.slotCount
    for (let i = 0; i < 60_000; i++) nodes.remove(nodes.add(ROOT, `passing-${i}`))
    expect(nodes.index.slotCount).toBe(before)
    nodes.index.verify()
    for (const row of rows) nodes.remove(row)
    expect(nodes.index.slotCount).toBeLessThan(before / 4)
  })

  it('is between half and four fifths full once it is large', () => {
    const nodes = new IndexedNodes()
    for (let i = 0; i < 50_000; i++) {
      nodes.add(ROOT, `n${i}`)
      if (i > 10_000 && i % 500 === 0) {
        const load = nodes.index.count / nodes.index.slotCount
        expect(load).toBeGreaterThan(0.5)
        expect(load).toBeLessThanOrEqual(0.8)
      }
    }
  })

  it('survives names that all have the same hash', () => {
    const nodes = new IndexedNodes()
    const rows = Array.from({ length: 3_400 }, (_, i) => nodes.addWithHash(i + 1, 0x12345678))
    expect(nodes.index.count).toBe(3_400)
    for (const row of rows.toReversed()) nodes.index.remove(0x12345678, row)
    expect(nodes.index.count).toBe(0)
  })

  it('hashes names differently under another seed', () => {
    const name = encodeUtf8('name')
    const [a, b] = [1, 2].map((seed) => new IndexedNodes(seed).names.hash(ROOT, name, 0, 4))
    expect(a).not.toBe(b)
  })
})

/** Rows with names and nothing else, and the index of them. */
class IndexedNodes {
  readonly rows = new RowStore()
  readonly names: NodeNames
  readonly index: NameIndex
  readonly #content: NodeContent

  constructor(hashSeed = 0) {
    const arena = new Arena()
    this.#content = new NodeContent(this.rows, arena)
    this.names = new NodeNames(this.rows, arena, hashSeed)
    this.index = new NameIndex(this.names)
    this.#create(NO_ROW, '')
  }

  add(parent: Row, name: string): Row {
    const row = this.#create(parent, name)
    this.index.add(this.names.hashOf(row), row, this.names.blockOf(row))
    return row
  }

  addWithHash(row: Row, hash: number): Row {
    this.index.add(hash, row, 0)
    return row
  }

  find(parent: Row, name: string): Row {
    const bytes = encodeUtf8(`/${name}/`)
    const end = bytes.length - 1
    return this.index.find(this.names.hash(parent, bytes, 1, end), parent, bytes, 1, end)
  }

  remove(row: Row): void {
    this.index.remove(this.names.hashOf(row), row)
    this.#content.free(this.rows.segmentOf(row), rowOffset(row))
    this.rows.free(row)
  }

  #create(parent: Row, name: string): Row {
    const row = this.rows.allocate()
    const bytes = encodeUtf8(name)
    this.rows.set(row, PARENT, parent)
    this.#content.create(
      this.rows.segmentOf(row),
      rowOffset(row),
      bytes,
      0,
      bytes.length,
      bytes,
      0,
      0,
    )
    return row
  }
}
