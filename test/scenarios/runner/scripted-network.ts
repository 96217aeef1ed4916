// The network of a scenario: bytes arrive at once, and closing is noticed in the next turn, as the
// port says. It holds the server to one thing more: nothing is sent to a connection that the server
// has closed or that is gone.

import { assert } from '../../../src/base/assert.ts'
import type { ClientNetwork, ConnectionId } from '../../../src/ports/client-network.ts'
import type { BackendEvents } from './backend.ts'

export class ScriptedNetwork implements ClientNetwork {
  readonly #events: BackendEvents
  readonly #open = new Map<ConnectionId, Pipe>()
  readonly #closing: ConnectionId[] = []

  constructor(events: BackendEvents) {
    this.#events = events
  }

  opened(connection: ConnectionId): void {
    this.#open.set(connection, { isReading: true, waiting: [] })
  }

  /** The client has sent something; it may have to wait until the server reads. */
  arrived(connection: ConnectionId, bytes: Uint8Array): void {
    this.#open.get(connection)?.waiting.push(bytes)
  }

  /** What the server reads next; null where there is nothing that it wants to read. */
  takeArrived(): { readonly connection: ConnectionId; readonly bytes: Uint8Array } | null {
    for (const [connection, pipe] of this.#open) {
      const bytes = pipe.isReading ? pipe.waiting.shift() : undefined
      if (bytes !== undefined) return { connection, bytes }
    }
    return null
  }

  /** The client is gone. */
  dropped(connection: ConnectionId): void {
    this.#open.delete(connection)
  }

  /** Connections that the server has closed since the last call. */
  takeClosed(): readonly ConnectionId[] {
    return this.#closing.splice(0)
  }

  send(connection: ConnectionId, bytes: Uint8Array): boolean {
    assert(this.#open.has(connection), () => `bytes for connection ${connection}, which is closed`)
    this.#events.received(connection, bytes.slice())
    return true
  }

  backlogBytes(): number {
    return 0
  }

  close(connection: ConnectionId): void {
    if (!this.#open.delete(connection)) return
    this.#closing.push(connection)
    this.#events.closed(connection)
  }

  setReading(connection: ConnectionId, reading: boolean): void {
    const pipe = this.#open.get(connection)
    if (pipe !== undefined) pipe.isReading = reading
  }
}

interface Pipe {
  isReading: boolean
  /** Chunks that the server has not read yet. */
  readonly waiting: Uint8Array[]
}
