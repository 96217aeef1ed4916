import fc from 'fast-check'
import { expect, test } from 'vitest'

import { Ring } from './ring.ts'

const step = fc.oneof(
  { weight: 6, arbitrary: fc.constant('push') },
  { weight: 5, arbitrary: fc.constant('shift') },
  { weight: 1, arbitrary: fc.constantFrom('clear', 'push many') },
)

test('a ring does what an array would', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const ring = new Ring<number>()
      const array: number[] = []
      let fresh = 0
      const push = (): void => {
        ring.push(fresh)
        array.push(fresh++)
      }
      for (const action of steps) {
        if (action === 'push') push()
        if (action === 'push many') for (let i = 0; i < 20; i++) push()
        if (action === 'shift' && array.length > 0) expect(ring.shift()).toBe(array.shift())
        if (action === 'clear') {
          ring.clear()
          array.length = 0
        }
        expect(ring.length).toBe(array.length)
        expect(ring.peek()).toBe(array[0])
        expect(ring.last()).toBe(array.at(-1))
      }
      expect(Array.from({ length: array.length + 2 }, (_, i) => ring.at(i))).toEqual([
        ...array,
        undefined,
        undefined,
      ])
    }),
  )
})
