// npm run scenario -- [--rewrite] [--tree naive|column] [NAME...]
// npm run scenario -- --against HOST:PORT NAME
//
// Runs scenarios and shows where their transcripts differ from what is written, or writes what they
// are now. A name is a file of the folder above, without `.txt`; none means all. With --against, a
// fresh server of another kind plays the scenario as well, and their answers are compared.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Option } from 'commander'
import { commandLine } from '../../support/command-line.ts'
import { isPortable, runAgainst } from './run-against.ts'
import { runScenario } from './run-scenario.ts'
import { loadVocabulary } from './vocabulary.ts'
import { replicaOn } from './world.ts'

interface Values {
  readonly rewrite: boolean
  readonly tree: 'naive' | 'column'
  readonly against?: string
}

const folder = join(import.meta.dirname, '..')
const vocabulary = await loadVocabulary()
const program = commandLine('scenario')
  .argument('[names...]', 'files of the folder above; none means all')
  .option('--rewrite', 'writes what the transcripts are now', false)
  .addOption(new Option('--tree <kind>').choices(['naive', 'column']).default('naive'))
  .option('--against <server>', 'HOST:PORT of a fresh server that plays one scenario as well')
  .addHelpText('after', `\nWhat a scenario can say:\n${usages().join('\n')}`)
  .parse()
const values = program.opts<Values>()
const names = namesOf(program.args)
const print = (text: string): void => void process.stdout.write(`${text}\n`)

if (values.against !== undefined) await compareWith(values.against)
else await runAll()

async function compareWith(address: string): Promise<void> {
  const [, host, port] = /^([^:]+):(\d+)$/.exec(address) ?? []
  const [name] = names
  if (host === undefined || name === undefined || names.length > 1) {
    return program.error('error: --against HOST:PORT NAME')
  }
  const text = readFileSync(pathOf(name), 'utf8')
  if (!isPortable(text)) program.error(`error: ${name} can only be played by our own server`)
  const differences = await runAgainst(text, vocabulary, host, Number(port))
  for (const { command, ours, theirs } of differences) {
    print(`${command}\n${ours.map((line) => `  - ${line}`).join('\n')}`)
    print(theirs.map((line) => `  + ${line}`).join('\n'))
  }
  print(`${name}: ${differences.length} differences`)
  process.exitCode = differences.length === 0 ? 0 : 1
}

async function runAll(): Promise<void> {
  for (const name of names) {
    const path = pathOf(name)
    const before = readFileSync(path, 'utf8')
    const after = await runScenario(before, vocabulary, replicaOn(values.tree)).catch(
      (problem: Error) => {
        print(`${name}: ${problem.message}`)
        process.exitCode = 1
        return before
      },
    )
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

function namesOf(given: readonly string[]): readonly string[] {
  const all = readdirSync(folder)
    .filter((name) => name.endsWith('.txt'))
    .map((name) => name.slice(0, -4))
  const wanted = given.map((name) => name.replace(/\.txt$/, ''))
  const unknown = wanted.filter((name) => !all.includes(name))
  if (unknown.length > 0) program.error(`error: no scenario is called ${unknown.join(', ')}`)
  return wanted.length > 0 ? wanted : all
}

const pathOf = (name: string): string => join(folder, `${name}.txt`)

function firstDifference(before: string, after: string): string {
  const was = before.split('\n')
  const is = after.split('\n')
  const at = is.findIndex((line, index) => line !== was[index])
  const line = at < 0 ? is.length : at
  return `line ${line + 1} is\n${is[line] ?? '(nothing)'}\nand was\n${was[line] ?? '(nothing)'}`
}

function usages(): string[] {
  const all = [...vocabulary.commands, ...vocabulary.operations]
  return all.map(([verb, command]) => `  ${verb} ${command.usage}`)
}
