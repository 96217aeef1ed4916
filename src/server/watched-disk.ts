// A disk whose durable writes are timed: how long a commit waits is the first thing to know about a
// server, and a slow one is worth a line in the log (in ZooKeeper's words: monitors look for them).

import type { Disk, DiskFile, Done, Durable } from '../ports/disk.ts'
import { ForwardingDisk } from '../ports/forwarding-disk.ts'
import type { Logger } from '../ports/logger.ts'
import type { Durations } from './durations.ts'

export interface DiskWatch {
  readonly syncs: Durations
  /** Milliseconds from which a sync is logged. */
  readonly warningMs: number
  readonly logger: Logger
  readonly nowMs: () => number
}

export class WatchedDisk extends ForwardingDisk {
  readonly #watch: DiskWatch

  constructor(disk: Disk, watch: DiskWatch) {
    super(disk)
    this.#watch = watch
  }

  override create(path: string, done: Parameters<Disk['create']>[1]): void {
    this.disk.create(path, (error, file) => {
      done(error, file === null ? null : new WatchedFile(file, this.#watch))
    })
  }
}

class WatchedFile implements DiskFile {
  readonly path: string
  readonly #file: DiskFile
  readonly #watch: DiskWatch

  constructor(file: DiskFile, watch: DiskWatch) {
    this.path = file.path
    this.#file = file
    this.#watch = watch
  }

  write(offset: number, bytes: Uint8Array, durable: Durable, done: Done): void {
    if (!durable) {
      this.#file.write(offset, bytes, durable, done)
      return
    }
    const { nowMs } = this.#watch
    const startedMs = nowMs()
    this.#file.write(offset, bytes, durable, (error) => {
      if (error === null) this.#took(nowMs() - startedMs)
      done(error)
    })
  }

  sync(done: Done): void {
    this.#file.sync(done)
  }

  close(done: Done): void {
    this.#file.close(done)
  }

  #took(ms: number): void {
    const { syncs, warningMs, logger } = this.#watch
    syncs.add(ms)
    if (ms < warningMs) return
    logger.warn(
      `fsync-ing the write ahead log took ${Math.round(ms)}ms which will adversely effect ` +
        'operation latency: the disk is too slow, or busy with something else',
      { file: this.path },
    )
  }
}
