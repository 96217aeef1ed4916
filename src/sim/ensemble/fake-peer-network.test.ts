import { describe, expect, it } from 'vitest'

import { Prng } from '../../base/prng.ts'
import type { PeerEvents } from '../../ports/peer-network.ts'
import { Trace } from '../trace.ts'
import { VirtualClock } from '../virtual-clock.ts'
import { CALM_PEERS, FakePeerNetwork, type PeerConditions } from './fake-peer-network.ts'

const AT_B = { host: 'b', port: 2888 }
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const bytes = (of: string): Uint8Array => new TextEncoder().encode(of)
const LONG = Array.from({ length: 400 }, (_, i) => `word${i} `).join('')

/** Two processes, the second of which listens. */
function pair(seed: number, conditions: Partial<PeerConditions> = {}) {
  const clock = new VirtualClock(new Trace())
  const network = new FakePeerNetwork(clock, new Prng(seed), { ...CALM_PEERS, ...conditions })
  const process = (name: string) => {
    const seen = { events: [] as string[], received: '', links: [] as number[], chunks: 0 }
    const events: PeerEvents = {
      listening: (door) => seen.events.push(`listening ${door}`),
      listenFailed: (door) => seen.events.push(`failed ${door}`),
      accepted: (link, door) => {
        seen.links.push(link)
        seen.events.push(`accepted ${door}`)
      },
      opened: (link) => seen.events.push(`opened ${link}`),
      bytes: (_link, chunk) => {
        seen.chunks++
        seen.received += text(chunk)
      },
      drained: () => seen.events.push('drained'),
      closed: (_link, reason) => seen.events.push(`closed: ${reason}`),
    }
    return { seen, peers: network.start(name, events) }
  }
  const settle = (ms = 20_000) => {
    const limitUs = clock.nowUs + ms * 1_000
    while (clock.step(limitUs));
  }
  const [a, b] = [process('a'), process('b')]
  b.peers.listen('quorum', AT_B)
  settle()
  return { clock, network, process, settle, a, b }
}

describe('a simulated network of servers', () => {
  it('carries both streams in order, however it cuts them', () => {
    for (const chunking of ['as-sent', 'random', 'small'] as const) {
      const { a, b, settle } = pair(3, { chunking })
      a.peers.dial(-1, AT_B, 1_000)
      settle()
      expect(a.seen.events).toEqual(['opened -1'])
      expect(b.seen.events).toEqual(['listening quorum', 'accepted quorum'])
      for (let i = 0; i < LONG.length; i += 100) {
        a.peers.send(-1, bytes(LONG.slice(i, i + 100)))
        b.peers.send(b.seen.links[0] as number, bytes(LONG.slice(i, i + 100)))
      }
      settle()
      expect(a.seen.received).toBe(LONG)
      expect(b.seen.received).toBe(LONG)
      if (chunking === 'small') expect(a.seen.chunks).toBeGreaterThan(LONG.length / 25)
    }
  })

  it('delivers what was sent before a link was closed, and tells each side once', () => {
    const { a, b, settle } = pair(1)
    a.peers.dial(-1, AT_B, 1_000)
    settle()
    a.peers.send(-1, bytes('last words'))
    a.peers.close(-1)
    a.peers.close(-1)
    settle()
    expect(b.seen.received).toBe('last words')
    expect(a.seen.events.filter((one) => one.startsWith('closed'))).toEqual(['closed: closed'])
    expect(b.seen.events.at(-1)).toBe('closed: closed by the peer')
    expect(a.peers.send(-1, bytes('x'))).toBe(true)
  })

  it('refuses where nobody listens, and gives up in time where nobody answers', () => {
    const refused = pair(1)
    refused.a.peers.dial(-1, { host: 'b', port: 1 }, 1_000)
    refused.settle()
    expect(refused.a.seen.events).toEqual(['closed: connection to b:1 refused'])

    const hanging = pair(1, { hang: 1 })
    hanging.a.peers.dial(-1, AT_B, 1_000)
    hanging.settle(999)
    expect(hanging.a.seen.events).toEqual([])
    hanging.settle()
    expect(hanging.a.seen.events).toEqual(['closed: timed out'])
  })

  it('opens one door for one address', () => {
    const { network, process, settle, b } = pair(1)
    const other = process('c')
    other.peers.listen('election', AT_B)
    settle()
    expect(other.seen.events).toEqual(['failed election'])
    b.peers.stopListening('quorum')
    other.peers.listen('election', AT_B)
    settle()
    expect(other.seen.events).toEqual(['failed election', 'listening election'])
    network.crash('c', false)
    b.peers.listen('quorum', AT_B)
    settle()
    expect(b.seen.events).toEqual(['listening quorum', 'listening quorum'])
  })

  it('holds back one direction as long as it is cut', () => {
    const { network, a, b, settle } = pair(1, { resetAtHeal: 0 })
    a.peers.dial(-1, AT_B, 1_000)
    settle()
    network.block('a', 'b')
    a.peers.send(-1, bytes('there'))
    b.peers.send(b.seen.links[0] as number, bytes('back'))
    settle()
    expect([a.seen.received, b.seen.received]).toEqual(['back', ''])
    expect(a.peers.backlogBytes(-1)).toBe(5)
    network.unblock('a', 'b')
    settle()
    expect(b.seen.received).toBe('there')
    expect(a.peers.backlogBytes(-1)).toBe(0)
  })

  it('lets no attempt through a cut path until it is back', () => {
    const { network, a, settle } = pair(1)
    network.block('b', 'a')
    a.peers.dial(-1, AT_B, 1_000)
    a.peers.dial(-2, AT_B, 60_000)
    settle()
    expect(a.seen.events).toEqual(['closed: timed out'])
    network.unblock('b', 'a')
    settle()
    expect(a.seen.events).toEqual(['closed: timed out', 'opened -2'])
  })

  it('may break a link whose path was cut', () => {
    const { network, a, b, settle } = pair(1, { resetAtHeal: 1 })
    a.peers.dial(-1, AT_B, 1_000)
    settle()
    network.block('a', 'b')
    a.peers.send(-1, bytes('lost'))
    network.unblock('a', 'b')
    settle()
    expect(a.seen.events.at(-1)).toBe('closed: connection reset')
    expect(b.seen.events.at(-1)).toBe('closed: connection reset')
    expect(b.seen.received).toBe('')
  })

  it('tells the peers of a process that has died, and calls it no more', () => {
    const { network, a, b, settle } = pair(2)
    a.peers.dial(-1, AT_B, 1_000)
    settle()
    network.crash('b', false)
    const before = b.seen.events.length
    settle()
    expect(a.seen.events.at(-1)).toBe('closed: closed by the peer')
    expect(b.seen.events).toHaveLength(before)
  })

  it('may leave the peers of a lost machine in the dark until it is back', () => {
    let wasInTheDark = false
    for (let seed = 1; seed < 20; seed++) {
      const { network, process, a, settle } = pair(seed)
      a.peers.dial(-1, AT_B, 1_000)
      settle()
      network.crash('b', true)
      settle()
      if (a.seen.events.length > 1) continue
      wasInTheDark = true
      a.peers.send(-1, bytes('hello?'))
      settle()
      expect(a.seen.events).toEqual(['opened -1'])
      process('b')
      a.peers.send(-1, bytes('hello?'))
      settle()
      expect(a.seen.events.at(-1)).toBe('closed: connection reset')
    }
    expect(wasInTheDark).toBe(true)
  })

  it('lets what arrives wait while a process stands still', () => {
    const { network, a, b, settle } = pair(1)
    a.peers.dial(-1, AT_B, 1_000)
    settle()
    network.setStopped('b', true)
    a.peers.send(-1, bytes('wait'))
    settle()
    expect(b.seen.received).toBe('')
    network.setStopped('b', false)
    settle()
    expect(b.seen.received).toBe('wait')
  })

  it('notices when an array that it keeps is written to', () => {
    const { a, settle } = pair(1, { keepArrays: 1 })
    a.peers.dial(-1, AT_B, 1_000)
    settle()
    const kept = bytes('mine')
    expect(a.peers.send(-1, kept)).toBe(false)
    kept[0] = 0
    expect(() => settle()).toThrow(/was written to/)
  })
})
