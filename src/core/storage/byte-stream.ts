// Reads a long run of bytes through a window: pieces come from a source (a file, a decompressor)
// and are joined where a record lies across two. It knows positions and, if asked, the running
// Adler-32 of what has been passed; it knows no records.

import { ADLER_SEED, adler32 } from '../../base/checksum.ts'
import type { Disk } from '../../ports/disk.ts'

/** `left` and, behind it, the next piece of any size; no more than `left` at the end. */
export type ByteSource = (left: Uint8Array) => Uint8Array

export class ByteStream {
  /** The window. Whether it is written over when more is asked for is the source's affair. */
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
    if (this.#isSummed) this.checksum()
    const left = this.available
    this.#before += this.position
    this.bytes = this.#source(this.bytes.subarray(this.position))
    this.position = 0
    this.#summed = 0
    this.#isEnded = this.bytes.length === left
    return !this.#isEnded
  }
}

/** A source of pieces that come as arrays of their own; null at the end. */
export const pieceSource =
  (next: () => Uint8Array | null): ByteSource =>
  (left) => {
    const piece = next()
    if (piece === null) return left
    if (left.length === 0) return piece
    const joined = new Uint8Array(left.length + piece.length)
    joined.set(left)
    joined.set(piece, left.length)
    return joined
  }

/** A file, from its start. Each window is an array of its own, so that views of it may be kept. */
export function fileSource(disk: Disk, path: string, pieceBytes: number): ByteSource {
  let offset = 0
  return pieceSource(() => {
    const piece = disk.read(path, offset, pieceBytes)
    offset += piece.length
    return piece.length === 0 ? null : piece
  })
}

/**
 * A file, from its start, through a window that is written over each time: nothing is allocated, and
 * with pieces of moderate size what is read stays in the caches of the processor.
 */
export function windowSource(disk: Disk, path: string, pieceBytes: number): ByteSource {
  let offset = 0
  let window = new Uint8Array(Math.min(pieceBytes, disk.size(path) ?? 0))
  return (left) => {
    const kept = left.length
    // The greater part of a large record would else be moved for each small piece.
    const isCramped = 2 * (window.length - kept) < Math.min(pieceBytes, window.length)
    const target = isCramped ? new Uint8Array(pieceBytes + 2 * kept) : window
    target.set(left)
    window = target
    const piece = disk.read(path, offset, window.length - kept, window.subarray(kept))
    if (piece.buffer !== window.buffer) window.set(piece, kept)
    offset += piece.length
    return window.subarray(0, kept + piece.length)
  }
}
