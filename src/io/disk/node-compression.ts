// The Compression port over zlib and a snappy written in JavaScript.

import { gunzipSync, gzipSync } from 'node:zlib'
import snappy from 'snappyjs'
import type { Compression } from '../../ports/compression.ts'

export const nodeCompression: Compression = {
  gunzip: (bytes) => gunzipSync(bytes),
  gzip: (bytes) => gzipSync(bytes),
  snappyUncompress: (block) => snappy.uncompress(block),
  snappyCompress: (block) => snappy.compress(block),
}
