// The storage of a scenario: a log in memory whose entries are durable when the script says so.

import { assert } from '../../../src/base/assert.ts'
import type { Zxid } from '../../../src/base/zxid.ts'
import type { PumpStorage } from '../../../src/core/replica/pump.ts'

export interface LogBytes {
  readonly zxid: Zxid
  readonly bytes: Uint8Array
}

export class ScriptedStorage implements PumpStorage {
  readonly #entries: LogBytes[]
  #flushedCount: number
  #durableCount: number

  /** Begins with what an earlier life left on the disk. */
  constructor(durable: readonly LogBytes[]) {
    this.#entries = [...durable]
    this.#flushedCount = durable.length
    this.#durableCount = durable.length
  }

  /** What the next life finds. */
  get durable(): readonly LogBytes[] {
    return this.#entries.slice(0, this.#durableCount)
  }

  get isIdle(): boolean {
    return this.#durableCount === this.#flushedCount
  }

  /** Entries that were appended and are not durable. */
  get waitingCount(): number {
    return this.#entries.length - this.#durableCount
  }

  /** The disk finishes up to `count` more entries of what it was given. Returns the last of them. */
  complete(count: number): Zxid | null {
    const upTo = Math.min(this.#durableCount + count, this.#flushedCount)
    if (upTo === this.#durableCount) return null
    this.#durableCount = upTo
    return this.#entries[upTo - 1]!.zxid
  }

  append(zxid: Zxid, bytes: Uint8Array, start: number, end: number): void {
    const last = this.#entries.at(-1)?.zxid ?? 0
    assert(zxid === last + 1, () => `${zxid} appended after ${last}`)
    this.#entries.push({ zxid, bytes: bytes.slice(start, end) })
  }

  flush(): void {
    this.#flushedCount = this.#entries.length
  }

  snapshotDue(): boolean {
    return false
  }

  beginSnapshot(): void {}

  continueSnapshot(): boolean {
    return false
  }
}
