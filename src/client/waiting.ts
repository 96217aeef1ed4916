// Waiting that always has an end: for a time, for a connection, for whatever calls back, each
// bounded by a deadline and by the caller's signal.

import type { Clock, Timers } from '../ports/clock.ts'
import type { Driver } from './driver.ts'
import { ClosedError, OperationTimeoutError, type ZkError } from './errors.ts'
import { abortError } from './request.ts'

/** What counts and passes the time of a {@link Deadline}. */
export interface Timekeeping {
  readonly clock: Clock
  readonly timers: Timers
}

/** One bound for a whole operation of several steps. */
export class Deadline {
  readonly signal: AbortSignal | undefined
  /** What is being done, for messages. */
  readonly what: string
  readonly #time: Timekeeping
  readonly #atMs: number

  constructor(time: Timekeeping, what: string, timeoutMs: number, signal?: AbortSignal) {
    this.#time = time
    this.what = what
    this.#atMs = time.clock.nowMs() + timeoutMs
    this.signal = signal
  }

  get remainingMs(): number {
    return Math.max(0, this.#atMs - this.#time.clock.nowMs())
  }

  /** Options for the next step. A step that has no time left fails at once, as not sent. */
  get step(): { readonly timeout: number; readonly signal?: AbortSignal } {
    const timeout = this.remainingMs
    return this.signal === undefined ? { timeout } : { timeout, signal: this.signal }
  }

  throwIfOver(): void {
    if (this.signal?.aborted === true) throw abortError(this.what, this.signal.reason)
    if (this.remainingMs <= 0) throw this.#timeoutError()
  }

  /** Waits for what `begin` starts; it calls back once, and returns how to undo the waiting. */
  wait<T>(
    begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void,
  ): Promise<T> {
    const { signal } = this
    if (signal?.aborted === true) return Promise.reject(abortError(this.what, signal.reason))
    return new Promise<T>((resolve, reject) => {
      let undo: (() => void) | null = null
      let cancelTimer: (() => void) | null = null
      let isOver = false
      const over = (): void => {
        isOver = true
        undo?.()
        cancelTimer?.()
        signal?.removeEventListener('abort', onAbort)
      }
      const onAbort = (): void => {
        over()
        reject(abortError(this.what, signal?.reason))
      }
      const remainingMs = this.remainingMs
      if (remainingMs !== Number.POSITIVE_INFINITY) {
        cancelTimer = this.#time.timers.schedule(remainingMs, () => {
          over()
          reject(this.#timeoutError())
        })
      }
      signal?.addEventListener('abort', onAbort)
      undo = begin(
        (value) => {
          over()
          resolve(value)
        },
        (error) => {
          over()
          reject(error)
        },
      )
      if (isOver) undo()
    })
  }

  /** Waits for some time, at most until the deadline. */
  pause(ms: number): Promise<void> {
    return this.wait<void>((resolve) => this.#time.timers.schedule(ms, resolve))
  }

  #timeoutError(): OperationTimeoutError {
    const code = 'ZK_OPERATION_TIMEOUT'
    return new OperationTimeoutError(`${this.what}: not done in time`, { code, retry: 'safe' })
  }
}

/** Waits for a connection; fails when the client ends. */
export function untilConnected(driver: Driver, deadline: Deadline): Promise<void> {
  const problem = endOf(driver, deadline.what)
  if (problem !== null) return Promise.reject(problem)
  if (isConnected(driver)) return Promise.resolve()
  driver.start()
  return deadline.wait<void>((resolve, reject) =>
    driver.onState(() => {
      const ended = endOf(driver, deadline.what)
      if (ended !== null) reject(ended)
      else if (isConnected(driver)) resolve()
    }),
  )
}

export function isConnected(driver: Driver): boolean {
  return driver.state === 'connected' || driver.state === 'readOnly'
}

function endOf(driver: Driver, what: string): ZkError | null {
  const { state } = driver
  if (state !== 'closed' && state !== 'authFailed') return null
  return new ClosedError(`${what}: the client is ${state}`, { code: 'ZK_CLOSED' })
}
