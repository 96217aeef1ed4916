// The members of an ensemble as a client reads, watches and changes them, and what it is told where
// that cannot be. The ensemble is a real one within this process.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestEnsemble, startTestEnsemble, startTestServer } from '../testkit/index.ts'
import type { ZooKeeper } from './index.ts'

const password = 'super:secret'
const superUser = { auth: [{ scheme: 'digest', data: password }] }
/** Of the password above, as `DigestAuthenticationProvider` hashes it. */
const superDigest = 'super:lK75jTNcA+U9vtVEw5vB51mj/w4='
const reconfigurable = {
  reconfigEnabled: true,
  'DigestAuthenticationProvider.superDigest': superDigest,
}

describe('an ensemble that allows it', () => {
  let ensemble: TestEnsemble
  let zk: ZooKeeper

  beforeAll(async () => {
    ensemble = await startTestEnsemble({ observers: 1, settings: reconfigurable })
    // Whose role changes drops its clients, and the leader's does not here.
    zk = await ensemble.leader!.connect(superUser)
  })

  afterAll(async () => {
    await ensemble[Symbol.asyncDispose]()
  })

  test('tells its members', async () => {
    const config = await zk.getConfig({ consistency: 'linearizable' })
    expect(config.version).toBeGreaterThan(0)
    expect(config.stat.mzxid).toBe(config.version)
    expect(config.text).toContain(`version=${config.version.toString(16)}`)
    expect(config.grouping).toBeNull()
    expect(config.members.map(({ id, role }) => [id, role])).toEqual([
      [1, 'participant'],
      [2, 'participant'],
      [3, 'participant'],
      [4, 'observer'],
    ])
    const [first] = config.members
    expect(first?.addresses).toHaveLength(1)
    expect(config.text.split('\n')).toContain(first?.line)
  })

  test('lets members leave and join, for those who know its version', async () => {
    const { leader } = ensemble
    const one = ensemble.servers.find((server) => server !== leader && server.isVoter)!
    const before = await zk.getConfig({ consistency: 'linearizable' })
    const line = `${before.members.find(({ id }) => id === one.id)!.line};127.0.0.1:2181`
    await using watch = zk.namespace('/below').watchConfig()
    await watch.active

    const without = await zk.reconfig({ leaving: [one.id], fromVersion: before.version })
    expect(without.version).toBeGreaterThan(before.version)
    expect(without.members.map(({ id }) => id)).not.toContain(one.id)
    for await (const event of watch) {
      if (event.type !== 'dataChanged') continue
      expect(event.path).toBe('/zookeeper/config')
      break
    }

    const late = zk.reconfig({ joining: [line], fromVersion: before.version })
    await expect(late).rejects.toMatchObject({
      name: 'BadVersionError',
      message: expect.stringContaining('another configuration'),
    })
    const again = await zk.reconfig({ joining: [line], fromVersion: without.version })
    expect(again.members.map((member) => member.line)).toContain(line)
    const { client } = again.members.find(({ id }) => id === one.id)!
    expect(client).toEqual({ host: '127.0.0.1', port: 2181 })
  })

  test('can be given all members', async () => {
    const { members } = await zk.getConfig({ consistency: 'linearizable' })
    const lines = members.map(({ line }) => line)
    const fewer = await zk.reconfig({ members: lines.slice(0, 3) })
    expect(fewer.members.map(({ id }) => id)).toEqual([1, 2, 3])
    const whole = await zk.reconfig({ members: lines })
    expect(whole.members.map(({ line }) => line)).toEqual(lines)
  })

  test('says why it refuses', async () => {
    const { members } = await zk.getConfig()
    const absent = [5, 6, 7, 8].map((id) => `server.${id}=host${id}:2888:3888;2181`)
    const refusals: readonly (readonly [Promise<unknown>, string, string])[] = [
      [zk.reconfig({ joining: absent }), 'NewConfigNoQuorumError', 'ZK_NEW_CONFIG_NO_QUORUM'],
      [zk.reconfig({ leaving: [1, 2, 3] }), 'BadArgumentsError', 'ZK_BAD_ARGUMENTS'],
      [
        zk.reconfig({ joining: ['server.9=nine:2888:3888'] }),
        'BadArgumentsError',
        'ZK_BAD_ARGUMENTS',
      ],
    ]
    for (const [refused, name, code] of refusals) {
      await expect(refused).rejects.toMatchObject({ name, code, op: 'reconfig' })
      await expect(refused).rejects.toMatchObject({
        path: '/zookeeper/config',
        outcome: 'not-applied',
      })
    }
    const anybody = await ensemble.connect()
    await expect(anybody.reconfig({ leaving: [4] })).rejects.toMatchObject({ name: 'NoAuthError' })
    expect((await anybody.getConfig({ consistency: 'strict' })).members).toEqual(members)
  })

  test.each([
    [{}, 'joining and leaving servers, or all members'],
    [{ leaving: [1], members: ['server.1=a:1:2'] }, 'or all members'],
    [{ leaving: [1.5] }, '1.5 is none'],
    [{ leaving: [1], fromVersion: -2 }, 'not -2'],
    [{ joining: ['server.4=a:1:1;2181'] }, 'must differ'],
    [{ joining: ['4'] }, '4 is not server.N'],
    [{ members: ['server.1=a:1'] }, 'is not host:port:port'],
  ])('is not asked for %j', async (change, message) => {
    const refused = zk.reconfig(change)
    await expect(refused).rejects.toMatchObject({ name: 'BadOptionsError', outcome: 'not-applied' })
    await expect(refused).rejects.toThrow(message)
  })
})

describe('servers that allow it not', () => {
  test('say so', async () => {
    await using ensemble = await startTestEnsemble({
      network: 'memory',
      settings: { 'DigestAuthenticationProvider.superDigest': superDigest },
    })
    const zk = await ensemble.connect(superUser)
    const refused = zk.reconfig({ leaving: [1] })
    await expect(refused).rejects.toMatchObject({
      name: 'ReconfigDisabledError',
      code: 'ZK_RECONFIG_DISABLED',
      message: expect.stringContaining('reconfigEnabled=true'),
    })
    const { version, members } = await zk.getConfig()
    expect(version).toBe(0)
    expect(members).toHaveLength(3)
  })

  test('have no members where one stands alone', async () => {
    await using server = await startTestServer({
      network: 'memory',
      settings: { 'DigestAuthenticationProvider.superDigest': superDigest },
    })
    const zk = await server.connect(superUser)
    expect(await zk.getConfig()).toMatchObject({ version: 0, members: [], text: '' })
    await expect(zk.reconfig({ leaving: [1] })).rejects.toMatchObject({ errno: -123 })
  })
})
