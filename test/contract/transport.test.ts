// The transports that need no socket keep the contract of those that do.

import { setImmediate as turn } from 'node:timers/promises'
import { Prng } from '../../src/base/prng.ts'
import { MemoryNetwork } from '../../src/io/net/memory-network.ts'
import type { ClientEvents, ClientNetwork, ConnectionId } from '../../src/ports/client-network.ts'
import { CALM_NETWORK, FakeNetwork } from '../../src/sim/fake-network.ts'
import { Trace } from '../../src/sim/trace.ts'
import { VirtualClock } from '../../src/sim/virtual-clock.ts'
import { type TransportUnderTest, transportContract } from './transport.contract.ts'

transportContract('memory', inMemory)
transportContract('simulated', simulated)

async function inMemory(): Promise<TransportUnderTest> {
  const network = new MemoryNetwork()
  const absent = new MemoryNetwork()
  const echo = new Echo(network)
  await network.listen({ port: 1 }, echo)
  return {
    transport: {
      connect: (host, port, handlers) =>
        (port === 1 ? network : absent).connect(host, port, handlers),
    },
    echo: { host: 'memory', port: 1 },
    nobody: { host: 'memory', port: 2 },
    closeByServer: () => echo.closeAll(),
    settle: async (isTrue) => {
      while (!isTrue()) await turn()
    },
    end: () => network.stop(),
  }
}

async function simulated(): Promise<TransportUnderTest> {
  const clock = new VirtualClock(new Trace())
  const network = new FakeNetwork(clock, new Prng(1), { ...CALM_NETWORK, keepArrays: 0 })
  const events = new LateEvents()
  const echo = new Echo(network.listen('s', 1, events))
  events.to = echo
  return {
    transport: network.transport('10.0.0.1'),
    echo: { host: 's', port: 1 },
    nobody: { host: 's', port: 2 },
    closeByServer: () => echo.closeAll(),
    settle: async (isTrue) => {
      while (!isTrue()) if (!clock.step()) await turn()
    },
    end: async () => {},
  }
}

/** A server that sends back what it gets. */
class Echo implements ClientEvents {
  readonly #network: ClientNetwork
  readonly #connections = new Set<ConnectionId>()

  constructor(network: ClientNetwork) {
    this.#network = network
  }

  closeAll(): void {
    for (const connection of this.#connections) this.#network.close(connection)
  }

  opened(connection: ConnectionId): void {
    this.#connections.add(connection)
  }

  bytes(connection: ConnectionId, bytes: Uint8Array): void {
    this.#network.send(connection, bytes.slice())
  }

  drained(): void {}

  closed(connection: ConnectionId): void {
    this.#connections.delete(connection)
  }
}

/** The simulated network wants to know whom to tell before there is somebody. */
class LateEvents implements ClientEvents {
  to: ClientEvents | null = null

  opened(connection: ConnectionId, address: string, port: number): void {
    this.to?.opened(connection, address, port)
  }

  bytes(connection: ConnectionId, bytes: Uint8Array): void {
    this.to?.bytes(connection, bytes)
  }

  drained(connection: ConnectionId): void {
    this.to?.drained(connection)
  }

  closed(connection: ConnectionId): void {
    this.to?.closed(connection)
  }
}
