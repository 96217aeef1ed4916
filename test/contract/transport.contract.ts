// What every implementation of the Transport port promises: sockets, memory, or simulated.

import { describe, expect, it } from 'vitest'

import type { Transport, TransportConnection } from '../../src/ports/transport.ts'

interface Place {
  readonly host: string
  readonly port: number
}

export interface TransportUnderTest {
  readonly transport: Transport
  /** A server here sends back whatever it gets. */
  readonly echo: Place
  /** Nobody listens here. */
  readonly nobody: Place
  /** The server closes its connections. */
  closeByServer(): void
  /** Lets things happen until `isTrue`. */
  settle(isTrue: () => boolean): Promise<void>
  end(): Promise<void>
}

export function transportContract(
  name: string,
  makeTransport: () => Promise<TransportUnderTest>,
): void {
  const over = (test: (bench: Bench) => Promise<void>) => async (): Promise<void> => {
    const under = await makeTransport()
    try {
      await test(new Bench(under))
    } finally {
      await under.end()
    }
  }

  describe(`${name}: a connection`, () => {
    it(
      'opens after the call that asked for it, and carries bytes in order',
      over(async (bench) => {
        const connection = bench.connect(bench.under.echo)
        expect(bench.events).toEqual([])
        await bench.until(() => bench.events.length > 0)
        expect(bench.events).toEqual(['opened'])
        for (let i = 0; i < 100; i++) connection.send(Uint8Array.of(i))
        await bench.until(() => bench.count === 100)
        expect(bench.received).toEqual(Array.from({ length: 100 }, (_, i) => i))
        connection.close()
        await bench.until(() => bench.events.length > 1)
      }),
    )

    it(
      'takes its bytes before the call returns, however many there are',
      over(async (bench) => {
        const connection = bench.connect(bench.under.echo)
        await bench.until(() => bench.events.length > 0)
        const bytes = new Uint8Array(1 << 20).fill(7)
        connection.send(bytes)
        bytes.fill(0)
        await bench.until(() => bench.count === bytes.length)
        expect(bench.received.every((byte) => byte === 7)).toBe(true)
        connection.close()
        await bench.until(() => bench.events.length > 1)
      }),
    )

    it(
      'gives bytes away that stay as they are, and whose slices are copies',
      over(async (bench) => {
        const connection = bench.connect(bench.under.echo)
        await bench.until(() => bench.events.length > 0)
        connection.send(Uint8Array.of(1, 2, 3))
        await bench.until(() => bench.count === 3)
        const [first] = bench.chunks
        const copy = first?.slice(0, 1)
        copy?.fill(9)
        for (let i = 0; i < 50; i++) connection.send(new Uint8Array(1_000).fill(5))
        await bench.until(() => bench.count === 50_003)
        expect(first?.[0]).toBe(1)
        connection.close()
        await bench.until(() => bench.events.length > 1)
      }),
    )

    it(
      'closed from here says so once, in a later turn, and is silent after that',
      over(async (bench) => {
        const connection = bench.connect(bench.under.echo)
        await bench.until(() => bench.events.length > 0)
        connection.close()
        expect(bench.events).toEqual(['opened'])
        await bench.until(() => bench.events.length > 1)
        connection.close()
        connection.send(Uint8Array.of(1))
        bench.under.closeByServer()
        await bench.pause()
        expect(bench.events).toEqual(['opened', 'closed'])
      }),
    )

    it(
      'closed before it was opened says so once, and never opens',
      over(async (bench) => {
        bench.connect(bench.under.echo).close()
        await bench.until(() => bench.events.length > 0)
        await bench.pause()
        expect(bench.events).toEqual(['closed'])
      }),
    )

    it(
      'closed by the server says so once',
      over(async (bench) => {
        const connection = bench.connect(bench.under.echo)
        await bench.until(() => bench.events.length > 0)
        connection.send(Uint8Array.of(1))
        await bench.until(() => bench.count === 1)
        bench.under.closeByServer()
        await bench.until(() => bench.events.includes('closed'))
        await bench.pause()
        expect(bench.events).toEqual(['opened', 'closed'])
      }),
    )

    it(
      'to nobody is closed without having been open, with a reason for people',
      over(async (bench) => {
        bench.connect(bench.under.nobody)
        expect(bench.events).toEqual([])
        await bench.until(() => bench.events.length > 0)
        expect(bench.events).toEqual(['closed'])
        expect(bench.reason).not.toBe('')
      }),
    )
  })
}

/** A client that writes down what happens to it. */
class Bench {
  readonly under: TransportUnderTest
  readonly events: string[] = []
  readonly chunks: Uint8Array[] = []
  reason = ''

  constructor(under: TransportUnderTest) {
    this.under = under
  }

  /** Bytes received. */
  get count(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  }

  get received(): number[] {
    return this.chunks.flatMap((chunk) => [...chunk])
  }

  connect({ host, port }: Place): TransportConnection {
    return this.under.transport.connect(host, port, {
      opened: () => this.events.push('opened'),
      bytes: (chunk) => this.chunks.push(chunk),
      closed: (reason) => {
        this.events.push('closed')
        this.reason = reason
      },
    })
  }

  until(isTrue: () => boolean): Promise<void> {
    return this.under.settle(isTrue)
  }

  /** Lets what might still come come. */
  async pause(): Promise<void> {
    let turns = 0
    await this.under.settle(() => ++turns > 20)
  }
}
