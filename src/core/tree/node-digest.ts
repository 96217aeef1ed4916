// The digest of one node (ZooKeeper 3.9 `DigestCalculator`, version 2): CRC-32 over path, data and
//
//   czxid i64 | mzxid i64 | pzxid i64 | ctime i64 | mtime i64 | version i32 | cversion i32
//   | aversion i32 | owner i64                                                      60 bytes
//
// with the stored cversion and owner. The part over path and data is kept with each node, so that
// a change of the stat costs 60 bytes only.

import { crc32Words } from '../../base/checksum.ts'
import type { Zxid } from '../../base/zxid.ts'

const DIGESTED_WORDS = 15
const scratch = new Int32Array(DIGESTED_WORDS)

/** Continues `contentCrc` over the stat; the result is unsigned. */
export function nodeDigest(
  contentCrc: number,
  czxid: Zxid,
  mzxid: Zxid,
  pzxid: Zxid,
  ctime: number,
  mtime: number,
  version: number,
  creations: number,
  aversion: number,
  ownerHigh: number,
  ownerLow: number,
): number {
  putLong(0, czxid)
  putLong(2, mzxid)
  putLong(4, pzxid)
  putLong(6, ctime)
  putLong(8, mtime)
  scratch[10] = version
  scratch[11] = creations
  scratch[12] = aversion
  scratch[13] = ownerHigh
  scratch[14] = ownerLow
  return crc32Words(contentCrc, scratch, 0, DIGESTED_WORDS)
}

function putLong(at: number, value: number): void {
  scratch[at] = Math.floor(value / 2 ** 32)
  scratch[at + 1] = value
}
