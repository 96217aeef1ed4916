/** docs/compatibility.md has a row for everything that the protocol's tables name. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ERRORS } from '../src/core/records/errors.ts'
import { OpCode } from '../src/core/records/opcodes.ts'

const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'compatibility.md'), 'utf8')

const words =
  'conf cons crst dirs dump envi gtmk ruok stmk srst srvr stat wchc wchp wchs mntr isro hash'

test('every operation has a row with its number and a link to what shows it', () => {
  const missing = Object.entries(OpCode).filter(([name, code]) => {
    const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\` | ${code} |`))
    return row === undefined || !/\]\(/.test(row)
  })
  expect(missing).toEqual([])
})

test('every error code has a row', () => {
  const missing = ERRORS.filter(({ name, code }) => !page.includes(`\n| \`${name}\` ${code} |`))
  expect(missing).toEqual([])
})

test('every four-letter word has a row', () => {
  const missing = words.split(' ').filter((word) => !page.includes(`\n| \`${word}\` |`))
  expect(missing).toEqual([])
})
