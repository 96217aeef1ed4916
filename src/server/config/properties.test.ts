import { describe, expect, test } from 'vitest'
import { PropertiesError, parseProperties } from './properties.ts'

const entries = (text: string): Record<string, string> =>
  Object.fromEntries(parseProperties(text).map(({ key, value }) => [key, value]))

describe('the text of a properties file', () => {
  test.each([
    ['a=1', { a: '1' }],
    ['a: 1', { a: '1' }],
    ['a 1', { a: '1' }],
    ['a\t=\t1', { a: '1' }],
    ['a = = 1', { a: '= 1' }],
    ['a', { a: '' }],
    ['a=', { a: '' }],
    ['  \ta=1', { a: '1' }],
    ['a=1  ', { a: '1' }],
    ['a=b=c:d e', { a: 'b=c:d e' }],
    ['# a=1\n! b=2\nc=3', { c: '3' }],
    ['a=1 # not a comment', { a: '1 # not a comment' }],
    ['a=1\r\nb=2\rc=3\nd=4', { a: '1', b: '2', c: '3', d: '4' }],
    ['a=x\\\n   y', { a: 'xy' }],
    ['a=x\\\\\nb=2', { a: 'x\\', b: '2' }],
    ['a=x\\\n# y', { a: 'x# y' }],
    ['# comment \\\na=1', { a: '1' }],
    ['a=1\\', { a: '1' }],
    ['a=C:\\\\zoo\\\\data', { a: 'C:\\zoo\\data' }],
    ['a=C:\\zoo', { a: 'C:zoo' }],
    ['a=\\u00e9\\t|', { a: 'é\t|' }],
    ['a\\=b=c', { 'a=b': 'c' }],
    ['a\\ b c', { 'a b': 'c' }],
    ['\n\n   \n', {}],
  ])('%j', (text, expected) => {
    expect(entries(text)).toEqual(expected)
  })

  test('an entry keeps the line on which it began', () => {
    const text = '# one\n\na=1\\\n 2\nb=3'
    expect(parseProperties(text).map(({ key, line }) => [key, line])).toEqual([
      ['a', 3],
      ['b', 5],
    ])
  })

  test('a broken unicode escape is refused with its line', () => {
    const broken = (): unknown => parseProperties('a=1\nb=\\u12x4')
    expect(broken).toThrow(PropertiesError)
    expect(broken).toThrow(/Malformed \\uxxxx encoding/)
  })
})
