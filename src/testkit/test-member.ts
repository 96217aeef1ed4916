// One server of an ensemble within a test, and the accidents that can happen to it: it is stopped in
// order, it crashes, it stands still for a while. What it has stored outlives all of them.

import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import type { ConnectOptions } from '../client/options.ts'
import type { ConnectWait } from '../client/connect.ts'
import type { Session } from '../client/session.ts'
import type { ZooKeeper } from '../client/zookeeper.ts'
import { MemoryDisk } from '../io/disk/memory-disk.ts'
import { MemoryNetwork } from '../io/net/memory-network.ts'
import type { MemoryPeers } from '../io/net/memory-peers.ts'
import type { Logger } from '../ports/logger.ts'
import type { Transport } from '../ports/transport.ts'
import type { ServerConfig } from '../server/config/config.ts'
import type { ServerNetwork, ServerPeers, ServerPorts } from '../server/server-ports.ts'
import { nodePorts } from '../server/server-ports.ts'
import { type Server, startServer } from '../server/server.ts'
import { Gate, GatedTimers, clientEventsThrough, peerEventsThrough } from './gate.ts'
import { GatedDisk } from './gated-disk.ts'
import { type Settings, testConfig } from './test-config.ts'
import { idOf } from './test-server.ts'

/**
 * `looking` while it has no place in the ensemble and serves nobody; `read-only` where that is
 * enabled and no leader is in sight; `stopped` while it does not run.
 */
export type MemberRole = 'leader' | 'follower' | 'observer' | 'looking' | 'read-only' | 'stopped'

/** What a member gets from its ensemble. */
export interface MemberContext {
  readonly id: number
  readonly isVoter: boolean
  readonly network: 'tcp' | 'memory'
  /** Null where the storage is memory. */
  readonly directory: string | null
  readonly tickTime: number
  readonly settings: Settings
  readonly logger: Logger
  readonly peers: MemoryPeers
  connect(target: string, options: ConnectOptions & ConnectWait): Promise<ZooKeeper>
}

/** What runs while the member does. */
interface Run {
  readonly server: Server
  readonly gate: Gate
  readonly disk: GatedDisk
  readonly timers: GatedTimers
  readonly network: ServerNetwork
  /** The server ends at once, without another word to anybody. */
  readonly end: () => void
}

export class TestMember {
  /** The N of its `server.N`. */
  readonly id: number
  readonly isVoter: boolean
  readonly #context: MemberContext
  readonly #config: ServerConfig
  /** What it has stored in memory; null where that is in files. */
  readonly #memoryDisk: MemoryDisk | null
  #run: Run | null = null
  #port: number | null = null
  #memoryNetwork: MemoryNetwork | null = null
  #failure: Error | null = null
  /** Starts and ends wait for each other. */
  #last: Promise<unknown> = Promise.resolve()

  /** Made by `startTestEnsemble`. */
  constructor(context: MemberContext) {
    const { id, isVoter, directory, tickTime, settings } = context
    this.id = id
    this.isVoter = isVoter
    this.#context = context
    this.#memoryDisk = directory === null ? new MemoryDisk() : null
    const dataDir = directory === null ? `/memory/${id}` : join(directory, String(id))
    this.#config = testConfig(
      { storage: directory === null ? 'memory' : 'temporary', settings, tickTime },
      dataDir,
      {},
      { read: (path) => (path === join(dataDir, 'myid') ? `${id}\n` : null) },
    )
  }

  get role(): MemberRole {
    const run = this.#run
    return run === null ? 'stopped' : (run.server.ensemble?.mode ?? 'looking')
  }

  /** The epoch that it serves in, or did last; null while it is stopped. */
  get epoch(): number | null {
    return this.#run?.server.ensemble?.epoch ?? null
  }

  /** The last transaction that its tree shows; null while it is stopped. */
  get zxid(): number | null {
    return this.#run?.server.status.lastZxid ?? null
  }

  /** The number of the server that it follows or is; null while it knows none. */
  get leaderId(): number | null {
    return this.#run?.server.ensemble?.leaderId ?? null
  }

  get isRunning(): boolean {
    return this.#run !== null
  }

  get isPaused(): boolean {
    return this.#run?.gate.isShut ?? false
  }

  /** Why it ended by itself, which no server should; null where it did not. */
  get failure(): Error | null {
    return this.#failure
  }

  /** The port that it listens on, the same one after every restart. Throws where there is none. */
  get port(): number {
    if (this.#context.network === 'memory' || this.#port === null) {
      throw new Error('this server has no port: use connect(), or the network "tcp"')
    }
    return this.#port
  }

  /** What a client of any kind is told to connect to, for this server alone. */
  get connectString(): string {
    return `127.0.0.1:${this.port}`
  }

  /** How clients within the process name it. */
  get target(): string {
    return this.#context.network === 'memory' ? `${hostOf(this.id)}:2181` : this.connectString
  }

  /** For clients in memory: a way to it, whoever it is at the time. */
  get transport(): Transport | null {
    return this.#memoryNetwork
  }

  /** A client that knows this server only. */
  connect(options: ConnectOptions & ConnectWait = {}): Promise<ZooKeeper> {
    return this.#context.connect(this.target, options)
  }

  /** Starts it again, with what it had. It may take a moment until it has a role. */
  start(): Promise<void> {
    return this.#inTurn(() => this.#start())
  }

  /** Stops it in order. Clients see their connections end; their sessions live on elsewhere. */
  stop(): Promise<void> {
    return this.#inTurn(async () => {
      this.resume()
      const run = this.#run
      if (run === null) return
      this.#run = null
      await run.server.stop()
      await leaveNothing(run)
    })
  }

  /** {@link stop} and {@link start}. */
  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /**
   * Ends it as a process that is killed: nothing more is written, answered or sent. What it had
   * written stays for its next start.
   */
  crash(): Promise<void> {
    return this.#inTurn(() => this.#crash())
  }

  /** It stands still, as a process that is suspended: its connections stay, and nobody gets an answer. */
  pause(): void {
    this.#running().gate.shut()
    this.#context.peers.pause(this.id)
  }

  /** It goes on, without knowing that time has passed. */
  resume(): void {
    this.#run?.gate.open()
    this.#context.peers.resume(this.id)
  }

  /**
   * Breaks connections of clients to it: that of one session, or all of them. The sessions live on,
   * and clients connect anew, perhaps to another server.
   */
  cutConnections(session?: Session | bigint | null): void {
    const { server, network } = this.#running()
    const wanted = session === undefined ? null : idOf(session)
    for (const connection of [...server.status.connections()]) {
      if (wanted === null || connection.session?.id === wanted) {
        network.close(connection.connection)
      }
    }
  }

  /** Ends a session for the whole ensemble; only a leader can. */
  endSession(id: bigint): void {
    this.#running().server.endSession(id)
  }

  describe(): string {
    const paused = this.isPaused ? ', paused' : ''
    const failure = this.#failure === null ? '' : `, failed: ${this.#failure.message}`
    return `server ${this.id}: ${this.role}${paused}${failure}`
  }

  async #start(): Promise<void> {
    if (this.#run !== null) return
    const { network, logger } = this.#context
    this.#failure = null
    const parts = this.#makeParts(logger)
    // Clients are expected at once: they are turned away until the server has a role.
    const clientPort = network === 'memory' ? MEMORY_PORT : (this.#port ?? 0)
    const config = { ...this.#config, clientPort }
    const server = await startServer({ config, ports: parts.ports, logger })
    const run: Run = { ...parts, server, network: parts.network() }
    if (network === 'tcp') this.#port = server.port
    this.#run = run
    void server.ended.then((failure) => {
      if (this.#run !== run) return
      this.#run = null
      this.#failure = failure
      void leaveNothing(run)
    })
  }

  async #crash(): Promise<void> {
    const run = this.#run
    if (run === null) return
    this.#run = null
    run.gate.kill()
    this.#context.peers.crash(this.id)
    run.end()
    await run.server.ended
    await leaveNothing(run)
  }

  /** The machine, seen through a gate. */
  #makeParts(logger: Logger): Omit<Run, 'server' | 'network'> & {
    readonly ports: ServerPorts
    network(): ServerNetwork
  } {
    const { id, peers } = this.#context
    const node = nodePorts(logger)
    const gate = new Gate()
    const disk = new GatedDisk(gate, this.#memoryDisk ?? node.disk)
    const timers = new GatedTimers(gate, node.timers)
    let network: ServerNetwork | null = null
    let end = (): void => {}
    const ports: ServerPorts = {
      ...node,
      disk,
      timers,
      random: { below: (bound) => randomInt(bound) },
      makeNetwork: (config, onRefused) => {
        network = gated(
          gate,
          this.#makeNetwork(() => node.makeNetwork(config, onRefused)),
        )
        return network
      },
      makePeers: () => gatedPeers(gate, peers.attach(id)),
      lockDirectory: async (directory, onLost) => {
        // A server that has lost its directory ends without writing anything: that is a crash.
        end = onLost
        return this.#memoryDisk === null
          ? await node.lockDirectory(directory, onLost)
          : { release() {} }
      },
    }
    return { ports, gate, disk, timers, end: () => end(), network: () => network! }
  }

  #makeNetwork(makeTcp: () => ServerNetwork): ServerNetwork {
    if (this.#context.network === 'tcp') return makeTcp()
    this.#memoryNetwork = new MemoryNetwork()
    return this.#memoryNetwork
  }

  #running(): Run {
    if (this.#run === null) throw new Error(`server ${this.id} is stopped`)
    return this.#run
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task)
    this.#last = result.catch(() => {})
    return result
  }
}

/** What the end of a process would do for a server that has ended. */
async function leaveNothing({ gate, timers, disk }: Run): Promise<void> {
  gate.kill()
  timers.cancelAll()
  await disk.abandon()
}

/** Nobody looks such names up: they are places in memory. */
export const hostOf = (id: number): string => `server-${id}`

/** Any number: nobody listens on it. */
const MEMORY_PORT = 1

const gated = (gate: Gate, network: ServerNetwork): ServerNetwork => ({
  listen: (place, events) => network.listen(place, clientEventsThrough(gate, events)),
  send: (id, bytes) => network.send(id, bytes),
  backlogBytes: (id) => network.backlogBytes(id),
  close: (id) => network.close(id),
  setReading: (id, reading) => network.setReading(id, reading),
  silence: () => network.silence(),
  stop: () => network.stop(),
})

const gatedPeers = (gate: Gate, peers: ServerPeers): ServerPeers => ({
  start: (events) => peers.start(peerEventsThrough(gate, events)),
  listen: (door, address) => peers.listen(door, address),
  stopListening: (door) => peers.stopListening(door),
  dial: (link, address, timeoutMs) => peers.dial(link, address, timeoutMs),
  send: (link, bytes) => peers.send(link, bytes),
  backlogBytes: (link) => peers.backlogBytes(link),
  close: (link) => peers.close(link),
  stop: () => peers.stop(),
})
