import fc from 'fast-check'
import { expect, test } from 'vitest'

import { nameOf, parentPath, pathProblem } from './path.ts'

/** The rules as one would say them, one after the other. */
function isValidNaively(path: string): boolean {
  if (path === '/') return true
  const names = path.split('/').slice(1)
  return (
    path.startsWith('/') &&
    !names.includes('') &&
    !names.includes('.') &&
    !names.includes('..') &&
    path.split('').every((char) => !isForbiddenNaively(char.charCodeAt(0)))
  )
}

const FORBIDDEN = [
  [0x0000, 0x001f],
  [0x007f, 0x009f],
  [0xd800, 0xf8ff],
  [0xfff0, 0xffff],
] as const

const isForbiddenNaively = (code: number): boolean =>
  FORBIDDEN.some(([first, last]) => first <= code && code <= last)

const anyUnit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code))
const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('/', '.', 'a', 'b', '/a', '..') },
  { weight: 1, arbitrary: anyUnit },
)
const anyPath = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))

test('the scan over characters accepts just what the rules accept', () => {
  fc.assert(
    fc.property(anyPath, (path) => {
      expect(pathProblem(path) === null).toBe(isValidNaively(path))
    }),
    { numRuns: 2_000 },
  )
})

test('every single character is judged as the rules judge it', () => {
  const wrong: number[] = []
  for (let code = 0; code <= 0xffff; code++) {
    const path = `/x${String.fromCharCode(code)}x`
    if ((pathProblem(path) === null) !== isValidNaively(path)) wrong.push(code)
  }
  expect(wrong).toEqual([])
})

test('parent and name make up a valid path again', () => {
  fc.assert(
    fc.property(anyPath, (path) => {
      fc.pre(path !== '/' && pathProblem(path) === null)
      const parent = parentPath(path)
      expect(parent === '/' ? `/${nameOf(path)}` : `${parent}/${nameOf(path)}`).toBe(path)
      expect(pathProblem(parent)).toBeNull()
    }),
  )
})
