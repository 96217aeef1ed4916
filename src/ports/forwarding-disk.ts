// A disk that hands every request on to another one: whoever changes or watches some of them says
// which, and nothing else. It keeps nothing.

import type { Disk, DiskError, DiskFile, Done } from './disk.ts'

export class ForwardingDisk implements Disk {
  protected readonly disk: Disk

  constructor(disk: Disk) {
    this.disk = disk
  }

  list(directory: string): readonly string[] {
    return this.disk.list(directory)
  }

  size(path: string): number | null {
    return this.disk.size(path)
  }

  read(path: string, offset: number, length: number, room?: Uint8Array): Uint8Array {
    return this.disk.read(path, offset, length, room)
  }

  makeDirectory(path: string): void {
    this.disk.makeDirectory(path)
  }

  truncate(path: string, length: number): void {
    this.disk.truncate(path, length)
  }

  replace(path: string, content: Uint8Array): void {
    this.disk.replace(path, content)
  }

  remove(path: string): void {
    this.disk.remove(path)
  }

  settleNames(directory: string): void {
    this.disk.settleNames(directory)
  }

  move(from: string, to: string): void {
    this.disk.move(from, to)
  }

  create(path: string, done: (error: DiskError | null, file: DiskFile | null) => void): void {
    this.disk.create(path, done)
  }

  rename(from: string, to: string, done: Done): void {
    this.disk.rename(from, to, done)
  }

  unlink(path: string, done: Done): void {
    this.disk.unlink(path, done)
  }

  cut(path: string, length: number, done: Done): void {
    this.disk.cut(path, length, done)
  }

  syncDirectory(directory: string, done: Done): void {
    this.disk.syncDirectory(directory, done)
  }
}
