// The command line of the simulator:
//
//   npm run sim -- --seed N [--count K] [--steps S] [--minutes M] [--with JSON] [--shrink] [--verbose]
//   npm run sim -- --ensemble --seed N ...    servers that replicate instead of one that stands alone
//
// It prints the seed and what was drawn from it, runs, tells which rare branches were reached, and
// ends with one line that replays a failure. Exit codes: 3 crash, 4 wrong, 5 stuck.

import { shrink } from './shrink.ts'
import { type SimOptions, describeOptions, drawOptions } from './sim-options.ts'
import { type SimResult, describeResult, simulate } from './simulation.ts'

const EXIT_CODES = { ok: 0, crash: 3, wrong: 4, stuck: 5 } as const
const STEPS_USUAL = 20_000

interface Arguments {
  readonly seed: number
  readonly count: number
  readonly steps: number
  readonly minutes: number
  /** Options in place of those that the seed draws. */
  readonly options: Partial<SimOptions>
  readonly shrink: boolean
  readonly verbose: boolean
}

main(parse(process.argv.slice(2)))

function main(args: Arguments): void {
  const { seed, count, steps, minutes, options, verbose } = args
  const endsAt = minutes > 0 ? Date.now() + minutes * 60_000 : Number.POSITIVE_INFINITY
  const most = minutes > 0 ? Number.POSITIVE_INFINITY : count
  const marks = new Map<string, number>()
  for (let run = 0; run < most && Date.now() < endsAt; run++) {
    const current = seed + run
    if (most === 1) describe(current, args)
    const result = simulate(current, steps, verbose ? { options, trace: printEvent } : { options })
    say(`seed ${current}: ${describeResult(result)}`)
    for (const [name, times] of result.marks) marks.set(name, (marks.get(name) ?? 0) + times)
    if (result.verdict !== 'ok') fail(current, args, most === 1, result)
  }
  say('reached:')
  for (const [name, times] of [...marks].sort()) say(`${String(times).padStart(8)}  ${name}`)
}

function describe(seed: number, { steps, options }: Arguments): void {
  say(`seed ${seed}\n${describeOptions({ ...drawOptions(seed, steps), ...options })}`)
}

function fail(seed: number, args: Arguments, isDescribed: boolean, result: SimResult): never {
  if (!isDescribed) describe(seed, args)
  say(result.message)
  if (args.shrink) {
    const shrunk = shrink(seed, result, args.options)
    say(`shrunk: ${describeResult(shrunk.result)}\n${shrunk.result.message}`)
    say(replayLine(seed, shrunk.steps, shrunk.options))
  } else {
    say(replayLine(seed, args.steps, args.options))
  }
  process.exit(EXIT_CODES[result.verdict])
}

function replayLine(seed: number, steps: number, options: Partial<SimOptions>): string {
  const length = steps === STEPS_USUAL ? '' : ` --steps ${steps}`
  const text = JSON.stringify(options)
  return `npm run sim -- --seed ${seed}${length}${text === '{}' ? '' : ` --with '${text}'`}`
}

function printEvent(timeUs: number, text: string): void {
  say(`${(timeUs / 1_000).toFixed(3).padStart(12)}  ${text}`)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

function parse(argv: readonly string[]): Arguments {
  const text = (name: string): string | undefined => {
    const at = argv.indexOf(`--${name}`)
    return at < 0 ? undefined : (argv[at + 1] ?? '')
  }
  const number = (name: string, usual: number): number => {
    const given = text(name)
    const value = given === undefined ? usual : Number(given)
    return given === '' || !Number.isFinite(value) ? misused(`--${name} needs a number`) : value
  }
  return {
    seed: number('seed', Math.floor(Date.now() / 1_000) % 1_000_000),
    count: number('count', 1),
    steps: number('steps', STEPS_USUAL),
    minutes: number('minutes', 0),
    options: optionsFrom(text('with') ?? '{}'),
    shrink: argv.includes('--shrink'),
    verbose: argv.includes('--verbose'),
  }
}

function optionsFrom(text: string): Partial<SimOptions> {
  try {
    return JSON.parse(text) as Partial<SimOptions>
  } catch {
    return misused('--with needs options as JSON')
  }
}

function misused(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}
