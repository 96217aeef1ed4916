// The time during which a place in the queue is the first one and its owner may act: from the
// grant until the owner gives it up, its session is lost, its node is deleted, or what is known of
// the session is too old. Whether it still lasts is computed at the moment of asking.

import { Deadline } from '../client/waiting.ts'
import { type ZkError, isZkError } from '../client/errors.ts'
import type { Session } from '../client/session.ts'
import type { GuardFailed, Transaction } from '../client/transaction.ts'
import type { ZooKeeper } from '../client/zookeeper.ts'
import type { Place } from './place.ts'

/**
 * When to stop acting without a connection: at once (`suspended`); at the moment from which the
 * servers might have expired the session (`horizon`), so that a server may restart meanwhile; or
 * only when the session is known to be lost (`session`), for work that is fenced where it arrives.
 */
export type ErrorPolicy = 'suspended' | 'horizon' | 'session'

/** Makes the error that says what was lost. */
export type LostError = (message: string, cause?: unknown) => ZkError

export class Tenure {
  readonly place: Place
  readonly session: Session
  /** Aborts when it is over, whatever the reason. */
  readonly signal: AbortSignal
  /** Resolves when it is over. */
  readonly ended: Promise<ZkError>

  readonly #zk: ZooKeeper
  readonly #policy: ErrorPolicy
  readonly #lost: LostError
  readonly #abort = new AbortController()
  readonly #ownWatch = new AbortController()
  readonly #stopListening: Disposable
  #cancelHorizon: (() => void) | null = null
  #error: ZkError | null = null
  #resolveEnded: (error: ZkError) => void = () => {}

  /** Begins where nothing speaks against it at this moment; else null, and the place must be looked at again. */
  static begin(zk: ZooKeeper, place: Place, policy: ErrorPolicy, lost: LostError): Tenure | null {
    const { session, state } = zk
    if (session === null || session.id !== place.sessionId) return null
    if (state !== 'connected' || !session.valid) return null
    return new Tenure(zk, place, session, policy, lost)
  }

  private constructor(
    zk: ZooKeeper,
    place: Place,
    session: Session,
    policy: ErrorPolicy,
    lost: LostError,
  ) {
    this.#zk = zk
    this.#policy = policy
    this.#lost = lost
    this.place = place
    this.session = session
    this.signal = this.#abort.signal
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
    this.#stopListening = zk.onState(({ state, newSession }) => {
      if (state === 'suspended') this.#onSuspended()
      else if (state === 'lost' || state === 'closed' || state === 'authFailed' || newSession) {
        this.end(this.#lost(`the session is ${newSession ? 'another one' : state}`))
      } else if (state === 'connected') void this.#onReconnected()
    })
    void this.#watchOwnNode()
  }

  /** Whether it lasts at this very moment, also after a pause in which no timer could run. */
  get valid(): boolean {
    if (this.#error !== null) return false
    return this.#policy === 'session' || this.session.valid
  }

  assertValid(): void {
    if (this.#error !== null) throw this.#error
    if (!this.valid) throw this.#lost('the session may have expired: no server has confirmed it')
  }

  /** Lets a transaction fail unless this place is still there when the server applies it. */
  guard<T extends readonly unknown[]>(transaction: Transaction<T>): Transaction<T> {
    const failed: GuardFailed = (cause) => {
      const error = this.#lost('a guarded transaction was refused', cause)
      this.end(error)
      return error
    }
    return transaction.guard(this.place.path, failed)
  }

  /** The flag first, then the news: whoever hears of it finds it over. */
  end(error: ZkError): void {
    if (this.#error !== null) return
    this.#error = error
    this.#cancelHorizon?.()
    this.#stopListening[Symbol.dispose]()
    this.#ownWatch.abort()
    this.#abort.abort(error)
    this.#resolveEnded(error)
  }

  #onSuspended(): void {
    if (this.#policy === 'suspended') {
      this.end(this.#lost('the connection is lost'))
    } else if (this.#policy === 'horizon') {
      this.#awaitHorizon()
    }
  }

  #awaitHorizon(): void {
    const { clock, timers } = this.#zk.platform
    const leftMs = this.session.safeUntil - clock.nowMs()
    if (leftMs <= 0) {
      this.end(this.#lost('no server has confirmed the session in time'))
      return
    }
    this.#cancelHorizon?.()
    this.#cancelHorizon = timers.schedule(Math.ceil(leftMs), () => {
      this.#cancelHorizon = null
      if (this.#zk.state === 'suspended') this.#awaitHorizon()
    })
  }

  /** The same session is back. The node must still be ours, on a server that has caught up. */
  async #onReconnected(): Promise<void> {
    this.#cancelHorizon?.()
    this.#cancelHorizon = null
    const { platform } = this.#zk
    const deadline = new Deadline(platform, 'verify', Number.POSITIVE_INFINITY, this.signal)
    try {
      await this.#zk.sync('/', deadline.step)
      if (!(await this.place.exists(deadline))) this.end(this.#lost('the node is gone'))
    } catch (error) {
      if (this.#error === null) this.end(this.#lost('the node could not be verified', error))
    }
  }

  /** Deleting the node by hand deposes its owner. */
  async #watchOwnNode(): Promise<void> {
    try {
      await this.place.untilGone(this.#ownWatch.signal)
      this.end(this.#lost('the node was deleted'))
    } catch (error) {
      if (!isZkError(error, 'ABORT_ERR')) this.end(this.#lost('the node cannot be watched', error))
    }
  }
}
