// Our own client reads, watches and changes the members of an ensemble, Apache's and ours: the same
// calls, the same results and the same refusals.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, type ZooKeeper } from '../src/client/index.ts'
import { absence } from './peers/cache.ts'
import { Ensemble, type Member } from './peers/ensemble.ts'
import { superPassword } from './peers/tree-walk.ts'

const kinds = [
  { kind: 'apache', missing: absence('java') },
  { kind: 'zabra', missing: absence('zabra') },
] as const

describe.each(kinds)('the members of an ensemble of $kind', ({ kind, missing }) => {
  let ensemble: Ensemble
  let leader: Member
  let zk: ZooKeeper

  const check = (name: string, run: () => Promise<void>): void => {
    test.skipIf(missing !== null)(`${name}${missing === null ? '' : ` (${missing})`}`, () =>
      ensemble.explained(run),
    )
  }

  beforeAll(async () => {
    if (missing !== null) return
    ensemble = await Ensemble.prepare([{ kind }, { kind }, { kind }], { reconfigEnabled: true })
    await ensemble.start(1, 2, 3)
    leader = await ensemble.leader()
    const auth = [{ scheme: 'digest', data: superPassword }]
    // Whose role changes drops its clients, and the leader's does not here.
    zk = await connect(`127.0.0.1:${leader.port}`, { auth })
  })

  afterAll(async () => {
    if (missing !== null) return
    await zk.close({ drain: 1_000 })
    await ensemble[Symbol.asyncDispose]()
  })

  check('are read as they were configured', async () => {
    const config = await zk.getConfig({ consistency: 'linearizable' })
    expect(config.version).toBeGreaterThan(0)
    expect(config.stat.mzxid).toBe(config.version)
    expect(config.members.map(({ line }) => line)).toEqual(
      ensemble.members.map(({ id, line }) => `server.${id}=${line}`),
    )
    expect(config.members.map(({ client }) => client)).toEqual(
      ensemble.members.map(({ host, port }) => ({ host, port })),
    )
  })

  check('leave and join, one by one and all at once', async () => {
    const before = await zk.getConfig()
    const one = ensemble.members.find((member) => member !== leader)!
    await using watch = zk.namespace('/below').watchConfig()
    await watch.active
    const without = await zk.reconfig({ leaving: [one.id], fromVersion: before.version })
    expect(without.members.map(({ id }) => id)).not.toContain(one.id)
    expect(without.version).toBeGreaterThan(before.version)
    for await (const event of watch) {
      expect(event).toMatchObject({ type: 'dataChanged', path: '/zookeeper/config' })
      break
    }
    const joining = [`server.${one.id}=${one.line}`]
    const late = zk.reconfig({ joining, fromVersion: before.version })
    await expect(late).rejects.toMatchObject({ name: 'BadVersionError', outcome: 'not-applied' })
    const again = await zk.reconfig({ joining, fromVersion: without.version })
    const members = again.members.map(({ line }) => line)
    expect(members).toEqual(before.members.map(({ line }) => line))
    const observing = members.map((line) =>
      line === joining[0] ? line.replace(':participant;', ':observer;') : line,
    )
    const changed = await zk.reconfig({ members: observing })
    expect(changed.members.find(({ id }) => id === one.id)?.role).toBe('observer')
    expect((await zk.getConfig()).text).toBe(changed.text)
  })

  check('stay where the change cannot be', async () => {
    const before = await zk.getConfig()
    const absent = [5, 6, 7].map(
      (id) => `server.${id}=127.0.0.1:${id}1:${id}2:participant;127.0.0.1:${id}3`,
    )
    const anybody = await connect(`127.0.0.1:${leader.port}`)
    const refusals = [
      [zk.reconfig({ joining: absent }), 'NewConfigNoQuorumError', -13],
      [zk.reconfig({ joining: ['server.9=127.0.0.1:91:92'] }), 'BadArgumentsError', -8],
      [zk.reconfig({ leaving: [1, 2, 3] }), 'BadArgumentsError', -8],
      [anybody.reconfig({ leaving: [1, 2, 3], fromVersion: 7 }), 'BadVersionError', -103],
      [anybody.reconfig({ joining: [before.members[0]!.line] }), 'NoAuthError', -102],
    ] as const
    const answers = await Promise.allSettled(refusals.map(([refused]) => refused))
    expect(answers).toMatchObject(
      refusals.map(([, name, errno]) => ({ status: 'rejected', reason: { name, errno } })),
    )
    await anybody.close()
    expect((await zk.getConfig()).text).toBe(before.text)
  })
})
