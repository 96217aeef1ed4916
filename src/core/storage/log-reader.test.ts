// What ends a log file and what makes it untrustworthy, row by row as ZooKeeper 3.9.5 was seen to
// behave, and the one place where we know better: a record of which a sector was never written.

import { describe, expect, it } from 'vitest'

import {
  joinBytes,
  logFile,
  record,
  range,
  storageBench,
  txnBody,
} from '../../../test/support/storage-bench.ts'
import { logFileStart } from './log-format.ts'
import { type LogEnd, LogReader } from './log-reader.ts'
import { StorageError, StorageErrorCode } from './storage-error.ts'

const PATH = '/data/version-2/log.1'

function read(bytes: Uint8Array, bodyBytesMax = 2_097_150): { zxids: number[]; end: LogEnd } {
  const bench = storageBench()
  bench.put(PATH, bytes)
  const reader = new LogReader(bench.disk, PATH, bodyBytesMax)
  const zxids: number[] = []
  while (reader.next()) zxids.push(reader.zxid)
  expect(reader.next()).toBe(false)
  return { zxids, end: reader.ended as LogEnd }
}

function refusal(bytes: Uint8Array, bodyBytesMax?: number): StorageError {
  try {
    read(bytes, bodyBytesMax)
  } catch (error) {
    expect(error).toBeInstanceOf(StorageError)
    return error as StorageError
  }
  throw new Error('it was not refused')
}

/** Changes bytes of a copy. */
function patched(bytes: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const copy = bytes.slice()
  copy.set(values, at)
  return copy
}

const three = logFile([1, 2, 3])
const third = logFile([1, 2]).length
const bodyLength = txnBody(3).length

describe('the end of a log', () => {
  it('is the end of the file behind a record', () => {
    expect(read(three)).toMatchObject({
      zxids: [1, 2, 3],
      end: { reason: 'end-of-file', offset: three.length },
    })
  })

  it('is where zeros begin', () => {
    expect(read(logFile([1, 2, 3], 4096))).toMatchObject({
      zxids: [1, 2, 3],
      end: { reason: 'padding', offset: three.length },
    })
  })

  it('is behind the header where there is no record', () => {
    expect(read(logFileStart(0)).end).toMatchObject({ reason: 'end-of-file', offset: 16 })
    expect(read(logFileStart(4096)).end).toMatchObject({ reason: 'padding', offset: 16 })
  })

  it('is before the last record wherever that is cut', () => {
    for (let length = third + 1; length < three.length; length++) {
      const { zxids, end } = read(three.subarray(0, length))
      expect(zxids).toEqual([1, 2])
      expect(end).toMatchObject({ reason: 'torn', offset: third })
    }
  })

  it('is before the last record wherever zeros take its place', () => {
    for (let length = third + 12; length < three.length; length++) {
      const { zxids, end } = read(joinBytes([three.subarray(0, length), new Uint8Array(9_000)]))
      expect(zxids).toEqual([1, 2])
      expect(end).toMatchObject({ reason: 'torn', offset: third })
    }
  })

  it('is before a record whose end byte is missing', () => {
    const { zxids, end } = read(patched(three, three.length - 1, 0))
    expect(zxids).toEqual([1, 2])
    expect(end).toMatchObject({ reason: 'torn', offset: third })
  })

  it('is before a record of which some sector was never written, in any combination', () => {
    // The third record lies across six sectors; every subset of them may be lost in a crash.
    const dataBytes = 2_400
    const whole = logFile([1, 2, 3], 8_192, dataBytes)
    const start = logFile([1, 2], 0, dataBytes).length
    const length = txnBody(3, dataBytes).length + 13
    const firstSector = Math.floor(start / 512)
    const sectors = Math.floor((start + length - 1) / 512) - firstSector + 1
    expect(sectors).toBeGreaterThanOrEqual(5)
    for (let lost = 1; lost < 2 ** sectors; lost++) {
      const bytes = whole.slice()
      for (let i = 0; i < sectors; i++) {
        if ((lost & (1 << i)) === 0) continue
        const from = Math.max(start, (firstSector + i) * 512)
        bytes.fill(0, from, (firstSector + i + 1) * 512)
      }
      const { zxids, end } = read(bytes)
      expect(zxids).toEqual([1, 2])
      expect(end.offset).toBe(start)
    }
  })

  it('is before a record whose head lies across the border of a lost sector', () => {
    // Moves the border over every byte of the head, with the first part of the record lost.
    for (let head = 5; head <= 12; head++) {
      const before = logFile([1])
      const filler = record(txnBody(2, 1_024 - head - before.length - record(txnBody(2, 0)).length))
      const bytes = joinBytes([before, filler, record(txnBody(3, 1_500)), new Uint8Array(2_000)])
      const start = before.length + filler.length
      expect(start % 512).toBe(512 - head)
      bytes.fill(0, start, start + head)
      const { zxids, end } = read(bytes)
      expect(zxids).toEqual([1, 2])
      expect(end.offset).toBe(start)
    }
  })
})

describe('a log is refused', () => {
  it('where a byte of the last record was changed', () => {
    for (let at = 0; at < bodyLength; at++) {
      const error = refusal(patched(three, third + 12 + at, (three[third + 12 + at] ?? 0) ^ 0x40))
      expect(error).toMatchObject({ code: StorageErrorCode.logCorrupt, file: PATH, offset: third })
      expect(error.advice).toContain('Restore the directory')
    }
  })

  it('where a byte of an earlier record was changed', () => {
    const error = refusal(patched(logFile(range(1, 50), 100), 16 + 12 + 40, 0xff))
    expect(error).toMatchObject({ code: StorageErrorCode.logCorrupt, offset: 16 })
    expect(error.message).toContain(`${PATH}, offset 16: a record was changed`)
  })

  it('where the checksum itself was changed', () => {
    expect(refusal(patched(three, third, 1)).code).toBe(StorageErrorCode.logCorrupt)
    expect(refusal(patched(three, third + 5, 0xaa, 0xaa)).code).toBe(StorageErrorCode.logCorrupt)
  })

  it('where a record claims an impossible length', () => {
    for (const length of [
      [0x7f, 0xff, 0xff, 0xff],
      [0xff, 0xff, 0xff, 0xff],
      [0x80, 0, 0, 0],
    ]) {
      const bytes = joinBytes([three, Uint8Array.from([0, 0, 0, 0, 1, 2, 3, 4, ...length, 9])])
      const error = refusal(bytes)
      expect(error).toMatchObject({ code: StorageErrorCode.logCorrupt, offset: three.length })
    }
  })

  it('where a record is longer than the limit', () => {
    expect(refusal(three, bodyLength - 1)).toMatchObject({
      code: StorageErrorCode.logCorrupt,
      offset: 16,
    })
    expect(read(three, bodyLength).zxids).toEqual([1, 2, 3])
  })

  it('where a record is too short for a transaction', () => {
    const bytes = joinBytes([three, record(Uint8Array.from([1, 2, 3]))])
    expect(refusal(bytes)).toMatchObject({
      code: StorageErrorCode.logCorrupt,
      offset: three.length,
    })
  })

  it('where an epoch is beyond what we can count', () => {
    const body = patched(txnBody(4), 12, 0, 0x20, 0, 0)
    expect(refusal(joinBytes([three, record(body)])).finding).toContain('epoch 2097152')
  })

  it('where the header is cut short or that of something else', () => {
    expect(refusal(three.subarray(0, 6))).toMatchObject({ code: StorageErrorCode.logHeader })
    expect(refusal(new Uint8Array(0))).toMatchObject({ code: StorageErrorCode.logHeader })
    const error = refusal(patched(three, 0, 0x5a, 0x4b, 0x53, 0x4e))
    expect(error).toMatchObject({ code: StorageErrorCode.logHeader, offset: 0 })
    expect(error.message).toContain('this is no transaction log')
  })
})

describe('a long log', () => {
  it('is read across the borders of pieces', () => {
    const zxids = range(1, 50)
    const bytes = logFile(zxids, 1_000, 200_000)
    expect(bytes.length).toBeGreaterThan(9 << 20)
    const { zxids: found, end } = read(bytes)
    expect(found).toEqual(zxids)
    expect(end).toMatchObject({ reason: 'padding', offset: bytes.length - 1_000 })
  })
})
