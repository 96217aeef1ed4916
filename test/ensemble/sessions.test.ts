// Sessions in an ensemble: they outlive the server that their client is connected to, belong to one
// server at a time, and, where that is configured, begin as those of one server alone.

import { expect, it } from 'vitest'

import { startTestEnsemble } from '../../src/testkit/index.ts'

const LOCAL = { localSessionsEnabled: true }
const UPGRADING = { ...LOCAL, localSessionsUpgradingEnabled: true }

it('a session and its ephemerals outlive the server that it came in through', async () => {
  await using ensemble = await startTestEnsemble()
  const zk = await ensemble.connect()
  await zk.create('/mine', '', { ephemeral: true })
  const { id } = zk.session!
  await (await ensemble.awaitLeader()).crash()
  await zk.setData('/mine', 'still', { idempotent: true })
  expect(zk.session!.id).toBe(id)
  expect((await zk.exists('/mine'))?.ephemeralOwner).toBe(id)
})

it('ephemerals go for all servers when the session ends', async () => {
  await using ensemble = await startTestEnsemble()
  const [first, second] = [ensemble.server(1), ensemble.server(2)]
  const owner = await first.connect()
  const other = await second.connect()
  await owner.create('/mine', '', { ephemeral: true })
  await other.sync('/')
  expect(await other.exists('/mine')).not.toBeNull()
  await owner.close()
  await other.sync('/')
  expect(await other.exists('/mine')).toBeNull()
})

it('a local session is known to its server alone, and cannot own anything', async () => {
  await using ensemble = await startTestEnsemble({ settings: LOCAL })
  for (const server of ensemble.servers) {
    const zk = await server.connect()
    await zk.create(`/by-${server.id}`, 'written all the same')
    await expect(zk.create('/mine', '', { ephemeral: true })).rejects.toMatchObject({
      code: 'ZK_EPHEMERAL_ON_LOCAL_SESSION',
    })
    await expect(
      zk.transaction().create('/x', '').create('/y', '', { ephemeral: true }).commit(),
    ).rejects.toMatchObject({ code: 'ZK_EPHEMERAL_ON_LOCAL_SESSION' })
    await zk.close()
  }
  const zk = await ensemble.connect()
  expect((await zk.getChildren('/')).children).toEqual(['by-1', 'by-2', 'by-3', 'zookeeper'])
})

it('a local session becomes everybody’s with its first ephemeral, if that is allowed', async () => {
  await using ensemble = await startTestEnsemble({ settings: UPGRADING })
  for (const server of ensemble.servers) {
    const zk = await server.connect()
    const { id } = zk.session!
    const created = [1, 2, 3].map((n) =>
      zk.create(`/by-${server.id}-${n}`, '', { ephemeral: true }),
    )
    await Promise.all(created)
    expect((await zk.exists(`/by-${server.id}-1`))?.ephemeralOwner).toBe(id)
    await zk.close()
  }
  const zk = await ensemble.connect()
  expect((await zk.getChildren('/')).children).toEqual(['zookeeper'])
})
