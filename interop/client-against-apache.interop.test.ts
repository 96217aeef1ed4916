// Our own client against Apache's server, and the same against Zabra: operations, watches, a
// session that outlives its server's process, a server that falls silent, and recipes that share
// their lock with kazoo and Curator, and their election with Curator.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type WatchEvent, type ZooKeeper, acl, codec, connect, op } from '../src/client/index.ts'
import { LeaderElection, Mutex, withLock } from '../src/recipes/index.ts'
import { freePort } from '../test/support/free-port.ts'
import { startApache } from './peers/apache-server.ts'
import { absence } from './peers/cache.ts'
import { LockContender } from './peers/lock-contender.ts'
import type { ServerUnderTest } from './peers/server-under-test.ts'
import { startZabra } from './peers/zabra-server.ts'

const servers = [
  { name: 'Apache ZooKeeper', start: startApache, missing: absence('java') },
  { name: 'Zabra', start: startZabra, missing: absence('zabra') },
]
const noKazoo = absence('kazoo')
const noJava = absence('java')

const text = (data: Uint8Array): string => new TextDecoder().decode(data)

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await sleep(10)
}

describe.each(servers)('our client on $name', ({ start, missing }) => {
  const scratch = mkdtempSync(join(tmpdir(), 'zabra-interop-'))
  let server: ServerUnderTest
  let address: string
  let zk: ZooKeeper

  const begin = async (port: number): Promise<void> => {
    server = await start({ dataDir: join(scratch, 'data'), port })
    address = `127.0.0.1:${port}`
  }

  beforeAll(async () => {
    if (missing !== null) return
    await begin(await freePort())
    zk = await connect(address, { sessionTimeout: 10_000 })
  })

  afterAll(async () => {
    if (missing !== null) return
    await zk.close({ drain: 1_000 })
    await server[Symbol.asyncDispose]()
    rmSync(scratch, { recursive: true, force: true })
  })

  const check = (name: string, run: () => Promise<void>): void => {
    test.skipIf(missing !== null)(`${name}${missing === null ? '' : ` (${missing})`}`, run)
  }

  check('creates every kind of node, reads, changes and deletes them', async () => {
    await zk.create('/ops/a', 'one', { parents: true })
    expect(text((await zk.getData('/ops/a')).data)).toBe('one')
    const { stat, zxid } = await zk.setData('/ops/a', '{"n":2}', { version: 0 })
    expect([stat.version, stat.mzxid]).toEqual([1, zxid])
    expect((await zk.getData('/ops/a', codec.json<{ n: number }>())).value.n).toBe(2)
    await expect(zk.setData('/ops/a', '', { version: 0 })).rejects.toMatchObject({
      code: 'ZK_BAD_VERSION',
    })
    const ephemeral = await zk.create('/ops/e', '', { ephemeral: true })
    expect(ephemeral.stat.ephemeralOwner).toBe(zk.session?.id)
    await expect(zk.create('/ops/e/below')).rejects.toMatchObject({
      code: 'ZK_NO_CHILDREN_FOR_EPHEMERALS',
    })
    const made = [
      await zk.create('/ops/s-', '', { sequential: true }),
      await zk.create('/ops/c', '', { container: true }),
      await zk.create('/ops/t', '', { ttl: 600_000 }),
      await zk.create('/ops/p-', '', { sequential: true, ephemeral: true, protect: true }),
    ]
    expect(made.map(({ stat: { czxid } }) => czxid)).toEqual(made.map((one) => one.zxid))
    expect([...(await zk.getEphemerals('/ops'))].sort()).toEqual([made[3]?.path, '/ops/e'].sort())
    expect(await zk.countDescendants('/ops')).toBe(6)
    await expect(zk.delete('/ops')).rejects.toMatchObject({ code: 'ZK_NOT_EMPTY' })
    await zk.delete('/ops', { recursive: true })
    expect(await zk.exists('/ops')).toBeNull()
  })

  check('makes several changes together or none', async () => {
    const [made, set] = await zk
      .transaction()
      .create('/tx', 'a')
      .setData('/tx', 'b', { version: 0 })
      .check('/tx', { version: 1 })
      .commit()
    expect([made.path, set.stat.version]).toEqual(['/tx', 1])
    const refused = zk.multi([op.delete('/tx'), op.create('/none/x'), op.create('/y')])
    await expect(refused).rejects.toMatchObject({ index: 1, code: 'ZK_NO_NODE' })
    const [data, missingNode] = await zk.multiRead([op.getData('/tx'), op.getData('/none')])
    expect('data' in data && text(data.data)).toBe('b')
    expect(missingNode).toMatchObject({ code: 'ZK_NO_NODE' })
  })

  check('proves identities and obeys access lists', async () => {
    await using owner = await connect(address, { auth: [{ scheme: 'digest', data: 'u:p' }] })
    await owner.create('/acl', 'secret', { acl: [acl.digest('u', 'p')] })
    await expect(zk.getData('/acl')).rejects.toMatchObject({ code: 'ZK_NO_AUTH' })
    expect(text((await owner.getData('/acl')).data)).toBe('secret')
    expect((await owner.whoAmI()).map(({ scheme }) => scheme).sort()).toEqual(['digest', 'ip'])
    const refused = await connect(address)
    await expect(refused.addAuth('nonsense', '')).rejects.toMatchObject({ name: 'AuthFailedError' })
    expect(refused.state).toBe('authFailed')
  })

  check('watches nodes and subtrees, with the zxid of each change', async () => {
    await using other = await connect(address)
    await using watch = zk.watch('/watched', { mode: 'recursive' })
    await watch.active
    const once = zk.watchOnce('/watched', 'exists')
    await zk.sync()
    const { zxid } = await other.create('/watched')
    await other.create('/watched/child', '')
    await other.delete('/watched', { recursive: true })
    expect(await once).toEqual({ type: 'created', path: '/watched', zxid })
    const seen: WatchEvent[] = []
    for await (const event of watch) if (seen.push(event) === 4) break
    expect(seen).toMatchObject([
      { type: 'created', path: '/watched', zxid },
      { type: 'created', path: '/watched/child' },
      { type: 'deleted', path: '/watched/child' },
      { type: 'deleted', path: '/watched' },
    ])
    expect(await zk.getData('/', { consistency: 'linearizable' })).toBeDefined()
    expect(await zk.getData('/', { consistency: 'strict' })).toBeDefined()
  })

  check('takes its session over a killed server, and names what it may have missed', async () => {
    const { port } = server
    const watch = zk.watch('/survives')
    await watch.active
    await zk.create('/survives', 'x', { ephemeral: true })
    const id = zk.session?.id
    await server.kill()
    const asked = zk.getData('/survives')
    await until(() => zk.state === 'suspended')
    await server[Symbol.asyncDispose]()
    await begin(port)
    expect((await asked).stat.ephemeralOwner).toBe(id)
    expect([zk.session?.id, zk.session?.valid]).toEqual([id, true])
    await zk.setData('/survives', 'y')
    const seen: string[] = []
    for await (const { type } of watch) {
      seen.push(type)
      if (seen.filter((one) => one === 'dataChanged').length === 1) break
    }
    expect(seen).toContain('resumed')
  })

  check(
    'leaves a server that falls silent, and trusts its session no longer than it may',
    async () => {
      const own = await connect(address, { sessionTimeout: 4_000 })
      const { session } = own
      const began = performance.now()
      process.kill(server.pid, 'SIGSTOP')
      try {
        await until(() => own.state === 'suspended')
        expect(performance.now() - began).toBeLessThan(4_000)
        await until(() => session?.valid === false)
        expect(performance.now() - began).toBeLessThan(4_000)
        await until(() => own.state === 'lost')
        expect(session?.signal.aborted).toBe(true)
      } finally {
        process.kill(server.pid, 'SIGCONT')
      }
      await until(() => own.state === 'connected')
      expect(own.session?.id).not.toBe(session?.id)
      await own.close()
      await until(() => zk.state === 'connected')
    },
  )

  check('keeps locks and elects leaders', async () => {
    const clients = await Promise.all([1, 2, 3].map(() => connect(address)))
    let inside = 0
    const tokens: number[] = []
    await Promise.all(
      clients.map(async (client) => {
        for (let i = 0; i < 5; i++) {
          await withLock(client, '/lock', async ({ token, guard }) => {
            expect(++inside).toBe(1)
            tokens.push(token)
            await guard(client.transaction().create(`/lock-${token}`)).commit()
            inside--
          })
        }
      }),
    )
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b))
    const [a, b] = clients.map(
      (client, i) => new LeaderElection(client, '/master', { id: `${i}`, namePrefix: 'Master' }),
    )
    const first = await a?.whenLeader()
    const second = b?.whenLeader()
    await until(async () => (await a?.participants())?.length === 2)
    await clients[0]?.close()
    expect(first?.valid).toBe(false)
    expect((await second)?.token).toBeGreaterThan(first?.token ?? Infinity)
    await Promise.all(clients.map((client) => client.close()))
  })

  const withKazoo = missing ?? noKazoo
  test.skipIf(withKazoo !== null)(`shares a lock with kazoo ${withKazoo ?? ''}`, async () => {
    await using python = LockContender.kazoo(address, '/shared')
    await shareLock(new Mutex(zk, '/shared', { dialect: 'kazoo' }), python)
  })

  const withCurator = missing ?? noJava
  test.skipIf(withCurator !== null)(`shares a lock with Curator ${withCurator ?? ''}`, async () => {
    await using java = LockContender.curator(address, '/shared-with-curator')
    await shareLock(new Mutex(zk, '/shared-with-curator'), java)
  })

  test.skipIf(withCurator !== null)(
    `takes turns with Curator’s latch ${withCurator ?? ''}`,
    async () => {
      await using java = LockContender.curator(address, '/latch')
      await using ours = new LeaderElection(zk, '/latch', { id: 'zabra' })
      const first = await ours.whenLeader()
      expect(await java.tell('join')).toBe('joined')
      await until(async () => (await ours.participants()).length === 2)
      expect((await ours.participants()).map(({ id }) => id)).toEqual(['zabra', 'curator'])
      expect(first.valid).toBe(true)
      await ours[Symbol.asyncDispose]()
      expect(await java.tell('lead')).toBe('leads')

      await using again = new LeaderElection(zk, '/latch', { id: 'zabra again' })
      const second = again.whenLeader()
      await until(async () => (await again.participants()).length === 2)
      expect(await java.tell('leave')).toBe('left')
      expect((await second).token).toBeGreaterThan(first.token)
    },
  )
})

/** We hold it first, they wait and get it; then they hold it, and we wait and get it. */
async function shareLock(ours: Mutex, theirs: LockContender): Promise<void> {
  const held = await ours.acquire()
  expect(await theirs.tell('try')).toBe('busy')
  const waiting = theirs.tell('acquire')
  await until(async () => (await ours.participants()).length === 2)
  await held.release()
  expect(await waiting).toBe('held')
  expect(await ours.tryAcquire()).toBeNull()
  const again = ours.acquire()
  await until(async () => (await ours.participants()).length === 2)
  expect(await theirs.tell('release')).toBe('released')
  await (await again).release()
}
