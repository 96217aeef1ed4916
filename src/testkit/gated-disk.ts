// A disk whose completions come through a gate, and which closes what a dead server had open: in the
// process of a test nobody else does.

import type { Disk, DiskFile, Done } from '../ports/disk.ts'
import { ForwardingDisk } from '../ports/forwarding-disk.ts'
import type { Gate } from './gate.ts'

export class GatedDisk extends ForwardingDisk {
  readonly #gate: Gate
  readonly #open = new Set<DiskFile>()
  #busyCount = 0
  #onIdle: (() => void) | null = null

  constructor(gate: Gate, disk: Disk) {
    super(disk)
    this.#gate = gate
  }

  /** Waits for what is under way, then closes what is open. The gate is that of a dead server. */
  async abandon(): Promise<void> {
    if (this.#busyCount > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve
      })
    }
    await Promise.all(
      [...this.#open].map((file) => new Promise<void>((resolve) => file.close(() => resolve()))),
    )
    this.#open.clear()
  }

  override create(path: string, done: Parameters<Disk['create']>[1]): void {
    if (this.#gate.isDead) return
    this.#begin()
    this.disk.create(path, (error, file) => {
      if (file !== null) this.#open.add(file)
      this.#end(() => done(error, file === null ? null : this.#gated(file)))
    })
  }

  override rename(from: string, to: string, done: Done): void {
    this.#do((then) => this.disk.rename(from, to, then), done)
  }

  override unlink(path: string, done: Done): void {
    this.#do((then) => this.disk.unlink(path, then), done)
  }

  override cut(path: string, length: number, done: Done): void {
    this.#do((then) => this.disk.cut(path, length, then), done)
  }

  override syncDirectory(directory: string, done: Done): void {
    this.#do((then) => this.disk.syncDirectory(directory, then), done)
  }

  #gated(file: DiskFile): DiskFile {
    return {
      get path(): string {
        return file.path
      },
      write: (offset, bytes, durable, done) =>
        this.#do((then) => file.write(offset, bytes, durable, then), done),
      sync: (done) => this.#do((then) => file.sync(then), done),
      close: (done) => {
        this.#open.delete(file)
        this.#do((then) => file.close(then), done)
      },
    }
  }

  #do(request: (then: Done) => void, done: Done): void {
    if (this.#gate.isDead) return
    this.#begin()
    request((error) => this.#end(() => done(error)))
  }

  #begin(): void {
    this.#busyCount++
  }

  #end(happening: () => void): void {
    this.#busyCount--
    if (this.#busyCount === 0) this.#onIdle?.()
    this.#gate.pass(happening)
  }
}
