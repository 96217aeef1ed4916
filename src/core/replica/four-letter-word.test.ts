import { expect, it } from 'vitest'

import { FRAME_BYTES_MAX_DEFAULT } from '../../base/limits.ts'
import { encodeUtf8 } from '../../base/text.ts'
import { fourLetterWord } from './four-letter-word.ts'

const integerOf = (word: string): number => {
  const [a, b, c, d] = encodeUtf8(word) as unknown as [number, number, number, number]
  return (a << 24) | (b << 16) | (c << 8) | d
}

const WORDS = ['conf', 'cons', 'crst', 'dirs', 'dump', 'envi', 'gtmk', 'ruok', 'stmk', 'srst']
WORDS.push('srvr', 'stat', 'wchc', 'wchp', 'wchs', 'mntr', 'isro', 'hash')

it.each(WORDS)('%s is a word', (word) => {
  expect(fourLetterWord(integerOf(word))).toBe(word)
  expect(integerOf(word)).toBeGreaterThan(FRAME_BYTES_MAX_DEFAULT)
})

it("telnet's interrupt has a name", () => {
  expect(fourLetterWord(0xfff4fffd | 0)).toBe('telnet close')
})

it.each(['help', 'RUOK', 'rouk', 'ruo\0'])('%s is none', (word) => {
  expect(fourLetterWord(integerOf(word))).toBeNull()
})

it('a length is none, and neither is what has not arrived', () => {
  expect([45, 0, -1, FRAME_BYTES_MAX_DEFAULT, undefined].map(fourLetterWord)).toEqual(
    Array(5).fill(null),
  )
})
