// A client's connections over TCP. Each address that a name stands for is tried (Node's own
// `autoSelectFamily`), and names are resolved anew at every attempt. It hands bytes over as they
// come, and knows nothing of frames, sessions or retries.

import { type Socket, connect } from 'node:net'
import type { Transport, TransportConnection, TransportHandlers } from '../../ports/transport.ts'
import { reasonOf } from './reason-of.ts'

export interface TcpOptions {
  /** Lets the operating system notice peers that vanished; sessions have deadlines of their own. */
  readonly keepAlive?: boolean
}

export class TcpTransport implements Transport {
  readonly #keepAlive: boolean

  constructor(options: TcpOptions = {}) {
    this.#keepAlive = options.keepAlive ?? true
  }

  connect(host: string, port: number, handlers: TransportHandlers): TransportConnection {
    const socket = connect({ host, port, noDelay: true, keepAlive: this.#keepAlive })
    // Until the socket says more, this is why it closed.
    let reason = 'the peer closed the connection'
    socket.once('connect', () => handlers.opened())
    // Not as a Buffer, whose `slice` is a view and not a copy.
    socket.on('data', ({ buffer, byteOffset, length }) =>
      handlers.bytes(new Uint8Array(buffer, byteOffset, length)),
    )
    // A server that has ended its side has nothing more to say to us.
    socket.once('end', () => socket.destroy())
    socket.once('error', (error: NodeJS.ErrnoException) => {
      reason = reasonOf(error)
    })
    socket.once('close', () => handlers.closed(reason))
    return new TcpConnection(socket)
  }
}

class TcpConnection implements TransportConnection {
  readonly #socket: Socket

  constructor(socket: Socket) {
    this.#socket = socket
  }

  send(bytes: Uint8Array): void {
    // Node keeps what the kernel does not take at once, and the sender will write over its array.
    if (!this.#socket.destroyed) this.#socket.write(Buffer.from(bytes))
  }

  close(): void {
    this.#socket.destroy()
  }
}
