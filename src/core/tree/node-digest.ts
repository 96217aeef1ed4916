// The digest of one node (ZooKeeper 3.9 `DigestCalculator`, version 2): CRC-32 over path, data and
//
//   czxid i64 | mzxid i64 | pzxid i64 | ctime i64 | mtime i64 | version i32 | cversion i32
//   | aversion i32 | owner i64                                                      60 bytes
//
// with the stored cversion and owner. The part over path and data is kept with each node, so that
// a change of the stat costs 60 bytes only.

import { crc32 } from '../../base/checksum.ts'
import type { Zxid } from '../../base/zxid.ts'

const scratch = new Uint8Array(60)
const view = new DataView(scratch.buffer)

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
  putLong(8, mzxid)
  putLong(16, pzxid)
  putLong(24, ctime)
  putLong(32, mtime)
  view.setInt32(40, version)
  view.setInt32(44, creations)
  view.setInt32(48, aversion)
  view.setInt32(52, ownerHigh)
  view.setInt32(56, ownerLow)
  return crc32(contentCrc, scratch, 0, 60)
}

function putLong(at: number, value: number): void {
  view.setInt32(at, Math.floor(value / 2 ** 32))
  view.setInt32(at + 4, value)
}
