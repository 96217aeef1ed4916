import { describe, expect, it } from 'vitest'
import { Prng } from '../../base/prng.ts'
import { encodeUtf8 } from '../../base/text.ts'
import { Arena } from './arena.ts'
import type { ChildCursor } from './child-cursor.ts'
import { ChildLists } from './child-lists.ts'
import { RUN_CHILDREN_MAX } from './child-run.ts'
import { NO_ROW, ROOT, type Row } from './data-tree.ts'
import { NodeContent } from './node-content.ts'
import { NodeNames } from './node-names.ts'
import { PARENT, RowStore, rowOffset } from './row-store.ts'

const nameOf = (number: number): string => `n${String(number).padStart(7, '0')}`

describe('ChildLists', () => {
  it.each([1, 2, 3, 4, 31, 32, 510, 511, 512, 513, 1_023, 5_000])(
    'keeps %i children in order, however they come and go',
    (count) => {
      const random = new Prng(count)
      const family = new Family()
      const names = Array.from({ length: count }, (_, i) => nameOf(i))
      for (const name of shuffled(names, random)) family.add(name)
      expect(family.names()).toEqual(names)
      for (const name of shuffled(names, random).slice(count >>> 1)) family.remove(name)
      family.lists.verify(ROOT)
      const left = [...family.children.keys()].sort()
      expect(family.names()).toEqual(left)
      for (const name of shuffled(left, random)) family.remove(name)
      expect(family.names()).toEqual([])
      expect(family.listBytes).toBe(0)
    },
  )

  it('gives the children behind a name, whether that exists or not', () => {
    const family = new Family()
    for (let i = 0; i < 4_000; i += 2) family.add(nameOf(i))
    for (const number of [0, 1, 500, 1_021, 1_022, 1_023, 1_024, 3_997, 3_998, 3_999]) {
      const [next] = family.namesAfter(nameOf(number), 1)
      const expected = number + 2 - (number % 2)
      expect(next).toBe(expected < 4_000 ? nameOf(expected) : undefined)
    }
    expect(family.namesAfter('', 2)).toEqual([nameOf(0), nameOf(2)])
    expect(family.namesAfter('m', 1)).toEqual([nameOf(0)])
    expect(family.namesAfter('o', 1)).toEqual([])
  })

  it('stays in order while children come and go between reads', () => {
    const random = new Prng(7)
    const family = new Family()
    for (let round = 0; round < 300; round++) {
      for (let i = random.below(40); i > 0; i--) family.add(nameOf(random.below(100_000)))
      const present = [...family.children.keys()]
      // The first, the last, and some in between: those that lists treat in their own ways.
      const sorted = [...present].sort()
      for (const name of [sorted[0], sorted.at(-1), present[0], present.at(-1)]) {
        if (name !== undefined && random.chance(0.5)) family.remove(name)
      }
      if (random.chance(0.3)) expect(family.names()).toEqual([...family.children.keys()].sort())
    }
    family.lists.verify(ROOT)
  })

  describe('where chunks of many children meet', () => {
    const many = (): Family => {
      const family = new Family()
      for (let i = 0; i < 3 * RUN_CHILDREN_MAX; i++) family.add(nameOf(i * 10))
      return family
    }
    const first = RUN_CHILDREN_MAX * 10

    it('finds the place of a name after the first child of its chunk has gone', () => {
      const family = many()
      family.remove(nameOf(first + 50))
      family.add(nameOf(first + 2))
      family.remove(nameOf(first))
      family.add(nameOf(first + 5))
      expect(family.names()).toEqual([...family.children.keys()].sort())
    })

    it('keeps the order of children that came just before two chunks become one', () => {
      const family = many()
      for (let i = 200; i < RUN_CHILDREN_MAX; i++) family.remove(nameOf(i * 10))
      for (let i = 140; i < RUN_CHILDREN_MAX; i++) family.remove(nameOf(first + i * 10))
      for (const number of [505, 303, 101]) family.add(nameOf(first + number))
      for (let i = 120; i < 140; i++) family.remove(nameOf(first + i * 10))
      expect(family.names()).toEqual([...family.children.keys()].sort())
      family.lists.verify(ROOT)
    })
  })

  it('spends little more than four bytes on a child that was added at the end', () => {
    const family = new Family()
    for (let i = 0; i < 50_000; i++) family.add(nameOf(i))
    expect(family.listBytes / 50_000).toBeLessThan(4.2)
  })

  it('spends less than eight bytes on a child that was added anywhere', () => {
    const family = new Family()
    const names = Array.from({ length: 50_000 }, (_, i) => nameOf(i))
    for (const name of shuffled(names, new Prng(3))) family.add(name)
    expect(family.listBytes / 50_000).toBeLessThan(8)
  })

  it('gives room back when most children of many have gone', () => {
    const family = new Family()
    for (let i = 0; i < 20_000; i++) family.add(nameOf(i))
    for (let i = 0; i < 20_000; i++) if (i % 20 !== 0) family.remove(nameOf(i))
    expect(family.listBytes / 1_000).toBeLessThan(16)
    family.lists.verify(ROOT)
  })
})

/** A root and its children, in their lists; names and lists are in arenas of their own. */
class Family {
  readonly children = new Map<string, Row>()
  readonly lists: ChildLists
  readonly #rows = new RowStore()
  readonly #listArena = new Arena()
  readonly #names: NodeNames
  readonly #content: NodeContent

  constructor() {
    const arena = new Arena()
    this.#names = new NodeNames(this.#rows, arena, 0)
    this.#content = new NodeContent(this.#rows, arena)
    this.lists = new ChildLists(this.#rows, this.#listArena, this.#names)
    this.#create('')
  }

  get listBytes(): number {
    return this.#listArena.usedBytes
  }

  add(name: string): void {
    if (this.children.has(name)) return
    const row = this.#create(name)
    this.children.set(name, row)
    this.lists.add(ROOT, row)
  }

  remove(name: string): void {
    const row = this.children.get(name)
    if (row === undefined) return
    this.children.delete(name)
    this.lists.remove(ROOT, row)
    this.#content.free(this.#rows.segmentOf(row), rowOffset(row))
    this.#rows.free(row)
  }

  names(): string[] {
    return this.#take(this.lists.all(ROOT), Number.MAX_SAFE_INTEGER)
  }

  namesAfter(name: string, limit: number): string[] {
    const bytes = encodeUtf8(name)
    return this.#take(this.lists.after(ROOT, bytes, 0, bytes.length), limit)
  }

  #take(cursor: ChildCursor, limit: number): string[] {
    const names: string[] = []
    while (names.length < limit) {
      const child = cursor.next()
      if (child === NO_ROW) break
      names.push(this.#names.text(child))
    }
    return names
  }

  #create(name: string): Row {
    const row = this.#rows.allocate()
    const bytes = encodeUtf8(name)
    this.#rows.set(row, PARENT, ROOT)
    const words = this.#rows.segmentOf(row)
    this.#content.create(words, rowOffset(row), bytes, 0, bytes.length, bytes, 0, 0)
    return row
  }
}

function shuffled<T>(items: readonly T[], random: Prng): T[] {
  const result = [...items]
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const swapped = result[i]!
    result[i] = result[j]!
    result[j] = swapped
  }
  return result
}
