// The content of one simulated file, twice: as running programs see it (the page cache) and as the
// medium holds it. What was written but not yet synced is kept apart, in order; when the power
// goes, each sector of it arrives, or does not. It knows nothing of names, requests or time.

import type { Prng } from '../base/prng.ts'

export const SECTOR_BYTES = 512

/** How unsynced bytes may end when the power goes. */
export type Tearing =
  /** All of a file's unsynced bytes, or none. */
  | 'none'
  /** The sectors up to some point, in the order in which they were written. */
  | 'prefix'
  /** Any sectors. */
  | 'sectors'

export class FakeFile {
  /** Where the simulator tells files apart; names come and go. */
  readonly inode: number
  readonly #cached = new GrowingBytes()
  readonly #medium = new GrowingBytes()
  #pending: Pending[] = []

  constructor(inode: number) {
    this.inode = inode
  }

  get size(): number {
    return this.#cached.length
  }

  /** Completed changes that are not on the medium. */
  get pendingCount(): number {
    return this.#pending.length
  }

  read(offset: number, length: number): Uint8Array {
    return this.#cached.slice(offset, offset + length)
  }

  /** Rises with each change of what the medium holds. */
  get mediumChanges(): number {
    return this.#medium.changes
  }

  /** What the medium holds for certain; a view, valid until the next change. */
  durable(): Uint8Array {
    return this.#medium.view()
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#cached.write(offset, bytes)
    this.#pending.push({ kind: 'write', offset, bytes: bytes.slice() })
  }

  /** Empties the file, as opening it anew for writing does. */
  empty(): void {
    if (this.#cached.length === 0) return
    this.#cached.cut(0)
    this.#pending.push({ kind: 'empty' })
  }

  /** A write that is on the medium when it completes, with whatever made room for it. */
  writeDurably(offset: number, bytes: Uint8Array): void {
    this.#cached.write(offset, bytes)
    const emptied = this.#lastEmptied()
    if (emptied >= 0) this.#harden(emptied + 1)
    this.#medium.write(offset, bytes)
    this.#pending = this.#pending.flatMap((one) => without(one, offset, offset + bytes.length))
  }

  /** Brings the oldest `count` pending changes to the medium. */
  sync(count: number = this.#pending.length): void {
    this.#harden(Math.min(count, this.#pending.length))
  }

  cutDurably(length: number): void {
    this.sync()
    this.#cached.cut(length)
    this.#medium.cut(length)
  }

  /**
   * A sync that failed: the system takes the pages for clean, whatever reached the medium, and
   * no later sync writes them again. The page cache goes on showing them, or is read anew.
   */
  failSync(random: Prng, tearing: Tearing, keepCache: boolean): void {
    const cached = this.#cached.slice(0, this.#cached.length)
    this.losePower(random, tearing)
    if (!keepCache) return
    this.#cached.cut(0)
    this.#cached.write(0, cached)
  }

  /** The power goes: what is pending arrives in part, and the page cache is gone. */
  losePower(random: Prng, tearing: Tearing): void {
    let pending = this.#pending
    this.#pending = []
    const emptied = pending.findLastIndex((one) => one.kind === 'empty')
    if (emptied >= 0) {
      // What was written after the file was emptied can only be there if it was emptied.
      if (random.chance(0.5)) {
        this.#medium.cut(0)
        pending = pending.slice(emptied + 1)
      } else {
        pending = pending.slice(
          0,
          pending.findIndex((one) => one.kind === 'empty'),
        )
      }
    }
    const sizeBefore = this.#medium.length
    this.#settle(pending as PendingWrite[], random, tearing)
    const sizeWanted = pending.reduce(
      (size, one) => (one.kind === 'write' ? Math.max(size, one.offset + one.bytes.length) : size),
      sizeBefore,
    )
    // A file's new size may arrive without the bytes: they read as zeros.
    if (random.chance(0.3)) this.#medium.extend(sizeWanted)
    this.#cached.cut(0)
    this.#cached.write(0, this.#medium.view())
  }

  /** Changes bytes on the medium itself, for runs in which it decays. */
  corrupt(offset: number, bytes: Uint8Array): void {
    this.#medium.write(offset, bytes)
    this.#cached.write(offset, bytes)
  }

  #settle(pending: readonly PendingWrite[], random: Prng, tearing: Tearing): void {
    const fate = random.below(tearing === 'none' ? 2 : 4)
    if (fate === 0) return
    if (fate === 1) {
      for (const one of pending) this.#medium.write(one.offset, one.bytes)
      return
    }
    if (tearing === 'prefix') {
      const sectors = pending.flatMap((one) => sectorsOf(one))
      const kept = random.below(sectors.length + 1)
      for (const piece of sectors.slice(0, kept)) this.#medium.write(piece.offset, piece.bytes)
      return
    }
    // A sector is written as a whole: it holds some first few of the changes made to it.
    const bySector = new Map<number, PendingWrite[]>()
    for (const piece of pending.flatMap((one) => sectorsOf(one))) {
      const sector = Math.floor(piece.offset / SECTOR_BYTES)
      const pieces = bySector.get(sector)
      if (pieces === undefined) bySector.set(sector, [piece])
      else pieces.push(piece)
    }
    for (const pieces of bySector.values()) {
      const kept = random.below(pieces.length + 1)
      for (const piece of pieces.slice(0, kept)) this.#medium.write(piece.offset, piece.bytes)
    }
  }

  #harden(count: number): void {
    for (const one of this.#pending.splice(0, count)) {
      if (one.kind === 'empty') this.#medium.cut(0)
      else this.#medium.write(one.offset, one.bytes)
    }
  }

  #lastEmptied(): number {
    return this.#pending.findLastIndex((one) => one.kind === 'empty')
  }
}

interface PendingWrite {
  readonly kind: 'write'
  readonly offset: number
  readonly bytes: Uint8Array
}

type Pending = PendingWrite | { readonly kind: 'empty' }

/** The first `count` sectors' worth of a write: what a crash in its middle leaves. */
export function firstSectors(offset: number, bytes: Uint8Array, count: number): Uint8Array {
  const end = (Math.floor(offset / SECTOR_BYTES) + count) * SECTOR_BYTES
  return bytes.subarray(0, Math.min(bytes.length, Math.max(0, end - offset)))
}

export const sectorCount = (offset: number, length: number): number =>
  length === 0
    ? 0
    : Math.floor((offset + length - 1) / SECTOR_BYTES) - Math.floor(offset / SECTOR_BYTES) + 1

/** A write cut at the borders of sectors. */
function sectorsOf(write: PendingWrite): PendingWrite[] {
  const pieces: PendingWrite[] = []
  let at = write.offset
  const end = write.offset + write.bytes.length
  while (at < end) {
    const next = Math.min(end, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES)
    const bytes = write.bytes.subarray(at - write.offset, next - write.offset)
    pieces.push({ kind: 'write', offset: at, bytes })
    at = next
  }
  return pieces
}

/** What is left of a pending change once a range of the file is durable for another reason. */
function without(one: Pending, start: number, end: number): Pending[] {
  if (one.kind === 'empty') return [one]
  const oneEnd = one.offset + one.bytes.length
  if (oneEnd <= start || one.offset >= end) return [one]
  const rest: Pending[] = []
  if (one.offset < start) {
    rest.push({ ...one, bytes: one.bytes.subarray(0, start - one.offset) })
  }
  if (oneEnd > end) {
    rest.push({ kind: 'write', offset: end, bytes: one.bytes.subarray(end - one.offset) })
  }
  return rest
}

/** Bytes that grow; a gap reads as zeros. */
class GrowingBytes {
  #bytes = new Uint8Array(512)
  length = 0
  changes = 0

  view(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
  }

  slice(start: number, end: number): Uint8Array {
    return this.#bytes.slice(Math.min(start, this.length), Math.min(end, this.length))
  }

  write(offset: number, bytes: Uint8Array): void {
    this.changes++
    this.extend(offset + bytes.length)
    this.#bytes.set(bytes, offset)
  }

  extend(length: number): void {
    if (length <= this.length) return
    this.changes++
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, this.#bytes.length * 2))
      grown.set(this.view())
      this.#bytes = grown
    }
    this.length = length
  }

  /** Shortens; a greater length changes nothing. */
  cut(length: number): void {
    if (length >= this.length) return
    this.changes++
    this.#bytes.fill(0, length, this.length)
    this.length = length
  }
}
