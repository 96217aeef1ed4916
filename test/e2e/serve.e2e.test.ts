/**
 * The life of a server process: what it answers to signals, configurations that it refuses, a second
 * server, a taken port, a full disk.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { askWord } from '../support/ask-word.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { freePort } from '../support/free-port.ts'
import { ServerProcess } from './server-process.ts'

/** Writes a configuration beside its data and starts a server with it. */
async function serve(
  directory: string,
  more = '',
  environment: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const port = await freePort()
  const text = `clientPort=${port}\nclientPortAddress=127.0.0.1\ndataDir=./data\ntickTime=500\n${more}`
  writeFileSync(join(directory, 'zoo.cfg'), text)
  return new ServerProcess(['serve', 'zoo.cfg'], directory, environment)
}

describe('signals', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s stops the server in order', async (signal) => {
    using directory = temporaryDirectory()
    await using server = await serve(directory.path)
    const port = await server.serving()
    const zk = await connect(`127.0.0.1:${port}`)
    await zk.create('/a', 'x')
    server.signal(signal)
    expect(await server.ended).toEqual({ code: 0, signal: null })
    expect(server.log.at(-1)?.msg).toBe('stopped')
    expect(server.stderr).toBe('')
    await zk.close({ drain: 0 }).catch(() => {})
    const left = readdirSync(join(directory.path, 'data'))
    expect(left).toEqual(['version-2'])
  })

  test('one that comes while the server is starting is not lost', async () => {
    using directory = temporaryDirectory()
    await using server = await serve(directory.path)
    await expect.poll(() => server.log.length, { timeout: 10_000 }).toBeGreaterThan(0)
    server.signal('SIGTERM')
    expect(await server.ended).toEqual({ code: 0, signal: null })
  })
})

describe('refusals', () => {
  test('a bad configuration ends with status 2 and touches nothing', async () => {
    using directory = temporaryDirectory()
    await using server = await serve(directory.path, 'maxClientCnxns=many\ntickTme=1\nsnapCount=\n')
    expect(await server.ended).toEqual({ code: 2, signal: null })
    expect(server.stderr.split('\n').slice(0, 3)).toEqual([
      'Invalid config, exiting abnormally',
      '  zoo.cfg line 5: maxClientCnxns=many: NumberFormatException: For input string: "many"; ' +
        'allowed: a whole number 0..2147483647 (connections)',
      '  zoo.cfg line 7: snapCount=: NumberFormatException: For input string: ""; ' +
        'allowed: a whole number (transactions)',
    ])
    expect(readdirSync(directory.path)).toEqual(['zoo.cfg'])
  })

  test('a missing configuration ends with status 2', async () => {
    using directory = temporaryDirectory()
    await using server = new ServerProcess(['serve', 'nowhere.cfg'], directory.path)
    expect(await server.ended).toEqual({ code: 2, signal: null })
    expect(server.stderr).toContain('Error processing nowhere.cfg')
    expect(server.stderr).toContain('nowhere.cfg file is missing')
  })

  test.each([
    [['frobnicate'], 'unknown command'],
    [['serve', '--frobnicate'], 'unknown option'],
    [['serve', '-Dnonsense'], 'is not of the form name=value'],
    [['serve', '--log-level', 'loud'], 'Allowed choices are'],
    [['serve', '2181', 'a', '3', '4', '5'], 'at most four values'],
  ])('zabra %j ends with status 2 and a sentence', async (args, sentence) => {
    using directory = temporaryDirectory()
    await using server = new ServerProcess(args, directory.path)
    expect(await server.ended).toEqual({ code: 2, signal: null })
    expect(server.stderr).toContain(sentence)
    expect(readdirSync(directory.path)).toEqual([])
  })

  test('a second server on one data directory is refused with status 3', async () => {
    using directory = temporaryDirectory()
    await using first = await serve(directory.path)
    const port = await first.serving()
    await using second = await serve(directory.path)
    expect(await second.ended).toEqual({ code: 3, signal: null })
    expect(second.stderr).toContain('Unable to access datadir, exiting abnormally')
    expect(second.stderr).toContain(`in use by another server: process ${first.pid}`)
    expect(await askWord(port, 'srvr')).toContain('Mode: standalone')
  })

  test('a directory whose server was killed is free', async () => {
    using directory = temporaryDirectory()
    await using first = await serve(directory.path)
    await first.serving()
    first.signal('SIGKILL')
    await first.ended
    await using second = await serve(directory.path)
    expect(await second.serving()).toBeGreaterThan(0)
  })

  test('a taken port ends with status 1 and says so', async () => {
    using directory = temporaryDirectory()
    using other = temporaryDirectory()
    await using first = await serve(directory.path)
    const port = await first.serving()
    writeFileSync(join(other.path, 'zoo.cfg'), `clientPort=${port}\ndataDir=./data\n`)
    await using second = new ServerProcess(['serve', 'zoo.cfg'], other.path)
    expect(await second.ended).toEqual({ code: 1, signal: null })
    expect(second.stderr).toContain('the client port is in use')
  })
})

describe('arguments', () => {
  test('port and directory may stand in place of a file', async () => {
    using directory = temporaryDirectory()
    const port = await freePort()
    await using server = new ServerProcess(['serve', `${port}`, './here', '700'], directory.path)
    await server.serving()
    expect(existsSync(join(directory.path, 'here', 'version-2'))).toBe(true)
    expect(await askWord(port, 'srvr')).toContain('Zookeeper version: 3.9.')
  })

  test('a property of the command line counts where the file is silent', async () => {
    using directory = temporaryDirectory()
    const port = await freePort()
    writeFileSync(join(directory.path, 'zoo.cfg'), `clientPort=${port}\ndataDir=./data\n`)
    const args = ['serve', '-Dzookeeper.4lw.commands.whitelist=conf', 'zoo.cfg']
    await using server = new ServerProcess(args, directory.path)
    await server.serving()
    expect(await askWord(port, 'conf')).toContain(`clientPort=${port}\n`)
  })

  test('--version and help end with status 0', async () => {
    for (const args of [['--version'], ['help'], ['help', 'serve'], []]) {
      using directory = temporaryDirectory()
      await using server = new ServerProcess(args, directory.path)
      expect(await server.ended).toEqual({ code: 0, signal: null })
    }
  })
})

test('a mistake of ours ends the server at once, with status 1 and where it was', async () => {
  using directory = temporaryDirectory()
  // Without blanks and quotes, which NODE_OPTIONS would take for its own.
  const mistake = 'process.on(`SIGUSR2`,()=>{throw(new(Error)(`a-broken-invariant`))})'
  const environment = { NODE_OPTIONS: `--import=data:text/javascript,${mistake}` }
  await using server = await serve(directory.path, '', environment)
  await server.serving()
  server.signal('SIGUSR2')
  expect(await server.ended).toEqual({ code: 1, signal: null })
  expect(server.log.at(-1)).toMatchObject({ level: 'error' })
  expect(server.log.at(-1)?.msg).toContain('Severe unrecoverable error: Error: a-broken-invariant')
})

test('a client that never says anything is closed after a while', async () => {
  using directory = temporaryDirectory()
  await using server = await serve(directory.path, 'nio.sessionlessCnxnTimeout=300\n')
  const port = await server.serving()
  const socket = connectSocket({ port, host: '127.0.0.1' })
  const started = Date.now()
  socket.resume()
  await new Promise((resolve) => socket.once('close', resolve))
  expect(Date.now() - started).toBeGreaterThan(250)
})

describe('a full disk', () => {
  const smallDisk = mountable()

  test.skipIf(smallDisk !== null)(
    `ends the server with a sentence ${smallDisk ?? ''}`,
    async () => {
      using directory = temporaryDirectory()
      using disk = mountSmallDisk(join(directory.path, 'data'))
      await using server = await serve(directory.path, 'preAllocSize=64\nsnapCount=1000000\n')
      const port = await server.serving()
      const zk = await connect(`127.0.0.1:${port}`, { operationTimeout: 5_000 })
      const acknowledged: string[] = []
      const data = new Uint8Array(64 << 10).fill(0x61)
      for (let index = 0; index < 1_000; index++) {
        const path = `/n${index}`
        try {
          await zk.create(path, data)
          acknowledged.push(path)
        } catch {
          break
        }
      }
      const { code } = await server.ended
      await zk.close({ drain: 0 }).catch(() => {})
      expect(code).not.toBe(0)
      expect(code).not.toBeNull()
      expect(server.stderr).toContain('The disk is full')
      expect(acknowledged.length).toBeGreaterThan(10)

      // With room again, everything that was acknowledged is there.
      disk.grow()
      await using again = await serve(directory.path)
      const portAgain = await again.serving()
      await using reader = await connect(`127.0.0.1:${portAgain}`)
      const { children } = await reader.getChildren('/')
      expect(acknowledged.filter((path) => !children.includes(path.slice(1)))).toEqual([])
    },
  )
})

/** Why a small disk cannot be had here; null where it can. */
function mountable(): string | null {
  using directory = temporaryDirectory()
  const target = join(directory.path, 'probe')
  mkdirSync(target)
  const result = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', target])
  if (result.status !== 0) return '(skipped: mounting a small disk needs to be root)'
  spawnSync('umount', [target])
  return null
}

function mountSmallDisk(target: string): Disposable & { grow(): void } {
  mkdirSync(target)
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', target])
  return {
    grow: () => spawnSync('mount', ['-o', 'remount,size=64m', target]),
    [Symbol.dispose]: () => spawnSync('umount', ['-l', target]),
  }
}
