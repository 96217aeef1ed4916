import { beforeEach, describe, expect, test } from 'vitest'

import { WatchKind, WatchManager } from './watch-manager.ts'

const ME = 7
const OTHER = 8

let watches: WatchManager
beforeEach(() => {
  watches = new WatchManager()
})

/** The events that `ME` sees, as `Created /p`, when someone does these things in this order. */
function eventsOf(...changes: readonly (readonly [verb: string, path: string])[]): string[] {
  const seen: string[] = []
  const note = (event: string, path: string, notified: readonly number[]): void => {
    for (const watcher of notified) if (watcher === ME) seen.push(`${event} ${path}`)
  }
  for (const [verb, path] of changes) {
    const parent = path.slice(0, path.lastIndexOf('/')) || '/'
    if (verb === 'set') note('Data', path, watches.onDataChanged(path))
    if (verb === 'create') note('Created', path, watches.onCreated(path))
    if (verb === 'delete') note('Deleted', path, watches.onDeleted(path))
    if (verb !== 'set') note('Children', parent, watches.onChildrenChanged(parent))
  }
  return seen
}

const BELOW_P = [
  ['set', '/p'],
  ['create', '/p/k'],
  ['set', '/p/k'],
  ['create', '/p/k/z'],
  ['delete', '/p/k/z'],
  ['delete', '/p/k'],
] as const

describe('what fires what', () => {
  test('a data watch fires once, on the next change of data', () => {
    watches.add(ME, '/p', WatchKind.data)
    expect(eventsOf(['set', '/p'], ['set', '/p'])).toEqual(['Data /p'])
  })

  test('an exist watch fires when the node is created', () => {
    watches.add(ME, '/p/a', WatchKind.data)
    expect(eventsOf(['create', '/p/a'], ['set', '/p/a'])).toEqual(['Created /p/a'])
  })

  test('a child watch is deaf to the data of its own node', () => {
    watches.add(ME, '/p', WatchKind.child)
    expect(eventsOf(['set', '/p'])).toEqual([])
    expect(watches.count).toBe(1)
  })

  test('a data watch is deaf to changes of children', () => {
    watches.add(ME, '/p', WatchKind.data)
    expect(eventsOf(['create', '/p/a'], ['delete', '/p/a'])).toEqual([])
  })

  test('a deletion is told once to a connection with a data and a child watch', () => {
    watches.add(ME, '/p/a', WatchKind.data)
    watches.add(ME, '/p/a', WatchKind.child)
    watches.add(ME, '/p', WatchKind.child)
    expect(eventsOf(['delete', '/p/a'])).toEqual(['Deleted /p/a', 'Children /p'])
    expect(watches.isEmpty).toBe(true)
  })

  test('a persistent watch sees its node and its children, and nothing below them', () => {
    watches.add(ME, '/p', WatchKind.persistent)
    expect(eventsOf(...BELOW_P)).toEqual(['Data /p', 'Children /p', 'Children /p'])
  })

  test('a persistent watch outlives its node', () => {
    watches.add(ME, '/n', WatchKind.persistent)
    expect(eventsOf(['delete', '/n'], ['create', '/n'])).toEqual(['Deleted /n', 'Created /n'])
  })

  test('a recursive watch sees every node below, and never a change of children', () => {
    watches.add(ME, '/p', WatchKind.recursive)
    expect(eventsOf(...BELOW_P)).toEqual([
      'Data /p',
      'Created /p/k',
      'Data /p/k',
      'Created /p/k/z',
      'Deleted /p/k/z',
      'Deleted /p/k',
    ])
  })

  test('recursive, data and child watches on one node each keep their own rule', () => {
    watches.add(ME, '/p', WatchKind.recursive)
    watches.add(ME, '/p', WatchKind.data)
    watches.add(ME, '/p', WatchKind.child)
    expect(eventsOf(['set', '/p'], ['create', '/p/k'], ['set', '/p'])).toEqual([
      'Data /p',
      'Created /p/k',
      'Children /p',
      'Data /p',
    ])
  })

  test('persistent and recursive watches on one node both stay', () => {
    watches.add(ME, '/p', WatchKind.persistent)
    watches.add(ME, '/p', WatchKind.recursive)
    expect(eventsOf(['create', '/p/m'], ['delete', '/p/m'])).toEqual([
      'Created /p/m',
      'Children /p',
      'Deleted /p/m',
      'Children /p',
    ])
  })

  test('a recursive watch on / sees everything, / included', () => {
    watches.add(ME, '/', WatchKind.recursive)
    expect(eventsOf(['set', '/'], ['set', '/a/b/c'])).toEqual(['Data /', 'Data /a/b/c'])
  })

  test('a recursive watch does not see a node whose name only begins like its own', () => {
    watches.add(ME, '/p', WatchKind.recursive)
    expect(eventsOf(['set', '/pq'], ['set', '/pq/p'])).toEqual([])
  })

  test('a connection with recursive watches on several ancestors is told once', () => {
    watches.add(ME, '/', WatchKind.recursive)
    watches.add(ME, '/a', WatchKind.recursive)
    watches.add(ME, '/a/b', WatchKind.persistent)
    expect(eventsOf(['set', '/a/b'])).toEqual(['Data /a/b'])
  })

  test('a watch on the empty path never fires', () => {
    watches.add(ME, '', WatchKind.data)
    expect(eventsOf(['set', '/'])).toEqual([])
  })
})

describe('order', () => {
  test('watchers of a path come in the order in which they registered', () => {
    for (const watcher of [3, 1, 2]) watches.add(watcher, '/p', WatchKind.data)
    expect(watches.onDataChanged('/p')).toEqual([3, 1, 2])
  })

  test('recursive watchers of ancestors follow, the nearest first', () => {
    watches.add(1, '/', WatchKind.recursive)
    watches.add(2, '/a', WatchKind.recursive)
    watches.add(3, '/a/b', WatchKind.data)
    expect(watches.onDataChanged('/a/b')).toEqual([3, 2, 1])
  })
})

describe('counting', () => {
  test('a registration made twice is one, and says so', () => {
    expect(watches.add(ME, '/p', WatchKind.data)).toBe(true)
    expect(watches.add(ME, '/p', WatchKind.data)).toBe(false)
    expect(watches.count).toBe(1)
  })

  test('a persistent watch counts in both tables, a recursive one in one', () => {
    watches.add(ME, '/p', WatchKind.persistent)
    expect(watches.count).toBe(2)
    watches.add(OTHER, '/q', WatchKind.recursive)
    expect(watches.count).toBe(3)
    expect([watches.countOf(ME), watches.countOf(OTHER), watches.countOf(9)]).toEqual([2, 1, 0])
  })

  test('a data watch beside a persistent one takes no further place in the data table', () => {
    watches.add(ME, '/p', WatchKind.persistent)
    watches.add(ME, '/p', WatchKind.data)
    expect(watches.count).toBe(2)
  })

  test('the words wchs, wchp and wchc leave child watches out', () => {
    watches.add(ME, '/p', WatchKind.child)
    watches.add(ME, '/q', WatchKind.data)
    watches.add(OTHER, '/q', WatchKind.persistent)
    expect(watches.summary()).toEqual({ connections: 2, paths: 1, watches: 2 })
    expect([...watches.byPath()]).toEqual([['/q', [ME, OTHER]]])
    expect([...watches.byWatcher()]).toEqual([
      [ME, ['/q']],
      [OTHER, ['/q']],
    ])
  })
})

describe('removal', () => {
  test.each([
    [1, WatchKind.child],
    [2, WatchKind.data],
    [4, WatchKind.persistent],
    [5, WatchKind.recursive],
  ] as const)('type %i matches its own kind and no other', (type, kind) => {
    for (const other of Object.values(WatchKind)) {
      if (other !== kind) watches.add(ME, '/p', other)
    }
    expect(watches.has(ME, '/p', type)).toBe(false)
    expect(watches.remove(ME, '/p', type)).toBe(false)
    watches.add(ME, '/p', kind)
    expect(watches.has(ME, '/p', type)).toBe(true)
    expect(watches.remove(ME, '/p', type)).toBe(true)
    expect(watches.has(ME, '/p', type)).toBe(false)
    expect(watches.has(ME, '/p', 3)).toBe(true)
  })

  test('type 3 takes all kinds away, of this connection and path only', () => {
    for (const kind of Object.values(WatchKind)) watches.add(ME, '/p', kind)
    watches.add(OTHER, '/p', WatchKind.data)
    watches.add(ME, '/q', WatchKind.data)
    expect(watches.remove(ME, '/p', 3)).toBe(true)
    expect(watches.remove(ME, '/p', 3)).toBe(false)
    expect(watches.count).toBe(2)
  })

  test('what a type says of one connection says nothing of another', () => {
    watches.add(OTHER, '/p', WatchKind.data)
    expect(watches.has(ME, '/p', 3)).toBe(false)
  })

  test('a recursive watch that was removed no longer looks below', () => {
    watches.add(ME, '/p', WatchKind.recursive)
    watches.remove(ME, '/p', 5)
    expect(eventsOf(['set', '/p/k'])).toEqual([])
  })

  test('a connection that is gone takes all its watches along', () => {
    for (const path of ['/p', '/q', '/p/k']) watches.add(ME, path, WatchKind.recursive)
    watches.add(OTHER, '/p', WatchKind.data)
    watches.removeWatcher(ME)
    expect(watches.onDataChanged('/p/k')).toEqual([])
    expect(watches.onDataChanged('/p')).toEqual([OTHER])
    watches.removeWatcher(ME)
    expect(watches.isEmpty).toBe(true)
  })
})
