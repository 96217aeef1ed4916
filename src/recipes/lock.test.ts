// The mutex on a real server, with several clients over networks that fail on demand.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type FaultyClient, faultyClient } from '../../test/support/faulty-client.ts'
import { type TestServer, startTestServer } from '../testkit/index.ts'
import { until, untilState } from '../../test/support/until.ts'
import { type ZooKeeper, connect } from '../client/index.ts'
import { LeaderElection, Mutex, withLock } from './index.ts'

let live: TestServer
let witness: ZooKeeper
const clients: ZooKeeper[] = []
let fresh = 0

const path = (): string => `/locks/${++fresh}`

async function client(sessionTimeout = 10_000): Promise<FaultyClient> {
  const made = await faultyClient(live.connectString, { sessionTimeout })
  clients.push(made.zk)
  return made
}

async function contenders(at: string): Promise<readonly string[]> {
  return (await witness.exists(at)) === null ? [] : (await witness.getChildren(at)).children
}

beforeAll(async () => {
  live = await startTestServer()
  witness = await connect(live.connectString)
})

afterEach(async () => {
  for (const zk of clients.splice(0)) await zk.close({ drain: 0 })
})

afterAll(async () => {
  await witness.close()
  await live[Symbol.asyncDispose]()
})

describe('a mutex', () => {
  it('lets one in at a time, with tokens that rise', async () => {
    const at = path()
    const zks = await Promise.all([client(), client(), client()])
    let inside = 0
    let most = 0
    const tokens: number[] = []
    const work = async ({ zk }: FaultyClient): Promise<void> => {
      for (let i = 0; i < 10; i++) {
        await withLock(zk, at, async ({ token, held }) => {
          most = Math.max(most, ++inside)
          tokens.push(token)
          await zk.sync()
          held.assertValid()
          inside--
        })
      }
    }
    await Promise.all([...zks, ...zks].map(work))
    expect(most).toBe(1)
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b))
    expect(new Set(tokens).size).toBe(60)
    expect(await contenders(at)).toEqual([])
  })

  it('serves in the order of arrival', async () => {
    const at = path()
    const { zk } = await client()
    const first = await new Mutex(zk, at).acquire()
    const order: number[] = []
    const waiting: Promise<unknown>[] = []
    for (let i = 0; i < 4; i++) {
      waiting.push(withLock(zk, at, () => order.push(i)))
      await until(async () => (await contenders(at)).length === i + 2)
    }
    await first.release()
    await Promise.all(waiting)
    expect(order).toEqual([0, 1, 2, 3])
  })

  it('looks like one of Curator, or of kazoo, or as it is told', async () => {
    const { zk } = await client()
    const nodeOf = async (options = {}): Promise<string> => {
      await using held = await new Mutex(zk, path(), options).acquire()
      return held.path.replace(/^\/locks\/\d+\//, '')
    }
    expect(await nodeOf()).toMatch(/^_c_[0-9a-f-]{36}-lock-0000000000$/)
    expect(await nodeOf({ dialect: 'kazoo' })).toMatch(/^[0-9a-f]{32}__lock__0000000000$/)
    expect(await nodeOf({ namePrefix: 'Master' })).toBe('Master0000000000')
  })

  it('refuses options that it does not have', async () => {
    const { zk } = await client()
    const misspelt = { namePrefx: 'Master' } as object
    expect(() => new Mutex(zk, path(), misspelt)).toThrow('a lock has no option "namePrefx"')
    expect(() => new LeaderElection(zk, path(), misspelt)).toThrow('an election has no option')
  })

  it('waits for contenders of a dialect that it respects', async () => {
    const at = path()
    const [{ zk: a }, { zk: b }] = [await client(), await client()]
    const python = await new Mutex(a, at, { dialect: 'kazoo' }).acquire()
    const ours = new Mutex(b, at, { alsoRespect: ['__lock__'] })
    expect(await ours.tryAcquire()).toBeNull()
    await python.release()
    expect(await ours.tryAcquire()).not.toBeNull()
  })

  it('passes over children that are no contenders', async () => {
    const at = path()
    await witness.create(`${at}/junk`, '', { parents: 'persistent' })
    const { zk } = await client()
    await using held = await new Mutex(zk, at).acquire({ timeout: 2_000 })
    expect(held.valid).toBe(true)
    expect(await contenders(at)).toContain('junk')
  })

  it('can be tried, and be given up after a time or by a signal, and leaves nothing then', async () => {
    const at = path()
    const [{ zk: a }, { zk: b }] = [await client(), await client()]
    await using held = await new Mutex(a, at).acquire()
    const mutex = new Mutex(b, at)
    expect(await mutex.tryAcquire()).toBeNull()
    await expect(mutex.acquire({ timeout: 0 })).rejects.toMatchObject({ name: 'LockTimeoutError' })
    await expect(mutex.acquire({ timeout: 40 })).rejects.toMatchObject({ code: 'ZK_LOCK_TIMEOUT' })
    const controller = new AbortController()
    const aborted = mutex.acquire({ signal: controller.signal })
    await until(async () => (await contenders(at)).length === 2)
    controller.abort(new Error('enough'))
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
    expect(await contenders(at)).toEqual([held.path.slice(at.length + 1)])
    expect((await mutex.participants()).map((one) => one.path)).toEqual([held.path])
  })

  it('is released once', async () => {
    const { zk } = await client()
    const held = await new Mutex(zk, path()).acquire()
    expect(await held.release()).toBe(true)
    expect(await held.release()).toBe(false)
    expect(held.valid).toBe(false)
    expect(() => held.assertValid()).toThrow('released')
  })

  it('comes back after its directory was removed', async () => {
    const at = path()
    const { zk } = await client()
    const first = await new Mutex(zk, at).acquire()
    await first.release()
    await witness.delete(at)
    const second = await new Mutex(zk, at).acquire()
    expect(second.path).toMatch(/0000000000$/)
    expect(second.token).toBeGreaterThan(first.token)
    expect(second.tokenText > first.tokenText).toBe(true)
  })
})

describe('a holder', () => {
  it('is none any more when its node is deleted, and learns of it', async () => {
    const { zk } = await client()
    const held = await new Mutex(zk, path()).acquire()
    await witness.delete(held.path)
    await until(() => held.signal.aborted)
    expect(held.valid).toBe(false)
    expect(held.signal.reason).toMatchObject({ name: 'LockLostError' })
  })

  it('stops acting at once when the connection is lost, unless it is told to wait', async () => {
    const { zk, network } = await client()
    const strict = await new Mutex(zk, path()).acquire()
    const patient = await new Mutex(zk, path(), { policy: 'horizon' }).acquire()
    network.drop()
    await untilState(zk, 'suspended')
    expect([strict.valid, patient.valid]).toEqual([false, true])
    await untilState(zk, 'connected')
    await zk.sync()
    expect([strict.valid, patient.valid]).toEqual([false, true])
    expect(patient.signal.aborted).toBe(false)
  })

  it('that waits stops when the servers may have expired it, before they can have', async () => {
    const { zk, network } = await client(1_200)
    const held = await new Mutex(zk, path(), { policy: 'horizon' }).acquire()
    network.cut()
    await until(() => held.signal.aborted)
    expect(held.valid).toBe(false)
    expect(await witness.exists(held.path)).not.toBeNull()
  })

  it('cannot write through its guard once another may hold the lock', async () => {
    const at = path()
    const target = `${at}-target`
    await witness.create(target, 'untouched', { parents: true })
    const a = await client(600)
    const b = await client()
    const held = await new Mutex(a.zk, at, { policy: 'session' }).acquire()
    await held.guard(a.zk.transaction().setData(target, 'by a')).commit()
    const next = new Mutex(b.zk, at).acquire()
    a.network.cut()
    const heir = await next
    expect(heir.token).toBeGreaterThan(held.token)
    await heir.guard(b.zk.transaction().setData(target, 'by b')).commit()
    a.network.heal()
    await untilState(a.zk, 'connected')
    const late = held.guard(a.zk.transaction().setData(target, 'late')).commit()
    await expect(late).rejects.toMatchObject({ name: 'LockLostError' })
    expect(new TextDecoder().decode((await witness.getData(target)).data)).toBe('by b')
  })

  it('of withLock fails although its work succeeded, when the lock was lost meanwhile', async () => {
    const { zk } = await client()
    const lost = withLock(zk, path(), async ({ held, signal }) => {
      await witness.delete(held.path)
      await until(() => signal.aborted)
      return 'done'
    })
    await expect(lost).rejects.toMatchObject({ name: 'LockLostError' })
  })

  it('releases although the connection is away', async () => {
    const at = path()
    const { zk, network } = await client()
    const held = await new Mutex(zk, at).acquire()
    network.cut()
    await untilState(zk, 'suspended')
    const released = held.release()
    network.heal()
    expect(await released).toBe(true)
    expect(await contenders(at)).toEqual([])
  })
})

describe('a waiter', () => {
  it('keeps its place over a lost connection', async () => {
    const at = path()
    const [{ zk: a }, b] = [await client(), await client()]
    const held = await new Mutex(a, at).acquire()
    const waiting = new Mutex(b.zk, at).acquire()
    await until(async () => (await contenders(at)).length === 2)
    const before = await contenders(at)
    b.network.drop()
    await untilState(b.zk, 'suspended')
    await untilState(b.zk, 'connected')
    expect([...(await contenders(at))].sort()).toEqual([...before].sort())
    await held.release()
    await using heir = await waiting
    expect(heir.valid).toBe(true)
  })

  it('is woken by a release that it could not hear of', async () => {
    const at = path()
    const [{ zk: a }, b] = [await client(), await client()]
    const held = await new Mutex(a, at).acquire()
    const waiting = new Mutex(b.zk, at).acquire()
    await until(async () => (await contenders(at)).length === 2)
    b.network.cut()
    await untilState(b.zk, 'suspended')
    await held.release()
    b.network.heal()
    await using heir = await waiting
    expect(heir.valid).toBe(true)
  })

  it('takes a new place at the end when its session was lost', async () => {
    const at = path()
    const [{ zk: a }, b] = [await client(), await client(500)]
    const held = await new Mutex(a, at).acquire()
    const waiting = new Mutex(b.zk, at).acquire()
    await until(async () => (await contenders(at)).length === 2)
    b.network.cut()
    await untilState(b.zk, 'lost')
    b.network.heal()
    await held.release()
    await using heir = await waiting
    expect(heir.path).toMatch(/0000000002$/)
  })

  it('survives a lost answer to its own create', async () => {
    const at = path()
    const [{ zk: a }, b] = [await client(), await client()]
    const held = await new Mutex(a, at).acquire()
    b.network.losesAnswers = true
    const waiting = new Mutex(b.zk, at).acquire()
    await until(async () => (await contenders(at)).length === 2)
    b.network.heal()
    b.network.drop()
    await held.release()
    await using heir = await waiting
    expect(await contenders(at)).toEqual([heir.path.slice(at.length + 1)])
  })

  it('takes the lock of a holder that vanished', async () => {
    const at = path()
    const [a, { zk: b }] = [await client(500), await client()]
    const held = await new Mutex(a.zk, at).acquire()
    const waiting = new Mutex(b, at).acquire()
    a.network.cut()
    await using heir = await waiting
    expect(held.valid).toBe(false)
    expect(heir.token).toBeGreaterThan(held.token)
  })
})

it('one release wakes one waiter', async () => {
  const at = path()
  const { zk } = await client()
  const held = await new Mutex(zk, at).acquire()
  const waiting = Array.from({ length: 20 }, () => new Mutex(zk, at).acquire())
  await until(async () => (await contenders(at)).length === 21)
  await zk.sync()
  let granted = 0
  let letGo: () => void = () => {}
  const looked = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const served = waiting.map(async (one) => {
    const heir = await one
    granted++
    await looked
    await heir.release()
  })
  await held.release()
  await until(() => granted === 1)
  await zk.sync()
  expect(granted).toBe(1)
  letGo()
  await Promise.all(served)
  expect(granted).toBe(20)
})
