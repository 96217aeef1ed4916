/**
 * Three servers on this machine: the leading one is killed (SIGKILL) again and again under load,
 * all are restarted in turn, and one comes back without its disk. Nothing acknowledged is lost,
 * nothing is half there, sessions live on, and in the end all hold the same tree.
 *
 *   ZABRA_ENSEMBLE_SEED=123 npm run e2e -- ensemble.e2e     draws the same moments and operations again
 *   ZABRA_ENSEMBLE_KILLS=100 npm run e2e -- ensemble.e2e    goes on for longer
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFailed, test } from 'vitest'
import { Prng } from '../../src/base/prng.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'
import { CrashWorker, Ledger } from './crash-worker.ts'
import { EnsembleProcesses, type Member } from './ensemble-processes.ts'
import { expectNoMayflies, leaveMayfly } from './mayflies.ts'
import { treeOf } from './tree-of.ts'

const { ZABRA_ENSEMBLE_SEED, ZABRA_ENSEMBLE_KILLS = '5' } = process.env
const seed = Number(ZABRA_ENSEMBLE_SEED ?? Date.now() % 2 ** 31)
const kills = Number(ZABRA_ENSEMBLE_KILLS)
const WORKERS = 4

const TICK_MS = 500

/** Short, so that what happens here meets snapshots and new log files too. */
const SETTINGS = [
  `tickTime=${TICK_MS}`,
  'initLimit=20',
  'syncLimit=6',
  'maxSessionTimeout=60000',
  'snapCount=500',
  'preAllocSize=64',
]

test(`the leader is killed ${kills} times, seed ${seed}`, {
  timeout: 60_000 + kills * 10_000,
}, async () => {
  const random = new Prng(seed)
  await using scene = await beginScene(random)
  const { ensemble, orderly } = scene
  const failovers: number[] = []
  for (let kill = 0; kill < kills; kill++) {
    await orderly(leaveMayfly(ensemble.target, kill, TICK_MS))
    await orderly(sleep(random.below(400)))
    const leader = await orderly(ensemble.untilLed())
    await leader.kill()
    failovers.push(await orderly(scene.nextAcknowledgement()))
    await orderly(scene.allVerified())
    leader.start()
    await orderly(leader.untilMode('follower', 'leader'))
  }
  await expectNoMayflies(ensemble.target, TICK_MS)
  const counts = await scene.finish()
  console.log(
    `${kills} leaders killed, seed ${seed}: ${counts}; ` +
      `until the next acknowledged write ${failovers.map(Math.round).join(', ')} ms`,
  )
})

test('all are restarted in turn, the leader last', async () => {
  await using scene = await beginScene(new Prng(seed))
  const { ensemble, orderly } = scene
  const leader = await ensemble.untilLed()
  const followers = ensemble.members.filter((member) => member !== leader)
  for (const member of [...followers, leader]) {
    expect(await orderly(member.stop())).toBe(0)
    await orderly(scene.allVerified())
    member.start()
    await orderly(member.untilMode('follower', 'leader'))
    await orderly(scene.allVerified())
  }
  await scene.finish()
})

test('a member that has lost its disk comes back with everything', async () => {
  await using scene = await beginScene(new Prng(seed))
  const { ensemble, orderly } = scene
  const leader = await ensemble.untilLed()
  const [first, second] = ensemble.members.filter((member) => member !== leader) as [Member, Member]
  await wipe(first)
  // It counts now: with the other one gone, nothing is acknowledged without it.
  await second.kill()
  await orderly(scene.allVerified())
  second.start()
  await orderly(second.untilMode('follower'))
  await wipe(await ensemble.untilLed())
  await scene.finish()

  async function wipe(member: Member): Promise<void> {
    await member.kill()
    await orderly(scene.allVerified())
    member.wipe()
    member.start()
    await orderly(member.untilMode('follower'))
    await orderly(scene.allVerified())
  }
})

/** An ensemble with clients at work. */
async function beginScene(random: Prng): Promise<Scene> {
  const directory = temporaryDirectory()
  const places = [1, 2, 3].map((id) => {
    const own = join(directory.path, `${id}`)
    mkdirSync(own)
    return { host: '127.0.0.1', directory: own }
  })
  const ensemble = await EnsembleProcesses.prepare(places, SETTINGS)
  onTestFailed(() => console.log(ensemble.describe()))
  try {
    await ensemble.start()
    const ledger = new Ledger()
    const workers = await Promise.all(
      Array.from({ length: WORKERS }, (_, at) =>
        CrashWorker.begin(ensemble.target, `w${at}`, random.fork(`worker ${at}`), ledger),
      ),
    )
    return new Scene(directory, ensemble, workers, ledger)
  } catch (error) {
    await ensemble[Symbol.asyncDispose]()
    directory[Symbol.dispose]()
    throw error
  }
}

class Scene implements AsyncDisposable {
  readonly ensemble: EnsembleProcesses
  readonly #directory: TemporaryDirectory
  readonly #workers: readonly CrashWorker[]
  readonly #ledger: Ledger
  readonly #failure: Promise<unknown>

  constructor(
    directory: TemporaryDirectory,
    ensemble: EnsembleProcesses,
    workers: readonly CrashWorker[],
    ledger: Ledger,
  ) {
    this.#directory = directory
    this.ensemble = ensemble
    this.#workers = workers
    this.#ledger = ledger
    this.#failure = Promise.all(workers.map((worker) => worker.done))
    this.#failure.catch(() => {})
  }

  /** A step of the test, which ends early when a client finds something wrong. */
  readonly orderly = async <T>(step: Promise<T>): Promise<T> => {
    const result = await Promise.race([step, this.#failure.then(() => step)])
    return result
  }

  /** Each client has compared all that it knows with what is there, once more. */
  async allVerified(): Promise<void> {
    const before = this.#workers.map((worker) => worker.verifiedCount)
    const options = { timeout: 30_000, interval: 10 }
    const all = (): boolean =>
      this.#workers.every((worker, at) => worker.verifiedCount > before[at]!)
    await expect.poll(all, options).toBe(true)
  }

  /** How many milliseconds until any client's change is acknowledged that has not been yet. */
  async nextAcknowledgement(): Promise<number> {
    const began = performance.now()
    const before = this.#acknowledged
    await expect
      .poll(() => this.#acknowledged > before, { timeout: 30_000, interval: 5 })
      .toBe(true)
    return performance.now() - began
  }

  /** The clients stop and compare once more, and the servers' trees are held against each other. */
  async finish(): Promise<string> {
    await Promise.all(this.#workers.map((worker) => worker.stop()))
    const { members } = this.ensemble
    const [first, ...others] = await Promise.all(members.map(({ target }) => treeOf(target)))
    for (const other of others) expect(other).toEqual(first)
    expect(this.#ledger.size).toBe(this.#acknowledged)
    for (const member of members) expect(await member.stop()).toBe(0)
    const unknown = this.#workers.reduce((sum, worker) => sum + worker.unknownCount, 0)
    return `${this.#acknowledged} changes acknowledged, ${unknown} unknown, ${first!.length} nodes`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ensemble[Symbol.asyncDispose]()
    this.#directory[Symbol.dispose]()
  }

  get #acknowledged(): number {
    return this.#workers.reduce((sum, worker) => sum + worker.acknowledgedCount, 0)
  }
}
