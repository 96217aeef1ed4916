import { describe, expect, it } from 'vitest'

import { Prng } from '../base/prng.ts'
import {
  CALM_NETWORK,
  FakeNetwork,
  type LinkFault,
  type NetworkConditions,
} from './fake-network.ts'
import { Trace } from './trace.ts'
import { VirtualClock } from './virtual-clock.ts'

/** A server that echoes, a client that collects. */
function echo(seed: number, conditions: Partial<NetworkConditions> = {}, echoes = true) {
  const clock = new VirtualClock(new Trace())
  const network = new FakeNetwork(clock, new Prng(seed), { ...CALM_NETWORK, ...conditions })
  const seen = { up: '', down: '', server: [] as string[], client: [] as string[], chunks: 0 }
  const listener = network.listen('s', 1, {
    opened: (id, address) => seen.server.push(`opened ${id} ${address}`),
    bytes: (id, chunk) => {
      seen.up += new TextDecoder().decode(chunk)
      if (echoes) listener.send(id, chunk.slice())
    },
    drained: (id) => seen.server.push(`drained ${id}`),
    closed: (id) => seen.server.push(`closed ${id}`),
  })
  const connect = (port = 1) =>
    network.transport('10.0.0.1').connect('s', port, {
      opened: () => seen.client.push('opened'),
      bytes: (chunk) => {
        seen.chunks++
        seen.down += new TextDecoder().decode(chunk)
      },
      closed: (reason) => seen.client.push(reason),
    })
  const settle = () => {
    while (clock.step());
  }
  return { clock, network, listener, seen, connect, settle }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const LONG = Array.from({ length: 400 }, (_, i) => `word${i} `).join('')

describe('a simulated network', () => {
  it('carries both streams in order, however it cuts them', () => {
    for (const chunking of ['as-sent', 'random', 'small'] as const) {
      const { connect, settle, seen } = echo(3, { chunking })
      const connection = connect()
      settle()
      for (let i = 0; i < LONG.length; i += 100) connection.send(bytes(LONG.slice(i, i + 100)))
      settle()
      expect(seen.up).toBe(LONG)
      expect(seen.down).toBe(LONG)
      if (chunking === 'small') expect(seen.chunks).toBeGreaterThan(LONG.length / 25)
    }
  })

  it('calls nothing before connect returns, and closed exactly once', () => {
    const { connect, settle, seen } = echo(1)
    const connection = connect()
    expect(seen.client).toEqual([])
    settle()
    connection.close()
    connection.close()
    expect(seen.client).toEqual(['opened'])
    settle()
    expect(seen.client).toEqual(['opened', 'closed'])
    expect(seen.server).toEqual(['opened 1 10.0.0.1', 'closed 1'])
  })

  it('refuses where nobody listens', () => {
    const { connect, settle, seen } = echo(1)
    connect(2)
    settle()
    expect(seen.client).toEqual(['connection to s:2 refused'])
  })

  it('leaves a hanging attempt unanswered until it is given up', () => {
    const { connect, settle, seen } = echo(1, { hang: 1 })
    const connection = connect()
    settle()
    expect(seen.client).toEqual([])
    connection.close()
    settle()
    expect(seen.client).toEqual(['closed'])
  })

  it('delivers what a server sent before it closed', () => {
    const { connect, settle, seen, listener } = echo(1)
    connect()
    settle()
    listener.send(1, bytes('last words'))
    listener.close(1)
    settle()
    expect(seen.down).toBe('last words')
    expect(seen.client).toEqual(['opened', 'closed by the server'])
    expect(seen.server.at(-1)).toBe('closed 1')
  })

  it('tells the sides that a fault concerns', () => {
    const told = (fault: LinkFault): [string[], string[]] => {
      const { connect, settle, seen, network } = echo(5)
      const connection = connect()
      settle()
      network.fault(1, fault)
      connection.send(bytes('lost'))
      settle()
      return [seen.client.slice(1), seen.server.slice(1)]
    }
    expect(told('reset')).toEqual([['connection reset'], ['closed 1']])
    expect(told('reset-client')[0]).toEqual(['connection reset'])
    expect(told('reset-server')[1]).toEqual(['closed 1'])
    expect(told('swallow-up')).toEqual([[], []])
  })

  it('shows a slow reader as backlog, and delivers when it reads again', () => {
    const { connect, settle, seen, listener, network } = echo(1)
    connect()
    settle()
    network.setClientReading(1, false)
    listener.send(1, bytes('waiting'))
    settle()
    expect(listener.backlogBytes(1)).toBe(7)
    network.setClientReading(1, true)
    settle()
    expect(listener.backlogBytes(1)).toBe(0)
    expect(seen.down).toBe('waiting')
  })

  it('holds back what a client sends while its server does not read', () => {
    const { connect, settle, seen, listener } = echo(1)
    const connection = connect()
    settle()
    listener.setReading(1, false)
    connection.send(bytes('later'))
    settle()
    expect(seen.up).toBe('')
    listener.setReading(1, true)
    settle()
    expect(seen.up).toBe('later')
  })

  it('notices a kept array that is written to', () => {
    const { connect, settle, listener } = echo(1, { keepArrays: 1 })
    connect()
    settle()
    const array = bytes('mine')
    expect(listener.send(1, array)).toBe(false)
    array[0] = 0
    expect(() => settle()).toThrow(/written to/)
  })

  it('tells when a backlog that it announced is gone', () => {
    const { connect, settle, listener, seen } = echo(1, { keepArrays: 1 })
    connect()
    settle()
    expect(listener.send(1, bytes('a'))).toBe(false)
    expect(seen.server).not.toContain('drained 1')
    settle()
    expect(seen.server).toContain('drained 1')
  })

  it('takes an array for good where it says so', () => {
    const { connect, settle, listener, seen } = echo(1, { keepArrays: 0 })
    connect()
    settle()
    const array = bytes('mine')
    expect(listener.send(1, array)).toBe(true)
    array.fill(0)
    settle()
    expect(seen.down).toBe('mine')
  })

  it('ends all connections of a server that dies', () => {
    const { connect, settle, seen, network } = echo(2)
    connect()
    settle()
    network.crash('s', 1, false)
    settle()
    expect(seen.client).toEqual(['opened', 'closed by the server'])
    expect(seen.server).toEqual(['opened 1 10.0.0.1'])
    connect()
    settle()
    expect(seen.client.at(-1)).toBe('connection to s:1 refused')
  })
})
