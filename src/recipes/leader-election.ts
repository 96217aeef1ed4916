// Choosing one of many. Each candidate takes a place in a queue; the first one leads, the others
// stand by, and when the first one's session ends the next one follows. A candidate that comes
// back stands at the end: nothing of its old place is taken up again.

import { Deadline } from '../client/waiting.ts'
import type { ACL } from '../client/acl.ts'
import { type ZkError, isZkError } from '../client/errors.ts'
import { EventStream } from '../client/event-stream.ts'
import { onAbort } from '../client/on-abort.ts'
import type { Transaction } from '../client/transaction.ts'
import type { ZooKeeper } from '../client/zookeeper.ts'
import { type KnownOptions, requireKnown } from '../client/known-options.ts'
import { LeadershipLostError } from './errors.ts'
import { lockScheme, tokenText } from './lock.ts'
import { idIn, ownerRecord, randomId } from './owner-record.ts'
import { Place, join, namesIn } from './place.ts'
import { type NameScheme, contendersOf } from './queue-names.ts'
import { type ErrorPolicy, Tenure } from './tenure.ts'

export interface ElectionOptions {
  /** Who this candidate is, for the others. Default: a random id. */
  readonly id?: string
  /** `latch` (the default) names nodes as Curator's `LeaderLatch`, `selector` as its `LeaderSelector`. */
  readonly style?: 'latch' | 'selector'
  /** With `kazoo`, names as kazoo's `Election` has them. */
  readonly dialect?: 'curator' | 'kazoo'
  /** A name of one's own, as `Master` for `Master0000000001`; for paths that only this library uses. */
  readonly namePrefix?: string
  readonly acl?: readonly ACL[]
  /** When to step down without a connection. Default `suspended`: at once. */
  readonly policy?: ErrorPolicy
}

/** Somebody who leads, as others see it. */
export interface Leader {
  readonly id: string
  /** The node that stands for it. */
  readonly path: string
  /** Its fencing token. */
  readonly token: number
}

/** This candidate leads. */
export interface Leading {
  readonly leader: true
  /** The fencing token: rises from leader to leader, whatever happens to the path. */
  readonly token: number
  /** The token as 16 hexadecimal digits. */
  readonly tokenText: string
  /** The node that stands for it. */
  readonly path: string
  /** Aborts when it does not lead any more, or when that is not certain any more. */
  readonly signal: AbortSignal
  /** Whether it leads for certain at this very moment; computed from the clock when it is asked. */
  readonly valid: boolean
  /** Throws {@link LeadershipLostError} unless `valid`. */
  assertValid(): void
  /**
   * Makes a transaction depend on the leadership: the server refuses it as a whole when another may
   * lead. It rejects with {@link LeadershipLostError} then.
   */
  guard<T extends readonly unknown[]>(transaction: Transaction<T>): Transaction<T>
}

/** This candidate stands by. */
export interface StandingBy {
  readonly leader: false
  /** Who leads, as far as is known. */
  readonly current: Leader | null
}

export type Leadership = Leading | StandingBy

/**
 * A candidate in an election.
 *
 * @example
 * await using election = new LeaderElection(zk, '/master', { id: 'a' })
 * for await (const now of election.leadership()) {
 *   if (now.leader) void serve(now.signal, now.token)
 *   else standBy(now.current)
 * }
 */
export class LeaderElection implements AsyncDisposable {
  readonly path: string
  readonly id: string
  readonly #zk: ZooKeeper
  readonly #options: ElectionOptions
  readonly #scheme: NameScheme
  /** Who listens, and how to forget the signal that would end that. */
  readonly #streams = new Map<EventStream<Leadership>, () => void>()
  #campaign: Campaign | null = null
  #now: Leadership = { leader: false, current: null }

  constructor(zk: ZooKeeper, path: string, options: ElectionOptions = {}) {
    requireKnown('an election', options, ELECTION_OPTIONS)
    this.#zk = zk
    this.path = path
    this.id = options.id ?? randomId(zk.platform)
    this.#options = options
    this.#scheme = electionScheme(options)
  }

  /** Whether this candidate leads for certain at this very moment. */
  get isLeader(): boolean {
    return this.#now.leader && this.#now.valid
  }

  /**
   * Stands for election from now on, and tells each change: the present state first. The end of
   * a leadership comes before the beginning of the next. Leaving the loop does not end the
   * candidacy; {@link resign} does.
   */
  leadership(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<Leadership> {
    const { signal } = options
    const stream: EventStream<Leadership> = new EventStream(() => this.#forget(stream))
    if (signal?.aborted === true) {
      stream.end()
      return stream
    }
    const stopAborting = onAbort(signal, () => void stream.return())
    this.#streams.set(stream, stopAborting)
    stream.push(this.#now)
    this.#start()
    return stream
  }

  /** Stands for election, and resolves when it leads. */
  async whenLeader(
    options: { readonly signal?: AbortSignal; readonly timeout?: number } = {},
  ): Promise<Leading> {
    const { timeout = Number.POSITIVE_INFINITY, signal } = options
    const deadline = new Deadline(this.#zk.platform, `lead ${this.path}`, timeout, signal)
    deadline.throwIfOver()
    const changes = this.leadership()
    try {
      for (;;) {
        const next = await deadline.wait<IteratorResult<Leadership, undefined>>(
          (resolve, reject) => {
            changes.next().then(resolve, reject)
            return () => {}
          },
        )
        if (next.done === true) throw this.#lost('the election was closed')
        if (next.value.leader && next.value.valid) return next.value
      }
    } finally {
      await changes.return?.()
    }
  }

  /**
   * Runs `work` when it leads, and resigns afterwards. With `autoRequeue` it stands again each time
   * until the signal aborts. When the leadership is lost meanwhile, the signal that `work` has got
   * aborts, and without `autoRequeue` the result is a rejection with {@link LeadershipLostError}.
   */
  async run<T>(
    work: (leading: Leading) => T | Promise<T>,
    options: { readonly signal?: AbortSignal; readonly autoRequeue?: boolean } = {},
  ): Promise<T> {
    const { signal, autoRequeue = false } = options
    try {
      for (;;) {
        const leading = await this.whenLeader(signal === undefined ? {} : { signal })
        const settled = this.#campaign?.working() ?? (() => {})
        try {
          const result = await work(leading)
          if (!autoRequeue && leading.signal.aborted) throw leading.signal.reason
          if (!autoRequeue) return result
        } finally {
          settled()
        }
        await this.resign()
      }
    } finally {
      await this.resign()
    }
  }

  /** Who leads now, by what is in the tree; null where nobody stands. */
  current(options: { readonly signal?: AbortSignal } = {}): Promise<Leader | null> {
    const { platform } = this.#zk
    const deadline = new Deadline(platform, `leader of ${this.path}`, READ_MS, options.signal)
    return this.#readLeader(deadline)
  }

  /** Who leads, now and at each change; for those who do not stand themselves. */
  async *observe(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<Leader | null> {
    const { platform } = this.#zk
    const unbounded = Number.POSITIVE_INFINITY
    const deadline = new Deadline(platform, `observe ${this.path}`, unbounded, options.signal)
    let last: Leader | null | undefined
    for (;;) {
      // The watch is set before reading, so that no change falls between the two.
      const over = new AbortController()
      const change = this.#untilChildrenChange(over.signal)
      change.catch(() => {})
      try {
        const leader = await this.#readLeader(deadline)
        if (last === undefined || leader?.path !== last?.path) yield leader
        last = leader
        await deadline.wait<void>((resolve, reject) => {
          change.then(resolve, reject)
          return () => {}
        })
      } finally {
        over.abort()
      }
    }
  }

  /** All candidates in order, the leader first. */
  async participants(): Promise<readonly Leader[]> {
    const deadline = new Deadline(this.#zk.platform, `list ${this.path}`, READ_MS)
    const contenders = contendersOf(await namesIn(this.#zk, this.path, deadline), this.#scheme)
    const leaders = await Promise.all(contenders.map(({ name }) => this.#read(name, deadline)))
    return leaders.filter((leader) => leader !== null)
  }

  /** Steps down or out of the queue. With `requeue` it stands again, at the end. */
  async resign(options: { readonly requeue?: boolean } = {}): Promise<void> {
    const campaign = this.#campaign
    this.#campaign = null
    if (campaign !== null) await campaign.stop(this.#lost('it resigned'))
    if (options.requeue === true) this.#start()
  }

  /** Resigns and ends all streams. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.resign()
    this.#endStreams(null)
  }

  #start(): void {
    if (this.#campaign !== null) return
    const { policy = 'suspended', acl, namePrefix } = this.#options
    const campaign = new Campaign(this.#zk, {
      directory: this.path,
      scheme: this.#scheme,
      // Curator's latch and selector write the id alone; a bare name needs data to be known by.
      data: namePrefix === undefined ? this.id : ownerRecord(this.#zk.platform, this.id),
      policy,
      lost: (why, cause) => this.#lost(why, cause),
      current: (deadline) => this.#readLeader(deadline),
      changed: (now) => this.#publish(now),
      ...(acl === undefined ? {} : { acl }),
    })
    this.#campaign = campaign
    campaign.done.catch((error: ZkError) => {
      if (this.#campaign === campaign) this.#campaign = null
      this.#endStreams(error)
    })
  }

  #publish(now: Leadership): void {
    this.#now = now
    for (const stream of this.#streams.keys()) stream.push(now)
  }

  #endStreams(error: ZkError | null): void {
    for (const stream of Array.from(this.#streams.keys())) {
      stream.end(error)
      this.#forget(stream)
    }
  }

  #forget(stream: EventStream<Leadership>): void {
    this.#streams.get(stream)?.()
    this.#streams.delete(stream)
  }

  #lost(why: string, cause?: unknown): LeadershipLostError {
    const { path } = this
    const fields = { path, ...(cause === undefined ? {} : { cause }) }
    return new LeadershipLostError(`leadership of ${path}: ${why}`, fields)
  }

  async #readLeader(deadline: Deadline): Promise<Leader | null> {
    for (;;) {
      const names = await namesIn(this.#zk, this.path, deadline)
      const [first] = contendersOf(names, this.#scheme)
      if (first === undefined) return null
      const leader = await this.#read(first.name, deadline)
      // It may vanish between the list and the look at it: then another one leads.
      if (leader !== null) return leader
    }
  }

  async #read(name: string, deadline: Deadline): Promise<Leader | null> {
    const path = join(this.path, name)
    try {
      const { data, stat } = await this.#zk.getData(path, deadline.step)
      return { id: idIn(data, stat), path, token: stat.czxid }
    } catch (error) {
      if (isZkError(error, 'ZK_NO_NODE')) return null
      throw error
    }
  }

  async #untilChildrenChange(signal: AbortSignal): Promise<void> {
    try {
      await this.#zk.watchOnce(this.path, 'children', { signal })
    } catch (error) {
      if (!isZkError(error, 'ZK_NO_NODE')) throw error
      await this.#zk.watchOnce(this.path, 'exists', { signal })
    }
  }
}

interface CampaignOptions {
  readonly directory: string
  readonly scheme: NameScheme
  readonly data: string
  readonly acl?: readonly ACL[]
  readonly policy: ErrorPolicy
  readonly lost: (why: string, cause?: unknown) => ZkError
  readonly current: (deadline: Deadline) => Promise<Leader | null>
  readonly changed: (now: Leadership) => void
}

/** One candidacy, from the first place in the queue until it is stopped: sessions come and go in it. */
class Campaign {
  /** Rejects when it cannot go on, as for want of rights. */
  readonly done: Promise<void>
  readonly #zk: ZooKeeper
  readonly #options: CampaignOptions
  readonly #stop = new AbortController()
  #tenure: Tenure | null = null
  #work: Promise<void> = Promise.resolve()

  constructor(zk: ZooKeeper, options: CampaignOptions) {
    this.#zk = zk
    this.#options = options
    this.done = this.#run()
  }

  async stop(reason: ZkError): Promise<void> {
    this.#stop.abort(reason)
    this.#tenure?.end(reason)
    await this.done.catch(() => {})
  }

  /** Somebody acts as the leader; until the result is called, no other leadership begins here. */
  working(): () => void {
    let settled: () => void = () => {}
    const work = new Promise<void>((resolve) => {
      settled = resolve
    })
    this.#work = Promise.all([this.#work, work]).then(() => {})
    return settled
  }

  async #run(): Promise<void> {
    const { platform } = this.#zk
    const { directory } = this.#options
    const { signal } = this.#stop
    const unbounded = Number.POSITIVE_INFINITY
    const deadline = new Deadline(platform, `stand for ${directory}`, unbounded, signal)
    for (let pauseMs = PAUSE_MS_MIN; ; ) {
      try {
        await this.#stand(deadline)
        pauseMs = PAUSE_MS_MIN
      } catch (error) {
        if (signal.aborted) return
        if (!isPassing(error)) throw error
        await deadline.pause(pauseMs).catch(() => {})
        pauseMs = Math.min(PAUSE_MS_MAX, pauseMs * 2)
      }
      if (signal.aborted) return
    }
  }

  /** One place in the queue, as long as it lasts. */
  async #stand(deadline: Deadline): Promise<void> {
    const { directory, scheme, data, acl } = this.#options
    const zk = this.#zk
    const placeOptions = { directory, scheme, data, ...(acl === undefined ? {} : { acl }) }
    const place = await Place.take(zk, placeOptions, deadline)
    try {
      const current = await this.#options.current(deadline)
      if (current?.path !== place.path) this.#options.changed({ leader: false, current })
      while (await place.becomeFirst(deadline)) {
        deadline.throwIfOver()
        await this.#lead(place)
        deadline.throwIfOver()
      }
    } finally {
      await place.leaveQuietly()
    }
  }

  async #lead(place: Place): Promise<void> {
    const { policy, lost, changed } = this.#options
    const tenure = Tenure.begin(this.#zk, place, policy, lost)
    if (tenure === null) return
    this.#tenure = tenure
    changed(leadingBy(tenure))
    await tenure.ended
    this.#tenure = null
    changed({ leader: false, current: null })
    // Two of us must not act at once, even if the office comes back to us.
    await this.#work
  }
}

function leadingBy(tenure: Tenure): Leading {
  const { place } = tenure
  return {
    leader: true,
    token: place.czxid,
    tokenText: tokenText(place.czxid),
    path: place.path,
    signal: tenure.signal,
    get valid() {
      return tenure.valid
    },
    assertValid: () => tenure.assertValid(),
    guard: (transaction) => tenure.guard(transaction),
  }
}

const ELECTION_OPTIONS: KnownOptions<ElectionOptions> = {
  id: true,
  style: true,
  dialect: true,
  namePrefix: true,
  acl: true,
  policy: true,
}

function electionScheme(options: ElectionOptions): NameScheme {
  const { dialect, namePrefix, style = 'latch' } = options
  if (namePrefix !== undefined) return lockScheme({ namePrefix })
  if (dialect === 'kazoo' || style === 'selector')
    return lockScheme({ dialect: dialect ?? 'curator' })
  return { prefix: 'latch-', mark: 'curator', alsoRespect: [], order: 'text' }
}

/** Whether standing again may succeed: the connection or the session failed, nothing was refused. */
function isPassing(error: unknown): boolean {
  if (!isZkError(error)) return false
  if (error.code === 'ZK_CLOSED' || error.code === 'ZK_AUTH_FAILED') return false
  return error.retry !== 'never' || error.code === 'ZK_NO_NODE'
}

const READ_MS = 15_000
const PAUSE_MS_MIN = 50
const PAUSE_MS_MAX = 2_000
