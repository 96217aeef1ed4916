// Another server, over TCP, in the place of ours: what it makes of the same scenario is the last
// word on what ours should do. It must be fresh, since zxids are part of a transcript, and have the
// settings that the scenario names. There is no telling when it has done everything: it is given
// some time of silence.

import { connect, type Socket } from 'node:net'
import type { Backend, BackendEvents } from './backend.ts'

const SILENCE_MS = 60
/** How long an answer is waited for, where there may be none. */
const ANSWER_MS = 1_000
const OPEN_MS = 5_000

interface Link {
  readonly socket: Socket
  readonly unsent: Uint8Array[]
  isUp: boolean
  isDropped: boolean
}

export class RemoteBackend implements Backend {
  readonly #host: string
  readonly #port: number
  readonly #events: BackendEvents
  readonly #links = new Map<number, Link>()
  /** Connections that were sent something and have not answered anything since. */
  readonly #asked = new Set<number>()
  #lastEventMs = 0

  constructor(host: string, port: number, events: BackendEvents) {
    this.#host = host
    this.#port = port
    this.#events = events
  }

  open(connection: number, address: string): void {
    // Where both are on this machine, a client may have any address that begins with 127.
    const local = address.startsWith('127.') ? { localAddress: address } : {}
    const socket = connect({ host: this.#host, port: this.#port, ...local })
    const link: Link = { socket, unsent: [], isUp: false, isDropped: false }
    this.#links.set(connection, link)
    socket.setNoDelay(true)
    socket.on('connect', () => {
      link.isUp = true
      for (const bytes of link.unsent.splice(0)) socket.write(bytes)
      this.#lastEventMs = Date.now()
    })
    socket.on('data', (bytes) => {
      this.#lastEventMs = Date.now()
      this.#asked.delete(connection)
      if (!link.isDropped) this.#events.received(connection, new Uint8Array(bytes))
    })
    // A reset is a close; 'close' follows either way.
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#lastEventMs = Date.now()
      this.#asked.delete(connection)
      link.isUp = true
      if (!link.isDropped) this.#events.closed(connection)
    })
  }

  bytes(connection: number, bytes: Uint8Array): void {
    const link = this.#links.get(connection)!
    this.#asked.add(connection)
    if (link.isUp) link.socket.write(bytes)
    else link.unsent.push(bytes)
  }

  drop(connection: number): void {
    const link = this.#links.get(connection)!
    link.isDropped = true
    link.socket.resetAndDestroy()
  }

  async settle(): Promise<void> {
    const startMs = Date.now()
    this.#lastEventMs = startMs
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      const nowMs = Date.now()
      if ([...this.#links.values()].some((link) => !link.isUp)) {
        if (nowMs - startMs > OPEN_MS) throw new Error('the server does not accept connections')
      } else if (this.#asked.size === 0 || nowMs - startMs > ANSWER_MS) {
        if (nowMs - this.#lastEventMs >= SILENCE_MS) break
      }
    }
    this.#asked.clear()
  }

  close(): void {
    for (const link of this.#links.values()) {
      link.isDropped = true
      link.socket.destroy()
    }
  }
}
