// Runs a replica on its ports. After each input it carries out the Ready in the one permitted
// order: transactions go to the log first, replies go out after (none of them shows what is not
// durable: the replica answers a write only when its disk has). Other servers and the disk get
// theirs at the end of the turn, so that all that happens in a turn shares one write and one sync.

import { OUTPUT_CLOSE_BYTES, OUTPUT_PAUSE_BYTES } from '../../base/limits.ts'
import type { SessionId } from '../../base/session-id.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { ClientEvents, ClientNetwork, ConnectionId } from '../../ports/client-network.ts'
import type { Clock } from '../../ports/clock.ts'
import type { LinkId, PeerEvents, PeerNetwork } from '../../ports/peer-network.ts'

import type { Storage } from '../storage/storage.ts'
import { snapshotSourceOf } from './boot.ts'
import type { TaskRunner } from './disk-tasks.ts'
import type {
  ClientOutput,
  FourLetterWord,
  Input,
  LinkOutput,
  Moment,
  Ready,
  Remark,
} from './ready.ts'
import type { Replica } from './replica.ts'

/** What the pump needs of a `Storage`. */
export type PumpStorage = Pick<
  Storage,
  'append' | 'flush' | 'snapshotDue' | 'beginSnapshot' | 'continueSnapshot'
>

/** What a member of an ensemble needs besides. */
export interface EnsemblePorts {
  readonly peers: PeerNetwork
  readonly tasks: TaskRunner
  onRemark(remark: Remark): void
  /** The server cannot go on. */
  onFatal(reason: string): void
}

export interface PumpPorts {
  readonly network: ClientNetwork
  readonly storage: PumpStorage
  readonly clock: Clock
  /** Null for a server that stands alone. */
  readonly ensemble: EnsemblePorts | null
  /** Asks for one call of `endTurn` when everything that has arrived is stepped. May be called often. */
  wantTurnEnd(): void
  /** Asks for a call of `wake` at that time of the clock, in place of any asked for before. */
  wakeAt(nowMs: number): void
  /** A four-letter word is to be answered and its connection closed. */
  onWord(word: FourLetterWord): void
}

/** Output arrays of a connection beyond this are let go once they have been sent. */
const IDLE_OUTPUT_BYTES = 64 << 10

/** How many times as long as a snapshot took, none is begun after it. */
const SNAPSHOT_REST = 4

export class Pump implements ClientEvents {
  readonly replica: Replica
  /** What the network of the ensemble tells. */
  readonly peers: PeerEvents = {
    listening: (door) => this.#step({ kind: 'door-opened', door }),
    listenFailed: (door, reason) => this.#step({ kind: 'door-failed', door, reason }),
    accepted: (link, door, remote) => this.#step({ kind: 'link-accepted', link, door, remote }),
    opened: (link) => this.#step({ kind: 'link-opened', link }),
    bytes: (link, bytes) => this.#step({ kind: 'link-bytes', link, bytes }),
    drained: (link) => {
      if (this.#fullLinks.delete(link)) this.#step({ kind: 'link-room', link })
    },
    closed: (link, reason) => {
      this.#unsent.delete(link)
      this.#fullLinks.delete(link)
      this.#roomyLinks.delete(link)
      this.#step({ kind: 'link-closed', link, reason })
    },
  }
  readonly #ports: PumpPorts
  readonly #moment: { nowMs: number; wallMs: number } = { nowMs: 0, wallMs: 0 }
  /** Connections that are not read from until they have taken what we sent. */
  readonly #stalled = new Set<ConnectionId>()
  /** Connections with more to be served, one portion a turn, so that nobody else has to wait. */
  readonly #heldBack = new Set<ConnectionId>()
  /** What this turn has for other servers: each link gets it in one write, at the turn's end. */
  readonly #unsent = new Map<LinkId, LinkOutput>()
  /** Links with more to be sent: as soon as they have taken what they were given, or next turn. */
  readonly #fullLinks = new Set<LinkId>()
  readonly #roomyLinks = new Set<LinkId>()
  #wakeAtMs = Infinity
  #snapshotBeganMs: number | null = null
  #restUntilMs = 0

  constructor(replica: Replica, ports: PumpPorts) {
    this.replica = replica
    this.#ports = ports
  }

  /** Carries out what the replica begins with. Once, when everything that it needs is there. */
  start(): void {
    this.#carryOut(this.replica.drain())
  }

  opened(connection: ConnectionId, address: string, port: number): void {
    this.#step({ kind: 'client-opened', connection, address, port })
  }

  bytes(connection: ConnectionId, bytes: Uint8Array): void {
    this.#step({ kind: 'client-bytes', connection, bytes })
  }

  drained(connection: ConnectionId): void {
    if (!this.#stalled.delete(connection)) return
    const served = this.replica.connections.get(connection)
    if (served?.isReading === true) this.#ports.network.setReading(connection, true)
    if (served?.isHeldBack === true) this.#step({ kind: 'client-drained', connection })
  }

  closed(connection: ConnectionId): void {
    this.#stalled.delete(connection)
    this.#heldBack.delete(connection)
    this.#step({ kind: 'client-closed', connection })
  }

  /** The disk has everything up to `zxid`. */
  durable(zxid: Zxid): void {
    this.#step({ kind: 'durable', zxid })
  }

  /** Ends a session as if its time had run out; the clients' connection goes with it. */
  endSession(session: SessionId): void {
    this.#step({ kind: 'session-over', session })
  }

  wake(): void {
    this.#wakeAtMs = Infinity
    this.#step({ kind: 'wake' })
  }

  /** Everything that arrived has been stepped: the disk begins, and a snapshot goes on. */
  endTurn(): void {
    const { storage } = this.#ports
    this.#serveHeldBack()
    this.#offerRoom()
    // The disk first: a leader's own write is then out of the way of its followers' writes, who
    // often share more with it than a network.
    storage.flush()
    this.sendToPeers()
    const { nodeCount } = this.replica.database.tree
    if (storage.snapshotDue(nodeCount) && this.#mayBeginSnapshot()) this.beginSnapshot()
    else if (storage.continueSnapshot()) this.#ports.wantTurnEnd()
  }

  /** Sends what waits for the end of the turn, where there will be none. */
  sendToPeers(): void {
    if (this.#unsent.size === 0) return
    const { peers } = this.#ports.ensemble!
    for (const output of this.#unsent.values()) this.#sendToPeer(peers, output)
    this.#unsent.clear()
  }

  #serveHeldBack(): void {
    if (this.#heldBack.size === 0) return
    const connections = [...this.#heldBack]
    this.#heldBack.clear()
    for (const connection of connections) this.#step({ kind: 'client-drained', connection })
  }

  #offerRoom(): void {
    if (this.#roomyLinks.size === 0) return
    const links = [...this.#roomyLinks]
    this.#roomyLinks.clear()
    for (const link of links) this.#step({ kind: 'link-room', link })
  }

  /** Begins a snapshot of the present state, to be written in slices at the ends of turns. */
  beginSnapshot(): void {
    const { database } = this.replica
    this.#snapshotBeganMs ??= this.#ports.clock.nowMs()
    this.#ports.storage.beginSnapshot(snapshotSourceOf(database), database.lastZxid)
    this.#ports.wantTurnEnd()
  }

  /** The snapshot is whole. Returns how long it took, in milliseconds. */
  snapshotWritten(): number {
    const nowMs = this.#ports.clock.nowMs()
    const tookMs = nowMs - (this.#snapshotBeganMs ?? nowMs)
    this.#snapshotBeganMs = null
    this.#restUntilMs = nowMs + SNAPSHOT_REST * tookMs
    return tookMs
  }

  /**
   * On a large tree and under a heavy load the next snapshot is due before the last one is cold.
   * Between two of them clients have the disk and the thread for themselves for a while.
   */
  #mayBeginSnapshot(): boolean {
    return this.replica.isDatabaseWhole && this.#ports.clock.nowMs() >= this.#restUntilMs
  }

  /** The snapshot being written can go on. */
  snapshotSlice(): void {
    this.#ports.wantTurnEnd()
  }

  #step(input: Input): void {
    this.replica.step(input, this.#now())
    this.#carryOut(this.replica.drain())
  }

  #now(): Moment {
    const moment = this.#moment
    moment.nowMs = this.#ports.clock.nowMs()
    moment.wallMs = this.#ports.clock.wallMs()
    return moment
  }

  #carryOut(ready: Ready): void {
    const { storage, network } = this.#ports
    if (ready.append.length > 0) {
      for (const { zxid, bytes, start, end } of ready.append)
        storage.append(zxid, bytes, start, end)
      this.#ports.wantTurnEnd()
    }
    if (this.#ports.ensemble !== null) this.#carryOutPeers(this.#ports.ensemble, ready)
    // Who is answered may ask another server next: what is committed is on its way there by then.
    if (ready.replies.length > 0 && ready.linkOutputs.length > 0) this.sendToPeers()
    for (const reply of ready.replies) this.#send(reply)
    for (const word of ready.words) this.#ports.onWord(word)
    for (const { connection, reading } of ready.reading) {
      if (!this.#stalled.has(connection)) network.setReading(connection, reading)
    }
    if (ready.wakeAtMs !== this.#wakeAtMs) {
      this.#wakeAtMs = ready.wakeAtMs
      this.#ports.wakeAt(ready.wakeAtMs)
    }
  }

  #carryOutPeers({ peers, tasks, onRemark, onFatal }: EnsemblePorts, ready: Ready): void {
    for (const remark of ready.remarks) onRemark(remark)
    for (const command of ready.linkCommands) {
      switch (command.kind) {
        case 'open-door':
          peers.listen(command.door, command.address)
          break
        case 'close-door':
          peers.stopListening(command.door)
          break
        case 'dial':
          peers.dial(command.link, command.address, command.timeoutMs)
          break
      }
    }
    if (ready.linkOutputs.length > 0) {
      for (const output of ready.linkOutputs) this.#unsent.set(output.link, output)
      this.#ports.wantTurnEnd()
    }
    for (const task of ready.tasks) {
      tasks.run(task, (database) => this.#step({ kind: 'task-done', task, database }))
    }
    if (ready.wantsSnapshot) this.beginSnapshot()
    if (ready.fatal !== null) onFatal(ready.fatal)
  }

  #sendToPeer(peers: PeerNetwork, sent: LinkOutput): void {
    const { link, output } = sent
    if (output.position > 0) {
      if (peers.send(link, output.view())) output.resetWithin(IDLE_OUTPUT_BYTES)
      else output.abandon(IDLE_OUTPUT_BYTES >> 6)
    }
    if (sent.close) {
      peers.close(link)
    } else if (sent.wantsRoom) {
      sent.wantsRoom = false
      if (peers.backlogBytes(link) > 0) this.#fullLinks.add(link)
      else this.#roomyLinks.add(link)
      this.#ports.wantTurnEnd()
    }
  }

  #send(reply: ClientOutput): void {
    const { network } = this.#ports
    const { connection, output } = reply
    if (output.position > 0) {
      if (network.send(connection, output.view())) {
        output.resetWithin(IDLE_OUTPUT_BYTES)
      } else {
        const sentBytes = output.position
        output.abandon(IDLE_OUTPUT_BYTES >> 6)
        this.#checkBacklog(connection, sentBytes)
      }
    }
    if (reply.close) {
      network.close(connection, reply.isDone)
    } else if (reply.isHeldBack && !this.#stalled.has(connection)) {
      this.#heldBack.add(connection)
      this.#ports.wantTurnEnd()
    }
  }

  /**
   * A peer that does not take what we send is not read from, and in the end closed. A single answer
   * may be of any size (the children of a very large node): only what waited before it counts.
   */
  #checkBacklog(connection: ConnectionId, sentBytes: number): void {
    const { network } = this.#ports
    const backlog = network.backlogBytes(connection)
    if (backlog - sentBytes > OUTPUT_CLOSE_BYTES) {
      network.close(connection)
    } else if (backlog > OUTPUT_PAUSE_BYTES && !this.#stalled.has(connection)) {
      this.#stalled.add(connection)
      network.setReading(connection, false)
    }
  }
}
