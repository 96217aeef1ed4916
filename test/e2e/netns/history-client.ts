// A client under whom servers and networks fail, with a session short enough to be lost at times.
// It adds what it did to the registers to a history that is judged later, and holds against the
// service at once what a session may rely on: it reads its own writes, never goes back, has its
// ephemeral node as long as it lives and not longer, and sequence numbers only rise.

import { setTimeout as sleep } from 'node:timers/promises'
import { assert } from '../../../src/base/assert.ts'
import type { Prng } from '../../../src/base/prng.ts'
import { formatSessionId, sessionIdOf } from '../../../src/base/session-id.ts'
import { formatZxid, type Zxid } from '../../../src/base/zxid.ts'
import {
  type Session,
  type Stat,
  type ZooKeeper,
  connect,
  isZkError,
} from '../../../src/client/index.ts'
import type { RegisterOp } from '../../../src/sim/ensemble/checkers/register.ts'
import type { Histories } from './histories.ts'

export const OWN_PATH = '/own'
export const HERE_PATH = '/here'
export const SEQUENCE_PATH = '/sequence'

/** What clients know together of the numbers that sequential nodes have got. */
export class SequenceNumbers {
  highest: number = -1
  readonly given: Set<number> = new Set()
}

export interface HistoryClientOptions {
  readonly target: string
  readonly sessionMs: number
  readonly tickMs: number
  readonly name: string
  readonly random: Prng
  readonly histories: Histories
  readonly numbers: SequenceNumbers
  /** A change has been acknowledged. */
  onAcknowledged(): void
}

const BURST = 3
const PAUSE_MS_MAX = 12
const OPERATION_MS_MAX = 10_000
/** For all the leaders that begin to wait anew meanwhile. */
const SESSION_END_MS_MORE = 15_000

type SetOutcome = Extract<RegisterOp, { kind: 'set' }>['outcome']
type OtherOutcome = Extract<RegisterOp, { kind: 'delete' | 'create' }>['outcome']

export class HistoryClient {
  readonly name: string
  /** When the latest change was begun that was acknowledged, by the histories' clock. */
  acknowledgedOf: number = 0
  /** Sessions that the servers have ended, said so too early, and those that this client ended. */
  lostSessions: number = 0
  prematureEnds: number = 0
  abandonedSessions: number = 0
  readonly #zk: ZooKeeper
  readonly #random: Prng
  readonly #histories: Histories
  readonly #numbers: SequenceNumbers
  readonly #onAcknowledged: () => void
  readonly #sessionEndMsMax: number
  /** The version of each register that it has seen last: what a conditional write is built on. */
  readonly #versions = new Map<string, number>()
  #valueCount = 0
  #ownSent = 0
  /** Of its own node, what a session has seen, behind which it cannot go. */
  #own = { session: 0n, value: 0, mzxid: 0 }
  /** The session whose ephemeral node is certainly there. */
  #here: Session | null = null
  #isStopping = false
  #done: Promise<void> = Promise.resolve()

  private constructor(zk: ZooKeeper, options: HistoryClientOptions) {
    this.#zk = zk
    this.name = options.name
    this.#random = options.random
    this.#histories = options.histories
    this.#numbers = options.numbers
    this.#sessionEndMsMax = 2 * options.sessionMs + SESSION_END_MS_MORE
    this.#onAcknowledged = () => options.onAcknowledged()
  }

  static async begin(options: HistoryClientOptions): Promise<HistoryClient> {
    const zk = await connect(options.target, {
      sessionTimeout: options.sessionMs,
      tickTime: options.tickMs,
      operationTimeout: OPERATION_MS_MAX,
      timeout: 30_000,
    })
    const client = new HistoryClient(zk, options)
    await zk.create(client.#ownPath, '0')
    client.#done = client.#work()
    return client
  }

  /** Rejects as soon as something is wrong. */
  get done(): Promise<void> {
    return this.#done
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#done
    await this.#zk.close()
  }

  async #work(): Promise<void> {
    while (!this.#isStopping) {
      await this.#tried(() => this.#beHere())
      const burst = Array.from({ length: this.#random.between(1, BURST) }, () => this.#one())
      await Promise.all(burst)
      await sleep(this.#random.below(PAUSE_MS_MAX))
    }
  }

  #one(): Promise<void> {
    const path = this.#random.pick(this.#histories.current)
    switch (this.#random.below(12)) {
      case 0:
      case 1:
        return this.#createRegister(path)
      case 2:
      case 3:
      case 4:
        return this.#setRegister(path, this.#versions.get(path) ?? 0)
      case 5:
        return this.#setRegister(path, -1)
      case 6:
        return this.#random.chance(0.2) ? this.#deleteRegister(path) : this.#readStrictly(path)
      case 7:
        return this.#readBehindSync(path)
      case 8:
        return this.#tried(() => this.#raiseOwn())
      case 9:
        return this.#tried(() => this.#readOwn())
      case 10:
        return this.#tried(() => this.#takeNumber())
      default:
        return this.#tried(() => this.#seeHere())
    }
  }

  // ---- Registers, for the judge

  async #createRegister(path: string): Promise<void> {
    const value = this.#nextValue()
    const op = (outcome: OtherOutcome): RegisterOp =>
      ({ kind: 'create', value, outcome }) as RegisterOp
    await this.#change(path, op, async () => {
      const { zxid } = await this.#zk.create(path, value)
      this.#versions.set(path, 0)
      return { zxid, outcome: 'ok' as const }
    })
  }

  async #setRegister(path: string, expected: number): Promise<void> {
    const value = this.#nextValue()
    const op = (outcome: SetOutcome): RegisterOp => ({ kind: 'set', value, expected, outcome })
    await this.#change(path, op, async () => {
      const { stat, zxid } = await this.#zk.setData(path, value, { version: expected })
      this.#versions.set(path, stat.version)
      return { zxid, outcome: { version: stat.version } }
    })
  }

  async #deleteRegister(path: string): Promise<void> {
    const op = (outcome: OtherOutcome): RegisterOp =>
      ({ kind: 'delete', expected: -1, outcome }) as RegisterOp
    await this.#change(path, op, async () => {
      const { zxid } = await this.#zk.delete(path)
      return { zxid, outcome: 'ok' as const }
    })
  }

  async #change<Outcome>(
    path: string,
    op: (outcome: Outcome) => RegisterOp,
    make: () => Promise<{ readonly zxid: number; readonly outcome: Outcome }>,
  ): Promise<void> {
    const beganAt = this.#histories.now()
    try {
      const { zxid, outcome } = await make()
      this.#histories.add(path, op(outcome), beganAt)
      this.#acknowledged(zxid, beganAt)
    } catch (error) {
      const outcome = outcomeOf(error)
      if (outcome !== null) this.#histories.add(path, op(outcome as Outcome), beganAt)
    }
  }

  /** `sync` asks no majority: a leader that is superseded without knowing it answers too. */
  async #readBehindSync(path: string): Promise<void> {
    const beganAt = this.#histories.now()
    let isPresent = false
    const sync = this.#zk.sync(path).then(({ zxid }) => {
      isPresent = this.#histories.isPresent(zxid)
    })
    await this.#judgeRead(path, beganAt, async () => {
      const [, read] = await Promise.allSettled([sync, this.#zk.getData(path)])
      if (!isPresent) return null
      if (read.status === 'rejected') throw read.reason
      return read.value
    })
  }

  async #readStrictly(path: string): Promise<void> {
    const beganAt = this.#histories.now()
    await this.#judgeRead(path, beganAt, () => this.#zk.getData(path, { consistency: 'strict' }))
  }

  /** `read` gives null where what it got says nothing. */
  async #judgeRead(
    path: string,
    beganAt: number,
    read: () => Promise<{ readonly data: Uint8Array; readonly stat: Stat } | null>,
  ): Promise<void> {
    try {
      const found = await read()
      if (found === null) return
      const { version, mzxid } = found.stat
      const outcome = { value: textOf(found.data), version }
      this.#histories.add(path, { kind: 'read', outcome }, beganAt)
      this.#histories.saw(mzxid)
      this.#versions.set(path, version)
    } catch (error) {
      const isMissing = outcomeOf(error) === 'missing'
      if (isMissing) this.#histories.add(path, { kind: 'read', outcome: 'missing' }, beganAt)
    }
  }

  // ---- What a session may rely on, at once

  async #raiseOwn(): Promise<void> {
    const [session, beganAt, value] = [this.#session, this.#histories.now(), ++this.#ownSent]
    const { stat } = await this.#zk.setData(this.#ownPath, `${value}`)
    this.#sawOwn(session, value, stat.mzxid)
    this.#acknowledged(stat.mzxid, beganAt)
  }

  /** Whichever server answers, and however far behind it is. */
  async #readOwn(): Promise<void> {
    const session = this.#session
    const floor = this.#own.session === session ? this.#own : { value: 0, mzxid: 0 }
    const { data, stat } = await this.#zk.getData(this.#ownPath, { boundTo: 'session' })
    if (this.#session !== session) return
    const value = Number(textOf(data))
    const shown = `${value} of ${formatZxid(stat.mzxid as Zxid)}`
    const known = `${floor.value} of ${formatZxid(floor.mzxid as Zxid)}`
    assert(
      value >= floor.value && stat.mzxid >= floor.mzxid,
      () => `${this.name}: its node shows ${shown}, after ${known} had been seen`,
    )
    assert(value <= this.#ownSent, () => `${this.name}: its node shows ${shown}, never written`)
    this.#sawOwn(session, value, stat.mzxid)
  }

  #sawOwn(session: bigint, value: number, mzxid: number): void {
    if (this.#session !== session) return
    const own = this.#own.session === session ? this.#own : { session, value: 0, mzxid: 0 }
    if (mzxid >= own.mzxid) this.#own = { session, value, mzxid }
  }

  /** Each session has an ephemeral node; those of its former sessions go. */
  async #beHere(): Promise<void> {
    const { session } = this.#zk
    if (session === null || session === this.#here) return
    const former = this.#here
    if (former !== null) {
      await this.#awaitEnd(former)
      this.#here = null
    }
    await this.#zk
      .create(pathOfSession(session.id), this.name, { ephemeral: true })
      .catch((error: unknown) => {
        // Its own, of which it was not told.
        if (!isZkError(error, 'ZK_NODE_EXISTS')) throw error
      })
    if (this.#zk.session === session) this.#here = session
  }

  /**
   * A session that is over, by the word of a server or by the client's own clock, may live on for
   * once more its time where a new leader has never heard of its end (as in ZooKeeper, where a
   * leader speaks of an end that it has only proposed). Not for longer.
   */
  async #awaitEnd({ id, signal }: Session): Promise<void> {
    const isGivenUp = String(signal.reason).includes('does not know the session')
    const deadline = this.#histories.now() + this.#sessionEndMsMax
    const options = { consistency: 'strict', boundTo: 'session' } as const
    let isLate = false
    while ((await this.#zk.exists(pathOfSession(id), options)) !== null) {
      isLate = true
      const isInTime = this.#histories.now() < deadline
      assert(isInTime, () => `${this.name}: ${nameOf(id)} is over, its ephemeral is there`)
      await sleep(20)
    }
    if (!isGivenUp) this.abandonedSessions++
    else if (isLate) this.prematureEnds++
    else this.lostSessions++
  }

  async #seeHere(): Promise<void> {
    const session = this.#session
    if (session === 0n || session !== this.#here?.id) return
    const path = pathOfSession(session)
    const stat = await this.#zk.exists(path, { boundTo: 'session' })
    if (stat === null) {
      // Unless the session has ended, which it is told of next.
      await this.#zk.exists(path, { consistency: 'strict', boundTo: 'session' })
      assert(this.#session !== session, () => `${this.name}: ${nameOf(session)} lost its ephemeral`)
    } else {
      assert(stat.ephemeralOwner === session, () => `${path} belongs to ${stat.ephemeralOwner}`)
    }
  }

  async #takeNumber(): Promise<void> {
    const beganAt = this.#histories.now()
    const floor = this.#numbers.highest
    const prefix = `${SEQUENCE_PATH}/n-`
    const { path, zxid } = await this.#zk.create(prefix, '', { sequential: true })
    const number = Number(path.slice(prefix.length))
    assert(!this.#numbers.given.has(number), () => `${path} was given twice`)
    assert(number > floor, () => `${path} came after ${floor}`)
    this.#numbers.given.add(number)
    this.#numbers.highest = Math.max(this.#numbers.highest, number)
    this.#acknowledged(zxid, beganAt)
    await this.#zk.delete(path)
  }

  /** Failures of the service are part of the plan; failures of a promise are not. */
  async #tried(action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      if (!isZkError(error)) throw error
    }
  }

  #acknowledged(zxid: number, beganAt: number): void {
    this.#histories.saw(zxid)
    this.acknowledgedOf = Math.max(this.acknowledgedOf, beganAt)
    this.#onAcknowledged()
  }

  #nextValue(): string {
    return `${this.name}-${++this.#valueCount}`
  }

  get #session(): bigint {
    return this.#zk.session?.id ?? 0n
  }

  get #ownPath(): string {
    return `${OWN_PATH}/${this.name}`
  }
}

/** What a failure says about a register; null where nothing was done and nothing is known. */
function outcomeOf(error: unknown): 'unknown' | 'exists' | 'missing' | 'bad version' | null {
  if (!isZkError(error)) throw error
  if (error.outcome === 'unknown') return 'unknown'
  switch (error.code) {
    case 'ZK_NODE_EXISTS':
      return 'exists'
    case 'ZK_NO_NODE':
      return 'missing'
    case 'ZK_BAD_VERSION':
      return 'bad version'
    default:
      return null
  }
}

const nameOf = (session: bigint): string => formatSessionId(sessionIdOf(session))

const pathOfSession = (session: bigint): string => `${HERE_PATH}/${nameOf(session)}`

const textOf = (data: Uint8Array): string => new TextDecoder().decode(data)
