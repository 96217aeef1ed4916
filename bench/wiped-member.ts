// What it costs when a member of a large ensemble has lost everything: how long until it is back in
// service, and how long the writes of everybody else took before and meanwhile. The writes come at a
// steady pace, whatever becomes of the earlier ones, so that a pause shows in all that it delays.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Filled } from './large-tree.ts'
import type { Member, Members } from './members.ts'
import { create, set } from './plan.ts'
import { RawSession } from './raw-session.ts'
import { freshPath } from './throughput.ts'
import { DATA } from './workloads.ts'

const WRITE_EVERY_MS = 5
const BEFORE_MS = 10_000
/** Between the growing of the tree and the first write that counts. */
const REST_MS = 3_000

export interface Latencies {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export interface WipedMember {
  /** From the start of its process until it answered clients again. */
  readonly backMs: number
  readonly before: Latencies
  readonly meanwhile: Latencies
}

/** Takes one that does not lead. */
export async function wipedMember(members: Members, filled: Filled): Promise<WipedMember> {
  const leader = await members.leader()
  const wiped = members.all.find((member) => member !== leader)!
  const others = members.all.filter((member) => member !== wiped)
  await sleep(REST_MS)
  const before = await Pace.begin(others, filled)
  await sleep(BEFORE_MS)
  const beforeTimes = await before.end()

  await wiped.kill()
  wiped.wipe()
  const meanwhile = await Pace.begin(others, filled)
  const startedAt = performance.now()
  wiped.launch()
  await wiped.serving()
  const backMs = performance.now() - startedAt
  return { backMs, before: beforeTimes, meanwhile: await meanwhile.end() }
}

/** Sets one node again and again, through each of the servers in turn. */
class Pace {
  readonly #sessions: readonly RawSession[]
  readonly #path: string
  readonly #latenciesMs: number[] = []
  readonly #underWay = new Set<Promise<void>>()
  readonly #timer: NodeJS.Timeout
  readonly #startedAt = performance.now()
  #count = 0

  private constructor(sessions: readonly RawSession[], path: string) {
    this.#sessions = sessions
    this.#path = path
    this.#timer = setInterval(() => this.#catchUp(), WRITE_EVERY_MS)
  }

  static async begin(servers: readonly Member[], { base }: Filled): Promise<Pace> {
    const sessions = await Promise.all(servers.map((server) => RawSession.open(server)))
    const path = `${base}${freshPath()}`
    await sessions[0]!.request(create(path, DATA))
    return new Pace(sessions, path)
  }

  async end(): Promise<Latencies> {
    clearInterval(this.#timer)
    await Promise.all(this.#underWay)
    for (const session of this.#sessions) session.end()
    const sorted = this.#latenciesMs.sort((a, b) => a - b)
    const percentile = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
    return { p50Ms: percentile(0.5), p99Ms: percentile(0.99), maxMs: percentile(1) }
  }

  /** Sends what is due: a late timer makes no write later than its time. */
  #catchUp(): void {
    const due = Math.floor((performance.now() - this.#startedAt) / WRITE_EVERY_MS)
    while (this.#count < due) {
      const dueAt = this.#startedAt + this.#count * WRITE_EVERY_MS
      const session = this.#sessions[this.#count++ % this.#sessions.length]!
      const write = session.request(set(this.#path, DATA)).then((error) => {
        if (error !== 0) throw new Error(`a write failed with ${error}`)
        this.#latenciesMs.push(performance.now() - dueAt)
        this.#underWay.delete(write)
      })
      this.#underWay.add(write)
    }
  }
}
