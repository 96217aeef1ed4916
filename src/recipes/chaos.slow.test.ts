// Locks and elections while the network fails at random and callers give up at any moment. What
// must hold then: never two valid holders, tokens that rise, nothing left behind.

import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type FaultyClient, faultyClient } from '../../test/support/faulty-client.ts'
import { until } from '../../test/support/until.ts'
import { Prng } from '../base/prng.ts'
import { type ZooKeeper, connect } from '../client/index.ts'
import { type TestServer, startTestServer } from '../testkit/index.ts'
import { type Held, LeaderElection, type Leading, Mutex } from './index.ts'

const CHAOS_MS = 4_000

let live: TestServer
let witness: ZooKeeper

beforeAll(async () => {
  live = await startTestServer()
  witness = await connect(live.connectString)
})

afterAll(async () => {
  await witness.close()
  await live[Symbol.asyncDispose]()
})

async function namesIn(path: string): Promise<readonly string[]> {
  return (await witness.exists(path)) === null ? [] : (await witness.getChildren(path)).children
}

/** Breaks and heals a client's network until it is told to stop; it is healed then. */
async function harass(
  { network }: FaultyClient,
  random: Prng,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    await sleep(random.between(5, 120))
    const dice = random.below(10)
    if (dice < 4) network.drop()
    else if (dice < 6) network.losesAnswers = true
    else if (dice < 7) network.losesRequests = true
    else if (dice < 8) network.cut()
    else network.heal()
    // Now and then a fault lasts for longer than a session.
    if (random.chance(0.15)) await sleep(1_000)
    if (random.chance(0.6)) {
      await sleep(random.between(1, 60))
      network.heal()
      network.drop()
    }
  }
  network.heal()
  network.drop()
}

it.each([1, 2])('a mutex in a network that fails (%i)', { timeout: 40_000 }, async (seed) => {
  const path = `/chaos/lock-${seed}`
  const random = new Prng(seed)
  const clients = await Promise.all(
    [1, 2, 3].map(() => faultyClient(live.connectString, { sessionTimeout: 700 })),
  )
  const everHeld: Held[] = []
  let isOver = false
  const contend = async ({ zk }: FaultyClient, own: Prng): Promise<void> => {
    const mutex = new Mutex(zk, path, { policy: own.chance(0.5) ? 'suspended' : 'horizon' })
    while (!isOver) {
      const held = await mutex.acquire({ timeout: own.between(20, 2_000) }).catch(() => null)
      if (held === null) continue
      expect(everHeld.filter((other) => other.valid)).toEqual([])
      everHeld.push(held)
      // Some hold on until they are told that it is over: they must be told in time.
      const turns = own.chance(0.4) ? 150 : own.below(5)
      for (let i = turns; i > 0 && held.valid; i--) await sleep(10)
      await held.release({ timeout: own.between(10, 500) }).catch(() => {})
    }
  }
  const all = clients.flatMap((client, i) => [
    harass(client, random.fork(`network ${i}`), () => isOver),
    contend(client, random.fork(`one ${i}`)),
    contend(client, random.fork(`two ${i}`)),
  ])
  await sleep(CHAOS_MS)
  isOver = true
  await Promise.all(all)
  const tokens = everHeld.map(({ token }) => token)
  expect(tokens.length).toBeGreaterThan(2)
  expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b))
  await until(async () => (await namesIn(path)).length === 0)
  await Promise.all(clients.map(({ zk }) => zk.close()))
})

it('an election in a network that fails', { timeout: 40_000 }, async () => {
  const path = '/chaos/election'
  const random = new Prng(7)
  const clients = await Promise.all(
    [1, 2, 3].map(() => faultyClient(live.connectString, { sessionTimeout: 700 })),
  )
  const elections = clients.map(({ zk }, i) => new LeaderElection(zk, path, { id: `${i}` }))
  const everLed: Leading[] = []
  let isOver = false
  const watching = elections.map(async (election) => {
    let led: Leading | null = null
    for await (const now of election.leadership()) {
      // The end of one leadership is told before the beginning of the next.
      if (now.leader) expect(led).toBeNull()
      else if (led !== null) expect(led.valid).toBe(false)
      led = now.leader ? now : null
      if (now.leader && now.valid) {
        const others = everLed.filter((other) => other.path !== now.path && other.valid)
        expect(others).toEqual([])
        everLed.push(now)
      }
    }
  })
  const harassing = clients.map((client, i) =>
    harass(client, random.fork(`network ${i}`), () => isOver),
  )
  await sleep(CHAOS_MS)
  isOver = true
  await Promise.all(harassing)
  await until(() => elections.filter((election) => election.isLeader).length === 1)
  expect(everLed.length).toBeGreaterThan(1)
  for (const election of elections) await election[Symbol.asyncDispose]()
  await Promise.all(watching)
  await until(async () => (await namesIn(path)).length === 0)
  await Promise.all(clients.map(({ zk }) => zk.close()))
})

it('an acquisition given up after any number of turns leaves nothing', {
  timeout: 40_000,
}, async () => {
  const path = '/chaos/abort'
  const { zk } = await faultyClient(live.connectString)
  const { zk: other } = await faultyClient(live.connectString)
  const outcomes = new Set<string>()
  for (const isHeldByOther of [false, true]) {
    for (let turns = 0; turns < 40; turns++) {
      const held = isHeldByOther ? await new Mutex(other, path).acquire() : null
      const controller = new AbortController()
      const acquiring = new Mutex(zk, path).acquire({ signal: controller.signal }).then(
        async (mine) => {
          await mine.release()
          return 'held'
        },
        (error: Error) => error.name,
      )
      for (let i = 0; i < turns; i++) await turn()
      controller.abort()
      outcomes.add(await acquiring)
      await held?.release()
      await until(async () => (await namesIn(path)).length === 0)
    }
  }
  expect([...outcomes].sort()).toEqual(['AbortError', 'held'])
  await Promise.all([zk.close(), other.close()])
})
