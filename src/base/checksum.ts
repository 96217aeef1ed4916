// CRC-32 (the zlib polynomial), with which a znode is digested, and Adler-32 (RFC 1950), which
// guards log records and snapshots. Both can be continued: pass what the last call returned.

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

export const ADLER_SEED = 1

/** Continues `adler` ({@link ADLER_SEED} to begin) over a range of bytes. */
export function adler32(adler: number, bytes: Uint8Array, start: number, end: number): number {
  let a = adler & 0xffff
  let b = adler >>> 16
  let i = start
  while (i < end) {
    // 3,800 additions of 255 cannot overflow 32 bits, so the remainder is taken once a block.
    const blockEnd = Math.min(i + 3_800, end)
    // Four at a time, so that the additions do not all wait for each other.
    for (; i + 4 <= blockEnd; i += 4) {
      const b0 = bytes[i]!
      const b1 = bytes[i + 1]!
      const b2 = bytes[i + 2]!
      const b3 = bytes[i + 3]!
      b += 4 * a + 4 * b0 + 3 * b1 + 2 * b2 + b3
      a += b0 + b1 + b2 + b3
    }
    for (; i < blockEnd; i++) {
      a += bytes[i]!
      b += a
    }
    a %= 65_521
    b %= 65_521
  }
  return ((b << 16) | a) >>> 0
}

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
