// What each operation does when the connection is not there, breaks, or the session ends: the
// client on a real server, over a network that fails on demand.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type FaultyClient, faultyClient } from '../../test/support/faulty-client.ts'
import { type TestServer, startTestServer } from '../testkit/index.ts'
import { until, untilState } from '../../test/support/until.ts'
import type { ConnectOptions } from './options.ts'
import { type ZooKeeper, connect } from './index.ts'

let live: TestServer
let witness: ZooKeeper
const clients: ZooKeeper[] = []
let fresh = 0

/** A path that no other test uses. */
const path = (): string => `/d${++fresh}`

async function client(options: ConnectOptions = {}): Promise<FaultyClient> {
  const made = await faultyClient(live.connectString, options)
  clients.push(made.zk)
  return made
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

describe('while there is no connection', () => {
  it('reads and writes wait, and are made in the order of asking', async () => {
    const { zk, network } = await client()
    const at = path()
    network.cut()
    await untilState(zk, 'suspended')
    const asked = [
      zk.create(at, 'a'),
      zk.setData(at, 'b', { version: 0 }),
      zk.setData(at, 'c', { version: 1 }),
      zk.getData(at),
    ] as const
    network.heal()
    const [, , , read] = await Promise.all(asked)
    expect([new TextDecoder().decode(read.data), read.stat.version]).toEqual(['c', 2])
  })

  it('an operation fails at its time limit, and is never made after that', async () => {
    const { zk, network } = await client()
    const at = path()
    network.cut()
    await untilState(zk, 'suspended')
    await expect(zk.create(at, '', { timeout: 50 })).rejects.toMatchObject({
      name: 'OperationTimeoutError',
      outcome: 'not-applied',
    })
    network.heal()
    await zk.sync()
    expect(await witness.exists(at)).toBeNull()
  })

  it('operations fail at once where they may not wait', async () => {
    const { zk, network } = await client({ offlineQueue: false })
    network.cut()
    await untilState(zk, 'suspended')
    await expect(zk.getData('/')).rejects.toMatchObject({ name: 'NotConnectedError' })
  })

  it('operations fail when too many wait', async () => {
    const { zk, network } = await client({ offlineQueue: { max: 2 } })
    network.cut()
    await untilState(zk, 'suspended')
    const [one, two, three] = ['/', '/', '/'].map((at) => zk.getData(at))
    await expect(three).rejects.toMatchObject({ name: 'QueueFullError', outcome: 'not-applied' })
    network.heal()
    expect((await Promise.all([one, two])).length).toBe(2)
  })

  it('closing is done with at once', async () => {
    const { zk, network } = await client()
    network.cut()
    await untilState(zk, 'suspended')
    const waiting = zk.getData('/')
    const closed = zk.close({ drain: 30 })
    await expect(waiting).rejects.toMatchObject({ name: 'ClosedError', outcome: 'not-applied' })
    await closed
    expect(zk.state).toBe('closed')
  })
})

describe('when the connection breaks', () => {
  it('a read under way is asked again and its caller notices nothing', async () => {
    const { zk, network } = await client()
    network.losesAnswers = true
    const read = zk.getChildren('/')
    await until(() => zk.inFlight === 1)
    network.losesAnswers = false
    network.drop()
    expect((await read).children).toContain('zookeeper')
  })

  it('a write under way has an unknown outcome, and may have happened', async () => {
    const { zk, network } = await client()
    const at = path()
    network.losesAnswers = true
    const write = zk.create(at)
    await until(async () => (await witness.exists(at)) !== null)
    network.heal()
    network.drop()
    await expect(write).rejects.toMatchObject({
      name: 'ConnectionLossError',
      code: 'ZK_CONNECTION_LOSS',
      outcome: 'unknown',
      retry: 'after-check',
    })
  })

  it('a write that bears it is made again, and a refusal then says that nothing is certain', async () => {
    const { zk, network } = await client()
    const at = path()
    await zk.create(at, '0')
    network.losesAnswers = true
    const plain = zk.setData(at, '1', { idempotent: true })
    await until(async () => (await witness.exists(at))?.version === 1)
    network.heal()
    network.drop()
    expect((await plain).stat.version).toBe(2)

    network.losesAnswers = true
    const versioned = zk.setData(at, '2', { idempotent: true, version: 2 })
    await until(async () => (await witness.exists(at))?.version === 3)
    network.heal()
    network.drop()
    await expect(versioned).rejects.toMatchObject({ name: 'BadVersionError', outcome: 'unknown' })
  })

  it('the session and its ephemeral nodes stay', async () => {
    const { zk, network } = await client()
    const at = path()
    await zk.create(at, '', { ephemeral: true })
    const { session } = zk
    const states: string[] = []
    zk.onState(({ state, newSession }) => states.push(`${state} ${newSession}`))
    network.drop()
    await until(() => states.length === 2)
    expect(states).toEqual(['suspended false', 'connected false'])
    expect(zk.session).toBe(session)
    expect(session?.signal.aborted).toBe(false)
    expect(await zk.exists(at)).not.toBeNull()
  })

  it('identities are proved before what waits is sent', async () => {
    const { zk, network } = await client()
    const at = path()
    await zk.addAuth('digest', 'u:p')
    await zk.create(at, 'x', { acl: [{ scheme: 'auth', id: '', perms: 'cdrwa' }] })
    network.cut()
    await untilState(zk, 'suspended')
    const read = zk.getData(at)
    network.heal()
    expect((await read).stat.dataLength).toBe(1)
  })

  it('a silent server is left although requests could still be sent', async () => {
    const { zk, network } = await client({ sessionTimeout: 1_500 })
    network.losesAnswers = true
    const asked = Date.now()
    await untilState(zk, 'suspended')
    expect(Date.now() - asked).toBeLessThan(1_500)
    network.heal()
    await untilState(zk, 'connected')
  })
})

describe('when the session ends', () => {
  /** Cuts the client off until its session is over. */
  async function outlast(made: FaultyClient, meanwhile: () => void = () => {}): Promise<void> {
    made.network.cut()
    await untilState(made.zk, 'suspended')
    meanwhile()
    await untilState(made.zk, 'lost', 'closed')
  }

  it('what it owned is gone, and a new one takes its place', async () => {
    const made = await client({ sessionTimeout: 400 })
    const at = path()
    await made.zk.create(at, '', { ephemeral: true })
    const old = made.zk.session
    await outlast(made)
    expect([old?.valid, old?.signal.aborted, made.zk.session]).toEqual([false, true, null])
    expect(old?.signal.reason).toMatchObject({ name: 'SessionLostError', sessionId: old?.id })
    made.network.heal()
    await untilState(made.zk, 'connected')
    expect(made.zk.session?.id).not.toBe(old?.id)
    await until(async () => (await made.zk.exists(at)) === null)
  })

  it('is not certain to live long before that', async () => {
    const made = await client({ sessionTimeout: 1_200 })
    const { session } = made.zk
    made.network.cut()
    await until(() => session?.valid === false)
    expect(made.zk.state).toBe('suspended')
    expect(await witness.exists('/')).not.toBeNull()
  })

  it('writes that waited for it fail, unless they may be made in any; reads are answered', async () => {
    const made = await client({ sessionTimeout: 400 })
    const at = path()
    let bound: Promise<unknown> | undefined
    let free: Promise<unknown> | undefined
    let read: Promise<unknown> | undefined
    let boundRead: Promise<unknown> | undefined
    await outlast(made, () => {
      bound = made.zk.create(at, '', { ephemeral: true })
      free = made.zk.create(`${at}-free`, '', { boundTo: 'any' })
      read = made.zk.getChildren('/')
      boundRead = made.zk.getChildren('/', { boundTo: 'session' })
      for (const one of [bound, boundRead]) one.catch(() => {})
    })
    made.network.heal()
    const lost = { name: 'SessionLostError', outcome: 'not-applied', retry: 'new-session' }
    await expect(bound).rejects.toMatchObject(lost)
    await expect(boundRead).rejects.toMatchObject(lost)
    await Promise.all([free, read])
    expect(await witness.exists(at)).toBeNull()
  })

  it('closes a client that wants no other', async () => {
    const made = await client({ sessionTimeout: 400, onSessionLost: 'close' })
    const closed = made.zk.closed()
    await outlast(made)
    await untilState(made.zk, 'closed')
    expect(await closed).toMatchObject({ name: 'ClosedError' })
    await expect(made.zk.getData('/')).rejects.toMatchObject({ name: 'ClosedError' })
  })

  it('tells each change of state in order to whoever listens', async () => {
    const made = await client({ sessionTimeout: 400 })
    const told: string[] = []
    const listening = (async () => {
      for await (const { state } of made.zk.states()) told.push(state)
    })()
    await outlast(made)
    made.network.heal()
    await untilState(made.zk, 'connected')
    await made.zk.close()
    await listening
    expect(told).toEqual(['connected', 'suspended', 'lost', 'connected', 'closed'])
  })
})

describe('a protected create whose answer is lost', () => {
  it('finds its node again and makes no second one', async () => {
    const { zk, network } = await client()
    const parent = path()
    await zk.create(parent)
    for (const protect of ['curator', 'hex', 'data'] as const) {
      network.losesAnswers = true
      const options = { ephemeral: true, sequential: true, protect }
      const create = zk.create(`${parent}/${protect}-`, `mine ${protect}`, options)
      const made = async (): Promise<string[]> =>
        (await witness.getChildren(parent)).children.filter((name) => name.includes(protect))
      await until(async () => (await made()).length === 1)
      network.heal()
      network.drop()
      const { path: found, stat } = await create
      expect([found]).toEqual((await made()).map((name) => `${parent}/${name}`))
      expect(stat.ephemeralOwner).toBe(zk.session?.id)
    }
  })

  it('creates it when the request never arrived', async () => {
    const { zk, network } = await client()
    const parent = path()
    await zk.create(parent)
    network.losesRequests = true
    const create = zk.create(`${parent}/n-`, '', { sequential: true, protect: true })
    await until(() => zk.inFlight === 1)
    network.heal()
    network.drop()
    await create
    expect((await witness.getChildren(parent)).children.length).toBe(1)
  })

  it('leaves nothing behind when its caller has given up', async () => {
    const { zk, network } = await client()
    const parent = path()
    await zk.create(parent)
    const names = async (): Promise<readonly string[]> =>
      (await witness.getChildren(parent)).children
    network.losesAnswers = true
    const controller = new AbortController()
    const options = { sequential: true, protect: true, signal: controller.signal }
    const create = zk.create(`${parent}/n-`, '', options)
    create.catch(() => {})
    await until(async () => (await names()).length === 1)
    controller.abort()
    network.heal()
    network.drop()
    await expect(create).rejects.toMatchObject({ name: 'AbortError' })
    await until(async () => (await names()).length === 0)
  })

  it('fails as not made when its session ended meanwhile', async () => {
    const { zk, network } = await client({ sessionTimeout: 400 })
    const parent = path()
    await zk.create(parent)
    network.losesAnswers = true
    const options = { ephemeral: true, sequential: true, protect: true }
    const create = zk.create(`${parent}/n-`, '', options)
    create.catch(() => {})
    await until(async () => (await witness.getChildren(parent)).children.length === 1)
    network.cut()
    await untilState(zk, 'lost')
    network.heal()
    await expect(create).rejects.toMatchObject({ name: 'SessionLostError', outcome: 'not-applied' })
    await until(async () => (await witness.getChildren(parent)).children.length === 0)
  })
})

describe('a guaranteed delete', () => {
  it('is done although its answer is lost', async () => {
    const { zk, network } = await client()
    const at = path()
    await zk.create(at)
    network.losesAnswers = true
    const gone = zk.delete(at, { guaranteed: true })
    await until(async () => (await witness.exists(at)) === null)
    network.heal()
    network.drop()
    await gone
  })

  it('goes on when its caller has stopped waiting', async () => {
    const { zk, network } = await client()
    const at = path()
    await zk.create(at)
    network.cut()
    await untilState(zk, 'suspended')
    const gone = zk.delete(at, { guaranteed: true, timeout: 30 })
    await expect(gone).rejects.toMatchObject({ name: 'OperationTimeoutError' })
    expect(await witness.exists(at)).not.toBeNull()
    network.heal()
    await until(async () => (await witness.exists(at)) === null)
  })
})

describe('when the server restarts', () => {
  it('the session lives on', async () => {
    const { zk } = await client()
    const at = path()
    await zk.create(at, 'x', { ephemeral: true })
    const id = zk.session?.id
    await live.restart()
    expect((await zk.getData(at)).stat.ephemeralOwner).toBe(id)
    expect(zk.session?.id).toBe(id)
  })
})
