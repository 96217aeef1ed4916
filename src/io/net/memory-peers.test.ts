// The accidents of the network in memory; that it otherwise keeps the port's promises is shown by
// the contract (test/contract).

import { setImmediate as nextTurn } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Timers } from '../../ports/clock.ts'
import type { LinkId, PeerEvents } from '../../ports/peer-network.ts'
import { type MemoryPeer, MemoryPeers } from './memory-peers.ts'

const place = { host: 'two', port: 2888 }

let timers: ManualTimers
let world: MemoryPeers
let one: MemoryPeer
let two: MemoryPeer
let told: string[]

beforeEach(async () => {
  timers = new ManualTimers()
  world = new MemoryPeers(timers)
  told = []
  one = attach(1)
  two = attach(2)
  two.listen('quorum', place)
  await settle()
  told.length = 0
})

test('a server that has stopped begins nothing more', async () => {
  await one.stop()
  one.dial(-1, place, 1_000)
  one.listen('election', { host: 'one', port: 3888 })
  await settle()
  expect(told).toEqual(['1: closed -1: this server has stopped'])
})

test('a server that stops does not wait for links that linger', async () => {
  await link()
  world.cut(1, 2)
  one.close(-1)
  await settle()
  expect(told).toEqual([])
  await one.stop()
  expect(told).toEqual(['1: closed -1: closed by this server'])
})

describe('a direction that is cut', () => {
  test('holds back what was sent, and delivers it in order when it is healed', async () => {
    await link()
    world.cut(1, 2)
    one.send(-1, Uint8Array.of(1))
    one.send(-1, Uint8Array.of(2))
    two.send(1, Uint8Array.of(3))
    await settle()
    // Nobody can know that the other direction's bytes were taken: that would come the cut way.
    expect(told).toEqual(['1: bytes -1: 3'])
    expect(one.backlogBytes(-1)).toBe(2)
    world.heal(2, 1)
    await settle()
    expect(told.slice(1)).toEqual([
      '2: bytes 1: 1',
      '2: bytes 1: 2',
      '2: drained 1',
      '1: drained -1',
    ])
  })

  test.each([
    ['there', 1, 2],
    ['back', 2, 1],
  ])('lets no link be made on the way %s, until it is healed', async (_, from, to) => {
    world.cut(from, to)
    one.dial(-1, place, 1_000)
    await settle()
    expect(told).toEqual([])
    world.healAll()
    await settle()
    expect(told).toEqual(['1: opened -1', '2: accepted 1 quorum'])
    timers.pass(1_000)
    await settle()
    expect(told).toHaveLength(2)
  })

  test('makes dialling come to nothing in time', async () => {
    world.cut(1, 2)
    one.dial(-1, place, 1_000)
    await settle()
    timers.pass(999)
    expect(told).toEqual([])
    timers.pass(1)
    expect(told).toEqual(['1: closed -1: no connection within 1000 ms'])
    world.healAll()
    await settle()
    expect(told).toHaveLength(1)
  })

  test('keeps the other end from hearing of the end of a link, but not this one for ever', async () => {
    await link()
    world.cut(1, 2)
    one.close(-1)
    await settle()
    expect(told).toEqual([])
    timers.pass(5_000)
    expect(told).toEqual(['1: closed -1: closed by this server'])
    world.healAll()
    await settle()
    expect(told.slice(1)).toEqual(['2: closed 1: the peer closed the connection'])
  })
})

describe('a server that stands still', () => {
  test('hears nothing until it goes on, and then everything in order', async () => {
    await link()
    world.pause(2)
    one.send(-1, Uint8Array.of(1))
    one.dial(-2, place, 1_000)
    await settle()
    expect(told).toEqual(['1: opened -2'])
    one.close(-1)
    await settle()
    world.resume(2)
    await settle()
    expect(told.slice(1).toSorted()).toEqual(
      [
        '2: bytes 1: 1',
        '2: closed 1: the peer closed the connection',
        '2: accepted 2 quorum',
        '1: closed -1: closed by this server',
      ].toSorted(),
    )
    expect(told.indexOf('2: bytes 1: 1')).toBeLessThan(
      told.indexOf('2: closed 1: the peer closed the connection'),
    )
  })
})

describe('a server that is gone', () => {
  test('is told nothing, and its peers get what it had sent and then the end', async () => {
    await link()
    two.send(1, Uint8Array.of(1))
    world.crash(2)
    await settle()
    expect(told).toEqual(['1: bytes -1: 1', '1: closed -1: the connection was reset'])
    two.send(1, Uint8Array.of(2))
    two.close(1)
    one.dial(-2, place, 1_000)
    await settle()
    expect(told.slice(2)).toEqual(['1: closed -2: nobody listens at two:2888'])
  })

  test('can come back at the same place', async () => {
    await link()
    two = attach(2)
    two.listen('quorum', place)
    await settle()
    told.length = 0
    one.dial(-2, place, 1_000)
    await settle()
    expect(told).toEqual(['1: opened -2', '2: accepted 1 quorum'])
  })

  test('leaves a link that it had not accepted yet to end', async () => {
    world.pause(2)
    one.dial(-1, place, 1_000)
    await settle()
    world.crash(2)
    await settle()
    expect(told).toEqual(['1: opened -1', '1: closed -1: the connection was reset'])
  })
})

function attach(server: number): MemoryPeer {
  const peer = world.attach(server)
  peer.start(recorder(server))
  return peer
}

async function link(): Promise<void> {
  one.dial(-1, place, 1_000)
  await settle()
  expect(told.splice(0)).toEqual(['1: opened -1', '2: accepted 1 quorum'])
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await nextTurn()
}

const recorder = (server: number): PeerEvents => {
  const tell = (text: string): void => void told.push(`${server}: ${text}`)
  return {
    listening: (door) => tell(`listening ${door}`),
    listenFailed: (door, reason) => tell(`listenFailed ${door}: ${reason}`),
    accepted: (id: LinkId, door) => tell(`accepted ${id} ${door}`),
    opened: (id) => tell(`opened ${id}`),
    bytes: (id, bytes) => tell(`bytes ${id}: ${bytes.join()}`),
    drained: (id) => tell(`drained ${id}`),
    closed: (id, reason) => tell(`closed ${id}: ${reason}`),
  }
}

/** Time passes when the test says so. */
class ManualTimers implements Timers {
  #nowMs = 0
  readonly #tasks = new Set<{ atMs: number; task: () => void }>()

  schedule(delayMs: number, task: () => void): () => void {
    const entry = { atMs: this.#nowMs + delayMs, task }
    this.#tasks.add(entry)
    return () => this.#tasks.delete(entry)
  }

  pass(ms: number): void {
    this.#nowMs += ms
    for (const entry of [...this.#tasks]) {
      if (entry.atMs > this.#nowMs) continue
      this.#tasks.delete(entry)
      entry.task()
    }
  }
}
