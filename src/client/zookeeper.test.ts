// The client on a real server within this process: each operation, by what its user sees.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestServer, startTestServer } from '../testkit/index.ts'
import { type ZooKeeper, acl, codec, connect, createClient, isZkError } from './index.ts'

const text = (data: Uint8Array): string => new TextDecoder().decode(data)

let live: TestServer
let zk: ZooKeeper

beforeAll(async () => {
  live = await startTestServer({ settings: { extendedTypesEnabled: true } })
  zk = await connect(live.connectString, { sessionTimeout: 10_000 })
})

afterAll(async () => {
  await zk.close()
  await live[Symbol.asyncDispose]()
})

describe('connecting', () => {
  it('gives a session with the timeout that the server granted', async () => {
    await using other = await connect(live.connectString, { sessionTimeout: 70_000 })
    expect(other.state).toBe('connected')
    expect(other.session?.timeout).toBe(60_000)
    expect(other.session?.valid).toBe(true)
    expect(other.session?.id).not.toBe(zk.session?.id)
  })

  it('says of each server why it could not be used', async () => {
    const failed = connect('127.0.0.1:1', { timeout: 300 })
    await expect(failed).rejects.toMatchObject({
      name: 'ConnectError',
      code: 'ZK_CONNECT_FAILED',
      attempts: expect.arrayContaining([
        expect.objectContaining({
          server: '127.0.0.1:1',
          reason: expect.stringMatching(/REFUSED/),
        }),
      ]),
    })
  })

  it('names every fault of a target at once', () => {
    expect(() => createClient('a:0,b:x')).toThrow(/a:0.*b:x/)
  })

  it('begins by itself with the first operation of a lazy client', async () => {
    const lazy = createClient(live.connectString)
    expect(lazy.state).toBe('connecting')
    expect((await lazy.getChildren('/')).children).toContain('zookeeper')
    await lazy.close()
    expect(lazy.state).toBe('closed')
  })

  it('ends the session when it is closed, and its ephemeral nodes with it', async () => {
    const other = await connect(live.connectString)
    await other.create('/goes', '', { ephemeral: true })
    await other.close()
    expect(await zk.exists('/goes')).toBeNull()
    await expect(other.getData('/')).rejects.toMatchObject({ name: 'ClosedError' })
  })

  it('leaves a session that another process takes over', async () => {
    const first = await connect(live.connectString, { sessionTimeout: 10_000 })
    await first.create('/stays', '', { ephemeral: true })
    const { id, password } = first.session ?? { id: 0n, password: new Uint8Array(0) }
    await first.close({ keepSession: true })
    await using second = await connect(live.connectString, { resume: { id, password } })
    expect(second.session?.id).toBe(id)
    expect((await second.exists('/stays'))?.ephemeralOwner).toBe(id)
  })
})

describe('data', () => {
  it('is created, read, changed by version and deleted', async () => {
    const created = await zk.create('/data', 'one')
    expect(created).toMatchObject({ path: '/data', zxid: created.stat.czxid })
    const read = await zk.getData('/data')
    expect([text(read.data), read.stat.version]).toEqual(['one', 0])
    const written = await zk.setData('/data', 'two', { version: 0 })
    expect(written.stat).toMatchObject({ version: 1, mzxid: written.zxid })
    const stale = zk.setData('/data', 'three', { version: 0 })
    await expect(stale).rejects.toMatchObject({
      name: 'BadVersionError',
      code: 'ZK_BAD_VERSION',
      errno: -103,
      path: '/data',
      op: 'setData',
      outcome: 'not-applied',
      retry: 'after-check',
    })
    await zk.delete('/data', { version: 1 })
    expect(await zk.exists('/data')).toBeNull()
  })

  it('is kept whether it is empty or arbitrary bytes', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
    await zk.create('/bytes', bytes)
    expect((await zk.getData('/bytes')).data).toEqual(bytes)
    await zk.setData('/bytes', '')
    expect((await zk.getData('/bytes')).data.length).toBe(0)
  })

  it('does not change under its reader when the connection goes on', async () => {
    await zk.create('/kept', 'before')
    const { data } = await zk.getData('/kept')
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => zk.setData('/kept', `after ${i} ......`)),
    )
    expect(text(data)).toBe('before')
  })

  it('goes through a codec, and says what it could not decode', async () => {
    await zk.create('/json', '{"a":1}')
    const { value, stat } = await zk.getData('/json', codec.json<{ a: number }>())
    expect([value, stat.dataLength]).toEqual([{ a: 1 }, 7])
    await expect(zk.getData('/json', codec.int64)).rejects.toMatchObject({
      name: 'DecodeError',
      data: new TextEncoder().encode('{"a":1}'),
    })
  })

  it('is updated by what it holds, whoever else does the same', async () => {
    const add = (): Promise<unknown> =>
      zk.update('/counter', (now) => codec.int32.encode(now === null ? 1 : count(now.data) + 1))
    const count = (data: Uint8Array): number => codec.int32.decode(data, {} as never)
    await Promise.all(Array.from({ length: 10 }, add))
    expect((await zk.getData('/counter', codec.int32)).value).toBe(10)
    expect((await zk.update('/counter', () => null))?.data).toEqual(codec.int32.encode(10))
  })

  it('is read after everything that was committed before, where that is asked for', async () => {
    await using writer = await connect(live.connectString)
    await zk.create('/linear', '0')
    await writer.setData('/linear', '1')
    for (const consistency of ['linearizable', 'strict'] as const) {
      expect(text((await zk.getData('/linear', { consistency })).data)).toBe('1')
    }
    const { zxid } = await writer.setData('/linear', '2')
    await zk.catchUp(zxid)
    expect(zk.lastZxid).toBeGreaterThanOrEqual(zxid)
  })
})

describe('creating', () => {
  it('makes every kind of node', async () => {
    await zk.create('/kinds')
    const ephemeral = await zk.create('/kinds/e', '', { ephemeral: true })
    expect(ephemeral.stat.ephemeralOwner).toBe(zk.session?.id)
    const paths = [
      await zk.create('/kinds/s-', '', { sequential: true }),
      await zk.create('/kinds/es-', '', { ephemeral: true, sequential: true }),
      await zk.create('/kinds/', '', { sequential: true }),
      await zk.create('/kinds/c', '', { container: true }),
      await zk.create('/kinds/t', '', { ttl: 60_000 }),
      await zk.create('/kinds/ts-', '', { ttl: 60_000, sequential: true }),
    ].map(({ path }) => path)
    expect(paths).toEqual([
      '/kinds/s-0000000001',
      '/kinds/es-0000000002',
      '/kinds/0000000003',
      '/kinds/c',
      '/kinds/t',
      '/kinds/ts-0000000006',
    ])
    expect([...(await zk.getEphemerals('/kinds'))].sort()).toEqual([
      '/kinds/e',
      '/kinds/es-0000000002',
    ])
  })

  it.each([
    [{ ephemeral: true, ttl: 5 }, /neither ephemeral/],
    [{ container: true, sequential: true }, /neither ephemeral nor sequential/],
    [{ ttl: 0 }, /ttl must be/],
    [{ acl: [{ scheme: 'world', id: 'anyone', perms: 'xr' }] }, /permission "x"/],
  ])('refuses %j without asking the server', async (options, message) => {
    const before = zk.inFlight
    await expect(zk.create('/wrong', '', options)).rejects.toMatchObject({
      name: 'BadOptionsError',
      message: expect.stringMatching(message),
    })
    expect(zk.inFlight).toBe(before)
  })

  it('makes missing parents, and finds others who do the same', async () => {
    const many = Array.from({ length: 8 }, (_, i) =>
      zk.create(`/parents/a/b/${i}`, '', { parents: true }),
    )
    expect((await Promise.all(many)).length).toBe(8)
    await expect(zk.create('/orphans/a')).rejects.toMatchObject({ name: 'NoNodeError' })
  })

  it('can take what is there already', async () => {
    await zk.create('/there', 'old')
    await expect(zk.create('/there')).rejects.toMatchObject({ name: 'NodeExistsError' })
    const ignored = await zk.create('/there', 'new', { ifExists: 'ignore' })
    expect([ignored.path, text((await zk.getData('/there')).data)]).toEqual(['/there', 'old'])
    const set = await zk.create('/there', 'new', { ifExists: 'set' })
    expect([set.stat.version, text((await zk.getData('/there')).data)]).toEqual([1, 'new'])
  })

  it('marks a protected node by a name that nobody else has', async () => {
    await zk.create('/protected')
    const curator = await zk.create('/protected/x-', '', { sequential: true, protect: true })
    expect(curator.path).toMatch(
      /^\/protected\/_c_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}-x-0000000000$/,
    )
    const hex = await zk.create('/protected/y-', '', { sequential: true, protect: 'hex' })
    expect(hex.path).toMatch(/^\/protected\/[0-9a-f]{32}y-0000000001$/)
    const data = await zk.create('/protected/z-', 'unique', { sequential: true, protect: 'data' })
    expect(data.path).toBe('/protected/z-0000000002')
  })
})

describe('deleting', () => {
  it('takes a whole subtree along, and only where it is told to', async () => {
    for (const path of ['/tree/a/b', '/tree/a/c', '/tree/d'])
      await zk.create(path, '', { parents: true })
    await expect(zk.delete('/tree')).rejects.toMatchObject({ name: 'NotEmptyError' })
    expect(await zk.countDescendants('/tree')).toBe(4)
    const walked: string[] = []
    for await (const { path } of zk.walk('/tree')) walked.push(path)
    expect(walked.sort()).toEqual(['/tree', '/tree/a', '/tree/a/b', '/tree/a/c', '/tree/d'])
    await zk.delete('/tree', { recursive: true })
    expect(await zk.exists('/tree')).toBeNull()
    await expect(zk.delete('/', { recursive: true })).rejects.toMatchObject({
      code: 'ZK_BAD_OPTIONS',
    })
  })

  it('is content without a node where it is told to', async () => {
    await expect(zk.delete('/none')).rejects.toMatchObject({ name: 'NoNodeError' })
    await zk.delete('/none', { ifMissing: 'ignore' })
    await zk.delete('/none', { recursive: true, ifMissing: 'ignore' })
    await zk.delete('/none', { guaranteed: true })
  })
})

describe('access lists', () => {
  it('keep others out, who are told so', async () => {
    await using owner = await connect(live.connectString, {
      auth: [{ scheme: 'digest', data: 'u:p' }],
    })
    await owner.create('/mine', 'secret', { acl: [acl.digest('u', 'p')] })
    expect(text((await owner.getData('/mine')).data)).toBe('secret')
    await expect(zk.getData('/mine')).rejects.toMatchObject({ name: 'NoAuthError' })
    expect((await owner.whoAmI()).map(({ scheme }) => scheme).sort()).toEqual(['digest', 'ip'])
    await owner.setACL('/mine', [acl.digest('u', 'p'), ...acl.readOnly()])
    expect((await zk.getACL('/mine')).acl).toContainEqual({
      scheme: 'world',
      id: 'anyone',
      perms: 'r',
    })
    expect(text((await zk.getData('/mine')).data)).toBe('secret')
  })

  it('open up to an identity that is added later', async () => {
    await zk.create('/later', '', { acl: [acl.digest('v', 'w')] })
    await using other = await connect(live.connectString)
    await expect(other.getData('/later')).rejects.toMatchObject({ code: 'ZK_NO_AUTH' })
    await other.addAuth('digest', 'v:w')
    expect((await other.getData('/later')).stat.version).toBe(0)
  })

  it('end a client whose identity is refused', async () => {
    const other = await connect(live.connectString)
    const refused = other.addAuth('nonsense', 'x')
    await expect(refused).rejects.toMatchObject({ name: 'AuthFailedError', errno: -115 })
    expect(other.state).toBe('authFailed')
  })
})

describe('views', () => {
  it('of a namespace see the tree from there', async () => {
    await zk.create('/space/in', 'x', { parents: true })
    const space = zk.namespace('/space')
    expect((await space.getChildren('/')).children).toEqual(['in'])
    const created = await space.create('/made/here', '', { parents: true })
    expect(created.path).toBe('/made/here')
    expect(await zk.exists('/space/made/here')).not.toBeNull()
    await expect(space.getData('/none')).rejects.toMatchObject({ path: '/none' })
    await using rooted = await connect(`${live.connectString}/space`)
    expect((await rooted.getData('/in')).stat.dataLength).toBe(1)
  })
})

describe('the caller', () => {
  it('hears at once of a path that no server would take', async () => {
    for (const path of ['', 'a', '/a/', '/a//b', '/a/../b', '/a\u0000']) {
      await expect(zk.getData(path)).rejects.toMatchObject({
        name: 'PathError',
        code: 'ZK_BAD_PATH',
      })
    }
  })

  it('hears at once of a request that no server would take', async () => {
    const tooLarge = zk.create('/large', new Uint8Array(1 << 20))
    await expect(tooLarge).rejects.toMatchObject({
      name: 'PacketTooLargeError',
      outcome: 'not-applied',
    })
    expect(zk.state).toBe('connected')
  })

  it('can stop waiting, before and after the request has left', async () => {
    const reason = new Error('enough')
    const before = zk.getData('/', { signal: AbortSignal.abort(reason) })
    await expect(before).rejects.toMatchObject({
      name: 'AbortError',
      code: 'ABORT_ERR',
      cause: reason,
    })
    const controller = new AbortController()
    const write = zk.create('/aborted', '', { signal: controller.signal })
    const next = zk.exists('/')
    controller.abort(reason)
    await expect(write).rejects.toMatchObject({
      name: 'AbortError',
      outcome: 'unknown',
      cause: reason,
    })
    expect(await next).not.toBeNull()
  })

  it('gets answers in the order in which it asked', async () => {
    const order: number[] = []
    await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        (i % 3 === 0 ? zk.exists('/') : zk.create(`/order-${i}`)).then(() => order.push(i)),
      ),
    )
    // `exists` takes one more step within this process to turn a missing node into null.
    const created = order.filter((i) => i % 3 !== 0)
    expect(created).toEqual([...created].sort((a, b) => a - b))
  })

  it('may have the stack begin where the operation was called', async () => {
    await using other = await connect(live.connectString, { captureStacks: true })
    const error = await readOf(other, '/none').catch((thrown: Error) => thrown)
    expect(isZkError(error, 'ZK_NO_NODE')).toBe(true)
    expect((error as Error).stack).toContain('readOf')
  })
})

function readOf(client: ZooKeeper, path: string): Promise<unknown> {
  return client.getData(path)
}
