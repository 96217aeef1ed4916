// CRC-32 (the zlib polynomial), with which a znode is digested, and Adler-32 (RFC 1950), which
// guards log records and snapshots. Both can be continued: pass what the last call returned.

const TABLES = makeTables()

/** Continues `crc` (0 to begin) over a range of bytes; slices of eight, as in zlib. */
export function crc32(crc: number, bytes: Uint8Array, start: number, end: number): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES
  let c = ~crc
  let i = start
  for (; i + 8 <= end; i += 8) {
    c ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    c =
      t7[c & 0xff]! ^
      t6[(c >>> 8) & 0xff]! ^
      t5[(c >>> 16) & 0xff]! ^
      t4[c >>> 24]! ^
      t3[bytes[i + 4]!]! ^
      t2[bytes[i + 5]!]! ^
      t1[bytes[i + 6]!]! ^
      t0[bytes[i + 7]!]!
  }
  for (; i < end; i++) c = t0[(c ^ bytes[i]!) & 0xff]! ^ (c >>> 8)
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
    for (; i < blockEnd; i++) {
      a += bytes[i]!
      b += a
    }
    a %= 65_521
    b %= 65_521
  }
  return ((b << 16) | a) >>> 0
}

type Tables = [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
]

function makeTables(): Tables {
  const tables = Array.from({ length: 8 }, () => new Int32Array(256)) as Tables
  for (let i = 0; i < 256; i++) {
    let c = i
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
    tables[0][i] = c
  }
  for (let i = 0; i < 256; i++) {
    for (let slice = 1; slice < 8; slice++) {
      const previous = tables[slice - 1]![i]!
      tables[slice]![i] = (previous >>> 8) ^ tables[0][previous & 0xff]!
    }
  }
  return tables
}
