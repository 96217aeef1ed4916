// Work that must be finished although its caller has given up: deleting what a lost answer may
// have left behind. Each task is tried until it succeeds, its reason is gone, or the client ends.

import type { Driver } from './driver.ts'
import { ClosedError, isZkError } from './errors.ts'
import { Deadline, untilConnected } from './waiting.ts'

export class Janitor {
  readonly #driver: Driver
  readonly #tasks = new Map<string, Promise<void>>()

  constructor(driver: Driver) {
    this.#driver = driver
  }

  /** Tasks that are not finished. */
  get size(): number {
    return this.#tasks.size
  }

  /**
   * Runs `task` until it resolves; one with the same key that is under way is joined instead. The
   * result rejects for errors that another try cannot change.
   */
  run(key: string, task: () => Promise<void>): Promise<void> {
    const running = this.#tasks.get(key)
    if (running !== undefined) return running
    if (this.#tasks.size >= TASKS_MAX) {
      const code = 'ZK_QUEUE_FULL'
      return Promise.reject(new ClosedError('too much waits to be cleaned up', { code }))
    }
    const promise = this.#untilDone(key, task).finally(() => this.#tasks.delete(key))
    this.#tasks.set(key, promise)
    // Whoever asked may not wait for it; what cannot be done is in the log.
    promise.catch(() => {})
    return promise
  }

  async #untilDone(key: string, task: () => Promise<void>): Promise<void> {
    const driver = this.#driver
    const unbounded = new Deadline(driver.platform, key, Number.POSITIVE_INFINITY, undefined)
    for (let pauseMs = 50; ; pauseMs = Math.min(5_000, pauseMs * 2)) {
      try {
        await untilConnected(driver, unbounded)
        await task()
        return
      } catch (error) {
        if (!isTransient(error)) {
          driver.platform.logger.warn(`could not clean up: ${key}`, { error })
          throw error
        }
        await unbounded.pause(pauseMs)
      }
    }
  }
}

const TASKS_MAX = 10_000

/** Whether the same may work later: nothing was refused, there was only no answer. */
function isTransient(error: unknown): boolean {
  if (!isZkError(error) || error.code === 'ZK_CLOSED') return false
  return error.outcome === 'unknown' || error.retry === 'safe' || error.code === 'ZK_SESSION_LOST'
}
