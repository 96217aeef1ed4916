// A client's way to a real server that can be made to fail: cut, black-holed in either direction,
// or made to lose the answer to one request. It knows of frames only that they begin with a length.

import type {
  Transport,
  TransportConnection,
  TransportHandlers,
} from '../../src/ports/transport.ts'
import { nodePlatform } from '../../src/client/node.ts'

export class FaultyTransport implements Transport {
  readonly #inner: Transport = nodePlatform.transport
  readonly #open = new Set<FaultyConnection>()
  /** No connection can be opened. */
  isCut = false
  /** What the server says does not arrive. */
  losesAnswers = false
  /** What the client says does not arrive. */
  losesRequests = false
  /** Connections opened so far. */
  opened = 0

  connect(host: string, port: number, handlers: TransportHandlers): TransportConnection {
    const connection = new FaultyConnection(this, handlers)
    this.#open.add(connection)
    this.opened++
    if (this.isCut) setImmediate(() => connection.fail('cut off'))
    else connection.inner = this.#inner.connect(host, port, connection)
    return connection
  }

  /** Ends all connections, as a router would that forgot them. */
  cut(): void {
    this.isCut = true
    this.drop()
  }

  /** Ends the present connections; new ones may be opened at once. */
  drop(): void {
    for (const connection of [...this.#open]) connection.fail('the network dropped it')
  }

  heal(): void {
    this.isCut = false
    this.losesAnswers = false
    this.losesRequests = false
  }

  closed(connection: FaultyConnection): void {
    this.#open.delete(connection)
  }
}

class FaultyConnection implements TransportConnection, TransportHandlers {
  inner: TransportConnection | null = null
  readonly #network: FaultyTransport
  readonly #client: TransportHandlers
  #isOver = false

  constructor(network: FaultyTransport, client: TransportHandlers) {
    this.#network = network
    this.#client = client
  }

  send(bytes: Uint8Array): void {
    if (!this.#network.losesRequests) this.inner?.send(bytes)
  }

  close(): void {
    this.inner?.close()
    setImmediate(() => this.fail('closed'))
  }

  opened(): void {
    if (!this.#isOver) this.#client.opened()
  }

  bytes(chunk: Uint8Array): void {
    if (!this.#isOver && !this.#network.losesAnswers) this.#client.bytes(chunk)
  }

  closed(reason: string): void {
    this.fail(reason)
  }

  fail(reason: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#network.closed(this)
    this.inner?.close()
    this.#client.closed(reason)
  }
}
