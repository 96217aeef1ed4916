// One server of a simulated ensemble: the production recovery, replica, pump and storage on a
// machine of its own, with the checkers at its doors. It starts, serves, stops, stands still and
// crashes; when, is decided elsewhere. A crash drops every object and keeps the disk.

import { must } from '../../base/assert.ts'
import { mark } from '../../base/marks.ts'
import type { Prng } from '../../base/prng.ts'
import { type SessionId, firstSessionId } from '../../base/session-id.ts'
import { encodeUtf8 } from '../../base/text.ts'
import { type Zxid, formatZxid } from '../../base/zxid.ts'
import type { Membership } from '../../core/quorum/membership.ts'
import type { MemberLine } from '../../core/quorum/membership-text.ts'
import { bootDatabase } from '../../core/replica/boot.ts'
import { DiskTasks } from '../../core/replica/disk-tasks.ts'
import { Pump } from '../../core/replica/pump.ts'
import { Replica } from '../../core/replica/replica.ts'
import { readEpochs } from '../../core/storage/epoch-files.ts'
import { Storage } from '../../core/storage/storage.ts'
import { StorageError } from '../../core/storage/storage-error.ts'
import type { Database } from '../../core/tree/database.ts'
import type { ClientEvents, ClientNetwork, ConnectionId } from '../../ports/client-network.ts'
import { DiskError, type Done } from '../../ports/disk.ts'
import type { PeerEvents } from '../../ports/peer-network.ts'
import { checkTree } from '../checkers/tree-checker.ts'
import { Violation } from '../checkers/violation.ts'
import { fakeCompression } from '../fake-crypto.ts'
import { type CrashKind, type FakeDisk, SimulatedCrash } from '../fake-disk.ts'
import type { FakeListener, FakeNetwork } from '../fake-network.ts'
import {
  type MachineClock,
  type ScheduledEvent,
  Scope,
  type VirtualClock,
} from '../virtual-clock.ts'
import type { MemberView } from './checkers/membership-checker.ts'
import { ServerDisk } from './checkers/server-disk.ts'
import type { EnsembleOptions, MachineOptions } from './ensemble-options.ts'
import type { FakePeerNetwork } from './fake-peer-network.ts'
import { OPERATOR_ADDRESS } from './operator.ts'
import { CLIENT_PORT, machineName } from './roster.ts'
import {
  emptyDatabase,
  openConfiguration,
  replicaOptionsOf,
  storageOptionsOf,
} from './server-setup.ts'
import { ServerWatch, type WatchSurroundings } from './server-watch.ts'

export interface MachineSurroundings extends WatchSurroundings {
  /** How it is listed where it is a member. */
  readonly line: MemberLine
  readonly options: EnsembleOptions
  readonly membership: Membership
  readonly time: VirtualClock
  readonly clock: MachineClock
  readonly random: Prng
  readonly network: FakeNetwork
  readonly peers: FakePeerNetwork
  makeDisk(): FakeDisk
  /** The server has ended by itself, as it must after a disk error. */
  onEnded(server: EnsembleServer, reason: string): void
  /** The server's disk is in another epoch now. */
  onEntered(server: EnsembleServer, epoch: number): void
}

/** Everything that exists only while the process runs. */
interface Running {
  readonly scope: Scope
  readonly replica: Replica
  readonly pump: Pump
  readonly storage: Storage
  readonly watch: ServerWatch
  readonly listener: FakeListener
}

export class EnsembleServer {
  readonly id: number
  readonly name: string
  readonly #around: MachineSurroundings
  readonly #machine: MachineOptions
  #disk: FakeDisk
  #seen: ServerDisk
  /** What whoever set it up wrote of the members. */
  #given: Membership
  #running: Running | null = null
  #wake: ScheduledEvent | null = null
  #turnEndWanted = false
  #isPaused = false
  #isStopping = false
  #isDamaged = false
  #waiting: (() => void)[] = []
  /** Connections of the operator. */
  readonly #unwatched = new Set<ConnectionId>()
  #starts = 0

  constructor(around: MachineSurroundings) {
    const { serverId, options } = around
    this.#around = around
    this.id = serverId
    this.name = machineName(serverId)
    this.#machine = must(options.machines[serverId - 1], 'each server has a machine')
    this.#disk = around.makeDisk()
    this.#seen = this.#lookAt(this.#disk)
    this.#given = around.membership
  }

  get disk(): FakeDisk {
    return this.#disk
  }

  /** What its disk holds for certain. */
  get seen(): ServerDisk {
    return this.#seen
  }

  get isUp(): boolean {
    return this.#running !== null
  }

  /** Its disk may not hold what was written. */
  get isDamaged(): boolean {
    return this.#isDamaged
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  get isStopping(): boolean {
    return this.#isStopping
  }

  get isServing(): boolean {
    return !this.#isStopping && this.#running?.watch.isServing === true
  }

  get isLeading(): boolean {
    return this.#running?.replica.member?.standing === 'leading'
  }

  get starts(): number {
    return this.#starts
  }

  get lastZxid(): Zxid {
    return must(this.#running, 'a server that runs is asked').replica.database.lastZxid
  }

  /** Whom it takes for the members. */
  get members(): MemberView {
    const { replica } = must(this.#running, 'a server that runs is asked')
    return must(replica.member, 'a server of an ensemble is a member')
  }

  /** Whether it has decided that a session ends. */
  isClosing(session: SessionId): boolean {
    return this.#running?.replica.service?.sessions.tracker.get(session)?.closing === true
  }

  /** Sessions that are its own. */
  get localSessions(): readonly bigint[] {
    const table = this.#running?.replica.service?.sessions.local?.sessions() ?? []
    return [...table].map(({ id }) => id)
  }

  /** Recovers and opens its doors. */
  start(): 'up' | 'crashed' | 'refused' {
    const disk = this.#disk
    this.#starts++
    try {
      this.#boot()
      this.#isDamaged = false
      return 'up'
    } catch (error) {
      if (error instanceof SimulatedCrash || disk.isDead) return 'crashed'
      if (error instanceof StorageError) {
        if (this.#isDamaged) {
          mark('a damaged server refuses to start')
          return 'refused'
        }
        throw new Violation('start', `${this.name} refuses its own data: ${error.message}`)
      }
      if (error instanceof DiskError) return 'crashed'
      throw error
    }
  }

  crash(kind: CrashKind): void {
    const { network, peers, wire, random, clock } = this.#around
    this.#running?.scope.end()
    this.#running = null
    this.#isStopping = false
    this.#isPaused = false
    this.#waiting = []
    this.#wake = null
    this.#turnEndWanted = false
    network.crash(this.name, CLIENT_PORT, kind === 'power')
    peers.crash(this.name, kind === 'power')
    wire.crash()
    this.#disk.crash(kind)
    if (kind === 'power') clock.reboot(random.below(1_000_000))
  }

  /** Stops as it would on a signal. */
  stop(done: () => void): void {
    const { storage } = must(this.#running, 'a server that runs is stopped')
    const { network, peers, wire } = this.#around
    this.#isStopping = true
    network.crash(this.name, CLIENT_PORT, false)
    peers.crash(this.name, false)
    wire.crash()
    storage.close(() => done())
  }

  /** A process that stands still, or goes on: what arrives meanwhile is handled afterwards. */
  setPaused(paused: boolean): void {
    if (this.#isPaused === paused) return
    this.#isPaused = paused
    this.#around.peers.setStopped(this.name, paused)
    while (!this.#isPaused) {
      const task = this.#waiting.shift()
      if (task === undefined) break
      task()
    }
  }

  /** The machine is replaced by an empty one while the server is down; it is told of `members`. */
  wipe(members: Membership): void {
    this.#given = members
    this.#disk = this.#around.makeDisk()
    this.#seen = this.#lookAt(this.#disk)
    this.#isDamaged = false
  }

  /** Something on the disk is not what was written: from now on a start may be refused. */
  setDamaged(): void {
    this.#isDamaged = true
  }

  /** Compares the server's tree with the model's, node by node. */
  checkTree(): void {
    const { replica } = must(this.#running, 'a server that runs is checked')
    const { database } = replica
    checkTree(database, this.#around.ledger.stateAt(database.lastZxid), ['/zookeeper/config'])
  }

  describe(): string {
    const replica = this.#running?.replica
    if (replica === undefined) return `${this.name}: down`
    const paused = this.#isPaused ? ', paused' : ''
    return (
      `${this.name}${paused}: ${replica.member?.describe() ?? ''} at ` +
      `${formatZxid(replica.database.lastZxid)}, ${replica.connections.size} connections`
    )
  }

  // Starting.

  #boot(): void {
    const { options, clock, random, network, peers, wire, line } = this.#around
    const disk = this.#disk
    const machine = this.#machine
    const { files, membership, proposedMembership } = openConfiguration(disk, this.#given, line)
    const storageOptions = storageOptionsOf(options, machine, random)
    const makeDatabase = (): Database => emptyDatabase(options, machine)
    const { commitLogCount } = machine
    const boot = bootDatabase(disk, fakeCompression, storageOptions, makeDatabase, commitLogCount)
    const { database, recent } = boot
    const scope = new Scope()
    wire.stopServing('not serving yet')
    const firstId = firstSessionId(this.id, clock.wallMs() + random.below(1_000)) as SessionId
    const replica = new Replica(
      replicaOptionsOf(this.id, firstId, options, machine, {
        membership,
        proposedMembership,
        epochs: readEpochs(disk, storageOptions, database.lastZxid),
        recent,
        openLog: (from) => storage.openLog(from as Zxid),
        makeDatabase,
      }),
      database,
      { nowMs: clock.nowMs(), wallMs: clock.wallMs() },
    )
    const storage: Storage = new Storage(disk, fakeCompression, storageOptions, database.lastZxid, {
      onDurable: (zxid) => this.#step(scope, () => pump.durable(zxid)),
      onSnapshotSlice: () => pump.snapshotSlice(),
      onSnapshotWritten: () => this.#purge(),
      onFatal: (error) => this.#onFatal(scope, error.message),
    })
    const tasks = new DiskTasks({
      storage,
      database: () => replica.database,
      makeDatabase,
      writeMembership: (membership, isCommitted, done) => {
        const then: Done = (error) => {
          if (error === null) done()
          else this.#onFatal(scope, error.message)
        }
        if (membership === null) files.forgetProposed(then)
        else if (isCommitted) files.decide(membership, true, then)
        else files.propose(membership, then)
      },
      onFatal: (error) => this.#onFatal(scope, error.message),
    })
    const listener = network.listen(
      this.name,
      CLIENT_PORT,
      this.#clientEvents(scope, () => pump),
    )
    const links = peers.start(
      this.name,
      this.#peerEvents(scope, () => pump),
    )
    const pump: Pump = new Pump(replica, {
      network: this.#checkedNetwork(listener),
      storage,
      clock,
      ensemble: {
        peers: links,
        tasks: {
          run: (task, done) => tasks.run(task, (brought) => this.#step(scope, () => done(brought))),
        },
        onRemark: ({ level, message, fields }) => {
          if (level !== 'info') mark(`remark: ${message}`)
          this.#around.remark(`${this.name} says: ${message} ${JSON.stringify(fields)}`)
        },
        onFatal: (reason) => this.#onFatal(scope, reason),
      },
      wantTurnEnd: () => this.#wantTurnEnd(scope),
      wakeAt: (nowMs) => this.#wakeAt(scope, nowMs),
      onWord: ({ connection, word }) => {
        listener.send(connection, encodeUtf8(word))
        listener.close(connection)
      },
    })
    const watch = new ServerWatch(this.#around, this.name, replica, membership.version)
    this.#running = { scope, replica, pump, storage, watch, listener }
    watch.observe()
    if (boot.recovery.snapshot === null) pump.beginSnapshot()
    pump.start()
  }

  #purge(): void {
    const { purgeRetain } = this.#machine
    if (purgeRetain > 0) this.#running?.storage.purge(purgeRetain, () => {})
  }

  // What reaches it, past the checkers.

  #clientEvents(scope: Scope, pump: () => Pump): ClientEvents {
    const { wire } = this.#around
    const step = (task: () => void): void => this.#step(scope, task)
    return {
      opened: (connection, address, port) =>
        step(() => {
          if (address === OPERATOR_ADDRESS) this.#unwatched.add(connection)
          else wire.opened(connection, address)
          pump().opened(connection, address, port)
        }),
      bytes: (connection, chunk) => {
        const bytes = chunk.slice()
        step(() => {
          if (!this.#unwatched.has(connection)) wire.received(connection, bytes)
          pump().bytes(connection, bytes)
        })
      },
      drained: (connection) => step(() => pump().drained(connection)),
      closed: (connection) =>
        step(() => {
          wire.closed(connection)
          pump().closed(connection)
        }),
    }
  }

  #peerEvents(scope: Scope, pump: () => Pump): PeerEvents {
    const step = (task: (peers: PeerEvents) => void): void =>
      this.#step(scope, () => task(pump().peers))
    return {
      listening: (door) => step((peers) => peers.listening(door)),
      listenFailed: (door, reason) => step((peers) => peers.listenFailed(door, reason)),
      accepted: (link, door, remote) => step((peers) => peers.accepted(link, door, remote)),
      opened: (link) => step((peers) => peers.opened(link)),
      bytes: (link, chunk) => {
        const bytes = chunk.slice()
        step((peers) => {
          peers.bytes(link, bytes)
          bytes.fill(0xee)
        })
      },
      drained: (link) => step((peers) => peers.drained(link)),
      closed: (link, reason) => step((peers) => peers.closed(link, reason)),
    }
  }

  /** What it says to clients, past the checkers. */
  #checkedNetwork(listener: FakeListener): ClientNetwork {
    const { wire } = this.#around
    return {
      send: (connection, bytes) => {
        if (bytes.length === 0) return true
        this.#running?.watch.observe()
        if (!this.#unwatched.has(connection)) wire.sent(connection, bytes)
        return listener.send(connection, bytes)
      },
      backlogBytes: (connection) => listener.backlogBytes(connection),
      close: (connection) => {
        this.#running?.watch.observe()
        if (!this.#unwatched.has(connection)) wire.closing(connection)
        listener.close(connection)
      },
      setReading: (connection, reading) => listener.setReading(connection, reading),
    }
  }

  /** One input, and all that must hold after it; later, while the process stands still. */
  #step(scope: Scope, task: () => void): void {
    if (!scope.alive || this.#isStopping) return
    if (this.#isPaused) {
      this.#waiting.push(() => this.#step(scope, task))
      return
    }
    task()
    if (scope.alive) this.#running?.watch.endStep()
  }

  // Its turns and its time.

  #wantTurnEnd(scope: Scope): void {
    if (this.#turnEndWanted) return
    this.#turnEndWanted = true
    const { time, random } = this.#around
    time.after(random.below(50), 'turn ends', scope, () =>
      this.#step(scope, () => {
        this.#turnEndWanted = false
        this.#running?.pump.endTurn()
      }),
    )
  }

  #wakeAt(scope: Scope, nowMs: number): void {
    if (this.#wake !== null) this.#wake.cancelled = true
    this.#wake = null
    if (nowMs === Number.POSITIVE_INFINITY) return
    const { time, clock, random } = this.#around
    const lateUs = random.chance(0.9) ? 0 : random.below(20_000)
    const dueUs = Math.max(1, clock.simulatedUs(Math.ceil(nowMs)) - time.nowUs) + lateUs
    this.#wake = time.after(dueUs, `${this.name} wakes`, scope, () =>
      this.#step(scope, () => this.#running?.pump.wake()),
    )
  }

  #onFatal(scope: Scope, reason: string): void {
    if (scope.alive) this.#around.onEnded(this, reason)
  }

  #lookAt(disk: FakeDisk): ServerDisk {
    const { ledger, onEntered } = this.#around
    return new ServerDisk(this.id, disk, {
      found: (txn) => ledger.found(txn, `on the disk of ${this.name}`),
      entered: (epoch) => onEntered(this, epoch),
    })
  }
}
