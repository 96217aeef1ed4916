// Cuts a stream of bytes into frames: a length of four bytes, then that many bytes. It looks at
// frames where they arrived and copies only what is incomplete. It knows the limit of a frame, and
// nothing of what is in it.

import { copyOf } from '../../base/text.ts'

export class Framer {
  /** The current frame, after `next` returned true; valid until the next `push` or `keepRest`. */
  bytes: Uint8Array = NOTHING
  start: number = 0
  end: number = 0
  /** Why the stream cannot go on; null while it can. */
  problem: string | null = null

  readonly #frameBytesMax: number
  #available = 0
  #cursor = 0
  #held: Uint8Array = NOTHING
  #heldCount = 0

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax
  }

  /** Hands over the next piece of the stream. */
  push(chunk: Uint8Array): void {
    if (this.#heldCount === 0) {
      this.bytes = chunk
      this.#available = chunk.length
    } else {
      this.#hold(chunk, 0)
      this.bytes = this.#held
      this.#available = this.#heldCount
      this.#heldCount = 0
    }
    this.#cursor = 0
  }

  /** The four bytes at the cursor as an integer, without moving; undefined where there are fewer. */
  peekInt(): number | undefined {
    const at = this.#cursor
    if (this.#available - at < 4) return undefined
    const b = this.bytes
    return (b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!
  }

  /** What has arrived behind the four bytes at the cursor, as a copy. */
  peekBehindInt(limit: number): Uint8Array {
    const start = this.#cursor + 4
    return copyOf(this.bytes, start, Math.max(start, Math.min(start + limit, this.#available)))
  }

  /** Moves to the next whole frame; false where there is none yet, or a problem. */
  next(): boolean {
    const length = this.peekInt()
    if (length === undefined || this.problem !== null) return false
    if (length < 0 || length > this.#frameBytesMax) {
      this.problem = `frame length ${length} is not within 0..${this.#frameBytesMax}`
      return false
    }
    const start = this.#cursor + 4
    if (this.#available - start < length) return false
    this.start = start
    this.end = start + length
    this.#cursor = this.end
    return true
  }

  /** Copies what has not been consumed, so that the pushed chunk may be used again. */
  keepRest(): void {
    const rest = this.#available - this.#cursor
    if (rest > 0) {
      if (this.bytes === this.#held) {
        // A large frame that arrives byte by byte must not be moved onto itself for each of them.
        if (this.#cursor > 0) this.#held.copyWithin(0, this.#cursor, this.#available)
        this.#heldCount = rest
      } else {
        this.#heldCount = 0
        this.#hold(this.bytes, this.#cursor, this.#available)
      }
    } else if (this.#held.length > IDLE_BYTES_MAX) {
      this.#held = NOTHING
    }
    this.bytes = NOTHING
    this.#available = 0
    this.#cursor = 0
  }

  /** Takes up again what `keepRest` kept. */
  resume(): void {
    this.push(NOTHING)
  }

  /** Bytes kept for a frame that is not complete. */
  get heldBytes(): number {
    return this.#heldCount
  }

  #hold(source: Uint8Array, start: number, end: number = source.length): void {
    const needed = this.#heldCount + (end - start)
    if (needed > this.#held.length) {
      const grown = new Uint8Array(Math.max(needed, this.#held.length * 2, 512))
      grown.set(this.#held.subarray(0, this.#heldCount))
      this.#held = grown
    }
    this.#held.set(source.subarray(start, end), this.#heldCount)
    this.#heldCount = needed
  }
}

const NOTHING = new Uint8Array(0)
const IDLE_BYTES_MAX = 64 << 10
