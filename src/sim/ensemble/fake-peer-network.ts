// A simulated network between servers: to each it is a `PeerNetwork`. A link is two pipes; bytes
// arrive late and cut anywhere. Paths between two machines can be cut in one direction or both,
// links reset at any byte, attempts refused or left hanging, doors not opened. It checks what was
// promised about arrays that change hands, shows all bytes to whoever watches, and knows nothing
// of what they mean.

import { InvariantError } from '../../base/assert.ts'
import { crc32 } from '../../base/checksum.ts'
import type { Prng } from '../../base/prng.ts'
import type {
  LinkId,
  PeerAddress,
  PeerDoor,
  PeerEvents,
  PeerNetwork,
} from '../../ports/peer-network.ts'
import { FakePipe, type PipeConditions, liveConditions } from '../fake-pipe.ts'
import { Scope, type VirtualClock } from '../virtual-clock.ts'

export interface PeerConditions extends PipeConditions {
  /** How often an attempt is refused, or never answered. */
  readonly refuse: number
  readonly hang: number
  /** How often a door cannot be opened. */
  readonly listenFail: number
  /** How often the network keeps the array that a server sends. */
  readonly keepArrays: number
  /** How often a link over a path that was cut is gone when the path is back. */
  readonly resetAtHeal: number
}

export const CALM_PEERS: PeerConditions = {
  delayUs: [50, 500],
  chunking: 'as-sent',
  refuse: 0,
  hang: 0,
  listenFail: 0,
  keepArrays: 0.5,
  resetAtHeal: 0.5,
}

/** Sees what travels. `side` is who sends: 0 the one that dialled, 1 the one that accepted. */
export interface PeerTap {
  sent(link: FakeLink, side: 0 | 1, bytes: Uint8Array): void
  arrived(link: FakeLink, side: 0 | 1, bytes: Uint8Array): void
}

const SYN_RETRY_US = 300_000

export class FakePeerNetwork {
  readonly #clock: VirtualClock
  readonly #random: Prng
  readonly #doors = new Map<string, OpenDoor>()
  readonly #running = new Map<string, FakePeers>()
  readonly #links = new Set<FakeLink>()
  readonly #blocked = new Set<string>()
  readonly #stopped = new Set<string>()
  #conditions: PeerConditions
  readonly #pipeConditions: PipeConditions = liveConditions(() => this.#conditions)
  #count = 0
  tap: PeerTap | null = null

  constructor(clock: VirtualClock, random: Prng, conditions: PeerConditions) {
    this.#clock = clock
    this.#random = random
    this.#conditions = conditions
  }

  get conditions(): PeerConditions {
    return this.#conditions
  }

  /** For links that exist as well. */
  setConditions(conditions: PeerConditions): void {
    this.#conditions = conditions
  }

  /** Links that exist, oldest first. */
  get links(): readonly FakeLink[] {
    return [...this.#links]
  }

  /** A process begins on a machine; what it returns is its way to others. */
  start(machine: string, events: PeerEvents): FakePeers {
    const peers = new FakePeers(this, machine, events)
    this.#running.set(machine, peers)
    return peers
  }

  /** The machine's process ends; where the machine itself is lost, others may never be told. */
  crash(machine: string, machineLost: boolean): void {
    const peers = this.#running.get(machine)
    if (peers === undefined) return
    this.#running.delete(machine)
    this.#stopped.delete(machine)
    peers.scope.end()
    for (const [name, door] of this.#doors) if (door.peers === peers) this.#doors.delete(name)
    for (const link of [...this.#links]) {
      for (const end of link.ends) if (end.peers === peers) this.#loseEnd(link, end, machineLost)
    }
  }

  /** The machine takes nothing that arrives, or does so again; its system goes on. */
  setStopped(machine: string, stopped: boolean): void {
    if (stopped) this.#stopped.add(machine)
    else this.#stopped.delete(machine)
    this.#regulateAll()
  }

  /** From now on nothing gets from one machine to the other. */
  block(from: string, to: string): void {
    this.#blocked.add(`${from}>${to}`)
    this.#regulateAll()
  }

  /** What was held back arrives late, or its link is gone. */
  unblock(from: string, to: string): void {
    if (!this.#blocked.delete(`${from}>${to}`)) return
    for (const link of [...this.#links]) {
      const [dialler, acceptor] = link.ends
      const isMeant =
        (dialler.machine === from && acceptor.machine === to) ||
        (acceptor.machine === from && dialler.machine === to)
      if (isMeant && this.#random.chance(this.#conditions.resetAtHeal)) this.reset(link)
    }
    this.#regulateAll()
  }

  isBlocked(from: string, to: string): boolean {
    return this.#blocked.has(`${from}>${to}`)
  }

  unblockAll(): void {
    for (const path of [...this.#blocked]) {
      const [from, to] = path.split('>') as [string, string]
      this.unblock(from, to)
    }
  }

  /** Both sides lose the link, and whatever is under way, each in its own time. */
  reset(link: FakeLink): void {
    for (const end of link.ends) {
      end.out.abandon()
      if (end.peers !== null) this.#later(end, () => this.#closeEnd(link, end, 'connection reset'))
    }
  }

  /** Lets whoever still believes in a link to a lost process know. */
  endHalfOpen(): void {
    for (const link of [...this.#links]) if (link.isHalfOpen) this.reset(link)
  }

  // For `FakePeers`.

  openDoor(peers: FakePeers, door: PeerDoor, address: PeerAddress): void {
    const name = `${address.host}:${address.port}`
    const wanted = { peers, door }
    peers.wantedDoors.set(door, name)
    this.#clock.after(this.#random.below(500), `door ${name}`, peers.scope, () => {
      if (peers.wantedDoors.get(door) !== name) return
      if (this.#doors.has(name) || this.#random.chance(this.#conditions.listenFail)) {
        peers.wantedDoors.delete(door)
        peers.events.listenFailed(door, `${name} is in use`)
        return
      }
      this.#doors.set(name, wanted)
      peers.events.listening(door)
    })
  }

  closeDoor(peers: FakePeers, door: PeerDoor): void {
    peers.wantedDoors.delete(door)
    for (const [name, open] of this.#doors) {
      if (open.peers === peers && open.door === door) this.#doors.delete(name)
    }
  }

  dial(peers: FakePeers, id: LinkId, address: PeerAddress, timeoutMs: number): void {
    const link = this.#makeLink(address)
    const [dialler] = link.ends
    dialler.peers = peers
    dialler.machine = peers.machine
    dialler.id = id
    peers.ends.set(id, { link, end: dialler })
    const isHanging = this.#random.chance(this.#conditions.hang)
    const isRefused = this.#random.chance(this.#conditions.refuse)
    this.#clock.after(timeoutMs * 1_000, 'dial times out', peers.scope, () => {
      if (dialler.isOpen || dialler.peers === null) return
      this.#closeEnd(link, dialler, 'timed out')
    })
    if (isHanging) return
    const attempt = (): void => {
      if (dialler.peers === null) return
      const to = address.host
      if (this.isBlocked(peers.machine, to) || this.isBlocked(to, peers.machine)) {
        this.#clock.after(SYN_RETRY_US, 'dial again', peers.scope, attempt)
        return
      }
      const door = this.#doors.get(`${to}:${address.port}`)
      if (door === undefined || isRefused) {
        this.#closeEnd(link, dialler, `connection to ${to}:${address.port} refused`)
        return
      }
      this.#accept(link, door)
    }
    this.#clock.after(this.#delayUs(), 'dial', peers.scope, attempt)
  }

  send(link: FakeLink, end: FakeEnd, bytes: Uint8Array): boolean {
    const side = end === link.ends[0] ? 0 : 1
    if (bytes.length === 0) return true
    this.tap?.sent(link, side, bytes)
    if (link.isHalfOpen) this.#answerWithReset(link, end)
    end.owesDrained = true
    if (!this.#random.chance(this.#conditions.keepArrays)) {
      end.out.send(bytes.slice(), null)
      return true
    }
    const fingerprint = crc32(0, bytes, 0, bytes.length)
    end.out.send(bytes, () => {
      if (crc32(0, bytes, 0, bytes.length) !== fingerprint) {
        throw new InvariantError(`an array kept for ${link.label} was written to`)
      }
    })
    return false
  }

  close(link: FakeLink, end: FakeEnd): void {
    const other = link.otherOf(end)
    end.out.end()
    other.out.abandon()
    this.#clock.after(0, 'closed', end.peers?.scope ?? null, () =>
      this.#closeEnd(link, end, 'closed'),
    )
  }

  // Links.

  #makeLink(address: PeerAddress): FakeLink {
    const number = ++this.#count
    const link: FakeLink = new FakeLink(number, address.host, (side) => {
      const pipe = new FakePipe(this.#clock, this.#random, this.#pipeConditions, `peer ${number}`, {
        bytes: (chunk) => this.#arrived(link, side, chunk),
        ended: () => this.#closeEnd(link, link.ends[side === 0 ? 1 : 0], 'closed by the peer'),
      })
      pipe.setReading(false)
      return pipe
    })
    this.#links.add(link)
    return link
  }

  #accept(link: FakeLink, door: OpenDoor): void {
    const [dialler, acceptor] = link.ends
    const { peers } = door
    link.door = door.door
    acceptor.peers = peers
    // A reconfiguration may have given one server the address of another machine.
    acceptor.machine = peers.machine
    acceptor.id = ++this.#count
    acceptor.isOpen = true
    peers.ends.set(acceptor.id, { link, end: acceptor })
    peers.events.accepted(acceptor.id, door.door, `${dialler.machine}:${40_000 + link.number}`)
    this.#regulate(link)
    const open = (): void => {
      if (dialler.peers === null || dialler.isOpen) return
      if (this.isBlocked(acceptor.machine, dialler.machine)) {
        this.#clock.after(SYN_RETRY_US, 'opened', dialler.peers.scope, open)
        return
      }
      dialler.isOpen = true
      dialler.peers.events.opened(dialler.id)
      this.#regulate(link)
    }
    this.#clock.after(this.#delayUs(), 'opened', dialler.peers?.scope ?? null, open)
  }

  #arrived(link: FakeLink, side: 0 | 1, chunk: Uint8Array): void {
    const from = link.ends[side]
    const to = link.otherOf(from)
    if (to.peers !== null) {
      this.tap?.arrived(link, side, chunk)
      to.peers.events.bytes(to.id, chunk)
      chunk.fill(0xee)
    }
    if (!from.owesDrained || from.out.queuedBytes > 0 || from.peers === null) return
    from.owesDrained = false
    from.peers.events.drained(from.id)
  }

  /** One side's link is over. */
  #closeEnd(link: FakeLink, end: FakeEnd, reason: string): void {
    const { peers } = end
    if (peers === null) return
    end.peers = null
    peers.ends.delete(end.id)
    const other = link.otherOf(end)
    other.out.abandon()
    end.out.end()
    if (other.peers === null) this.#links.delete(link)
    peers.events.closed(end.id, reason)
  }

  #loseEnd(link: FakeLink, end: FakeEnd, machineLost: boolean): void {
    const other = link.otherOf(end)
    end.peers = null
    end.lost = true
    other.out.abandon()
    if (other.peers === null) {
      this.#links.delete(link)
      return
    }
    if (this.#random.chance(0.5)) end.out.loseTail()
    if (machineLost && this.#random.chance(0.5)) end.out.swallow()
    else end.out.end()
  }

  /** A machine that knows nothing of the link says so to whoever sends on it. */
  #answerWithReset(link: FakeLink, end: FakeEnd): void {
    const other = link.otherOf(end)
    if (!this.#running.has(other.machine)) return
    if (this.isBlocked(end.machine, other.machine) || this.isBlocked(other.machine, end.machine))
      return
    this.#later(end, () => this.#closeEnd(link, end, 'connection reset'))
  }

  #later(end: FakeEnd, task: () => void): void {
    const random = this.#random
    const delayUs = random.chance(0.7) ? random.below(2_000) : random.below(2_000_000)
    this.#clock.after(delayUs, 'link reset', end.peers?.scope ?? null, task)
  }

  #regulateAll(): void {
    for (const link of this.#links) this.#regulate(link)
  }

  #regulate(link: FakeLink): void {
    for (const from of link.ends) {
      const to = link.otherOf(from)
      const isFlowing =
        to.isOpen && !this.isBlocked(from.machine, to.machine) && !this.#stopped.has(to.machine)
      from.out.setReading(isFlowing)
    }
  }

  #delayUs(): number {
    const [low, high] = this.#conditions.delayUs
    return this.#random.between(low, high)
  }
}

interface OpenDoor {
  readonly peers: FakePeers
  readonly door: PeerDoor
}

/** One process's side of the network. */
export class FakePeers implements PeerNetwork {
  readonly machine: string
  readonly events: PeerEvents
  readonly scope: Scope = new Scope()
  readonly ends: Map<LinkId, { readonly link: FakeLink; readonly end: FakeEnd }> = new Map()
  readonly wantedDoors: Map<PeerDoor, string> = new Map()
  readonly #network: FakePeerNetwork

  constructor(network: FakePeerNetwork, machine: string, events: PeerEvents) {
    this.#network = network
    this.machine = machine
    this.events = events
  }

  listen(door: PeerDoor, address: PeerAddress): void {
    this.#network.openDoor(this, door, address)
  }

  stopListening(door: PeerDoor): void {
    this.#network.closeDoor(this, door)
  }

  dial(link: LinkId, address: PeerAddress, timeoutMs: number): void {
    this.#network.dial(this, link, address, timeoutMs)
  }

  send(link: LinkId, bytes: Uint8Array): boolean {
    const found = this.ends.get(link)
    return found === undefined || this.#network.send(found.link, found.end, bytes)
  }

  backlogBytes(link: LinkId): number {
    return this.ends.get(link)?.end.out.queuedBytes ?? 0
  }

  close(link: LinkId): void {
    const found = this.ends.get(link)
    if (found !== undefined) this.#network.close(found.link, found.end)
  }
}

/** One side of a link. */
export class FakeEnd {
  machine: string
  readonly out: FakePipe
  /** Null as long as there is nobody, or nobody any more. */
  peers: FakePeers | null = null
  id: LinkId = 0
  isOpen: boolean = false
  owesDrained: boolean = false
  /** Its process ended before the link did. */
  lost: boolean = false

  constructor(machine: string, out: FakePipe) {
    this.machine = machine
    this.out = out
  }
}

/** A link, or an attempt at one. */
export class FakeLink {
  readonly number: number
  door: PeerDoor | null = null
  /** Who dialled, and who accepted. */
  readonly ends: readonly [FakeEnd, FakeEnd]

  constructor(number: number, target: string, makePipe: (side: 0 | 1) => FakePipe) {
    this.number = number
    this.ends = [new FakeEnd('', makePipe(0)), new FakeEnd(target, makePipe(1))]
  }

  get label(): string {
    return `link ${this.number} (${this.ends[0].machine} to ${this.ends[1].machine})`
  }

  /** One side believes in it, and the other is gone without a word. */
  get isHalfOpen(): boolean {
    const [a, b] = this.ends
    return (a.lost && b.peers !== null) || (b.lost && a.peers !== null)
  }

  otherOf(end: FakeEnd): FakeEnd {
    return end === this.ends[0] ? this.ends[1] : this.ends[0]
  }
}
