// Watches on a real server, over a network that fails on demand.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { askWord } from '../../test/support/ask-word.ts'
import { type FaultyClient, faultyClient } from '../../test/support/faulty-client.ts'
import { type TestServer, startTestServer } from '../testkit/index.ts'
import { until, untilState } from '../../test/support/until.ts'
import { type Watch, type WatchEvent, type ZooKeeper, connect } from './index.ts'

let live: TestServer
let other: ZooKeeper
const clients: ZooKeeper[] = []
let fresh = 0

const path = (): string => `/w${++fresh}`

async function client(sessionTimeout = 10_000): Promise<FaultyClient> {
  const made = await faultyClient(live.connectString, { sessionTimeout })
  clients.push(made.zk)
  return made
}

beforeAll(async () => {
  live = await startTestServer({ settings: { '4lw.commands.whitelist': '*' } })
  other = await connect(live.connectString)
})

afterEach(async () => {
  for (const zk of clients.splice(0)) await zk.close({ drain: 0 })
})

afterAll(async () => {
  await other.close()
  await live[Symbol.asyncDispose]()
})

/** The next events of a watch, without ending it. */
async function take(watch: Watch, count: number): Promise<WatchEvent[]> {
  const iterator = watch[Symbol.asyncIterator]()
  const events: WatchEvent[] = []
  while (events.length < count) {
    const { value, done } = await iterator.next()
    if (done === true) break
    events.push(value)
  }
  return events
}

const brief = (event: WatchEvent): string =>
  event.type === 'gap'
    ? `gap ${event.reason}`
    : event.type === 'resumed'
      ? 'resumed'
      : `${event.type} ${event.path}`

describe('a lasting watch', () => {
  it('on a node tells of it and of the names of its children, with the zxid of each change', async () => {
    const { zk } = await client()
    const at = path()
    const watch = zk.watch(at)
    await watch.active
    const created = await other.create(at)
    const written = await other.setData(at, 'x')
    await other.create(`${at}/child`)
    await other.delete(`${at}/child`)
    const deleted = await other.delete(at)
    const events = await take(watch, 5)
    expect(events.map(brief)).toEqual([
      `created ${at}`,
      `dataChanged ${at}`,
      `childrenChanged ${at}`,
      `childrenChanged ${at}`,
      `deleted ${at}`,
    ])
    const zxids = events.map((event) => ('zxid' in event ? event.zxid : null))
    expect([zxids[0], zxids[1], zxids[4]]).toEqual([created.zxid, written.zxid, deleted.zxid])
  })

  it('on a subtree tells of every node in it', async () => {
    const { zk } = await client()
    const at = path()
    const watch = zk.watch(at, { mode: 'recursive' })
    await watch.active
    await other.create(`${at}/a/b`, '', { parents: true })
    await other.setData(`${at}/a/b`, 'x')
    expect((await take(watch, 4)).map(brief)).toEqual([
      `created ${at}`,
      `created ${at}/a`,
      `created ${at}/a/b`,
      `dataChanged ${at}/a/b`,
    ])
  })

  it('speaks before an answer that shows the change', async () => {
    const { zk } = await client()
    const at = path()
    await zk.create(at, '0')
    const watch = zk.watch(at)
    await watch.active
    const order: string[] = []
    const next = watch[Symbol.asyncIterator]().next()
    const first = next.then(({ value }) => order.push(value?.type ?? ''))
    await zk.setData(at, '1').then(() => order.push('answered'))
    await first
    expect(order).toEqual(['dataChanged', 'answered'])
  })

  it('names the gap that a lost connection has left, and goes on', async () => {
    const { zk, network } = await client()
    const at = path()
    await other.create(at, '0')
    const watch = zk.watch(at)
    await watch.active
    await zk.getData(at)
    const lastSeen = zk.lastZxid
    network.cut()
    await untilState(zk, 'suspended')
    const { zxid: missed } = await other.setData(at, '1')
    network.heal()
    await untilState(zk, 'connected')
    const [gap, resumed] = await take(watch, 2)
    expect(gap).toMatchObject({ type: 'gap', reason: 'reconnect', fromZxid: lastSeen })
    expect(gap?.type === 'gap' && gap.toZxid >= missed).toBe(true)
    expect(resumed?.type).toBe('resumed')
    await other.setData(at, '2')
    expect((await take(watch, 1)).map(brief)).toEqual([`dataChanged ${at}`])
  })

  it('names no gap where nothing can have been missed', async () => {
    const { zk, network } = await client()
    const at = path()
    const watch = zk.watch(at)
    await watch.active
    await zk.sync()
    network.drop()
    expect((await take(watch, 1)).map(brief)).toEqual(['resumed'])
  })

  it('goes on in a new session', async () => {
    const { zk, network } = await client(400)
    const at = path()
    const watch = zk.watch(at)
    await watch.active
    network.cut()
    await untilState(zk, 'lost')
    network.heal()
    await untilState(zk, 'connected')
    expect((await take(watch, 2)).map(brief)).toEqual(['gap newSession', 'resumed'])
    await other.create(at)
    expect((await take(watch, 1)).map(brief)).toEqual([`created ${at}`])
  })

  it('keeps a bounded number of events for a slow reader, and says that there were more', async () => {
    const { zk } = await client()
    const at = path()
    await other.create(at)
    const watch = zk.watch(at, { buffer: 3 })
    await watch.active
    for (let i = 0; i < 10; i++) await other.setData(at, `${i}`)
    await zk.sync()
    expect((await take(watch, 4)).map(brief)).toEqual([
      ...Array.from({ length: 3 }, () => `dataChanged ${at}`),
      'gap overflow',
    ])
    await other.setData(at, 'more')
    expect((await take(watch, 1)).map(brief)).toEqual([`dataChanged ${at}`])

    const strict = zk.watch(at, { buffer: 1, overflow: 'error' })
    await strict.active
    for (let i = 0; i < 3; i++) await other.setData(at, `${i}`)
    await zk.sync()
    expect((await take(strict, 1)).length).toBe(1)
    await expect(take(strict, 1)).rejects.toMatchObject({ code: 'ZK_WATCH_OVERFLOW' })
  })

  it('is gone from the server when it is left, in whatever way', async () => {
    const { zk } = await client()
    const at = path()
    await zk.create(at)
    const isWatched = async (): Promise<boolean> =>
      (await askWord(live.port, 'wchp')).split('\n').includes(at)

    const broken = zk.watch(at)
    const reading = (async () => {
      for await (const event of broken) if (event.type === 'dataChanged') break
    })()
    await broken.active
    expect(await isWatched()).toBe(true)
    await other.setData(at, 'x')
    await reading
    await zk.sync()
    expect(await isWatched()).toBe(false)

    const controller = new AbortController()
    const aborted = zk.watch(at, { signal: controller.signal })
    {
      await using disposed = zk.watch(at)
      await Promise.all([aborted.active, disposed.active])
    }
    await zk.sync()
    expect(await isWatched()).toBe(true)
    controller.abort()
    await zk.sync()
    expect(await isWatched()).toBe(false)
    await expect(take(aborted, 1)).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('ends with the client', async () => {
    const { zk } = await client()
    const watch = zk.watch('/')
    await watch.active
    const reading = take(watch, 1)
    await Promise.all([expect(reading).rejects.toMatchObject({ name: 'ClosedError' }), zk.close()])
    const late = zk.watch('/')
    await expect(take(late, 1)).rejects.toMatchObject({ name: 'ClosedError' })
  })

  it('sees the paths of its namespace', async () => {
    const { zk } = await client()
    const at = path()
    await zk.create(at)
    const watch = zk.namespace(at).watch('/', { mode: 'recursive' })
    await watch.active
    await other.create(`${at}/x`)
    expect((await take(watch, 1)).map(brief)).toEqual(['created /x'])
  })
})

describe('a watch that fires once', () => {
  it('tells of a change of data, of children, of coming into being, of going', async () => {
    const { zk } = await client()
    const at = path()
    const exists = zk.watchOnce(at, 'exists')
    await zk.sync()
    await other.create(at)
    expect(await exists).toMatchObject({ type: 'created', path: at })
    const changes = [zk.watchOnce(at, 'data'), zk.watchOnce(at, 'children')]
    await zk.sync()
    await other.create(`${at}/c`)
    await other.setData(at, 'x')
    expect((await Promise.all(changes)).map(({ type }) => type)).toEqual([
      'dataChanged',
      'childrenChanged',
    ])
    const gone = zk.watchOnce(`${at}/c`, 'data')
    await zk.sync()
    await other.delete(`${at}/c`)
    expect((await gone).type).toBe('deleted')
  })

  it('is refused where there is nothing to watch', async () => {
    const { zk } = await client()
    await expect(zk.watchOnce('/nothing', 'data')).rejects.toMatchObject({ name: 'NoNodeError' })
  })

  it('tells of a change that fell into a lost connection', async () => {
    const { zk, network } = await client()
    const at = path()
    await other.create(at)
    const change = zk.watchOnce(at, 'data')
    await zk.sync()
    network.cut()
    await untilState(zk, 'suspended')
    await other.setData(at, 'x')
    network.heal()
    expect(await change).toEqual({ type: 'dataChanged', path: at, zxid: null })
  })

  it('leaves nothing on the server when nobody waits for it any more', async () => {
    const { zk } = await client()
    const at = path()
    await zk.create(at)
    await expect(zk.watchOnce(at, 'data', { timeout: 30 })).rejects.toMatchObject({
      name: 'OperationTimeoutError',
    })
    await zk.sync()
    expect((await askWord(live.port, 'wchp')).split('\n')).not.toContain(at)
  })
})

it('no watch is left when its client is gone', async () => {
  const { zk } = await client()
  await zk.watch('/').active
  await zk.close()
  await until(async () => (await askWord(live.port, 'wchs')).includes('Total watches:0'))
})
