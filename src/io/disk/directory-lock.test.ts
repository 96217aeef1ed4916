// One server for each data directory, whatever became of the one before.

import { spawn } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

import { type DirectoryLock, DirectoryLockedError, lockDirectory } from './directory-lock.ts'

const root = mkdtempSync(join(tmpdir(), 'zabra-lock-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let directories = 0

const TIMES = { beatMs: 5, watchMs: 60, deadAfterMs: 10_000 }

function newDirectory(): string {
  const directory = join(root, String(directories++))
  mkdirSync(directory)
  return directory
}

const lock = (directory: string, onLost: () => void = () => {}): Promise<DirectoryLock> =>
  lockDirectory(directory, onLost, TIMES)

function lockFiles(directory: string): string[] {
  return readdirSync(directory).map((name) => join(directory, name))
}

/** Takes a lock and changes what its file says, as if somebody else had written it. */
async function foreignLock(directory: string, change: Record<string, unknown>): Promise<string> {
  const own = await lock(directory)
  const [path] = lockFiles(directory) as [string]
  const owner = JSON.parse(readFileSync(path, 'utf8')) as object
  own.release()
  writeFileSync(path, JSON.stringify({ ...owner, ...change }))
  return path
}

describe('a directory', () => {
  it('is held by one until it is released, and leaves nothing behind', async () => {
    const directory = newDirectory()
    const first = await lock(directory)
    const refusal = await lock(directory).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(DirectoryLockedError)
    expect((refusal as Error).message).toContain(`process ${process.pid} on `)
    expect((refusal as Error).message).toContain('Stop that one first')
    expect(lockFiles(directory)).toHaveLength(1)
    first.release()
    first.release()
    expect(lockFiles(directory)).toEqual([])
    const second = await lock(directory)
    second.release()
  })

  it('is never held by two, however many come at once', async () => {
    const directory = newDirectory()
    for (let round = 0; round < 20; round++) {
      const results = await Promise.allSettled(Array.from({ length: 5 }, () => lock(directory)))
      const held = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      expect(held.length).toBeLessThanOrEqual(1)
      for (const one of held) one.release()
      expect(lockFiles(directory)).toEqual([])
    }
  })
})

describe('a lock whose owner is gone', () => {
  it('is taken over: its process has ended', async () => {
    const directory = newDirectory()
    const pid = await endedProcess()
    await foreignLock(directory, { pid })
    const own = await lock(directory)
    expect(lockFiles(directory)).toHaveLength(1)
    own.release()
  })

  it.runIf(process.platform === 'linux')(
    'is taken over: its number was given to another process since',
    async () => {
      const directory = newDirectory()
      // This process has the number, but began at another time.
      await foreignLock(directory, { pid: process.pid, start: '17' })
      const own = await lock(directory)
      own.release()
    },
  )

  it.runIf(process.platform === 'linux')(
    'is taken over: its process is dead, although nobody has collected it',
    async () => {
      const directory = newDirectory()
      // The shell is told to sleep in place of collecting its child, which outlives that change.
      const shell = spawn('sh', ['-c', 'sh -c "sleep 0.3" & echo $!; exec sleep 30'])
      const pid = await new Promise<number>((resolve) => {
        shell.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString())))
      })
      const isDead = (): boolean => / [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
      while (!isDead()) await new Promise((resolve) => setImmediate(resolve))
      const start = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19]
      await foreignLock(directory, { pid, start })
      const own = await lock(directory)
      own.release()
      shell.kill('SIGKILL')
    },
  )

  it('is taken over: it is on another machine and shows no life', async () => {
    const directory = newDirectory()
    await foreignLock(directory, { host: 'elsewhere' })
    const own = await lock(directory)
    own.release()
  })

  it('is taken over without watching it: it has not been touched for long', async () => {
    const directory = newDirectory()
    const path = await foreignLock(directory, { realm: 'an earlier boot' })
    const longAgo = new Date(Date.now() - 3_600_000)
    utimesSync(path, longAgo, longAgo)
    const own = await lockDirectory(directory, () => {}, { ...TIMES, watchMs: 3_600_000 })
    own.release()
  })

  it('is taken over: it says nothing that can be read', async () => {
    const directory = newDirectory()
    writeFileSync(join(directory, 'zabra-lock.junk'), '{"pid":')
    const own = await lock(directory)
    own.release()
  })
})

describe('a lock whose owner lives', () => {
  it('is respected: another process on this machine', async () => {
    const directory = newDirectory()
    const child = spawn('sleep', ['30'])
    const pid = child.pid as number
    await foreignLock(directory, { pid, start: null })
    await expect(lock(directory)).rejects.toThrow(`process ${pid} on`)
    child.kill('SIGKILL')
  })

  it('is respected: on another machine, as long as it shows that it lives', async () => {
    const directory = newDirectory()
    const path = await foreignLock(directory, { host: 'elsewhere' })
    const content = readFileSync(path)
    const beat = setInterval(() => writeFileSync(path, content), 5)
    await expect(lock(directory)).rejects.toThrow('on elsewhere')
    clearInterval(beat)
    expect(lockFiles(directory)).toEqual([path])
  })

  it('shows that it lives', async () => {
    const directory = newDirectory()
    const own = await lock(directory)
    const [path] = lockFiles(directory) as [string]
    const longAgo = new Date(Date.now() - 3_600_000)
    utimesSync(path, longAgo, longAgo)
    await expect
      .poll(() => Date.now() - (readStat(path) ?? 0), { interval: 5 })
      .toBeLessThan(1_000_000)
    own.release()
  })

  it('is told when its lock is gone, once', async () => {
    const directory = newDirectory()
    let lost = 0
    const own = await lock(directory, () => lost++)
    for (const path of lockFiles(directory)) rmSync(path)
    await expect.poll(() => lost, { interval: 5 }).toBe(1)
    own.release()
    expect(lockFiles(directory)).toEqual([])
  })
})

function readStat(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs
}

function endedProcess(): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn('true')
    child.on('exit', () => resolve(child.pid as number))
  })
}
