// Connections within the process behave as connections do: in order, later, and over once.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import type { ConnectionId } from '../../ports/client-network.ts'
import type { TransportConnection } from '../../ports/transport.ts'
import { MemoryNetwork } from './memory-network.ts'

let network: MemoryNetwork
let seen: string[]
let last: ConnectionId

beforeEach(async () => {
  network = new MemoryNetwork()
  seen = []
  await listen()
})

const listen = (): Promise<unknown> =>
  network.listen(
    { port: 1 },
    {
      opened: (id, address) => {
        last = id
        seen.push(`server: opened from ${address}`)
      },
      bytes: (_, bytes) => seen.push(`server: ${bytes.join()}`),
      drained: () => seen.push('server: drained'),
      closed: () => seen.push('server: closed'),
    },
  )

const connect = (): TransportConnection =>
  network.connect('anything', 1, {
    opened: () => seen.push('client: opened'),
    bytes: (bytes) => seen.push(`client: ${bytes.join()}`),
    closed: (reason) => seen.push(`client: closed, ${reason}`),
  })

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await nextTurn()
}

async function opened(): Promise<TransportConnection> {
  const connection = connect()
  await settle()
  seen.length = 0
  return connection
}

describe('a connection in memory', () => {
  test('opens in a later turn, the server first', async () => {
    connect()
    expect(seen).toEqual([])
    await settle()
    expect(seen).toEqual(['server: opened from 127.0.0.1', 'client: opened'])
  })

  test('is refused where nobody listens', async () => {
    await network.stop()
    connect()
    await settle()
    expect(seen).toEqual(['client: closed, connection refused: the server is not running'])
  })

  test('carries copies, in order, both ways, and never within the call', async () => {
    const connection = await opened()
    const bytes = Uint8Array.of(1)
    connection.send(bytes)
    bytes[0] = 2
    connection.send(bytes)
    expect(network.send(last, bytes)).toBe(true)
    bytes[0] = 3
    expect(seen).toEqual([])
    expect(network.backlogBytes(last)).toBe(1)
    await settle()
    expect(seen).toEqual(['server: 1', 'server: 2', 'client: 2'])
    expect(network.backlogBytes(last)).toBe(0)
  })

  test('waits while the server does not read', async () => {
    const connection = await opened()
    network.setReading(last, false)
    connection.send(Uint8Array.of(1))
    await settle()
    expect(seen).toEqual([])
    network.setReading(last, true)
    await settle()
    expect(seen).toEqual(['server: 1'])
  })

  test('delivers what was sent before the server closed', async () => {
    await opened()
    network.send(last, Uint8Array.of(1))
    network.close(last)
    network.send(last, Uint8Array.of(2))
    network.close(last)
    await settle()
    expect(seen).toEqual(['client: 1', 'server: closed', 'client: closed, closed by the server'])
  })

  test('delivers what was sent before the client closed', async () => {
    const connection = await opened()
    connection.send(Uint8Array.of(1))
    connection.close()
    connection.close()
    connection.send(Uint8Array.of(2))
    await settle()
    expect(seen).toEqual(['server: 1', 'server: closed', 'client: closed, closed'])
  })

  test('ends also where the server does not read', async () => {
    const connection = await opened()
    network.setReading(last, false)
    connection.send(Uint8Array.of(1))
    connection.close()
    await settle()
    expect(seen).toEqual(['server: closed', 'client: closed, closed'])
  })

  test('ends where both sides close at once', async () => {
    const connection = await opened()
    network.close(last)
    connection.close()
    await settle()
    expect(seen).toEqual(['server: closed', 'client: closed, closed'])
    await network.stop()
  })

  test('that is closed before it opened is never opened', async () => {
    connect().close()
    await settle()
    expect(seen).toEqual(['client: closed, closed'])
  })

  test('ends with the server, which can come back', async () => {
    await opened()
    network.silence()
    await network.stop()
    await settle()
    expect(seen).toEqual(['server: closed', 'client: closed, the server has stopped'])
    seen.length = 0
    await listen()
    connect()
    await settle()
    expect(seen).toEqual(['server: opened from 127.0.0.1', 'client: opened'])
  })
})
