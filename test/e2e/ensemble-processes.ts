// Three (or more) servers as processes of their own that know each other: their ports, directories
// and configuration files, and each as something that is killed, paused, stopped, wiped and started
// again. It knows nothing of what clients do, nor of what is done to the network between them.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { askWord } from '../support/ask-word.ts'
import { freePort } from '../support/free-port.ts'
import { ServerProcess } from './server-process.ts'

/** Where a server lives. */
export interface Place {
  readonly host: string
  readonly directory: string
  /** A command that starts what follows it there. */
  readonly within?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

export type Mode = 'leader' | 'follower' | 'observer' | 'none'

/** How long a member may take to find its place again, on a machine that has other work as well. */
const SETTLE_MS_MAX = 30_000

export class EnsembleProcesses implements AsyncDisposable {
  /** In the order of their ids, which begin at 1. */
  readonly members: readonly Member[]

  private constructor(members: readonly Member[]) {
    this.members = members
  }

  /** Writes what the servers need; none of them runs yet. */
  static async prepare(
    places: readonly Place[],
    settings: readonly string[] = [],
  ): Promise<EnsembleProcesses> {
    const ports: { client: number; lines: string }[] = []
    for (const [index, { host }] of places.entries()) {
      const [quorum, election] = [await freePort(), await freePort()]
      const lines = `server.${index + 1}=${host}:${quorum}:${election}`
      ports.push({ client: await freePort(), lines })
    }
    const shared = [...settings, '4lw.commands.whitelist=*', ...ports.map(({ lines }) => lines)]
    const members = places.map((place, index) => {
      const member = new Member(index + 1, place, ports[index]!.client)
      member.configure(shared)
      return member
    })
    return new EnsembleProcesses(members)
  }

  /** For clients that take any server. */
  get target(): string {
    return this.members.map(({ target }) => target).join(',')
  }

  async start(): Promise<void> {
    for (const member of this.members) member.start()
    await this.settled()
  }

  /** Everybody has a place: one leads, the others follow. */
  async settled(): Promise<void> {
    await Promise.all(this.members.map((member) => member.untilMode('leader', 'follower')))
  }

  /** Who leads, by its own word; null while nobody does. */
  async leader(): Promise<Member | null> {
    const modes = await Promise.all(this.members.map((member) => member.mode()))
    return this.members[modes.indexOf('leader')] ?? null
  }

  async untilLed(): Promise<Member> {
    const deadline = Date.now() + SETTLE_MS_MAX
    for (;;) {
      const leader = await this.leader()
      if (leader !== null) return leader
      if (Date.now() > deadline) throw new Error(`nobody leads:\n${this.describe()}`)
      await sleep(20)
    }
  }

  /** The last lines of each server, for a failure's message. */
  describe(): string {
    return this.members.map((member) => member.describe()).join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()))
  }
}

export class Member {
  readonly id: number
  readonly host: string
  readonly clientPort: number
  readonly directory: string
  readonly #place: Place
  #server: ServerProcess | null = null
  /** What the lives before this one have said. */
  #past = ''

  constructor(id: number, place: Place, clientPort: number) {
    this.id = id
    this.host = place.host
    this.clientPort = clientPort
    this.directory = place.directory
    this.#place = place
  }

  get target(): string {
    return `${this.host}:${this.clientPort}`
  }

  get isRunning(): boolean {
    return this.#server?.isRunning === true
  }

  /** Of its present or last life. */
  get stderr(): string {
    return this.#server?.stderr ?? ''
  }

  configure(shared: readonly string[]): void {
    mkdirSync(this.#dataDirectory, { recursive: true })
    const own = ['dataDir=./data', `clientPort=${this.clientPort}`]
    const lines = [...own, `clientPortAddress=${this.host}`, ...shared]
    writeFileSync(join(this.directory, 'zoo.cfg'), lines.map((line) => `${line}\n`).join(''))
    this.#writeId()
  }

  start(): void {
    if (this.isRunning) throw new Error(`server ${this.id} runs already`)
    this.#past = this.#said
    const { directory, environment, within } = this.#place
    this.#server = new ServerProcess(['serve', 'zoo.cfg'], directory, environment, within)
  }

  async kill(): Promise<void> {
    this.#server?.signal('SIGKILL')
    await this.#server?.ended
  }

  /** As an operator does it; the status with which it ended. */
  async stop(): Promise<number | null> {
    this.#server?.signal('SIGTERM')
    return (await this.#server?.ended)?.code ?? null
  }

  /** The process stands still, and its connections with it, until `resume`. */
  pause(): void {
    this.#server?.signal('SIGSTOP')
  }

  resume(): void {
    this.#server?.signal('SIGCONT')
  }

  /** For a server that ends by itself. */
  async ended(): Promise<number | null> {
    return (await this.#server?.ended)?.code ?? null
  }

  /** All that it has on disk is gone but its id. */
  wipe(): void {
    if (this.isRunning) throw new Error(`server ${this.id} runs`)
    rmSync(join(this.#dataDirectory, 'version-2'), { recursive: true })
  }

  async mode(): Promise<Mode> {
    const answer = await askWord(this.clientPort, 'srvr', {
      host: this.host,
      timeoutMs: 1_000,
    }).catch(() => '')
    return (/^Mode: (leader|follower|observer)$/m.exec(answer)?.[1] ?? 'none') as Mode
  }

  async untilMode(...wanted: readonly Mode[]): Promise<void> {
    const deadline = Date.now() + SETTLE_MS_MAX
    while (!wanted.includes(await this.mode())) {
      if (!this.isRunning || Date.now() > deadline) {
        const how = this.isRunning ? 'still runs' : 'has ended'
        throw new Error(`server ${this.id} ${how} and is not ${wanted.join(' or ')}`)
      }
      await sleep(20)
    }
  }

  describe(): string {
    const lines = this.#said.trimEnd().split('\n').slice(-40)
    return [`server ${this.id}:`, ...lines].join('\n  ')
  }

  get #said(): string {
    const server = this.#server
    return server === null ? this.#past : `${this.#past}${server.stdout}${server.stderr}---\n`
  }

  get #dataDirectory(): string {
    return join(this.directory, 'data')
  }

  #writeId(): void {
    writeFileSync(join(this.#dataDirectory, 'myid'), `${this.id}\n`)
  }
}
