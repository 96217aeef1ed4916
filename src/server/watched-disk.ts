// A disk whose durable writes are timed: how long a commit waits is the first thing to know about a
// server, and a slow one is worth a line in the log (in ZooKeeper's words: monitors look for them).

import type { Disk, DiskError, DiskFile, Done } from '../ports/disk.ts'
import type { Logger } from '../ports/logger.ts'
import type { Durations } from './durations.ts'

export interface DiskWatch {
  readonly syncs: Durations
  /** Milliseconds from which a sync is logged. */
  readonly warningMs: number
  readonly logger: Logger
  readonly nowMs: () => number
}

export class WatchedDisk implements Disk {
  readonly #disk: Disk
  readonly #watch: DiskWatch

  constructor(disk: Disk, watch: DiskWatch) {
    this.#disk = disk
    this.#watch = watch
  }

  create(path: string, done: (error: DiskError | null, file: DiskFile | null) => void): void {
    this.#disk.create(path, (error, file) => {
      done(error, file === null ? null : new WatchedFile(file, this.#watch))
    })
  }

  list(directory: string): readonly string[] {
    return this.#disk.list(directory)
  }

  size(path: string): number | null {
    return this.#disk.size(path)
  }

  read(path: string, offset: number, length: number, room?: Uint8Array): Uint8Array {
    return this.#disk.read(path, offset, length, room)
  }

  makeDirectory(path: string): void {
    this.#disk.makeDirectory(path)
  }

  truncate(path: string, length: number): void {
    this.#disk.truncate(path, length)
  }

  replace(path: string, content: Uint8Array): void {
    this.#disk.replace(path, content)
  }

  remove(path: string): void {
    this.#disk.remove(path)
  }

  settleNames(directory: string): void {
    this.#disk.settleNames(directory)
  }

  move(from: string, to: string): void {
    this.#disk.move(from, to)
  }

  rename(from: string, to: string, done: Done): void {
    this.#disk.rename(from, to, done)
  }

  unlink(path: string, done: Done): void {
    this.#disk.unlink(path, done)
  }

  cut(path: string, length: number, done: Done): void {
    this.#disk.cut(path, length, done)
  }

  syncDirectory(directory: string, done: Done): void {
    this.#disk.syncDirectory(directory, done)
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

  write(offset: number, bytes: Uint8Array, durable: boolean, done: Done): void {
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
