/**
 * Plays random histories on two fresh servers, or ensembles, and compares every answer.
 *
 *   npx tsx interop/differential.ts --seed 7 --steps 2000                       Apache and Zabra
 *   npx tsx interop/differential.ts --seed 1 --seeds 20 --against apache        Apache and Apache
 *   npx tsx interop/differential.ts --seed 7 --ensemble                         three servers each
 *   npx tsx interop/differential.ts --seed 7 --ensemble --against mixed         Apache beside both in one
 *   npx tsx interop/differential.ts --seed 7 --a 127.0.0.1:2181 --b 127.0.0.1:2182
 *
 * With --a and --b both servers must be fresh and configured alike. --trace prints every step,
 * --before N the last N steps before a difference, --outputs what the servers printed, --shrink looks
 * for a short history that differs.
 */
import { Option } from 'commander'
import { wholeNumber } from '../src/cli/whole-number.ts'
import { commandLine } from '../test/support/command-line.ts'
import { AGAINST, type Against, startPair } from './differential/pair.ts'
import { explain, runHistory } from './differential/run.ts'
import { shrink } from './differential/shrink.ts'
import { describeStep } from './differential/step.ts'

interface Values {
  readonly seed: number
  readonly seeds: number
  readonly steps: number
  readonly a?: string
  readonly b?: string
  readonly against: Against
  readonly ensemble: boolean
  readonly expiries: boolean
  readonly trace: boolean
  readonly shrink: boolean
  readonly outputs: boolean
  readonly before: number
}

const program = commandLine('differential')
  .option('--seed <n>', 'the first', wholeNumber(0, Number.MAX_SAFE_INTEGER), 1)
  .option('--seeds <n>', 'how many', wholeNumber(1, 1_000_000), 1)
  .option('--steps <n>', 'of each', wholeNumber(1, 1_000_000), 1_000)
  .option('--a <servers>', 'HOST:PORT,… of one side')
  .option('--b <servers>', 'HOST:PORT,… of the other')
  .addOption(new Option('--against <kind>', 'beside Apache').choices(AGAINST).default('zabra'))
  .option('--ensemble', 'three servers and more on each side', false)
  .option('--expiries', 'sessions run out as well', false)
  .option('--trace', 'prints every step', false)
  .option('--shrink', 'looks for a short history that differs', false)
  .option('--outputs', 'prints what the servers printed', false)
  .option('--before <n>', 'steps that are shown before a difference', wholeNumber(0, 1_000_000), 0)
  .parse()
const values = program.opts<Values>()
if ((values.a === undefined) !== (values.b === undefined))
  program.error('error: --a and --b go together')
if (values.against === 'mixed' && !values.ensemble)
  program.error('error: --against mixed needs --ensemble')
const { seed: firstSeed, steps } = values
const options = { ...values, isEnsemble: values.ensemble }

for (let seed = firstSeed; seed < firstSeed + values.seeds; seed++) {
  const differs = await play(seed)
  if (differs) {
    process.exitCode = 1
    break
  }
  console.log(`seed ${seed}: ${steps} steps alike`)
}

async function play(seed: number): Promise<boolean> {
  await using pair = await startPair(seed, options)
  const { a, b, names } = pair
  const difference = await runHistory({
    seed,
    steps,
    a,
    b,
    expiries: values.expiries,
    onStep: (index, step, lines) => {
      if (values.trace) console.log(`${index} ${describeStep(step)}\n  ${lines.join('\n  ')}`)
    },
  })
  if (difference === null) return false
  if (values.before > 0) {
    const before = difference.steps.slice(0, -1).slice(-values.before)
    console.log(before.map(describeStep).join('\n'))
  }
  console.log(`seed ${seed} differs at ${explain(difference, names)}`)
  if (values.outputs) console.log(pair.outputs())
  console.log(
    `replay: npx tsx interop/differential.ts${values.ensemble ? ' --ensemble' : ''} ` +
      `--against ${values.against} --seed ${seed} --steps ${difference.index + 1}`,
  )
  if (values.shrink) console.log(await shrink(difference.steps, seed, options))
  return true
}
