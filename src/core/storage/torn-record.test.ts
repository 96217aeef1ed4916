// Decay before the end of a log is refused, whatever it hits; only where it hits the last record
// may it be taken for a crash.

import { expect, it } from 'vitest'

import { logFile, storageBench } from '../../../test/support/storage-bench.ts'
import { LogReader } from './log-reader.ts'
import { StorageError, StorageErrorCode } from './storage-error.ts'

const PATH = '/data/version-2/log.1'
const SIX = [1, 2, 3, 4, 5, 6]

/** What the reader makes of a file: the last zxid, or the code of its refusal. */
function outcome(bytes: Uint8Array): number | string {
  const bench = storageBench()
  bench.put(PATH, bytes)
  let last = 0
  try {
    const reader = new LogReader(bench.disk, PATH, 2_097_150)
    while (reader.next()) last = reader.zxid
  } catch (error) {
    if (error instanceof StorageError) return error.code
    throw error
  }
  return last
}

/** Every single bit of the records before the last one, turned over. */
function* oneBitWrong(whole: Uint8Array, end: number): Generator<Uint8Array> {
  for (let at = 16; at < end; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const copy = whole.slice()
      copy[at]! ^= 1 << bit
      yield copy
    }
  }
}

it.each([
  ['with zeros behind', 20_000],
  ['without zeros behind', 0],
])('refuses a log with one wrong bit before its last record, %s', (_name, padding) => {
  const end = logFile(SIX.slice(0, -1)).length
  for (const bytes of oneBitWrong(logFile(SIX, padding), end)) {
    expect(outcome(bytes)).toBe(StorageErrorCode.logCorrupt)
  }
})

it('still takes a log whose last record a crash cut short', () => {
  const whole = logFile(SIX, 20_000)
  const before = logFile(SIX.slice(0, -1)).length
  const end = logFile(SIX).length
  for (let cut = before; cut < end; cut++) {
    const zeroed = whole.slice()
    zeroed.fill(0, cut)
    expect(outcome(zeroed)).toBe(5)
    expect(outcome(whole.subarray(0, cut))).toBe(5)
  }
})
