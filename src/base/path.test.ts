import { describe, expect, test } from 'vitest'

import { nameOf, parentPath, pathProblem, sequenceSuffix } from './path.ts'

const unit = (code: number): string => String.fromCharCode(code)

describe('rules of a path', () => {
  test.each([
    ['', 'path is empty'],
    ['a', 'path must start with /'],
    ['/a/', 'path must not end with /'],
    ['//', 'path must not end with /'],
    ['//a', 'empty component at character 1'],
    ['/a//b', 'empty component at character 3'],
    ['/./a', 'relative component at character 2'],
    ['/a/.', 'relative component at character 4'],
    ['/a/..', 'relative component at character 5'],
    ['/..', 'relative component at character 3'],
    ['/../a', 'relative component at character 3'],
    ['/a\0b', 'character U+0000 at 2 is not allowed'],
    ['/a\t', 'character U+0009 at 2 is not allowed'],
    ['/\u{1f600}', 'character U+D83D at 1 is not allowed'],
    ['/a\ufffd', 'character U+FFFD at 2 is not allowed'],
  ])('%j is refused: %s', (path, problem) => {
    expect(pathProblem(path)).toBe(problem)
  })

  test.each(['/', '/a', '/a...', '/a.b', '/...', '/.a', '/..a', '/a b', '/ ', '/a/b/c', '/ä/€'])(
    '%j is allowed',
    (path) => {
      expect(pathProblem(path)).toBeNull()
    },
  )

  test.each([
    ['control characters', 0x00, 0x1f],
    ['the second block of control characters', 0x7f, 0x9f],
    ['surrogates and the private use area', 0xd800, 0xf8ff],
    ['specials', 0xfff0, 0xffff],
  ])('%s are refused, and their neighbours allowed', (_name, first, last) => {
    for (const code of [first, first + 1, last - 1, last]) {
      expect(pathProblem(`/a${unit(code)}b`), code.toString(16)).toContain('not allowed')
    }
    if (first > 0) expect(pathProblem(`/a${unit(first - 1)}b`)).toBeNull()
    if (last < 0xffff) expect(pathProblem(`/a${unit(last + 1)}b`)).toBeNull()
  })

  test('a path may be long', () => {
    expect(pathProblem(`/${'x'.repeat(100_000)}`)).toBeNull()
    expect(pathProblem('/x'.repeat(10_000))).toBeNull()
  })
})

describe('parts of a path', () => {
  test.each([
    ['/a', '/', 'a'],
    ['/a/b', '/a', 'b'],
    ['/a/b/c', '/a/b', 'c'],
    ['/', '/', ''],
  ])('%s is in %s and is called %j', (path, parent, name) => {
    expect(parentPath(path)).toBe(parent)
    expect(nameOf(path)).toBe(name)
  })
})

describe('the suffix of a sequential node', () => {
  test.each([
    [0, '0000000000'],
    [3, '0000000003'],
    [2_147_483_647, '2147483647'],
    [-5, '-000000005'],
    [-2_147_483_648, '-2147483648'],
  ])('%i becomes %s', (counter, suffix) => {
    expect(sequenceSuffix(counter)).toBe(suffix)
  })
})
