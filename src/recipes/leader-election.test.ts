// Elections on a real server, with several candidates over networks that fail on demand.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type FaultyClient, faultyClient } from '../../test/support/faulty-client.ts'
import { type TestServer, startTestServer } from '../testkit/index.ts'
import { until, untilState } from '../../test/support/until.ts'
import { type ZooKeeper, connect } from '../client/index.ts'
import { type ElectionOptions, LeaderElection, type Leadership } from './index.ts'

let live: TestServer
let witness: ZooKeeper
const clients: ZooKeeper[] = []
const elections: LeaderElection[] = []
let fresh = 0

const path = (): string => `/masters/${++fresh}`

async function client(sessionTimeout = 10_000): Promise<FaultyClient> {
  const made = await faultyClient(live.connectString, { sessionTimeout })
  clients.push(made.zk)
  return made
}

function candidate(zk: ZooKeeper, at: string, options: ElectionOptions = {}): LeaderElection {
  const election = new LeaderElection(zk, at, options)
  elections.push(election)
  return election
}

/** What a candidate is told, as words, growing while it goes on. */
function told(election: LeaderElection): string[] {
  const words: string[] = []
  void (async () => {
    for await (const now of election.leadership()) words.push(wordOf(now))
  })()
  return words
}

const wordOf = (now: Leadership): string => (now.leader ? 'leads' : 'stands by')

beforeAll(async () => {
  live = await startTestServer()
  witness = await connect(live.connectString)
})

afterEach(async () => {
  for (const election of elections.splice(0)) await election[Symbol.asyncDispose]()
  for (const zk of clients.splice(0)) await zk.close({ drain: 0 })
})

afterAll(async () => {
  await witness.close()
  await live[Symbol.asyncDispose]()
})

describe('the founding scene', () => {
  it('the smaller number leads, the next one follows, and who returns stands at the end', async () => {
    const at = path()
    const scene = { namePrefix: 'Master' } as const
    await witness.create(`${at}/before`, '', { parents: true })
    const a = await client(600)
    const b = await client()
    const electionA = candidate(a.zk, at, { ...scene, id: 'A' })
    const electionB = candidate(b.zk, at, { ...scene, id: 'B' })

    const leadsA = await electionA.whenLeader()
    expect(leadsA.path).toBe(`${at}/Master0000000001`)
    const toldB = told(electionB)
    await until(async () => (await electionB.participants()).length === 2)
    expect(await electionB.current()).toMatchObject({ id: 'A', token: leadsA.token })
    expect(toldB).not.toContain('leads')

    // A is cut off for longer than its session: B leads.
    a.network.cut()
    const leadsB = await electionB.whenLeader()
    expect(leadsB.path).toBe(`${at}/Master0000000002`)
    expect([leadsA.valid, leadsB.valid]).toEqual([false, true])
    expect(leadsB.token).toBeGreaterThan(leadsA.token)

    // A returns and stands by, with the next number.
    a.network.heal()
    await until(async () => (await electionB.participants()).length === 2)
    expect(await electionB.participants()).toMatchObject([
      { id: 'B', path: `${at}/Master0000000002` },
      { id: 'A', path: `${at}/Master0000000003` },
    ])
    expect([electionA.isLeader, electionB.isLeader]).toEqual([false, true])

    // What A believed to be doing as the leader is refused.
    const target = `${at}-state`
    await witness.create(target)
    const late = leadsA.guard(a.zk.transaction().setData(target, 'late')).commit()
    await expect(late).rejects.toMatchObject({ name: 'LeadershipLostError' })
    await leadsB.guard(b.zk.transaction().setData(target, 'by B')).commit()
  })
})

describe('a candidate', () => {
  it('is named as Curator names it, or kazoo', async () => {
    const { zk } = await client()
    const nameFor = async (options: ElectionOptions): Promise<string> => {
      const election = candidate(zk, path(), { id: 'me', ...options })
      const { path: node } = await election.whenLeader()
      return `${node.replace(/^\/masters\/\d+\//, '')} ${new TextDecoder().decode((await zk.getData(node)).data)}`
    }
    expect(await nameFor({})).toMatch(/^_c_[0-9a-f-]{36}-latch-0000000000 me$/)
    expect(await nameFor({ style: 'selector' })).toMatch(/^_c_[0-9a-f-]{36}-lock-0000000000 me$/)
    expect(await nameFor({ dialect: 'kazoo' })).toMatch(/^[0-9a-f]{32}__lock__0000000000 me$/)
  })

  it('hears that it does not lead any more before it can lead again', async () => {
    const { zk, network } = await client()
    const election = candidate(zk, path())
    const words = told(election)
    const first = await election.whenLeader()
    network.drop()
    await until(() => words.filter((word) => word === 'leads').length === 2)
    expect(words.slice(-3)).toEqual(['leads', 'stands by', 'leads'])
    expect(first.valid).toBe(false)
    const again = await election.whenLeader()
    // The session is the same, and so is the place: nobody led in between.
    expect([again.path, again.token]).toEqual([first.path, first.token])
  })

  it('keeps leading over a short interruption where it is told to', async () => {
    const { zk, network } = await client()
    const election = candidate(zk, path(), { policy: 'horizon' })
    const leading = await election.whenLeader()
    network.drop()
    await untilState(zk, 'suspended')
    expect(leading.valid).toBe(true)
    await untilState(zk, 'connected')
    await zk.sync()
    expect([leading.valid, leading.signal.aborted]).toEqual([true, false])
  })

  it('is deposed by the deletion of its node, and stands again at the end', async () => {
    const at = path()
    const [{ zk: a }, { zk: b }] = [await client(), await client()]
    const electionA = candidate(a, at)
    const electionB = candidate(b, at)
    const leading = await electionA.whenLeader()
    void told(electionB)
    await until(async () => (await electionA.participants()).length === 2)
    await witness.delete(leading.path)
    await electionB.whenLeader()
    await until(() => leading.signal.aborted)
    await until(async () => (await electionB.participants()).length === 2)
    expect((await electionB.participants())[1]?.id).toBe(electionA.id)
  })

  it('resigns, with or without standing again', async () => {
    const at = path()
    const [{ zk: a }, { zk: b }] = [await client(), await client()]
    const electionA = candidate(a, at)
    const electionB = candidate(b, at)
    const leading = await electionA.whenLeader()
    void told(electionB)
    await until(async () => (await electionA.participants()).length === 2)
    await electionA.resign({ requeue: true })
    expect(leading.signal.reason).toMatchObject({ name: 'LeadershipLostError' })
    await electionB.whenLeader()
    await until(async () => (await electionB.participants()).length === 2)
    await electionB.resign()
    await electionA.whenLeader()
    expect((await electionA.participants()).length).toBe(1)
    await electionA.resign()
    expect(await electionA.current()).toBeNull()
  })

  it('leaves nothing when it gives up waiting', async () => {
    const at = path()
    const [{ zk: a }, { zk: b }] = [await client(), await client()]
    await candidate(a, at).whenLeader()
    const electionB = candidate(b, at)
    const waiting = electionB.whenLeader({ timeout: 50 })
    await expect(waiting).rejects.toMatchObject({ name: 'OperationTimeoutError' })
    await electionB.resign()
    expect((await electionB.participants()).length).toBe(1)
  })

  it('that may not stand is told so', async () => {
    const at = path()
    await witness.create(at, '', {
      parents: true,
      acl: [{ scheme: 'world', id: 'anyone', perms: 'r' }],
    })
    const { zk } = await client()
    const waiting = candidate(zk, at).whenLeader()
    await expect(waiting).rejects.toMatchObject({ name: 'NoAuthError' })
  })
})

describe('work as a leader', () => {
  it('is done once by each, one after the other', async () => {
    const at = path()
    const zks = await Promise.all([client(), client(), client()])
    let inside = 0
    const done: number[] = []
    await Promise.all(
      zks.map(({ zk }, i) =>
        candidate(zk, at, { style: 'selector' }).run(async ({ signal, token }) => {
          expect(++inside).toBe(1)
          await zk.sync()
          expect(signal.aborted).toBe(false)
          done.push(token)
          inside--
          return i
        }),
      ),
    )
    expect(done).toEqual([...done].sort((a, b) => a - b))
    expect(done.length).toBe(3)
  })

  it('is told when the leadership is lost, and fails then', async () => {
    const { zk, network } = await client()
    const running = candidate(zk, path()).run(async ({ signal }) => {
      network.drop()
      await until(() => signal.aborted)
    })
    await expect(running).rejects.toMatchObject({ name: 'LeadershipLostError' })
  })

  it('begins again only when what was begun before has ended', async () => {
    const { zk, network } = await client()
    const election = candidate(zk, path())
    const controller = new AbortController()
    let inside = 0
    let rounds = 0
    const running = election.run(
      async ({ signal }) => {
        expect(++inside).toBe(1)
        if (++rounds === 3) controller.abort()
        else {
          network.drop()
          await until(() => signal.aborted)
          // Slow to stop: the office may be ours again long before.
          await zk.sync()
          await zk.sync()
        }
        inside--
      },
      { autoRequeue: true, signal: controller.signal },
    )
    await expect(running).rejects.toMatchObject({ name: 'AbortError' })
    expect(rounds).toBe(3)
    expect(await election.participants()).toEqual([])
  })
})

describe('an observer', () => {
  it('sees each leader, and that there is none', async () => {
    const at = path()
    const [{ zk: a }, { zk: b }] = [await client(), await client()]
    const seen: (string | null)[] = []
    const controller = new AbortController()
    const observing = (async () => {
      const options = { signal: controller.signal }
      for await (const leader of candidate(b, at).observe(options)) seen.push(leader?.id ?? null)
    })()
    await until(() => seen.length === 1)
    const first = candidate(a, at, { id: 'first' })
    await first.whenLeader()
    await until(() => seen.includes('first'))
    const second = candidate(a, at, { id: 'second' })
    void told(second)
    await until(async () => (await first.participants()).length === 2)
    await first.resign()
    await until(() => seen.includes('second'))
    await second.resign()
    await until(() => seen.at(-1) === null)
    controller.abort()
    await expect(observing).rejects.toMatchObject({ name: 'AbortError' })
    expect(seen).toEqual([null, 'first', 'second', null])
  })
})
