// What a start makes of a directory: which snapshot, which logs, and when it refuses.

import { describe, expect, it } from 'vitest'

import { copyGolden, goldenRoot } from '../../../test/support/golden-data.ts'
import {
  RecordingTarget,
  type StorageBench,
  joinBytes,
  logFile,
  range,
  record,
  storageBench,
  txnBody,
} from '../../../test/support/storage-bench.ts'
import { type Zxid, ZXID_NONE, ZXID_ZERO, zxidOf } from '../../base/zxid.ts'
import { JuteWriter } from '../jute/writer.ts'
import { MalformedRecord } from '../jute/reader.ts'
import { NaiveTree } from '../tree/naive-tree.ts'
import { logFileStart } from './log-format.ts'
import { type RecoveryResult, recover } from './recover.ts'
import { SnapshotEncoder } from './snapshot-encoder.ts'
import { StorageError, StorageErrorCode } from './storage-error.ts'
import type { StorageOptions } from './storage-options.ts'

const DIRECTORY = '/data/version-2'

/** A snapshot of a fresh tree, with the session `id`. */
function snapshot(zxid = 0, id = 0x77n): Uint8Array {
  const tree = new NaiveTree({ extendedTypes: true, emulate353Ttl: false })
  const out = new JuteWriter()
  const source = {
    tree,
    sessions: () => [[id as never, 30_000]] as [never, number][],
    lastZxid: () => zxid as Zxid,
  }
  new SnapshotEncoder(source, true, out).continue(out, 1 << 20)
  return out.copy()
}

function bench(files: Record<string, Uint8Array>, options: Partial<StorageOptions> = {}) {
  const made = storageBench(options)
  for (const [name, bytes] of Object.entries(files)) made.put(`${DIRECTORY}/${name}`, bytes)
  return made
}

function start(made: StorageBench): { result: RecoveryResult; target: RecordingTarget } {
  const target = new RecordingTarget()
  const result = recover(made.disk, made.compression, made.options, target)
  return { result, target }
}

function refusal(made: StorageBench): StorageError {
  try {
    start(made)
  } catch (error) {
    expect(error).toBeInstanceOf(StorageError)
    return error as StorageError
  }
  throw new Error('it was not refused')
}

describe('a snapshot and logs', () => {
  it('are loaded and replayed from the transaction after the snapshot', () => {
    const made = bench({ 'snapshot.3': snapshot(3), 'log.1': logFile([1, 2, 3, 4, 5]) })
    const { result, target } = start(made)
    expect(target).toMatchObject({ loaded: 3, zxids: [4, 5], sessions: [0x77n] })
    expect(target.bodies[0]).toEqual(txnBody(4))
    expect(result).toMatchObject({ lastZxid: 5, txnCount: 2, isNew: false, torn: null })
    expect(result.snapshot?.path).toBe(`${DIRECTORY}/snapshot.3`)
  })

  it('go on over several logs, the first of which began before the snapshot', () => {
    const made = bench({
      'snapshot.15': snapshot(0x15),
      'log.1': logFile(range(1, 15), 100),
      'log.10': logFile(range(16, 40), 100),
      'log.29': logFile(range(41, 60), 100),
    })
    expect(start(made).target.zxids).toEqual(range(22, 60))
  })

  it('take the epoch of the newest transaction', () => {
    const epoch2 = [zxidOf(2, 1), zxidOf(2, 2)]
    const made = bench({
      [`snapshot.${zxidOf(1, 2).toString(16)}`]: snapshot(zxidOf(1, 2)),
      [`log.${zxidOf(1, 1).toString(16)}`]: logFile([zxidOf(1, 1), zxidOf(1, 2), zxidOf(1, 3)]),
      [`log.${zxidOf(2, 1).toString(16)}`]: logFile(epoch2),
    })
    const { result, target } = start(made)
    expect(target.zxids).toEqual([zxidOf(1, 3), ...epoch2])
    expect(result.lastZxid).toBe(zxidOf(2, 2))
  })

  it('are the snapshot alone where the logs hold nothing newer', () => {
    const made = bench({ 'snapshot.9': snapshot(9), 'log.1': logFile(range(1, 4)) })
    expect(start(made)).toMatchObject({ result: { lastZxid: 9, txnCount: 0 } })
    expect(start(bench({ 'snapshot.9': snapshot(9) })).result.lastZxid).toBe(9)
  })

  it('may be in two directories', () => {
    const made = storageBench({ logDirectory: '/logs' })
    made.disk.makeDirectory('/logs/version-2')
    made.put(`${DIRECTORY}/snapshot.0`, snapshot())
    made.put('/logs/version-2/log.1', logFile([1, 2]))
    expect(start(made).target.zxids).toEqual([1, 2])
  })

  it('in swapped directories are refused', () => {
    const made = storageBench({ logDirectory: '/logs' })
    made.disk.makeDirectory('/logs/version-2')
    made.put('/logs/version-2/snapshot.0', snapshot())
    expect(refusal(made)).toMatchObject({
      code: StorageErrorCode.directoriesMixedUp,
      file: '/logs/version-2/snapshot.0',
    })
    made.disk.remove('/logs/version-2/snapshot.0')
    made.put(`${DIRECTORY}/log.1`, logFile([1]))
    expect(refusal(made).message).toContain('dataLogDir')
  })

  it('leave files of other names alone', () => {
    const made = bench({
      'snapshot.0': snapshot(),
      'log.1': logFile([1]),
      'snapshot.ff.tmp': snapshot(0xff),
      'log.5.bak': logFile([5]),
      'snapshot.xyz': snapshot(),
      'log.': logFile([7]),
      'log.ffffffffffffffff': logFile([8]),
      acceptedEpoch: new Uint8Array([0x31]),
    })
    expect(start(made)).toMatchObject({ result: { lastZxid: 1 }, target: { zxids: [1] } })
  })
})

describe('a damaged snapshot', () => {
  const logs = { 'log.1': logFile(range(1, 20)) }

  it('gives way to the one before it, whose logs bring the same state', () => {
    const broken = snapshot(10, 0x99n)
    broken[40] = (broken[40] ?? 0) ^ 1
    const made = bench({ ...logs, 'snapshot.a': broken, 'snapshot.5': snapshot(5) })
    const { result, target } = start(made)
    expect(target.loaded).toBe(5)
    expect(target.sessions).toEqual([0x77n])
    expect(target.resets).toBe(2)
    expect(result.lastZxid).toBe(20)
    expect(made.complaints.join()).toContain('trying the one before it')
  })

  it('is passed over where its end is missing', () => {
    const made = bench({
      ...logs,
      'snapshot.a': snapshot(10).subarray(0, -3),
      'snapshot.5': snapshot(5),
    })
    const { target } = start(made)
    expect(target).toMatchObject({ loaded: 5, resets: 1 })
    expect(target.zxids).toEqual(range(6, 20))
  })

  it('stops the start where there is no other', () => {
    const broken = snapshot(10)
    broken[30] = (broken[30] ?? 0) ^ 1
    expect(refusal(bench({ ...logs, 'snapshot.a': broken }))).toMatchObject({
      code: StorageErrorCode.snapshotsUnreadable,
      file: `${DIRECTORY}/snapshot.a`,
    })
    expect(refusal(bench({ 'snapshot.a': snapshot(10).subarray(0, 50) }))).toMatchObject({
      code: StorageErrorCode.snapshotsUnreadable,
    })
  })

  it('of an empty database is no loss: the very first start was interrupted', () => {
    expect(start(bench({ 'snapshot.0': snapshot().subarray(0, 50) })).result).toMatchObject({
      isNew: true,
      lastZxid: ZXID_ZERO,
    })
  })
})

describe('logs without a snapshot', () => {
  it('are refused', () => {
    const error = refusal(bench({ 'log.1': logFile([1, 2]) }))
    expect(error).toMatchObject({
      code: StorageErrorCode.snapshotMissing,
      file: `${DIRECTORY}/log.1`,
    })
    expect(error.advice).toContain('snapshot.trust.empty=true')
  })

  it('are refused also where the only log holds no record yet', () => {
    expect(refusal(bench({ 'log.1': logFileStart(4096) })).code).toBe(
      StorageErrorCode.snapshotMissing,
    )
  })

  it('are replayed where the operator trusts them', () => {
    const made = bench({ 'log.1': logFile([1, 2]) }, { trustEmpty: true })
    const { result, target } = start(made)
    expect(target).toMatchObject({ loaded: null, resets: 1, zxids: [1, 2] })
    expect(result).toMatchObject({ lastZxid: 2, snapshot: null, isNew: false })
  })

  it('are replayed with a warning where they do not begin at the beginning', () => {
    const made = bench({ 'log.5': logFile([5, 6]) }, { trustEmpty: true })
    expect(start(made).target.zxids).toEqual([5, 6])
    expect(made.complaints.join()).toContain('do not begin with the first transaction')
  })
})

describe('an empty directory', () => {
  it('becomes a new database', () => {
    const made = storageBench()
    expect(start(made)).toMatchObject({
      result: { isNew: true, lastZxid: ZXID_ZERO, snapshot: null },
      target: { resets: 1 },
    })
  })

  it('is made where it does not exist', () => {
    const made = storageBench({ snapshotDirectory: '/new/a', logDirectory: '/new/b' })
    expect(start(made).result.isNew).toBe(true)
    made.put('/new/a/version-2/x', 'x')
    made.put('/new/b/version-2/x', 'x')
  })

  it('stays without a database where the operator wants to say when it begins', () => {
    const made = storageBench({ databaseAutocreate: false })
    expect(start(made).result).toMatchObject({ isNew: false, lastZxid: ZXID_NONE })
    made.put('/data/initialize', '')
    expect(start(made).result).toMatchObject({ isNew: true, lastZxid: ZXID_ZERO })
    expect(made.disk.size('/data/initialize')).toBeNull()
    expect(start(made).result.lastZxid).toBe(ZXID_NONE)
  })
})

describe('the end of the newest log', () => {
  const first = { 'snapshot.0': snapshot() }
  const whole = logFile(range(1, 5))
  const fifth = logFile(range(1, 4)).length

  it('is cut behind its last whole record when that is torn', () => {
    const made = bench({ ...first, 'log.1': joinBytes([whole.slice(0, -3), new Uint8Array(900)]) })
    const { result } = start(made)
    expect(result.lastZxid).toBe(4)
    expect(result.torn).toMatchObject({
      file: `${DIRECTORY}/log.1`,
      end: { reason: 'torn', offset: fifth },
    })
    expect(made.get(`${DIRECTORY}/log.1`)).toEqual(whole.subarray(0, fifth))
    expect(made.complaints.join()).toContain('torn by a crash')
    expect(start(made).result).toMatchObject({ lastZxid: 4, torn: null })
  })

  it('loses its padding, silently', () => {
    const made = bench({ ...first, 'log.1': joinBytes([whole, new Uint8Array(5_000)]) })
    expect(start(made).result).toMatchObject({ lastZxid: 5, torn: null })
    expect(made.disk.size(`${DIRECTORY}/log.1`)).toBe(whole.length)
    expect(made.complaints).toEqual([])
  })

  it('is durable once the start is over, although the last process never synced it', () => {
    const made = bench(first)
    made.disk.create(`${DIRECTORY}/log.1`, (_error, file) => {
      file?.write(0, whole, false, () => {})
    })
    made.settle()
    made.disk.syncDirectory(DIRECTORY, () => {})
    made.settle()
    made.disk.crash('process')
    expect(made.disk.durable(`${DIRECTORY}/log.1`)).toHaveLength(0)
    expect(start(made).result.lastZxid).toBe(5)
    expect(made.disk.durable(`${DIRECTORY}/log.1`)).toEqual(whole)
  })

  it('may be torn in an older log too, where the next one starts again in its place', () => {
    const made = bench({
      ...first,
      'log.1': whole.slice(0, -1),
      'log.5': logFile([5, 6]),
    })
    expect(start(made).target.zxids).toEqual(range(1, 6))
  })

  it('is refused where a record was changed, and nothing is cut', () => {
    const damaged = whole.slice()
    damaged[fifth + 30] = (damaged[fifth + 30] ?? 0) ^ 1
    const made = bench({ ...first, 'log.1': joinBytes([damaged, new Uint8Array(100)]) })
    expect(refusal(made)).toMatchObject({
      code: StorageErrorCode.logCorrupt,
      file: `${DIRECTORY}/log.1`,
      offset: fifth,
    })
    expect(made.disk.size(`${DIRECTORY}/log.1`)).toBe(damaged.length + 100)
  })

  it('is refused where a record that is whole makes no sense', () => {
    const made = bench({ ...first, 'log.1': whole })
    const target = new RecordingTarget()
    target.applyTxn = (zxid) => {
      if (zxid === 5) throw new MalformedRecord('type 99')
    }
    expect(() => recover(made.disk, made.compression, made.options, target)).toThrow(
      /offset \d+: transaction 0x5 cannot be understood: type 99/,
    )
  })
})

describe('an empty log file', () => {
  it('is removed where it is the newest', () => {
    const made = bench({
      'snapshot.0': snapshot(),
      'log.1': logFile([1]),
      'log.2': new Uint8Array(0),
    })
    expect(start(made).result.lastZxid).toBe(1)
    expect(made.disk.size(`${DIRECTORY}/log.2`)).toBeNull()
  })

  it('stops the start where it is not the newest, or is half a header', () => {
    const logs = { 'snapshot.0': snapshot(), 'log.1': new Uint8Array(0), 'log.2': logFile([2]) }
    expect(refusal(bench(logs)).code).toBe(StorageErrorCode.logHeader)
    expect(
      refusal(bench({ 'snapshot.0': snapshot(), 'log.1': logFile([1]).subarray(0, 6) })).code,
    ).toBe(StorageErrorCode.logHeader)
  })
})

describe('missing transactions', () => {
  it('are refused between two records of an epoch, also across files', () => {
    const made = bench({
      'snapshot.0': snapshot(),
      'log.1': logFile(range(1, 8)).slice(0, -1),
      'log.9': logFile([9, 10]),
    })
    const error = refusal(made)
    expect(error).toMatchObject({
      code: StorageErrorCode.logGap,
      file: `${DIRECTORY}/log.9`,
      offset: 16,
    })
    expect(error.message).toContain('transaction 0x9 follows 0x7')
    expect(refusal(bench({ 'snapshot.0': snapshot(), 'log.1': logFile([1, 2, 4]) })).code).toBe(
      StorageErrorCode.logGap,
    )
  })

  it('are refused between the snapshot and the first record of its epoch', () => {
    const made = bench({ 'snapshot.3': snapshot(3), 'log.5': logFile([5, 6]) })
    expect(refusal(made).code).toBe(StorageErrorCode.logGap)
  })

  it('are refused at the beginning of an epoch', () => {
    const made = bench({
      'snapshot.0': snapshot(),
      'log.1': logFile([1, 2]),
      [`log.${zxidOf(1, 2).toString(16)}`]: logFile([zxidOf(1, 2)]),
    })
    expect(refusal(made).code).toBe(StorageErrorCode.logGap)
  })
})

describe('repeated transactions', () => {
  it('are applied once more, loudly, as ZooKeeper does', () => {
    const made = bench({ 'snapshot.0': snapshot(), 'log.1': logFile([1, 2, 2, 1, 2, 3]) })
    const { result, target } = start(made)
    expect(target.zxids).toEqual([1, 2, 2, 1, 2, 3])
    expect(result.lastZxid).toBe(3)
    expect(made.complaints).toHaveLength(3)
  })
})

describe('a directory of ZooKeeper 3.9.5, changed', () => {
  // The cases that were tried on a running 3.9.5, with what it did; ours does the same unless said.
  const golden = `${goldenRoot}/data-3.9.5/mixed-snapshot-and-logs/data/version-2`

  function changed(change: (made: StorageBench) => void, options: Partial<StorageOptions> = {}) {
    const made = storageBench(options)
    copyGolden(golden, made.disk, DIRECTORY)
    change(made)
    return made
  }
  const edit = (name: string, change: (bytes: Uint8Array) => Uint8Array) => (made: StorageBench) =>
    made.put(`${DIRECTORY}/${name}`, change(made.get(`${DIRECTORY}/${name}`)))

  it('starts as it is', () => {
    expect(start(changed(() => {})).result).toMatchObject({ lastZxid: 0x3c, txnCount: 3 })
  })

  it('starts without the last record where that is torn at its end', () => {
    const cut = changed(edit('log.3a', (bytes) => bytes.subarray(0, -5)))
    expect(start(cut).result.lastZxid).toBe(0x3b)
    const zeroed = changed(
      edit('log.3a', (bytes) => joinBytes([bytes.slice(0, -1), Uint8Array.of(0)])),
    )
    expect(start(zeroed).result.lastZxid).toBe(0x3b)
  })

  it('starts without the last record wherever that is cut', () => {
    const size = storageBench()
    copyGolden(golden, size.disk, DIRECTORY)
    const length = size.disk.size(`${DIRECTORY}/log.3a`) ?? 0
    for (let cut = 1; cut < 20; cut++) {
      const made = changed(edit('log.3a', (bytes) => bytes.subarray(0, length - cut)))
      expect(start(made).result.lastZxid).toBe(0x3b)
    }
  })

  it('does not start where a byte of the last record was changed', () => {
    const made = changed(
      edit('log.3a', (bytes) => {
        const copy = bytes.slice()
        copy[copy.length - 20] = (copy[copy.length - 20] ?? 0) ^ 1
        return copy
      }),
    )
    expect(refusal(made).code).toBe(StorageErrorCode.logCorrupt)
  })

  it('does not start where an impossible length follows the last record', () => {
    for (const length of [0x7fffffff, -1]) {
      const tail = new Uint8Array(100)
      new DataView(tail.buffer).setInt32(8, length)
      const made = changed(edit('log.3a', (bytes) => joinBytes([bytes, tail])))
      expect(refusal(made).code).toBe(StorageErrorCode.logCorrupt)
    }
  })

  it('starts, and removes it, with an empty newest log; not with one of 6 bytes', () => {
    const empty = changed((made) => made.put(`${DIRECTORY}/log.3d`, new Uint8Array(0)))
    expect(start(empty).result.lastZxid).toBe(0x3c)
    expect(empty.disk.size(`${DIRECTORY}/log.3d`)).toBeNull()
    const short = changed((made) => made.put(`${DIRECTORY}/log.3d`, logFileStart(0).subarray(0, 6)))
    expect(refusal(short).code).toBe(StorageErrorCode.logHeader)
  })

  it('starts from the older snapshot where the newest is damaged or cut', () => {
    for (const change of [
      (bytes: Uint8Array) => bytes.subarray(0, -3),
      (bytes: Uint8Array) => {
        const copy = bytes.slice()
        copy[2_000] = (copy[2_000] ?? 0) ^ 1
        return copy
      },
    ]) {
      const { result, target } = start(changed(edit('snapshot.39', change)))
      expect(result).toMatchObject({ lastZxid: 0x3c, txnCount: 0x3c })
      expect(target.loaded).toBe(0)
    }
  })

  it('starts where the section of the last zxid is missing, or all sections are', () => {
    for (const [tail, hasDigest] of [
      [21, true],
      [54, false],
    ] as const) {
      const { result, target } = start(
        changed(edit('snapshot.39', (bytes) => bytes.subarray(0, -tail))),
      )
      expect(result.lastZxid).toBe(0x3c)
      expect(target.loaded).toBe(0x39)
      expect(target.summary?.lastZxid).toBeNull()
      expect(target.summary?.digest !== null).toBe(hasDigest)
    }
  })

  it('starts with digests switched off, which Apache does not', () => {
    expect(start(changed(() => {}, { digestEnabled: false })).result.lastZxid).toBe(0x3c)
  })

  it('does not start without snapshots, unless the logs are to be trusted', () => {
    const remove = (made: StorageBench): void => {
      made.disk.remove(`${DIRECTORY}/snapshot.0`)
      made.disk.remove(`${DIRECTORY}/snapshot.39`)
    }
    expect(refusal(changed(remove)).code).toBe(StorageErrorCode.snapshotMissing)
    expect(start(changed(remove, { trustEmpty: true })).result.lastZxid).toBe(0x3c)
  })

  it('does not start where the first log is torn three records before its end', () => {
    const made = changed((change) => {
      change.disk.remove(`${DIRECTORY}/snapshot.39`)
      edit('log.1', (bytes) => {
        const ends = recordEnds(bytes)
        return bytes.slice(0, (ends.at(-3) as number) - 1)
      })(change)
    })
    const error = refusal(made)
    expect(error.code).toBe(StorageErrorCode.logGap)
    expect(error.message).toContain('transaction 0x3a follows 0x36')
  })

  it('does not start where a record before the last one has lost its end byte', () => {
    const made = changed((change) => {
      change.disk.remove(`${DIRECTORY}/snapshot.39`)
      edit('log.1', (bytes) => {
        const copy = bytes.slice()
        copy[(recordEnds(bytes).at(-3) as number) - 1] = 0
        return copy
      })(change)
    })
    expect(refusal(made).code).toBe(StorageErrorCode.logCorrupt)
  })
})

/** Offsets behind each record of an unpadded log. */
function recordEnds(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const ends: number[] = []
  for (let at = 16; at < bytes.length; ) {
    at += view.getInt32(at + 8) + 13
    ends.push(at)
  }
  return ends
}

describe('a record longer than the limit', () => {
  it('stops the start', () => {
    const log = joinBytes([logFileStart(0), record(txnBody(1, 5_000))])
    const made = bench({ 'snapshot.0': snapshot(), 'log.1': log }, { fieldBytesMax: 5_000 })
    expect(refusal(made).code).toBe(StorageErrorCode.logCorrupt)
  })
})
