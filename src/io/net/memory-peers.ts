// The links between the servers of an ensemble that lives in one process, with the accidents that a
// test wants to see: directions that are cut, servers that stand still or are gone. Bytes arrive in
// order in a later turn, never within a call. What cannot arrive waits, as it does in a kernel.

import type { Timers } from '../../ports/clock.ts'
import type {
  LinkId,
  PeerAddress,
  PeerDoor,
  PeerEvents,
  PeerNetwork,
} from '../../ports/peer-network.ts'

/** How long a link that a server has ended may take to deliver its last bytes. */
const LINGER_MS = 5_000

export class MemoryPeers {
  readonly #timers: Timers
  readonly #servers = new Map<number, MemoryPeer>()
  readonly #cuts = new Set<string>()
  readonly #paused = new Set<number>()

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** The network as a server sees it that has just been started; one with this number was crashed. */
  attach(server: number): MemoryPeer {
    this.crash(server)
    const peer = new MemoryPeer(server, this, this.#timers)
    this.#servers.set(server, peer)
    return peer
  }

  /** Nothing from one server reaches the other any more; the other direction is not touched. */
  cut(from: number, to: number): void {
    this.#cuts.add(`${from}>${to}`)
  }

  /** Both directions work again; what was held back arrives. */
  heal(one: number, other: number): void {
    this.#cuts.delete(`${one}>${other}`)
    this.#cuts.delete(`${other}>${one}`)
    this.#flow()
  }

  healAll(): void {
    this.#cuts.clear()
    this.#flow()
  }

  /** The server hears nothing until {@link resume}, as a process that is stopped. */
  pause(server: number): void {
    this.#paused.add(server)
  }

  resume(server: number): void {
    this.#paused.delete(server)
    this.#flow()
  }

  /** The server is gone, and is told nothing. What it had sent arrives, and then the end of its links. */
  crash(server: number): void {
    this.#servers.get(server)?.vanish()
    this.#servers.delete(server)
    this.#paused.delete(server)
  }

  /** For {@link MemoryPeer} only. */
  carries(from: number, to: number): boolean {
    return !this.#cuts.has(`${from}>${to}`)
  }

  /** For {@link MemoryPeer} only. */
  isPaused(server: number): boolean {
    return this.#paused.has(server)
  }

  /** For {@link MemoryPeer} only: who listens there, and behind which door. */
  find({ host, port }: PeerAddress): { peer: MemoryPeer; door: PeerDoor } | null {
    for (const peer of this.#servers.values()) {
      const door = peer.doorAt(host, port)
      if (door !== null) return { peer, door }
    }
    return null
  }

  #flow(): void {
    for (const peer of this.#servers.values()) peer.flow()
  }
}

/** One server's side of it all. */
export class MemoryPeer implements PeerNetwork {
  readonly server: number
  readonly #world: MemoryPeers
  readonly #timers: Timers
  readonly #doors = new Map<PeerDoor, PeerAddress>()
  readonly #ends = new Map<LinkId, LinkEnd>()
  readonly #dialling = new Map<LinkId, Dialling>()
  #events: PeerEvents | null = null
  #isStopped = false
  #nextId: LinkId = 1

  constructor(server: number, world: MemoryPeers, timers: Timers) {
    this.server = server
    this.#world = world
    this.#timers = timers
  }

  /** To be called before anything else: `events` hears of it all. */
  start(events: PeerEvents): void {
    this.#events = events
  }

  listen(door: PeerDoor, address: PeerAddress): void {
    this.#doors.delete(door)
    if (this.#isStopped) return
    const isTaken = this.#world.find(address) !== null
    if (!isTaken) this.#doors.set(door, address)
    soon(() => {
      if (isTaken) this.#events?.listenFailed(door, `${textOf(address)} is in use`)
      else if (this.#doors.get(door) === address) this.#events?.listening(door)
    })
  }

  stopListening(door: PeerDoor): void {
    this.#doors.delete(door)
  }

  dial(id: LinkId, address: PeerAddress, timeoutMs: number): void {
    if (this.#isStopped) {
      soon(() => this.#events?.closed(id, 'this server has stopped'))
      return
    }
    const dialling: Dialling = {
      address,
      isOver: false,
      giveUp: this.#timers.schedule(timeoutMs, () =>
        this.#failDial(id, `no connection within ${timeoutMs} ms`),
      ),
    }
    this.#dialling.set(id, dialling)
    soon(() => this.#tryDial(id, dialling))
  }

  send(id: LinkId, bytes: Uint8Array): boolean {
    const end = this.#ends.get(id)
    if (end !== undefined && !end.isEnded) {
      end.other.push({ kind: 'bytes', bytes: bytes.slice() })
      end.leftBacklog = true
    }
    return true
  }

  backlogBytes(id: LinkId): number {
    return this.#ends.get(id)?.other.waitingBytes ?? 0
  }

  close(id: LinkId): void {
    const dialling = this.#dialling.get(id)
    if (dialling !== undefined) {
      dialling.isOver = true
      soon(() => this.#failDial(id, 'closed by this server'))
    }
    this.#ends.get(id)?.endHere()
  }

  /** Accepts and dials no more, ends all links, and resolves when they are gone. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#doors.clear()
    for (const id of [...this.#dialling.keys()]) this.close(id)
    for (const end of [...this.#ends.values()]) end.endHere(0)
    while (this.#ends.size > 0 || this.#dialling.size > 0) {
      await new Promise<void>((resolve) => soon(resolve))
    }
  }

  /** For {@link MemoryPeers} and the other servers only, from here on. */
  doorAt(host: string, port: number): PeerDoor | null {
    for (const [door, address] of this.#doors) {
      if (address.host === host && address.port === port) return door
    }
    return null
  }

  vanish(): void {
    this.#isStopped = true
    this.#events = null
    this.#doors.clear()
    for (const { giveUp } of this.#dialling.values()) giveUp()
    this.#dialling.clear()
    for (const end of this.#ends.values()) end.vanish()
    this.#ends.clear()
  }

  flow(): void {
    for (const [id, dialling] of this.#dialling) soon(() => this.#tryDial(id, dialling))
    for (const end of this.#ends.values()) end.schedule()
  }

  #tryDial(id: LinkId, dialling: Dialling): void {
    if (this.#dialling.get(id) !== dialling || dialling.isOver) return
    const found = this.#world.find(dialling.address)
    if (found === null) {
      this.#failDial(id, `nobody listens at ${textOf(dialling.address)}`)
      return
    }
    const { peer, door } = found
    const isReachable =
      this.#world.carries(this.server, peer.server) && this.#world.carries(peer.server, this.server)
    if (!isReachable) return
    dialling.giveUp()
    this.#dialling.delete(id)
    const here = this.#makeEnd(id, peer.server)
    const there = peer.#makeEnd(peer.#nextId++, this.server)
    here.other = there
    there.other = here
    here.push({ kind: 'opened' })
    there.push({ kind: 'accepted', door, remote: `server-${this.server}:0` })
  }

  #failDial(id: LinkId, reason: string): void {
    const dialling = this.#dialling.get(id)
    if (dialling === undefined) return
    dialling.giveUp()
    this.#dialling.delete(id)
    this.#events?.closed(id, reason)
  }

  #makeEnd(id: LinkId, from: number): LinkEnd {
    const end = new LinkEnd({
      timers: this.#timers,
      isBlocked: () => this.#world.isPaused(this.server) || !this.#world.carries(from, this.server),
      hear: (item) => this.#hear(id, item),
      onGone: (reason) => {
        this.#ends.delete(id)
        this.#events?.closed(id, reason)
      },
    })
    this.#ends.set(id, end)
    return end
  }

  #hear(id: LinkId, item: Item): void {
    const events = this.#events
    if (item.kind === 'opened') events?.opened(id)
    else if (item.kind === 'accepted') events?.accepted(id, item.door, item.remote)
    else if (item.kind === 'bytes') events?.bytes(id, item.bytes)
    else if (item.kind === 'drained') events?.drained(id)
  }
}

interface Dialling {
  readonly address: PeerAddress
  readonly giveUp: () => void
  isOver: boolean
}

/** What travels to one end of a link, in order. */
type Item =
  | { readonly kind: 'opened' }
  | { readonly kind: 'accepted'; readonly door: PeerDoor; readonly remote: string }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'drained' }
  | { readonly kind: 'end'; readonly reason: string }

interface EndContext {
  readonly timers: Timers
  isBlocked(): boolean
  hear(item: Item): void
  /** Called once; nothing is heard after it. */
  onGone(reason: string): void
}

/** One end of a link, with what is on its way to it. */
class LinkEnd {
  /** The opposite end, which is set as soon as both exist. */
  other!: LinkEnd
  /** Bytes on their way to this end. */
  waitingBytes = 0
  /** This side has said all it will say. */
  isEnded = false
  /** This side has sent what was not taken at once. */
  leftBacklog = false
  readonly #context: EndContext
  readonly #items: Item[] = []
  #isScheduled = false
  #isGone = false
  #onTaken: (() => void) | null = null
  /** Takes back the alarm of an end that waits for the other one. */
  #stopLingering: (() => void) | null = null

  constructor(context: EndContext) {
    this.#context = context
  }

  push(item: Item): void {
    if (this.#isGone) return
    this.#items.push(item)
    if (item.kind === 'bytes') this.waitingBytes += item.bytes.length
    this.schedule()
  }

  /** The other end gets what was sent, then hears of the end; this one hears of it at last. */
  endHere(lingerMs: number = LINGER_MS): void {
    const reason = 'closed by this server'
    if (this.isEnded) {
      // It has had its time: nobody waits any longer.
      if (lingerMs === 0) this.#leave(reason)
      return
    }
    this.isEnded = true
    this.#stopLingering = this.#context.timers.schedule(lingerMs, () => this.#leave(reason))
    this.other.push({ kind: 'end', reason: 'the peer closed the connection' })
    this.other.onTaken(() => this.#leave(reason))
  }

  /** The server of this end is no more. */
  vanish(): void {
    this.#isGone = true
    this.#stopLingering?.()
    if (!this.isEnded) this.other.push({ kind: 'end', reason: 'the connection was reset' })
    this.isEnded = true
  }

  /** Calls `task` when everything on its way to this end has arrived, or never will. */
  onTaken(task: () => void): void {
    if (this.#isGone) soon(task)
    else this.#onTaken = task
  }

  schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    soon(() => {
      this.#isScheduled = false
      this.#flow()
    })
  }

  #flow(): void {
    while (!this.#isGone && !this.#context.isBlocked()) {
      const item = this.#items.shift()
      if (item === undefined) break
      if (item.kind === 'end') {
        this.isEnded = true
        this.#leave(item.reason)
        return
      }
      if (item.kind === 'bytes') this.#took(item.bytes.length)
      if (!this.isEnded) this.#context.hear(item)
    }
  }

  #took(byteCount: number): void {
    this.waitingBytes -= byteCount
    const { other } = this
    if (this.waitingBytes > 0 || !other.leftBacklog || other.isEnded) return
    other.leftBacklog = false
    other.push({ kind: 'drained' })
  }

  #leave(reason: string): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#stopLingering?.()
    this.#items.length = 0
    this.waitingBytes = 0
    this.#onTaken?.()
    this.#context.onGone(reason)
  }
}

const textOf = ({ host, port }: PeerAddress): string => `${host}:${port}`

/** A turn of the event loop, so that timers and sockets of others have their time as well. */
const soon = (task: () => void): void => void setImmediate(task)
