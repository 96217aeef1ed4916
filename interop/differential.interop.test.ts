// The same random history on Apache and on Zabra: every reply, notification and close alike. Two
// Apache servers go first, as proof that what is compared is what a server owes its clients.
// A failing seed: npx tsx interop/differential.ts --seed N --steps M --shrink

import { describe, expect, test } from 'vitest'
import { startPair } from './differential/pair.ts'
import { explain, runHistory } from './differential/run.ts'
import { absence } from './peers/cache.ts'

const noJava = absence('java')
const noZabra = absence('java', 'zabra')
const steps = 1_500

async function difference(seed: number, against: 'apache' | 'zabra'): Promise<string | null> {
  await using pair = await startPair(seed, { against })
  const { portA, portB, names } = pair
  const found = await runHistory({ seed, steps, portA, portB, expiries: seed % 4 === 0 })
  return found === null ? null : `seed ${seed}, ${explain(found, names)}`
}

describe('the same random history', () => {
  test.skipIf(noJava !== null).each([1, 3, 4])('on two Apache servers, seed %i', async (seed) => {
    expect(await difference(seed, 'apache')).toBeNull()
  })

  test.skipIf(noZabra !== null).each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
    'on Apache and Zabra, seed %i',
    async (seed) => {
      expect(await difference(seed, 'zabra')).toBeNull()
    },
  )
})
