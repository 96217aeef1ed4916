// The same random history on Apache and on Zabra, on a server each and on an ensemble each: every
// reply, notification and close alike. Two of Apache's go first, as proof that what is compared is
// what a server owes its clients. Half of the ensembles have local sessions, some an observer; now
// and then one of their servers is killed, be it the leader, and comes back.
// After it the two swap their data directories, and each shows what the other had.
// A failing seed: npx tsx interop/differential.ts [--ensemble] --seed N --steps M --shrink

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Against, settingsOf, startPair } from './differential/pair.ts'
import { explain, runHistory } from './differential/run.ts'
import { startApache } from './peers/apache-server.ts'
import { absence } from './peers/cache.ts'
import { replayedDigests } from './peers/replayed-digests.ts'
import type { ServerUnderTest } from './peers/server-under-test.ts'
import { walkTree } from './peers/tree-walk.ts'
import { startZabra } from './peers/zabra-server.ts'

const noJava = absence('java')
const noZabra = absence('java', 'zabra')
const steps = 1_500
/** Steps take longer there, and servers that are killed take seconds. */
const ensembleSteps = 800

async function difference(
  seed: number,
  against: Against,
  isEnsemble = false,
): Promise<string | null> {
  await using pair = await startPair(seed, { against, isEnsemble })
  const { a, b, names } = pair
  // A learner of Apache's may touch a session with the time-out that it had there before it moved.
  const expiries = seed % 4 === 0 && !isEnsemble
  const length = isEnsemble ? ensembleSteps : steps
  const found = await runHistory({ seed, steps: length, a, b, expiries })
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

  test.skipIf(noJava !== null)('on two ensembles of Apache', async () => {
    expect(await difference(2, 'apache', true)).toBeNull()
  })

  test.skipIf(noZabra !== null).each([1, 2, 3])(
    'on ensembles of Apache and of Zabra, seed %i',
    async (seed) => {
      expect(await difference(seed, 'zabra', true)).toBeNull()
    },
  )

  test.skipIf(noZabra !== null).each([2])(
    'on an ensemble of Apache and one of both, seed %i',
    async (seed) => {
      expect(await difference(seed, 'mixed', true)).toBeNull()
    },
  )

  test.skipIf(noZabra !== null).each([101, 102, 103, 106])(
    'then each opens the other’s directory, seed %i',
    async (seed) => {
      const scratch = mkdtempSync(join(tmpdir(), 'zabra-swap-'))
      try {
        await swapAfter(seed, join(scratch, 'apache'), join(scratch, 'zabra'))
      } finally {
        rmSync(scratch, { recursive: true, force: true })
      }
    },
  )
})

/** Few transactions between snapshots, so that there are snapshots taken under way. */
async function swapAfter(seed: number, apacheDir: string, zabraDir: string): Promise<void> {
  const settings = { ...settingsOf(seed), snapCount: 150 }
  await using apache = await startApache({ dataDir: apacheDir, settings })
  await using zabra = await startZabra({ dataDir: zabraDir, settings })
  const difference = await runHistory({
    seed,
    steps,
    a: { ports: [apache.port], ensemble: null },
    b: { ports: [zabra.port], ensemble: null },
    expiries: false,
  })
  expect(difference && explain(difference, ['apache', 'zabra'])).toBeNull()
  const trees = await Promise.all([apache, zabra].map(recoverable))
  await Promise.all([apache.kill(), zabra.kill()])

  await using zabraNext = await startZabra({ dataDir: apacheDir, settings })
  await using apacheNext = await startApache({ dataDir: zabraDir, settings })
  expect(await Promise.all([zabraNext, apacheNext].map(recoverable))).toEqual(trees)
  const { found, logged, complaints } = await replayedDigests(apacheNext)
  expect(found).toEqual(logged)
  expect(complaints).toEqual([])
}

/** The tree, without the usage below quotas: a server that starts counts it anew. */
async function recoverable({ port }: ServerUnderTest): Promise<readonly unknown[]> {
  const nodes = [...(await walkTree(port)).values()]
  return nodes.map((node) =>
    node.path.endsWith('/zookeeper_stats')
      ? { ...node, data: null, stat: { ...node.stat, dataLength: 0 } }
      : node,
  )
}
