// Old faults that a test switches back on, where they lie below the storage code. Production never
// comes here.

import type { Disk, Done } from '../../ports/disk.ts'
import type { StorageFaults } from './storage-options.ts'

export function diskWithFaults(disk: Disk, faults: StorageFaults | undefined): Disk {
  return faults?.skipsDirectorySync === true ? new CarelessDisk(disk) : disk
}

/** Leaves it to chance whether names survive a crash, as ZooKeeper does. */
class CarelessDisk implements Disk {
  readonly #disk: Disk

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** It takes its time like any request, and nothing comes of it. */
  syncDirectory(directory: string, done: Done): void {
    this.#disk.unlink(`${directory}/zabra-nothing`, () => done(null))
  }

  list: Disk['list'] = (directory) => this.#disk.list(directory)
  size: Disk['size'] = (path) => this.#disk.size(path)
  read: Disk['read'] = (...request) => this.#disk.read(...request)
  makeDirectory: Disk['makeDirectory'] = (path) => this.#disk.makeDirectory(path)
  truncate: Disk['truncate'] = (path, length) => this.#disk.truncate(path, length)
  replace: Disk['replace'] = (path, content) => this.#disk.replace(path, content)
  remove: Disk['remove'] = (path) => this.#disk.remove(path)
  settleNames: Disk['settleNames'] = () => {}
  move: Disk['move'] = (from, to) => this.#disk.move(from, to)
  create: Disk['create'] = (path, done) => this.#disk.create(path, done)
  rename: Disk['rename'] = (from, to, done) => this.#disk.rename(from, to, done)
  unlink: Disk['unlink'] = (path, done) => this.#disk.unlink(path, done)
  cut: Disk['cut'] = (path, length, done) => this.#disk.cut(path, length, done)
}
