// Which files of a disk have another durable content since they were asked for last: a checker that
// looks at a disk after every event reads only those again.

import type { FakeDisk } from '../../fake-disk.ts'

export class DurableMarks {
  readonly #disk: FakeDisk
  readonly #marks = new Map<string, number>()

  constructor(disk: FakeDisk) {
    this.#disk = disk
  }

  /** True the first time as well, where there is such a file. */
  hasChanged(path: string): boolean {
    const mark = this.#disk.durableMark(path)
    if (mark === (this.#marks.get(path) ?? 0)) return false
    this.#marks.set(path, mark)
    return true
  }
}
