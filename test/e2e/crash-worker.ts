// A client under whom its servers are killed again and again. It alone writes below its own path, so it
// knows what must be there: everything that was acknowledged, and of what was not, all or nothing.
// After every loss it compares before it goes on.

import { setTimeout as sleep } from 'node:timers/promises'
import { assert } from '../../src/base/assert.ts'
import type { Prng } from '../../src/base/prng.ts'
import { TransactionError, type ZooKeeper, connect, isZkError } from '../../src/client/index.ts'

/** Every change that anybody was told of, by its zxid. */
export class Ledger {
  highest: number = 0
  readonly #changes = new Map<number, string>()

  get size(): number {
    return this.#changes.size
  }

  /** `floor`: the highest zxid known when the change was asked for. */
  add(zxid: number, what: string, floor: number): void {
    const former = this.#changes.get(zxid)
    assert(former === undefined, () => `zxid ${zxid} was given to ${former} and to ${what}`)
    assert(zxid > floor, () => `${what} got zxid ${zxid}, after ${floor} had been seen`)
    this.#changes.set(zxid, what)
    this.seen(zxid)
  }

  seen(zxid: number): void {
    if (zxid > this.highest) this.highest = zxid
  }
}

/** What is known of one number that is only ever raised: it is between the two. */
interface Raised {
  acknowledged: number
  sent: number
}

export interface CrashWorkerOptions {
  /** Longer than anything that happens to the servers. */
  readonly sessionMs: number
  /** At most so long between its bursts. */
  readonly pauseMs: number
}

const DEFAULTS: CrashWorkerOptions = { sessionMs: 30_000, pauseMs: 0 }
const BURST = 8

export class CrashWorker {
  readonly name: string
  verifiedCount: number = 0
  acknowledgedCount: number = 0
  unknownCount: number = 0
  readonly #zk: ZooKeeper
  readonly #random: Prng
  readonly #ledger: Ledger
  readonly #base: string
  readonly #sessionId: bigint
  readonly #pauseMs: number
  readonly #single: Raised = { acknowledged: 0, sent: 0 }
  readonly #pair: Raised = { acknowledged: 0, sent: 0 }
  readonly #token: Raised = { acknowledged: 0, sent: 0 }
  /** Sequential nodes that certainly exist, and how many more may. */
  readonly #items = new Set<string>()
  #maybeItems = 0
  #isStopping = false
  #done: Promise<void> = Promise.resolve()

  private constructor(zk: ZooKeeper, name: string, random: Prng, ledger: Ledger, pauseMs: number) {
    this.#pauseMs = pauseMs
    this.#zk = zk
    this.name = name
    this.#base = `/load/${name}`
    this.#random = random
    this.#ledger = ledger
    this.#sessionId = zk.session!.id
  }

  static async begin(
    target: string,
    name: string,
    random: Prng,
    ledger: Ledger,
    { sessionMs, pauseMs }: CrashWorkerOptions = DEFAULTS,
  ): Promise<CrashWorker> {
    const zk = await connect(target, {
      sessionTimeout: sessionMs,
      operationTimeout: sessionMs,
      tickTime: 200,
    })
    const worker = new CrashWorker(zk, name, random, ledger, pauseMs)
    const base = `/load/${name}`
    await zk.create(base, '', { parents: 'persistent' })
    await zk.create(`${base}/single`, '0')
    await zk.create(`${base}/left`, '0')
    await zk.create(`${base}/right`, '0')
    await zk.create(`${base}/items`)
    await zk.create(`${base}/tokens`)
    await zk.create(`${base}/tokens/0`)
    await zk.create(`${base}/here`, '', { ephemeral: true })
    worker.#done = worker.#work()
    return worker
  }

  /** Ends the work, compares once more, and ends the session. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#done
    await this.#verify()
    await this.#zk.close()
  }

  /** Rejects as soon as something is wrong. */
  get done(): Promise<void> {
    return this.#done
  }

  async #work(): Promise<void> {
    while (!this.#isStopping) {
      const floor = this.#ledger.highest
      const unknownBefore = this.unknownCount
      const burst = Array.from({ length: this.#random.between(1, BURST) }, () => this.#one(floor))
      await Promise.all(burst)
      if (this.unknownCount > unknownBefore || this.#random.chance(0.02)) await this.#verify()
      if (this.#pauseMs > 0) await sleep(this.#random.below(this.#pauseMs))
    }
  }

  #one(floor: number): Promise<void> {
    switch (this.#random.below(4)) {
      case 0:
        return this.#raiseSingle(floor)
      case 1:
        return this.#raisePair(floor)
      case 2:
        return this.#passToken(floor)
      default:
        return this.#addItem(floor)
    }
  }

  #raiseSingle(floor: number): Promise<void> {
    return this.#raise(this.#single, 'single', floor, async (value) => {
      const { zxid } = await this.#zk.setData(`${this.#base}/single`, value)
      return zxid
    })
  }

  /** Both or neither. */
  #raisePair(floor: number): Promise<void> {
    return this.#raise(this.#pair, 'pair', floor, async (value) => {
      const [{ stat }] = await this.#zk
        .transaction()
        .setData(`${this.#base}/left`, value)
        .setData(`${this.#base}/right`, value)
        .commit()
      return stat.mzxid
    })
  }

  /** There is always exactly one token. */
  #passToken(floor: number): Promise<void> {
    return this.#raise(this.#token, 'token', floor, async (value) => {
      const tokens = `${this.#base}/tokens`
      const [, created] = await this.#zk
        .transaction()
        .delete(`${tokens}/${Number(value) - 1}`)
        .create(`${tokens}/${value}`)
        .commit()
      return created.zxid
    })
  }

  async #addItem(floor: number): Promise<void> {
    this.#maybeItems++
    const created = await this.#outcome(() =>
      this.#zk.create(`${this.#base}/items/item-`, 'x', { sequential: true }),
    )
    if (created === null) return
    this.#maybeItems--
    assert(!this.#items.has(created.path), () => `${created.path} was created twice`)
    this.#items.add(created.path)
    this.#ledger.add(created.zxid, created.path, floor)
  }

  async #raise(
    raised: Raised,
    what: string,
    floor: number,
    change: (value: string) => Promise<number>,
  ): Promise<void> {
    const value = ++raised.sent
    const zxid = await this.#outcome(() => change(String(value)))
    if (zxid === null) return
    raised.acknowledged = Math.max(raised.acknowledged, value)
    this.#ledger.add(zxid, `${this.name} ${what} ${value}`, floor)
  }

  /** Null where nobody knows whether it happened; any other failure is one of the server. */
  async #outcome<T>(change: () => Promise<T>): Promise<T | null> {
    try {
      const result = await change()
      this.acknowledgedCount++
      return result
    } catch (error) {
      // A token cannot be passed on where the change before it was lost on the way.
      const isLost = isZkError(error) && error.outcome === 'unknown'
      if (!isLost && !(error instanceof TransactionError)) throw error
      this.unknownCount++
      return null
    }
  }

  /** What is there now must be what was acknowledged, or what was sent after it; from here on it is known. */
  async #verify(): Promise<void> {
    const zk = this.#zk
    // In an ensemble a write whose answer was lost may still be on its way to this server. It goes
    // before this one or not at all: the session has moved.
    await zk.exists(this.#base, { consistency: 'strict' })
    const single = await this.#read('single')
    const left = await this.#read('left')
    const right = await this.#read('right')
    this.#settle(this.#single, single, 'single')
    this.#settle(this.#pair, left, 'pair')
    assert(left === right, () => `${this.name}: half a transaction: ${left} and ${right}`)

    const { children: tokens } = await zk.getChildren(`${this.#base}/tokens`)
    assert(tokens.length === 1, () => `${this.name}: tokens ${tokens.join()}`)
    this.#settle(this.#token, Number(tokens[0]), 'token')

    const { children } = await zk.getChildren(`${this.#base}/items`)
    const found = new Set(children.map((name) => `${this.#base}/items/${name}`))
    for (const path of this.#items) assert(found.has(path), () => `${path} is lost`)
    const extra = found.size - this.#items.size
    assert(extra <= this.#maybeItems, () => `${this.name}: ${extra} items that nobody made`)
    for (const path of found) this.#items.add(path)
    this.#maybeItems = 0

    assert(zk.session?.id === this.#sessionId, () => `${this.name}: the session is another one`)
    const here = await zk.exists(`${this.#base}/here`)
    assert(here?.ephemeralOwner === this.#sessionId, () => `${this.name}: its ephemeral is gone`)
    this.verifiedCount++
  }

  async #read(name: string): Promise<number> {
    const { data, stat } = await this.#zk.getData(`${this.#base}/${name}`)
    this.#ledger.seen(stat.mzxid)
    return Number(new TextDecoder().decode(data))
  }

  #settle(raised: Raised, found: number, what: string): void {
    const { acknowledged, sent } = raised
    assert(
      found >= acknowledged && found <= sent,
      () => `${this.name} ${what}: ${found}, acknowledged ${acknowledged}, sent ${sent}`,
    )
    raised.acknowledged = found
    raised.sent = found
  }
}
