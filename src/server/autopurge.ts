// Removes what is too old, at the start and then at fixed times (`autopurge.*`). A failure costs
// room, not data: it is logged, and the next round tries again.

import type { Storage } from '../core/storage/storage.ts'
import type { Timers } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { PurgeConfig } from './config/config.ts'

const HOUR_MS = 3_600_000

export class Autopurge {
  readonly #config: PurgeConfig
  readonly #storage: Pick<Storage, 'purge'>
  readonly #timers: Timers
  readonly #logger: Logger
  #cancel: (() => void) | null = null

  constructor(
    config: PurgeConfig,
    storage: Pick<Storage, 'purge'>,
    timers: Timers,
    logger: Logger,
  ) {
    this.#config = config
    this.#storage = storage
    this.#timers = timers
    this.#logger = logger
  }

  start(): void {
    if (this.#config.intervalHours > 0) this.#round(HOUR_MS * this.#config.intervalHours)
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }

  #round(intervalMs: number): void {
    this.#cancel = this.#timers.schedule(intervalMs, () => this.#round(intervalMs))
    this.#storage.purge(this.#config.retain, ({ removedSnapshots, removedLogs, error }) => {
      if (error !== null) {
        this.#logger.warn('old files could not be removed', { error: error.message })
      } else if (removedSnapshots + removedLogs > 0) {
        this.#logger.info('removed old files', { snapshots: removedSnapshots, logs: removedLogs })
      }
    })
  }
}
