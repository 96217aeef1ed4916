// Reads jute primitives (ZooKeeper's wire and disk encoding) from a range of bytes. It knows the
// primitives and their limits, and nothing of records. One reader can be pointed at many ranges.

import { type Zxid, EPOCH_LIMIT } from '../../base/zxid.ts'
import { copyOf, decodeUtf8 } from '../../base/text.ts'

/** The bytes are not what they claim to be; the connection or file they came from decides what follows. */
export class MalformedRecord extends Error {
  override readonly name: string = 'MalformedRecord'
}

export class JuteReader {
  bytes: Uint8Array
  position: number
  end: number
  /** The longest string or buffer accepted, in bytes (`jute.maxbuffer` plus its extra size). */
  fieldBytesMax: number

  constructor(bytes: Uint8Array, start: number = 0, end: number = bytes.length) {
    this.bytes = bytes
    this.position = start
    this.end = end
    this.fieldBytesMax = Number.MAX_SAFE_INTEGER
  }

  reset(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes
    this.position = start
    this.end = end
  }

  get remaining(): number {
    return this.end - this.position
  }

  byte(): number {
    return this.bytes[this.#advance(1)]!
  }

  bool(): boolean {
    return this.bytes[this.#advance(1)] !== 0
  }

  int(): number {
    const at = this.#advance(4)
    const bytes = this.bytes
    return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  }

  long(): bigint {
    const high = this.int()
    const low = this.int() >>> 0
    return (BigInt(high) << 32n) | BigInt(low)
  }

  /** A 64-bit number that must be exact as a JavaScript number: times, counters. */
  safeLong(): number {
    const high = this.int()
    const low = this.int() >>> 0
    const value = high * 2 ** 32 + low
    if (!Number.isSafeInteger(value))
      throw new MalformedRecord(`number beyond 2^53: high word ${high}`)
    return value
  }

  zxid(): Zxid {
    const high = this.int()
    const low = this.int() >>> 0
    if (high >= EPOCH_LIMIT || high < -EPOCH_LIMIT) {
      throw new MalformedRecord(`zxid epoch ${high} is beyond 2^21`)
    }
    return (high * 2 ** 32 + low) as Zxid
  }

  /**
   * Moves over a string or buffer and returns its length in bytes, -1 for null. Its bytes end at
   * `position`: the way to look at them without copying.
   */
  skipField(): number {
    const length = this.int()
    if (length < 0) {
      if (length !== -1) throw new MalformedRecord(`negative length ${length}`)
      return -1
    }
    if (length > this.fieldBytesMax) throw new MalformedRecord(`length ${length} is over the limit`)
    this.#advance(length)
    return length
  }

  ustring(): string | null {
    const length = this.skipField()
    return length < 0 ? null : decodeUtf8(this.bytes, this.position - length, this.position)
  }

  /** A copy of a buffer, so that what is kept does not pin the bytes it came in. */
  buffer(): Uint8Array | null {
    const length = this.skipField()
    return length < 0 ? null : copyOf(this.bytes, this.position - length, this.position)
  }

  /** The count of a vector: null as -1, other negative counts as 0 (as ZooKeeper reads them). */
  vectorCount(): number {
    const count = this.int()
    if (count >= 0) return count
    return count === -1 ? -1 : 0
  }

  #advance(count: number): number {
    const at = this.position
    if (count > this.end - at) {
      throw new MalformedRecord(`record ends ${count - (this.end - at)} bytes early`)
    }
    this.position = at + count
    return at
  }
}
