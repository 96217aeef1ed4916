// npm run scenario -- [--rewrite] [--tree naive|column] [NAME...]
// npm run scenario -- --against HOST:PORT NAME
//
// Runs scenarios and shows where their transcripts differ from what is written, or writes what they
// are now. A name is a file of the folder above, without `.txt`; none means all. With --against, a
// fresh server of another kind plays the scenario as well, and their answers are compared.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { isPortable, runAgainst } from './run-against.ts'
import { runScenario } from './run-scenario.ts'
import { loadVocabulary } from './vocabulary.ts'
import { replicaOn } from './world.ts'

const folder = join(import.meta.dirname, '..')
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rewrite: { type: 'boolean', default: false },
    tree: { type: 'string', default: 'naive' },
    against: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
const print = (text: string): void => void process.stdout.write(`${text}\n`)

const vocabulary = await loadVocabulary()
if (values.help) printHelp()
else if (values.against !== undefined) await compareWith(values.against)
else await runAll()

async function compareWith(address: string): Promise<void> {
  const [host, port] = address.split(':') as [string, string | undefined]
  const name = positionals[0]
  if (port === undefined || name === undefined) throw new Error('--against HOST:PORT NAME')
  const text = readFileSync(pathOf(name), 'utf8')
  if (!isPortable(text)) throw new Error(`${name} can only be played by our own server`)
  const differences = await runAgainst(text, vocabulary, host, Number(port))
  for (const { command, ours, theirs } of differences) {
    print(`${command}\n${ours.map((line) => `  - ${line}`).join('\n')}`)
    print(theirs.map((line) => `  + ${line}`).join('\n'))
  }
  print(`${name}: ${differences.length} differences`)
  process.exitCode = differences.length === 0 ? 0 : 1
}

async function runAll(): Promise<void> {
  const tree = values.tree === 'column' ? 'column' : 'naive'
  const names =
    positionals.length > 0
      ? positionals
      : readdirSync(folder)
          .filter((name) => name.endsWith('.txt'))
          .map((name) => name.slice(0, -4))
  for (const name of names) {
    const path = pathOf(name)
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

function pathOf(name: string): string {
  return join(folder, `${name.replace(/\.txt$/, '')}.txt`)
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
