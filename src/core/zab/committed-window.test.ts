import { describe, expect, it } from 'vitest'

import { entryAt } from '../../../test/support/leader-host.ts'
import { InvariantError } from '../../base/assert.ts'
import { collectMarks } from '../../base/marks.ts'
import { zxidOf } from '../../base/zxid.ts'
import { RecentCommits, WINDOW_COUNT_MIN } from './committed-window.ts'

const START = zxidOf(2, 0)

const windowOf = (options: { count?: number; bytesMax?: number; leavesGap?: boolean } = {}) =>
  new RecentCommits(
    {
      commitLogCount: options.count ?? 500,
      leavesGapInWindow: options.leavesGap ?? false,
      ...(options.bytesMax === undefined ? {} : { bytesMax: options.bytesMax }),
    },
    START,
  )

describe('the window of committed transactions', () => {
  it('stands where history does while it is empty', () => {
    const window = windowOf()
    expect([window.min, window.max, window.length]).toEqual([START, START, 0])
    window.moveTo(zxidOf(3, 0))
    expect([window.min, window.max]).toEqual([zxidOf(3, 0), zxidOf(3, 0)])
    expect(() => window.at(0)).toThrow(InvariantError)
  })

  it('keeps the last ones, and at least as many as ZooKeeper does', () => {
    const window = windowOf({ count: 10 })
    for (let i = 1; i <= WINDOW_COUNT_MIN + 3; i++) window.add(entryAt(zxidOf(2, i)))
    expect([window.length, window.min, window.max]).toEqual([
      WINDOW_COUNT_MIN,
      zxidOf(2, 4),
      zxidOf(2, WINDOW_COUNT_MIN + 3),
    ])
    expect(window.at(0).zxid).toBe(zxidOf(2, 4))
    window.moveTo(zxidOf(3, 0))
    expect(window.max).toBe(zxidOf(2, WINDOW_COUNT_MIN + 3))
  })

  it('lets go of large ones early, but never of the last', () => {
    const window = windowOf({ bytesMax: 100 })
    const marks = collectMarks(() => {
      for (let i = 1; i <= 5; i++) window.add(entryAt(zxidOf(2, i), new Uint8Array(40)))
    })
    expect([window.length, window.byteCount, window.min]).toEqual([2, 80, zxidOf(2, 4)])
    expect(marks.get('window.full-of-bytes')).toBe(3)
    window.add(entryAt(zxidOf(2, 6), new Uint8Array(1_000)))
    expect([window.length, window.byteCount]).toEqual([1, 1_000])
  })

  it.each([
    ['inside an epoch', zxidOf(2, 3)],
    ['at the beginning of an epoch', zxidOf(3, 2)],
    ['backwards', zxidOf(1, 1)],
    ['twice', zxidOf(2, 1)],
  ])('has no gap: %s', (_where, zxid) => {
    const window = windowOf()
    window.add(entryAt(zxidOf(2, 1)))
    expect(() => window.add(entryAt(zxid))).toThrow(InvariantError)
  })

  it('goes on in another epoch', () => {
    const window = windowOf()
    window.add(entryAt(zxidOf(2, 1)))
    window.add(entryAt(zxidOf(5, 1)))
    expect(window.length).toBe(2)
  })

  it('begins anew behind a hole in a log that was read', () => {
    const window = windowOf()
    window.addFromLog(entryAt(zxidOf(2, 1)))
    window.addFromLog(entryAt(zxidOf(2, 5)))
    window.addFromLog(entryAt(zxidOf(2, 6)))
    expect([window.length, window.min]).toEqual([2, zxidOf(2, 5)])
  })

  it('knows nothing of a history that took its place', () => {
    const window = windowOf()
    window.add(entryAt(zxidOf(2, 1)))
    window.reset(zxidOf(1, 7))
    expect([window.length, window.byteCount, window.min, window.max]).toEqual([
      0,
      0,
      zxidOf(1, 7),
      zxidOf(1, 7),
    ])
    window.add(entryAt(zxidOf(4, 9)))
    expect(window.max).toBe(zxidOf(4, 9))
  })

  it('has gaps with the old fault', () => {
    const window = windowOf({ leavesGap: true })
    for (let i = 1; i <= 8; i++) window.add(entryAt(zxidOf(2, i)))
    expect([window.length, window.max]).toEqual([7, zxidOf(2, 8)])
  })
})
