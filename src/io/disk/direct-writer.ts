// Durable writes of one file past the page cache (`O_DIRECT`): the system neither finds pages for
// them nor writes pages back, which costs more than the writing itself where memory is not at hand
// (docs/decisions/0014). Such a write consists of whole blocks in memory that begins where the
// system wants it, so the bytes are staged here: before them what the file has in their first block,
// behind them zeros. Where the system takes none of this, it says so, and the file writes in the
// usual way.

import * as fs from 'node:fs'

/** Where it is refused nothing counts as written: the bytes are to be written in the usual way. */
export type DirectDone = (error: NodeJS.ErrnoException | null, isRefused: boolean) => void

export class DirectWriter {
  /** The descriptor opened with `O_DIRECT`; whoever made this closes it. */
  readonly descriptor: number
  /** One without, to read from. */
  readonly #plain: number
  readonly #memory = new Uint8Array(STAGE_BYTES + ALIGNMENT)
  /** Where in the memory the system lets a stage begin: found by trying. */
  #shift: number
  #refusals = 0
  #isBusy = false
  /** The stage begins with the file's last block, up to this position. */
  #position = 0

  /** `shift` is where the search for alignment begins. */
  constructor(descriptor: number, plain: number, shift: number = SHIFT_FIRST) {
    this.descriptor = descriptor
    this.#plain = plain
    this.#shift = shift
  }

  /** Whether a write of so many bytes can be tried now. */
  takes(offset: number, byteCount: number): boolean {
    const isRefused = this.#refusals >= ALIGNMENT / STEP
    return !this.#isBusy && !isRefused && (offset % BLOCK) + byteCount <= STAGE_BYTES
  }

  /**
   * Writes durably, once {@link takes} has agreed, where the file has nothing but zeros behind
   * `offset`, or nothing. It is as long as {@link directEnd} of the write's end afterwards.
   */
  write(offset: number, bytes: Uint8Array, done: DirectDone): void {
    this.#isBusy = true
    const begun = offset % BLOCK
    if (begun === 0 || this.#position === offset) {
      this.#write(offset, bytes, done)
      return
    }
    fs.read(this.#plain, this.#stage, 0, begun, offset - begun, (error, count) => {
      if (error === null && count === begun) this.#write(offset, bytes, done)
      else this.#finish(error, error === null, done)
    })
  }

  get #stage(): Uint8Array {
    return this.#memory.subarray(this.#shift, this.#shift + STAGE_BYTES)
  }

  #write(offset: number, bytes: Uint8Array, done: DirectDone): void {
    const stage = this.#stage
    const begun = offset % BLOCK
    const end = begun + bytes.length
    const length = directEnd(end)
    stage.set(bytes, begun)
    stage.fill(0, end, length)
    fs.write(this.descriptor, stage, 0, length, offset - begun, (error, count) => {
      if (error?.code === 'EINVAL') {
        if (this.#realign(begun)) this.#write(offset, bytes, done)
        else this.#finish(null, true, done)
        return
      }
      // Cut short, as by a signal, it is left to the usual way as a whole.
      if (error !== null || count < length) return this.#finish(error, error === null, done)
      this.#refusals = 0
      this.#position = offset + bytes.length
      stage.copyWithin(0, end - (end % BLOCK), end)
      this.#isBusy = false
      done(null, false)
    })
  }

  #finish(error: NodeJS.ErrnoException | null, isRefused: boolean, done: DirectDone): void {
    this.#isBusy = false
    this.#position = 0
    done(error, isRefused)
  }

  /** Memory is aligned in multiples of a step, but nobody says where. False: everything was tried. */
  #realign(begun: number): boolean {
    if (++this.#refusals >= ALIGNMENT / STEP) return false
    const from = this.#shift
    this.#shift = (from + STEP) % ALIGNMENT
    this.#memory.copyWithin(this.#shift, from, from + begun)
    return true
  }
}

/** How far a direct write goes that ends at `end`. */
export const directEnd = (end: number): number => Math.ceil(end / BLOCK) * BLOCK

/** A multiple of the blocks of all devices that there are. */
const BLOCK = 4096
const STAGE_BYTES = 512 << 10
/** What devices ask of memory, at most, and what every allocation has. */
const ALIGNMENT = 4096
const STEP = 16
/** Large allocations begin one step behind a page. */
const SHIFT_FIRST = ALIGNMENT - STEP
