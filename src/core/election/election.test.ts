// Elections of whole servers over links: who leads, how soon, and what the others are told.

import { describe, expect, test } from 'vitest'

import { BenchServer, ElectionBench, ensembleOf } from '../../../test/support/election-bench.ts'
import { collectMarks } from '../../base/marks.ts'
import { zxidOf } from '../../base/zxid.ts'
import { NO_SERVER, ServerState } from './election-host.ts'

const past = (epoch: number, counter: number): { zxid: number; epoch: number } => ({
  zxid: zxidOf(epoch, counter),
  epoch,
})

/** `count` servers that begin together, with these pasts. */
function startAll(
  bench: ElectionBench,
  count: number,
  pasts: readonly { zxid: number; epoch: number }[] = [],
): void {
  const membership = ensembleOf(count)
  for (let id = 1; id <= count; id++) bench.add(id, membership, pasts[id - 1])
  for (const server of bench.servers.values()) server.start()
}

describe('a first election', () => {
  test('of empty servers is won by the largest number, without a wait', () => {
    const bench = new ElectionBench()
    startAll(bench, 3)
    expect(bench.elect()).toEqual(
      new Map([
        [1, 3],
        [2, 3],
        [3, 3],
      ]),
    )
    expect(bench.nowMs).toBeLessThan(50)
    expect(bench.servers.get(3)!.election.state).toBe(ServerState.leading)
    expect(bench.servers.get(1)!.election.state).toBe(ServerState.following)
  })

  test('is won by the latest epoch, then by the last transaction', () => {
    const bench = new ElectionBench()
    startAll(bench, 3, [past(2, 1), past(1, 9), past(1, 8)])
    expect(new Set(bench.elect().values())).toEqual(new Set([1]))
    const other = new ElectionBench()
    startAll(other, 3, [past(1, 1), past(1, 9), past(1, 8)])
    expect(new Set(other.elect().values())).toEqual(new Set([2]))
  })

  test('of two out of three waits for nobody who refuses to be reached', () => {
    const bench = new ElectionBench()
    const membership = ensembleOf(3)
    bench.add(1, membership).start()
    bench.add(2, membership).start()
    expect(bench.elect()).toEqual(
      new Map([
        [1, 2],
        [2, 2],
      ]),
    )
    expect(bench.nowMs).toBeLessThan(50)
  })

  test('waits for a better vote of one who may be there', () => {
    const bench = new ElectionBench()
    bench.cutOff(1, 3)
    bench.cutOff(2, 3)
    startAll(bench, 3)
    bench.run(10_000, () => [1, 2].every((id) => bench.servers.get(id)!.election.state !== 0))
    expect(bench.nowMs).toBeGreaterThanOrEqual(200)
    expect(bench.nowMs).toBeLessThan(300)
  })

  test('needs a quorum', () => {
    const bench = new ElectionBench()
    bench.add(1, ensembleOf(3)).start()
    bench.run(60_000)
    expect(bench.servers.get(1)!.election.state).toBe(ServerState.looking)
    expect(bench.servers.get(1)!.election.vote.leader).toBe(1)
  })

  test('of one server is over at once', () => {
    const bench = new ElectionBench()
    bench.add(1, ensembleOf(1)).start()
    expect(bench.servers.get(1)!.election.state).toBe(ServerState.leading)
  })

  test('a server that comes while a better vote is waited for is elected', () => {
    const bench = new ElectionBench()
    for (const id of [1, 2, 3]) for (const other of [4, 5]) bench.cutOff(id, other)
    const membership = ensembleOf(5)
    for (const id of [1, 2, 3]) bench.add(id, membership).start()
    bench.add(4, membership, past(1, 1))
    bench.run(150)
    expect(bench.servers.get(1)!.election.vote.leader).toBe(3)
    bench.cut.clear()
    bench.servers.get(4)!.start()
    bench.run(40_000, () => bench.servers.get(4)!.election.state !== 0)
    expect(bench.servers.get(4)!.election.vote.leader).toBe(4)
  })
})

/** How long a follower tries to come to a server that does not lead. */
const ROLE_MS = 300

function leaveWhoDoesNotLead(bench: ElectionBench): void {
  for (const server of bench.servers.values()) {
    const { state, vote } = server.election
    const leads = bench.servers.get(vote.leader)?.election.state === ServerState.leading
    if (state === ServerState.following && !leads) server.look()
  }
  bench.schedule(ROLE_MS, () => leaveWhoDoesNotLead(bench))
}

describe('servers that start within milliseconds of each other', () => {
  test.each([3, 5])('have one leader soon, though some elected another: %i', (count) => {
    const seen = collectMarks(() => {
      for (let seed = 1; seed <= 200; seed++) {
        const bench = new ElectionBench(seed)
        const membership = ensembleOf(count)
        for (let id = 1; id <= count; id++) {
          bench.schedule(bench.delay() * 10, () => bench.add(id, membership).start())
        }
        bench.schedule(ROLE_MS, () => leaveWhoDoesNotLead(bench))
        const isAgreed = (): boolean => {
          const elections = [...bench.servers.values()].map(({ election }) => election)
          const { leader } = elections[0]?.vote ?? { leader: 0 }
          return (
            elections.length === count &&
            elections.every(({ state, vote }) => state !== 0 && vote.leader === leader)
          )
        }
        bench.run(2_000, isAgreed)
        expect(isAgreed(), `seed ${seed}`).toBe(true)
      }
    })
    expect(seen.has('election: deserted')).toBe(true)
  })
})

describe('when the leader is gone', () => {
  test('the others have a new one within milliseconds', () => {
    const bench = new ElectionBench()
    startAll(bench, 3)
    bench.elect()
    for (const server of bench.servers.values()) server.serve(1)
    bench.run(1000)
    bench.kill(3)
    const since = bench.nowMs
    bench.servers.get(1)!.look()
    bench.run(3)
    bench.servers.get(2)!.look()
    expect(bench.elect()).toEqual(
      new Map([
        [1, 2],
        [2, 2],
      ]),
    )
    expect(bench.nowMs - since).toBeLessThan(30)
    expect(bench.servers.get(2)!.election.vote.round).toBe(2)
  })

  test('a server that looks later than the others need not wait for a repetition', () => {
    for (const [first, second] of [
      [1, 2],
      [2, 1],
    ] as const) {
      const bench = new ElectionBench()
      startAll(bench, 3)
      bench.elect()
      bench.kill(3)
      bench.servers.get(first)!.look()
      bench.run(3000)
      const since = bench.nowMs
      bench.servers.get(second)!.look()
      bench.elect()
      expect(bench.nowMs - since).toBeLessThan(30)
    }
  })

  test('it joins as a follower when it comes back', () => {
    const bench = new ElectionBench()
    startAll(bench, 3)
    bench.elect()
    bench.kill(3)
    for (const server of bench.servers.values()) server.look()
    bench.elect()
    for (const server of bench.servers.values()) server.serve(2)
    const back = bench.add(3, ensembleOf(3), past(9, 9)).start()
    const since = bench.nowMs
    bench.elect()
    expect(bench.nowMs - since).toBeLessThan(50)
    expect(back.election.state).toBe(ServerState.following)
    expect(back.election.vote).toEqual({ leader: 2, zxid: 0, peerEpoch: 2, round: 2 })
  })
})

describe('a leader that cannot be reached', () => {
  /** The servers' roles end: their leader was not heard, or not reached. */
  const doubt = (bench: ElectionBench, ids: readonly number[], leader: number, forMs: number) => {
    for (const id of ids) {
      const server = bench.servers.get(id)!
      server.step(() => server.election.doubt(leader, forMs))
      server.look()
    }
  }

  test('is not elected again for votes on links from before it became deaf', () => {
    const bench = new ElectionBench()
    startAll(bench, 3)
    bench.elect()
    bench.deafen(3)
    bench.servers.get(3)!.look()
    doubt(bench, [1, 2], 3, 0)
    bench.run(1000)
    expect([1, 2].map((id) => bench.servers.get(id)!.election.vote.leader)).toEqual([2, 2])
  })

  test('is not elected for the votes of those who can reach it', () => {
    const bench = new ElectionBench()
    for (const id of [1, 2, 3]) bench.cutOff(id, 5)
    startAll(bench, 5)
    bench.run(10_000)
    // Server 4 is for 5, and all others are by its word.
    expect(bench.servers.get(3)!.election.vote.leader).toBe(5)
    doubt(bench, [1, 2, 3], 5, 3000)
    bench.run(1000)
    expect([1, 2, 3].map((id) => bench.servers.get(id)!.election.vote.leader)).toEqual([3, 3, 3])
  })

  test('is elected after a while where nobody else is left', () => {
    const bench = new ElectionBench()
    startAll(bench, 3)
    bench.elect()
    bench.kill(2)
    bench.servers.get(3)!.look()
    doubt(bench, [1], 3, 3000)
    bench.run(2900)
    expect(bench.servers.get(1)!.election.state).toBe(ServerState.looking)
    bench.run(300)
    expect(bench.servers.get(1)!.election.state).toBe(ServerState.following)
    expect(bench.servers.get(3)!.election.state).toBe(ServerState.leading)
  })

  test('is followed as soon as others lead with it, though this server would not vote for it', () => {
    const bench = new ElectionBench()
    startAll(bench, 3)
    bench.elect()
    for (const server of bench.servers.values()) server.serve(1)
    doubt(bench, [1], 3, 3000)
    bench.run(100)
    expect(bench.servers.get(1)!.election.vote.leader).toBe(3)
    expect(bench.servers.get(1)!.election.state).toBe(ServerState.following)
  })
})

describe('what servers that have settled say', () => {
  test('the new epoch once they serve, with the round and zxid of the election', () => {
    const bench = new ElectionBench()
    startAll(bench, 3, [past(4, 1), past(4, 1), past(4, 1)])
    bench.elect()
    for (const server of bench.servers.values()) server.serve(5)
    bench.kill(1)
    bench.add(1, ensembleOf(3), past(4, 1)).start()
    bench.elect()
    const told = bench.servers
      .get(3)!
      .said.filter(({ to }) => to === 1)
      .at(-1)!
    expect(told).toMatchObject({ state: 2, leader: 3, zxid: zxidOf(4, 1), round: 1, peerEpoch: 5 })
    expect(told.config).toBe(ensembleOf(3).text)
  })

  test('one that comes between the election and the service waits for the epoch, and is told', () => {
    const bench = new ElectionBench()
    const membership = ensembleOf(5)
    for (const id of [1, 2, 3]) bench.add(id, membership).start()
    bench.elect()
    for (const server of bench.servers.values()) server.look()
    bench.elect()
    bench.servers.get(3)!.serve(1)
    const late = bench.add(4, membership).start()
    bench.run(100)
    expect(late.election.state).toBe(ServerState.looking)
    const since = bench.nowMs
    bench.servers.get(1)!.serve(1)
    bench.servers.get(2)!.serve(1)
    bench.run(100, () => late.election.state !== 0)
    expect(late.election.state).toBe(ServerState.following)
    expect(bench.nowMs - since).toBeLessThan(20)
  })
})

describe('observers', () => {
  test('vote for nobody and follow who is elected', () => {
    const bench = new ElectionBench()
    const membership = ensembleOf(4, 1)
    for (const id of [1, 2, 3, 4]) bench.add(id, membership, past(1, id)).start()
    bench.elect()
    const observer = bench.servers.get(4)!
    expect(observer.election.state).toBe(ServerState.observing)
    expect(observer.election.vote.leader).toBe(3)
    expect(observer.said[0]).toMatchObject({
      state: 0,
      leader: NO_SERVER,
      zxid: NO_SERVER,
      peerEpoch: NO_SERVER,
      round: 1,
    })
    expect(bench.nowMs).toBeLessThan(300)
  })

  test('are no help to a quorum', () => {
    const bench = new ElectionBench()
    const membership = ensembleOf(4, 1)
    bench.add(1, membership).start()
    bench.add(4, membership).start()
    bench.run(60_000)
    expect(bench.servers.get(1)!.election.state).toBe(ServerState.looking)
    expect(bench.servers.get(4)!.election.state).toBe(ServerState.looking)
  })
})

describe('another membership', () => {
  test('a newer one is taken over from whoever knows it, and the round begins anew', () => {
    const bench = new ElectionBench()
    const newer = ensembleOf(3, 0, 0x100000005)
    for (const id of [1, 2]) bench.add(id, newer).start()
    bench.elect()
    const late = bench.add(3, ensembleOf(5)).start()
    bench.elect()
    expect(late.membership.version).toBe(0x100000005)
    expect(late.election.vote.leader).toBe(2)
  })

  test('a restart forgets rounds and links', () => {
    const bench = new ElectionBench()
    startAll(bench, 3)
    bench.elect()
    for (const server of bench.servers.values()) server.look()
    bench.elect()
    expect(bench.servers.get(1)!.election.vote.round).toBe(2)
    for (const server of bench.servers.values()) server.step(() => server.election.restart())
    bench.run(100)
    expect(bench.servers.get(1)!.ends.size).toBe(0)
    for (const server of bench.servers.values()) server.look()
    bench.elect()
    expect(bench.servers.get(1)!.election.vote.round).toBe(1)
  })

  test('two servers that do not hold each other for voters do not answer without end', () => {
    const bench = new ElectionBench()
    const one = new BenchServer(bench, 1, ensembleOf(1, 0, 1), past(0, 0))
    bench.servers.set(1, one)
    one.membership = ensembleOf(5)
    const odd = bench.add(6, ensembleOf(6), past(0, 0))
    odd.start()
    odd.look()
    odd.look()
    one.start()
    bench.run(5000)
    expect(one.said.length + odd.said.length).toBeLessThan(300)
  })
})

describe('links', () => {
  test('are broken and made again without a vote being lost', () => {
    const bench = new ElectionBench()
    startAll(bench, 3)
    bench.run(1)
    for (let i = 0; i < 20; i++) {
      bench.servers.get((i % 3) + 1)!.breakLinks((peer) => peer !== 2 || i % 2 === 0)
      bench.run(1)
    }
    expect(new Set(bench.elect().values())).toEqual(new Set([3]))
  })

  test('are tried again when a partition has healed', () => {
    const bench = new ElectionBench()
    for (const [a, b] of [
      [1, 2],
      [1, 3],
      [2, 3],
    ] as const)
      bench.cutOff(a, b)
    startAll(bench, 3)
    bench.run(90_000)
    bench.heal()
    const since = bench.nowMs
    expect(new Set(bench.elect().values())).toEqual(new Set([3]))
    expect(bench.nowMs - since).toBeLessThan(6000)
  })

  test('that swallow everything are replaced', () => {
    const bench = new ElectionBench()
    startAll(bench, 3)
    bench.elect()
    bench.kill(3)
    bench.cutOff(1, 2)
    const marks = collectMarks(() => {
      for (const server of bench.servers.values()) server.look()
      bench.run(30_000)
      expect(bench.servers.get(1)!.election.state).toBe(ServerState.looking)
      // Nobody is told that what was sent meanwhile is lost.
      bench.cut.clear()
      bench.elect()
    })
    expect(marks.has('election: a silent link is replaced')).toBe(true)
    expect(bench.servers.get(1)!.election.vote.leader).toBe(2)
    expect(bench.nowMs).toBeLessThan(40_000)
  })
})

describe('the election port', () => {
  test('is tried three times before the server gives up', () => {
    const bench = new ElectionBench()
    const server = bench.add(1, ensembleOf(3))
    server.isPortBroken = true
    server.start()
    bench.run(1900)
    expect(server.portLost).toBeNull()
    bench.run(200)
    expect(server.portLost).toBe('address in use')
  })

  test('may be free at the second attempt', () => {
    const bench = new ElectionBench()
    const server = bench.add(1, ensembleOf(3))
    server.isPortBroken = true
    server.start()
    bench.run(500)
    server.isPortBroken = false
    bench.run(10_000)
    expect(server.portLost).toBeNull()
  })
})

test('describes itself in one line', () => {
  const bench = new ElectionBench()
  startAll(bench, 3)
  bench.elect()
  bench.run(50)
  expect(bench.servers.get(1)!.election.describe()).toBe(
    'following in round 1 for server 3 at 0x0 of epoch 0, links to 2, 3',
  )
})
