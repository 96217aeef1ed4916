// Both ends of clients' connections within one process: for a server the network that it listens on,
// for clients a transport. Bytes arrive in order in a later turn, never within a call, so that both
// sides meet the same order of things as with sockets. While no server listens, connecting fails.

import type { ClientEvents, ClientNetwork, ConnectionId } from '../../ports/client-network.ts'
import type { Transport, TransportConnection, TransportHandlers } from '../../ports/transport.ts'

const ADDRESS = '127.0.0.1'

export class MemoryNetwork implements ClientNetwork, Transport {
  readonly #links = new Map<ConnectionId, Link>()
  #events: ClientEvents | null = null
  #isSilent = false
  #nextId: ConnectionId = 1

  // The server's side.

  listen(
    place: { readonly port: number },
    events: ClientEvents,
  ): Promise<{ readonly port: number }> {
    this.#events = events
    this.#isSilent = false
    return Promise.resolve({ port: place.port })
  }

  send(id: ConnectionId, bytes: Uint8Array): boolean {
    this.#links.get(id)?.toClient.push(bytes.slice())
    return true
  }

  backlogBytes(id: ConnectionId): number {
    return this.#links.get(id)?.toClient.byteCount ?? 0
  }

  close(id: ConnectionId): void {
    this.#links.get(id)?.endByServer('closed by the server')
  }

  setReading(id: ConnectionId, reading: boolean): void {
    this.#links.get(id)?.toServer.setFlowing(reading && !this.#isSilent)
  }

  /** Hands over no more bytes; what is sent still goes out. */
  silence(): void {
    this.#isSilent = true
    for (const link of this.#links.values()) link.toServer.setFlowing(false)
  }

  /** Ends all connections, and resolves when the last of them is gone. */
  async stop(): Promise<void> {
    this.#events = null
    await Promise.all(
      [...this.#links.values()].map((link) => {
        link.endByServer('the server has stopped')
        return link.gone
      }),
    )
  }

  // The clients' side.

  connect(_host: string, _port: number, handlers: TransportHandlers): TransportConnection {
    let link: Link | null = null
    let isClosed = false
    soon(() => {
      if (isClosed) return handlers.closed('closed')
      const events = this.#events
      if (events === null) {
        isClosed = true
        return handlers.closed('connection refused: the server is not running')
      }
      link = this.#open(events, handlers)
    })
    return {
      send: (bytes) => link?.toServer.push(bytes.slice()),
      close: () => {
        isClosed = true
        link?.endByClient()
      },
    }
  }

  #open(events: ClientEvents, handlers: TransportHandlers): Link {
    const id = this.#nextId++
    const link = new Link(id, events, handlers, () => this.#links.delete(id))
    this.#links.set(id, link)
    events.opened(id, ADDRESS, 0)
    handlers.opened()
    return link
  }
}

/** One connection. Each end is told exactly once that it is over. */
class Link {
  readonly toServer: Pipe
  readonly toClient: Pipe
  readonly gone: Promise<void>
  readonly #id: ConnectionId
  readonly #events: ClientEvents
  readonly #handlers: TransportHandlers
  #isOver = false
  #onGone: () => void = () => {}

  constructor(
    id: ConnectionId,
    events: ClientEvents,
    handlers: TransportHandlers,
    forget: () => void,
  ) {
    this.#id = id
    this.#events = events
    this.#handlers = handlers
    this.gone = new Promise((resolve) => {
      this.#onGone = () => {
        forget()
        resolve()
      }
    })
    this.toServer = new Pipe((bytes) => events.bytes(id, bytes))
    this.toClient = new Pipe((bytes) => handlers.bytes(bytes))
  }

  /** The client still gets what was sent to it. */
  endByServer(reason: string): void {
    this.toServer.stop()
    this.toClient.end(() => this.#end(reason))
  }

  /** The server still gets what was sent to it, as far as it reads. */
  endByClient(): void {
    this.toClient.stop()
    this.toServer.end(() => this.#end('closed'))
    // A server that does not read hears of the end all the same.
    if (!this.toServer.isFlowing) soon(() => this.#end('closed'))
  }

  #end(reason: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.toServer.stop()
    this.toClient.stop()
    this.#events.closed(this.#id)
    this.#onGone()
    this.#handlers.closed(reason)
  }
}

/** One direction: chunks in order, delivered together in a later turn. */
class Pipe {
  byteCount: number = 0
  isFlowing: boolean = true
  readonly #deliver: (bytes: Uint8Array) => void
  #chunks: Uint8Array[] = []
  #onEnd: (() => void) | null = null
  #isScheduled = false
  #isStopped = false

  constructor(deliver: (bytes: Uint8Array) => void) {
    this.#deliver = deliver
  }

  push(bytes: Uint8Array): void {
    if (this.#isStopped || this.#onEnd !== null) return
    this.#chunks.push(bytes)
    this.byteCount += bytes.length
    this.#schedule()
  }

  setFlowing(flowing: boolean): void {
    this.isFlowing = flowing
    if (flowing) this.#schedule()
  }

  /** Calls `onEnd` behind everything that was pushed and will still be delivered. */
  end(onEnd: () => void): void {
    if (this.#isStopped) {
      soon(onEnd)
    } else if (this.#onEnd === null) {
      this.#onEnd = onEnd
      this.#schedule()
    }
  }

  stop(): void {
    this.#isStopped = true
    this.#chunks = []
    this.byteCount = 0
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    soon(() => {
      this.#isScheduled = false
      this.#flow()
    })
  }

  #flow(): void {
    while (this.isFlowing && !this.#isStopped) {
      const chunk = this.#chunks.shift()
      if (chunk === undefined) {
        this.#onEnd?.()
        return
      }
      this.byteCount -= chunk.length
      this.#deliver(chunk)
    }
  }
}

/** A turn of the event loop, so that timers and sockets of others have their time as well. */
const soon = (task: () => void): void => void setImmediate(task)
