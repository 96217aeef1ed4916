// Several servers on this machine that make an ensemble, all of Zabra, all of Apache ZooKeeper, or
// all bare: their ports, directories and files, and each of them as a process that is killed and
// started again.

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../test/support/free-port.ts'
import type { Target } from './load.ts'

/** `bare` servers only pass bytes on and write them to disk, see `bare-member.ts`. */
export type Make = 'zabra' | 'apache' | 'bare'

const REPOSITORY = join(import.meta.dirname, '..')
/** Another build can be tried with ZABRA_BENCH_EXECUTABLE; `bin/zabra` runs the one in `dist`. */
const EXECUTABLE = process.env['ZABRA_BENCH_EXECUTABLE'] ?? join(REPOSITORY, 'bin', 'zabra')
/** Where `interop/setup.ts` leaves Apache's program. */
const APACHE_LIBRARY = join(REPOSITORY, 'interop', '.cache', 'java', 'lib')
const START_MS_MAX = 120_000
const LOOK_EVERY_MS = 5

export class Members implements AsyncDisposable {
  readonly all: readonly Member[]
  readonly #directory: string

  private constructor(all: readonly Member[], directory: string) {
    this.all = all
    this.#directory = directory
  }

  /** So many servers, when all of them serve. */
  static async start(make: Make, count: number): Promise<Members> {
    if (make === 'apache' && !existsSync(APACHE_LIBRARY)) {
      throw new Error(`no Apache ZooKeeper in ${APACHE_LIBRARY}: npx tsx interop/setup.ts gets it`)
    }
    const directory = mkdtempSync(join(tmpdir(), 'zabra-bench-members-'))
    const members: Member[] = []
    const lines: string[] = []
    for (let id = 1; id <= count; id++) {
      members.push(new Member(make, id, await freePort(), join(directory, `server-${id}`)))
      lines.push(`server.${id}=127.0.0.1:${await freePort()}:${await freePort()}`)
    }
    const ensemble = new Members(members, directory)
    try {
      for (const member of members) {
        member.configure(lines)
        member.launch()
      }
      for (const member of members) await member.serving()
    } catch (error) {
      await ensemble[Symbol.asyncDispose]()
      throw error
    }
    return ensemble
  }

  /** The one that leads now. */
  async leader(): Promise<Member> {
    const until = performance.now() + START_MS_MAX
    while (performance.now() < until) {
      for (const member of this.all) if ((await member.mode()) === 'leader') return member
      await sleep(LOOK_EVERY_MS)
    }
    throw new Error('nobody leads')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of this.all) await member.kill()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

export class Member implements Target {
  readonly host = '127.0.0.1'
  readonly id: number
  readonly port: number
  readonly #make: Make
  readonly #directory: string
  #process: ChildProcess | null = null
  #ended: Promise<void> = Promise.resolve()

  constructor(make: Make, id: number, port: number, directory: string) {
    this.#make = make
    this.id = id
    this.port = port
    this.#directory = directory
  }

  get pid(): number {
    return this.#process?.pid ?? -1
  }

  get #dataDirectory(): string {
    return join(this.#directory, 'data')
  }

  /** Writes its files; `servers` are the lines that all members share. */
  configure(servers: readonly string[]): void {
    mkdirSync(this.#dataDirectory, { recursive: true })
    writeFileSync(join(this.#dataDirectory, 'myid'), `${this.id}\n`)
    const lines = [
      'tickTime=2000',
      'initLimit=10',
      'syncLimit=5',
      `dataDir=${this.#dataDirectory}`,
      'clientPortAddress=127.0.0.1',
      `clientPort=${this.port}`,
      'maxClientCnxns=0',
      '4lw.commands.whitelist=*',
      'admin.enableServer=false',
      ...servers,
    ]
    writeFileSync(this.#configuration, lines.map((line) => `${line}\n`).join(''))
  }

  launch(): void {
    const [command = '', ...args] = this.#command
    const log = openSync(join(this.#directory, 'log'), 'a')
    const child = spawn(command, args, { cwd: REPOSITORY, stdio: ['ignore', log, log] })
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()))
    this.#process = child
  }

  /** Waits until it has a place in the ensemble and answers clients. */
  async serving(): Promise<void> {
    const until = performance.now() + START_MS_MAX
    while ((await this.mode()) === null) {
      if (performance.now() > until) throw new Error(`server ${this.id} does not serve`)
      await sleep(LOOK_EVERY_MS)
    }
  }

  /** What it says it is; null where it does not serve. */
  async mode(): Promise<string | null> {
    const answer = await word(this.port, 'srvr')
    return /^Mode: (leader|follower|observer)$/m.exec(answer)?.[1] ?? null
  }

  async kill(): Promise<void> {
    this.#process?.kill('SIGKILL')
    await this.#ended
    this.#process = null
  }

  /** Everything that it knew is gone, except who it is. */
  wipe(): void {
    rmSync(join(this.#dataDirectory, 'version-2'), { recursive: true, force: true })
  }

  get #configuration(): string {
    return join(this.#directory, 'zoo.cfg')
  }

  get #command(): readonly string[] {
    if (this.#make === 'zabra') {
      return [process.execPath, EXECUTABLE, 'serve', this.#configuration]
    }
    if (this.#make === 'bare') {
      const program = join(import.meta.dirname, 'bare-member.ts')
      return [process.execPath, '--import', 'tsx', program, this.#configuration]
    }
    return [
      'java',
      '-Xmx2g',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
      '-Dzookeeper.jmx.log4j.disable=true',
      '-cp',
      join(APACHE_LIBRARY, '*'),
      'org.apache.zookeeper.server.quorum.QuorumPeerMain',
      this.#configuration,
    ]
  }
}

/** The answer to a four-letter word; empty where there is none. */
function word(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(text))
    socket.setEncoding('utf8').on('data', (part: string) => (answer += part))
    socket.setTimeout(2_000, () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
  })
}
