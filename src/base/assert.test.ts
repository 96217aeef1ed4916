import { expect, test } from 'vitest'

import { InvariantError, assert, must, unreachable } from './assert.ts'

test('assert lets a true condition pass without asking why', () => {
  assert(true, () => {
    throw new Error('asked')
  })
})

test('assert throws an InvariantError with its reason, given as text or made on demand', () => {
  expect(() => assert(false, 'the sky fell')).toThrow(new InvariantError('the sky fell'))
  expect(() => assert(false, () => `at ${6 * 7}`)).toThrow(new InvariantError('at 42'))
})

test('must passes on everything but null and undefined', () => {
  for (const value of [0, '', false, Number.NaN]) expect(must(value, 'missing')).toBe(value)
  for (const absent of [null, undefined]) {
    expect(() => must(absent, () => 'missing')).toThrow(new InvariantError('missing'))
  }
})

test('unreachable names the value that should not have come', () => {
  expect(() => unreachable('left' as never)).toThrow('unreachable: left')
})
