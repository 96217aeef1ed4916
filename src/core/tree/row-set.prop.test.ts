// A set of rows is what a `Set` is, however many rows come and go.

import fc from 'fast-check'
import { expect, it } from 'vitest'

import { RowSet } from './row-set.ts'

it('holds what was added and not deleted, in the order in which it came', () => {
  const rows = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 200 })
  fc.assert(
    fc.property(rows, (touched) => {
      const set = new RowSet()
      const twin = new Set<number>()
      for (const row of touched) {
        expect(set.has(row)).toBe(twin.has(row))
        if (twin.has(row)) {
          twin.delete(row)
          expect(set.delete(row)).toBe(true)
          expect(set.delete(row)).toBe(false)
        } else {
          twin.add(row)
          set.add(row)
        }
        expect(set.size).toBe(twin.size)
        expect([...set]).toEqual([...twin])
      }
    }),
  )
})
