/**
 * Clients at work while servers come and go, each with a history that can be checked: a counter
 * that only its own client advances, a node for each advance, and an ephemeral node for its
 * session. Refuses to know what happens to the servers meanwhile.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, isZkError, type ZooKeeper } from '../../src/client/index.ts'

const root = '/load'
const pauseMs = 5
const patienceMs = 30_000
const decode = (data: Uint8Array): number => Number(new TextDecoder().decode(data))

/** Clients that write until they are told to stop. */
export class Load implements AsyncDisposable {
  readonly #workers: Worker[]

  private constructor(workers: Worker[]) {
    this.#workers = workers
  }

  static async begin(address: string, count: number): Promise<Load> {
    const sessionTimeout = 30_000
    const clients = await Promise.all(
      Array.from({ length: count }, () => connect(address, { sessionTimeout })),
    )
    await clients[0]?.create(root, '', { ifExists: 'ignore' })
    const workers = clients.map((client, index) => new Worker(client, `${root}/worker-${index}`))
    for (const worker of workers) await worker.begin()
    return new Load(workers)
  }

  /** Acknowledged writes so far, of all workers. */
  get acknowledged(): number {
    return this.#workers.reduce((sum, { acknowledged }) => sum + acknowledged, 0)
  }

  /** Waits until every worker has had so many more writes acknowledged. */
  async advance(count: number): Promise<void> {
    const goals = this.#workers.map((worker) => worker.acknowledged + count)
    for (const [index, worker] of this.#workers.entries()) await worker.reach(goals[index] ?? 0)
  }

  /**
   * Stops, and throws when anything was lost: an acknowledged write, a session, an ephemeral node.
   * Answers how many writes there were.
   */
  async finish(): Promise<number> {
    for (const worker of this.#workers) await worker.finish()
    return this.acknowledged
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()))
  }
}

class Worker {
  readonly #client: ZooKeeper
  readonly #path: string
  readonly #sessionId: bigint
  readonly #sessionsLost: string[] = []
  #value = 0
  #isStopped = false
  #failure: Error | null = null
  #done: Promise<void> = Promise.resolve()

  constructor(client: ZooKeeper, path: string) {
    this.#client = client
    this.#path = path
    this.#sessionId = client.session?.id ?? 0n
    client.onState(({ state, reason }) => {
      if (state === 'lost') this.#sessionsLost.push(reason)
    })
  }

  get acknowledged(): number {
    return this.#value
  }

  async begin(): Promise<void> {
    await this.#client.create(this.#path, '0')
    await this.#client.create(`${this.#path}-alive`, '', { ephemeral: true })
    this.#done = this.#run().catch((error: unknown) => {
      this.#failure = error instanceof Error ? error : new Error(String(error))
    })
  }

  async reach(value: number): Promise<void> {
    while (this.#value < value) {
      if (this.#failure !== null) throw this.#failure
      await sleep(pauseMs)
    }
  }

  async finish(): Promise<void> {
    this.#isStopped = true
    await this.#done
    if (this.#failure !== null) throw this.#failure
    await this.#expectEverything()
  }

  async close(): Promise<void> {
    this.#isStopped = true
    await this.#client.close({ drain: 1_000 })
    await this.#done
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const next = this.#value + 1
      try {
        await this.#client
          .transaction()
          .setData(this.#path, String(next), { version: this.#value })
          .create(`${this.#path}/${next}`, '')
          .commit()
        this.#value = next
      } catch (error) {
        if (!isZkError(error) || this.#isStopped) throw error
        await this.#resolve(next, error)
      }
      await sleep(pauseMs)
    }
  }

  /** Whether a write without an answer has happened: both are allowed, anything else is not. */
  async #resolve(next: number, cause: Error): Promise<void> {
    const { data, stat } = await this.#readSurely()
    const value = decode(data)
    if (value !== stat.version || (value !== next && value !== next - 1)) {
      throw new Error(`${this.#path} is ${value} (version ${stat.version}) at write ${next}`, {
        cause,
      })
    }
    this.#value = value
  }

  /** What the ensemble has decided, when there is one that decides. */
  async #readSurely(): Promise<{
    readonly data: Uint8Array
    readonly stat: { readonly version: number }
  }> {
    const deadline = Date.now() + patienceMs
    for (;;) {
      try {
        return await this.#client.getData(this.#path, { consistency: 'strict' })
      } catch (error) {
        if (!isZkError(error, 'ZK_CONNECTION_LOSS') || Date.now() > deadline) throw error
      }
    }
  }

  async #expectEverything(): Promise<void> {
    const path = this.#path
    const { data, stat } = await this.#client.getData(path, { consistency: 'linearizable' })
    const problems: string[] = this.#sessionsLost.map((reason) => `its session was lost: ${reason}`)
    if (decode(data) !== this.#value) problems.push(`its counter is ${decode(data)}`)
    if (stat.version !== this.#value) problems.push(`its version is ${stat.version}`)
    const children = new Set((await this.#client.getChildren(path)).children)
    if (children.size !== this.#value) problems.push(`it has ${children.size} children`)
    for (let value = 1; value <= this.#value; value++) {
      if (!children.has(String(value))) problems.push(`write ${value} is gone`)
    }
    if (this.#client.session?.id !== this.#sessionId) problems.push('it has another session')
    const alive = await this.#client.exists(`${path}-alive`)
    if (alive?.ephemeralOwner !== this.#sessionId) problems.push('its ephemeral node is gone')
    if (problems.length === 0) return
    throw new Error(`${path} after ${this.#value} acknowledged writes: ${problems.join('; ')}`)
  }
}
