// The figures of ensembles, of Zabra's and, where it is asked for, of Apache's on the same machine:
// throughput of writes, the time without a leader, the return of a member that lost everything.

import { failover } from './failover.ts'
import { fill } from './large-tree.ts'
import type { Player, Targets } from './load.ts'
import { type Make, Members } from './members.ts'
import type { Report } from './report.ts'
import { type Effort, compare, median } from './throughput.ts'
import { WORKLOADS } from './workloads.ts'
import { wipedMember } from './wiped-member.ts'

export const ENSEMBLE_FIGURES = ['ensemble', 'failover', 'wiped-member'] as const

/**
 * What the figures of Zabra are held against: servers that run already, Apache's own, three bare
 * processes (for throughput alone), or nothing.
 */
export type Beside = Targets | 'apache' | 'bare' | null

const THREE = 3
const FIVE = 5

/** Loads that consist of writes, or begin with them. `only` names some of them. */
export async function ensembleThroughput(
  player: Player,
  beside: Beside,
  effort: Effort,
  only: readonly string[],
  report: Report,
): Promise<void> {
  await using zabra = await Members.start('zabra', THREE)
  const make = typeof beside === 'string' ? beside : null
  await using others = make === null ? null : await Members.start(make, THREE)
  const other = typeof beside === 'string' ? others!.all : beside
  report.throughputHead(other !== null)
  for (const workload of WORKLOADS) {
    const isWanted = only.length === 0 ? workload.name !== 'get' : only.includes(workload.name)
    if (!isWanted) continue
    report.throughput(await compare(player, workload, zabra.all, other, effort))
  }
  report.throughputEnd()
}

export async function failovers(beside: Beside, times: number, report: Report): Promise<void> {
  const own = await failoversOf('zabra', times)
  const other = beside === 'apache' ? await failoversOf('apache', times) : null
  report.figure(`fail-over, ${times} times`, own, other)
}

async function failoversOf(make: Make, times: number): Promise<Readonly<Record<string, number>>> {
  await using members = await Members.start(make, THREE)
  const servers: number[] = []
  const client: number[] = []
  for (let time = 0; time < times; time++) {
    const { serversMs, clientMs } = await failover(members)
    servers.push(serversMs)
    client.push(clientMs)
  }
  return {
    serversMedianMs: median(servers, Number),
    serversWorstMs: Math.max(...servers),
    clientMedianMs: median(client, Number),
    clientWorstMs: Math.max(...client),
  }
}

export async function wipedMembers(
  player: Player,
  beside: Beside,
  nodes: number,
  report: Report,
): Promise<void> {
  const own = await wipedMemberOf('zabra', player, nodes)
  const other = beside === 'apache' ? await wipedMemberOf('apache', player, nodes) : null
  report.figure(`a wiped member of five, ${nodes} nodes`, own, other)
}

async function wipedMemberOf(
  make: Make,
  player: Player,
  nodes: number,
): Promise<Readonly<Record<string, number>>> {
  await using members = await Members.start(make, FIVE)
  const filled = await fill(player, members.all, nodes)
  const { backMs, before, meanwhile } = await wipedMember(members, filled)
  return {
    backMs,
    beforeP50Ms: before.p50Ms,
    beforeP99Ms: before.p99Ms,
    beforeMaxMs: before.maxMs,
    meanwhileP50Ms: meanwhile.p50Ms,
    meanwhileP99Ms: meanwhile.p99Ms,
    meanwhileMaxMs: meanwhile.maxMs,
  }
}
