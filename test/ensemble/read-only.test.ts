// A server without a leader: it serves nobody, or, where that is enabled, reads to clients that said
// they do not mind. When there is a leader again, everybody goes on as before.

import { expect, it } from 'vitest'

import { startTestEnsemble } from '../../src/testkit/index.ts'
import { until } from '../support/until.ts'

const READ_ONLY = { 'readonlymode.enabled': true }

it('serves reads without a leader, and refuses writes', async () => {
  await using ensemble = await startTestEnsemble({ settings: READ_ONLY })
  const [first, second, third] = ensemble.servers
  const writer = await first!.connect()
  await writer.create('/a', 'written before')
  await writer.close()
  const zk = await first!.connect({ readOnly: true, sessionTimeout: 20_000 })
  expect(zk.state).toBe('connected')
  await second!.crash()
  await third!.crash()
  await until(() => zk.state === 'readOnly')
  expect(first!.role).toBe('read-only')
  const { data } = await zk.getData('/a')
  expect(new TextDecoder().decode(data!)).toBe('written before')
  await expect(zk.setData('/a', 'x')).rejects.toMatchObject({ code: 'ZK_NOT_READ_ONLY' })
  await expect(zk.create('/b', '')).rejects.toMatchObject({ code: 'ZK_NOT_READ_ONLY' })
  await second!.start()
  await until(() => zk.state === 'connected')
  await zk.setData('/a', 'written after', { idempotent: true })
})

it('serves nobody who did not ask for that', async () => {
  await using ensemble = await startTestEnsemble({ settings: READ_ONLY })
  const [first, second, third] = ensemble.servers
  await second!.crash()
  await third!.crash()
  await until(() => first!.role === 'read-only')
  await expect(first!.connect({ timeout: 700 })).rejects.toThrow()
})

it('serves nobody at all where it is not enabled', async () => {
  await using ensemble = await startTestEnsemble()
  const [first, second, third] = ensemble.servers
  await second!.crash()
  await third!.crash()
  await until(() => first!.role === 'looking')
  await expect(first!.connect({ readOnly: true, timeout: 700 })).rejects.toThrow()
})
