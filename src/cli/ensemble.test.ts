// `zabra ensemble` without its command line: servers on real ports and in real directories, shown
// until the stop, whatever becomes of them.

import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { askWord } from '../../test/support/ask-word.ts'
import { temporaryDirectory } from '../../test/support/temporary-directory.ts'
import { until } from '../../test/support/until.ts'
import { connect } from '../client/index.ts'
import { ensemble } from './ensemble.ts'
import { firstTakenPort, placesOf } from './ensemble-places.ts'

class Run {
  output = ''
  complaints = ''
  readonly ended: Promise<number>
  readonly #stop = new AbortController()

  constructor(count: number, port: number, directory: string) {
    this.ended = ensemble(
      { count, port, directory, logLevel: 'info' },
      {
        isTerminal: false,
        stop: this.#stop.signal,
        write: (text) => (this.output += text),
        complain: (text) => (this.complaints += text),
      },
    )
  }

  stop(): Promise<number> {
    this.#stop.abort()
    return this.ended
  }
}

/** Below those that the system gives out by itself, and different from one process to the next. */
async function freePorts(count: number): Promise<number> {
  for (let port = 12_000 + (process.pid % 10_000); ; port += 10) {
    if ((await firstTakenPort(placesOf({ count, port, directory: '.' }))) === null) return port
  }
}

describe('zabra ensemble', () => {
  test('serves, shows who leads, and stops', async () => {
    using directory = temporaryDirectory()
    const port = await freePorts(3)
    const run = new Run(3, port, directory.path)
    await until(() => /: leader, epoch 1,/.test(run.output))
    await until(() => run.output.match(/: follower of server \d, epoch 1,/g)?.length === 2)
    const zk = await connect(`127.0.0.1:${port},127.0.0.1:${port + 1}`)
    await zk.create('/a', 'x')
    await until(() => /, 1 connection\n/.test(run.output))
    await zk.close()
    const modes = [port, port + 1, port + 2].map((each) => askWord(each, 'srvr'))
    const leaders = (await Promise.all(modes)).filter((text) => /^Mode: leader$/m.test(text))
    expect(leaders).toHaveLength(1)
    expect(await run.stop()).toBe(0)
    expect(run.complaints).toBe('')
    expect(readFileSync(join(directory.path, '2', 'myid'), 'utf8')).toBe('2\n')
    expect(readFileSync(join(directory.path, '2', 'server.log'), 'utf8')).toContain('following')
    expect(await firstTakenPort(placesOf({ count: 3, port, directory: '.' }))).toBeNull()
  })

  test('shows the same content the next time', async () => {
    using directory = temporaryDirectory()
    const port = await freePorts(1)
    const connectTo = `127.0.0.1:${port}`
    for (const isFirst of [true, false]) {
      const run = new Run(1, port, directory.path)
      await until(() => run.output.includes('server 1: leader, '))
      {
        await using zk = await connect(connectTo)
        if (isFirst) await zk.create('/kept', 'x')
        expect(await zk.exists('/kept')).not.toBeNull()
      }
      expect(await run.stop()).toBe(0)
    }
  })

  test('says which port is in use, and touches nothing', async () => {
    using directory = temporaryDirectory()
    const port = await freePorts(2)
    const other = createServer()
    await new Promise<void>((done) => other.listen(port + 1, '127.0.0.1', () => done()))
    const run = new Run(2, port, directory.path)
    expect(await run.ended).toBe(1)
    await new Promise((done) => other.close(done))
    expect(run.complaints).toBe(
      `port ${port + 1}, which server 2 needs for clients, is in use; choose other ports with --port\n`,
    )
    expect(existsSync(join(directory.path, '1'))).toBe(false)
  })

  test('refuses directories that others have', async () => {
    using directory = temporaryDirectory()
    const port = await freePorts(1)
    const run = new Run(1, port, directory.path)
    await until(() => run.output.includes('server 1: leader, '))
    const second = new Run(1, await freePorts(1), directory.path)
    expect(await second.ended).toBe(3)
    expect(second.complaints).toMatch(/^server 1: .*another/)
    expect(await run.stop()).toBe(0)
  })
})
