import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ErrorCode } from '../records/errors.ts'
import { EventType } from '../records/watches.ts'
import { type WatchKind, WatchRegistry, Watcher } from './watch-registry.ts'

const KINDS: readonly WatchKind[] = ['data', 'exists', 'children', 'persistent', 'recursive']
const PATHS = ['/', '/a', '/a/b'] as const
const EVENTS = [
  EventType.nodeCreated,
  EventType.nodeDeleted,
  EventType.nodeDataChanged,
  EventType.nodeChildrenChanged,
] as const

const step = fc.oneof(
  fc.record({
    kind: fc.constant('ask'),
    watch: fc.constantFrom(...KINDS),
    path: fc.constantFrom(...PATHS),
  }),
  fc.record({
    kind: fc.constant('answer'),
    which: fc.nat(30),
    error: fc.constantFrom(ErrorCode.Ok, ErrorCode.Ok, ErrorCode.NoNode, ErrorCode.NoAuth, null),
  }),
  fc.record({ kind: fc.constant('drop'), which: fc.nat(30) }),
  fc.record({
    kind: fc.constant('fire'),
    type: fc.constantFrom(...EVENTS),
    path: fc.constantFrom(...PATHS),
  }),
)

/** The obvious way: a list of all interests, searched from end to end. */
class NaiveRegistry {
  readonly asked: Watcher<number>[] = []
  armed: Watcher<number>[] = []

  isWanted(watch: WatchKind, path: string): boolean {
    const same = (one: Watcher<number>): boolean =>
      one.path === path && serverKind(one.watch) === serverKind(watch)
    return this.asked.some(same) || this.armed.some(same)
  }

  fire(type: number, path: string): Watcher<number>[] {
    const hit = this.armed.filter((one) => concerns(one, type, path))
    this.armed = this.armed.filter((one) => !hit.includes(one) || isLasting(one.watch))
    return hit
  }
}

it('keeps the same watchers as a plain list, and removes on the server exactly what nobody wants', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => {
      const registry = new WatchRegistry<number>()
      const naive = new NaiveRegistry()
      const all: Watcher<number>[] = []
      for (const one of steps) {
        if (one.kind === 'ask') {
          const watcher = new Watcher(one.watch, one.path, all.length)
          all.push(watcher)
          registry.ask(watcher)
          naive.asked.push(watcher)
        } else if (one.kind === 'answer') {
          const watcher = naive.asked[one.which % Math.max(1, naive.asked.length)]
          if (watcher === undefined) continue
          naive.asked.splice(naive.asked.indexOf(watcher), 1)
          const wasDropped = watcher.state === 'gone'
          const removal = registry.answered(watcher, one.error)
          const kept = isKept(watcher.watch, one.error)
          if (kept && !wasDropped) naive.armed.push(watcher)
          const mustRemove = kept && wasDropped && !naive.isWanted(watcher.watch, watcher.path)
          expect(removal !== null).toBe(mustRemove)
        } else if (one.kind === 'drop') {
          const watcher = all[one.which % Math.max(1, all.length)]
          if (watcher === undefined) continue
          const wasArmed = naive.armed.includes(watcher)
          naive.armed = naive.armed.filter((armed) => armed !== watcher)
          const removal = registry.drop(watcher)
          const mustRemove = wasArmed && !naive.isWanted(watcher.watch, watcher.path)
          expect(removal !== null).toBe(mustRemove)
        } else {
          const got = registry.fire(one.type, one.path).map(({ tag }) => tag)
          const wanted = naive.fire(one.type, one.path).map(({ tag }) => tag)
          expect(got.sort(byNumber)).toEqual(wanted.sort(byNumber))
        }
      }
      const armed = [...registry.all()].map(({ tag }) => tag).sort(byNumber)
      expect(armed).toEqual(naive.armed.map(({ tag }) => tag).sort(byNumber))
      const rearmed = registry.batches(10).reduce((sum, batch) => sum + countOf(batch), 0)
      expect(rearmed).toBe(registry.size)
    }),
    { numRuns: 300 },
  )
})

const byNumber = (a: number, b: number): number => a - b

const isLasting = (watch: WatchKind): boolean => watch === 'persistent' || watch === 'recursive'

const serverKind = (watch: WatchKind): WatchKind => (watch === 'exists' ? 'data' : watch)

function isKept(watch: WatchKind, error: number | null): boolean {
  if (error === ErrorCode.Ok) return true
  return error === ErrorCode.NoNode && watch !== 'data' && watch !== 'children'
}

function concerns({ watch, path }: Watcher<number>, type: number, at: string): boolean {
  const isChildren = type === EventType.nodeChildrenChanged
  switch (watch) {
    case 'data':
    case 'exists':
      return path === at && !isChildren
    case 'children':
      return path === at && (isChildren || type === EventType.nodeDeleted)
    case 'persistent':
      return path === at
    case 'recursive':
      return !isChildren && (path === at || path === '/' || at.startsWith(`${path}/`))
  }
}

function countOf(batch: ReturnType<WatchRegistry<number>['batches']>[number]): number {
  const { data, exist, child, persistent, recursive } = batch
  return data.length + exist.length + child.length + persistent.length + recursive.length
}
