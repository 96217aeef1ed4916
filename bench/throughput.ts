// One load after the other, on Zabra and, where there is one, on the server beside it, in turn.

import type { LoadResult, Player, Targets } from './load.ts'
import { startLoad } from './load.ts'
import { type Workload, titleOf } from './workloads.ts'

export interface Comparison {
  readonly title: string
  /** The median of the rounds, each by its own operations a second. */
  readonly zabra: LoadResult
  readonly beside: LoadResult | null
  /** The median of the rounds' ratios of operations a second, Zabra's to the other's. */
  readonly ratio: number | null
}

export interface Effort {
  readonly rounds: number
  readonly measureMs: number
  readonly warmMs: number
}

export async function compare(
  player: Player,
  workload: Workload,
  zabra: Targets,
  beside: Targets | null,
  effort: Effort,
): Promise<Comparison> {
  const own: LoadResult[] = []
  const other: LoadResult[] = []
  for (let round = 0; round < effort.rounds; round++) {
    // The other first: whatever a round costs the machine is not to Zabra's advantage.
    if (beside !== null) other.push(await run(player, workload, beside, effort))
    own.push(await run(player, workload, zabra, effort))
  }
  const ratios = own.flatMap((result, round) => {
    const counterpart = other[round]
    return counterpart === undefined ? [] : [result.perSecond / counterpart.perSecond]
  })
  return {
    title: titleOf(workload),
    zabra: median(own, (result) => result.perSecond),
    beside: other.length === 0 ? null : median(other, (result) => result.perSecond),
    ratio: ratios.length === 0 ? null : median(ratios, (ratio) => ratio),
  }
}

/** The middle one; of an even number the lower. */
export function median<T>(items: readonly T[], valueOf: (item: T) => number): T {
  const sorted = [...items].sort((a, b) => valueOf(a) - valueOf(b))
  return sorted[(sorted.length - 1) >> 1]!
}

let runs = 0

/** A path that no run of this or an earlier process has used. */
export const freshPath = (): string => `/bench-${Date.now().toString(36)}-${process.pid}-${runs++}`

async function run(
  player: Player,
  workload: Workload,
  targets: Targets,
  { warmMs, measureMs }: Effort,
): Promise<LoadResult> {
  const { connections, depth } = workload
  const plan = workload.plan({ base: freshPath(), connections, depth, warmMs, measureMs })
  const result = await startLoad(player, targets, plan).result
  if (result.failures > 0) {
    const { failures, firstFailure } = result
    throw new Error(`${titleOf(workload)}: ${failures} failures, the first with ${firstFailure}`)
  }
  return result
}
