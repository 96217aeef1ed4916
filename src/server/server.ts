/**
 * One server: from a configuration and ports to a replica that serves clients, and back. It opens
 * things in the order in which they depend on each other and closes them in reverse. It knows
 * neither command lines nor signals, and nothing of the protocol.
 */
import type { EnsembleStatus } from '../admin/ensemble-status.ts'
import { FourLetterWords } from '../admin/four-letter-words.ts'
import { firstSessionId, sessionIdOf } from '../base/session-id.ts'
import { formatZxid } from '../base/zxid.ts'
import { bootDatabase } from '../core/replica/boot.ts'
import { Pump } from '../core/replica/pump.ts'
import type { FourLetterWord } from '../core/replica/ready.ts'
import { Replica } from '../core/replica/replica.ts'
import { ReplicaStatus } from '../core/replica/status.ts'
import { Storage } from '../core/storage/storage.ts'
import { ColumnTree } from '../core/tree/column-tree.ts'
import { Database } from '../core/tree/database.ts'
import { type Logger, silentLogger } from '../ports/logger.ts'
import { WakeTimer } from '../io/time/wake-timer.ts'
import { Autopurge } from './autopurge.ts'
import type { ServerConfig } from './config/config.ts'
import { ensembleOptionsOf, ensemblePortsOf } from './ensemble.ts'
import { prepareDirectories } from './data-directories.ts'
import { ExitCode, ServerError } from './exit-code.ts'
import { ServerFigures } from './figures.ts'
import { RefusalLog } from './refusal-log.ts'
import {
  type ServerNetwork,
  type ServerPeers,
  type ServerPorts,
  nodePorts,
} from './server-ports.ts'
import { MemberStatus } from './member-status.ts'
import { adminFactsOf, pipelineSettingsOf, storageOptionsOf } from './settings.ts'
import { failureOf } from './start-failure.ts'
import { TurnEnd } from './turn-end.ts'
import { WatchedDisk } from './watched-disk.ts'

/** Session ids of a server that stands alone begin with this byte, as ZooKeeper's do. */
const STANDALONE_ID = 1

/** Of the last transactions at least so many are kept for the others, as ZooKeeper does. */
const RECENT_MIN = 500

export interface ServerOptions {
  readonly config: ServerConfig
  readonly logger?: Logger
  /** In place of the machine's own disk, sockets, clocks … */
  readonly ports?: Partial<ServerPorts>
}

/** A server that accepts clients. */
export interface Server extends AsyncDisposable {
  /** The port that clients connect to; null where none was asked for. */
  readonly port: number | null
  readonly status: ReplicaStatus
  /** Its place in its ensemble, which changes under one's eyes; null for a server that stands alone. */
  readonly ensemble: EnsembleStatus | null
  /** Resolves when the server has ended: to null after a stop, otherwise to the reason. */
  readonly ended: Promise<ServerError | null>
  /** Ends a session as if its time had run out; nothing happens where there is none of that id. */
  endSession(id: bigint): void
  /** Answers what is decided, closes connections, makes the log durable. May be called again. */
  stop(): Promise<void>
}

/** Recovers the data directory and begins to listen. Rejects with a {@link ServerError}. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const logger = options.logger ?? silentLogger
  const ports = { ...nodePorts(logger), ...options.ports }
  let server: RunningServer | null = null
  const directories = await prepareDirectories(options.config, ports, () => server?.lostDirectory())
  try {
    server = new RunningServer(options.config, ports, () => directories.release())
    await server.listen()
    return server
  } catch (error) {
    if (server === null) directories.release()
    else await server.stop()
    throw failureOf(error)
  }
}

class RunningServer implements Server {
  port: number | null = null
  readonly status: ReplicaStatus
  readonly ensemble: EnsembleStatus | null
  readonly ended: Promise<ServerError | null>

  readonly #config: ServerConfig
  readonly #logger: Logger
  readonly #network: ServerNetwork
  /** Null for a server that stands alone. */
  readonly #peers: ServerPeers | null
  readonly #storage: Storage
  readonly #pump: Pump
  readonly #words: FourLetterWords
  readonly #turnEnd: TurnEnd
  readonly #alarm: WakeTimer
  readonly #autopurge: Autopurge
  readonly #figures: ServerFigures
  readonly #release: () => void
  #end: (reason: ServerError | null) => void = () => {}
  #stopping: Promise<void> | null = null
  #giveUp: () => void = () => {}
  #failure: ServerError | null = null

  /** Reads the data directory, which blocks. */
  constructor(config: ServerConfig, ports: ServerPorts, release: () => void) {
    const { clock, timers, logger } = ports
    this.#config = config
    this.#logger = logger
    this.#release = release
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })

    const figures = new ServerFigures(clock)
    this.#figures = figures
    const disk = new WatchedDisk(ports.disk, {
      syncs: figures.syncs,
      warningMs: config.storage.fsyncWarningMs,
      logger,
      nowMs: () => performance.now(),
    })
    const refusals = new RefusalLog(logger, clock)
    this.#network = ports.makeNetwork(config, (address, reason, limit) => {
      figures.refusedConnectionCount++
      refusals.refused(address, reason, limit)
    })

    const settings = pipelineSettingsOf(config)
    const storageOptions = storageOptionsOf(config, ports)
    const startedMs = clock.nowMs()
    // Nobody outside can foresee which names share a slot.
    const makeDatabase = (): Database =>
      new Database(new ColumnTree(settings, undefined, ports.random.below(2 ** 32)), settings)
    const { ensemble } = config
    const recentMax = ensemble === null ? 0 : Math.max(ensemble.sync.commitLogCount, RECENT_MIN)
    const boot = bootDatabase(disk, ports.compression, storageOptions, makeDatabase, recentMax)
    // The crash may have come between the end of a session and that of its ephemerals. In an
    // ensemble the leader sees to it, for all.
    const orphanCount = ensemble === null ? boot.database.dropOrphanEphemerals() : 0
    const serverId = ensemble?.serverId ?? STANDALONE_ID
    const moment = { nowMs: clock.nowMs(), wallMs: clock.wallMs() }
    const replica = new Replica(
      {
        serverId,
        settings,
        frameBytesMax: config.frameBytesMax,
        fieldBytesMax: config.fieldBytesMax,
        firstSessionId: firstSessionId(serverId, moment.wallMs),
        handshakeMsMax: config.sessionlessTimeoutMs,
        hasher: ports.hasher,
        ensemble:
          ensemble === null
            ? null
            : ensembleOptionsOf({
                config,
                ensemble,
                disk,
                storageOptions,
                boot,
                makeDatabase,
                storage: () => this.#storage,
              }),
      },
      boot.database,
      moment,
    )
    logger.info('recovered the data directory', {
      zxid: formatZxid(boot.database.lastZxid),
      nodes: boot.database.tree.nodeCount,
      replayed: boot.recovery.txnCount,
      tookMs: clock.nowMs() - startedMs,
    })

    this.#storage = new Storage(disk, ports.compression, storageOptions, boot.database.lastZxid, {
      onDurable: (zxid) => this.#pump.durable(zxid),
      onSnapshotSlice: () => this.#pump.snapshotSlice(),
      onSnapshotWritten: () => figures.snapshots.add(this.#pump.snapshotWritten()),
      onFatal: (error) => this.#fail(failureOf(error)),
    })
    this.#peers = ensemble === null ? null : ports.makePeers(ensemble)
    this.#turnEnd = new TurnEnd(() => this.#pump.endTurn())
    this.#alarm = new WakeTimer(clock, timers, () => this.#pump.wake())
    this.#pump = new Pump(replica, {
      network: this.#network,
      storage: this.#storage,
      clock,
      ensemble:
        this.#peers === null || ensemble === null
          ? null
          : ensemblePortsOf({
              ensemble,
              disk,
              storage: this.#storage,
              peers: this.#peers,
              logger,
              database: () => replica.database,
              makeDatabase,
              onFatal: (error) => this.#fail(failureOf(error)),
            }),
      wantTurnEnd: () => this.#turnEnd.want(),
      wakeAt: (nowMs) => this.#alarm.wakeAt(nowMs),
      onWord: (word) => this.#onWord(word),
    })
    this.#peers?.start(this.#pump.peers)
    this.status = new ReplicaStatus(replica, clock)
    this.ensemble = replica.member === null ? null : new MemberStatus(replica, replica.member)
    this.#words = new FourLetterWords(
      {
        status: this.status,
        facts: adminFactsOf(config),
        figures,
        disk,
        ...(this.ensemble === null ? {} : { ensemble: this.ensemble }),
      },
      config.fourLetterWords,
    )
    this.#autopurge = new Autopurge(config.purge, this.#storage, timers, logger)
    // A snapshot of what was replayed spares the next start the same work and makes the removal of
    // orphans last; a new database needs one before its first log.
    if (boot.recovery.isNew || boot.recovery.txnCount > 0 || orphanCount > 0) {
      this.#pump.beginSnapshot()
    }
    this.#pump.start()
  }

  async listen(): Promise<void> {
    const { clientPort, clientPortAddress, listenBacklog } = this.#config
    if (clientPort !== null) {
      const place = { port: clientPort, host: clientPortAddress, backlog: listenBacklog }
      this.port = (await this.#network.listen(place, this.#pump)).port
    }
    this.#autopurge.start()
    this.#logger.info('serving clients', {
      port: this.port,
      address: clientPortAddress ?? 'all interfaces',
    })
  }

  endSession(id: bigint): void {
    if (this.#stopping === null) this.#pump.endSession(sessionIdOf(id))
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #stop(): Promise<void> {
    this.#autopurge.stop()
    this.#alarm.stop()
    this.#figures.stop()
    this.#network.silence()
    // What was asked before is written and answered before its connection ends.
    if (this.#failure === null) {
      this.#pump.endTurn()
      this.#turnEnd.stop()
      await new Promise<void>((resolve) => {
        this.#giveUp = resolve
        this.#storage.close(resolve)
      })
      this.#pump.sendToPeers()
    }
    this.#turnEnd.stop()
    await this.#network.stop()
    await this.#peers?.stop()
    this.#release()
    this.#end(this.#failure)
  }

  #onWord({ connection, word, argument }: FourLetterWord): void {
    this.#logger.debug(`Processing ${word} command`, { connection })
    const text = this.#words.answer(word, argument, connection)
    this.#network.send(connection, Buffer.from(text))
    this.#network.close(connection)
  }

  /** Another server believed this one dead and has its directory now. */
  lostDirectory(): void {
    const sentence = 'another server took over the data directory: this one must not go on'
    this.#fail(new ServerError('DIRECTORY_LOST', ExitCode.dataDirectory, sentence))
  }

  /** Nothing more is written or answered: nobody knows what the disk holds now. */
  #fail(failure: ServerError): void {
    if (this.#failure !== null) return
    this.#failure = failure
    // Said first: what the stop says of itself is a consequence, and the stop may take its time.
    this.#logger.error(failure.message, { code: failure.code, status: failure.exitCode })
    // A stop that waits for the log would wait for ever.
    this.#giveUp()
    this.stop().catch(() => {})
  }
}
