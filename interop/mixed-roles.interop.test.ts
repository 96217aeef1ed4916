// Servers of both kinds in one ensemble, each in every role: clients of both kinds work across them
// and cannot tell, and in the end every server holds the same tree and has logged the same bytes.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { acl, connect, type ZooKeeper } from '../src/client/index.ts'
import { expectAgreement } from './peers/agreement.ts'
import { absence, type PeerName } from './peers/cache.ts'
import { Ensemble, eventually, type Member, type MemberPlan } from './peers/ensemble.ts'
import { RawSession } from './peers/raw-session.ts'
import { type ConnectResponse, opcode, readStat, WireWriter } from './peers/wire.ts'

interface Composition {
  readonly name: string
  /** In the order of their numbers. 3 and 1 start first, so 3 leads; 4 and 5 are observers. */
  readonly plans: readonly MemberPlan[]
  readonly needs: readonly PeerName[]
}

const apache: MemberPlan = { kind: 'apache' }
const apache38: MemberPlan = { kind: 'apache-3.8' }
const zabra: MemberPlan = { kind: 'zabra' }
const observing = (plan: MemberPlan): MemberPlan => ({ ...plan, isObserver: true })

const compositions: readonly Composition[] = [
  {
    name: 'Apache leads: Zabra follows and observes',
    plans: [apache, zabra, apache, observing(zabra)],
    needs: ['java', 'zabra'],
  },
  {
    name: 'Zabra leads: Apache follows and observes',
    plans: [apache, zabra, zabra, observing(apache)],
    needs: ['java', 'zabra'],
  },
  {
    name: 'Apache 3.8 leads: Zabra and Apache 3.9 follow, Zabra observes',
    plans: [zabra, apache, apache38, observing(zabra)],
    needs: ['java', 'java-3.8', 'zabra'],
  },
  {
    name: 'Zabra leads: Apache 3.8 and 3.9 follow, Apache 3.8 observes',
    plans: [apache38, apache, zabra, observing(apache38)],
    needs: ['java', 'java-3.8', 'zabra'],
  },
]

const text = (data: Uint8Array): string => new TextDecoder().decode(data)

describe.each(compositions)('$name', ({ plans, needs }) => {
  const missing = absence(...needs)
  let ensemble: Ensemble
  let members: readonly Member[]
  let clients: ZooKeeper[] = []

  beforeAll(async () => {
    if (missing !== null) return
    ensemble = await Ensemble.prepare(plans)
    members = ensemble.members
    await ensemble.start(3, 1)
    await ensemble.start(2, 4)
    clients = await Promise.all(members.map(({ port }) => connect(`127.0.0.1:${port}`)))
  })

  afterAll(async () => {
    if (missing !== null) return
    await Promise.all(clients.map((client) => client.close({ drain: 500 })))
    await ensemble[Symbol.asyncDispose]()
  })

  const check = (name: string, run: () => Promise<void>): void => {
    test.skipIf(missing !== null)(`${name}${missing === null ? '' : ` (${missing})`}`, () =>
      ensemble.explained(run),
    )
  }

  /** Runs something for each server and the one after it. */
  async function forEachPair(run: (here: number, there: number) => Promise<void>): Promise<void> {
    for (const here of members.keys()) await run(here, (here + 1) % members.length)
  }

  const clientAt = (index: number): ZooKeeper => clients[index] as ZooKeeper
  const portOf = (index: number): number => ensemble.member(index + 1).port

  check('each server has its role', async () => {
    const modes = await Promise.all(members.map((member) => member.mode()))
    expect(modes).toEqual(['follower', 'follower', 'leader', 'observer'])
    const figures = await ensemble.member(3).figures()
    expect(figures.get('synced_followers')).toBe('2')
    expect(figures.get('synced_observers')).toBe('1')
  })

  check('what is written at one server is read at the next after a sync', async () => {
    await clientAt(0).create('/roles')
    await forEachPair(async (here, there) => {
      const [writer, reader] = [clientAt(here), clientAt(there)]
      const made = [
        await writer.create(`/roles/plain-${here}`, `by ${here}`),
        await writer.create('/roles/s-', '', { sequential: true }),
        await writer.create(`/roles/ephemeral-${here}`, 'e', { ephemeral: true }),
        await writer.create('/roles/es-', '', { ephemeral: true, sequential: true }),
        await writer.create(`/roles/container-${here}`, '', { container: true }),
        await writer.create(`/roles/ttl-${here}`, '', { ttl: 600_000 }),
      ]
      await reader.sync('/roles')
      for (const { path, stat } of made) expect(await reader.exists(path)).toEqual(stat)
      expect(await reader.setData(`/roles/plain-${here}`, 'changed', { version: 0 })).toMatchObject(
        {
          stat: { version: 1 },
        },
      )
      await writer.sync('/roles')
      expect(text((await writer.getData(`/roles/plain-${here}`)).data)).toBe('changed')
      await writer.delete(`/roles/plain-${here}`, { version: 1 })
    })
    const names = (await clientAt(3).getChildren('/roles')).children
    const sequential = names.filter((name) => /^e?s-/.test(name)).map((name) => name.slice(-10))
    // Six of each server's nodes count, wherever they were created.
    expect(sequential.sort()).toEqual(
      [1, 3, 7, 9, 13, 15, 19, 21].map((number) => String(number).padStart(10, '0')),
    )
  })

  check('several changes happen together or not at all', async () => {
    await forEachPair(async (here, there) => {
      const [writer, reader] = [clientAt(here), clientAt(there)]
      const path = `/tx-${here}`
      await writer
        .transaction()
        .create(path, 'a')
        .create(`${path}/child`, '')
        .setData(path, 'b', { version: 0 })
        .check(path, { version: 1 })
        .delete(`${path}/child`)
        .commit()
      const refused = reader.transaction().setData(path, 'c').delete('/tx-none').commit()
      await expect(refused).rejects.toMatchObject({ index: 1, code: 'ZK_NO_NODE' })
      await reader.sync(path)
      const { data, stat } = await reader.getData(path)
      expect([text(data), stat.version, stat.numChildren]).toEqual(['b', 1, 0])
    })
  })

  check('a request that fails is refused alike at every server', async () => {
    for (const client of clients) {
      await expect(client.create('/roles')).rejects.toMatchObject({ code: 'ZK_NODE_EXISTS' })
      await expect(client.create('/none/x')).rejects.toMatchObject({ code: 'ZK_NO_NODE' })
      await expect(client.delete('/roles')).rejects.toMatchObject({ code: 'ZK_NOT_EMPTY' })
      const wrongVersion = client.setData('/roles', '', { version: 77 })
      await expect(wrongVersion).rejects.toMatchObject({ code: 'ZK_BAD_VERSION' })
      const below = client.create('/roles/ephemeral-0/x')
      await expect(below).rejects.toMatchObject({ code: 'ZK_NO_CHILDREN_FOR_EPHEMERALS' })
    }
  })

  check('a watch at one server sees what another was told', async () => {
    await forEachPair(async (here, there) => {
      const [watcher, writer] = [clientAt(here), clientAt(there)]
      const reader = clientAt((there + 1) % members.length)
      const path = `/watched-${here}`
      // 3.8 has one way of watching for each client and path (ZOOKEEPER-4466).
      const once = reader.watchOnce(path, 'exists')
      await reader.exists(path)
      await using watch = watcher.watch(path, { mode: 'recursive' })
      await watch.active
      const { zxid } = await writer.create(path)
      await writer.setData(path, 'changed')
      await writer.create(`${path}/child`, '', { ephemeral: true })
      await writer.delete(path, { recursive: true })
      expect(await once).toMatchObject({ type: 'created', path })
      const seen: string[] = []
      for await (const { type, ...event } of watch) {
        if ('path' in event) seen.push(`${type} ${event.path}`)
        if (seen.length === 1 && 'zxid' in event && event.zxid !== null) {
          expect(event.zxid).toBe(zxid)
        }
        if (seen.length === 5) break
      }
      expect(seen).toEqual([
        `created ${path}`,
        `dataChanged ${path}`,
        `created ${path}/child`,
        `deleted ${path}/child`,
        `deleted ${path}`,
      ])
    })
  })

  check('a session moves from server to server, and its old connection may not write', async () => {
    await forEachPair(async (here, there) => {
      await using first = await RawSession.open(portOf(here))
      await first.create(`/moving-${here}`, null, 1)
      await using second = await RawSession.open(portOf(there), 30_000, first.identity)
      expect(second.identity.sessionId).toBe(first.identity.sessionId)
      await second.create(`/moving-${here}-on`, null, 1)
      await expect(first.setData(`/moving-${here}`, Buffer.from('late'))).rejects.toThrow()
      await second.request(opcode.sync, new WireWriter().string('/'))
      expect(await versionOf(second, `/moving-${here}`)).toBe(0)
      await second.closeSession()
      await clientAt(here).sync('/')
      expect(await clientAt(here).exists(`/moving-${here}`)).toBeNull()
      expect(await clientAt(here).exists(`/moving-${here}-on`)).toBeNull()
    })
  })

  check('a closed session, and one with a wrong password, is taken in nowhere', async () => {
    const closed = await RawSession.open(portOf(0))
    await closed.closeSession()
    await using open = await RawSession.open(portOf(1))
    const wrong: ConnectResponse = { ...open.identity, password: Buffer.alloc(16, 7) }
    for (const { port } of members) {
      for (const identity of [closed.identity, wrong]) {
        await using refused = await RawSession.open(port, 30_000, identity)
        expect(refused.identity.sessionId).toBe(0n)
        expect(refused.identity.timeoutMs).toBe(0)
      }
    }
    // An attempt takes a session's connection from it, though not the session.
    await using again = await RawSession.open(portOf(2), 30_000, open.identity)
    expect(await again.create('/roles/still-', null, 3)).toMatch(/still-\d{10}$/)
  })

  check('an identity proven at one server counts for what the leader decides', async () => {
    for (const [index, { port }] of members.entries()) {
      const path = `/secret-${index}`
      const auth = [{ scheme: 'digest', data: 'alice:secret' }]
      await using owner = await connect(`127.0.0.1:${port}`, { auth })
      await owner.create(path, 'mine', { acl: [acl.digest('alice', 'secret')] })
      for (const stranger of clients) {
        await stranger.sync(path)
        await expect(stranger.setData(path, 'x')).rejects.toMatchObject({ code: 'ZK_NO_AUTH' })
        await expect(stranger.getData(path)).rejects.toMatchObject({ code: 'ZK_NO_AUTH' })
      }
      await owner.setData(path, 'still mine')
      await owner.create(`${path}/below`, '', { acl: [acl.digest('alice', 'secret')] })
      await owner.delete(path, { recursive: true })
    }
  })

  check('every server tells the same configuration', async () => {
    const read = await Promise.all(clients.map((client) => client.getData('/zookeeper/config')))
    const lines = read.map(({ data }) => text(data).split('\n').sort())
    for (const one of lines) expect(one).toEqual(lines[0])
    expect(lines[0]?.filter((line) => /^server\.\d=.*:participant;/.test(line))).toHaveLength(3)
    expect(lines[0]?.filter((line) => /^server\.4=.*:observer;/.test(line))).toHaveLength(1)
  })

  check('a session lives while its client does, at whichever server', async () => {
    const sessionTimeout = 2_000
    const living = await Promise.all(
      members.map(({ port }) => connect(`127.0.0.1:${port}`, { sessionTimeout })),
    )
    const dead = await Promise.all(members.map(({ port }) => RawSession.open(port, sessionTimeout)))
    for (const [index, client] of living.entries()) {
      await client.create(`/living-${index}`, '', { ephemeral: true })
    }
    for (const [index, session] of dead.entries()) await session.create(`/dead-${index}`, null, 1)
    for (const session of dead) session.drop()
    await sleep(1.5 * sessionTimeout)
    const names = async (): Promise<string[]> => {
      const { children } = await clientAt(0).getChildren('/', { consistency: 'linearizable' })
      return children.filter((name) => /^(living|dead)-/.test(name)).sort()
    }
    const alive = members.map((_, index) => `living-${index}`)
    await eventually(
      'the dead sessions are over',
      async () => (await names()).length <= alive.length,
    )
    expect(await names()).toEqual(alive)
    for (const client of living) await client.close()
    expect(await names()).toEqual([])
  })

  check('in the end all hold the same', async () => {
    const { nodes, sharedTransactions } = await expectAgreement(ensemble)
    expect(nodes.size).toBeGreaterThan(20)
    expect(sharedTransactions).toBeGreaterThan(100)
  })
})

async function versionOf(session: RawSession, path: string): Promise<number> {
  const { body } = await session.request(opcode.exists, new WireWriter().string(path).byte(0))
  return readStat(body).version
}
