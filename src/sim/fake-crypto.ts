// What the platform would compute: digests and compression. In the simulation any function will do
// that is the same each time; these are neither secure nor small.

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

const unavailable = (): never => {
  throw new Error('the simulation writes no compressed snapshots')
}

export const fakeCompression: Compression = {
  gunzip: unavailable,
  gzip: unavailable,
  snappyUncompress: unavailable,
  snappyCompress: unavailable,
}
