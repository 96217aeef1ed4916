// Memory for names, data and lists of children: blocks of bytes in size classes, in buffers of one
// mebibyte that come one by one, so that growing never copies. Freed blocks are used again; a slab
// whose blocks are all free serves another size class. It does not know what a block holds, nor
// its size: who frees a block says how long it was asked to be.
//
//   address of a block in a slab, not negative:   slab (18 bits) | eighth byte within it (13 bits)
//   address of a block in a buffer of its own:    the complement of its number, negative

import { assert, must } from '../../base/assert.ts'

/** Where a block is. Its bytes are `bytesOf(address)` from `offsetOf(address)` on. */
export type Address = number

/** The longest block that shares its buffer with others. */
export const SHARED_BLOCK_BYTES_MAX: number = 16 << 10

export class Arena {
  readonly #bytes: Uint8Array[] = []
  readonly #words: Int32Array[] = []
  /** Per buffer the records of its slabs. */
  readonly #slabs: Int32Array[] = []
  /** For each size class the first slab that has room. */
  readonly #open: Int32Array = new Int32Array(SIZE_CLASSES).fill(NO_SLAB)
  #freeSlab = NO_SLAB

  readonly #largeBytes: Uint8Array[] = []
  readonly #largeWords: Int32Array[] = []
  readonly #freeLarge: number[] = []

  #usedBytes = 0
  #reservedBytes = 0

  /** Bytes of all blocks in use, each rounded up to its size class. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  /** Bytes of all buffers. */
  get reservedBytes(): number {
    return this.#reservedBytes
  }

  /** A block of at least `size` bytes, with whatever was in it before. */
  allocate(size: number): Address {
    if (size > SHARED_BLOCK_BYTES_MAX) return this.#allocateLarge(size)
    const sizeClass = sizeClassOf(size)
    const units = classBytes(sizeClass) >>> UNIT_SHIFT
    let slab = this.#open[sizeClass]!
    if (slab === NO_SLAB) slab = this.#openSlab(sizeClass)
    const record = this.#slabs[slab >>> SLABS_SHIFT]!
    const at = (slab & SLABS_MASK) * SLAB_WORDS
    let unit = record[at + FREE]! - 1
    if (unit >= 0) {
      const base = ((slab & SLABS_MASK) << SLAB_UNITS_SHIFT) + unit
      record[at + FREE] = this.#words[slab >>> SLABS_SHIFT]![base << 1]!
    } else {
      unit = record[at + FRESH]!
      record[at + FRESH] = unit + units
    }
    record[at + USED]!++
    if (isFull(record, at, units)) this.#unlink(sizeClass, slab, record, at)
    this.#usedBytes += units << UNIT_SHIFT
    return (slab << SLAB_UNITS_SHIFT) | unit
  }

  /** Gives back a block that was allocated with this size, or with one of the same class. */
  free(address: Address, size: number): void {
    if (size > SHARED_BLOCK_BYTES_MAX) {
      this.#freeLargeBlock(address)
      return
    }
    const sizeClass = sizeClassOf(size)
    const units = classBytes(sizeClass) >>> UNIT_SHIFT
    const slab = address >>> SLAB_UNITS_SHIFT
    const unit = address & SLAB_UNITS_MASK
    const record = this.#slabs[slab >>> SLABS_SHIFT]!
    const at = (slab & SLABS_MASK) * SLAB_WORDS
    assert(record[at + CLASS] === sizeClass, 'a block is freed with the size that it had')
    const wasFull = isFull(record, at, units)
    this.#words[slab >>> SLABS_SHIFT]![(address & CHUNK_UNITS_MASK) << 1] = record[at + FREE]!
    record[at + FREE] = unit + 1
    record[at + USED]!--
    this.#usedBytes -= units << UNIT_SHIFT
    if (wasFull) this.#link(sizeClass, slab, record, at)
    if (record[at + USED] === 0) this.#closeSlab(sizeClass, slab, record, at)
  }

  /** Whether blocks of these two sizes are interchangeable. */
  sameClass(a: number, b: number): boolean {
    const isLarge = a > SHARED_BLOCK_BYTES_MAX
    if (isLarge !== b > SHARED_BLOCK_BYTES_MAX) return false
    return isLarge ? largeCapacity(a) === largeCapacity(b) : sizeClassOf(a) === sizeClassOf(b)
  }

  bytesOf(address: Address): Uint8Array {
    return address < 0 ? this.#largeBytes[~address]! : this.#bytes[address >>> CHUNK_UNITS_SHIFT]!
  }

  offsetOf(address: Address): number {
    return address < 0 ? 0 : (address & CHUNK_UNITS_MASK) << UNIT_SHIFT
  }

  /** The same bytes as words in the order of the machine; blocks begin on a word and fill it. */
  wordsOf(address: Address): Int32Array {
    return address < 0 ? this.#largeWords[~address]! : this.#words[address >>> CHUNK_UNITS_SHIFT]!
  }

  wordOffsetOf(address: Address): number {
    return address < 0 ? 0 : (address & CHUNK_UNITS_MASK) << 1
  }

  /** Checks that the records of the slabs, the lists of slabs and the counts agree. */
  verify(): void {
    let used = 0
    const listed = this.#listedSlabs()
    for (const [chunk, record] of this.#slabs.entries()) {
      for (let index = 0; index <= SLABS_MASK; index++) {
        const at = index * SLAB_WORDS
        if (record[at + USED] === 0) continue
        const units = classBytes(record[at + CLASS]!) >>> UNIT_SHIFT
        used += record[at + USED]! * (units << UNIT_SHIFT)
        const isListed = listed.has((chunk << SLABS_SHIFT) | index)
        assert(isListed !== isFull(record, at, units), 'a slab is listed exactly while it has room')
      }
    }
    for (const bytes of this.#largeBytes) used += bytes.length
    assert(used === this.#usedBytes, 'used bytes are those of the slabs and the large blocks')
  }

  #listedSlabs(): Set<number> {
    const listed = new Set<number>()
    for (const [sizeClass, first] of this.#open.entries()) {
      for (let slab = first; slab !== NO_SLAB; ) {
        const record = this.#slabs[slab >>> SLABS_SHIFT]!
        const at = (slab & SLABS_MASK) * SLAB_WORDS
        assert(record[at + CLASS] === sizeClass, 'a slab is listed under its own class')
        assert(!listed.has(slab), 'a slab is listed once')
        listed.add(slab)
        slab = record[at + NEXT]!
      }
    }
    return listed
  }

  #openSlab(sizeClass: number): number {
    if (this.#freeSlab === NO_SLAB) this.#addChunk()
    const slab = this.#freeSlab
    const record = this.#slabs[slab >>> SLABS_SHIFT]!
    const at = (slab & SLABS_MASK) * SLAB_WORDS
    this.#freeSlab = record[at + NEXT]!
    record[at + CLASS] = sizeClass
    record[at + FREE] = 0
    record[at + FRESH] = 0
    this.#link(sizeClass, slab, record, at)
    return slab
  }

  #closeSlab(sizeClass: number, slab: number, record: Int32Array, at: number): void {
    this.#unlink(sizeClass, slab, record, at)
    record[at + CLASS] = NO_CLASS
    record[at + NEXT] = this.#freeSlab
    this.#freeSlab = slab
  }

  #link(sizeClass: number, slab: number, record: Int32Array, at: number): void {
    const first = this.#open[sizeClass]!
    record[at + NEXT] = first
    record[at + PREVIOUS] = NO_SLAB
    if (first !== NO_SLAB) {
      this.#slabs[first >>> SLABS_SHIFT]![(first & SLABS_MASK) * SLAB_WORDS + PREVIOUS] = slab
    }
    this.#open[sizeClass] = slab
  }

  #unlink(sizeClass: number, slab: number, record: Int32Array, at: number): void {
    const next = record[at + NEXT]!
    const previous = record[at + PREVIOUS]!
    if (next !== NO_SLAB) {
      this.#slabs[next >>> SLABS_SHIFT]![(next & SLABS_MASK) * SLAB_WORDS + PREVIOUS] = previous
    }
    if (previous === NO_SLAB) {
      assert(this.#open[sizeClass] === slab, 'a slab without a predecessor is the first')
      this.#open[sizeClass] = next
    } else {
      this.#slabs[previous >>> SLABS_SHIFT]![(previous & SLABS_MASK) * SLAB_WORDS + NEXT] = next
    }
  }

  #addChunk(): void {
    const chunk = this.#bytes.length
    assert(chunk < CHUNKS_MAX, 'names and data fit in 16 GiB, not counting large values')
    const bytes = new Uint8Array(CHUNK_BYTES)
    const record = new Int32Array(SLAB_WORDS << SLABS_SHIFT)
    this.#bytes.push(bytes)
    this.#words.push(new Int32Array(bytes.buffer))
    this.#slabs.push(record)
    for (let index = SLABS_MASK; index >= 0; index--) {
      record[index * SLAB_WORDS + CLASS] = NO_CLASS
      record[index * SLAB_WORDS + NEXT] = this.#freeSlab
      this.#freeSlab = (chunk << SLABS_SHIFT) | index
    }
    this.#reservedBytes += CHUNK_BYTES
  }

  #allocateLarge(size: number): Address {
    const bytes = new Uint8Array(largeCapacity(size))
    const number = this.#freeLarge.pop() ?? this.#largeBytes.length
    this.#largeBytes[number] = bytes
    this.#largeWords[number] = new Int32Array(bytes.buffer)
    this.#usedBytes += bytes.length
    this.#reservedBytes += bytes.length
    return ~number
  }

  #freeLargeBlock(address: Address): void {
    assert(address < 0, 'a large block is freed as such')
    const number = ~address
    const bytes = must(this.#largeBytes[number], 'a large block is freed where it was allocated')
    assert(bytes.length > 0, 'a large block is freed once')
    this.#usedBytes -= bytes.length
    this.#reservedBytes -= bytes.length
    this.#largeBytes[number] = NO_BYTES
    this.#largeWords[number] = NO_WORDS
    this.#freeLarge.push(number)
  }
}

/** Memory is given out in units of eight bytes. */
const UNIT_SHIFT = 3
const SLAB_UNITS_SHIFT = 13
const SLAB_UNITS = 1 << SLAB_UNITS_SHIFT
const SLAB_UNITS_MASK = SLAB_UNITS - 1
/** Sixteen slabs make a buffer. */
const SLABS_SHIFT = 4
const SLABS_MASK = (1 << SLABS_SHIFT) - 1
const CHUNK_UNITS_SHIFT = SLAB_UNITS_SHIFT + SLABS_SHIFT
const CHUNK_UNITS_MASK = (1 << CHUNK_UNITS_SHIFT) - 1
const CHUNK_BYTES = 1 << (CHUNK_UNITS_SHIFT + UNIT_SHIFT)
const CHUNKS_MAX = 1 << (31 - CHUNK_UNITS_SHIFT)

/**
 * Up to 128 bytes a class for each 8 bytes, then eight for each doubling, so that rounding up
 * costs 6% in the mean.
 */
const SIZE_CLASSES = 72
const NO_CLASS = -1
const NO_SLAB = -1

// The record of a slab: its class, blocks in use, the last freed one (its unit plus one, 0 for
// none; each holds the next in its first word), the first unit never used, and its neighbours in
// the list of slabs that have room. A slab that has no class is in the list of free slabs.
const SLAB_WORDS = 6
const CLASS = 0
const USED = 1
const FREE = 2
const FRESH = 3
const NEXT = 4
const PREVIOUS = 5

const NO_BYTES = new Uint8Array(0)
const NO_WORDS = new Int32Array(0)

function isFull(record: Int32Array, at: number, units: number): boolean {
  return record[at + FREE] === 0 && record[at + FRESH]! + units > SLAB_UNITS
}

function sizeClassOf(size: number): number {
  if (size <= 128) return size <= 8 ? 0 : (size - 1) >>> 3
  const exponent = 31 - Math.clz32(size - 1)
  return exponent * 8 - 48 + ((size - 1) >>> (exponent - 3))
}

function classBytes(sizeClass: number): number {
  if (sizeClass < 16) return (sizeClass + 1) << 3
  return (9 + (sizeClass & 7)) << ((sizeClass >>> 3) + 2)
}

/** Large blocks grow by eighths as well, so that rewriting a value of varying length reuses its buffer. */
function largeCapacity(size: number): number {
  const shift = 28 - Math.clz32(size - 1)
  return (((size - 1) >>> shift) + 1) << shift
}
