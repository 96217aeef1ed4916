// The server is driven through real sockets on the loopback; what it tells is recorded.

import { type Socket, connect } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { ClientEvents, ConnectionId } from '../../ports/client-network.ts'
import { TcpServer, type TcpServerOptions } from './tcp-server.ts'

interface Told {
  readonly kind: 'opened' | 'bytes' | 'drained' | 'closed'
  readonly connection: ConnectionId
  readonly text: string
}

/** Remembers what it is told and lets a test wait for it. */
class Recorder implements ClientEvents {
  readonly told: Told[] = []
  onBytes: ((connection: ConnectionId) => void) | null = null
  #waiting: { wanted: (told: Told) => boolean; resolve: (told: Told) => void }[] = []

  opened(connection: ConnectionId, address: string, port: number): void {
    this.#tell({ kind: 'opened', connection, text: `${address} ${port > 0}` })
  }

  bytes(connection: ConnectionId, bytes: Uint8Array): void {
    // A Buffer's `slice` is a view, and what a receiver means to keep would change under it.
    expect(Buffer.isBuffer(bytes)).toBe(false)
    this.#tell({ kind: 'bytes', connection, text: Buffer.from(bytes).toString('latin1') })
    this.onBytes?.(connection)
  }

  drained(connection: ConnectionId): void {
    this.#tell({ kind: 'drained', connection, text: '' })
  }

  closed(connection: ConnectionId): void {
    this.#tell({ kind: 'closed', connection, text: '' })
  }

  async next(kind: Told['kind']): Promise<Told> {
    const wanted = (told: Told): boolean => told.kind === kind
    const found = this.told.find(wanted)
    return found ?? new Promise((resolve) => this.#waiting.push({ wanted, resolve }))
  }

  #tell(told: Told): void {
    this.told.push(told)
    const [ready, waiting] = [
      this.#waiting.filter(({ wanted }) => wanted(told)),
      this.#waiting.filter(({ wanted }) => !wanted(told)),
    ]
    this.#waiting = waiting
    for (const { resolve } of ready) resolve(told)
  }
}

const opened: { server: TcpServer; sockets: Socket[] }[] = []

afterEach(async () => {
  for (const { server, sockets } of opened.splice(0)) {
    for (const socket of sockets) socket.destroy()
    await server.stop()
  }
})

async function start(options: Partial<TcpServerOptions> = {}, host = '127.0.0.1') {
  const events = new Recorder()
  const refused: string[] = []
  const server = new TcpServer({
    connectionsPerAddressMax: 0,
    connectionsMax: 0,
    keepAlive: false,
    onRefused: (address, reason, limit) => refused.push(`${address} ${reason} ${limit}`),
    ...options,
  })
  const { port } = await server.listen(
    { port: 0, host: host === '' ? null : host, backlog: -1 },
    events,
  )
  const sockets: Socket[] = []
  opened.push({ server, sockets })
  const dial = (): Socket => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => {})
    sockets.push(socket)
    return socket
  }
  return { server, events, refused, port, dial }
}

const textOf = async (socket: Socket): Promise<string> => {
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  await new Promise((resolve) => socket.once('end', resolve))
  return text
}

test('tells of a connection, of its bytes and of its end', async () => {
  const { events, dial } = await start()
  const socket = dial()
  socket.write('hello')
  expect(await events.next('bytes')).toMatchObject({ text: 'hello' })
  socket.destroy()
  await events.next('closed')
  expect(events.told.map(({ kind }) => kind)).toEqual(['opened', 'bytes', 'closed'])
  expect(events.told[0]?.text).toBe('127.0.0.1 true')
})

test('writes IPv4 addresses as such where it listens for both families', async () => {
  const { events, dial } = await start({}, '')
  dial()
  expect((await events.next('opened')).text).toBe('127.0.0.1 true')
})

test('sends in order, and says that a small array is free again', async () => {
  const { server, events, dial } = await start()
  const socket = dial()
  const text = textOf(socket)
  const { connection } = await events.next('opened')
  expect(server.send(connection, Buffer.from('one '))).toBe(true)
  expect(server.send(connection, Buffer.from('two'))).toBe(true)
  expect(server.backlogBytes(connection)).toBe(0)
  server.close(connection)
  expect(await text).toBe('one two')
})

test('keeps what a slow reader does not take, and tells when it has', async () => {
  const { server, events, dial } = await start()
  const socket = dial()
  socket.pause()
  const { connection } = await events.next('opened')
  const chunk = new Uint8Array(8 << 20).fill(0x61)
  expect(server.send(connection, chunk)).toBe(false)
  expect(server.backlogBytes(connection)).toBeGreaterThan(0)
  let received = 0
  socket.on('data', (bytes) => {
    received += bytes.length
  })
  socket.resume()
  await events.next('drained')
  expect(server.backlogBytes(connection)).toBe(0)
  server.close(connection)
  await new Promise((resolve) => socket.once('end', resolve))
  expect(received).toBe(chunk.length)
})

test('answers a client that has ended its own side', async () => {
  const { server, events, dial } = await start()
  events.onBytes = (connection) => {
    server.send(connection, Buffer.from('imok'))
    server.close(connection)
  }
  const socket = dial()
  const text = textOf(socket)
  socket.end('ruok')
  expect(await text).toBe('imok')
  await events.next('closed')
})

test('parts from a client that is done as soon as it has been sent everything', async () => {
  const { server, events, dial } = await start()
  const socket = dial()
  const text = textOf(socket)
  const { connection } = await events.next('opened')
  const large = Buffer.alloc(8 << 20, 'x')
  server.send(connection, Buffer.from('bye'))
  const isTaken = server.send(connection, large)
  server.close(connection, true)
  expect(isTaken).toBe(false)
  expect(await text).toBe(`bye${large.toString()}`)
  socket.end()
  await events.next('closed')

  const other = dial()
  await vi.waitUntil(() => events.told.filter(({ kind }) => kind === 'opened').length === 2)
  const otherText = textOf(other)
  server.send(connection + 1, Buffer.from('bye'))
  server.close(connection + 1, true)
  await vi.waitUntil(() => events.told.filter(({ kind }) => kind === 'closed').length === 2)
  expect(await otherText).toBe('bye')
})

test('a last reply arrives although the client had sent more than was read', async () => {
  const { server, events, dial } = await start()
  events.onBytes = (connection) => {
    server.send(connection, Buffer.from('bye'))
    server.close(connection)
    events.onBytes = null
  }
  const socket = dial()
  const text = textOf(socket)
  socket.write(Buffer.alloc(4 << 20))
  expect(await text).toBe('bye')
  socket.end()
  await events.next('closed')
  expect(events.told.filter(({ kind }) => kind === 'bytes')).toHaveLength(1)
})

describe('a connection that has come to stay', () => {
  /** Exchanges a few messages, one by one, so that each is a read of its own. */
  async function settle(events: Recorder, server: TcpServer, socket: Socket): Promise<string> {
    events.onBytes = (connection) => server.send(connection, Buffer.from('.'))
    for (let count = 0; count < 20; count++) {
      const answered = new Promise((resolve) => socket.once('data', resolve))
      socket.write(`${count} `)
      await answered
    }
    events.onBytes = null
    const texts = events.told.filter(({ kind }) => kind === 'bytes').map(({ text }) => text)
    events.told.splice(1)
    return texts.join('')
  }

  test('is read as before, in order, whatever the size', async () => {
    const { server, events, dial } = await start()
    const socket = dial()
    const numbers = Array.from({ length: 20 }, (_, count) => `${count} `)
    expect(await settle(events, server, socket)).toBe(numbers.join(''))
    const large = Buffer.alloc(1 << 20, 'abcdefghijklmnopqrstuvwxyz')
    socket.write(large)
    const received = (): string => events.told.map(({ text }) => text).join('')
    await expect.poll(() => received().length).toBeGreaterThan(large.length)
    expect(received().endsWith(large.toString('latin1'))).toBe(true)
  })

  test('does not mix its bytes with those of another', async () => {
    const { server, events, dial } = await start()
    const sockets = [dial(), dial(), dial()]
    for (const socket of sockets) await settle(events, server, socket)
    events.told.length = 0
    for (let round = 0; round < 50; round++) {
      for (const [index, socket] of sockets.entries()) socket.write(`${index}`.repeat(500))
    }
    const texts = (): Map<ConnectionId, string> => {
      const byConnection = new Map<ConnectionId, string>()
      for (const { connection, text } of events.told) {
        byConnection.set(connection, (byConnection.get(connection) ?? '') + text)
      }
      return byConnection
    }
    await expect
      .poll(() => [...texts().values()].reduce((sum, text) => sum + text.length, 0))
      .toBe(3 * 50 * 500)
    for (const text of texts().values()) expect(new Set(text).size).toBe(1)
  })

  test('can be paused and resumed', async () => {
    const { server, events, dial } = await start()
    const socket = dial()
    const { connection } = await events.next('opened')
    await settle(events, server, socket)
    server.setReading(connection, false)
    await new Promise((resolve) => socket.write('later', resolve))
    dial().write('other')
    await expect.poll(() => events.told.at(-1)?.text).toBe('other')
    server.setReading(connection, true)
    await expect.poll(() => events.told.at(-1)?.text).toBe('later')
  })

  test('has its backlog told, and its last bytes sent', async () => {
    const { server, events, dial } = await start()
    const socket = dial()
    const { connection } = await events.next('opened')
    await settle(events, server, socket)
    socket.pause()
    expect(server.send(connection, new Uint8Array(8 << 20))).toBe(false)
    expect(server.backlogBytes(connection)).toBeGreaterThan(0)
    let last = ''
    socket.on('data', (bytes) => {
      last = (last + bytes.toString('latin1')).slice(-3)
    })
    socket.resume()
    await events.next('drained')
    server.send(connection, Buffer.from('end'))
    server.close(connection)
    await new Promise((resolve) => socket.once('end', resolve))
    expect(last).toBe('end')
  })

  test.each([
    ['ended', (socket: Socket) => socket.end()],
    ['reset', (socket: Socket) => socket.resetAndDestroy()],
    ['destroyed', (socket: Socket) => socket.destroy()],
  ])('is told to be closed once when it is %s', async (_, close) => {
    const { server, events, dial } = await start()
    const socket = dial()
    await events.next('opened')
    await settle(events, server, socket)
    close(socket)
    await events.next('closed')
    await server.stop()
    expect(events.told.filter(({ kind }) => kind === 'closed')).toHaveLength(1)
  })
})

test('stops handing over bytes, and goes on', async () => {
  const { server, events, dial } = await start()
  const socket = dial()
  const { connection } = await events.next('opened')
  server.setReading(connection, false)
  await new Promise((resolve) => socket.write('later', resolve))
  // A second connection that is served meanwhile shows that the turn has passed.
  dial().write('other')
  const other = await events.next('bytes')
  expect(other.text).toBe('other')
  server.setReading(connection, true)
  await new Promise<void>((resolve) => {
    events.onBytes = () => resolve()
  })
  expect(events.told.at(-1)).toMatchObject({ kind: 'bytes', connection, text: 'later' })
})

test('a reset ends one connection and nothing else', async () => {
  const { events, dial } = await start()
  const socket = dial()
  await events.next('opened')
  socket.resetAndDestroy()
  await events.next('closed')
  dial().write('still here')
  expect((await events.next('bytes')).text).toBe('still here')
})

test('refuses more connections from one address than allowed', async () => {
  const { events, refused, dial } = await start({ connectionsPerAddressMax: 2 })
  const first = dial()
  dial()
  const third = dial()
  await textOf(third)
  expect(refused).toEqual(['127.0.0.1 per-address 2'])
  first.destroy()
  await events.next('closed')
  dial().write('there is room again')
  expect((await events.next('bytes')).text).toBe('there is room again')
})

test('refuses more connections in all than allowed', async () => {
  const { refused, dial } = await start({ connectionsMax: 1 })
  const first = dial()
  await new Promise((resolve) => first.once('connect', resolve))
  const second = dial()
  await textOf(second)
  expect(refused).toEqual(['127.0.0.1 total 1'])
})

test('what concerns a connection that is gone does nothing', async () => {
  const { server, events, dial } = await start()
  const socket = dial()
  const { connection } = await events.next('opened')
  socket.destroy()
  await events.next('closed')
  expect(server.send(connection, Buffer.from('x'))).toBe(true)
  expect(server.backlogBytes(connection)).toBe(0)
  server.setReading(connection, true)
  server.close(connection)
  expect(events.told.filter(({ kind }) => kind === 'closed')).toHaveLength(1)
})

test('stopping cuts every connection, tells of each, and frees the port', async () => {
  const { server, events, port, dial } = await start()
  for (let count = 0; count < 3; count++) dial()
  while (events.told.length < 3) await new Promise((resolve) => setImmediate(resolve))
  await server.stop()
  expect(events.told.filter(({ kind }) => kind === 'closed')).toHaveLength(3)
  const again = new TcpServer({
    connectionsPerAddressMax: 0,
    connectionsMax: 0,
    keepAlive: false,
    onRefused: () => {},
  })
  await again.listen({ port, host: '127.0.0.1', backlog: -1 }, events)
  opened.push({ server: again, sockets: [] })
})

test('a port that is taken is refused with the reason', async () => {
  const { port } = await start()
  const second = new TcpServer({
    connectionsPerAddressMax: 0,
    connectionsMax: 0,
    keepAlive: false,
    onRefused: () => {},
  })
  await expect(
    second.listen({ port, host: '127.0.0.1', backlog: -1 }, new Recorder()),
  ).rejects.toMatchObject({
    code: 'EADDRINUSE',
  })
})
