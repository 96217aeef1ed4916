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
import { parseArgs } from 'node:util'
import { startPair } from './differential/pair.ts'
import { explain, runHistory } from './differential/run.ts'
import { shrink } from './differential/shrink.ts'
import { describeStep } from './differential/step.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    steps: { type: 'string', default: '1000' },
    a: { type: 'string' },
    b: { type: 'string' },
    against: { type: 'string', default: 'zabra' },
    ensemble: { type: 'boolean', default: false },
    expiries: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    outputs: { type: 'boolean', default: false },
    before: { type: 'string', default: '0' },
  },
})
const firstSeed = Number(values.seed)
const steps = Number(values.steps)
const options = { ...values, isEnsemble: values.ensemble }

for (let seed = firstSeed; seed < firstSeed + Number(values.seeds); seed++) {
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
  const before = difference.steps.slice(0, -1).slice(-Number(values.before) || Infinity)
  if (values.before !== '0') console.log(before.map(describeStep).join('\n'))
  console.log(`seed ${seed} differs at ${explain(difference, names)}`)
  if (values.outputs) console.log(pair.outputs())
  console.log(
    `replay: npx tsx interop/differential.ts${values.ensemble ? ' --ensemble' : ''} --seed ${seed} --steps ${difference.index + 1}`,
  )
  if (values.shrink) console.log(await shrink(difference.steps, seed, options))
  return true
}
