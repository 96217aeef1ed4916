// A mutex for many processes: fair, in the order of arrival, and fenced. Its layout is that of
// Apache Curator's `InterProcessMutex` unless said otherwise, so that both can contend for a lock.

import { Deadline } from '../client/waiting.ts'
import type { Bytes } from '../client/bytes.ts'
import type { ACL } from '../client/acl.ts'
import { isZkError } from '../client/errors.ts'
import type { Transaction } from '../client/transaction.ts'
import type { ZooKeeper } from '../client/zookeeper.ts'
import { type KnownOptions, requireKnown } from '../client/known-options.ts'
import { LockLostError, LockTimeoutError } from './errors.ts'
import { Place, type PlaceOptions, join, namesIn } from './place.ts'
import { type NameScheme, contendersOf } from './queue-names.ts'
import { type ErrorPolicy, type LostError, Tenure } from './tenure.ts'
import { ownerRecord } from './owner-record.ts'

export interface LockOptions {
  /**
   * Whose contenders this lock shares the path with: `curator` (the default; also the Go client) or
   * `kazoo`. Neither sees the names of the other, so all on one path must use one dialect.
   */
  readonly dialect?: 'curator' | 'kazoo'
  /** A name of one's own, as `Master` for `Master0000000001`; for paths that only this library uses. */
  readonly namePrefix?: string
  /** Name patterns of further contenders to wait for, as `__lock__`. They will not wait for us. */
  readonly alsoRespect?: readonly string[]
  /** What the node holds, for people and tools. Default: JSON that says who and since when. */
  readonly data?: Bytes
  readonly acl?: readonly ACL[]
  /** When to stop acting without a connection. Default `suspended`: at once. */
  readonly policy?: ErrorPolicy
}

export interface AcquireOptions {
  /** Ends the wait; nothing of it is left then. */
  readonly signal?: AbortSignal
  /** Milliseconds; 0 tries once. By default it waits as long as it takes. */
  readonly timeout?: number
}

/**
 * A lock on a path.
 *
 * @example
 * await using held = await new Mutex(zk, '/locks/report').acquire({ timeout: 5_000 })
 * await held.guard(zk.transaction().setData('/report', bytes)).commit()
 */
export class Mutex {
  readonly path: string
  readonly #zk: ZooKeeper
  readonly #scheme: NameScheme
  readonly #options: LockOptions

  constructor(zk: ZooKeeper, path: string, options: LockOptions = {}) {
    requireKnown('a lock', options, LOCK_OPTIONS)
    this.#zk = zk
    this.path = path
    this.#options = options
    this.#scheme = lockScheme(options)
  }

  /**
   * Waits for its turn. Rejects with {@link LockTimeoutError} when that does not come in time, and
   * with `AbortError` when the signal aborts; in both cases nothing is left behind.
   */
  async acquire(options: AcquireOptions = {}): Promise<Held> {
    const { timeout = Number.POSITIVE_INFINITY, signal } = options
    if (timeout <= 0) {
      const held = await this.tryAcquire(signal === undefined ? {} : { signal })
      if (held === null) throw new LockTimeoutError(this.path)
      return held
    }
    const deadline = new Deadline(this.#zk.platform, `lock ${this.path}`, timeout, signal)
    try {
      for (;;) {
        const held = await this.#queue(deadline)
        if (held !== null) return held
      }
    } catch (error) {
      if (deadline.remainingMs <= 0) throw new LockTimeoutError(this.path)
      throw error
    }
  }

  /** Takes the lock if it is free at this moment, else null. Who waits already is not overtaken. */
  async tryAcquire(options: { readonly signal?: AbortSignal } = {}): Promise<Held | null> {
    const zk = this.#zk
    const deadline = new Deadline(zk.platform, `lock ${this.path}`, TRY_MS, options.signal)
    // Looking first costs less than a node that is deleted again.
    if (contendersOf(await namesIn(zk, this.path, deadline), this.#scheme).length > 0) return null
    const place = await Place.take(zk, this.#placeOptions(), deadline)
    return this.#holdOrLeave(place, async () =>
      (await place.isFirst(deadline)) ? this.#grant(place) : null,
    )
  }

  /** Who holds the lock and who waits, in order. */
  async participants(): Promise<readonly { readonly path: string; readonly data: Uint8Array }[]> {
    const zk = this.#zk
    const deadline = new Deadline(zk.platform, `list ${this.path}`, TRY_MS)
    const contenders = contendersOf(await namesIn(zk, this.path, deadline), this.#scheme)
    const nodes = await Promise.all(contenders.map(({ name }) => read(zk, join(this.path, name))))
    return nodes.filter((node) => node !== null)
  }

  /** One place, from taking it to holding. Null when it vanished and another must be taken. */
  async #queue(deadline: Deadline): Promise<Held | null> {
    try {
      const place = await Place.take(this.#zk, this.#placeOptions(), deadline)
      return await this.#holdOrLeave(place, async () => {
        while (await place.becomeFirst(deadline)) {
          // A grant that races with the end of the wait is not made.
          deadline.throwIfOver()
          const held = this.#grant(place)
          if (held !== null) return held
        }
        return null
      })
    } catch (error) {
      // The session that would have owned it is gone: the next one takes a place of its own.
      if (isZkError(error, 'ZK_SESSION_LOST') || isZkError(error, 'ZK_SESSION_EXPIRED')) return null
      throw error
    }
  }

  /** Whatever does not end in holding ends in giving the place up. */
  async #holdOrLeave(place: Place, attempt: () => Promise<Held | null>): Promise<Held | null> {
    let held: Held | null = null
    try {
      held = await attempt()
      return held
    } finally {
      if (held === null) await place.leaveQuietly()
    }
  }

  #grant(place: Place): Held | null {
    const { path } = this
    const lost = (why: string, cause?: unknown): LockLostError =>
      new LockLostError(`lock ${path}: ${why}`, { path, ...(cause === undefined ? {} : { cause }) })
    const tenure = Tenure.begin(this.#zk, place, this.#options.policy ?? 'suspended', lost)
    return tenure === null ? null : new Held(tenure, lost)
  }

  #placeOptions(): PlaceOptions {
    const { data, acl } = this.#options
    return {
      directory: this.path,
      scheme: this.#scheme,
      data: data ?? ownerRecord(this.#zk.platform),
      ...(acl === undefined ? {} : { acl }),
    }
  }
}

/**
 * A lock that is held. It is the unit of ownership: who has it may act, and gives it back by
 * {@link release} or by leaving the scope of `await using`.
 */
export class Held implements AsyncDisposable {
  readonly #tenure: Tenure
  readonly #lost: LostError
  #isReleased = false

  /** Made by {@link Mutex.acquire}. */
  constructor(tenure: Tenure, lost: LostError) {
    this.#tenure = tenure
    this.#lost = lost
  }

  /** The fencing token: rises from holder to holder, whatever happens to the path. */
  get token(): number {
    return this.#tenure.place.czxid
  }

  /** The token as 16 hexadecimal digits, whose order as text is its order as a number. */
  get tokenText(): string {
    return tokenText(this.token)
  }

  /** The node that stands for it. */
  get path(): string {
    return this.#tenure.place.path
  }

  /** Aborts when it is not held any more, or when that is not certain any more. */
  get signal(): AbortSignal {
    return this.#tenure.signal
  }

  /**
   * Whether it is held for certain at this very moment. Computed from the clock when it is asked:
   * after a long pause of the process it is false before anything else has run.
   */
  get valid(): boolean {
    return this.#tenure.valid
  }

  /** Throws {@link LockLostError} unless {@link valid}. */
  assertValid(): void {
    this.#tenure.assertValid()
  }

  /**
   * Makes a transaction depend on the lock: the server refuses it as a whole when the lock is not
   * held any more at that moment. It rejects with {@link LockLostError} then.
   */
  guard<T extends readonly unknown[]>(transaction: Transaction<T>): Transaction<T> {
    return this.#tenure.guard(transaction)
  }

  /**
   * Gives the lock back and resolves when the next one may have it: true; false where it was
   * released before. When the server cannot be told in time it rejects, and the client goes on
   * trying until the node or its session is gone.
   */
  async release(
    options: { readonly timeout?: number; readonly signal?: AbortSignal } = {},
  ): Promise<boolean> {
    if (this.#isReleased) return false
    this.#isReleased = true
    this.#tenure.end(this.#lost('it was released'))
    await this.#tenure.place.leave(options)
    return true
  }

  /** Releases; that the server could not be told in time is no error here. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.release()
    } catch (error) {
      if (!isZkError(error) || error.retry === 'never') throw error
    }
  }
}

/** What the function of {@link withLock} gets. */
export interface LockScope {
  readonly signal: AbortSignal
  readonly token: number
  readonly held: Held
  guard<T extends readonly unknown[]>(transaction: Transaction<T>): Transaction<T>
}

/**
 * Runs `work` while holding the lock on `path`. When the lock is lost meanwhile, the signal aborts,
 * and the result is a rejection with {@link LockLostError} whatever `work` does.
 *
 * @example
 * await withLock(zk, '/locks/report', async ({ signal, guard }) => {
 *   const report = await compute(signal)
 *   await guard(zk.transaction().setData('/report', report)).commit()
 * }, { timeout: 5_000 })
 */
export async function withLock<T>(
  zk: ZooKeeper,
  path: string,
  work: (scope: LockScope) => T | Promise<T>,
  options: LockOptions & AcquireOptions = {},
): Promise<T> {
  const { signal: _signal, timeout: _timeout, ...lock } = options
  await using held = await new Mutex(zk, path, lock).acquire(options)
  const { signal, token } = held
  const result = await work({ signal, token, held, guard: (tx) => held.guard(tx) })
  if (signal.aborted) throw signal.reason
  return result
}

const LOCK_OPTIONS: KnownOptions<LockOptions> = {
  dialect: true,
  namePrefix: true,
  alsoRespect: true,
  data: true,
  acl: true,
  policy: true,
}

/** 16 hexadecimal digits. */
export const tokenText = (token: number): string => token.toString(16).padStart(16, '0')

/** How the nodes of a lock are named. */
export function lockScheme(options: LockOptions): NameScheme {
  const { alsoRespect = [], namePrefix } = options
  if (namePrefix !== undefined) {
    return { prefix: namePrefix, mark: 'data', alsoRespect, order: 'serial' }
  }
  return options.dialect === 'kazoo'
    ? { prefix: '__lock__', mark: 'hex', alsoRespect, order: 'text' }
    : { prefix: 'lock-', mark: 'curator', alsoRespect, order: 'text' }
}

/** For steps that nobody should wait for long. */
const TRY_MS = 15_000

async function read(
  zk: ZooKeeper,
  path: string,
): Promise<{ readonly path: string; readonly data: Uint8Array } | null> {
  try {
    return { path, data: (await zk.getData(path)).data }
  } catch (error) {
    if (isZkError(error, 'ZK_NO_NODE')) return null
    throw error
  }
}
