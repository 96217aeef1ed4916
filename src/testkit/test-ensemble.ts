// An ensemble for somebody's test: real servers in the caller's process, linked by a network in
// memory that can be cut and healed, with sockets or memory between them and their clients. What a
// leader does when it is cut off, and what clients see of it, happens here as it does in production.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ConnectWait, connectOn } from '../client/connect.ts'
import { nodePlatform } from '../client/node.ts'
import type { ConnectOptions } from '../client/options.ts'
import type { Session } from '../client/session.ts'
import type { ZooKeeper } from '../client/zookeeper.ts'
import { type KnownOptions, requireKnown } from '../client/known-options.ts'
import { MemoryPeers } from '../io/net/memory-peers.ts'
import { NodeTimers } from '../io/time/node-timers.ts'
import { type Logger, silentLogger } from '../ports/logger.ts'
import type { Transport } from '../ports/transport.ts'
import { type Settings, TICK_TIME } from './test-config.ts'
import { TestMember, hostOf } from './test-member.ts'
import { idOf } from './test-server.ts'

export interface TestEnsembleOptions {
  /** How many servers vote. Default: 3. */
  readonly servers?: number
  /** How many follow without a vote, numbered after the others. Default: none. */
  readonly observers?: number
  /**
   * Between clients and servers: `tcp` (the default) listens on free ports of 127.0.0.1, for clients
   * of any kind. `memory` opens no port at all: only {@link TestEnsemble.connect} and
   * {@link TestMember.connect} lead there. The servers' own links are always in memory.
   */
  readonly network?: 'tcp' | 'memory'
  /** `memory` (the default), or `temporary` for real files in a directory that is removed in the end. */
  readonly storage?: 'memory' | 'temporary'
  /**
   * Milliseconds: sessions expire on multiples of it, and a server that is silent for ten of them has
   * lost its place. Default: 100, with session timeouts from 200 ms to 60 s.
   */
  readonly tickTime?: number
  /** Further settings of every server, by the names that they have in `zoo.cfg`. */
  readonly settings?: Settings
  /** Where the servers say what happens to them. By default they say nothing. */
  readonly logger?: Logger
}

const ENSEMBLE_OPTIONS: KnownOptions<TestEnsembleOptions> = {
  servers: true,
  observers: true,
  network: true,
  storage: true,
  tickTime: true,
  settings: true,
  logger: true,
}

/**
 * Starts an ensemble, and resolves when every server has its role and serves clients: within some
 * tenths of a second. Dispose of it, and nothing is left: no files, timers or sockets.
 *
 * @example
 * await using ensemble = await startTestEnsemble({ servers: 3 })
 * const zk = await ensemble.connect()
 * await zk.create('/greeting', 'hello')
 * await ensemble.leader?.crash()
 * console.log(await zk.exists('/greeting')) // another server leads now
 */
export async function startTestEnsemble(options: TestEnsembleOptions = {}): Promise<TestEnsemble> {
  const ensemble = new TestEnsemble(options)
  try {
    await Promise.all(ensemble.servers.map((server) => server.start()))
    await ensemble.ready()
    return ensemble
  } catch (error) {
    await ensemble[Symbol.asyncDispose]()
    throw error
  }
}

/** Made by {@link startTestEnsemble}. */
export class TestEnsemble implements AsyncDisposable {
  /** Number 1 first. */
  readonly servers: readonly TestMember[]
  readonly #tickTime: number
  readonly #peers: MemoryPeers
  readonly #directory: string | null
  readonly #cuts = new Set<string>()
  readonly #clients = new Set<ZooKeeper>()
  readonly #isInMemory: boolean

  constructor(options: TestEnsembleOptions) {
    requireKnown('startTestEnsemble', options, ENSEMBLE_OPTIONS)
    const { servers = 3, observers = 0, network = 'tcp', storage = 'memory' } = options
    const { settings = {}, logger = silentLogger, tickTime = TICK_TIME } = options
    checkCount('servers', servers, 1)
    checkCount('observers', observers, 0)
    this.#tickTime = tickTime
    this.#isInMemory = network === 'memory'
    this.#peers = new MemoryPeers(new NodeTimers())
    this.#directory = storage === 'temporary' ? mkdtempSync(join(tmpdir(), 'zabra-testkit-')) : null
    const ids = Array.from({ length: servers + observers }, (_, at) => at + 1)
    this.servers = ids.map(
      (id) =>
        new TestMember({
          id,
          isVoter: id <= servers,
          network,
          directory: this.#directory,
          tickTime,
          settings: { ...ensembleSettings(ids, servers), ...settings },
          logger: named(logger, id),
          peers: this.#peers,
          connect: (target, wanted) => this.#connect(target, wanted),
        }),
    )
  }

  /** What a client of any kind is told to connect to: all servers. Throws where there are no ports. */
  get connectString(): string {
    return this.servers.map((server) => server.connectString).join(',')
  }

  /**
   * The server that leads, and can: it serves, does not stand still, and reaches a majority. Null
   * while there is none.
   */
  get leader(): TestMember | null {
    return (
      this.servers
        .filter((server) => server.role === 'leader' && this.#reachesMajority(server))
        .sort((one, other) => (other.epoch ?? 0) - (one.epoch ?? 0))[0] ?? null
    )
  }

  /** The server with this number, which is the N of its `server.N`. */
  server(id: number): TestMember {
    const found = this.servers.find((server) => server.id === id)
    if (found === undefined) throw new Error(`there is no server ${id}: 1..${this.servers.length}`)
    return found
  }

  /** A client of all servers, closed with the ensemble. */
  connect(options: ConnectOptions & ConnectWait = {}): Promise<ZooKeeper> {
    return this.#connect(this.servers.map(({ target }) => target).join(','), options)
  }

  /** Resolves to the leader as soon as there is one that can lead, see {@link leader}. */
  async awaitLeader(): Promise<TestMember> {
    await this.#until(() => this.leader !== null)
    return this.leader!
  }

  /**
   * Resolves when every server that runs, does not stand still, and is on the leader's side of all
   * cuts has its role and serves clients.
   */
  ready(): Promise<void> {
    return this.#until(() => {
      const { leader } = this
      return (
        leader !== null &&
        this.servers.every(
          (server) =>
            server === leader ||
            !this.#hears(leader, server) ||
            (server.leaderId === leader.id &&
              server.epoch === leader.epoch &&
              (server.role === 'follower' || server.role === 'observer')),
        )
      )
    })
  }

  /**
   * Between these two servers nothing arrives any more, in either direction; what was sent waits. Clients
   * still reach both.
   */
  cut(one: number, other: number): void {
    this.cutOneWay(one, other)
    this.cutOneWay(other, one)
  }

  /** What one server sends does not reach the other any more; the other direction is not touched. */
  cutOneWay(from: number, to: number): void {
    const [sender, receiver] = [this.server(from), this.server(to)]
    this.#cuts.add(cutOf(sender.id, receiver.id))
    this.#peers.cut(sender.id, receiver.id)
  }

  /**
   * Only servers of one group hear each other any more, in place of all cuts that there were. A
   * server that no group names is alone.
   */
  partition(groups: readonly (readonly number[])[]): void {
    const groupOf = new Map(groups.flatMap((group, at) => group.map((id) => [id, at] as const)))
    for (const id of groupOf.keys()) this.server(id)
    this.heal()
    for (const { id: from } of this.servers) {
      for (const { id: to } of this.servers) {
        const together = groupOf.has(from) && groupOf.get(from) === groupOf.get(to)
        if (from !== to && !together) this.cutOneWay(from, to)
      }
    }
  }

  /** All servers reach each other again; what has waited arrives. */
  heal(): void {
    this.#cuts.clear()
    this.#peers.healAll()
  }

  /**
   * Ends a session as if its time had run out, wherever its client is connected. Takes a client's
   * session, or its id. Throws while nobody leads.
   */
  expireSession(session: Session | bigint | null): void {
    const id = idOf(session)
    const { leader } = this
    if (leader === null) throw new Error(`only a leader ends sessions: ${this.describe()}`)
    leader.endSession(id)
  }

  /** A line for messages: what each server is. */
  describe(): string {
    return this.servers.map((server) => server.describe()).join('; ')
  }

  /** Closes the clients that were made here, stops all servers, and removes what there is to remove. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.heal()
    for (const server of this.servers) server.resume()
    const drain = this.leader === null ? 0 : CLOSE_MS_MAX
    await Promise.all([...this.#clients].map((client) => client.close({ drain })))
    this.#clients.clear()
    await Promise.all(this.servers.map((server) => server.stop()))
    if (this.#directory !== null) rmSync(this.#directory, { recursive: true, force: true })
  }

  async #connect(target: string, options: ConnectOptions & ConnectWait): Promise<ZooKeeper> {
    const withDefaults = { sessionTimeout: 10_000, tickTime: this.#tickTime, ...options }
    const platform = this.#isInMemory
      ? { ...nodePlatform, transport: this.#transport }
      : nodePlatform
    const client = await connectOn(platform, target, withDefaults)
    this.#clients.add(client)
    return client
  }

  /** In memory, a server's name decides which one is meant. */
  readonly #transport: Transport = {
    connect: (host, port, handlers) => {
      const transport = this.servers.find(({ id }) => hostOf(id) === host)?.transport ?? null
      if (transport !== null) return transport.connect(host, port, handlers)
      setImmediate(() => handlers.closed(`connection refused: ${host} is not running`))
      return { send() {}, close() {} }
    },
  }

  #reachesMajority(server: TestMember): boolean {
    const voters = this.servers.filter(({ isVoter }) => isVoter)
    const reached = voters.filter((voter) => voter === server || this.#hears(server, voter))
    return !server.isPaused && reached.length > voters.length / 2
  }

  /** Whether each of the two takes part and hears the other. */
  #hears(one: TestMember, other: TestMember): boolean {
    const isThere = ({ isRunning, isPaused }: TestMember): boolean => isRunning && !isPaused
    const isCut = this.#cuts.has(cutOf(one.id, other.id)) || this.#cuts.has(cutOf(other.id, one.id))
    return isThere(one) && isThere(other) && !isCut
  }

  async #until(isSo: () => boolean): Promise<void> {
    const giveUpMs = performance.now() + WAIT_MS_MAX
    while (!isSo()) {
      const failed = this.servers.find(({ failure }) => failure !== null)
      if (failed !== undefined) throw new Error(failed.describe(), { cause: failed.failure })
      if (performance.now() >= giveUpMs) throw new Error(`the wait is over: ${this.describe()}`)
      await sleep(LOOK_EVERY_MS)
    }
  }
}

/** How long a client may take to end its session when everything is disposed of. */
const CLOSE_MS_MAX = 1_000

/** Long enough for a busy machine: who waits in vain shall know why before the test's time is over. */
const WAIT_MS_MAX = 15_000

const LOOK_EVERY_MS = 2

function ensembleSettings(ids: readonly number[], voterCount: number): Settings {
  const members = ids.map(
    (id) =>
      [
        `server.${id}`,
        `${hostOf(id)}:2888:3888:${id <= voterCount ? 'participant' : 'observer'}`,
      ] as const,
  )
  return {
    ...Object.fromEntries(members),
    initLimit: 50,
    syncLimit: 10,
    // One server is an ensemble as well.
    standaloneEnabled: false,
    // Whoever is looked for is in the same process.
    leaderConnectDelayDuringRetryMs: 10,
    'fastleader.minNotificationInterval': 20,
    'fastleader.maxNotificationInterval': 200,
  }
}

const cutOf = (from: number, to: number): string => `${from}>${to}`

function checkCount(name: string, count: number, min: number): void {
  if (Number.isInteger(count) && count >= min && count <= COUNT_MAX) return
  throw new RangeError(
    `${name}: ${count} is not a number of servers; allowed: ${min}..${COUNT_MAX}`,
  )
}

const COUNT_MAX = 99

/** Which server says it. */
function named(logger: Logger, id: number): Logger {
  if (logger === silentLogger) return logger
  return {
    debug: (message, fields) => logger.debug(message, { server: id, ...fields }),
    info: (message, fields) => logger.info(message, { server: id, ...fields }),
    warn: (message, fields) => logger.warn(message, { server: id, ...fields }),
    error: (message, fields) => logger.error(message, { server: id, ...fields }),
  }
}
