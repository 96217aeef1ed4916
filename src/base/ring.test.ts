import { expect, test } from 'vitest'

import { Ring } from './ring.ts'

test('items leave in the order in which they came', () => {
  const ring = new Ring<string>()
  for (const item of ['a', 'b', 'c']) ring.push(item)
  expect([ring.shift(), ring.shift(), ring.shift()]).toEqual(['a', 'b', 'c'])
})

test('an empty ring has nothing to show, and refuses to give', () => {
  const ring = new Ring<string>()
  expect([ring.peek(), ring.last(), ring.at(0)]).toEqual([undefined, undefined, undefined])
  expect(() => ring.shift()).toThrow('shift of an empty ring')
})

test('a ring that grows while it is wrapped keeps its order', () => {
  const ring = new Ring<number>()
  for (let i = 0; i < 10; i++) ring.push(i)
  for (let i = 0; i < 10; i++) ring.shift()
  for (let i = 0; i < 40; i++) ring.push(i)
  expect(Array.from({ length: 40 }, () => ring.shift())).toEqual(
    Array.from({ length: 40 }, (_, i) => i),
  )
})
