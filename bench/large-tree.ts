// Figures of a server with many nodes: memory a node, the longest pause while a snapshot is written
// under load, the time to start again, and memory under endless creating and deleting.

import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Prng } from '../src/base/prng.ts'
import { sequenceSuffix } from '../src/base/path.ts'
import { CreateMode } from '../src/core/records/opcodes.ts'
import { type LoadResult, type Player, type Target, type Targets, startLoad } from './load.ts'
import { type Plan, PlanMode, create, remove, set } from './plan.ts'
import { residentBytes } from './process-facts.ts'
import { freshPath } from './throughput.ts'
import { DATA } from './workloads.ts'

const CONNECTIONS = 16
const DEPTH = 32
const PARENTS_PER_CONNECTION = 64
const NEVER_MS = 24 * 3_600_000

/** Where {@link fill} has put its nodes. */
export interface Filled {
  readonly base: string
  readonly count: number
  readonly perParent: number
}

/** Creates so many nodes of 100 bytes of data below a thousand parents. */
export async function fill(player: Player, targets: Targets, count: number): Promise<Filled> {
  const base = freshPath()
  const parents = parentsOf(base)
  await startLoad(player, targets, {
    ...steady(NEVER_MS),
    operationsMax: count,
    setup: [create(base, DATA), ...parents.flat().map((path) => create(path, DATA))],
    cycles: parents.map((paths) =>
      paths.map((path) => create(`${path}/n`, DATA, CreateMode.persistentSequential)),
    ),
  }).result
  return { base, count, perParent: Math.floor(count / (CONNECTIONS * PARENTS_PER_CONNECTION)) }
}

/** Sets random nodes of a filled tree. */
export function setAnywhere(filled: Filled, measureMs: number): Plan {
  const random = new Prng(1)
  // Connections need not have been equally fast: stay well within what each has certainly made.
  const nodesMax = Math.max(1, Math.floor(filled.perParent / 2))
  return {
    ...steady(measureMs),
    cycles: parentsOf(filled.base).map((paths) =>
      Array.from({ length: 4_096 }, () =>
        set(`${random.pick(paths)}/n${sequenceSuffix(random.below(nodesMax))}`, DATA),
      ),
    ),
  }
}

export interface Pause {
  /** The longest turn of the server's event loop; null where it could not be looked at. */
  readonly longestTurnMs: number | null
  readonly load: LoadResult
  readonly snapshotCount: number | null
}

/** Writes until snapshots have been taken meanwhile, and tells how long anybody had to wait. */
export async function pauseUnderSnapshot(
  player: Player,
  target: Target,
  filled: Filled,
  measureMs: number,
  zabra: {
    readonly pid: number
    readonly pauseFile: string
    readonly dataDirectory: string
  } | null,
): Promise<Pause> {
  if (zabra !== null) process.kill(zabra.pid, 'SIGUSR2')
  const before = zabra === null ? null : snapshotsIn(zabra.dataDirectory)
  const load = await startLoad(player, target, setAnywhere(filled, measureMs)).result
  if (zabra === null || before === null) return { longestTurnMs: null, load, snapshotCount: null }
  process.kill(zabra.pid, 'SIGUSR2')
  await new Promise((resolve) => setTimeout(resolve, 200))
  const lines = readFileSync(zabra.pauseFile, 'utf8').trim().split('\n')
  return {
    longestTurnMs: Number(lines.at(-1)),
    load,
    snapshotCount: snapshotsIn(zabra.dataDirectory) - before,
  }
}

export interface Churn {
  readonly pairs: number
  readonly perSecond: number
  /** Resident bytes once it had run in, and at the end. */
  readonly earlyBytes: number
  readonly lateBytes: number
  readonly maxBytes: number
}

/** Creates and deletes, with data of many sizes: memory must come to rest. */
export async function churn(
  player: Player,
  target: Target,
  pid: number,
  pairs: number,
  onProgress: (bytes: number) => void,
): Promise<Churn> {
  const random = new Prng(1)
  const base = freshPath()
  const parents = Array.from({ length: CONNECTIONS }, (_, at) => `${base}/c${at}`)
  const load = startLoad(player, target, {
    ...steady(NEVER_MS),
    operationsMax: 2 * pairs,
    setup: [create(base, DATA), ...parents.map((path) => create(path, DATA))],
    cycles: parents.map((parent) =>
      Array.from({ length: 4_096 }, (_, at) => `${parent}/${'e'.repeat(random.below(30))}${at}`)
        .map((path) => [create(path, new Uint8Array(random.below(300))), remove(path)])
        .flat(),
    ),
  })
  const samples: number[] = []
  const timer = setInterval(() => {
    samples.push(residentBytes(pid) ?? 0)
    onProgress(samples.at(-1)!)
  }, 2_000)
  const result = await load.result.finally(() => clearInterval(timer))
  samples.push(residentBytes(pid) ?? 0)
  return {
    pairs,
    perSecond: result.perSecond / 2,
    earlyBytes: samples[Math.floor(samples.length / 10)]!,
    lateBytes: samples.at(-1)!,
    maxBytes: Math.max(...samples),
  }
}

const parentsOf = (base: string): readonly (readonly string[])[] =>
  Array.from({ length: CONNECTIONS }, (_, connection) =>
    Array.from({ length: PARENTS_PER_CONNECTION }, (_, at) => `${base}/c${connection}-${at}`),
  )

const steady = (measureMs: number): Omit<Plan, 'cycles'> => ({
  mode: PlanMode.cycle,
  connections: CONNECTIONS,
  depth: DEPTH,
  warmMs: 0,
  measureMs,
  operationsMax: 0,
  setup: [],
  teardown: [],
})

const snapshotsIn = (dataDirectory: string): number =>
  readdirSync(join(dataDirectory, 'version-2')).filter((name) => /^snapshot\.[0-9a-f]+$/.test(name))
    .length
