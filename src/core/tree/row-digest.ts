// What a row adds to the digest of the tree, and the sum: see `nodeDigest` for the rule. Here the
// fields are taken straight from the words of the row.

import { crc32 } from '../../base/checksum.ts'
import {
  AVERSION,
  CONTENT_CRC,
  CTIME,
  CZXID,
  MTIME,
  MZXID,
  PZXID,
  VERSION,
  creationsOf,
} from './row-store.ts'

/** The digest of one row, as a signed word; the owner is the stored one. */
export function rowDigest(
  words: Int32Array,
  at: number,
  ownerHigh: number,
  ownerLow: number,
): number {
  view.setInt32(0, words[at + CZXID]!)
  view.setInt32(4, words[at + CZXID + 1]!)
  view.setInt32(8, words[at + MZXID]!)
  view.setInt32(12, words[at + MZXID + 1]!)
  view.setInt32(16, words[at + PZXID]!)
  view.setInt32(20, words[at + PZXID + 1]!)
  view.setInt32(24, words[at + CTIME]!)
  view.setInt32(28, words[at + CTIME + 1]!)
  view.setInt32(32, words[at + MTIME]!)
  view.setInt32(36, words[at + MTIME + 1]!)
  view.setInt32(40, words[at + VERSION]!)
  view.setInt32(44, creationsOf(words, at))
  view.setInt32(48, words[at + AVERSION]!)
  view.setInt32(52, ownerHigh)
  view.setInt32(56, ownerLow)
  return crc32(words[at + CONTENT_CRC]!, scratch, 0, 60) | 0
}

const scratch = new Uint8Array(60)
const view = new DataView(scratch.buffer)

/** A sum of digests modulo 2^64, as a signed and an unsigned word. */
export class DigestSum {
  high = 0
  low = 0

  add(digest: number): void {
    this.#addLow(digest >>> 0)
  }

  subtract(digest: number): void {
    this.#addLow(-(digest >>> 0))
  }

  #addLow(difference: number): void {
    const low = this.low + difference
    if (low < 0) {
      this.low = low + 2 ** 32
      this.high = (this.high - 1) | 0
    } else if (low >= 2 ** 32) {
      this.low = low - 2 ** 32
      this.high = (this.high + 1) | 0
    } else {
      this.low = low
    }
  }
}
