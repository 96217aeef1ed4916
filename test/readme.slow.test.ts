/**
 * Does what README.md tells a newcomer to do, in a copy of the working tree as a clone would be: builds
 * it, starts a server, runs the example client against it, starts one with a configuration. Installing
 * is left out (the copy borrows this tree's node_modules), and so is running these tests.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { basename, join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askWord } from './support/ask-word.ts'
import { freePort } from './support/free-port.ts'
import { type TemporaryDirectory, temporaryDirectory } from './support/temporary-directory.ts'

const root = resolve(import.meta.dirname, '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const startMsMax = 30_000

let clone: TemporaryDirectory

beforeAll(() => {
  clone = temporaryDirectory()
  const left = new Set(['node_modules', 'dist', '.git', '.cache', 'data', 'golden', 'coverage'])
  cpSync(root, clone.path, { recursive: true, filter: (source) => !left.has(basename(source)) })
  symlinkSync(join(root, 'node_modules'), join(clone.path, 'node_modules'))
  // What `npm ci` does besides installing.
  execFileSync('npm', ['run', 'prepare'], { cwd: clone.path, stdio: 'pipe' })
}, 120_000)

afterAll(() => clone[Symbol.dispose]())

test('every command of the README is one that this test knows', () => {
  const commands = blocks('sh').flatMap((block) => block.trim().split('\n'))
  expect(commands).toEqual([
    'npm ci',
    'npm start',
    'npx zabra ensemble 3',
    'npx zabra serve zoo.cfg',
    'npm test',
  ])
})

test('npm start serves clients, and the example works with it', { timeout: 90_000 }, async () => {
  const port = (await isFree(2181)) ? 2181 : await freePort()
  const args = port === 2181 ? ['start'] : ['start', '--', String(port), './data']
  await using server = new Command('npm', args, clone.path)
  await server.says('serving clients')

  const [example = ''] = blocks('ts')
  expect(
    example
      .trim()
      .split('\n')
      .filter((line) => line !== ''),
  ).toHaveLength(8)
  writeFileSync(join(clone.path, 'example.ts'), example.replace('2181', String(port)))
  const tsx = join(root, 'node_modules', '.bin', 'tsx')
  const output = execFileSync(tsx, ['example.ts'], { cwd: clone.path, encoding: 'utf8' })
  expect(output).toBe("colour=blue 0\n[ 'm-0000000000' ]\n")
})

test('zabra serve takes the configuration that is shown', { timeout: 60_000 }, async () => {
  const port = await freePort()
  const directory = join(clone.path, 'configured')
  mkdirSync(directory)
  const configuration = blocks('properties').find((text) => !text.includes('server.1')) ?? ''
  const text = configuration.replace('/var/lib/zabra', directory).replace('2181', String(port))
  writeFileSync(join(clone.path, 'zoo.cfg'), text)
  await using server = new Command('npx', ['zabra', 'serve', 'zoo.cfg'], clone.path)
  await server.says('serving clients')
  expect(await askWord(port, 'ruok')).toBe('imok')
  expect(server.output).not.toContain('"level":"warn"')
})

test('zabra ensemble shows who leads', { timeout: 60_000 }, async () => {
  const port = await ensemblePort()
  const args = ['zabra', 'ensemble', '3', ...(port === 2181 ? [] : ['--port', String(port)])]
  await using servers = new Command('npx', args, clone.path)
  await servers.says(': leader, epoch 1')
  await expect
    .poll(async () => (await askWord(port + 1, 'srvr')).split('\n'))
    .toContainEqual(expect.stringMatching(/^Mode: (leader|follower)$/))
})

test('the test kit does what is shown', { timeout: 60_000 }, () => {
  const [, example = ''] = blocks('ts')
  writeFileSync(join(clone.path, 'kit.ts'), example)
  const tsx = join(root, 'node_modules', '.bin', 'tsx')
  const output = execFileSync(tsx, ['kit.ts'], { cwd: clone.path, encoding: 'utf8' })
  expect(output).toMatch(/^stopped [12]\n$/)
})

/** The usual ports, or others where somebody has them. */
async function ensemblePort(): Promise<number> {
  for (let port = 2181; ; port += 1_001) {
    const all = [0, 707, 1707].flatMap((more) => [0, 1, 2].map((at) => port + more + at))
    if ((await Promise.all(all.map(isFree))).every(Boolean)) return port
  }
}

/** A command with everything that it starts, ended with the test. */
class Command implements AsyncDisposable {
  output = ''
  readonly #child: ChildProcess
  readonly #ended: Promise<void>

  constructor(program: string, args: readonly string[], cwd: string) {
    // A group of its own: npm passes signals on in its own time, or not at all.
    this.#child = spawn(program, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
      })
    }
    this.#ended = new Promise((done) => this.#child.once('close', () => done()))
  }

  async says(text: string): Promise<void> {
    await expect.poll(() => this.output, { timeout: startMsMax }).toContain(text)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { pid, exitCode } = this.#child
    if (pid !== undefined && exitCode === null) process.kill(-pid, 'SIGTERM')
    await this.#ended
  }
}

function blocks(language: string): readonly string[] {
  const pattern = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm')
  return [...readme.matchAll(pattern)].map((match) => match[1] ?? '')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer()
    server.once('error', () => done(false))
    server.listen(port, () => server.close(() => done(true)))
  })
}
