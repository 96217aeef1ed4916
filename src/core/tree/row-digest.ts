// What a row adds to the digest of the tree, and the sum: see `nodeDigest` for the rule. Here the
// fields are taken straight from the words of the row.

import { crc32Words } from '../../base/checksum.ts'
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
  scratch[0] = words[at + CZXID]!
  scratch[1] = words[at + CZXID + 1]!
  scratch[2] = words[at + MZXID]!
  scratch[3] = words[at + MZXID + 1]!
  scratch[4] = words[at + PZXID]!
  scratch[5] = words[at + PZXID + 1]!
  scratch[6] = words[at + CTIME]!
  scratch[7] = words[at + CTIME + 1]!
  scratch[8] = words[at + MTIME]!
  scratch[9] = words[at + MTIME + 1]!
  scratch[10] = words[at + VERSION]!
  scratch[11] = creationsOf(words, at)
  scratch[12] = words[at + AVERSION]!
  scratch[13] = ownerHigh
  scratch[14] = ownerLow
  return crc32Words(words[at + CONTENT_CRC]!, scratch, 0, DIGESTED_WORDS) | 0
}

const DIGESTED_WORDS = 15
const scratch = new Int32Array(DIGESTED_WORDS)

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
