// Links between servers over TCP: opens the two doors, dials, hands over what arrives, sends each
// output with one write. It knows nothing of packets and votes, never gives up on a slow peer by
// itself, and tells of everything in a later turn. Where encryption comes in, it wraps a socket
// between being connected and being told of.

import { type LookupFunction, type Server, type Socket, connect, createServer } from 'node:net'
import { PEER_LINKS_ACCEPTED_MAX } from '../../base/limits.ts'
import type {
  LinkId,
  PeerAddress,
  PeerDoor,
  PeerEvents,
  PeerNetwork,
} from '../../ports/peer-network.ts'
import { reasonOf } from './reason-of.ts'
import { readIntoSharedBuffer, sharedRead } from './shared-read.ts'

export interface TcpPeersOptions {
  /** ZooKeeper's `quorumListenOnAllIPs`: doors open on every interface, whatever their address. */
  readonly listenOnAllAddresses: boolean
  /** ZooKeeper's `tcpKeepAlive`. */
  readonly keepAlive: boolean
  /** Links that others may have to here; more are closed as they come. */
  readonly acceptedMax?: number
  /** One more than `limit` links was closed as it came. */
  readonly onRefused: (address: string, reason: 'total', limit: number) => void
  /** How long a link that this server has ended may take to deliver its last bytes. */
  readonly lingerMs?: number
  /** How names are looked up, for each attempt anew; the system's way by default. */
  readonly lookup?: LookupFunction
}

/** A link that has been read from so often is worth the change to the cheaper way. */
const READS_OF_A_STAY = 8

/** How long a link that we have ended may take to accept its last bytes and go, by default. */
const LINGER_MS = 5_000

/** The same when the whole server stops, which somebody is waiting for. */
const PARTING_MS = 200

/** What an address of a name may take while others are left to try; Node's own default. */
const ATTEMPT_MS_MIN = 250

export class TcpPeers implements PeerNetwork {
  readonly #options: TcpPeersOptions
  readonly #doors = new Map<PeerDoor, Server>()
  readonly #links = new Map<LinkId, Link>()
  #events: PeerEvents | null = null
  #acceptedCount = 0
  #nextId: LinkId = 1
  #isSilent = false
  #onEmpty: (() => void) | null = null

  constructor(options: TcpPeersOptions) {
    this.#options = options
  }

  /** To be called before anything else: `events` hears of it all. */
  start(events: PeerEvents): void {
    this.#events = events
  }

  listen(door: PeerDoor, address: PeerAddress): void {
    this.stopListening(door)
    if (this.#isSilent) return
    const { keepAlive, listenOnAllAddresses } = this.#options
    const server = createServer({ noDelay: true, keepAlive })
    const isCurrent = (): boolean => this.#doors.get(door) === server
    this.#doors.set(door, server)
    server.on('error', (error) => {
      // Once it listens, only a connection that is being accepted can fail.
      if (!isCurrent() || server.listening) return
      this.#doors.delete(door)
      this.#events?.listenFailed(door, reasonOf(error))
    })
    server.on('connection', (socket) => {
      if (isCurrent()) this.#accept(socket, door)
      else socket.destroy()
    })
    server.on('listening', () => {
      // The name of its address may have been looked up while it was closed again.
      if (isCurrent()) this.#events?.listening(door)
      else server.close()
    })
    const host = listenOnAllAddresses ? {} : { host: address.host }
    inAnyCase(
      () => void server.listen({ port: address.port, ...host }),
      (error) => server.emit('error', error),
    )
  }

  stopListening(door: PeerDoor): void {
    const server = this.#doors.get(door)
    this.#doors.delete(door)
    server?.close()
  }

  dial(id: LinkId, { host, port }: PeerAddress, timeoutMs: number): void {
    if (this.#isSilent) {
      setImmediate(() => this.#events?.closed(id, 'this server has stopped'))
      return
    }
    const { keepAlive, lookup } = this.#options
    const link = new Link(id)
    this.#links.set(id, link)
    inAnyCase(
      () => {
        link.socket = connect({
          host,
          port,
          noDelay: true,
          keepAlive,
          // Every address of the name is tried, the last one for as long as there is time.
          autoSelectFamily: true,
          autoSelectFamilyAttemptTimeout: Math.max(ATTEMPT_MS_MIN, Math.floor(timeoutMs / 4)),
          onread: sharedRead((bytes) => this.#bytes(link, bytes)),
          ...(lookup === undefined ? {} : { lookup }),
        })
        link.socket.once('connect', () => {
          link.stopWaiting()
          if (!link.isEnded) this.#events?.opened(id)
        })
        this.#watch(link)
        link.wait(timeoutMs, `no connection within ${timeoutMs} ms`)
      },
      (error) => this.#forget(link, reasonOf(error)),
    )
  }

  send(id: LinkId, bytes: Uint8Array): boolean {
    const link = this.#links.get(id)
    if (link === undefined || link.isEnded || link.socket === null) return true
    link.socket.write(bytes)
    if (link.socket.writableLength === 0) return true
    if (!link.isDraining) this.#awaitDrain(link)
    return false
  }

  backlogBytes(id: LinkId): number {
    return this.#links.get(id)?.socket?.writableLength ?? 0
  }

  close(id: LinkId): void {
    const link = this.#links.get(id)
    if (link !== undefined) end(link, this.#options.lingerMs ?? LINGER_MS)
  }

  /**
   * Accepts and dials no more, ends all links, and resolves when the last of them is gone. Peers that
   * do not answer in kind are cut off.
   */
  stop(): Promise<void> {
    this.#isSilent = true
    for (const door of [...this.#doors.keys()]) this.stopListening(door)
    for (const link of this.#links.values()) end(link, PARTING_MS)
    if (this.#links.size === 0) return Promise.resolve()
    // A link that was ended before may linger for longer than anybody waits for a server.
    const cut = setTimeout(() => {
      for (const { socket } of this.#links.values()) socket?.destroy()
    }, PARTING_MS)
    return new Promise((resolve) => {
      this.#onEmpty = () => {
        clearTimeout(cut)
        resolve()
      }
    })
  }

  #accept(socket: Socket, door: PeerDoor): void {
    const { remoteAddress, remotePort } = socket
    if (remoteAddress === undefined || remotePort === undefined || this.#isSilent) {
      socket.destroy()
      return
    }
    const acceptedMax = this.#options.acceptedMax ?? PEER_LINKS_ACCEPTED_MAX
    if (this.#acceptedCount >= acceptedMax) {
      this.#options.onRefused(remoteAddress, 'total', acceptedMax)
      socket.destroy()
      return
    }
    const link = new Link(this.#nextId++)
    link.socket = socket
    this.#links.set(link.id, link)
    this.#acceptedCount++
    this.#watch(link)
    let readCount = 0
    socket.on('data', (chunk) => {
      this.#bytes(link, new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length))
      readCount++
      if (readCount % READS_OF_A_STAY === 0) setImmediate(() => this.#settle(link))
    })
    this.#events?.accepted(link.id, door, endpoint(remoteAddress, remotePort))
  }

  /** The link has come to stay: from now on it is read in the cheaper way. */
  #settle(link: Link): void {
    if (link.isEnded || link.isSettled || link.isDraining || link.socket === null) return
    const settled = readIntoSharedBuffer(link.socket, (bytes) => this.#bytes(link, bytes))
    if (settled === null) return
    link.socket = settled
    link.isSettled = true
    this.#watch(link)
  }

  #watch(link: Link): void {
    const { socket } = link
    socket?.on('error', (error) => link.blame(reasonOf(error)))
    // A server closes a link as a whole: one that ends its side does not listen any more either.
    socket?.on('end', () => {
      link.blame('the peer closed the connection')
      link.isEnded = true
      socket.destroy()
    })
    socket?.on('close', () => this.#forget(link, link.reason ?? 'the connection broke'))
  }

  #bytes(link: Link, bytes: Uint8Array): void {
    if (!link.isEnded && !this.#isSilent) this.#events?.bytes(link.id, bytes)
  }

  /** An empty write is done when everything before it is. Node's own `drain` leaves small rests out. */
  #awaitDrain(link: Link): void {
    link.isDraining = true
    link.socket?.write(NOTHING, (error) => {
      link.isDraining = false
      if (link.isEnded || (error !== null && error !== undefined)) return
      if (this.backlogBytes(link.id) > 0) this.#awaitDrain(link)
      else this.#events?.drained(link.id)
    })
  }

  #forget(link: Link, reason: string): void {
    link.stopWaiting()
    link.isEnded = true
    this.#links.delete(link.id)
    if (link.id > 0) this.#acceptedCount--
    this.#events?.closed(link.id, reason)
    if (this.#links.size === 0) this.#onEmpty?.()
  }
}

class Link {
  readonly id: LinkId
  /** Null where connecting could not even begin, or has not yet. */
  socket: Socket | null = null
  /** Our side has said all it will say; what the peer still sends is thrown away. */
  isEnded = false
  /** Reads in the cheaper way, for good. */
  isSettled = false
  /** Somebody is to be told when everything has been taken. */
  isDraining = false
  /** Why it closes: the first cause counts. */
  reason: string | null = null
  #alarm: NodeJS.Timeout | null = null

  constructor(id: LinkId) {
    this.id = id
  }

  blame(reason: string): void {
    this.reason ??= reason
  }

  /** Cuts the link off unless {@link stopWaiting} comes first. */
  wait(ms: number, reason: string): void {
    this.#alarm = setTimeout(() => {
      this.blame(reason)
      this.socket?.destroy()
    }, ms)
  }

  stopWaiting(): void {
    if (this.#alarm !== null) clearTimeout(this.#alarm)
    this.#alarm = null
  }
}

const NOTHING = new Uint8Array(0)

/**
 * Sends what is under way and then our end of the stream. The socket goes on reading until the peer
 * ends too: closing it with unread bytes would reset it, and the peer could lose what we sent last.
 */
function end(link: Link, lingerMs: number): void {
  if (link.isEnded) return
  link.isEnded = true
  link.blame('closed by this server')
  link.stopWaiting()
  const { socket } = link
  if (socket === null || socket.connecting) {
    socket?.destroy()
    return
  }
  link.wait(lingerMs, '')
  socket.end()
  socket.resume()
}

/** Nonsense, such as a port above 65535, makes Node throw; others hear of it later, as of any error. */
function inAnyCase(attempt: () => void, fail: (error: unknown) => void): void {
  try {
    attempt()
  } catch (error) {
    setImmediate(() => fail(error))
  }
}

function endpoint(address: string, port: number): string {
  const plain = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`
}
