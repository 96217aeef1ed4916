// Whether the numbers of a stored stat can be held, so that it may be taken over as bytes: nearly
// always a look at the high words of zxids and times tells.

import { EPOCH_LIMIT } from '../../base/zxid.ts'
import type { JuteReader } from '../jute/reader.ts'
import { statPersisted } from '../records/stat.ts'
import { STAT_PERSISTED_BYTES } from './snapshot-format.ts'

/** Throws MalformedRecord where they cannot. The reader is borrowed and left anywhere. */
export function checkStat(bytes: Uint8Array, statStart: number, reader: JuteReader): void {
  let isUsual = isUsualHigh(bytes, statStart + PZXID)
  for (let at = statStart; at < statStart + LONGS_BYTES; at += 8) {
    isUsual = isUsual && isUsualHigh(bytes, at)
  }
  if (isUsual) return
  reader.reset(bytes, statStart, statStart + STAT_PERSISTED_BYTES)
  statPersisted.read(reader)
}

/** Whether the node is a session's, a container, or has a time to live. */
export function hasOwner(bytes: Uint8Array, statStart: number): boolean {
  for (let at = statStart + OWNER; at < statStart + PZXID; at++) if (bytes[at] !== 0) return true
  return false
}

const isUsualHigh = (bytes: Uint8Array, at: number): boolean =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8)) >>> 0 < EPOCH_LIMIT

/** Two zxids and two times stand at the start, one more zxid at the end. */
const LONGS_BYTES = 32
const OWNER = 44
const PZXID = 52
