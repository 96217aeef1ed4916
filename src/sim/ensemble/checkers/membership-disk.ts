// What one disk holds for certain of the members of the ensemble: the configuration file, the file
// that it names, and what is proposed. The configuration names a file that is whole, at all times,
// and never an older one than before.

import { decodeUtf8 } from '../../../base/text.ts'
import { membershipOf } from '../../../core/quorum/membership-text.ts'
import { Violation } from '../../checkers/violation.ts'
import type { FakeDisk } from '../../fake-disk.ts'
import { DurableMarks } from './durable-marks.ts'

export const CONFIG_PATH = '/conf/zoo.cfg'
const NEXT_PATH = `${CONFIG_PATH}.dynamic.next`
const PATHS = [CONFIG_PATH, NEXT_PATH]

export class MembershipDisk {
  readonly #serverId: number
  readonly #disk: FakeDisk
  readonly #marks: DurableMarks
  #decided = 0
  #proposed = 0

  constructor(serverId: number, disk: FakeDisk) {
    this.#serverId = serverId
    this.#disk = disk
    this.#marks = new DurableMarks(disk)
  }

  /** The newest version that a start would know of, be it decided or proposed. */
  get version(): number {
    return Math.max(this.#decided, this.#proposed)
  }

  /** Whether something is proposed that is not decided, as far as the disk knows. */
  get isOpen(): boolean {
    return this.#proposed > this.#decided
  }

  follow(): void {
    if (PATHS.filter((path) => this.#marks.hasChanged(path)).length === 0) return
    const config = this.#text(CONFIG_PATH)
    if (config === null) return
    const path = /^dynamicConfigFile=(.*)$/m.exec(config)?.[1] ?? null
    const decided = path === null ? 0 : Number.parseInt(path.slice(path.lastIndexOf('.') + 1), 16)
    if (decided < this.#decided) {
      throw new Violation(
        'ConfigOverlap',
        `the disk of server ${this.#serverId} goes back from ${this.#decided.toString(16)} to ` +
          decided.toString(16),
      )
    }
    if (decided !== this.#decided && path !== null) this.#requireWhole(path)
    this.#decided = decided
    const next = this.#text(NEXT_PATH)
    this.#proposed = next === null ? 0 : membershipOf(next).version
  }

  #requireWhole(path: string): void {
    const text = this.#text(path)
    if (text !== null && membershipOf(text).members.size > 0) return
    throw new Violation('ConfigOverlap', `${path} of server ${this.#serverId} is not there`)
  }

  #text(path: string): string | null {
    const content = this.#disk.durable(path)
    return content === null ? null : decodeUtf8(content, 0, content.length)
  }
}
