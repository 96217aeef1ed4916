// What a leader demands of a member's history: to be cut, to be replaced, to be read again, and to
// be passed on. The tree of these tests has a node for each transaction, so that what a start shows
// tells which transactions are in it.

import { describe, expect, it } from 'vitest'

import {
  RecordingTarget,
  type StorageBench,
  logFile,
  range,
  storageBench,
  txnBody,
} from '../../../test/support/storage-bench.ts'
import { encodeUtf8 } from '../../base/text.ts'
import { type Zxid, ZXID_ZERO } from '../../base/zxid.ts'
import type { DiskError } from '../../ports/disk.ts'
import { CALM_DISK as conditions } from '../../sim/fake-disk.ts'
import { NaiveTree } from '../tree/naive-tree.ts'
import { recover } from './recover.ts'
import type { SnapshotSource } from './snapshot-encoder.ts'
import { Storage } from './storage.ts'
import type { StorageError } from './storage-error.ts'
import type { StorageOptions } from './storage-options.ts'

const DIRECTORY = '/data/version-2'

class Member {
  readonly bench: StorageBench
  readonly storage: Storage
  readonly durable: number[] = []
  readonly errors: DiskError[] = []
  tree = new NaiveTree({ extendedTypes: true, emulate353Ttl: false })
  lastZxid: Zxid

  constructor(bench: StorageBench, lastZxid = 0) {
    this.bench = bench
    this.lastZxid = lastZxid as Zxid
    this.storage = new Storage(bench.disk, bench.compression, bench.options, this.lastZxid, {
      onDurable: (zxid) => this.durable.push(zxid),
      onSnapshotSlice() {},
      onSnapshotWritten() {},
      onFatal: (error) => this.errors.push(error),
    })
  }

  get source(): SnapshotSource {
    return { tree: this.tree, sessions: () => [], lastZxid: () => this.lastZxid }
  }

  /** Logs transactions and shows each as a node. */
  append(...zxids: number[]): this {
    for (const zxid of zxids) {
      this.lastZxid = zxid as Zxid
      this.#grow(zxid)
      const body = txnBody(zxid)
      this.storage.append(this.lastZxid, body, 0, body.length)
    }
    this.storage.flush()
    return this
  }

  /** Another database. */
  become(zxid: number, nodes: number): void {
    this.tree = new NaiveTree({ extendedTypes: true, emulate353Ttl: false })
    for (let i = 0; i < nodes; i++) this.#grow(0x7000 + i)
    this.lastZxid = zxid as Zxid
  }

  settle(): this {
    for (let rest = 3; rest > 0; rest--) {
      while (this.storage.continueSnapshot());
      this.bench.settle()
    }
    return this
  }

  snapshot(): this {
    this.storage.beginSnapshot(this.source, this.lastZxid)
    return this.settle()
  }

  names(): string[] {
    return this.bench.disk
      .paths()
      .map((path) => path.slice(DIRECTORY.length + 1))
      .filter((name) => !name.startsWith('zabra-log'))
  }

  truncate(zxid: number): { error: StorageError | null; last: number; target: RecordingTarget } {
    const target = new RecordingTarget()
    let answer: { error: StorageError | null; last: number } | null = null
    this.storage.truncate(zxid as Zxid, target, (error, last) => {
      answer = { error, last }
    })
    expect(answer).toBeNull()
    this.settle()
    if (answer === null) throw new Error('it was never answered')
    return { ...(answer as { error: StorageError | null; last: number }), target }
  }

  saveHistory(zxid: number): { isSaved: boolean } {
    const result = { isSaved: false }
    this.storage.saveHistory(this.source, zxid as Zxid, () => {
      result.isSaved = true
    })
    return result
  }

  /** Everything from `from` on, or null where it is not offered. */
  read(from: number): number[] | null {
    const cursor = this.storage.openLog(from as Zxid)
    if (cursor === null) return null
    const zxids: number[] = []
    for (let txn = cursor.next(); txn !== null; txn = cursor.next()) {
      expect(txn.bytes.slice(txn.start, txn.end)).toEqual(txnBody(txn.zxid))
      zxids.push(txn.zxid)
    }
    return zxids
  }

  #grow(zxid: number): void {
    const name = encodeUtf8(`n${zxid}`)
    this.tree.insert(0, name, 0, name.length, name, 0, name.length, -1, 0, 0, 0 as Zxid, 5)
  }
}

/** A member with its first snapshot. */
function member(options: Partial<StorageOptions> = {}): Member {
  return new Member(storageBench(options)).snapshot()
}

interface Start {
  readonly last: number
  readonly snapshot: number | null
  readonly replayed: readonly number[]
  /** The nodes that the snapshot held, by their number. */
  readonly nodes: readonly number[]
}

function start(bench: StorageBench): Start {
  const target = new RecordingTarget()
  const result = recover(bench.disk, bench.compression, bench.options, target)
  const nodes = target.paths
    .filter((path) => path.startsWith('/n'))
    .map((path) => Number(path.slice(2)))
  return {
    last: result.lastZxid,
    snapshot: target.loaded,
    replayed: target.zxids,
    nodes: nodes.sort((a, b) => a - b),
  }
}

describe('truncation', () => {
  it('cuts the log behind a transaction and brings the state back to it', () => {
    const made = member().append(1, 2, 3, 4, 5).settle()
    const { error, last, target } = made.truncate(3)
    expect(error).toBeNull()
    expect(last).toBe(3)
    expect(target.zxids).toEqual([1, 2, 3])
    made.bench.disk.crash('power')
    expect(start(made.bench)).toMatchObject({ last: 3, replayed: [1, 2, 3] })
  })

  it('removes later logs, and lets history go on behind in a file of its own', () => {
    const made = member({ logSizeLimitBytes: 50 })
    for (const zxid of range(1, 6)) made.append(zxid).settle()
    expect(made.names().filter((name) => name.startsWith('log'))).toHaveLength(6)
    expect(made.truncate(2).last).toBe(2)
    expect(made.names()).toEqual(['log.1', 'log.2', 'snapshot.0'])
    made.become(2, 0)
    made.append(3, 4).settle()
    expect(made.durable.at(-1)).toBe(4)
    made.bench.disk.crash('power')
    expect(start(made.bench)).toMatchObject({ last: 4, replayed: [1, 2, 3, 4] })
  })

  it('writes what was appended before it cuts', () => {
    const made = member()
    made.append(1, 2, 3)
    expect(made.truncate(2)).toMatchObject({ error: null, last: 2 })
    expect(made.storage.lastAppended).toBe(2)
    expect(made.storage.lastDurable).toBe(2)
    expect(start(made.bench).replayed).toEqual([1, 2])
  })

  it('removes snapshots that are newer', () => {
    const made = member().append(1, 2).settle()
    made.snapshot().append(3, 4).settle()
    made.snapshot().append(5).settle()
    expect(made.truncate(3).last).toBe(3)
    expect(made.names().filter((name) => name.startsWith('snapshot'))).toEqual([
      'snapshot.0',
      'snapshot.2',
    ])
    expect(start(made.bench)).toMatchObject({ last: 3, snapshot: 2, replayed: [3] })
  })

  it.each([true, false])(
    'removes a snapshot that shows more than its name says (digests: %s)',
    (digestEnabled) => {
      const made = member({ digestEnabled, snapshotSliceBytes: 300 }).append(1, 2).settle()
      made.storage.beginSnapshot(made.source, made.lastZxid)
      made.storage.continueSnapshot()
      made.append(3, 4).settle()
      expect(made.names()).toContain('snapshot.2')
      expect(made.truncate(3)).toMatchObject({ error: null, last: 3 })
      expect(made.names()).not.toContain('snapshot.2')
      expect(start(made.bench)).toMatchObject({ last: 3, snapshot: 0, replayed: [1, 2, 3] })
    },
  )

  it('finds out about such a snapshot of an earlier life, too', () => {
    const old = member({ snapshotSliceBytes: 300 }).append(1, 2).settle()
    old.storage.beginSnapshot(old.source, old.lastZxid)
    old.storage.continueSnapshot()
    old.append(3, 4).settle()
    const made = new Member(old.bench, 4)
    expect(made.truncate(3)).toMatchObject({ error: null, last: 3 })
    expect(made.names()).not.toContain('snapshot.2')
    expect(start(made.bench)).toMatchObject({ last: 3, snapshot: 0 })
  })

  it('keeps a snapshot that only names the beginning of a later epoch', () => {
    // A leader that nobody followed: its epoch has begun, and nothing happened in it.
    const old = member({ snapshotSliceBytes: 300 }).append(1, 2).settle()
    old.storage.beginSnapshot(old.source, old.lastZxid)
    old.lastZxid = 0x3_0000_0000 as Zxid
    old.settle()
    old.append(0x3_0000_0001).settle()
    expect(old.truncate(2)).toMatchObject({ error: null, last: 2 })
    expect(start(old.bench)).toMatchObject({ last: 2, snapshot: 2, replayed: [] })
  })

  it('gives up a snapshot that is being written', () => {
    const made = member({ snapshotSliceBytes: 300 })
      .append(...range(1, 40))
      .settle()
    made.storage.beginSnapshot(made.source, made.lastZxid)
    made.storage.continueSnapshot()
    expect(made.truncate(30).last).toBe(30)
    expect(made.storage.snapshotRunning).toBe(false)
    expect(made.names().filter((name) => !name.startsWith('log'))).toEqual(['snapshot.0'])
  })

  it('waits for the very first snapshot, without which a directory is worth nothing', () => {
    const made = new Member(storageBench())
    made.storage.beginSnapshot(made.source, ZXID_ZERO)
    expect(made.truncate(0)).toMatchObject({ error: null, last: 0 })
    expect(made.names()).toEqual(['snapshot.0'])
  })

  it.each([
    ['between two that are there', 0x1_0000_0000 + 5],
    ['before the oldest snapshot', 3],
    ['behind the last', 0x2_0000_0009],
  ])('is refused for a transaction %s, and changes nothing', (_where, zxid) => {
    const bench = storageBench()
    const born = new Member(bench, 0x1_0000_0000)
    born.snapshot()
    bench.put(`${DIRECTORY}/log.100000001`, logFile([0x1_0000_0001, 0x1_0000_0002, 0x2_0000_0001]))
    const made = new Member(bench, 0x2_0000_0001)
    const before = made.names()
    const { error } = made.truncate(zxid)
    expect(error?.code).toBe('NOT_IN_HISTORY')
    expect(error?.message).toMatch(/Empty the directory/)
    expect(made.names()).toEqual(before)
    made.append(0x2_0000_0002).settle()
    expect(start(bench)).toMatchObject({ last: 0x2_0000_0002 })
  })

  it('waits for a purge, which may be taking away what it needs', () => {
    const made = member({ logSizeLimitBytes: 50 })
    for (const zxid of range(1, 6)) {
      made.append(zxid).settle()
      made.snapshot()
    }
    made.storage.purge(2, () => {})
    expect(made.truncate(3).error?.code).toBe('NOT_IN_HISTORY')
    expect(start(made.bench)).toMatchObject({ last: 6, snapshot: 6 })
  })
})

describe('a history that is saved', () => {
  it('takes the place of everything else, and goes on', () => {
    const made = member().append(1, 2, 3).settle()
    made.snapshot().append(4, 5, 6).settle()
    made.become(0x2_0000_0000, 3)
    const result = made.saveHistory(0x2_0000_0000)
    made.append(0x2_0000_0001)
    made.lastZxid = 0x2_0000_0000 as Zxid
    made.durable.length = 0
    expect(made.storage.lastAppended).toBe(0x2_0000_0001)
    made.settle()
    expect(result.isSaved).toBe(true)
    expect(made.durable).toEqual([0x2_0000_0001])
    expect(made.names()).toEqual(['log.200000001', 'snapshot.200000000'])
    made.bench.disk.crash('power')
    expect(start(made.bench)).toMatchObject({
      last: 0x2_0000_0001,
      snapshot: 0x2_0000_0000,
      replayed: [0x2_0000_0001],
    })
  })

  it('may end before the one that it replaces', () => {
    const made = member()
      .append(...range(1, 9))
      .settle()
    made.snapshot()
    made.become(4, 2)
    made.saveHistory(4)
    made.settle()
    made.append(5).settle()
    made.bench.disk.crash('power')
    expect(start(made.bench)).toEqual({
      last: 5,
      snapshot: 4,
      replayed: [5],
      nodes: [0x7000, 0x7001],
    })
  })

  it('never has a write reported that belongs to the history before it', () => {
    const made = member().append(1, 2)
    made.durable.length = 0
    made.become(0x1_0000_0000, 1)
    made.saveHistory(0x1_0000_0000)
    made.settle()
    expect(made.durable).toEqual([])
    expect(made.storage.lastDurable).toBe(0x1_0000_0000)
    expect(start(made.bench)).toMatchObject({ last: 0x1_0000_0000, replayed: [] })
  })

  it('may be compressed', () => {
    const made = member({ snapshotCompression: 'gz' }).append(1).settle()
    made.become(7, 20)
    made.saveHistory(7)
    made.settle()
    expect(made.names()).toEqual(['snapshot.7.gz'])
    expect(start(made.bench).nodes).toHaveLength(20)
  })

  it('may be the first of an empty directory', () => {
    const made = new Member(storageBench())
    made.storage.beginSnapshot(made.source, ZXID_ZERO)
    made.become(9, 2)
    made.saveHistory(9)
    made.settle()
    made.append(10).settle()
    expect(start(made.bench)).toMatchObject({ last: 10, snapshot: 9, replayed: [10] })
  })

  it('is one of several changes that follow each other', () => {
    const made = member().append(1, 2, 3).settle()
    const order: string[] = []
    made.storage.reload(new RecordingTarget(), (_error, last) => order.push(`reload ${last}`))
    made.become(8, 1)
    made.storage.saveHistory(made.source, 8 as Zxid, () => order.push('saved'))
    made.append(9)
    made.lastZxid = 8 as Zxid
    made.storage.reload(new RecordingTarget(), (_error, last) => order.push(`reload ${last}`))
    made.settle()
    expect(order).toEqual(['reload 3', 'saved', 'reload 8'])
    expect(made.storage.isChangingHistory).toBe(false)
  })
})

describe('reading again', () => {
  it('gives the state on disk, with all that was appended', () => {
    const made = member().append(1, 2, 3)
    const target = new RecordingTarget()
    let last = -1
    made.storage.reload(target, (error, zxid) => {
      expect(error).toBeNull()
      last = zxid
    })
    made.settle()
    expect(last).toBe(3)
    expect(target.zxids).toEqual([1, 2, 3])
    made.append(4).settle()
    expect(start(made.bench).replayed).toEqual([1, 2, 3, 4])
  })
})

describe('the log as a learner is sent it', () => {
  it('begins with the transaction asked for, or the next one', () => {
    const made = member().append(1, 2, 3, 0x1_0000_0001, 0x1_0000_0002).settle()
    expect(made.read(2)).toEqual([2, 3, 0x1_0000_0001, 0x1_0000_0002])
    expect(made.read(3)).toEqual([3, 0x1_0000_0001, 0x1_0000_0002])
    expect(made.read(4)).toEqual([0x1_0000_0001, 0x1_0000_0002])
  })

  it('is not offered where it does not go back far enough', () => {
    const made = member().append(1, 2).settle()
    expect(made.read(0)).toBeNull()
    made.become(9, 1)
    made.saveHistory(9)
    made.settle()
    made.append(10).settle()
    expect(made.read(2)).toBeNull()
    expect(made.read(10)).toEqual([10])
  })

  it('ends with what was durable when it was opened', () => {
    const made = member({ preallocateBytes: 0 }).append(1, 2).settle()
    const cursor = made.storage.openLog(1 as Zxid)
    made.append(3)
    expect(cursor?.next()?.zxid).toBe(1)
    made.settle()
    expect(cursor?.next()?.zxid).toBe(2)
    expect(cursor?.next()).toBeNull()
    expect(made.read(1)).toEqual([1, 2, 3])
    made.append(4)
    expect(made.read(1)).toEqual([1, 2, 3])
  })

  it('goes over several files, as far as their size is worth it', () => {
    const made = member({ logSizeLimitBytes: 50, snapshotSizeFactor: 0.33 })
    for (const zxid of range(1, 12)) made.append(zxid).settle()
    expect(made.read(1)).toBeNull()
    const back = range(1, 12).filter((zxid) => made.read(zxid) !== null)
    expect(back).toEqual(range(back[0]!, 12))
    expect(back.length).toBeGreaterThan(0)
    made.snapshot()
    expect(made.read(11)).toEqual([11, 12])
  })

  it('is never offered where the factor is below zero', () => {
    const made = member({ snapshotSizeFactor: -1 }).append(1, 2).settle()
    expect(made.read(1)).toBeNull()
  })

  it('ends before a gap', () => {
    const bench = storageBench()
    new Member(bench).snapshot()
    bench.put(`${DIRECTORY}/log.1`, logFile([1, 2, 4, 5]))
    const made = new Member(bench, 5)
    expect(made.read(1)).toEqual([1, 2])
  })

  it('ends where the files are changed or gone', () => {
    const made = member({ logSizeLimitBytes: 50, snapshotSizeFactor: 0 })
    for (const zxid of range(1, 5)) made.append(zxid).settle()
    const cursor = made.storage.openLog(1 as Zxid)
    const other = made.storage.openLog(1 as Zxid)
    expect(cursor?.next()?.zxid).toBe(1)
    made.bench.disk.remove(`${DIRECTORY}/log.3`)
    expect(other?.next()?.zxid).toBe(1)
    expect(other?.next()?.zxid).toBe(2)
    expect(other?.next()).toBeNull()
    made.truncate(2)
    expect(cursor?.next()).toBeNull()
  })
})

describe('an epoch', () => {
  it('is durable when it is said to be; the later of two stays', () => {
    const made = member()
    const written: number[] = []
    made.storage.writeEpoch('acceptedEpoch', 3, () => written.push(3))
    made.storage.writeEpoch('acceptedEpoch', 4, () => written.push(4))
    made.storage.writeEpoch('currentEpoch', 2, () => written.push(2))
    expect(written).toEqual([])
    made.settle()
    expect(written).toEqual([3, 4, 2])
    made.bench.disk.crash('power')
    expect(new TextDecoder().decode(made.bench.get(`${DIRECTORY}/acceptedEpoch`))).toBe('4')
    expect(new TextDecoder().decode(made.bench.get(`${DIRECTORY}/currentEpoch`))).toBe('2')
  })
})

describe('a snapshot of a tree that is ahead of the log', () => {
  it('waits until the log could not lose what it shows', () => {
    const made = member({ preallocateBytes: 0 }).append(1).settle()
    made.storage.beginSnapshot(made.source, made.lastZxid)
    made.append(2)
    made.bench.disk.setConditions({
      ...conditions,
      syncUs: [1_000_000, 1_000_000],
      writeUs: [1, 1],
    })
    while (made.storage.continueSnapshot());
    let order = ''
    while (made.storage.snapshotRunning) {
      made.storage.continueSnapshot()
      if (!made.bench.clock.step()) break
      if (made.names().includes('snapshot.1') && !order.includes('s')) order += 's'
      if (made.storage.lastDurable >= 2 && !order.includes('d')) order += 'd'
    }
    expect(order).toBe('ds')
  })
})
