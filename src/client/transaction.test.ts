import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest'
import { type TestServer, startTestServer } from '../testkit/index.ts'
import {
  type Created,
  type Stat,
  TransactionError,
  type ZkError,
  type ZooKeeper,
  connect,
  op,
} from './index.ts'

const text = (data: Uint8Array): string => new TextDecoder().decode(data)

let live: TestServer
let zk: ZooKeeper

beforeAll(async () => {
  live = await startTestServer()
  zk = await connect(live.connectString)
})

afterAll(async () => {
  await zk.close()
  await live[Symbol.asyncDispose]()
})

describe('a transaction', () => {
  it('makes all its changes at once, each with its own result', async () => {
    const results = await zk
      .transaction()
      .create('/t1', 'a')
      .create('/t1/s-', '', { sequential: true })
      .setData('/t1', 'b', { version: 0 })
      .check('/t1', { version: 1 })
      .delete('/t1/s-0000000000')
      .commit()
    expectTypeOf(results).toEqualTypeOf<[Created, Created, { stat: Stat }, void, void]>()
    const [made, sequential, changed] = results
    expect([made.path, sequential.path, changed.stat.version]).toEqual([
      '/t1',
      '/t1/s-0000000000',
      1,
    ])
    expect(made.zxid).toBe(sequential.stat.czxid)
    expect((await zk.getChildren('/t1')).children).toEqual([])
  })

  it('changes nothing when one part is refused, and says which', async () => {
    const failed = zk
      .transaction()
      .create('/t2')
      .setData('/none', '')
      .create('/t3')
      .commit()
      .catch((error: unknown) => error)
    const error = (await failed) as TransactionError
    expect(error).toBeInstanceOf(TransactionError)
    expect(error).toMatchObject({
      code: 'ZK_NO_NODE',
      path: '/none',
      index: 1,
      outcome: 'not-applied',
    })
    expect(error.errors.map((one) => one?.code ?? null)).toEqual([null, 'ZK_NO_NODE', null])
    expect(await zk.exists('/t2')).toBeNull()
  })

  it('depends on its guards, which have no result', async () => {
    await zk.create('/guard')
    const made = await zk.transaction().create('/t4').guard('/guard').commit()
    expectTypeOf(made).toEqualTypeOf<[Created]>()
    expect(made.length).toBe(1)
    await zk.delete('/guard')
    const plain = zk.transaction().guard('/guard').setData('/t4', 'x').commit()
    await expect(plain).rejects.toMatchObject({
      name: 'TransactionError',
      index: -1,
      path: '/guard',
    })
    const named = zk
      .transaction()
      .setData('/t4', 'x')
      .guard('/guard', (cause) => new Error('not any more', { cause }))
      .commit()
    await expect(named).rejects.toThrow('not any more')
    expect((await zk.getData('/t4')).stat.version).toBe(0)
  })

  it('takes its data when it is given, not when it is sent', async () => {
    const data = new TextEncoder().encode('first')
    const transaction = zk.transaction().create('/t5', data)
    data.fill(0)
    await transaction.commit()
    expect(text((await zk.getData('/t5')).data)).toBe('first')
  })

  it('is refused as a whole for a path or a kind of node that cannot be', async () => {
    await expect(zk.transaction().create('/a/').commit()).rejects.toMatchObject({
      name: 'PathError',
    })
    await expect(
      zk.transaction().create('/a', '', { ttl: 5, ephemeral: true }).commit(),
    ).rejects.toMatchObject({ name: 'BadOptionsError' })
  })

  it('may be empty', async () => {
    expect(await zk.transaction().commit()).toEqual([])
  })
})

describe('a list of operations', () => {
  it('has results of the same types in the same places', async () => {
    const results = await zk.multi([op.create('/m1', 'x'), op.setData('/m1', 'y'), op.check('/m1')])
    expectTypeOf(results).toEqualTypeOf<[Created, { stat: Stat }, void]>()
    expect(results[1].stat.version).toBe(1)
  })

  it('of reads has a result or an error for each', async () => {
    await zk.create('/r1', 'data')
    await zk.create('/r1/c')
    const results = await zk.multiRead([
      op.getData('/r1'),
      op.getChildren('/r1'),
      op.getData('/none'),
    ])
    expectTypeOf(results[0]).toEqualTypeOf<{ data: Uint8Array; stat: Stat } | ZkError>()
    const [data, children, missing] = results
    expect('data' in data && text(data.data)).toBe('data')
    expect(children).toEqual({ children: ['c'] })
    expect(missing).toMatchObject({ name: 'NoNodeError', path: '/none' })
  })

  it('works below a namespace', async () => {
    await zk.create('/ns')
    const [made] = await zk.namespace('/ns').multi([op.create('/in')])
    expect(made.path).toBe('/in')
    expect(await zk.exists('/ns/in')).not.toBeNull()
  })
})
