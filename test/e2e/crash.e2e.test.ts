/**
 * The server is killed (SIGKILL) again and again at random moments, under load, while it starts and
 * while it writes snapshots. Nothing acknowledged is lost, nothing is half there, sessions that come
 * back in time live on, those that do not end, and no zxid is given out twice.
 *
 *   ZABRA_CRASH_SEED=123 npm run e2e -- crash      draws the same moments and operations again
 *   ZABRA_CRASH_KILLS=500 npm run e2e -- crash     goes on for longer
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Prng } from '../../src/base/prng.ts'
import { freePort } from '../support/free-port.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { CrashWorker, Ledger } from './crash-worker.ts'
import { expectNoMayflies, leaveMayfly } from './mayflies.ts'
import { ServerProcess } from './server-process.ts'

const { ZABRA_CRASH_SEED, ZABRA_CRASH_KILLS = '50' } = process.env
const seed = Number(ZABRA_CRASH_SEED ?? Date.now() % 2 ** 31)
const kills = Number(ZABRA_CRASH_KILLS)
const WORKERS = 4

const TICK_MS = 200

/** Short, so that every few kills meet a snapshot or a new log file. */
const SETTINGS = [
  'snapCount=300',
  'preAllocSize=64',
  `tickTime=${TICK_MS}`,
  'maxSessionTimeout=60000',
]

test(`${kills} kills under load, seed ${seed}`, { timeout: 60_000 + kills * 10_000 }, async () => {
  const random = new Prng(seed)
  using directory = temporaryDirectory()
  const port = await freePort()
  const lines = [...SETTINGS, 'dataDir=./data', 'clientPortAddress=127.0.0.1', `clientPort=${port}`]
  writeFileSync(join(directory.path, 'zoo.cfg'), lines.map((line) => `${line}\n`).join(''))
  const start = (): ServerProcess => new ServerProcess(['serve', 'zoo.cfg'], directory.path)
  const target = `127.0.0.1:${port}`

  const ledger = new Ledger()
  let server = start()
  try {
    await server.serving()
    const workers = await Promise.all(
      Array.from({ length: WORKERS }, (_, at) =>
        CrashWorker.begin(target, `w${at}`, random.fork(`worker ${at}`), ledger),
      ),
    )
    const failure = Promise.race(workers.map((worker) => worker.done))
    const orderly = (step: Promise<unknown>): Promise<unknown> => Promise.race([step, failure])

    for (let kill = 0; kill < kills; kill++) {
      if (random.chance(0.4)) await orderly(leaveMayfly(target, kill, TICK_MS))
      await orderly(sleep(random.below(400)))
      const verified = workers.map((worker) => worker.verifiedCount)
      server.signal('SIGKILL')
      await server.ended
      server = start()
      while (random.chance(0.25)) {
        // Also while it starts and recovers.
        await sleep(random.below(300))
        server.signal('SIGKILL')
        await server.ended
        server = start()
      }
      await orderly(server.serving())
      await orderly(
        expect
          .poll(() => workers.every((worker, at) => worker.verifiedCount > verified[at]!), {
            timeout: 30_000,
            interval: 10,
          })
          .toBe(true),
      )
    }

    await expectNoMayflies(target, TICK_MS)
    await Promise.all(workers.map((worker) => worker.stop()))
    server.signal('SIGTERM')
    expect(await server.ended).toEqual({ code: 0, signal: null })

    const acknowledged = workers.reduce((sum, worker) => sum + worker.acknowledgedCount, 0)
    const unknown = workers.reduce((sum, worker) => sum + worker.unknownCount, 0)
    console.log(
      `${kills} kills, seed ${seed}: ${acknowledged} changes acknowledged, ${unknown} unknown`,
    )
    expect(ledger.size).toBe(acknowledged)
    expect(unknown).toBeGreaterThan(0)
  } finally {
    await server[Symbol.asyncDispose]()
  }
})
