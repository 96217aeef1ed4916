// A server's client port without sockets: a real replica and a real pump on a network, a disk and
// a clock that a test moves by hand. After every input it checks the invariants of the replica and
// the bounds of what a connection may make the server keep. It knows no protocol.

import { crc32 } from '../../src/base/checksum.ts'
import { assert } from '../../src/base/assert.ts'
import {
  OUTPUT_CLOSE_BYTES,
  OUTPUT_PAUSE_BYTES,
  OUTSTANDING_PER_CONNECTION_MAX,
  QUEUED_BYTES_PER_CONNECTION_MAX,
} from '../../src/base/limits.ts'
import { firstSessionId } from '../../src/base/session-id.ts'
import type { Zxid } from '../../src/base/zxid.ts'
import { DEFAULT_PIPELINE_SETTINGS } from '../../src/core/pipeline/settings.ts'
import { type Observed, checkState, checkStep, observe } from '../../src/core/replica/invariants.ts'
import { Pump } from '../../src/core/replica/pump.ts'
import type { FourLetterWord } from '../../src/core/replica/ready.ts'
import { Replica } from '../../src/core/replica/replica.ts'
import type { DataTree } from '../../src/core/tree/data-tree.ts'
import { Database } from '../../src/core/tree/database.ts'
import { NodeHasher } from '../../src/io/crypto/node-hasher.ts'
import type { ClientNetwork, ConnectionId } from '../../src/ports/client-network.ts'

/** Small, so that oversized frames and full queues cost little. */
export const FRAME_BYTES_MAX: number = 64 << 10

/** What a field of a record may have, and a record in the log. */
export const FIELD_BYTES_MAX: number = FRAME_BYTES_MAX + 1_024

/** The most that one delivery hands over, as a socket does. */
export const CHUNK_BYTES_MAX: number = 64 << 10

const WALL_MS = 1_700_000_000_000

export class ScriptedPort {
  readonly replica: Replica
  readonly connections: Map<ConnectionId, ScriptedConnection> = new Map()
  /** Every transaction that reached the log, in order. */
  readonly log: Uint8Array[] = []
  readonly words: FourLetterWord[] = []
  nowMs: number = 1_000

  readonly #pump: Pump
  readonly #settings = {
    ...DEFAULT_PIPELINE_SETTINGS,
    extendedTypes: true,
    enforceQuota: true,
    tickMs: 1_000,
    minSessionTimeoutMs: 2_000,
    maxSessionTimeoutMs: 20_000,
    containerCheckIntervalMs: 10_000,
  }
  #nextConnection: ConnectionId = 1
  #wakeAtMs = Infinity
  #written: Zxid
  #observed: Observed

  constructor(makeTree: (rules: typeof DEFAULT_PIPELINE_SETTINGS) => DataTree) {
    const database = new Database(makeTree(this.#settings), this.#settings)
    this.#written = database.lastZxid
    this.replica = new Replica(
      {
        serverId: 1,
        settings: this.#settings,
        frameBytesMax: FRAME_BYTES_MAX,
        fieldBytesMax: FIELD_BYTES_MAX,
        firstSessionId: firstSessionId(1, WALL_MS),
        hasher: new NodeHasher(),
        ensemble: null,
      },
      database,
      { nowMs: this.nowMs, wallMs: WALL_MS },
    )
    this.#pump = new Pump(this.replica, {
      network: new ScriptedNetwork(this.connections),
      storage: {
        append: (zxid, bytes, start, end) => {
          assert(end - start <= FIELD_BYTES_MAX, 'a record that cannot be read back')
          this.log.push(bytes.slice(start, end))
          this.#written = zxid
        },
        flush() {},
        snapshotDue: () => false,
        beginSnapshot() {},
        continueSnapshot: () => false,
      },
      clock: { nowMs: () => this.nowMs, wallMs: () => WALL_MS + this.nowMs },
      ensemble: null,
      wantTurnEnd() {},
      wakeAt: (nowMs) => {
        this.#wakeAtMs = nowMs
      },
      onWord: (word) => {
        this.words.push(word)
        this.connections.get(word.connection)!.isEnding = true
      },
    })
    this.#pump.start()
    this.#observed = observe(this.replica)
  }

  open(address: string): ScriptedConnection {
    const connection = new ScriptedConnection(this.#nextConnection++)
    this.connections.set(connection.id, connection)
    this.#step(() => this.#pump.opened(connection.id, address, 40_000))
    return connection
  }

  /** Hands over the next chunk that the client has sent, where the server reads at all. */
  deliver(connection: ScriptedConnection): boolean {
    const chunk = connection.inbox[0]
    if (chunk === undefined || connection.isClosed) return false
    if (connection.isEnding) {
      connection.inbox.length = 0
      return false
    }
    if (!connection.isReading) return false
    connection.inbox.shift()
    // The network takes its array back after the call: whoever still looks at it sees rubbish.
    const lent = chunk.slice()
    this.#step(() => this.#pump.bytes(connection.id, lent))
    lent.fill(0xee)
    return true
  }

  /** The client takes what waits for it. */
  take(connection: ScriptedConnection): void {
    if (connection.isClosed || !connection.takeBacklog()) return
    if (!connection.isEnding) this.#step(() => this.#pump.drained(connection.id))
  }

  /** The connection is gone, whoever wanted it. */
  closed(connection: ScriptedConnection): void {
    if (connection.isClosed) return
    connection.isClosed = true
    this.connections.delete(connection.id)
    this.#step(() => this.#pump.closed(connection.id))
  }

  /** The disk has written everything. */
  finishDisk(): void {
    this.#pump.endTurn()
    this.#step(() => this.#pump.durable(this.#written))
  }

  advance(byMs: number): void {
    const untilMs = this.nowMs + byMs
    while (this.#wakeAtMs <= untilMs) {
      this.nowMs = Math.max(this.nowMs, this.#wakeAtMs)
      this.#wakeAtMs = Infinity
      this.#step(() => this.#pump.wake())
      this.finishDisk()
    }
    this.nowMs = untilMs
  }

  /** A database made anew from the log alone. */
  rebuild(makeTree: (rules: typeof DEFAULT_PIPELINE_SETTINGS) => DataTree): Database {
    const database = new Database(makeTree(this.#settings), this.#settings)
    for (const txn of this.log) database.apply(txn, 0, txn.length, null)
    return database
  }

  #step(act: () => void): void {
    act()
    checkState(this.replica)
    const observed = observe(this.replica)
    checkStep(this.#observed, observed)
    this.#observed = observed
    for (const connection of this.connections.values()) this.#checkBounds(connection)
  }

  #checkBounds(connection: ScriptedConnection): void {
    const held = this.replica.connections.get(connection.id)
    if (held === undefined) return
    const { framer, queue, queuedBytes, output } = held
    const requestsInChunk = CHUNK_BYTES_MAX / 8
    atMost('bytes of a frame', framer.heldBytes, FRAME_BYTES_MAX + 2 * CHUNK_BYTES_MAX)
    atMost('queued requests', queue.length, OUTSTANDING_PER_CONNECTION_MAX + requestsInChunk)
    atMost('queued bytes', queuedBytes, QUEUED_BYTES_PER_CONNECTION_MAX + 2 * CHUNK_BYTES_MAX)
    atMost('unsent output', output.position, 0)
    atMost('output array', output.bytes.length, 2 * OUTPUT_PAUSE_BYTES)
    atMost('largest write', connection.largestWrite, OUTPUT_CLOSE_BYTES + 2 * FRAME_BYTES_MAX)
    atMost('backlog', connection.backlog, OUTPUT_CLOSE_BYTES + OUTPUT_PAUSE_BYTES)
  }
}

/** One connection, as the network and its client see it. */
export class ScriptedConnection {
  readonly id: ConnectionId
  /** Chunks that the client has sent and the server has not read. */
  readonly inbox: Uint8Array[] = []
  /** Does not take what the server sends until {@link ScriptedPort.take}. */
  isSlow: boolean = false
  isReading: boolean = true
  /** The server has closed; the client may still take what was sent. */
  isEnding: boolean = false
  isClosed: boolean = false
  backlog: number = 0
  largestWrite: number = 0
  /** What the client has taken and nobody has looked at yet. */
  #taken: Uint8Array[] = []
  readonly #kept: { readonly bytes: Uint8Array; readonly fingerprint: number }[] = []

  constructor(id: ConnectionId) {
    this.id = id
  }

  /** Puts what the client sends where the server will find it, in chunks of at most so many bytes. */
  push(bytes: Uint8Array, chunkBytes: number = CHUNK_BYTES_MAX): void {
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      this.inbox.push(bytes.slice(at, at + chunkBytes))
    }
  }

  send(bytes: Uint8Array): boolean {
    this.largestWrite = Math.max(this.largestWrite, bytes.length)
    if (!this.isSlow && this.backlog === 0) {
      this.#taken.push(bytes.slice())
      return true
    }
    this.#kept.push({ bytes, fingerprint: crc32(0, bytes, 0, bytes.length) })
    this.backlog += bytes.length
    return false
  }

  takeBacklog(): boolean {
    if (this.backlog === 0) return false
    for (const { bytes, fingerprint } of this.#kept) {
      assert(crc32(0, bytes, 0, bytes.length) === fingerprint, 'a kept array was written to')
      this.#taken.push(bytes.slice())
    }
    this.#kept.length = 0
    this.backlog = 0
    return true
  }

  takeReceived(): readonly Uint8Array[] {
    const received = this.#taken
    this.#taken = []
    return received
  }
}

class ScriptedNetwork implements ClientNetwork {
  readonly #connections: ReadonlyMap<ConnectionId, ScriptedConnection>

  constructor(connections: ReadonlyMap<ConnectionId, ScriptedConnection>) {
    this.#connections = connections
  }

  send(id: ConnectionId, bytes: Uint8Array): boolean {
    const connection = this.#connections.get(id)
    return connection === undefined || connection.isEnding ? true : connection.send(bytes)
  }

  backlogBytes(id: ConnectionId): number {
    return this.#connections.get(id)?.backlog ?? 0
  }

  close(id: ConnectionId): void {
    const connection = this.#connections.get(id)
    if (connection !== undefined) connection.isEnding = true
  }

  setReading(id: ConnectionId, reading: boolean): void {
    const connection = this.#connections.get(id)
    if (connection !== undefined) connection.isReading = reading
  }
}

function atMost(what: string, value: number, limit: number): void {
  assert(value <= limit, () => `${what}: ${value}, more than ${limit}`)
}
