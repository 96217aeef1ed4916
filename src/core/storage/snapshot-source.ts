// From a snapshot file to its bytes: which files deserve a reading at all, and how compressed ones
// become a stream. The content is not looked at here.

import type { Compression } from '../../ports/compression.ts'
import type { Disk } from '../../ports/disk.ts'
import { type ByteSource, ByteStream, pieceSource, windowSource } from './byte-stream.ts'
import type { SnapshotFileName } from './file-names.ts'
import { GZIP_MAGIC, SLASH_FIELD, SNAPPY_HEADER, SNAPPY_MAGIC } from './snapshot-format.ts'
import { StorageError, StorageErrorCode } from './storage-error.ts'

/**
 * Whether a file may be a whole snapshot, by a look at a few bytes: a plain one must end as every
 * snapshot does, of a compressed one only the beginning tells anything (ZooKeeper 3.9
 * `SnapStream.isValidSnapshot`).
 */
export function looksWhole(disk: Disk, file: SnapshotFileName): boolean {
  const size = disk.size(file.path) ?? 0
  if (size < SMALLEST_BYTES) return false
  switch (file.compression) {
    case '':
      return isAt(disk, file.path, size - SLASH_FIELD.length, SLASH_FIELD)
    case 'gz':
      return isAt(disk, file.path, 0, GZIP_MAGIC)
    case 'snappy':
      return isAt(disk, file.path, 0, SNAPPY_MAGIC)
  }
}

/** The uncompressed bytes. Damage is thrown as a StorageError, by this or by the stream's source. */
export function openSnapshot(
  disk: Disk,
  compression: Compression,
  file: SnapshotFileName,
): ByteStream {
  return new ByteStream(snapshotBytes(disk, compression, file), true)
}

function snapshotBytes(disk: Disk, compression: Compression, file: SnapshotFileName): ByteSource {
  switch (file.compression) {
    case '':
      return windowSource(disk, file.path, PIECE_BYTES)
    case 'gz':
      return gzipSource(disk, compression, file.path)
    case 'snappy':
      return snappySource(disk, compression, file.path)
  }
}

function gzipSource(disk: Disk, compression: Compression, path: string): ByteSource {
  let isRead = false
  return pieceSource(() => {
    if (isRead) return null
    isRead = true
    const compressed = disk.read(path, 0, disk.size(path) ?? 0)
    return decompressed(path, () => compression.gunzip(compressed))
  })
}

function snappySource(disk: Disk, compression: Compression, path: string): ByteSource {
  const file = new ByteStream(windowSource(disk, path, PIECE_BYTES), false)
  return pieceSource(() => {
    const blocks: Uint8Array[] = []
    let byteCount = 0
    while (byteCount < SNAPPY_PIECE_BYTES) {
      const block = nextSnappyBlock(file, compression, path)
      if (block === null) break
      blocks.push(block)
      byteCount += block.length
    }
    return blocks.length === 0 ? null : concat(blocks, byteCount)
  })
}

function nextSnappyBlock(
  file: ByteStream,
  compression: Compression,
  path: string,
): Uint8Array | null {
  // A header stands at the start, and again where streams were put one behind the other.
  while (file.ensure(4) && file.bytes[file.position] === SNAPPY_HEADER[0]) {
    if (!file.ensure(SNAPPY_HEADER.length))
      throw damaged(path, file.offset, 'a header is cut short')
    file.position += SNAPPY_HEADER.length
  }
  if (!file.ensure(1)) return null
  if (!file.ensure(4)) throw damaged(path, file.offset, 'a block is cut short')
  const { bytes, position } = file
  const length =
    (bytes[position]! << 24) |
    (bytes[position + 1]! << 16) |
    (bytes[position + 2]! << 8) |
    bytes[position + 3]!
  if (length <= 0 || length > SNAPPY_BLOCK_BYTES_MAX || !file.ensure(4 + length)) {
    throw damaged(path, file.offset, `a block claims to be ${length} bytes long`)
  }
  const start = file.position + 4
  file.position = start + length
  const block = file.bytes.subarray(start, file.position)
  return decompressed(path, () => compression.snappyUncompress(block))
}

function decompressed(path: string, decompress: () => Uint8Array): Uint8Array {
  try {
    return decompress()
  } catch (error) {
    throw damaged(path, 0, error instanceof Error ? error.message : String(error))
  }
}

function damaged(path: string, offset: number, finding: string): StorageError {
  return new StorageError(
    StorageErrorCode.snapshotCorrupt,
    path,
    offset,
    `it cannot be decompressed (${finding})`,
    'An older snapshot and the logs that follow it can take its place.',
  )
}

function isAt(disk: Disk, path: string, offset: number, expected: readonly number[]): boolean {
  const bytes = disk.read(path, offset, expected.length)
  return expected.every((byte, index) => bytes[index] === byte)
}

function concat(pieces: readonly Uint8Array[], byteCount: number): Uint8Array {
  if (pieces.length === 1) return pieces[0] as Uint8Array
  const whole = new Uint8Array(byteCount)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

const SMALLEST_BYTES = 10
const PIECE_BYTES = 256 << 10
const SNAPPY_PIECE_BYTES = 1 << 20
const SNAPPY_BLOCK_BYTES_MAX = 64 << 20
