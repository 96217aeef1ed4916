// The command line of the simulator: `npm run sim -- --seed N [--count K] [--steps S]
// [--minutes M] [--verbose]`. It prints the seed and what was drawn from it, runs, and ends with
// one line that replays a failure. Exit codes: 3 crash, 4 wrong, 5 stuck.

import { type SimResult, describeResult, simulate } from './simulation.ts'
import { describeOptions, drawOptions } from './sim-options.ts'

const EXIT_CODES = { ok: 0, crash: 3, wrong: 4, stuck: 5 } as const
const STEPS_USUAL = 20_000

interface Arguments {
  readonly seed: number
  readonly count: number
  readonly steps: number
  readonly minutes: number
  readonly verbose: boolean
}

main(parse(process.argv.slice(2)))

function main({ seed, count, steps, minutes, verbose }: Arguments): void {
  const endsAt = minutes > 0 ? Date.now() + minutes * 60_000 : Number.POSITIVE_INFINITY
  const most = minutes > 0 ? Number.POSITIVE_INFINITY : count
  const marks = new Map<string, number>()
  for (let run = 0; run < most && Date.now() < endsAt; run++) {
    const current = seed + run
    if (most === 1 || verbose)
      say(`seed ${current}\n${describeOptions(drawOptions(current, steps))}`)
    const result = simulate(current, steps, verbose ? { trace: printEvent } : {})
    say(`seed ${current}: ${describeResult(result)}`)
    for (const [name, times] of result.marks) marks.set(name, (marks.get(name) ?? 0) + times)
    if (result.verdict !== 'ok') fail(current, steps, most === 1 || verbose, result)
  }
  say('reached:')
  for (const [name, times] of [...marks].sort()) say(`${String(times).padStart(8)}  ${name}`)
}

function fail(seed: number, steps: number, isDescribed: boolean, result: SimResult): never {
  if (!isDescribed) say(describeOptions(drawOptions(seed, steps)))
  say(result.message)
  const suffix = steps === STEPS_USUAL ? '' : ` --steps ${steps}`
  say(`npm run sim -- --seed ${seed}${suffix}`)
  process.exit(EXIT_CODES[result.verdict])
}

function printEvent(timeUs: number, text: string): void {
  say(`${(timeUs / 1_000).toFixed(3).padStart(12)}  ${text}`)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

function parse(argv: readonly string[]): Arguments {
  const value = (name: string, usual: number): number => {
    const at = argv.indexOf(`--${name}`)
    if (at < 0) return usual
    const number = Number(argv[at + 1])
    if (Number.isFinite(number)) return number
    process.stderr.write(`--${name} needs a number\n`)
    process.exit(2)
  }
  return {
    seed: value('seed', Math.floor(Date.now() / 1_000) % 1_000_000),
    count: value('count', 1),
    steps: value('steps', STEPS_USUAL),
    minutes: value('minutes', 0),
    verbose: argv.includes('--verbose'),
  }
}
