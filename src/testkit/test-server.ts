// A server for somebody's test: the same one as in production, in the caller's process, with memory
// for a disk and, if wanted, for a network. It knows how to make the accidents happen that a test
// wants to see: sessions that expire, connections that break, a server that is gone for a while.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerNetwork, ServerPorts } from '../server/server-ports.ts'
import { nodePorts } from '../server/server-ports.ts'
import { type Server, startServer } from '../server/server.ts'
import type { ServerConfig } from '../server/config/config.ts'
import { type ConnectWait, connectOn } from '../client/connect.ts'
import { nodePlatform } from '../client/node.ts'
import type { ConnectOptions } from '../client/options.ts'
import type { Session } from '../client/session.ts'
import type { ZooKeeper } from '../client/zookeeper.ts'
import { type KnownOptions, requireKnown } from '../client/known-options.ts'
import { MemoryDisk } from '../io/disk/memory-disk.ts'
import { MemoryNetwork } from '../io/net/memory-network.ts'
import { type Logger, silentLogger } from '../ports/logger.ts'
import { type Settings, testConfig } from './test-config.ts'

export interface TestServerOptions {
  /**
   * `tcp` (the default) listens on a free port of 127.0.0.1, for clients of any kind. `memory` opens
   * no port at all: only {@link TestServer.connect} leads to it.
   */
  readonly network?: 'tcp' | 'memory'
  /** A port of one's own choice in place of a free one. */
  readonly port?: number
  /** `memory` (the default), or `temporary` for real files in a directory that is removed in the end. */
  readonly storage?: 'memory' | 'temporary'
  /**
   * Milliseconds: sessions expire on multiples of it. By default 100, with session timeouts from
   * 200 ms to 60 s, so that a test need not wait long.
   */
  readonly tickTime?: number
  /** Further settings, by the names that they have in `zoo.cfg`. */
  readonly settings?: Settings
  /** Where the server says what happens to it. By default it says nothing. */
  readonly logger?: Logger
}

const SERVER_OPTIONS: KnownOptions<TestServerOptions> = {
  network: true,
  port: true,
  storage: true,
  tickTime: true,
  settings: true,
  logger: true,
}

/**
 * Starts a server, and resolves when it serves clients: within some tens of milliseconds. Dispose of
 * it, and nothing is left: no files, timers or sockets.
 *
 * @example
 * await using server = await startTestServer()
 * const zk = await server.connect()
 * await zk.create('/greeting', 'hello')
 * server.expireSession(zk.session)
 */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const server = new TestServer(options)
  try {
    await server.start()
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
  return server
}

/** Made by {@link startTestServer}. Its content stays while it is stopped. */
export class TestServer implements AsyncDisposable {
  readonly #config: ServerConfig
  readonly #ports: ServerPorts
  readonly #directory: string | null
  readonly #memoryNetwork: MemoryNetwork | null
  readonly #clients = new Set<ZooKeeper>()
  #server: Server | null = null
  #network: ServerNetwork | null = null
  #port: number | null

  constructor(options: TestServerOptions) {
    requireKnown('startTestServer', options, SERVER_OPTIONS)
    const { network = 'tcp', storage = 'memory', logger = silentLogger } = options
    this.#port = options.port ?? null
    this.#directory = storage === 'temporary' ? mkdtempSync(join(tmpdir(), 'zabra-testkit-')) : null
    this.#memoryNetwork = network === 'memory' ? new MemoryNetwork() : null
    this.#config = testConfig(options, this.#directory ?? '/memory')
    this.#ports = this.#portsOn(logger)
  }

  /** What a client of any kind is told to connect to. Throws where there is no port. */
  get connectString(): string {
    return `127.0.0.1:${this.port}`
  }

  /** The port that it listens on, the same one after every restart. Throws where there is none. */
  get port(): number {
    if (this.#port === null) {
      throw new Error('this server has no port: use connect(), or the network "tcp"')
    }
    return this.#port
  }

  get isRunning(): boolean {
    return this.#server !== null
  }

  /** A client of this server, closed with it. */
  async connect(options: ConnectOptions & ConnectWait = {}): Promise<ZooKeeper> {
    const { tickMs } = this.#config
    const withDefaults = { sessionTimeout: 10_000, tickTime: tickMs, ...options }
    const platform =
      this.#memoryNetwork === null
        ? nodePlatform
        : { ...nodePlatform, transport: this.#memoryNetwork }
    const target = this.#memoryNetwork === null ? this.connectString : 'memory'
    const client = await connectOn(platform, target, withDefaults)
    this.#clients.add(client)
    return client
  }

  /** Starts it again, after {@link stop}, with what it had. */
  async start(): Promise<void> {
    if (this.#server !== null) return
    const clientPort = this.#memoryNetwork === null ? (this.#port ?? 0) : MEMORY_PORT
    this.#server = await startServer({
      config: { ...this.#config, clientPort },
      ports: this.#ports,
      logger: this.#ports.logger,
    })
    if (this.#memoryNetwork === null) this.#port = this.#server.port
  }

  /** Stops serving. Clients see their connections end; their sessions live on for their time. */
  async stop(): Promise<void> {
    const server = this.#server
    this.#server = null
    await server?.stop()
  }

  /** {@link stop} and {@link start}. */
  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /**
   * Ends a session as if its time had run out: its ephemeral nodes go, and its client learns that
   * the session is lost. Takes a client's session, or its id.
   */
  expireSession(session: Session | bigint | null): void {
    this.#running().endSession(idOf(session))
  }

  /**
   * Breaks connections: that of one session, or all of them. The sessions live on, and clients
   * connect anew.
   */
  cutConnections(session?: Session | bigint | null): void {
    const server = this.#running()
    const wanted = session === undefined ? null : idOf(session)
    for (const connection of [...server.status.connections()]) {
      if (wanted === null || connection.session?.id === wanted) {
        this.#network?.close(connection.connection)
      }
    }
  }

  /** Closes the clients that {@link connect} made, stops, and removes what there is to remove. */
  async [Symbol.asyncDispose](): Promise<void> {
    const drain = this.isRunning ? CLOSE_MS_MAX : 0
    await Promise.all([...this.#clients].map((client) => client.close({ drain })))
    this.#clients.clear()
    await this.stop()
    if (this.#directory !== null) rmSync(this.#directory, { recursive: true, force: true })
  }

  #running(): Server {
    if (this.#server === null) throw new Error('the test server is stopped')
    return this.#server
  }

  #portsOn(logger: Logger): ServerPorts {
    const ports = nodePorts(logger)
    return {
      ...ports,
      ...(this.#directory === null ? { disk: new MemoryDisk(), lockDirectory: lockNothing } : {}),
      makeNetwork: (config, onRefused) => {
        this.#network = this.#memoryNetwork ?? ports.makeNetwork(config, onRefused)
        return this.#network
      },
    }
  }
}

/** How long a client may take to end its session when everything is disposed of. */
const CLOSE_MS_MAX = 1_000

/** Any number: nobody listens on it. */
const MEMORY_PORT = 1

/** Of a client's session, or as it is. */
export function idOf(session: Session | bigint | null): bigint {
  if (session === null) throw new Error('the client has no session')
  return typeof session === 'bigint' ? session : session.id
}

const lockNothing = (): Promise<{ release(): void }> => Promise.resolve({ release() {} })
