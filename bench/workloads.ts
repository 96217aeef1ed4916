// The loads that are compared: what each connection asks for, and how much of it is in flight. Nodes
// carry 100 bytes. Every run works below a path of its own, so that runs do not meet.

import { Prng } from '../src/base/prng.ts'
import { CreateMode } from '../src/core/records/opcodes.ts'
import {
  type Plan,
  PlanMode,
  closeSession,
  create,
  get,
  remove,
  set,
  setAll,
  watchExists,
} from './plan.ts'

export interface Workload {
  readonly name: string
  readonly connections: number
  readonly depth: number
  readonly plan: (run: Run) => Plan
}

export interface Run {
  /** A path that nobody has used before. */
  readonly base: string
  readonly connections: number
  readonly depth: number
  readonly warmMs: number
  readonly measureMs: number
}

export const DATA: Uint8Array = new Uint8Array(100).fill(0x78)

const NODES_PER_CONNECTION = 16
/** Long enough that a cycle shows no pattern. */
const CYCLE_LENGTH = 512

export const WORKLOADS: readonly Workload[] = [
  { name: 'get', connections: 1, depth: 1, plan: nodePlan((path) => get(path)) },
  { name: 'get', connections: 64, depth: 1, plan: nodePlan((path) => get(path)) },
  { name: 'get', connections: 16, depth: 32, plan: nodePlan((path) => get(path)) },
  { name: 'set', connections: 1, depth: 1, plan: nodePlan((path) => set(path, DATA)) },
  { name: 'set', connections: 64, depth: 1, plan: nodePlan((path) => set(path, DATA)) },
  { name: 'set', connections: 16, depth: 32, plan: nodePlan((path) => set(path, DATA)) },
  {
    name: 'mixed',
    connections: 64,
    depth: 8,
    // Nine reads to a write.
    plan: nodePlan((path, random) => (random.chance(0.9) ? get(path) : set(path, DATA))),
  },
  { name: 'createdelete', connections: 16, depth: 8, plan: createDeletePlan },
  { name: 'create', connections: 16, depth: 16, plan: createPlan },
  {
    name: 'multi',
    connections: 16,
    depth: 8,
    plan: nodePlan((path, random, paths) =>
      setAll([path, random.pick(paths), random.pick(paths), random.pick(paths)], DATA),
    ),
  },
  { name: 'watch', connections: 1_000, depth: 1, plan: watchPlan },
  { name: 'connect', connections: 16, depth: 2, plan: connectPlan },
]

export const titleOf = (workload: Workload): string =>
  `${workload.name} ${workload.connections}x${workload.depth}`

type MakeRequest = (path: string, random: Prng, paths: readonly string[]) => Uint8Array

/** Each connection works on nodes of its own, in random order. */
function nodePlan(make: MakeRequest): (run: Run) => Plan {
  return (run) => {
    const random = new Prng(1)
    const setup = [create(run.base, DATA)]
    const teardown: Uint8Array[] = []
    const cycles: Uint8Array[][] = []
    for (let connection = 0; connection < run.connections; connection++) {
      const parent = `${run.base}/c${connection}`
      const paths = Array.from({ length: NODES_PER_CONNECTION }, (_, at) => `${parent}/n${at}`)
      setup.push(create(parent, DATA), ...paths.map((path) => create(path, DATA)))
      teardown.push(...paths.map(remove), remove(parent))
      cycles.push(
        Array.from({ length: CYCLE_LENGTH }, () => make(random.pick(paths), random, paths)),
      )
    }
    teardown.push(remove(run.base))
    return { ...cycling(run), setup, cycles, teardown }
  }
}

/** Ephemeral nodes that come and go; a node is gone before its name comes round again. */
function createDeletePlan(run: Run): Plan {
  const parents = parentsOf(run)
  return {
    ...cycling(run),
    setup: [create(run.base, DATA), ...parents.map((parent) => create(parent, DATA))],
    cycles: parents.map((parent) =>
      Array.from({ length: CYCLE_LENGTH / 2 }, (_, at) => `${parent}/e${at}`).flatMap((path) => [
        create(path, DATA, CreateMode.ephemeral),
        remove(path),
      ]),
    ),
    // The last ephemerals may still be going.
    teardown: [],
  }
}

/** Sequential nodes below one parent for each connection; they stay. */
function createPlan(run: Run): Plan {
  const parents = parentsOf(run)
  return {
    ...cycling(run),
    setup: [create(run.base, DATA), ...parents.map((parent) => create(parent, DATA))],
    cycles: parents.map((parent) => [
      create(`${parent}/s-`, DATA, CreateMode.persistentSequential),
    ]),
    teardown: [],
  }
}

/** One node that everybody watches; an operation is one notification. */
function watchPlan(run: Run): Plan {
  return {
    ...cycling(run),
    mode: PlanMode.watch,
    setup: [create(run.base, DATA)],
    cycles: [[watchExists(run.base)], [set(run.base, DATA)]],
    teardown: [remove(run.base)],
  }
}

/** Sessions that are opened and closed again. */
function connectPlan(run: Run): Plan {
  return {
    ...cycling(run),
    mode: PlanMode.connect,
    setup: [],
    cycles: [[closeSession()]],
    teardown: [],
  }
}

const parentsOf = (run: Run): readonly string[] =>
  Array.from({ length: run.connections }, (_, at) => `${run.base}/c${at}`)

const cycling = (run: Run): Pick<Plan, 'mode' | 'operationsMax'> & Run => ({
  ...run,
  mode: PlanMode.cycle,
  operationsMax: 0,
})
