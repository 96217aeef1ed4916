// A program that uses test servers and ensembles of every kind and nothing else. It prints what the process still
// holds when they have been disposed of; then it has to end by itself.

import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { startTestEnsemble, startTestServer } from '../../src/testkit/index.ts'

const files = (): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith('zabra-testkit-'))

const filesBefore = files()
const before = process.getActiveResourcesInfo().sort()
for (const network of ['memory', 'tcp'] as const) {
  for (const storage of ['memory', 'temporary'] as const) {
    await using server = await startTestServer({ network, storage })
    const zk = await server.connect()
    await zk.create('/a', 'x', { ephemeral: true })
    await server.restart()
    await zk.setData('/a', 'y')
    server.expireSession(zk.session)
    await server.connect()
  }
}
for (const network of ['memory', 'tcp'] as const) {
  for (const storage of ['memory', 'temporary'] as const) {
    await using ensemble = await startTestEnsemble({ network, storage, observers: 1 })
    const zk = await ensemble.connect()
    await zk.create('/a', 'x', { ephemeral: true })
    await ensemble.leader?.crash()
    await zk.setData('/a', 'y', { idempotent: true })
    await ensemble.server(3).start()
    ensemble.cut(1, 2)
    ensemble.server(4).pause()
  }
}
// Handles that were closed are gone after a few turns.
for (let turn = 0; turn < 10; turn++) await nextTurn()
const after = process.getActiveResourcesInfo().sort()
console.log(JSON.stringify({ before, after, filesBefore, filesAfter: files() }))
