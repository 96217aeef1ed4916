// Our server as a scenario drives it: a replica and its pump on a network, a disk and a clock that
// the script controls. After every turn the invariants of the replica are checked.

import { assert } from '../../../src/base/assert.ts'
import type { SessionId } from '../../../src/base/session-id.ts'
import {
  DEFAULT_PIPELINE_SETTINGS,
  type PipelineSettings,
} from '../../../src/core/pipeline/settings.ts'
import { checkState, checkStep, observe } from '../../../src/core/replica/invariants.ts'
import { Pump } from '../../../src/core/replica/pump.ts'
import { Replica } from '../../../src/core/replica/replica.ts'
import { ColumnTree } from '../../../src/core/tree/column-tree.ts'
import type { DataTree } from '../../../src/core/tree/data-tree.ts'
import { Database } from '../../../src/core/tree/database.ts'
import { NaiveTree } from '../../../src/core/tree/naive-tree.ts'
import { NodeHasher } from '../../../src/io/crypto/node-hasher.ts'
import type { Backend, BackendEvents } from './backend.ts'
import { ScriptedNetwork } from './scripted-network.ts'
import { ScriptedStorage } from './scripted-storage.ts'

export type TreeKind = 'naive' | 'column'

export interface ServerSettings {
  readonly pipeline: PipelineSettings
  readonly frameBytesMax: number
  readonly watchesPerConnectionMax: number | undefined
}

export const DEFAULT_SERVER_SETTINGS: ServerSettings = {
  pipeline: {
    ...DEFAULT_PIPELINE_SETTINGS,
    tickMs: 2_000,
    minSessionTimeoutMs: 4_000,
    maxSessionTimeoutMs: 40_000,
  },
  frameBytesMax: 1_048_575,
  watchesPerConnectionMax: undefined,
}

export class ReplicaBackend implements Backend {
  /** False: the disk finishes only when the script says so. */
  isDiskPrompt = true
  replica: Replica
  storage = new ScriptedStorage([])

  readonly #tree: TreeKind
  readonly #settings: ServerSettings
  readonly #events: BackendEvents
  #network: ScriptedNetwork
  #pump: Pump
  #nowMs = 0
  #wallOffsetMs = 100_000
  #wakeAtMs = Infinity
  #wantsTurnEnd = false
  #lives = 0

  constructor(tree: TreeKind, settings: ServerSettings, events: BackendEvents) {
    this.#tree = tree
    this.#settings = settings
    this.#events = events
    this.#network = new ScriptedNetwork(events)
    this.replica = this.#makeReplica()
    this.#pump = this.#makePump()
    this.#pump.start()
  }

  open(connection: number, address: string): void {
    this.#network.opened(connection)
    this.#pump.opened(connection, address, 40_000 + connection)
  }

  bytes(connection: number, bytes: Uint8Array): void {
    this.#network.arrived(connection, bytes)
  }

  drop(connection: number): void {
    this.#network.dropped(connection)
    this.#pump.closed(connection)
  }

  settle(): void {
    let isBusy = true
    while (isBusy) {
      isBusy = false
      for (let one = this.#network.takeArrived(); one; one = this.#network.takeArrived()) {
        isBusy = true
        this.#checked(() => this.#pump.bytes(one!.connection, one!.bytes))
      }
      for (const connection of this.#network.takeClosed()) {
        isBusy = true
        this.#checked(() => this.#pump.closed(connection))
      }
      if (this.#wantsTurnEnd) {
        isBusy = true
        this.#wantsTurnEnd = false
        this.#pump.endTurn()
      }
      if (this.isDiskPrompt && !this.storage.isIdle) {
        isBusy = true
        this.completeDisk(Infinity)
      }
    }
  }

  /** The disk finishes up to `count` more transactions. */
  completeDisk(count: number): void {
    const zxid = this.storage.complete(count)
    if (zxid !== null) this.#checked(() => this.#pump.durable(zxid))
  }

  /** Moves both clocks, stopping at each deadline on the way. */
  advance(byMs: number): void {
    const targetMs = this.#nowMs + byMs
    while (this.#wakeAtMs <= targetMs) {
      const wasMs = this.#nowMs
      this.#nowMs = Math.max(this.#nowMs, this.#wakeAtMs)
      if (this.#nowMs !== wasMs) this.#events.time(this.#nowMs)
      this.#wakeAtMs = Infinity
      this.#checked(() => this.#pump.wake())
      this.settle()
    }
    this.#nowMs = targetMs
    this.#events.time(targetMs)
  }

  /** The wall clock jumps; the other one does not notice. */
  jump(byMs: number): void {
    this.#wallOffsetMs += byMs
  }

  /** The process dies at once and starts again with what was durable. */
  restart(): void {
    this.#lives++
    this.storage = new ScriptedStorage(this.storage.durable)
    this.#network = new ScriptedNetwork(this.#events)
    this.#wakeAtMs = Infinity
    this.#wantsTurnEnd = false
    this.replica = this.#makeReplica()
    this.#pump = this.#makePump()
    this.#pump.start()
  }

  #checked(step: () => void): void {
    const before = observe(this.replica)
    step()
    checkState(this.replica)
    checkStep(before, observe(this.replica))
  }

  #makeReplica(): Replica {
    const { pipeline, frameBytesMax, watchesPerConnectionMax } = this.#settings
    const database = new Database(this.#makeTree(), pipeline)
    for (const { bytes } of this.storage.durable) database.apply(bytes, 0, bytes.length, null)
    assert(database.digestMismatches === 0, 'the log leads to another tree than it says')
    database.dropOrphanEphemerals()
    return new Replica(
      {
        serverId: 1,
        settings: pipeline,
        frameBytesMax,
        fieldBytesMax: 2 * frameBytesMax,
        firstSessionId: (0x0100_0000_0000_0000n + BigInt(this.#lives << 16)) as SessionId,
        hasher: new NodeHasher(),
        ensemble: null,
        ...(watchesPerConnectionMax === undefined ? {} : { watchesPerConnectionMax }),
      },
      database,
      this.#moment(),
    )
  }

  #makeTree(): DataTree {
    const { pipeline } = this.#settings
    return this.#tree === 'naive' ? new NaiveTree(pipeline) : new ColumnTree(pipeline)
  }

  #makePump(): Pump {
    return new Pump(this.replica, {
      network: this.#network,
      storage: this.storage,
      clock: { nowMs: () => this.#nowMs, wallMs: () => this.#moment().wallMs },
      ensemble: null,
      wantTurnEnd: () => {
        this.#wantsTurnEnd = true
      },
      wakeAt: (nowMs) => {
        this.#wakeAtMs = nowMs
      },
      onWord: ({ connection, word }) => {
        this.#events.word(connection, word)
        this.#network.close(connection)
      },
    })
  }

  #moment(): { nowMs: number; wallMs: number } {
    return { nowMs: this.#nowMs, wallMs: this.#nowMs + this.#wallOffsetMs }
  }
}
