// A server inside the test's process, on a free port and a directory of its own; our own client and
// four-letter words come from outside, over real sockets.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { askWord } from '../../test/support/ask-word.ts'
import { temporaryDirectory } from '../../test/support/temporary-directory.ts'
import { connect } from '../client/index.ts'
import { NodeDisk } from '../io/disk/node-disk.ts'
import { type Disk, DiskError, type DiskFile } from '../ports/disk.ts'
import { ForwardingDisk } from '../ports/forwarding-disk.ts'
import { type Logger, silentLogger } from '../ports/logger.ts'
import { checkConfig } from './config/config.ts'
import { nodePorts } from './server-ports.ts'
import { type Server, startServer } from './server.ts'

const freePort = 'clientPort=2181\nclientPortAddress=127.0.0.1\n'

/** The configuration of a text, on a port that the system chooses. */
function start(dataDir: string, text = '', logger?: Logger): Promise<Server> {
  const { config } = checkConfig({ name: 'test', text: `${freePort}dataDir=${dataDir}\n${text}` })
  return startServer({ config: { ...config, clientPort: 0 }, ...(logger && { logger }) })
}

const client = (server: Server) =>
  connect(`127.0.0.1:${server.port}`, { sessionTimeout: 10_000, connectTimeout: 5_000 })

test('serves clients, and shows the same tree after a restart', async () => {
  using directory = temporaryDirectory()
  {
    await using server = await start(directory.path)
    await using zk = await client(server)
    await zk.create('/a', 'first')
    await zk.setData('/a', 'second')
    await zk.create('/a/b', 'child')
  }
  await using server = await start(directory.path)
  await using zk = await client(server)
  expect(Buffer.from((await zk.getData('/a')).data).toString()).toBe('second')
  expect((await zk.getChildren('/a')).children).toEqual(['b'])
})

test('answers what was asked before a stop', async () => {
  using directory = temporaryDirectory()
  const server = await start(directory.path)
  const zk = await client(server)
  const writes = Array.from({ length: 50 }, (_, index) => zk.create(`/n${index}`, 'x'))
  await writes[0]
  await server.stop()
  const outcomes = await Promise.allSettled(writes)
  const written = outcomes.filter(({ status }) => status === 'fulfilled').length
  await zk.close({ drain: 0 }).catch(() => {})
  await using again = await start(directory.path)
  expect(again.status.nodeCount).toBeGreaterThanOrEqual(5 + written)
})

test('stops once, and frees port and directory', async () => {
  using directory = temporaryDirectory()
  const server = await start(directory.path)
  await Promise.all([server.stop(), server.stop()])
  expect(await server.ended).toBeNull()
  const left = readdirSync(directory.path).filter((name) => name.startsWith('zabra-'))
  expect(left).toEqual([])
  await using again = await start(directory.path, '', undefined)
  expect(again.port).toBeGreaterThan(0)
})

test('a server whose disk fails says so before anything of it stops', async () => {
  using directory = temporaryDirectory()
  const said: string[] = []
  const logger = { ...silentLogger, error: (message: string) => void said.push(message) }
  const disk = new DiskThatFails(new NodeDisk())
  const ports = nodePorts(logger)
  const { config } = checkConfig({
    name: 'test',
    text: `${freePort}dataDir=${directory.path}\n`,
  })
  await using server = await startServer({
    config: { ...config, clientPort: 0 },
    logger,
    ports: {
      disk,
      makeNetwork: (...args) => {
        const network = ports.makeNetwork(...args)
        const silence = network.silence.bind(network)
        network.silence = () => {
          said.push('the network is silent')
          silence()
        }
        return network
      },
    },
  })
  const zk = await client(server)
  disk.hasFailed = true
  await expect(zk.create('/lost')).rejects.toMatchObject({ outcome: 'unknown' })
  expect(await server.ended).toMatchObject({ message: expect.stringContaining('out of order') })
  expect(said).toEqual([expect.stringContaining('out of order'), 'the network is silent'])
  await zk.close({ drain: 0 })
})

test('a second server on the same directory is refused', async () => {
  using directory = temporaryDirectory()
  await using server = await start(directory.path)
  await expect(start(directory.path)).rejects.toMatchObject({
    name: 'ServerError',
    code: 'DIRECTORY_LOCKED',
    exitCode: 3,
  })
  expect(await askWord(server.port ?? 0, 'srvr')).toContain('Mode: standalone')
})

test('a port in use is refused, and the directory is free again', async () => {
  using first = temporaryDirectory()
  using second = temporaryDirectory()
  await using server = await start(first.path)
  const { config } = checkConfig({ name: 'test', text: `${freePort}dataDir=${second.path}` })
  const taken = { ...config, clientPort: server.port ?? 0 }
  await expect(startServer({ config: taken })).rejects.toMatchObject({
    code: 'EADDRINUSE',
    exitCode: 1,
  })
  await using other = await start(second.path)
  expect(other.port).not.toBe(server.port)
})

test('a missing directory is refused where it may not be made', async () => {
  using directory = temporaryDirectory()
  const path = join(directory.path, 'disk', 'data')
  await expect(start(path, 'datadir.autocreate=false')).rejects.toMatchObject({
    code: 'DATADIR_MISSING',
    exitCode: 3,
  })
  expect(readdirSync(directory.path)).toEqual([])
})

test('maxClientCnxns closes further connections, and says so once', async () => {
  using directory = temporaryDirectory()
  const warnings: string[] = []
  const logger: Logger = {
    debug() {},
    info() {},
    warn: (message) => warnings.push(message),
    error() {},
  }
  await using server = await start(directory.path, 'maxClientCnxns=1', logger)
  await using zk = await client(server)
  await zk.create('/a', 'x')
  expect(await askWord(server.port ?? 0, 'srvr').catch(() => '')).toBe('')
  expect(await askWord(server.port ?? 0, 'srvr').catch(() => '')).toBe('')
  expect(warnings).toEqual(['Too many connections from /127.0.0.1 - max is 1'])
})

test('minSessionTimeout and maxSessionTimeout bound what a client gets', async () => {
  using directory = temporaryDirectory()
  await using server = await start(directory.path, 'minSessionTimeout=5000\nmaxSessionTimeout=7000')
  const timeoutFor = async (sessionTimeout: number): Promise<number | undefined> => {
    await using zk = await connect(`127.0.0.1:${server.port}`, { sessionTimeout })
    return zk.session?.timeout
  }
  expect(await timeoutFor(1_000)).toBe(5_000)
  expect(await timeoutFor(6_000)).toBe(6_000)
  expect(await timeoutFor(60_000)).toBe(7_000)
})

test('autopurge keeps the newest snapshots', async () => {
  using directory = temporaryDirectory()
  const snapshots = (): string[] =>
    readdirSync(join(directory.path, 'version-2')).filter((name) => name.startsWith('snapshot.'))
  for (let round = 0; round < 6; round++) {
    await using server = await start(directory.path)
    await using zk = await client(server)
    await zk.create(`/n${round}`, 'x')
  }
  for (const purging of [false, true]) {
    await using server = await start(directory.path, purging ? 'autopurge.purgeInterval=1' : '')
    await using zk = await client(server)
    await zk.create(purging ? '/with' : '/without', 'x')
    if (!purging) expect(snapshots().length).toBeGreaterThan(4)
    else await expect.poll(() => snapshots().length).toBeLessThanOrEqual(4)
  }
})

/** Takes no byte any more, once it has failed. */
class DiskThatFails extends ForwardingDisk {
  hasFailed = false

  override create(path: string, done: Parameters<Disk['create']>[1]): void {
    this.disk.create(path, (error, file) => done(error, file === null ? null : this.#failing(file)))
  }

  #failing(file: DiskFile): DiskFile {
    return {
      path: file.path,
      write: (offset, bytes, durable, done) => {
        if (!this.hasFailed) file.write(offset, bytes, durable, done)
        else setImmediate(() => done(new DiskError('EIO', file.path, 'out of order')))
      },
      sync: (done) => file.sync(done),
      close: (done) => file.close(done),
    }
  }
}
