import fc from 'fast-check'
import { expect, test } from 'vitest'

import { NaiveWatchManager } from './naive-watch-manager.ts'
import { WatchKind, WatchManager, type WatcherTypeNumber } from './watch-manager.ts'

const PATHS = ['/', '/a', '/a/b', '/a/b/c', '/a/bc', '/d', '/a/', '', 'odd/b']
const TRIGGERS = ['onCreated', 'onDeleted', 'onDataChanged', 'onChildrenChanged'] as const
const TYPES: readonly WatcherTypeNumber[] = [1, 2, 3, 4, 5]

const watcher = fc.integer({ min: 1, max: 5 })
const path = fc.constantFrom(...PATHS)
const step = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constant('add'), watcher, path, fc.nat(3)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('remove'), watcher, path, fc.nat(4)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('gone'), watcher, path, fc.constant(0)) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('fire'), watcher, path, fc.nat(3)) },
)

test('any history of watches and changes gives what the naive twin gives', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const real = new WatchManager()
      const naive = new NaiveWatchManager()
      for (const [action, watcher, path, choice] of steps) {
        if (action === 'add') {
          const kind = choice as WatchKind
          expect(real.add(watcher, path, kind)).toBe(naive.add(watcher, path, kind))
        } else if (action === 'remove') {
          const type = TYPES[choice]!
          expect(real.has(watcher, path, type)).toBe(naive.has(watcher, path, type))
          expect(real.remove(watcher, path, type)).toBe(naive.remove(watcher, path, type))
        } else if (action === 'gone') {
          real.removeWatcher(watcher)
          naive.removeWatcher(watcher)
        } else {
          const trigger = TRIGGERS[choice]!
          expect(real[trigger](path)).toEqual(naive[trigger](path))
        }
        expectSame(real, naive)
      }
    }),
  )
})

function expectSame(real: WatchManager, naive: NaiveWatchManager): void {
  expect(real.count).toBe(naive.count)
  expect(real.isEmpty).toBe(naive.count === 0)
  expect(real.summary()).toEqual(naive.summary())
  expect(new Map(real.byPath())).toEqual(new Map(naive.byPath()))
  expect(new Map(real.byWatcher())).toEqual(new Map(naive.byWatcher()))
  for (let watcher = 1; watcher <= 5; watcher++) {
    expect(real.countOf(watcher)).toBe(naive.countOf(watcher))
  }
}

test('many watchers on many paths are found, counted and forgotten', () => {
  const watchers = 60
  const paths = 50
  const real = new WatchManager()
  for (let path = 0; path < paths; path++) {
    for (let watcher = 0; watcher < watchers; watcher++) {
      expect(real.add(watcher, `/p${path}`, WatchKind.data)).toBe(true)
    }
  }
  expect(real.count).toBe(watchers * paths)
  for (let watcher = 0; watcher < watchers; watcher += 2) real.removeWatcher(watcher)
  expect(real.summary()).toEqual({
    connections: watchers / 2,
    paths,
    watches: (watchers * paths) / 2,
  })
  const odd = Array.from({ length: watchers / 2 }, (_, i) => 2 * i + 1)
  for (let path = 0; path < paths; path++) expect(real.onDataChanged(`/p${path}`)).toEqual(odd)
  expect(real.isEmpty).toBe(true)
  expect(real.summary()).toEqual({ connections: 0, paths: 0, watches: 0 })
})
