// One server of an ensemble on simulated machines, with everything between its ports as in
// production, for tests that attack its ports. Errors thrown in it are not caught: they are what the
// tests look for. It keeps no checkers besides; what a forged leader makes a server believe is its own
// affair as long as it stays standing.

import { assert, InvariantError } from '../../src/base/assert.ts'
import type { Prng } from '../../src/base/prng.ts'
import { firstSessionId } from '../../src/base/session-id.ts'
import type { Zxid } from '../../src/base/zxid.ts'
import type { Membership } from '../../src/core/quorum/membership.ts'
import { membershipOf } from '../../src/core/quorum/membership-text.ts'
import {
  DEFAULT_PIPELINE_SETTINGS,
  type PipelineSettings,
} from '../../src/core/pipeline/settings.ts'
import { bootDatabase } from '../../src/core/replica/boot.ts'
import { DiskTasks } from '../../src/core/replica/disk-tasks.ts'
import { Pump } from '../../src/core/replica/pump.ts'
import { Replica } from '../../src/core/replica/replica.ts'
import { readEpochs } from '../../src/core/storage/epoch-files.ts'
import { Storage } from '../../src/core/storage/storage.ts'
import type { StorageOptions } from '../../src/core/storage/storage-options.ts'
import { ColumnTree } from '../../src/core/tree/column-tree.ts'
import { Database } from '../../src/core/tree/database.ts'
import type { ConnectionId } from '../../src/ports/client-network.ts'
import type { PeerEvents } from '../../src/ports/peer-network.ts'
import { fakeCompression, fakeHasher } from '../../src/sim/fake-crypto.ts'
import { CALM_DISK, FakeDisk } from '../../src/sim/fake-disk.ts'
import type { FakePeerNetwork } from '../../src/sim/ensemble/fake-peer-network.ts'
import {
  MachineClock,
  type ScheduledEvent,
  Scope,
  type VirtualClock,
} from '../../src/sim/virtual-clock.ts'

export interface MemberSurroundings {
  readonly clock: VirtualClock
  readonly peers: FakePeerNetwork
  readonly random: Prng
  readonly membershipText: string
  readonly reconfigEnabled: boolean
}

export const QUORUM_PORT = 2888
export const ELECTION_PORT = 3888
export const FIELD_BYTES_MAX: number = 256 << 10
export const TICK_MS = 500

const WALL_MS = 1_700_000_000_000

const SETTINGS: PipelineSettings = {
  ...DEFAULT_PIPELINE_SETTINGS,
  extendedTypes: true,
  tickMs: TICK_MS,
  minSessionTimeoutMs: 2 * TICK_MS,
  maxSessionTimeoutMs: 20 * TICK_MS,
}

export const machineOf = (serverId: number): string => `server-${serverId}`

/** Lines for servers 1 and up, all of which vote. */
export const votersText = (count: number): string =>
  Array.from(
    { length: count },
    (_, i) => `server.${i + 1}=${machineOf(i + 1)}:${QUORUM_PORT}:${ELECTION_PORT}:participant`,
  ).join('\n')

export class PeerMember {
  readonly id: number
  readonly replica: Replica
  /** What clients have been sent, by connection. */
  readonly replies: Map<ConnectionId, Uint8Array[]> = new Map()
  /** Why it has stopped itself; it does so only where its operator has to look. */
  ended: string | null = null

  readonly #around: MemberSurroundings
  readonly #scope = new Scope()
  readonly #clock: MachineClock
  readonly #pump: Pump
  #wake: ScheduledEvent | null = null
  #turnEndWanted = false
  #lastConnection: ConnectionId = 0

  constructor(id: number, around: MemberSurroundings, disk: FakeDisk) {
    this.id = id
    this.#around = around
    this.#clock = new MachineClock(around.clock, 1_000, WALL_MS)
    const options = storageOptions(around.random)
    const makeDatabase = (): Database => new Database(new ColumnTree(SETTINGS), SETTINGS)
    const boot = bootDatabase(disk, fakeCompression, options, makeDatabase, 500)
    const { database } = boot
    const membership = membershipOf(around.membershipText)
    const replica: Replica = new Replica(
      this.#replicaOptions(membership, disk, boot.recent, makeDatabase, database, (from) =>
        storage.openLog(from),
      ),
      database,
      { nowMs: this.#clock.nowMs(), wallMs: this.#clock.wallMs() },
    )
    this.replica = replica
    const storage: Storage = new Storage(disk, fakeCompression, options, database.lastZxid, {
      onDurable: (zxid) => this.#run(() => this.#pump.durable(zxid)),
      onSnapshotSlice: () => this.#pump.snapshotSlice(),
      onSnapshotWritten: () => {},
      onFatal: (error) => this.#end(error),
    })
    const tasks = new DiskTasks({
      storage,
      database: () => replica.database,
      makeDatabase,
      writeMembership: (_membership, _isCommitted, done) => {
        around.clock.after(200, 'membership', this.#scope, () => this.#run(done))
      },
      onFatal: (error) => this.#end(error),
    })
    const links = around.peers.start(machineOf(id), this.#peerEvents())
    this.#pump = new Pump(replica, {
      network: {
        send: (connection, bytes) => {
          this.replies.get(connection)?.push(bytes.slice())
          return true
        },
        backlogBytes: () => 0,
        close: (connection) => {
          this.replies.delete(connection)
          around.clock.after(1, 'closed', this.#scope, () =>
            this.#run(() => this.#pump.closed(connection)),
          )
        },
        setReading() {},
      },
      storage,
      clock: this.#clock,
      ensemble: {
        peers: links,
        tasks,
        onRemark() {},
        onFatal: (reason) => this.#end(new Error(reason)),
      },
      wantTurnEnd: () => this.#wantTurnEnd(),
      wakeAt: (nowMs) => this.#wakeAt(nowMs),
      onWord() {},
    })
    if (boot.recovery.snapshot === null) this.#pump.beginSnapshot()
    this.#pump.start()
  }

  get isServing(): boolean {
    return this.replica.service !== null && this.ended === null
  }

  get isLeading(): boolean {
    return this.isServing && this.replica.member?.standing === 'leading'
  }

  /** A client connects; what it is sent is in {@link replies} until its connection is closed. */
  connect(): ConnectionId {
    const connection = ++this.#lastConnection
    this.replies.set(connection, [])
    this.#run(() => this.#pump.opened(connection, '192.0.2.1', 40_000))
    return connection
  }

  receive(connection: ConnectionId, bytes: Uint8Array): void {
    if (this.replies.has(connection)) this.#run(() => this.#pump.bytes(connection, bytes))
  }

  /** Its process is killed. */
  kill(): void {
    this.#scope.end()
    this.#around.peers.crash(machineOf(this.id), false)
  }

  describe(): string {
    return `${this.id}: ${this.ended ?? this.replica.member?.describe()}`
  }

  #replicaOptions(
    membership: Membership,
    disk: FakeDisk,
    recent: ReturnType<typeof bootDatabase>['recent'],
    makeDatabase: () => Database,
    { lastZxid }: Database,
    openLog: (from: Zxid) => ReturnType<Storage['openLog']>,
  ): ConstructorParameters<typeof Replica>[0] {
    const { random, reconfigEnabled } = this.#around
    return {
      serverId: this.id,
      settings: { ...SETTINGS, reconfigEnabled },
      frameBytesMax: FIELD_BYTES_MAX / 2,
      fieldBytesMax: FIELD_BYTES_MAX,
      firstSessionId: firstSessionId(this.id, WALL_MS + random.below(1_000)),
      hasher: fakeHasher,
      ensemble: {
        timing: {
          tickMs: TICK_MS,
          initLimit: 6,
          syncLimit: 4,
          connectLimit: 0,
          connectRetryMs: 100,
        },
        election: {
          notificationMinMs: 200,
          notificationMaxMs: 2_000,
          finalizeWaitMs: 200,
          connectMs: 2_000,
          bindRetries: 0,
        },
        membership,
        proposedMembership: null,
        reconfigEnabled,
        epochs: readEpochs(disk, storageOptions(random), lastZxid),
        recent,
        commitLogCount: 500,
        fieldBytesMax: FIELD_BYTES_MAX,
        forceSnapshotSync: false,
        snapshotSyncsMax: 10,
        differenceSyncsMax: 100,
        leaderServes: true,
        openLog,
        makeDatabase,
      },
    }
  }

  #peerEvents(): PeerEvents {
    const step = (task: (events: PeerEvents) => void): void =>
      this.#run(() => task(this.#pump.peers))
    return {
      listening: (door) => step((events) => events.listening(door)),
      listenFailed: (door, reason) => step((events) => events.listenFailed(door, reason)),
      accepted: (link, door, remote) => step((events) => events.accepted(link, door, remote)),
      opened: (link) => step((events) => events.opened(link)),
      bytes: (link, bytes) => step((events) => events.bytes(link, bytes)),
      drained: (link) => step((events) => events.drained(link)),
      closed: (link, reason) => step((events) => events.closed(link, reason)),
    }
  }

  #run(task: () => void): void {
    if (this.#scope.alive && this.ended === null) task()
  }

  /** A bug of ours must not pass for a decision to stop. */
  #end(error: Error): void {
    if (error instanceof InvariantError) throw error
    this.ended = error.message
  }

  #wantTurnEnd(): void {
    if (this.#turnEndWanted) return
    this.#turnEndWanted = true
    this.#around.clock.after(10, 'turn ends', this.#scope, () =>
      this.#run(() => {
        this.#turnEndWanted = false
        this.#pump.endTurn()
      }),
    )
  }

  #wakeAt(nowMs: number): void {
    if (this.#wake !== null) this.#wake.cancelled = true
    this.#wake = null
    if (nowMs === Number.POSITIVE_INFINITY) return
    assert(!Number.isNaN(nowMs), 'a deadline that is no number')
    const { clock } = this.#around
    const dueUs = Math.max(1, this.#clock.simulatedUs(Math.ceil(nowMs)) - clock.nowUs)
    this.#wake = clock.after(dueUs, 'wake', this.#scope, () => this.#run(() => this.#pump.wake()))
  }
}

export const makeDisk = (clock: VirtualClock, random: Prng): FakeDisk =>
  new FakeDisk(clock, random, CALM_DISK)

const silent = (): void => {}

const storageOptions = (random: Prng): StorageOptions => ({
  snapshotDirectory: '/data',
  logDirectory: '/data',
  preallocateBytes: 64 << 10,
  snapCount: 10_000,
  snapSizeBytes: 0,
  logSizeLimitBytes: null,
  digestEnabled: true,
  snapshotCompression: '',
  trustEmpty: false,
  fieldBytesMax: FIELD_BYTES_MAX,
  random,
  logger: { debug: silent, info: silent, warn: silent, error: silent },
})
