/**
 * Three servers, each in a network of its own and on a disk of its own, under faults: killed, made
 * to stand still, cut off in one direction or both, behind a network that loses packets or is slow,
 * on a disk that is full or fails to sync. What their clients saw is linearizable, what sessions may
 * rely on holds, nothing acknowledged is lost, a majority goes on answering, and in the end all
 * hold the same tree. Linux only, as root; skipped elsewhere unless ZABRA_E2E_REQUIRED is set.
 *
 *   ZABRA_NETNS_MINUTES=10 npm run e2e -- netns     goes on for longer than a minute
 *   ZABRA_NETNS_SEED=123 npm run e2e -- netns       draws the same faults again
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFailed, test } from 'vitest'
import { Prng } from '../../src/base/prng.ts'
import { connect } from '../../src/client/index.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { CrashWorker, Ledger } from './crash-worker.ts'
import { EnsembleProcesses } from './ensemble-processes.ts'
import { expectNoMayflies, leaveMayfly } from './mayflies.ts'
import { FailingSync, compileFailingSync } from './netns/failing-sync.ts'
import { Histories, REGISTERS_PATH } from './netns/histories.ts'
import {
  HERE_PATH,
  HistoryClient,
  OWN_PATH,
  SEQUENCE_PATH,
  SequenceNumbers,
} from './netns/history-client.ts'
import { Namespaces } from './netns/namespaces.ts'
import { type Fault, Nemesis } from './netns/nemesis.ts'
import { mountSmallDisks } from './netns/small-disk.ts'
import { treeOf } from './tree-of.ts'

const { ZABRA_NETNS_SEED, ZABRA_NETNS_MINUTES = '1', ZABRA_E2E_REQUIRED } = process.env
const seed = Number(ZABRA_NETNS_SEED ?? Date.now() % 2 ** 31)
const runMs = Number(ZABRA_NETNS_MINUTES) * 60_000

const SERVERS = 3
const CRASH_WORKERS = 2
const TICK_MS = 300
const SESSION_MS = 6_000
/** Some of the clients lose their sessions now and then. */
const SESSION_MS_OF = [1_200, 3_000, SESSION_MS, SESSION_MS]
/** Sessions that no fault outlasts. */
const LONG_SESSION_MS = 60_000
const HOLD_MS_MAX = 2_500
/** Without an answer for so long the service is down; a session's timeout is what it should be. */
const ANSWER_MS_MAX = 3 * SESSION_MS
/** For all servers to start again and all clients to find one, on a machine that is busy. */
const RECOVERY_MS_MAX = 60_000

const SETTINGS = [
  `tickTime=${TICK_MS}`,
  'initLimit=10',
  'syncLimit=5',
  `maxSessionTimeout=${LONG_SESSION_MS}`,
  'snapCount=1000',
  'preAllocSize=64',
]

const missing = whatIsMissing()

test.skipIf(missing !== null && ZABRA_E2E_REQUIRED === undefined)(
  `${ZABRA_NETNS_MINUTES} min of faults, seed ${seed} ${missing === null ? '' : `(skipped: ${missing})`}`,
  { timeout: runMs + 180_000 },
  async () => {
    if (missing !== null) throw new Error(missing)
    const random = new Prng(seed)
    using directory = temporaryDirectory()
    using network = new Namespaces(SERVERS)
    const library = compileFailingSync(directory.path)
    expect(library !== null || ZABRA_E2E_REQUIRED === undefined, 'a C compiler').toBe(true)
    const homes = Array.from({ length: SERVERS }, (_, at) => join(directory.path, `${at + 1}`))
    const syncs = library === null ? null : homes.map((home) => new FailingSync(library, home))
    const folders = homes.map((home) => join(home, 'data'))
    for (const folder of folders) mkdirSync(folder, { recursive: true })
    using mounted = mountSmallDisks(folders)
    const { disks } = mounted
    const places = homes.map((home, at) => ({
      host: network.addressOf(at + 1),
      directory: home,
      within: network.within(at + 1),
      environment: syncs?.[at]?.environment ?? {},
    }))
    await using ensemble = await EnsembleProcesses.prepare(places, SETTINGS)
    onTestFailed(() => console.log(ensemble.describe()))
    await ensemble.start()
    console.log(`slow links by ${network.slowness}; disks are ${disks[0]!.kind}`)

    const nemesis = new Nemesis({ ensemble, network, disks, syncs }, random.fork('nemesis'))
    const load = await Load.begin(ensemble.target, random)
    const untilMs = performance.now() + runMs
    const silences = new Silences()
    for (let round = 0; performance.now() < untilMs || !nemesis.isThrough; round++) {
      await load.during(leaveMayfly(ensemble.target, round, TICK_MS))
      const fault = random.chance(0.2) ? await nemesis.nextTwo() : await nemesis.next()
      const silence = await load
        .during(beset(fault, ensemble, load, random))
        .catch((error: unknown) => {
          console.log(`${fault.name}: after this, or in its course, things went wrong`)
          throw error
        })
      if (fault.leavesMajority) silences.add(fault.kind, silence)
    }

    const summary = await load.finish(ensemble)
    console.log(`seed ${seed}: ${summary}`)
    console.log(
      `longest without an answer while a majority was there, in ms:\n${silences.describe()}`,
    )
    const { full, failed } = nemesis.endings
    console.log(`servers ended by a full disk: ${full}, by a failed sync: ${failed}`)
    expect(full).toBeGreaterThan(0)
    if (syncs !== null) expect(failed).toBeGreaterThan(0)
  },
)

/** One fault from its beginning until all is well again; how long nobody was answered during it. */
async function beset(
  fault: Fault,
  ensemble: EnsembleProcesses,
  load: Load,
  random: Prng,
): Promise<number> {
  const began = load.beginSilence()
  await fault.begin()
  await sleep(random.between(200, HOLD_MS_MAX))
  // The fault goes on until the majority has come to terms with it.
  if (fault.leavesMajority) await load.untilAnswered(performance.now())
  const silence = load.longestSilence()
  const ended = performance.now()
  await fault.end()
  await ensemble.settled()
  const settled = performance.now() - ended
  const all = await load.untilAllAnswered(ended)
  console.log(
    `${fault.name}: for ${Math.round(ended - began)} ms, at most ${Math.round(silence)} without ` +
      `an answer; after its end all serve within ${Math.round(settled)} ms, ` +
      `all clients are answered within ${Math.round(all)} ms`,
  )
  return silence
}

/** The clients at work. */
class Load {
  readonly #histories = new Histories()
  readonly #silence = new Silence()
  readonly #ledger = new Ledger()
  readonly #clients: HistoryClient[] = []
  readonly #workers: CrashWorker[] = []
  #failure: Promise<unknown> = Promise.resolve()

  static async begin(target: string, random: Prng): Promise<Load> {
    {
      await using zk = await connect(target, { sessionTimeout: LONG_SESSION_MS })
      for (const path of [REGISTERS_PATH, OWN_PATH, HERE_PATH, SEQUENCE_PATH]) await zk.create(path)
    }
    const load = new Load()
    const numbers = new SequenceNumbers()
    for (let at = 0; at < SESSION_MS_OF.length; at++) {
      const client = await HistoryClient.begin({
        target,
        sessionMs: SESSION_MS_OF[at]!,
        tickMs: TICK_MS,
        name: `h${at}`,
        random: random.fork(`history ${at}`),
        histories: load.#histories,
        numbers,
        onAcknowledged: () => load.#silence.end(),
      })
      load.#clients.push(client)
    }
    for (let at = 0; at < CRASH_WORKERS; at++) {
      const own = random.fork(`worker ${at}`)
      const options = { sessionMs: LONG_SESSION_MS, pauseMs: 20 }
      const worker = await CrashWorker.begin(target, `w${at}`, own, load.#ledger, options)
      load.#workers.push(worker)
    }
    load.#failure = Promise.all([...load.#clients, ...load.#workers].map(({ done }) => done))
    load.#failure.catch(() => {})
    return load
  }

  /** A step of the test, which ends early when a client finds something wrong. */
  during<T>(step: Promise<T>): Promise<T> {
    return Promise.race([step, this.#failure.then(() => step)])
  }

  /** From now on; gives the time. */
  beginSilence(): number {
    return this.#silence.begin()
  }

  /** The longest time without an answer to any client's change. */
  longestSilence(): number {
    return this.#silence.longestMs
  }

  /** Until any client has an answer to a change that it began after that moment. */
  untilAnswered(since: number): Promise<number> {
    const isAnswered = ({ acknowledgedOf }: HistoryClient): boolean => acknowledgedOf > since
    return until(since, ANSWER_MS_MAX, () => this.#clients.some(isAnswered))
  }

  untilAllAnswered(since: number): Promise<number> {
    const isAnswered = ({ acknowledgedOf }: HistoryClient): boolean => acknowledgedOf > since
    return until(since, RECOVERY_MS_MAX, () => this.#clients.every(isAnswered))
  }

  /** Everybody stops, histories are judged, and the servers' trees are held against each other. */
  async finish(ensemble: EnsembleProcesses): Promise<string> {
    await Promise.all([...this.#clients, ...this.#workers].map((one) => one.stop()))
    const { operations, unknown, registers, undecided } = this.#histories.judge()
    expect(undecided).toBeLessThanOrEqual(registers / 20)
    const acknowledged = sum(this.#workers.map((worker) => worker.acknowledgedCount))
    expect(this.#ledger.size).toBe(acknowledged)
    await expectNoMayflies(ensemble.target, TICK_MS)
    await expectNoEphemerals(ensemble.target)
    const [first, ...others] = await Promise.all(
      ensemble.members.map(({ target }) => treeOf(target)),
    )
    for (const other of others) expect(other).toEqual(first)
    const lost = sum(this.#clients.map((client) => client.lostSessions))
    const premature = sum(this.#clients.map((client) => client.prematureEnds))
    const abandoned = sum(this.#clients.map((client) => client.abandonedSessions))
    return (
      `${operations} operations on ${registers} registers are linearizable ` +
      `(${unknown} of unknown outcome, ${undecided} registers undecided), ` +
      `${acknowledged} more changes acknowledged and found, ` +
      `${lost + premature} sessions ended by the servers, ${premature} of which they said so too early, ` +
      `${abandoned} by their clients; ` +
      `${first!.length} nodes on each server`
    )
  }
}

/** How long there was no answer to anybody. */
class Silence {
  #since = 0
  #longestMs = 0

  begin(): number {
    this.#longestMs = 0
    this.#since = performance.now()
    return this.#since
  }

  end(): void {
    const now = performance.now()
    this.#longestMs = Math.max(this.#longestMs, now - this.#since)
    this.#since = now
  }

  get longestMs(): number {
    return Math.max(this.#longestMs, performance.now() - this.#since)
  }
}

/** The longest of each kind of fault. */
class Silences {
  readonly #ofKind = new Map<string, number[]>()

  add(kind: string, ms: number): void {
    this.#ofKind.set(kind, [...(this.#ofKind.get(kind) ?? []), Math.round(ms)])
  }

  /** A line for each kind, the worst first. */
  describe(): string {
    return [...this.#ofKind]
      .map(([kind, all]) => ({ kind, all: all.toSorted((a, b) => b - a) }))
      .toSorted((a, b) => b.all[0]! - a.all[0]!)
      .map(({ kind, all }) => `  ${kind}: ${all.slice(0, 5).join(', ')} (${all.length})`)
      .join('\n')
  }
}

/** Those whose sessions are over are gone; a session that nobody knew of may have to expire first. */
async function expectNoEphemerals(target: string): Promise<void> {
  await using zk = await connect(target, { sessionTimeout: LONG_SESSION_MS })
  const left = async (): Promise<readonly string[]> =>
    (await zk.getChildren(HERE_PATH, { consistency: 'strict' })).children
  await expect.poll(left, { timeout: 3 * SESSION_MS }).toEqual([])
}

async function until(since: number, msMax: number, isSo: () => boolean): Promise<number> {
  while (!isSo()) {
    const waited = performance.now() - since
    if (waited > msMax) throw new Error(`no answer for ${Math.round(waited)} ms`)
    await sleep(5)
  }
  return performance.now() - since
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)

/** Why there can be no such networks and disks here; null where there can. */
function whatIsMissing(): string | null {
  if (process.platform !== 'linux') return 'it needs Linux'
  try {
    new Namespaces(1)[Symbol.dispose]()
    return null
  } catch (error) {
    return `it needs root, ip, iptables and tc: ${(error as Error).message}`
  }
}
