// A server within a test does what a server does, has accidents on demand, and leaves nothing.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../../test/support/temporary-directory.ts'
import { SessionLostError, connect } from '../client/index.ts'
import { type TestServerOptions, startTestServer } from './index.ts'

const KINDS: readonly Required<Pick<TestServerOptions, 'network' | 'storage'>>[] = [
  { network: 'memory', storage: 'memory' },
  { network: 'memory', storage: 'temporary' },
  { network: 'tcp', storage: 'memory' },
  { network: 'tcp', storage: 'temporary' },
]

describe.each(KINDS)('a test server on $network with $storage storage', (kind) => {
  test('serves clients', async () => {
    await using server = await startTestServer(kind)
    const zk = await server.connect()
    await zk.create('/a', 'hello')
    const { data } = await zk.getData('/a')
    expect(new TextDecoder().decode(data)).toBe('hello')
  })

  test('keeps its content and its sessions over a restart', async () => {
    await using server = await startTestServer(kind)
    const zk = await server.connect()
    const { session } = zk
    await zk.create('/kept', 'data')
    await zk.create('/mine', 'data', { ephemeral: true })
    await server.restart()
    expect(await zk.exists('/kept')).not.toBeNull()
    expect((await zk.exists('/mine'))?.ephemeralOwner).toBe(session?.id)
    expect(zk.session).toBe(session)
  })

  test('expires a session on demand', async () => {
    await using server = await startTestServer(kind)
    const zk = await server.connect({ onSessionLost: 'close' })
    const other = await server.connect()
    await zk.create('/mine', 'data', { ephemeral: true })
    const { session } = zk
    const lost = new Promise((resolve) => {
      session?.signal.addEventListener('abort', () => resolve(session.signal.reason))
    })
    server.expireSession(session)
    expect(await lost).toBeInstanceOf(SessionLostError)
    expect(await other.exists('/mine')).toBeNull()
  })

  test('cuts connections, and sessions live on', async () => {
    await using server = await startTestServer(kind)
    const zk = await server.connect()
    const other = await server.connect()
    await zk.create('/mine', 'data', { ephemeral: true })
    const { session } = zk
    const states: string[] = []
    zk.onState(({ state }) => states.push(state))
    other.onState(({ state }) => states.push(`other ${state}`))
    server.cutConnections(session)
    await expect.poll(() => states.at(-1)).toBe('connected')
    expect(states[0]).not.toBe('connected')
    expect(states.some((state) => state.startsWith('other'))).toBe(false)
    expect(await zk.exists('/mine')).not.toBeNull()
    expect(zk.session).toBe(session)
  })
})

describe('a test server', () => {
  test('leaves no files, timers or sockets, as an ensemble does, and lets its process end', {
    timeout: 30_000,
  }, async () => {
    const program = join(import.meta.dirname, '../../test/support/testkit-alone.ts')
    // Other tests have files in the directory that all share.
    using directory = temporaryDirectory()
    const child = spawn(process.execPath, ['--import', 'tsx', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: directory.path },
    })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    const [code] = (await once(child, 'close')) as [number]
    expect(code).toBe(0)
    const { before, after, filesBefore, filesAfter } = JSON.parse(output) as Record<
      string,
      string[]
    >
    expect(after).toEqual(before)
    expect(filesAfter).toEqual(filesBefore)
  })

  test('is reached by any client through its port', async () => {
    await using server = await startTestServer()
    await using zk = await connect(server.connectString)
    await zk.create('/a', 'x')
    expect((await zk.getChildren('/')).children).toEqual(['a', 'zookeeper'])
  })

  test('keeps its port while it is stopped', async () => {
    await using server = await startTestServer()
    const { port } = server
    await server.stop()
    expect(server.isRunning).toBe(false)
    await expect(
      connect(server.connectString, { timeout: 300, sessionTimeout: 300 }),
    ).rejects.toMatchObject({ code: 'ZK_CONNECT_FAILED' })
    await server.start()
    expect(server.port).toBe(port)
  })

  test('has no port where its network is memory', async () => {
    await using server = await startTestServer({ network: 'memory' })
    expect(() => server.connectString).toThrow(/no port/)
  })

  test('takes settings by their names in zoo.cfg, and refuses nonsense', async () => {
    await using server = await startTestServer({ settings: { maxSessionTimeout: 400 } })
    const zk = await server.connect({ sessionTimeout: 30_000 })
    expect(zk.session?.timeout).toBe(400)
    await expect(startTestServer({ settings: { snapCount: 'many' } })).rejects.toThrow(/snapCount/)
    await expect(startTestServer({ ports: 1 } as object)).rejects.toThrow(/no option "ports"/)
  })

  test('stays usable when a session that it does not know is to expire', async () => {
    await using server = await startTestServer({ network: 'memory' })
    server.expireSession(0x1234n)
    const zk = await server.connect()
    expect(await zk.exists('/nothing')).toBeNull()
  })

  test('many of them work side by side', async () => {
    const names = Array.from({ length: 10 }, (_, at) => `/n${at}`)
    await Promise.all(
      names.map(async (name) => {
        await using server = await startTestServer({ network: 'memory' })
        const zk = await server.connect()
        await zk.create(name, 'x')
        expect((await zk.getChildren('/')).children).toEqual([name.slice(1), 'zookeeper'])
      }),
    )
  })
})
