// How long nobody can write after the leader was killed. It is told twice: as soon as any server
// answers a write of somebody who asks all of them all the time, which is the servers' part of it;
// and as a user of our client sees it, who has been connected to one of the followers.

import { setTimeout as sleep } from 'node:timers/promises'
import { ZooKeeper, connect as connectClient } from '../src/client/index.ts'
import type { Member, Members } from './members.ts'
import { create, set } from './plan.ts'
import { RawSession } from './raw-session.ts'
import { freshPath } from './throughput.ts'
import { DATA } from './workloads.ts'

const ASK_AGAIN_MS = 2
const GIVE_UP_MS = 60_000
/** Between one failure and the next, for the ensemble to come to rest. */
const REST_MS = 1_500

export interface Failover {
  /** From the kill until a server acknowledged a write. */
  readonly serversMs: number
  /** The same for a client's call, made at the moment of the kill and repeated until it succeeds. */
  readonly clientMs: number
}

/** Kills the leader once, measures, and brings it back. */
export async function failover(members: Members): Promise<Failover> {
  const leader = await members.leader()
  const survivors = members.all.filter((member) => member !== leader)
  const path = freshPath()
  const before = await RawSession.open(survivors[0]!)
  await before.request(create(path, DATA))
  before.end()
  await using client = await connectClient(addressOf(survivors))
  await client.setData(path, DATA)
  await sleep(REST_MS)
  const killedAt = performance.now()
  const isDead = leader.kill()
  const [serversMs, clientMs] = await Promise.all([
    firstWrite(survivors, path).then(() => performance.now() - killedAt),
    clientWrite(client, path).then(() => performance.now() - killedAt),
  ])
  await isDead
  leader.launch()
  await leader.serving()
  await sleep(REST_MS)
  return { serversMs, clientMs }
}

/** The first of them to write is enough. */
async function firstWrite(survivors: readonly Member[], path: string): Promise<void> {
  const until = performance.now() + GIVE_UP_MS
  let isDone = false
  await Promise.any(
    survivors.map(async (member) => {
      while (!isDone && performance.now() < until) {
        if (await hasWritten(member, path)) {
          isDone = true
          return
        }
        await sleep(ASK_AGAIN_MS)
      }
      if (!isDone) throw new Error('nobody writes any more')
    }),
  )
}

async function hasWritten(member: Member, path: string): Promise<boolean> {
  let session: RawSession | null = null
  try {
    session = await RawSession.open(member)
    return (await session.request(set(path, DATA))) === 0
  } catch {
    return false
  } finally {
    session?.end()
  }
}

async function clientWrite(client: ZooKeeper, path: string): Promise<void> {
  const until = performance.now() + GIVE_UP_MS
  while (performance.now() < until) {
    try {
      await client.setData(path, DATA)
      return
    } catch {
      await sleep(1)
    }
  }
  throw new Error('the client cannot write any more')
}

const addressOf = (members: readonly Member[]): string =>
  members.map(({ host, port }) => `${host}:${port}`).join(',')
