// A simulated network: to servers it is a `ClientNetwork`, to client machines a `Transport`. Every
// connection is two pipes. Connections can be refused, left hanging, reset towards either side or
// both, cut in one direction only, and read slowly. It checks the promises about arrays that
// change hands, and knows nothing of the bytes in them.

import { InvariantError } from '../base/assert.ts'
import { crc32 } from '../base/checksum.ts'
import type { Prng } from '../base/prng.ts'
import type { ClientEvents, ClientNetwork, ConnectionId } from '../ports/client-network.ts'
import type { Transport, TransportConnection, TransportHandlers } from '../ports/transport.ts'
import { FakePipe, type PipeConditions, liveConditions } from './fake-pipe.ts'
import type { VirtualClock } from './virtual-clock.ts'

export interface NetworkConditions extends PipeConditions {
  /** How often an attempt to connect is refused, or never answered. */
  readonly refuse: number
  readonly hang: number
  /** How often the network keeps the array that a server sends. */
  readonly keepArrays: number
}

export const CALM_NETWORK: NetworkConditions = {
  delayUs: [50, 500],
  chunking: 'as-sent',
  refuse: 0,
  hang: 0,
  keepArrays: 0.5,
}

/** What can go wrong with one connection. */
export type LinkFault =
  /** Both sides learn of it, each in its own time. */
  | 'reset'
  /** Only one side learns of it; the other talks to nobody. */
  | 'reset-client'
  | 'reset-server'
  /** One direction goes dead, and nobody is told. */
  | 'swallow-up'
  | 'swallow-down'

export class FakeNetwork {
  readonly #clock: VirtualClock
  readonly #random: Prng
  readonly #listeners = new Map<string, FakeListener>()
  readonly #links = new Map<ConnectionId, Link>()
  #conditions: NetworkConditions
  readonly #pipeConditions: PipeConditions = liveConditions(() => this.#conditions)
  #connections = 0

  constructor(clock: VirtualClock, random: Prng, conditions: NetworkConditions) {
    this.#clock = clock
    this.#random = random
    this.#conditions = conditions
  }

  /** For connections that exist as well. */
  setConditions(conditions: NetworkConditions): void {
    this.#conditions = conditions
  }

  /** Connections that exist, oldest first. */
  get connections(): readonly ConnectionId[] {
    return [...this.#links.keys()]
  }

  /** Opens a server's port; the returned listener is the server's way to its clients. */
  listen(host: string, port: number, events: ClientEvents): FakeListener {
    const listener = new FakeListener(events, this.#links)
    this.#listeners.set(`${host}:${port}`, listener)
    return listener
  }

  /** Closes a port, as the end of its process does. Connections end, somehow. */
  crash(host: string, port: number, machineLost: boolean): void {
    const key = `${host}:${port}`
    const listener = this.#listeners.get(key)
    if (listener === undefined) return
    this.#listeners.delete(key)
    for (const link of [...this.#links.values()]) {
      if (link.listener === listener) link.loseServer(machineLost)
    }
  }

  /** The way out of one client machine. */
  transport(address: string): Transport {
    return {
      connect: (host, port, handlers) => this.#connect(address, `${host}:${port}`, handlers),
    }
  }

  /** Brings a fault to a connection; false where there is none of that number. */
  fault(connection: ConnectionId, fault: LinkFault): boolean {
    const link = this.#links.get(connection)
    link?.fault(fault)
    return link !== undefined
  }

  /** Lets both sides of every half-open connection know that it is over. */
  endHalfOpen(): void {
    for (const link of [...this.#links.values()]) if (link.isHalfOpen) link.fault('reset')
  }

  /** A client that stops, or goes on, taking what the server sends. */
  setClientReading(connection: ConnectionId, reading: boolean): void {
    this.#links.get(connection)?.down.setReading(reading)
  }

  #connect(address: string, target: string, handlers: TransportHandlers): TransportConnection {
    const random = this.#random
    const conditions = this.#conditions
    const dial: Dial = { link: null, isClosed: false }
    const delayUs = random.between(conditions.delayUs[0], conditions.delayUs[1])
    const isHanging = random.chance(conditions.hang)
    const isRefused = random.chance(conditions.refuse)
    if (!isHanging) {
      this.#clock.after(delayUs, 'connect', null, () => {
        if (dial.isClosed) return
        const listener = this.#listeners.get(target)
        if (listener === undefined || isRefused) {
          dial.isClosed = true
          handlers.closed(`connection to ${target} refused`)
          return
        }
        this.#open(address, listener, handlers, dial)
      })
    }
    return {
      send: (bytes) => dial.link?.up.send(bytes.slice(), null),
      close: () => {
        if (dial.isClosed) return
        dial.isClosed = true
        if (dial.link !== null) dial.link.closeClient()
        else this.#clock.after(0, 'closed', null, () => handlers.closed('closed'))
      },
    }
  }

  #open(address: string, listener: FakeListener, handlers: TransportHandlers, dial: Dial): void {
    const id = ++this.#connections
    const port = 10_000 + (id % 50_000)
    const link = new Link(
      this.#clock,
      this.#random,
      this.#pipeConditions,
      this.#conditions.keepArrays,
      id,
      listener,
      handlers,
      () => this.#links.delete(id),
    )
    this.#links.set(id, link)
    dial.link = link
    link.onClientClosed = () => {
      dial.isClosed = true
    }
    listener.events.opened(id, address, port)
    handlers.opened()
  }
}

interface Dial {
  link: Link | null
  isClosed: boolean
}

/** A server's side of all its connections. */
export class FakeListener implements ClientNetwork {
  readonly events: ClientEvents
  readonly #links: ReadonlyMap<ConnectionId, Link>

  constructor(events: ClientEvents, links: ReadonlyMap<ConnectionId, Link>) {
    this.events = events
    this.#links = links
  }

  send(connection: ConnectionId, bytes: Uint8Array): boolean {
    return this.#link(connection)?.sendDown(bytes) ?? true
  }

  backlogBytes(connection: ConnectionId): number {
    return this.#link(connection)?.down.queuedBytes ?? 0
  }

  close(connection: ConnectionId): void {
    this.#link(connection)?.closeServer()
  }

  setReading(connection: ConnectionId, reading: boolean): void {
    this.#link(connection)?.up.setReading(reading)
  }

  #link(connection: ConnectionId): Link | undefined {
    const link = this.#links.get(connection)
    return link?.listener === this ? link : undefined
  }
}

/** One connection. */
class Link {
  readonly listener: FakeListener
  readonly up: FakePipe
  readonly down: FakePipe
  onClientClosed: () => void = () => {}
  readonly #clock: VirtualClock
  readonly #random: Prng
  readonly #id: ConnectionId
  readonly #handlers: TransportHandlers
  readonly #keepArrays: number
  readonly #forget: () => void
  #clientIsOpen = true
  #serverIsOpen = true
  #owesDrained = false

  constructor(
    clock: VirtualClock,
    random: Prng,
    conditions: PipeConditions,
    keepArrays: number,
    id: ConnectionId,
    listener: FakeListener,
    handlers: TransportHandlers,
    forget: () => void,
  ) {
    this.#clock = clock
    this.#random = random
    this.#id = id
    this.listener = listener
    this.#handlers = handlers
    this.#keepArrays = keepArrays
    this.#forget = forget
    this.up = new FakePipe(clock, random, conditions, `up ${id}`, {
      bytes: (chunk) => {
        if (!this.#serverIsOpen) return
        listener.events.bytes(id, chunk)
        chunk.fill(0xee)
      },
      ended: () => this.#endServer(),
    })
    this.down = new FakePipe(clock, random, conditions, `down ${id}`, {
      bytes: (chunk) => {
        if (this.#clientIsOpen) handlers.bytes(chunk)
        this.#tellDrained()
      },
      ended: () => this.#endClient('closed by the server'),
    })
  }

  get isHalfOpen(): boolean {
    return this.up.isSwallowing || this.down.isSwallowing
  }

  sendDown(bytes: Uint8Array): boolean {
    if (!this.#serverIsOpen) return true
    if (!this.#random.chance(this.#keepArrays)) {
      this.down.send(bytes.slice(), null)
      return true
    }
    this.#owesDrained = true
    const fingerprint = crc32(0, bytes, 0, bytes.length)
    this.down.send(bytes, () => {
      if (crc32(0, bytes, 0, bytes.length) !== fingerprint) {
        throw new InvariantError(`an array kept for connection ${this.#id} was written to`)
      }
    })
    return false
  }

  /** The client closes: the server hears of it behind what was sent. */
  closeClient(): void {
    this.up.end()
    this.down.abandon()
    this.#clock.after(0, 'closed', null, () => this.#endClient('closed'))
  }

  closeServer(): void {
    this.down.end()
    this.up.abandon()
    this.#clock.after(0, 'server closed', null, () => this.#endServer())
  }

  fault(fault: LinkFault): void {
    if (fault === 'swallow-up') this.up.swallow()
    else if (fault === 'swallow-down') this.down.swallow()
    else {
      this.up.abandon()
      this.down.abandon()
      if (fault !== 'reset-server') this.#later(() => this.#endClient('connection reset'))
      if (fault !== 'reset-client') this.#later(() => this.#endServer())
    }
  }

  /** The server's process ends; on a lost machine the client may never hear of it. */
  loseServer(machineLost: boolean): void {
    this.#serverIsOpen = false
    this.up.abandon()
    if (this.#random.chance(0.5)) this.down.loseTail()
    if (machineLost && this.#random.chance(0.5)) this.down.swallow()
    else this.down.end()
    this.#forgetWhenOver()
  }

  /** The server has been told of a backlog, so it is told when that is gone. */
  #tellDrained(): void {
    if (!this.#owesDrained || this.down.queuedBytes > 0 || !this.#serverIsOpen) return
    this.#owesDrained = false
    this.listener.events.drained(this.#id)
  }

  #later(task: () => void): void {
    const random = this.#random
    const delayUs = random.chance(0.7) ? random.below(2_000) : random.below(3_000_000)
    this.#clock.after(delayUs, 'reset', null, task)
  }

  #endClient(reason: string): void {
    if (!this.#clientIsOpen) return
    this.#clientIsOpen = false
    this.down.abandon()
    this.up.end()
    this.onClientClosed()
    this.#handlers.closed(reason)
    this.#forgetWhenOver()
  }

  #endServer(): void {
    if (!this.#serverIsOpen) return
    this.#serverIsOpen = false
    this.up.abandon()
    this.down.end()
    this.listener.events.closed(this.#id)
    this.#forgetWhenOver()
  }

  #forgetWhenOver(): void {
    if (!this.#clientIsOpen && !this.#serverIsOpen) this.#forget()
  }
}
