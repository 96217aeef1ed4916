import { expect, test } from 'vitest'
import { RoleTimes } from './role-times.ts'

const sums = ({ lookCount, elections, unavailable, leaderUnavailable }: RoleTimes): number[] => [
  lookCount,
  ...[elections, unavailable, leaderUnavailable].flatMap(({ count, sumMs }) => [count, sumMs]),
]

test('an election lasts until a leader is known, the time without service until it serves', () => {
  const times = new RoleTimes()
  times.looks(100)
  times.takesRole(true, 300)
  expect(times.roleSinceMs).toBe(300)
  times.serves(true, 1_000)
  expect(sums(times)).toEqual([1, 1, 200, 1, 900, 1, 900])
})

test('who finds no quorum and looks again is without service all the while', () => {
  const times = new RoleTimes()
  times.looks(100)
  times.takesRole(true, 300)
  times.looks(400)
  times.takesRole(true, 450)
  times.serves(false, 500)
  expect(sums(times)).toEqual([2, 2, 250, 1, 400, 0, 0])
})

test('observers elect nobody, and a leader named by a reconfiguration is not elected', () => {
  const observer = new RoleTimes()
  observer.looks(0)
  observer.takesRole(false, 10)
  observer.serves(false, 20)
  expect(sums(observer)).toEqual([1, 0, 0, 1, 20, 0, 0])
  const successor = new RoleTimes()
  successor.takesRole(true, 30)
  successor.serves(true, 40)
  expect(sums(successor)).toEqual([0, 0, 0, 0, 0, 0, 0])
  successor.looks(50)
  successor.reset()
  expect(successor.lookCount).toBe(0)
})
