// Puts a load on a server: hands a plan to a player in a process of its own and reads its result.
// The player in C is compiled when it is first needed; without a compiler the one on Node plays.

import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Plan, encodePlan } from './plan.ts'

export interface Target {
  /** An IPv4 address. */
  readonly host: string
  readonly port: number
}

/** One server, or several, to which connections are dealt in turn. */
export type Targets = Target | readonly Target[]

export interface LoadResult {
  readonly operations: number
  readonly seconds: number
  readonly perSecond: number
  readonly failures: number
  /** The error code of the first operation that failed; 0 where none did. */
  readonly firstFailure: number
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
  readonly maxUs: number
}

export interface Player {
  readonly kind: 'c' | 'node'
  readonly command: readonly string[]
}

export interface Load {
  readonly result: Promise<LoadResult>
  /** Ends it; the result rejects. */
  stop(): void
}

export function startLoad(player: Player, targets: Targets, plan: Plan): Load {
  const directory = mkdtempSync(join(tmpdir(), 'zabra-bench-plan-'))
  const file = join(directory, 'plan')
  writeFileSync(file, encodePlan(plan))
  const [command = '', ...args] = player.command
  const addresses = [targets].flat().map(({ host, port }) => `${host}:${port}`)
  const child = spawn(command, [...args, addresses.join(','), file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const result = new Promise<LoadResult>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      rmSync(directory, { recursive: true, force: true })
      if (code === 0) resolve(JSON.parse(output) as LoadResult)
      else reject(new Error(errors.trim() || `the player ended with ${code}`))
    })
  })
  // A load that is stopped on purpose is nobody's failure.
  result.catch(() => {})
  return { result, stop: () => child.kill('SIGKILL') }
}

/** The one asked for; in place of C, Node plays where nothing compiles it. */
export function findPlayer(wanted: Player['kind']): Player {
  return (wanted === 'c' ? compiledPlayer() : null) ?? nodePlayer()
}

function compiledPlayer(): Player | null {
  const source = join(import.meta.dirname, 'player.c')
  const hash = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 12)
  const cache = join(import.meta.dirname, '.cache')
  const executable = join(cache, `player-${hash}`)
  if (existsSync(executable)) return { kind: 'c', command: [executable] }
  mkdirSync(cache, { recursive: true })
  for (const compiler of ['cc', 'gcc', 'clang']) {
    const { status } = spawnSync(compiler, ['-O2', '-o', executable, source], { stdio: 'ignore' })
    if (status === 0) return { kind: 'c', command: [executable] }
  }
  return null
}

function nodePlayer(): Player {
  const player = join(import.meta.dirname, 'player.ts')
  return { kind: 'node', command: [process.execPath, '--import', 'tsx', player] }
}
