// Tells a record that a crash cut short from one that decayed. Disks write sectors whole, in any
// order, and what was not written still holds the zeros that the file was filled with, or lies
// behind the end of the file: a crash leaves a hole. Decay leaves bytes that are wrong, and whole
// records behind them. Only a hole may be taken for the end of the log: everything behind decay
// was acknowledged, and must not be cut off in silence.

import { ADLER_SEED, adler32 } from '../../base/checksum.ts'
import type { Disk } from '../../ports/disk.ts'
import { RECORD_END, RECORD_FRAME_BYTES, RECORD_HEAD_BYTES } from './log-format.ts'

/**
 * Whether the record at `offset`, which claims `length` bytes of body and has no end byte where it
 * should, was written only in part.
 */
export function isTorn(disk: Disk, path: string, offset: number, length: number): boolean {
  const size = disk.size(path) ?? 0
  const claimedEnd = offset + length + RECORD_FRAME_BYTES
  const bytes = disk.read(path, offset, Math.min(claimedEnd, size) - offset + EMBEDDED_BYTES_MAX)
  const end = Math.min(claimedEnd, size) - offset
  // Its length decayed, and what it claims belongs to others.
  if (holdsWholeRecord(bytes, 1, end)) return false
  if (claimedEnd > size) return true
  return hasLostSector(bytes, 0, end, offset) || isZeroToEnd(disk, path, claimedEnd - 1, size)
}

/**
 * Whether a record whose length is 0 although its head is not empty was written only in part: the
 * length and what follows it in its sector are missing.
 */
export function isHeadTorn(disk: Disk, path: string, offset: number): boolean {
  const lengthAt = offset + RECORD_HEAD_BYTES - 4
  const sectorEnd = (Math.floor((lengthAt + 3) / SECTOR_BYTES) + 1) * SECTOR_BYTES
  const bytes = disk.read(path, lengthAt, sectorEnd - lengthAt)
  return isZero(bytes, 0, bytes.length)
}

/**
 * Whether some sector's share of the bytes is all zeros. The first four bytes of a record are
 * always zero and tell nothing.
 */
export function hasLostSector(
  bytes: Uint8Array,
  from: number,
  to: number,
  fileOffset: number,
): boolean {
  let start = from
  while (start < to) {
    const inSector = (fileOffset + (start - from)) % SECTOR_BYTES
    const end = Math.min(to, start + SECTOR_BYTES - inSector)
    const tellsNothing = start === from && end - start <= 4
    if (!tellsNothing && isZero(bytes, start, end)) return true
    start = end
  }
  return false
}

function holdsWholeRecord(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to && at + RECORD_FRAME_BYTES <= bytes.length; at++) {
    if (intAt(bytes, at) !== 0) continue
    const length = intAt(bytes, at + 8)
    const start = at + RECORD_HEAD_BYTES
    if (length <= 0 || start + length >= bytes.length) continue
    if (bytes[start + length] !== RECORD_END) continue
    if (adler32(ADLER_SEED, bytes, start, start + length) === intAt(bytes, at + 4) >>> 0)
      return true
  }
  return false
}

function isZeroToEnd(disk: Disk, path: string, from: number, size: number): boolean {
  for (let at = from; at < size; at += PIECE_BYTES) {
    const piece = disk.read(path, at, PIECE_BYTES)
    if (!isZero(piece, 0, piece.length)) return false
  }
  return true
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== 0) return false
  return true
}

const intAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!

const SECTOR_BYTES = 512
const PIECE_BYTES = 1 << 20
/** A record that begins within the claimed range may end this far behind it. */
const EMBEDDED_BYTES_MAX = 1 << 20
