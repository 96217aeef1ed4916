// An ensemble within a test goes through what ensembles go through: leaders that die, stand still or
// are cut off, and members that come back. What was acknowledged stays; nothing is left in the end.

import { describe, expect, test } from 'vitest'
import { askWord } from '../../test/support/ask-word.ts'
import { until } from '../../test/support/until.ts'
import { type ZooKeeper, connect } from '../client/index.ts'
import {
  type TestEnsemble,
  type TestEnsembleOptions,
  type TestMember,
  startTestEnsemble,
} from './index.ts'

type Kind = Required<Pick<TestEnsembleOptions, 'network' | 'storage'>>

const KINDS: readonly Kind[] = [
  { network: 'memory', storage: 'memory' },
  { network: 'tcp', storage: 'temporary' },
]

/** For those who wait until a silent server has lost its place. */
const impatient = { settings: { syncLimit: 4 } }

const rolesOf = (ensemble: TestEnsemble): string[] =>
  ensemble.servers.map(({ role }) => role).sort()

const others = (ensemble: TestEnsemble, one: TestMember): TestMember[] =>
  ensemble.servers.filter((server) => server !== one)

const idsOf = (servers: readonly TestMember[]): number[] => servers.map(({ id }) => id)

async function textAt(zk: ZooKeeper, path: string): Promise<string | null> {
  if ((await zk.exists(path)) === null) return null
  return new TextDecoder().decode((await zk.getData(path)).data)
}

/** What this server itself knows. */
async function textOn(server: TestMember, path: string): Promise<string | null> {
  return textAt(await server.connect(), path)
}

describe.each(KINDS)('a test ensemble on $network with $storage storage', (kind) => {
  test('has a leader and followers, and all of them serve clients', async () => {
    await using ensemble = await startTestEnsemble(kind)
    expect(rolesOf(ensemble)).toEqual(['follower', 'follower', 'leader'])
    const [first, second, third] = await Promise.all(ensemble.servers.map((one) => one.connect()))
    await first!.create('/a', 'from the first')
    for (const zk of [second!, third!]) {
      await zk.sync('/')
      expect(await textAt(zk, '/a')).toBe('from the first')
    }
  })

  test('goes on when its leader crashes, which comes back with what it had', async () => {
    await using ensemble = await startTestEnsemble(kind)
    const zk = await ensemble.connect()
    await zk.create('/a', 'acknowledged')
    await zk.create('/mine', '', { ephemeral: true })
    const { session } = zk
    const crashed = ensemble.leader!
    await crashed.crash()
    expect([crashed.role, crashed.isRunning]).toEqual(['stopped', false])
    const leader = await ensemble.awaitLeader()
    expect(leader).not.toBe(crashed)
    expect(await textAt(zk, '/a')).toBe('acknowledged')
    await zk.create('/b', 'while it was away')
    await crashed.start()
    await ensemble.ready()
    expect([crashed.role, crashed.leaderId]).toEqual(['follower', leader.id])
    expect(await textOn(crashed, '/b')).toBe('while it was away')
    expect((await zk.exists('/mine'))?.ephemeralOwner).toBe(session?.id)
    expect(zk.session).toBe(session)
  })

  test('has everything when all of its servers have crashed and start again', async () => {
    await using ensemble = await startTestEnsemble(kind)
    const zk = await ensemble.connect()
    await zk.create('/a', 'acknowledged')
    const before = ensemble.leader!.epoch!
    await Promise.all(ensemble.servers.map((server) => server.crash()))
    expect(rolesOf(ensemble)).toEqual(['stopped', 'stopped', 'stopped'])
    expect(ensemble.leader).toBeNull()
    await Promise.all(ensemble.servers.map((server) => server.start()))
    await ensemble.ready()
    expect(ensemble.leader!.epoch!).toBeGreaterThan(before)
    expect(await textAt(zk, '/a')).toBe('acknowledged')
  })

  test('replaces a leader that stands still, which then follows', async () => {
    await using ensemble = await startTestEnsemble({ ...kind, ...impatient })
    const paused = ensemble.leader!
    const zk = await others(ensemble, paused)[0]!.connect()
    paused.pause()
    expect([paused.isPaused, ensemble.leader]).toEqual([true, null])
    const leader = await ensemble.awaitLeader()
    expect(leader).not.toBe(paused)
    await zk.create('/a', 'meanwhile')
    // It has not noticed yet.
    expect(paused.role).toBe('leader')
    paused.resume()
    await ensemble.ready()
    expect(paused.role).toBe('follower')
    expect(await textOn(paused, '/a')).toBe('meanwhile')
  })

  test('gives clients of a server that stands still no answer, until it goes on', async () => {
    await using ensemble = await startTestEnsemble(kind)
    const follower = others(ensemble, ensemble.leader!)[0]!
    const zk = await follower.connect()
    await zk.create('/a', 'x')
    follower.pause()
    let isAnswered = false
    const answer = zk.getData('/a').then(() => (isAnswered = true))
    await (await ensemble.leader!.connect()).setData('/a', 'y')
    expect(isAnswered).toBe(false)
    follower.resume()
    await answer
  })

  test('goes on without a leader that is cut off, and what that one was asked to do is not done', async () => {
    await using ensemble = await startTestEnsemble({ ...kind, ...impatient })
    const alone = ensemble.leader!
    const majority = others(ensemble, alone)
    const [inside, outside] = await Promise.all([majority[0]!.connect(), alone.connect()])
    ensemble.partition([[alone.id], idsOf(majority)])
    const refused = outside.create('/lost', 'x', { timeout: 5_000 }).then(
      () => 'done',
      (error: unknown) => (error as { outcome: string }).outcome,
    )
    const leader = await ensemble.awaitLeader()
    await inside.create('/a', 'on the majority')
    expect(await refused).toBe('unknown')
    await until(() => alone.role === 'looking')
    expect(majority).toContain(leader)
    ensemble.heal()
    await ensemble.ready()
    expect(await textOn(alone, '/a')).toBe('on the majority')
    expect(await textOn(alone, '/lost')).toBeNull()
  })
})

describe('a test ensemble', () => {
  const inMemory = { network: 'memory' } as const

  test('keeps its leader while one server hears nobody, and has it back afterwards', async () => {
    await using ensemble = await startTestEnsemble({ ...inMemory, ...impatient })
    const leader = ensemble.leader!
    const [deaf, other] = others(ensemble, leader)
    for (const from of [leader, other!]) ensemble.cutOneWay(from.id, deaf!.id)
    await until(() => deaf!.role === 'looking')
    expect([leader.role, other!.role]).toEqual(['leader', 'follower'])
    await (await other!.connect()).create('/a', 'x')
    ensemble.heal()
    await ensemble.ready()
    expect(await textOn(deaf!, '/a')).toBe('x')
    expect(ensemble.leader).toBe(leader)
  })

  test('works while two of its followers do not hear each other', async () => {
    await using ensemble = await startTestEnsemble(inMemory)
    const leader = ensemble.leader!
    const [one, other] = others(ensemble, leader)
    ensemble.cut(one!.id, other!.id)
    await (await one!.connect()).create('/a', 'x')
    const zk = await other!.connect()
    await zk.sync('/')
    expect(await textAt(zk, '/a')).toBe('x')
    expect(ensemble.leader).toBe(leader)
  })

  test('serves nobody without a majority, and goes on with one', async () => {
    await using ensemble = await startTestEnsemble(inMemory)
    const zk = await ensemble.connect()
    await zk.create('/a', 'x')
    const [first, second, third] = ensemble.servers
    await first!.crash()
    await second!.stop()
    expect(ensemble.leader).toBeNull()
    await until(() => third!.role === 'looking')
    await second!.start()
    const leader = await ensemble.awaitLeader()
    expect([second, third]).toContain(leader)
    expect(await textAt(zk, '/a')).toBe('x')
  })

  test('has observers, which serve and do not count', async () => {
    await using ensemble = await startTestEnsemble({ ...inMemory, servers: 1, observers: 2 })
    expect(ensemble.servers.map(({ role }) => role)).toEqual(['leader', 'observer', 'observer'])
    const zk = await ensemble.server(3).connect()
    await zk.create('/a', 'through an observer')
    await ensemble.server(2).crash()
    expect(ensemble.leader?.id).toBe(1)
    await zk.setData('/a', 'still')
    expect(await textOn(ensemble.server(1), '/a')).toBe('still')
  })

  test('expires the session of a client, wherever that is connected', async () => {
    await using ensemble = await startTestEnsemble(inMemory)
    for (const server of ensemble.servers) {
      const zk = await server.connect({ onSessionLost: 'close' })
      const { session } = zk
      const lost = new Promise<void>((resolve) =>
        session!.signal.addEventListener('abort', () => resolve()),
      )
      ensemble.expireSession(session)
      await lost
    }
  })

  test('cuts connections of clients, and sessions live on', async () => {
    await using ensemble = await startTestEnsemble(inMemory)
    const zk = await ensemble.connect()
    await zk.create('/mine', '', { ephemeral: true })
    const { session } = zk
    const states: string[] = []
    zk.onState(({ state }) => states.push(state))
    for (const server of ensemble.servers) server.cutConnections(session)
    await until(() => states.at(-1) === 'connected')
    expect((await zk.exists('/mine'))?.ephemeralOwner).toBe(session?.id)
    expect(zk.session).toBe(session)
  })

  test('is reached by any client through its ports, the same ones after a restart', async () => {
    await using ensemble = await startTestEnsemble()
    const { connectString } = ensemble
    expect(connectString).toMatch(/^127\.0\.0\.1:\d+,127\.0\.0\.1:\d+,127\.0\.0\.1:\d+$/)
    await using zk = await connect(connectString)
    await zk.create('/a', 'x')
    const follower = others(ensemble, ensemble.leader!)[0]!
    await follower.restart()
    await ensemble.ready()
    expect(ensemble.connectString).toBe(connectString)
    expect(await askWord(follower.port, 'srvr')).toMatch(/^Mode: follower$/m)
    const leader = ensemble.leader!
    expect(await askWord(leader.port, 'srvr')).toMatch(/^Mode: leader$/m)
    await Promise.all(others(ensemble, leader).map((server) => server.crash()))
    await until(() => leader.role === 'looking')
    expect(await askWord(leader.port, 'srvr')).toBe(
      'This ZooKeeper instance is not currently serving requests\n',
    )
  })

  test('takes settings, and refuses nonsense', async () => {
    const settings = { 'readonlymode.enabled': true }
    await using ensemble = await startTestEnsemble({ ...inMemory, settings })
    await Promise.all([ensemble.server(2).crash(), ensemble.server(3).crash()])
    await until(() => ensemble.server(1).role === 'read-only')
    await expect(startTestEnsemble({ servers: 0 })).rejects.toThrow(/servers: 0 .* 1\.\.99/)
    await expect(startTestEnsemble({ server: 3 } as object)).rejects.toThrow(/no option "server"/)
    expect(() => ensemble.server(4)).toThrow(/there is no server 4: 1\.\.3/)
    expect(() => ensemble.cut(1, 9)).toThrow(/there is no server 9/)
    expect(() => ensemble.connectString).toThrow(/no port/)
    expect(() => ensemble.server(2).pause()).toThrow(/server 2 is stopped/)
  })
})
