/** The reference page says what the parser does: it is made from the same records. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { configurationPage, configurationPagePath } from '../scripts/reference.ts'

test('docs/reference/configuration.md is what the keys make (npm run docs)', () => {
  expect(readFileSync(configurationPagePath, 'utf8')).toBe(configurationPage())
})
