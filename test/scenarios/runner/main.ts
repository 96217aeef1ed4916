// npm run scenario -- [--rewrite] [--tree naive|column] [NAME...]
//
// Runs scenarios and shows where their transcripts differ from what is written, or writes what they
// are now. A name is a file of the folder above, without `.txt`; none means all.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runScenario } from './run-scenario.ts'
import { loadVocabulary } from './vocabulary.ts'
import { replicaOn } from './world.ts'

const folder = join(import.meta.dirname, '..')
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rewrite: { type: 'boolean', default: false },
    tree: { type: 'string', default: 'naive' },
    help: { type: 'boolean', default: false },
  },
})
const print = (text: string): void => void process.stdout.write(`${text}\n`)

const vocabulary = await loadVocabulary()
if (values.help) printHelp()
else await runAll()

async function runAll(): Promise<void> {
  const tree = values.tree === 'column' ? 'column' : 'naive'
  const names =
    positionals.length > 0
      ? positionals
      : readdirSync(folder)
          .filter((name) => name.endsWith('.txt'))
          .map((name) => name.slice(0, -4))
  for (const name of names) {
    const path = join(folder, `${name.replace(/\.txt$/, '')}.txt`)
    const before = readFileSync(path, 'utf8')
    const after = await runScenario(before, vocabulary, replicaOn(tree)).catch((problem: Error) => {
      print(`${name}: ${problem.message}`)
      process.exitCode = 1
      return before
    })
    if (after === before) continue
    if (values.rewrite) {
      writeFileSync(path, after)
      print(`${name}: written anew`)
    } else {
      process.exitCode = 1
      print(`${name}: ${firstDifference(before, after)}`)
    }
  }
}

function firstDifference(before: string, after: string): string {
  const was = before.split('\n')
  const is = after.split('\n')
  const at = is.findIndex((line, index) => line !== was[index])
  const line = at < 0 ? is.length : at
  return `line ${line + 1} is\n${is[line] ?? '(nothing)'}\nand was\n${was[line] ?? '(nothing)'}`
}

function printHelp(): void {
  for (const [verb, command] of [...vocabulary.commands, ...vocabulary.operations]) {
    print(`${verb} ${command.usage}`)
  }
}
