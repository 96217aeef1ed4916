// Reads a long run of bytes through a window: pieces come from a source (a file, a decompressor)
// and are joined where a record lies across two. It knows positions and, if asked, the running
// Adler-32 of what has been passed; it knows no records.

import { ADLER_SEED, adler32 } from '../../base/checksum.ts'
import type { Disk } from '../../ports/disk.ts'

/** The next piece, of any size; null at the end. */
export type ByteSource = () => Uint8Array | null

export class ByteStream {
  /** The window. Its array is never written again, so that views of it may be kept. */
  bytes: Uint8Array = new Uint8Array(0)
  /** Where the reader stands in the window; the reader moves it. */
  position = 0
  /** Bytes in the source before the window. */
  #before = 0
  readonly #source: ByteSource
  #isEnded = false
  #adler = ADLER_SEED
  /** Bytes of the window that are in the checksum. */
  #summed = 0
  readonly #isSummed: boolean

  constructor(source: ByteSource, isSummed: boolean) {
    this.#source = source
    this.#isSummed = isSummed
  }

  /** Where the reader stands, from the start of the source. */
  get offset(): number {
    return this.#before + this.position
  }

  /** Bytes in the window that have not been passed. */
  get available(): number {
    return this.bytes.length - this.position
  }

  /** Makes `count` bytes available from `position` on; false where the source ends before. */
  ensure(count: number): boolean {
    while (this.available < count) if (!this.#refill()) return false
    return true
  }

  /** Adler-32 of all bytes before the position. */
  checksum(): number {
    this.#adler = adler32(this.#adler, this.bytes, this.#summed, this.position)
    this.#summed = this.position
    return this.#adler
  }

  #refill(): boolean {
    if (this.#isEnded) return false
    const piece = this.#source()
    if (piece === null) {
      this.#isEnded = true
      return false
    }
    if (this.#isSummed) this.checksum()
    const left = this.available
    this.#before += this.position
    if (left === 0) {
      this.bytes = piece
    } else {
      const joined = new Uint8Array(left + piece.length)
      joined.set(this.bytes.subarray(this.position))
      joined.set(piece, left)
      this.bytes = joined
    }
    this.position = 0
    this.#summed = 0
    return true
  }
}

/** The pieces of a file, from its start. */
export function fileSource(disk: Disk, path: string, pieceBytes: number): ByteSource {
  let offset = 0
  return () => {
    const piece = disk.read(path, offset, pieceBytes)
    offset += piece.length
    return piece.length === 0 ? null : piece
  }
}
