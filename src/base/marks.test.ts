import { expect, it } from 'vitest'

import { collectMarks, mark } from './marks.ts'

it('counts marks while they are collected, and only then', () => {
  mark('before')
  const marks = collectMarks(() => {
    mark('a')
    mark('b')
    mark('a')
  })
  mark('after')
  expect([...marks]).toEqual([
    ['a', 2],
    ['b', 1],
  ])
})

it('stops collecting when the task throws', () => {
  const failing = (): void => {
    collectMarks(() => {
      throw new Error('no')
    })
  }
  expect(failing).toThrow('no')
  expect(collectMarks(() => {}).size).toBe(0)
})
