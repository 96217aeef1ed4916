// What sockets add to the contract of the port (test/contract): names and addresses, peers that do
// not behave, and limits. Peers are bare sockets here.

import { type Server, type Socket, connect, createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { LinkId, PeerDoor, PeerEvents } from '../../ports/peer-network.ts'
import { freePort } from '../../../test/support/free-port.ts'
import { TcpPeers, type TcpPeersOptions } from './tcp-peers.ts'

const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

describe('a peer is dialled', () => {
  test('by a name that is looked up for each attempt', async () => {
    const { port } = await rawServer()
    let asked = 0
    const { peers, told } = start({
      lookup: (_, __, done) => {
        asked++
        done(null, [{ address: '127.0.0.1', family: 4 }])
      },
    })
    peers.dial(-1, { host: 'zk1.example', port }, 5_000)
    await expect.poll(() => told).toEqual(['opened -1'])
    peers.dial(-2, { host: 'zk1.example', port }, 5_000)
    await expect.poll(() => told).toEqual(['opened -1', 'opened -2'])
    expect(asked).toBe(2)
  })

  test('at every address of its name, until one answers', async () => {
    const { port } = await rawServer()
    const { peers, told } = start({
      lookup: (_, __, done) =>
        done(null, [
          { address: '127.0.0.2', family: 4 },
          { address: '::1', family: 6 },
          { address: '127.0.0.1', family: 4 },
        ]),
    })
    peers.dial(-1, { host: 'zk1.example', port }, 5_000)
    await expect.poll(() => told).toEqual(['opened -1'])
  })

  test('for no longer than is allowed, even while its name is looked up', async () => {
    const { peers, told } = start({ lookup: () => {} })
    peers.dial(-1, { host: 'zk1.example', port: 2888 }, 30)
    await expect.poll(() => told).toEqual(['closed -1: no connection within 30 ms'])
  })

  test('under a name that does not exist, and the reason names it', async () => {
    const { peers, told } = start({
      lookup: (host, _, done) => {
        const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), {
          code: 'ENOTFOUND',
        })
        done(error, [])
      },
    })
    peers.dial(-1, { host: 'zk9.example', port: 2888 }, 5_000)
    await expect.poll(() => told).toEqual(['closed -1: getaddrinfo ENOTFOUND zk9.example'])
  })

  test('at a port that is none, which harms nobody', async () => {
    const { peers, told } = start()
    peers.dial(-1, { host: '127.0.0.1', port: 70_000 }, 5_000)
    expect(told).toEqual([])
    await expect.poll(() => told[0]).toContain('closed -1: ')
    expect(told[0]).toContain('70000')
  })
})

describe('a door', () => {
  test('at a port that is none fails like any other', async () => {
    const { peers, told } = start()
    peers.listen('quorum', { host: '127.0.0.1', port: 70_000 })
    expect(told).toEqual([])
    await expect.poll(() => told[0]).toContain('listenFailed quorum: ')
  })

  test('can be opened on every address instead of its own', async () => {
    const { peers, told } = start({ listenOnAllAddresses: true })
    const port = await freePort()
    // An address of a documentation network, which is not ours.
    peers.listen('election', { host: '192.0.2.1', port })
    await expect.poll(() => told).toEqual(['listening election'])
    dial(port)
    await expect.poll(() => told.at(-1)).toMatch(/^accepted 1 election 127\.0\.0\.1:\d+$/)
  })

  test('at an address that is not here fails with the reason', async () => {
    const { peers, told } = start()
    peers.listen('election', { host: '192.0.2.1', port: await freePort() })
    await expect.poll(() => told[0]).toMatch(/^listenFailed election: .*EADDRNOTAVAIL/)
  })

  test('refuses links beyond the limit, and lets others in when there is room', async () => {
    const refused: string[] = []
    const { port, told } = await startListening({
      acceptedMax: 2,
      onRefused: (address, reason, limit) => refused.push(`${address} ${reason} ${limit}`),
    })
    const first = dial(port)
    dial(port)
    await expect.poll(() => told.length).toBe(2)
    await new Promise((resolve) => dial(port).once('close', resolve))
    expect(refused).toEqual(['127.0.0.1 total 2'])
    first.destroy()
    await expect.poll(() => told.some((line) => line.startsWith('closed 1'))).toBe(true)
    dial(port)
    await expect.poll(() => told.at(-1)).toContain('accepted 3')
  })
})

describe('a peer', () => {
  test('gets one output in one piece, so that a single read finds it whole', async () => {
    const { port, sockets } = await rawServer()
    const { peers, told } = start()
    peers.dial(-1, { host: '127.0.0.1', port }, 5_000)
    await expect.poll(() => told).toEqual(['opened -1'])
    await expect.poll(() => sockets.length).toBe(1)
    const chunk = new Promise<Buffer>((resolve) => sockets[0]?.once('data', resolve))
    peers.send(-1, new Uint8Array(2_068))
    expect(await chunk).toHaveLength(2_068)
  })

  test('that resets its link ends that one and nothing else', async () => {
    const { port, told } = await startListening()
    const socket = dial(port)
    const other = dial(port)
    await expect.poll(() => told.length).toBe(2)
    socket.resetAndDestroy()
    await expect.poll(() => told[2]).toMatch(/^closed \d: .*ECONNRESET/)
    other.write('x')
    await expect.poll(() => told[3]).toMatch(/^bytes \d: 1$/)
  })

  test('that ends its side has its link closed, although not all was taken', async () => {
    const { port, told, peers } = await startListening()
    const socket = dial(port)
    await expect.poll(() => told.length).toBe(1)
    socket.pause()
    expect(peers.send(1, new Uint8Array(32 << 20))).toBe(false)
    socket.end('bye')
    await expect.poll(() => told.at(-1)).toBe('closed 1: the peer closed the connection')
    expect(told).toContain('bytes 1: 3')
  })

  test('that does not read makes the backlog grow, and its link can be closed', async () => {
    const { port, told, peers } = await startListening({ lingerMs: 50 })
    const socket = dial(port)
    await expect.poll(() => told.length).toBe(1)
    socket.pause()
    for (let count = 0; count < 8; count++) peers.send(1, new Uint8Array(8 << 20))
    expect(peers.backlogBytes(1)).toBeGreaterThan(32 << 20)
    peers.close(1)
    await expect.poll(() => told.at(-1)).toBe('closed 1: closed by this server')
  })
})

test('stopping cuts off peers that do not answer, tells of each, and frees the port', async () => {
  const { port, told, peers } = await startListening()
  for (let count = 0; count < 3; count++) dial(port, true)
  await expect.poll(() => told.length).toBe(3)
  await peers.stop()
  expect(told.filter((line) => line.startsWith('closed'))).toHaveLength(3)
  const again = start()
  again.peers.listen('quorum', { host: '127.0.0.1', port })
  await expect.poll(() => again.told).toEqual(['listening quorum'])
})

test('one that has stopped begins nothing more', async () => {
  const { port } = await startListening()
  const { told, peers } = start()
  await peers.stop()
  peers.dial(-1, { host: '127.0.0.1', port }, 1_000)
  peers.listen('election', { host: '127.0.0.1', port: await freePort() })
  await expect.poll(() => told).toEqual(['closed -1: this server has stopped'])
})

function start(options: Partial<TcpPeersOptions> = {}) {
  const peers = new TcpPeers({
    listenOnAllAddresses: false,
    keepAlive: true,
    onRefused: () => {},
    ...options,
  })
  const recorder = new Recorder()
  peers.start(recorder)
  closing.push(() => peers.stop())
  return { peers, told: recorder.told }
}

async function startListening(options: Partial<TcpPeersOptions> = {}) {
  const started = start(options)
  const port = await freePort()
  started.peers.listen('quorum', { host: '127.0.0.1', port })
  await expect.poll(() => started.told.splice(0)).toEqual(['listening quorum'])
  return { ...started, port }
}

/** A server that reads nothing by itself. */
async function rawServer(): Promise<{ port: number; server: Server; sockets: Socket[] }> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    socket.on('error', () => {})
    sockets.push(socket)
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port, server, sockets }
}

function dial(port: number, allowHalfOpen = false): Socket {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen })
  socket.on('error', () => {})
  socket.resume()
  closing.push(() => socket.destroy())
  return socket
}

class Recorder implements PeerEvents {
  readonly told: string[] = []

  listening(door: PeerDoor): void {
    this.told.push(`listening ${door}`)
  }

  listenFailed(door: PeerDoor, reason: string): void {
    this.told.push(`listenFailed ${door}: ${reason}`)
  }

  accepted(link: LinkId, door: PeerDoor, remote: string): void {
    this.told.push(`accepted ${link} ${door} ${remote}`)
  }

  opened(link: LinkId): void {
    this.told.push(`opened ${link}`)
  }

  bytes(link: LinkId, bytes: Uint8Array): void {
    expect(Buffer.isBuffer(bytes)).toBe(false)
    this.told.push(`bytes ${link}: ${bytes.length}`)
  }

  drained(link: LinkId): void {
    this.told.push(`drained ${link}`)
  }

  closed(link: LinkId, reason: string): void {
    this.told.push(`closed ${link}: ${reason}`)
  }
}
