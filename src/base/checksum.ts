// CRC-32 (the zlib polynomial), with which a znode is digested, and Adler-32 (RFC 1950), which
// guards log records and snapshots. Both can be continued: pass what the last call returned.

import { LastView } from './last-view.ts'

/** Eight tables of 256 entries, one behind the other: one array is cheaper to reach than eight. */
const T = makeTables()

/** Continues `crc` (0 to begin) over a range of bytes; slices of eight, as in zlib. */
export function crc32(crc: number, bytes: Uint8Array, start: number, end: number): number {
  let c = ~crc
  let i = start
  for (; i + 8 <= end; i += 8) {
    c ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    c =
      T[0x700 | (c & 0xff)]! ^
      T[0x600 | ((c >>> 8) & 0xff)]! ^
      T[0x500 | ((c >>> 16) & 0xff)]! ^
      T[0x400 | (c >>> 24)]! ^
      T[0x300 | bytes[i + 4]!]! ^
      T[0x200 | bytes[i + 5]!]! ^
      T[0x100 | bytes[i + 6]!]! ^
      T[bytes[i + 7]!]!
  }
  for (; i < end; i++) c = T[(c ^ bytes[i]!) & 0xff]! ^ (c >>> 8)
  return ~c >>> 0
}

/**
 * The same over words, as if each stood in the byte order of the network; two at a time. It is for
 * what is at hand in words anyway, and spares putting them into bytes.
 */
export function crc32Words(crc: number, words: Int32Array, start: number, end: number): number {
  let c = ~crc
  let i = start
  for (; i + 2 <= end; i += 2) {
    const a = words[i]!
    const b = words[i + 1]!
    c =
      T[0x700 | ((c ^ (a >>> 24)) & 0xff)]! ^
      T[0x600 | (((c >>> 8) ^ (a >>> 16)) & 0xff)]! ^
      T[0x500 | (((c >>> 16) ^ (a >>> 8)) & 0xff)]! ^
      T[0x400 | (((c >>> 24) ^ a) & 0xff)]! ^
      T[0x300 | (b >>> 24)]! ^
      T[0x200 | ((b >>> 16) & 0xff)]! ^
      T[0x100 | ((b >>> 8) & 0xff)]! ^
      T[b & 0xff]!
  }
  if (i < end) {
    const a = words[i]!
    c =
      T[0x300 | ((c ^ (a >>> 24)) & 0xff)]! ^
      T[0x200 | (((c >>> 8) ^ (a >>> 16)) & 0xff)]! ^
      T[0x100 | (((c >>> 16) ^ (a >>> 8)) & 0xff)]! ^
      T[((c >>> 24) ^ a) & 0xff]!
  }
  return ~c >>> 0
}

export const ADLER_SEED = 1

/**
 * Continues `adler` ({@link ADLER_SEED} to begin) over a range of bytes. Words are taken apart into
 * two lanes of 16 bits each, so that a few additions serve four bytes:
 *
 *   word   b3 b2 b1 b0      sums of every fourth byte:   even   b2 | b0     odd   b3 | b1
 *   and the sums of those sums, which weigh each byte by the words that follow it
 */
export function adler32(adler: number, bytes: Uint8Array, start: number, end: number): number {
  let a = adler & 0xffff
  let b = adler >>> 16
  let i = start
  if (end - start >= WORDWISE_BYTES_MIN) {
    const view = views.of(bytes)
    while (i + 4 <= end) {
      const words = Math.min(LANE_WORDS_MAX, (end - i) >>> 2)
      const blockEnd = i + 4 * words
      let even = 0
      let odd = 0
      let evenSums = 0
      let oddSums = 0
      for (; i < blockEnd; i += 4) {
        const word = view.getInt32(i, true)
        evenSums = (evenSums + even) | 0
        oddSums = (oddSums + odd) | 0
        even += word & 0xff00ff
        odd += (word >>> 8) & 0xff00ff
      }
      const sums = (evenSums & 0xffff) + (evenSums >>> 16) + (oddSums & 0xffff) + (oddSums >>> 16)
      const b0 = even & 0xffff
      const b1 = odd & 0xffff
      const b2 = even >>> 16
      const b3 = odd >>> 16
      b = (b + 4 * words * a + 4 * sums + 4 * b0 + 3 * b1 + 2 * b2 + b3) % ADLER_PRIME
      a = (a + b0 + b1 + b2 + b3) % ADLER_PRIME
    }
  }
  for (; i < end; i++) {
    a += bytes[i]!
    b += a
  }
  return (((b % ADLER_PRIME) << 16) | (a % ADLER_PRIME)) >>> 0
}

const views = new LastView()

const ADLER_PRIME = 65_521

/** So many sums of sums of 255 fit in a lane: 255 * (1 + 2 + ... + 21) is below 2^16. */
const LANE_WORDS_MAX = 22

const WORDWISE_BYTES_MIN = 32

function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256)
  for (let i = 0; i < 256; i++) {
    let c = i
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
    tables[i] = c
  }
  for (let i = 256; i < tables.length; i++) {
    const previous = tables[i - 256]!
    tables[i] = (previous >>> 8) ^ tables[previous & 0xff]!
  }
  return tables
}
