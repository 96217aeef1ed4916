// A data directory changes hands: one server writes it, with every kind of record, and is stopped or
// killed; the other opens it, shows the same tree, goes on, and gives it back. Apache checks the
// digest of every transaction it replays: its count of mismatches has to stay at zero, and the digests
// it remembers have to be those that the writer logged.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { askWord } from '../test/support/ask-word.ts'
import { startApache } from './peers/apache-server.ts'
import { absence } from './peers/cache.ts'
import { RawSession } from './peers/raw-session.ts'
import { replayedDigests } from './peers/replayed-digests.ts'
import type { ServerUnderTest } from './peers/server-under-test.ts'
import { superDigest, walkTree } from './peers/tree-walk.ts'
import { type ConnectResponse, opcode, openAcl, WireWriter } from './peers/wire.ts'
import type { Start } from './peers/with-restarts.ts'
import { startZabra } from './peers/zabra-server.ts'

const apacheAbsent = absence('java')
const zabraAbsent = absence('java', 'zabra')
const relays: readonly (readonly [string, string, Start, Start, string | null])[] = [
  ['Apache', 'Apache', startApache, startApache, apacheAbsent],
  ['Zabra', 'Apache', startZabra, startApache, zabraAbsent],
  ['Apache', 'Zabra', startApache, startZabra, zabraAbsent],
  ['Zabra', 'Zabra', startZabra, startZabra, zabraAbsent],
]
const MANY = 100_000
/** Few transactions between snapshots, so that the directory holds several snapshots and logs. */
const FEW = 60

let scratch = ''

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'zabra-exchange-'))
})

afterEach(() => {
  rmSync(scratch, { recursive: true, force: true })
})

describe.each(relays)('%s hands a data directory to %s', (_, __, first, second, absent) => {
  // A snapshot that Apache takes while it writes is now and then one whose digests it cannot confirm
  // itself. Between two of its servers that says nothing of ours; elsewhere it is tried again.
  const isApache = first === startApache
  const snapCounts = isApache && second === startApache ? [MANY] : [MANY, FEW]
  describe.skipIf(absent !== null).each(snapCounts)('with snapCount %i', (snapCount) => {
    const retry = isApache && snapCount === FEW ? 2 : 0
    test.each(['kill', 'stop'] as const)('after a %s, and gets it back', { retry }, async (end) => {
      const writing = await open(first, snapCount)
      const survivor = await writeEverything(writing.port)
      const before = await walkTree(writing.port)
      await leave(writing, end)

      const continuing = await open(second, snapCount)
      expect(await walkTree(continuing.port)).toEqual(before)
      await expectNoMismatch(continuing, snapCount)
      await continueSession(continuing.port, survivor)
      const after = await walkTree(continuing.port)
      await leave(continuing, end)

      const again = await open(first, snapCount)
      expect(await walkTree(again.port)).toEqual(after)
      await expectNoMismatch(again, snapCount)
      expect(await ephemeralsOf(again.port, survivor)).toEqual(['/ephemeral', '/held'])
      await leave(again, 'kill')
    })
  })
})

function open(start: Start, snapCount: number): Promise<ServerUnderTest> {
  return start({
    dataDir: join(scratch, 'data'),
    settings: {
      snapCount,
      preAllocSize: 64,
      'DigestAuthenticationProvider.superDigest': superDigest,
    },
  })
}

async function leave(server: ServerUnderTest, how: 'kill' | 'stop'): Promise<void> {
  if (how === 'stop') expect(await server.stop()).toBe(expectedStatus(server))
  await server[Symbol.asyncDispose]()
}

/** A Java machine that is asked to end says so by 128 plus the signal's number. */
function expectedStatus(server: ServerUnderTest): number {
  return server.kind === 'apache' ? 143 : 0
}

/**
 * Leaves a record of every kind and some failures, more than enough for digests to be kept, and a
 * session that lives on, whose identity it answers.
 */
async function writeEverything(port: number): Promise<ConnectResponse> {
  await using gone = await RawSession.open(port)
  await using kept = await RawSession.open(port, 40_000)
  await gone.create('/plain', Buffer.from('plain'))
  await gone.create('/null-data')
  await gone.create('/Grüße-日本', Buffer.from('ü'))
  await gone.create('/container', null, 4)
  await gone.create('/container/child')
  await gone.createTtl('/ttl', 3_600_000n)
  await gone.createTtl('/ttl-', 3_600_000n, 6)
  await gone.create('/ephemeral-of-gone', Buffer.from('e'), 1)
  await kept.create('/ephemeral', Buffer.from('e'), 1)
  await kept.create('/held', null, 1)
  for (let round = 0; round < 4; round++) {
    await gone.create('/plain/s-', Buffer.from(`${round}`), 2)
    await gone.create('/plain/e-', null, 3)
    await gone.setData('/plain', Buffer.alloc(round * 400, round))
  }
  await gone.delete('/plain/s-0000000002')
  await gone.authenticate('digest', 'alice:secret')
  await gone.create('/acl', null, 0, [
    { perms: 31, scheme: 'auth', id: '' },
    { perms: 1, scheme: 'world', id: 'anyone' },
    { perms: 3, scheme: 'ip', id: '127.0.0.0/8' },
  ])
  await gone.request(
    opcode.setACL,
    new WireWriter()
      .string('/plain')
      .acl([...openAcl, { perms: 1, scheme: 'digest', id: 'x:y' }])
      .int(-1),
  )
  await multi(gone, '/multi', true)
  await multi(gone, '/not-made', false)
  await gone.tryRequest(opcode.delete, new WireWriter().string('/none').int(-1).toBytes())
  await quota(gone)
  for (let round = 0; round < 300; round++) {
    const path = `/many-${(round * 7) % 40}`
    if (!(await exists(gone, path))) await gone.create(path, Buffer.from(`${round}`))
    else if (round % 3 === 0) await gone.delete(path)
    else await gone.setData(path, Buffer.from(`${round}`))
  }
  await gone.closeSession()
  kept.drop()
  return kept.identity
}

async function continueSession(port: number, identity: ConnectResponse): Promise<void> {
  await using session = await RawSession.open(port, 40_000, identity)
  expect(session.identity.sessionId).toBe(identity.sessionId)
  expect(await ephemerals(session)).toEqual(['/ephemeral', '/held'])
  expect(await session.create('/plain/s-', null, 2)).toBe('/plain/s-0000000008')
  await session.setData('/plain', Buffer.from('continued'))
  await session.create('/continued', Buffer.from('here'))
  await multi(session, '/continued-multi', true)
  for (let round = 0; round < 150; round++)
    await session.setData('/continued', Buffer.from(`${round}`))
  session.drop()
}

async function ephemeralsOf(port: number, identity: ConnectResponse): Promise<string[]> {
  await using session = await RawSession.open(port, 40_000, identity)
  return await ephemerals(session)
}

async function ephemerals(session: RawSession): Promise<string[]> {
  const { body } = await session.request(opcode.getEphemerals, new WireWriter().string('/'))
  return (body.list(() => body.string() ?? '') ?? []).sort()
}

async function exists(session: RawSession, path: string): Promise<boolean> {
  const body = new WireWriter().string(path).byte(0).toBytes()
  return (await session.tryRequest(opcode.exists, body)).err === 0
}

async function multi(session: RawSession, path: string, works: boolean): Promise<void> {
  const body = new WireWriter()
  const operation = (type: number) => body.int(type).byte(0).int(-1)
  operation(opcode.create).string(path).buffer(Buffer.from('m')).acl(openAcl).int(0)
  operation(opcode.create).string(`${path}/s-`).buffer(null).acl(openAcl).int(2)
  operation(opcode.create2).string(`${path}/e`).buffer(null).acl(openAcl).int(1)
  operation(opcode.setData).string(path).buffer(Buffer.from('changed')).int(0)
  operation(opcode.delete).string(`${path}/e`).int(-1)
  operation(opcode.check)
    .string(path)
    .int(works ? 1 : 7)
  body.int(-1).byte(1).int(-1)
  await session.request(opcode.multi, body)
}

/** Arms a quota as the command line does, then uses some of it. */
async function quota(session: RawSession): Promise<void> {
  await session.create('/zookeeper/quota/multi')
  const base = '/zookeeper/quota/multi'
  await session.create(`${base}/zookeeper_limits`, Buffer.from('count=10,bytes=1000'))
  await session.create(`${base}/zookeeper_stats`, Buffer.from('count=0,bytes=0'))
  await session.create('/multi/counted', Buffer.from('12345'))
}

/** What a server finds on replay is what the writers of the logs said. */
async function expectNoMismatch(server: ServerUnderTest, snapCount: number): Promise<void> {
  const metrics = await askWord(server.port, 'mntr')
  expect(metrics).toContain('zk_digest_mismatches_count\t0\n')
  if (server.kind !== 'apache') return
  const { found, logged, complaints } = await replayedDigests(server)
  expect(found).toEqual(logged)
  expect(complaints).toEqual([])
  if (snapCount > 1_000) expect(found.size).toBeGreaterThan(0)
}
