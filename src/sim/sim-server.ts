// A server in the simulation: the production recovery, replica, pump and storage on a simulated
// machine, and the checkers at its door. It starts, serves, stops and crashes; when, is decided
// elsewhere. A crash drops every object and keeps the disk.

import { must } from '../base/assert.ts'
import type { Prng } from '../base/prng.ts'
import { type SessionId, firstSessionId } from '../base/session-id.ts'
import { encodeUtf8 } from '../base/text.ts'
import { type Zxid, formatZxid } from '../base/zxid.ts'
import { bootDatabase } from '../core/replica/boot.ts'
import { type Observed, checkState, checkStep, observe } from '../core/replica/invariants.ts'
import { Pump } from '../core/replica/pump.ts'
import { Replica } from '../core/replica/replica.ts'
import { Storage } from '../core/storage/storage.ts'
import { StorageError } from '../core/storage/storage-error.ts'
import type { StorageOptions } from '../core/storage/storage-options.ts'
import type { DataTree } from '../core/tree/data-tree.ts'
import { Database } from '../core/tree/database.ts'
import { ColumnTree } from '../core/tree/column-tree.ts'
import { NaiveTree } from '../core/tree/naive-tree.ts'
import type { ClientEvents, ClientNetwork, ConnectionId } from '../ports/client-network.ts'
import { DiskError } from '../ports/disk.ts'
import type { Breakage } from './breakage.ts'
import type { DiskView, History } from './checkers/history.ts'
import { checkTree } from './checkers/tree-checker.ts'
import type { SessionChecker } from './checkers/session-checker.ts'
import { Violation } from './checkers/violation.ts'
import type { WireChecker } from './checkers/wire-checker.ts'
import { fakeCompression, fakeHasher } from './fake-crypto.ts'
import { type CrashKind, type FakeDisk, SimulatedCrash } from './fake-disk.ts'
import type { FakeListener, FakeNetwork } from './fake-network.ts'
import { markingLogger } from './marking-logger.ts'
import { checkRot } from './rot.ts'
import type { SimOptions } from './sim-options.ts'
import {
  type MachineClock,
  type ScheduledEvent,
  Scope,
  type VirtualClock,
} from './virtual-clock.ts'

export interface ServerSurroundings {
  readonly options: SimOptions
  readonly time: VirtualClock
  readonly clock: MachineClock
  readonly random: Prng
  readonly network: FakeNetwork
  readonly disk: FakeDisk
  readonly history: History
  readonly wire: WireChecker
  readonly sessions: SessionChecker
  readonly breakage: Breakage | null
  /** The server has ended by itself, as it must after a disk error. */
  onEnded(reason: string): void
}

export const SERVER_HOST = 'server-1'
export const SERVER_PORT = 2181
const SNAPSHOT_DIRECTORY = '/data'
const FIELD_BYTES_MAX = 400_000

/** Everything that exists only while the process runs. */
interface Running {
  readonly scope: Scope
  readonly replica: Replica
  readonly pump: Pump
  readonly storage: Storage
  readonly listener: FakeListener
}

export class SimServer {
  readonly #around: ServerSurroundings
  readonly #logDirectory: string
  #running: Running | null = null
  #before: Observed | null = null
  #wake: ScheduledEvent | null = null
  #turnEndWanted = false
  #durableChanges = -1
  #starts = 0
  #isStopping = false

  constructor(around: ServerSurroundings) {
    this.#around = around
    this.#logDirectory = around.options.separateLogDirectory ? '/log' : SNAPSHOT_DIRECTORY
  }

  get isUp(): boolean {
    return this.#running !== null
  }

  get isStopping(): boolean {
    return this.#isStopping
  }

  get starts(): number {
    return this.#starts
  }

  get replica(): Replica | null {
    return this.#running?.replica ?? null
  }

  /** Recovers and opens the door. False: the machine went down on the way. */
  start(): boolean {
    const { disk, history } = this.#around
    this.#starts++
    history.restart(this.#view(false))
    try {
      this.#boot()
      return true
    } catch (error) {
      if (error instanceof SimulatedCrash || disk.isDead) return false
      if (error instanceof StorageError) {
        throw new Violation('start', `the server refuses its own data: ${error.message}`)
      }
      if (error instanceof DiskError) {
        this.#around.onEnded(error.message)
        return false
      }
      throw error
    }
  }

  crash(kind: CrashKind): void {
    const { network, disk, wire, random } = this.#around
    this.#running?.scope.end()
    this.#running = null
    this.#isStopping = false
    this.#wake = null
    this.#turnEndWanted = false
    network.crash(SERVER_HOST, SERVER_PORT, kind === 'power')
    wire.crash()
    disk.crash(kind)
    if (kind === 'power') this.#around.clock.reboot(random.below(1_000_000))
  }

  /** Stops as it would on a signal: what is durable by then is all there is. */
  stop(done: () => void): void {
    const running = must(this.#running, 'a server that runs is stopped')
    this.#isStopping = true
    this.#around.network.crash(SERVER_HOST, SERVER_PORT, false)
    this.#around.wire.crash()
    running.storage.close(() => done())
  }

  purge(retain: number): void {
    this.#running?.storage.purge(retain, () => {})
  }

  /** Compares the server's tree with the model's, node by node. */
  checkTree(): void {
    const { replica } = must(this.#running, 'a server that runs is checked')
    const { history } = this.#around
    checkTree(replica.database, history.stateAt(replica.database.lastZxid))
  }

  #boot(): void {
    const { options, disk, clock, random, network, history, wire, sessions } = this.#around
    const storageOptions = this.#storageOptions()
    const boot = bootDatabase(
      disk,
      fakeCompression,
      storageOptions,
      () => new Database(this.#makeTree(), options.settings),
    )
    const { database } = boot
    database.dropOrphanEphemerals()
    const scope = new Scope()
    const replica = new Replica(
      {
        serverId: 1,
        settings: options.settings,
        frameBytesMax: options.frameBytesMax,
        fieldBytesMax: FIELD_BYTES_MAX,
        firstSessionId: firstSessionId(1, clock.wallMs() + random.below(1_000)) as SessionId,
        hasher: fakeHasher,
        ensemble: null,
      },
      database,
      { nowMs: clock.nowMs(), wallMs: clock.wallMs() },
    )
    const storage = new Storage(disk, fakeCompression, storageOptions, database.lastZxid, {
      onDurable: (zxid) => this.#step(scope, () => this.#running?.pump.durable(zxid)),
      onSnapshotSlice: () => this.#running?.pump.snapshotSlice(),
      onSnapshotWritten: () => this.#onSnapshotWritten(),
      onFatal: (error) => this.#onFatal(scope, error),
    })
    const listener = network.listen(SERVER_HOST, SERVER_PORT, this.#clientEvents(scope))
    const pump = new Pump(replica, {
      network: this.#checkedNetwork(listener),
      storage,
      clock,
      ensemble: null,
      wantTurnEnd: () => this.#wantTurnEnd(scope),
      wakeAt: (nowMs) => this.#wakeAt(scope, nowMs),
      onWord: ({ connection, word }) => {
        listener.send(connection, encodeUtf8(word))
        listener.close(connection)
      },
    })
    this.#running = { scope, replica, pump, storage, listener }
    this.#before = null
    this.#durableChanges = -1
    history.recovered(database.lastZxid)
    wire.restarted(database.lastZxid)
    sessions.restarted(database.lastZxid)
    this.checkTree()
    if (random.chance(options.decay)) this.#checkRot()
    pump.beginSnapshot()
    pump.start()
  }

  #checkRot(): void {
    const { disk, time, random, history, options } = this.#around
    checkRot(
      disk.copy(time, random),
      random,
      history,
      this.#storageOptions(),
      options.settings,
      () => this.#makeTree(),
    )
  }

  #makeTree(): DataTree {
    const { options, breakage } = this.#around
    if (breakage?.makeTree !== undefined) return breakage.makeTree(options.settings)
    return options.tree === 'naive'
      ? new NaiveTree(options.settings)
      : new ColumnTree(options.settings)
  }

  #storageOptions(): StorageOptions {
    const { options, random } = this.#around
    return {
      snapshotDirectory: SNAPSHOT_DIRECTORY,
      logDirectory: this.#logDirectory,
      preallocateBytes: options.preallocateBytes,
      snapCount: options.snapCount,
      snapSizeBytes: 0,
      logSizeLimitBytes: options.logSizeLimitBytes,
      digestEnabled: options.settings.transactionDigests,
      snapshotCompression: options.snapshotCompression,
      snapshotSliceBytes: options.snapshotSliceBytes,
      trustEmpty: false,
      fieldBytesMax: FIELD_BYTES_MAX,
      random,
      logger: markingLogger,
    }
  }

  /** What clients do, past the checkers and into the server. */
  #clientEvents(scope: Scope): ClientEvents {
    const { wire, breakage } = this.#around
    const step = (task: (pump: Pump) => void): void =>
      this.#step(scope, () => {
        if (this.#running !== null) task(this.#running.pump)
      })
    return {
      opened: (connection, address, port) => {
        wire.opened(connection, address)
        step((pump) => pump.opened(connection, address, port))
      },
      bytes: (connection, chunk) => {
        wire.received(connection, chunk)
        const seen = breakage?.bytesIn?.(connection, chunk) ?? chunk
        step((pump) => pump.bytes(connection, seen))
      },
      drained: (connection) => step((pump) => pump.drained(connection)),
      closed: (connection) => {
        wire.closed(connection)
        step((pump) => pump.closed(connection))
      },
    }
  }

  /** What the server does, past the checkers and out to its clients. */
  #checkedNetwork(listener: FakeListener): ClientNetwork {
    const { wire, breakage } = this.#around
    return {
      send: (connection, bytes) => {
        const sent = breakage?.bytesOut?.(connection, bytes) ?? bytes
        if (sent.length === 0) return true
        this.#followDisk()
        wire.sent(connection, sent)
        return listener.send(connection, sent) || sent !== bytes
      },
      backlogBytes: (connection: ConnectionId) => listener.backlogBytes(connection),
      close: (connection) => {
        this.#followDisk()
        wire.closing(connection)
        listener.close(connection)
      },
      setReading: (connection, reading) => listener.setReading(connection, reading),
    }
  }

  /** One input, and all that must hold after it. */
  #step(scope: Scope, task: () => void): void {
    if (!scope.alive) return
    task()
    this.#afterStep()
  }

  #afterStep(): void {
    const { wire, sessions } = this.#around
    const running = this.#running
    if (running === null) return
    const { replica } = running
    const after = observe(replica)
    if (this.#before !== null) checkStep(this.#before, after)
    checkState(replica)
    this.#before = after
    sessions.proposed(after.proposed)
    this.#followDisk()
    wire.endTurn(after.applied)
  }

  #followDisk(): void {
    const { disk, history, sessions } = this.#around
    if (disk.durableChanges === this.#durableChanges) return
    this.#durableChanges = disk.durableChanges
    history.follow(this.#view(true))
    sessions.follow()
  }

  #wantTurnEnd(scope: Scope): void {
    if (this.#turnEndWanted) return
    this.#turnEndWanted = true
    const { time, random } = this.#around
    time.after(random.below(50), 'turn ends', scope, () => {
      this.#turnEndWanted = false
      const running = must(this.#running, 'a turn of a running server')
      running.pump.endTurn()
      this.#around.breakage?.afterTurn?.(running.pump, running.storage)
    })
  }

  #wakeAt(scope: Scope, nowMs: number): void {
    if (this.#wake !== null) this.#wake.cancelled = true
    this.#wake = null
    if (nowMs === Number.POSITIVE_INFINITY) return
    const { time, clock, random } = this.#around
    const lateUs = random.chance(0.9) ? 0 : random.below(20_000)
    const dueUs = Math.max(1, clock.simulatedUs(Math.ceil(nowMs)) - time.nowUs) + lateUs
    this.#wake = time.after(dueUs, 'server wakes', scope, () =>
      this.#step(scope, () => this.#running?.pump.wake()),
    )
  }

  #onSnapshotWritten(): void {
    const { options } = this.#around
    if (options.purgeRetain > 0) this.purge(options.purgeRetain)
  }

  #onFatal(scope: Scope, error: DiskError): void {
    if (!scope.alive) return
    const confirmed = this.#running?.storage.lastDurable
    if (confirmed !== undefined) this.#around.history.withdraw(confirmed)
    this.#around.onEnded(error.message)
  }

  /** The files as the medium holds them, or as a program sees them. */
  #view(durable: boolean): DiskView {
    const { disk } = this.#around
    const paths = durable ? disk.durablePaths() : disk.paths()
    const prefix = '/version-2/'
    return {
      logs: paths.filter((path) => path.includes(`${prefix}log.`)),
      snapshots: paths.filter((path) => path.includes(`${prefix}snapshot.`)),
      read: (path) => (durable ? disk.durable(path) : disk.read(path, 0, disk.size(path) ?? 0)),
    }
  }

  describe(): string {
    const replica = this.#running?.replica
    if (replica === undefined) return 'down'
    const zxid = formatZxid(replica.database.lastZxid as Zxid)
    return `at ${zxid}, ${replica.connections.size} connections, ${replica.outstandingCount} outstanding`
  }
}
