/**
 * An ensemble on this machine whose members may be programs of different origin: their ports,
 * directories and configuration files, and each member as a process that is started, killed, paused
 * and replaced. Refuses to know what clients ask of it.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { askWord } from '../../test/support/ask-word.ts'
import { freePort } from '../../test/support/free-port.ts'
import { java38ClassPath, javaClassPath, zabraExecutable } from './cache.ts'
import { commonSettings } from './server-under-test.ts'
import { superDigest } from './tree-walk.ts'
import { WatchedProcess } from './watched-process.ts'

export type MemberKind = 'apache' | 'apache-3.8' | 'zabra'
export type Mode = 'leader' | 'follower' | 'observer'
export type Settings = Readonly<Record<string, string | number | boolean>>

export interface MemberPlan {
  readonly kind: MemberKind
  readonly isObserver?: boolean
  /** Not a member at first: the others know nothing of it. */
  readonly isOutside?: boolean
}

/** Short ticks, so that what is lost is missed soon; time enough to join on a busy machine. */
export const ensembleSettings: Settings = {
  tickTime: 500,
  initLimit: 40,
  syncLimit: 12,
  maxSessionTimeout: 60_000,
  'DigestAuthenticationProvider.superDigest': superDigest,
  preAllocSize: 64,
}

const javaOptions = [
  '-Xmx256m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Xshare:auto',
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  '-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS',
  '-Dorg.slf4j.simpleLogger.showShortLogName=true',
  // What an ensemble does, without the page of settings that each part shows at its start.
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  ...['Learner=info', 'LearnerHandler=debug', 'Leader=info', 'QuorumPeer=info'].map(
    (level) => `-Dorg.slf4j.simpleLogger.log.org.apache.zookeeper.server.quorum.${level}`,
  ),
  '-Dorg.slf4j.simpleLogger.log.org.apache.zookeeper.server.quorum.QuorumCnxManager=error',
  '-Dzookeeper.jmx.log4j.disable=true',
]

export function commandOf(kind: MemberKind, configPath: string): readonly string[] {
  if (kind === 'zabra') return [process.execPath, zabraExecutable, 'serve', configPath]
  const classPath = kind === 'apache' ? javaClassPath : java38ClassPath
  const mainClass = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
  return ['java', ...javaOptions, '-cp', classPath, mainClass, configPath]
}

export class Ensemble implements AsyncDisposable {
  /** In the order of their numbers: `members[0]` is server 1. */
  readonly members: readonly Member[]
  readonly directory: string

  private constructor(members: readonly Member[], directory: string) {
    this.members = members
    this.directory = directory
  }

  /** Writes what the members need; none of them runs yet. */
  static async prepare(plans: readonly MemberPlan[], settings: Settings = {}): Promise<Ensemble> {
    const directory = mkdtempSync(join(tmpdir(), 'zabra-ensemble-'))
    const servers: Record<string, string> = {}
    const members: Member[] = []
    for (const [index, { kind, isObserver = false, isOutside = false }] of plans.entries()) {
      const id = index + 1
      const [client, quorum, election] = [await freePort(), await freePort(), await freePort()]
      const role = isObserver ? 'observer' : 'participant'
      const line = `127.0.0.1:${quorum}:${election}:${role};127.0.0.1:${client}`
      const own = join(directory, `server-${id}`)
      members.push(new Member({ id, kind, isObserver, port: client, directory: own, line }))
      if (!isOutside) servers[`server.${id}`] = line
    }
    for (const member of members) {
      const ownLine = { [`server.${member.id}`]: member.line }
      const all = { ...commonSettings, ...ensembleSettings, ...settings, ...servers, ...ownLine }
      member.configure(all)
    }
    return new Ensemble(members, directory)
  }

  /** `host:port,host:port`, as clients want it. */
  get address(): string {
    return this.members.map(({ port }) => `127.0.0.1:${port}`).join(',')
  }

  member(id: number): Member {
    const member = this.members[id - 1]
    if (member === undefined) throw new Error(`there is no server ${id}`)
    return member
  }

  get running(): readonly Member[] {
    return this.members.filter((member) => member.isRunning)
  }

  /** Starts these servers in turn, then waits until each of them serves. */
  async start(...ids: readonly number[]): Promise<void> {
    for (const id of ids) this.member(id).launch()
    await this.serving(...ids)
  }

  async serving(...ids: readonly number[]): Promise<void> {
    await this.explained(async () => {
      for (const id of ids) await this.member(id).serving()
    })
  }

  /** The one that leads now; waits for it. */
  async leader(among?: readonly Member[]): Promise<Member> {
    let found: Member | null = null
    await this.explained(() =>
      eventually('a server leads', async () => {
        for (const member of among ?? this.running) {
          if ((await member.mode()) === 'leader') found = member
        }
        return found !== null
      }),
    )
    if (found === null) throw new Error('unreachable')
    return found
  }

  /** Runs a part of a test; when it fails, the members' last lines are added to the message. */
  async explained<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof Error) || error.message.includes(logHeading)) throw error
      error.message += this.members.map((member) => `\n${member.lastLines()}`).join('')
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of this.members) await member.kill()
    rmSync(this.directory, { recursive: true, force: true })
  }
}

const logHeading = '---- the log of server '
const linesShown = 40

export class Member {
  readonly id: number
  /** Behind `server.N=` in everybody's configuration. */
  readonly line: string
  readonly isObserver: boolean
  readonly host = '127.0.0.1'
  readonly port: number
  readonly directory: string
  readonly dataDir: string
  readonly dataLogDir: string
  readonly configPath: string
  /** For whoever starts it otherwise than by `launch`. */
  readonly logPath: string
  /** Which program the next start uses. */
  kind: MemberKind
  #process: WatchedProcess | null = null
  #settings: Settings = {}
  #earlierOutput = ''

  constructor(one: Pick<Member, 'id' | 'kind' | 'isObserver' | 'port' | 'directory' | 'line'>) {
    const { id, kind, isObserver, port, directory, line } = one
    this.id = id
    this.line = line
    this.kind = kind
    this.isObserver = isObserver
    this.port = port
    this.directory = directory
    this.dataDir = join(directory, 'data')
    this.dataLogDir = this.dataDir
    this.configPath = join(directory, 'zoo.cfg')
    this.logPath = join(directory, 'server.log')
  }

  get name(): string {
    return `server ${this.id} (${this.kind})`
  }

  get isRunning(): boolean {
    return this.#process !== null && this.#process.ended() === null
  }

  /** Writes zoo.cfg and myid; settings of earlier calls stay unless they are given anew. */
  configure(settings: Settings): void {
    this.#settings = { ...this.#settings, ...settings }
    mkdirSync(this.dataDir, { recursive: true })
    writeFileSync(join(this.dataDir, 'myid'), `${this.id}\n`)
    const own: Settings = { ...this.#settings, dataDir: this.dataDir, clientPort: this.port }
    const all = this.isObserver ? { ...own, peerType: 'observer' } : own
    const lines = Object.entries(all).map(([key, value]) => `${key}=${value}\n`)
    writeFileSync(this.configPath, lines.join(''))
  }

  launch(): void {
    if (this.isRunning) throw new Error(`${this.name} runs already`)
    this.#earlierOutput = this.output()
    const [command = '', ...args] = commandOf(this.kind, this.configPath)
    this.#process = new WatchedProcess(command, args, this.directory)
  }

  /** Waits until it answers clients. */
  async serving(): Promise<Mode> {
    let mode: Mode | null = null
    await eventually(`${this.name} serves`, async () => {
      if (!this.isRunning) throw new Error(`${this.name} ended (${this.#process?.ended() ?? '-'})`)
      mode = await this.mode()
      return mode !== null
    })
    return mode ?? 'follower'
  }

  /** What it is to clients now; null while it does not serve them. */
  async mode(): Promise<Mode | null> {
    const answer = await askWord(this.port, 'srvr', { timeoutMs: 2_000 }).catch(String)
    return (/^Mode: (leader|follower|observer)$/m.exec(answer)?.[1] as Mode | undefined) ?? null
  }

  /** What `mntr` says, by key without its prefix. */
  async figures(): Promise<ReadonlyMap<string, string>> {
    const text = await askWord(this.port, 'mntr')
    return new Map(
      [...text.matchAll(/^zk_(\w+)\t(.*)$/gm)].map(([, key = '', value = '']) => [key, value]),
    )
  }

  async pause(): Promise<void> {
    await this.#process?.suspend()
  }

  async stop(): Promise<void> {
    await this.#process?.end('SIGTERM')
  }

  async kill(): Promise<void> {
    await this.#process?.end('SIGKILL')
  }

  /** Takes its history away, as a new disk would: its number and configuration stay. */
  wipe(): void {
    if (this.isRunning) throw new Error(`${this.name} still runs`)
    rmSync(this.dataDir, { recursive: true, force: true })
    this.configure({})
  }

  /** What the present process has printed. */
  output(): string {
    if (this.#process !== null) return this.#process.output()
    return existsSync(this.logPath) ? readFileSync(this.logPath, 'utf8') : ''
  }

  lastLines(): string {
    const lines = `${this.#earlierOutput}${this.output()}`.trimEnd().split('\n')
    return `${logHeading}${this.id} (${this.kind}):\n${lines.slice(-linesShown).join('\n')}`
  }
}

const patienceMs = 45_000
const askAgainMs = 50

/** Asks again and again until it is so; throws in the words given when it never is. */
export async function eventually(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  timeoutMs: number = patienceMs,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`)
    await sleep(askAgainMs)
  }
}
