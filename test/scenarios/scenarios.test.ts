// Every scenario of this folder, on both trees: what is written below each command is what comes of
// it. `npm run scenario -- --rewrite NAME` writes a transcript anew; its diff is what to review.

import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runScenario } from './runner/run-scenario.ts'
import { loadVocabulary } from './runner/vocabulary.ts'
import { replicaOn } from './runner/world.ts'

const folder = import.meta.dirname
const names = readdirSync(folder).filter((name) => name.endsWith('.txt'))
const vocabulary = await loadVocabulary()

describe.each(['naive', 'column'] as const)('on the %s tree', (tree) => {
  it.each(names)('%s', async (name) => {
    const text = readFileSync(join(folder, name), 'utf8')
    expect(await runScenario(text, vocabulary, replicaOn(tree))).toBe(text)
  })
})
