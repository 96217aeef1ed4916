// Clients' connections over TCP: accepts them within limits, hands over what they send, sends what
// it is given. This is the hot path of the whole server: direct calls, nothing allocated for a chunk
// beyond what Node does. It knows nothing of frames and sessions, and never decides that a
// connection has been silent for too long.

import { type AddressInfo, type Server, type Socket, createServer } from 'node:net'
import type { ClientEvents, ClientNetwork, ConnectionId } from '../../ports/client-network.ts'
import { acceptHandles } from './shared-read.ts'

export interface TcpServerOptions {
  /** Connections from one address, and in all; 0 sets no limit. More are closed when they come. */
  readonly connectionsPerAddressMax: number
  readonly connectionsMax: number
  readonly keepAlive: boolean
  /** A connection was refused: `limit` says by which number. */
  readonly onRefused: (address: string, reason: RefusalReason, limit: number) => void
}

export type RefusalReason = 'per-address' | 'total'

export interface ListenOptions {
  readonly port: number
  /** null for every interface. */
  readonly host: string | null
  /** Connections that the kernel may queue; -1 for Node's default. */
  readonly backlog: number
}

/** How long a connection that we have ended may take to accept its last bytes and go. */
const LINGER_MS = 5_000

/** The same when the whole server stops, which somebody is waiting for. */
const PARTING_MS = 200

export class TcpServer implements ClientNetwork {
  readonly #options: TcpServerOptions
  readonly #connections = new Map<ConnectionId, Connection>()
  readonly #perAddress = new Map<string, number>()
  readonly #listeners: Server[] = []
  #nextId: ConnectionId = 1
  #isSilent = false
  #onEmpty: (() => void) | null = null

  constructor(options: TcpServerOptions) {
    this.#options = options
  }

  /** `events` hears of the connections. Resolves to what was bound; rejects where it cannot be. */
  listen(options: ListenOptions, events: ClientEvents): Promise<AddressInfo> {
    // A client may end its side and still wait for an answer, as `echo ruok | nc` does.
    const { keepAlive } = this.#options
    const server = createServer({ noDelay: true, allowHalfOpen: true, keepAlive })
    server.on('connection', (socket) => {
      const connection = this.#accept(socket, events)
      socket.on('data', (chunk) => this.#received(connection, plain(chunk), events))
    })
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(
        {
          port: options.port,
          ...(options.host === null ? {} : { host: options.host }),
          ...(options.backlog > 0 ? { backlog: options.backlog } : {}),
        },
        () => {
          server.off('error', reject)
          // A connection that fails while it is accepted is nobody's loss but its own.
          server.on('error', () => {})
          this.#listeners.push(server)
          acceptHandles(server, (makeSocket) => {
            let connection: Connection | null = null
            const socket = makeSocket((bytes) => this.#received(connection, bytes, events))
            socket.setNoDelay(true)
            if (keepAlive) socket.setKeepAlive(true)
            connection = this.#accept(socket, events)
          })
          resolve(server.address() as AddressInfo)
        },
      )
    })
  }

  send(id: ConnectionId, bytes: Uint8Array): boolean {
    const connection = this.#connections.get(id)
    if (connection === undefined || connection.ended) return true
    const { socket } = connection
    socket.write(bytes)
    return socket.writableLength === 0
  }

  backlogBytes(id: ConnectionId): number {
    return this.#connections.get(id)?.socket.writableLength ?? 0
  }

  close(id: ConnectionId, isDone: boolean = false): void {
    const connection = this.#connections.get(id)
    if (connection === undefined) return
    if (isDone) part(connection)
    else end(connection)
  }

  setReading(id: ConnectionId, reading: boolean): void {
    const connection = this.#connections.get(id)
    if (connection === undefined || connection.ended) return
    if (reading) connection.socket.resume()
    else connection.socket.pause()
  }

  /** Hands over no more bytes, of any connection; what is sent still goes out. */
  silence(): void {
    this.#isSilent = true
  }

  /**
   * Accepts no more, ends all connections, and resolves when the last of them is gone. Peers that do
   * not answer in kind are cut off.
   */
  stop(): Promise<void> {
    this.#isSilent = true
    for (const server of this.#listeners) server.close()
    for (const connection of this.#connections.values()) end(connection)
    if (this.#connections.size === 0) return Promise.resolve()
    const cut = setTimeout(() => {
      for (const { socket } of this.#connections.values()) socket.destroy()
    }, PARTING_MS)
    return new Promise((resolve) => {
      this.#onEmpty = () => {
        clearTimeout(cut)
        resolve()
      }
    })
  }

  /** Null where the connection is refused. */
  #accept(socket: Socket, events: ClientEvents): Connection | null {
    const { remoteAddress, remotePort } = socket
    if (remoteAddress === undefined || remotePort === undefined || this.#isSilent) {
      socket.destroy()
      return null
    }
    const address = plainAddress(remoteAddress)
    if (this.#refuses(address)) {
      socket.destroy()
      return null
    }
    const id = this.#nextId++
    const connection: Connection = { id, socket, address, ended: false, linger: null }
    this.#connections.set(id, connection)
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1)
    // Without a handler, a reset of the connection would end the process; `close` follows anyway.
    socket.on('error', () => {})
    socket.on('drain', () => events.drained(id))
    socket.on('end', () => part(connection))
    socket.on('close', () => this.#forget(connection, events))
    events.opened(id, address, remotePort)
    return connection
  }

  #received(connection: Connection | null, bytes: Uint8Array, events: ClientEvents): void {
    if (connection === null || connection.ended || this.#isSilent) return
    events.bytes(connection.id, bytes)
  }

  #refuses(address: string): boolean {
    const { connectionsMax, connectionsPerAddressMax, onRefused } = this.#options
    if (connectionsMax > 0 && this.#connections.size >= connectionsMax) {
      onRefused(address, 'total', connectionsMax)
      return true
    }
    const count = this.#perAddress.get(address) ?? 0
    if (connectionsPerAddressMax > 0 && count >= connectionsPerAddressMax) {
      onRefused(address, 'per-address', connectionsPerAddressMax)
      return true
    }
    return false
  }

  #forget(connection: Connection, events: ClientEvents): void {
    const { id, address, linger } = connection
    if (linger !== null) clearTimeout(linger)
    connection.ended = true
    this.#connections.delete(id)
    const count = (this.#perAddress.get(address) ?? 1) - 1
    if (count === 0) this.#perAddress.delete(address)
    else this.#perAddress.set(address, count)
    events.closed(id)
    if (this.#connections.size === 0) this.#onEmpty?.()
  }
}

interface Connection {
  readonly id: ConnectionId
  readonly socket: Socket
  readonly address: string
  /** Our side has said all it will say; what the peer still sends is thrown away. */
  ended: boolean
  linger: NodeJS.Timeout | null
}

/**
 * Sends what is under way and then our end of the stream. The socket goes on reading until the peer
 * ends too: closing it with unread bytes would reset it, and the peer could lose our last reply.
 */
function end(connection: Connection): void {
  if (connection.ended) return
  const { socket } = connection
  connection.ended = true
  connection.linger = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.end()
  socket.resume()
}

/**
 * As {@link end}, where the peer needs no more than what the system has from us already: it is done,
 * or has ended, so that nothing is left unread. It spares a fifth of what a short session costs.
 */
function part(connection: Connection): void {
  if (connection.ended || connection.socket.writableLength > 0) return end(connection)
  connection.ended = true
  connection.socket.destroy()
}

/** The same bytes without what Node adds: `slice` copies, as it does everywhere else. */
function plain(chunk: Buffer): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)
}

/** `::ffff:192.0.2.7` is how a socket for both families writes an IPv4 address. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.')
    ? address.slice('::ffff:'.length)
    : address
}
