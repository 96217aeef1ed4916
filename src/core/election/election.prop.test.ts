// Elections under trouble: links break, processes end and come back, pairs are cut off, deliveries
// take their time. Once the trouble is over there is one leader, and it is behind no quorum.

import { expect, test } from 'vitest'

import { ElectionBench, ensembleOf, type Past } from '../../../test/support/election-bench.ts'
import { zxidOf } from '../../base/zxid.ts'
import { ServerState } from './election-host.ts'

const SEEDS = Array.from({ length: 40 }, (_, i) => i + 1)

test.each(SEEDS)('seed %i', (seed) => {
  const bench = new ElectionBench(seed, 1)
  const { prng } = bench
  const voters = prng.pick([3, 5])
  const observers = prng.below(2)
  const size = voters + observers
  const membership = ensembleOf(size, observers)
  const quorum = (voters >>> 1) + 1
  bench.delayMsMax = prng.pick([0, 2, 30, 300])
  const pasts = new Map<number, Past>()
  for (let id = 1; id <= size; id++) {
    const epoch = prng.below(3)
    pasts.set(id, { epoch, zxid: zxidOf(epoch, prng.below(3)) })
  }
  const begin = (id: number): void => {
    bench.add(id, membership, pasts.get(id)!).start()
  }
  for (let id = 1; id <= size; id++) begin(id)

  for (let trouble = 0; trouble < 30; trouble++) {
    bench.run(prng.pick([0, 1, 5, 50, 500]))
    const id = prng.between(1, size)
    switch (prng.below(6)) {
      case 0:
        bench.servers.get(id)?.breakLinks(() => prng.chance(0.5))
        break
      case 1:
        if (bench.servers.has(id)) bench.kill(id)
        break
      case 2:
        if (!bench.servers.has(id)) begin(id)
        break
      case 3:
        bench.cutOff(id, prng.between(1, size))
        break
      case 4:
        bench.servers.get(id)?.look()
        break
      case 5: {
        const leader = prng.between(1, voters)
        const forMs = prng.pick([0, 3000])
        const server = bench.servers.get(id)
        if (leader === id || server === undefined) break
        server.step(() => server.election.doubt(leader, forMs))
        server.look()
        break
      }
    }
    lookWhereNobodyLeads(bench, quorum)
  }
  bench.heal()
  for (let id = 1; id <= size; id++) if (!bench.servers.has(id)) begin(id)

  const since = bench.nowMs
  for (let i = 0; i < 600 && !isAgreed(bench); i++) {
    bench.run(100)
    // As roles end: a while after their reason.
    if (i % 10 === 9) lookWhereNobodyLeads(bench, quorum)
  }
  expect(isAgreed(bench), states(bench)).toBe(true)
  expect(bench.nowMs - since).toBeLessThan(60_000)
  const { leader } = bench.servers.get(1)!.election.vote
  const its = pasts.get(leader)!
  const notAhead = [...membership.voters.voters].filter((id) => {
    const { epoch, zxid } = pasts.get(id)!
    return epoch < its.epoch || (epoch === its.epoch && zxid <= its.zxid)
  })
  expect(notAhead.length).toBeGreaterThanOrEqual(quorum)
})

/** What Zab would do: who follows nobody, or leads nobody, looks again. */
function lookWhereNobodyLeads(bench: ElectionBench, quorum: number): void {
  const servers = [...bench.servers.values()]
  const supportersOf = (id: number): number =>
    servers.filter(
      ({ id: supporter, membership, election: { state, vote } }) =>
        membership.voters.voters.has(supporter) && state !== 0 && vote.leader === id,
    ).length
  const lost = servers.filter(({ election: { state, vote } }) => {
    if (state === ServerState.looking) return false
    const leader = bench.servers.get(vote.leader)
    return leader?.election.state !== ServerState.leading || supportersOf(vote.leader) < quorum
  })
  for (const server of lost) server.look()
}

function isAgreed(bench: ElectionBench): boolean {
  const servers = [...bench.servers.values()]
  const leaders = new Set(servers.map(({ election }) => election.vote.leader))
  const leading = servers.filter(({ election }) => election.state === ServerState.leading)
  return (
    leaders.size === 1 &&
    leading.length === 1 &&
    servers.every(({ election }) => election.state !== ServerState.looking)
  )
}

const states = (bench: ElectionBench): string =>
  [...bench.servers.values()].map(({ id, election }) => `${id} ${election.describe()}`).join('\n')
