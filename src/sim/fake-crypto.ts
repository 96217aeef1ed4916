// What the platform would compute: digests and compression. In the simulation any function will do
// that is the same each time and can be undone; these are neither secure nor small.

import { crc32 } from '../base/checksum.ts'
import type { Compression } from '../ports/compression.ts'
import type { Hasher } from '../ports/hasher.ts'

export const fakeHasher: Hasher = {
  digest(algorithm, bytes) {
    const digest = new Uint8Array(20)
    const view = new DataView(digest.buffer)
    for (let at = 0; at < 20; at += 4) {
      view.setUint32(at, crc32(at + algorithm.length, bytes, 0, bytes.length))
    }
    return digest
  },
}

const GZIP_MAGIC = [0x1f, 0x8b]
/** Magic, length, checksum. */
const MEMBER_HEAD_BYTES = 10

/** Packs by adding a head; members may follow one another, as in a real file. */
export const fakeCompression: Compression = {
  gzip: packed,
  gunzip(bytes) {
    const members: Uint8Array[] = []
    for (let at = 0; at < bytes.length; ) {
      const member = unpacked(bytes, at)
      members.push(member)
      at += MEMBER_HEAD_BYTES + member.length
    }
    const whole = new Uint8Array(members.reduce((sum, member) => sum + member.length, 0))
    let at = 0
    for (const member of members) {
      whole.set(member, at)
      at += member.length
    }
    return whole
  },
  snappyCompress: packed,
  snappyUncompress(block) {
    const bytes = unpacked(block, 0)
    if (MEMBER_HEAD_BYTES + bytes.length !== block.length) throw new Error('a block has a tail')
    return bytes
  },
}

function packed(bytes: Uint8Array): Uint8Array {
  const member = new Uint8Array(MEMBER_HEAD_BYTES + bytes.length)
  const view = new DataView(member.buffer)
  member.set(GZIP_MAGIC)
  view.setUint32(2, bytes.length)
  view.setUint32(6, crc32(0, bytes, 0, bytes.length))
  member.set(bytes, MEMBER_HEAD_BYTES)
  return member
}

function unpacked(bytes: Uint8Array, at: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const isHead = at + MEMBER_HEAD_BYTES <= bytes.length && view.getUint16(at) === 0x1f8b
  if (!isHead) throw new Error('this is no packed member')
  const start = at + MEMBER_HEAD_BYTES
  const end = start + view.getUint32(at + 2)
  if (end > bytes.length) throw new Error('a packed member is cut short')
  if (crc32(0, bytes, start, end) !== view.getUint32(at + 6)) throw new Error('wrong checksum')
  return bytes.slice(start, end)
}
