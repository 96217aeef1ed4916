// The command line of the simulator:
//
//   npm run sim -- --seed N [--count K] [--steps S] [--minutes M] [--with JSON] [--shrink] [--verbose] [--all]
//   npm run sim -- --ensemble --seed N ...    servers that replicate instead of one that stands alone
//   npm run sim -- --mutations [--count K]    old faults switched on, and the seeds until each is found
//
// It prints the seed and what was drawn from it, runs, tells which rare branches were reached, and
// ends with one line that replays a failure; with --all it goes on, and lists the kinds of failure
// at the end. Exit codes: 2 a command line that makes no sense, 3 crash, 4 wrong, 5 stuck.

import { parseArgs } from 'node:util'
import { describeDrawn } from './draws.ts'
import { MUTATIONS, findMutation } from './ensemble/mutations.ts'
import { kindOf, shrink } from './shrink.ts'
import { ENSEMBLE_KIND, ONE_SERVER_KIND, type SimKind, type SimOutcome } from './sim-kind.ts'

const EXIT_CODES = { ok: 0, crash: 3, wrong: 4, stuck: 5 } as const

interface Arguments {
  readonly kind: SimKind
  readonly seed: number
  readonly count: number
  readonly steps: number
  readonly minutes: number
  /** Options in place of those that the seed draws. */
  readonly options: object
  readonly shrink: boolean
  readonly verbose: boolean
  readonly all: boolean
  readonly mutations: boolean
}

const given = parse(process.argv.slice(2))
if (given.mutations) findMutations(given)
else main(given)

function main(args: Arguments): void {
  const { kind, seed, count, steps, minutes, options, verbose } = args
  const beganAt = Date.now()
  const endsAt = minutes > 0 ? beganAt + minutes * 60_000 : Number.POSITIVE_INFINITY
  const most = minutes > 0 ? Number.POSITIVE_INFINITY : count
  const marks = new Map<string, number>()
  const failures = new Map<string, { readonly seeds: number[]; readonly result: SimOutcome }>()
  let simulatedMs = 0
  let run = 0
  for (; run < most && Date.now() < endsAt; run++) {
    const current = seed + run
    if (most === 1) describe(current, args)
    const result = kind.run(current, steps, options, verbose ? printEvent : null)
    simulatedMs += result.simulatedMs
    if (!args.all || result.verdict !== 'ok') say(`seed ${current}: ${result.summary}`)
    for (const [name, times] of result.marks) marks.set(name, (marks.get(name) ?? 0) + times)
    if (result.verdict === 'ok') continue
    if (!args.all) fail(current, args, most === 1, result)
    const known = failures.get(kindOf(result))
    if (known === undefined) failures.set(kindOf(result), { seeds: [current], result })
    else known.seeds.push(current)
  }
  say('reached:')
  for (const [name, times] of [...marks].sort()) say(`${String(times).padStart(8)}  ${name}`)
  const hours = (simulatedMs / 3_600_000).toFixed(2)
  const seconds = ((Date.now() - beganAt) / 1_000).toFixed(0)
  say(`${run} seeds, ${hours} simulated hours, in ${seconds} s`)
  for (const [name, { seeds, result }] of failures) {
    say(`${seeds.length} times ${name}: seeds ${seeds.slice(0, 10).join(' ')}\n${result.message}`)
  }
  const [first] = failures.values()
  if (first !== undefined) process.exit(EXIT_CODES[first.result.verdict])
}

function describe(seed: number, { kind, steps, options }: Arguments): void {
  say(`seed ${seed}\n${describeDrawn({ ...kind.draw(seed, steps), ...options })}`)
}

function fail(seed: number, args: Arguments, isDescribed: boolean, result: SimOutcome): never {
  if (!isDescribed) describe(seed, args)
  say(result.message)
  if (args.shrink) {
    const shrunk = shrink(args.kind, seed, result, args.options)
    say(`shrunk: ${shrunk.result.summary}\n${shrunk.result.message}`)
    say(replayLine(args.kind, seed, shrunk.steps, shrunk.options))
  } else {
    say(replayLine(args.kind, seed, args.steps, args.options))
  }
  process.exit(EXIT_CODES[result.verdict])
}

function replayLine(kind: SimKind, seed: number, steps: number, options: object): string {
  const length = steps === kind.stepsUsual ? '' : ` --steps ${steps}`
  const text = JSON.stringify(options)
  return `npm run sim --${kind.flag} --seed ${seed}${length}${text === '{}' ? '' : ` --with '${text}'`}`
}

/** How many seeds it takes to find each old fault. */
function findMutations({ count, steps }: Arguments): void {
  let missed = 0
  for (const mutation of MUTATIONS) {
    const finding = findMutation(mutation, count === 1 ? 100 : count, steps)
    if (finding === null) missed++
    const [first = ''] = finding?.result.message.split('\n') ?? []
    const found = finding === null ? 'not found' : `${finding.seeds} seeds, ${first}`
    say(`${mutation.name} (${mutation.issues}): ${found}`)
  }
  process.exit(missed === 0 ? 0 : EXIT_CODES.wrong)
}

function printEvent(timeUs: number, text: string): void {
  say(`${(timeUs / 1_000).toFixed(3).padStart(12)}  ${text}`)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Reads the command line whole: what it does not know, or cannot be, is said with status 2. */
function parse(argv: readonly string[]): Arguments {
  const { values } = valuesOf(argv)
  const number = (name: NumberName, usual: number, min: number): number => {
    const text = values[name]
    if (text === undefined) return usual
    const value = /^\d+$/.test(text) ? Number(text) : NaN
    const isWithin = value >= min && Number.isSafeInteger(value)
    return isWithin ? value : misused(`--${name} needs a whole number from ${min}, not ${text}`)
  }
  const kind = values.ensemble ? ENSEMBLE_KIND : ONE_SERVER_KIND
  return {
    kind,
    seed: number('seed', Math.floor(Date.now() / 1_000) % 1_000_000, 0),
    count: number('count', 1, 1),
    steps: number('steps', values.mutations ? 6_000 : kind.stepsUsual, 1),
    minutes: number('minutes', 0, 0),
    options: optionsFrom(values.with, kind),
    shrink: values.shrink,
    verbose: values.verbose,
    all: values.all,
    mutations: values.mutations,
  }
}

type NumberName = 'seed' | 'count' | 'steps' | 'minutes'

function valuesOf(argv: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const
  const text = { type: 'string' } as const
  try {
    return parseArgs({
      args: [...argv],
      options: {
        ensemble: flag,
        mutations: flag,
        seed: text,
        count: text,
        steps: text,
        minutes: text,
        with: { ...text, default: '{}' },
        shrink: flag,
        verbose: flag,
        all: flag,
      },
    })
  } catch (problem) {
    return misused((problem as Error).message)
  }
}

function optionsFrom(text: string, kind: SimKind): object {
  const options = objectIn(text)
  const drawn = kind.draw(0, kind.stepsUsual)
  const [unknown] = Object.keys(options).filter((name) => !(name in drawn))
  return unknown === undefined ? options : misused(`--with: no option is called ${unknown}`)
}

function objectIn(text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // Said below, as of any other text that is no options.
  }
  return misused(`--with needs an object of options as JSON, not ${text}`)
}

function misused(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}
