// The durable side of a server: when snapshots fall due, how they are written while the tree
// changes, what a purge leaves.

import { describe, expect, it } from 'vitest'

import {
  RecordingTarget,
  type StorageBench,
  range,
  storageBench,
  txnBody,
} from '../../../test/support/storage-bench.ts'
import { encodeUtf8 } from '../../base/text.ts'
import { type Zxid, ZXID_ZERO } from '../../base/zxid.ts'
import type { DiskError } from '../../ports/disk.ts'
import { CALM_DISK } from '../../sim/fake-disk.ts'
import { NaiveTree } from '../tree/naive-tree.ts'
import { recover } from './recover.ts'
import type { SnapshotSource } from './snapshot-encoder.ts'
import { type PurgeResult, Storage } from './storage.ts'
import type { StorageOptions } from './storage-options.ts'

const DIRECTORY = '/data/version-2'

class Server {
  readonly bench: StorageBench
  readonly storage: Storage
  readonly durable: number[] = []
  readonly written: number[] = []
  readonly errors: DiskError[] = []
  slices = 0
  readonly tree = new NaiveTree({ extendedTypes: true, emulate353Ttl: false })
  lastZxid: Zxid = ZXID_ZERO

  constructor(bench: StorageBench, lastZxid = 0) {
    this.bench = bench
    this.lastZxid = lastZxid as Zxid
    this.storage = new Storage(bench.disk, bench.compression, bench.options, this.lastZxid, {
      onDurable: (zxid) => this.durable.push(zxid),
      onSnapshotSlice: () => this.slices++,
      onSnapshotWritten: (zxid) => this.written.push(zxid),
      onFatal: (error) => this.errors.push(error),
    })
  }

  readonly source: SnapshotSource = {
    tree: this.tree,
    sessions: () => [],
    lastZxid: () => this.lastZxid,
  }

  append(count: number): void {
    for (let i = 0; i < count; i++) {
      this.lastZxid = (this.lastZxid + 1) as Zxid
      const body = txnBody(this.lastZxid)
      this.storage.append(this.lastZxid, body, 0, body.length)
    }
    this.storage.flush()
  }

  grow(count: number, dataBytes = 100): void {
    const data = new Uint8Array(dataBytes).fill(1)
    for (let i = 0; i < count; i++) {
      const name = encodeUtf8(`g${this.tree.nodeCount}`)
      const zxid = this.lastZxid
      this.tree.insert(0, name, 0, name.length, data, 0, dataBytes, -1, 0, 0, zxid, 5)
    }
  }

  /** Runs a snapshot to its end, with `between` after each slice. */
  snapshot(between: () => void = () => {}): void {
    this.storage.beginSnapshot(this.source, this.lastZxid)
    this.finishSnapshot(between)
  }

  finishSnapshot(between: () => void = () => {}): void {
    while (this.storage.snapshotRunning) {
      this.storage.continueSnapshot()
      between()
      this.bench.clock.step()
    }
  }

  names(): string[] {
    return this.bench.disk.paths().map((path) => path.slice(DIRECTORY.length + 1))
  }
}

function server(options: Partial<StorageOptions> = {}): Server {
  return new Server(storageBench(options))
}

/** A server whose directory has its first snapshot. */
function oldServer(options: Partial<StorageOptions> = {}): Server {
  const made = server(options)
  made.snapshot()
  made.written.length = 0
  return made
}

function restart(bench: StorageBench): RecordingTarget {
  const target = new RecordingTarget()
  recover(bench.disk, bench.compression, bench.options, target)
  return target
}

describe('a snapshot falls due', () => {
  it('after half to all of the configured number of transactions', () => {
    const dueAfter = new Set<number>()
    for (let seed = 1; seed <= 40; seed++) {
      const made = new Server(storageBench({ snapCount: 40 }, {}, seed))
      let count = 0
      while (!made.storage.snapshotDue(0)) {
        made.append(1)
        count++
      }
      dueAfter.add(count)
    }
    expect(Math.min(...dueAfter)).toBeGreaterThan(20)
    expect(Math.max(...dueAfter)).toBeLessThanOrEqual(40)
    expect(dueAfter.size).toBeGreaterThan(10)
  })

  it('after half to all of the configured bytes', () => {
    const made = server({ snapSizeBytes: 10_000 })
    let bytes = 0
    while (!made.storage.snapshotDue(0)) {
      made.append(1)
      bytes += txnBody(made.lastZxid).length + 13
    }
    expect(bytes).toBeGreaterThan(5_000)
    expect(bytes).toBeLessThan(10_200)
  })

  it('again only after as many more', () => {
    const made = server({ snapCount: 10 })
    made.append(20)
    expect(made.storage.snapshotDue(0)).toBe(true)
    made.snapshot()
    expect(made.storage.snapshotDue(0)).toBe(false)
    made.append(11)
    expect(made.storage.snapshotDue(0)).toBe(true)
  })

  it('in a large tree only after half as many as it has nodes', () => {
    const made = server({ snapCount: 10 })
    made.append(101_000 / 2)
    expect(made.storage.snapshotDue(100_000)).toBe(true)
    expect(made.storage.snapshotDue(101_000)).toBe(false)
    made.append(1)
    expect(made.storage.snapshotDue(101_000)).toBe(true)
  })

  it('even where the setting is absurd', () => {
    const made = server({ snapCount: 0 })
    made.append(1)
    expect(made.storage.snapshotDue(0)).toBe(false)
    made.append(2)
    expect(made.storage.snapshotDue(0)).toBe(true)
  })
})

describe('a snapshot', () => {
  it('is what a start finds', () => {
    const made = server()
    made.grow(500)
    made.append(7)
    made.snapshot()
    made.append(2)
    made.bench.settle()
    expect(made.written).toEqual([7])
    const target = restart(made.bench)
    expect(target).toMatchObject({ loaded: 7, zxids: [8, 9] })
    expect(target.paths).toHaveLength(504)
    expect(target.summary).toMatchObject({ lastZxid: 7, digest: { zxid: 7 } })
  })

  it.each(['gz', 'snappy'] as const)('is compressed as %s', (snapshotCompression) => {
    const made = server({ snapshotCompression })
    made.grow(5_000)
    made.append(3)
    made.snapshot()
    const path = `${DIRECTORY}/snapshot.3.${snapshotCompression}`
    expect(made.bench.disk.size(path)).toBeLessThan(200_000)
    expect(restart(made.bench)).toMatchObject({ loaded: 3, paths: { length: 5_004 } })
  })

  it('takes in part of what happens meanwhile, and says up to where', () => {
    const made = oldServer()
    made.grow(4_000)
    made.append(5)
    made.snapshot(() => {
      if (made.lastZxid >= 20) return
      made.append(1)
      made.grow(10)
    })
    made.bench.settle()
    const target = restart(made.bench)
    expect(target.loaded).toBe(5)
    expect(target.paths.length).toBeGreaterThanOrEqual(4_004)
    expect(target.summary?.digest?.zxid).toBe(target.summary?.lastZxid)
    expect(target.summary?.lastZxid).toBeGreaterThan(5)
    expect(target.zxids).toEqual(range(6, 20))
  })

  it('is written in slices: no turn encodes more than a few hundred kilobytes', () => {
    const made = oldServer()
    made.grow(6_000)
    made.append(1)
    made.storage.beginSnapshot(made.source, made.lastZxid)
    let turns = 0
    while (made.storage.snapshotRunning) {
      if (!made.storage.continueSnapshot()) {
        const before = made.slices
        while (made.storage.snapshotRunning && made.slices === before) {
          expect(made.bench.clock.step()).toBe(true)
        }
      }
      turns++
    }
    const size = made.bench.disk.size(`${DIRECTORY}/snapshot.1`) as number
    expect(turns).toBeGreaterThanOrEqual(Math.floor(size / (300 << 10)))
    expect(made.written).toEqual([1])
  })

  it('of nothing but the nodes that every tree has is written too', () => {
    const made = server()
    made.snapshot()
    expect(made.written).toEqual([0])
    expect(restart(made.bench)).toMatchObject({ loaded: 0, paths: { length: 4 } })
  })

  it('is what the first commits of a new database wait for', () => {
    const made = server()
    made.append(2)
    made.bench.settle()
    expect(made.durable).toEqual([])
    expect(made.names().filter((name) => name.startsWith('log.'))).toEqual([])
    made.storage.beginSnapshot(made.source, ZXID_ZERO)
    made.finishSnapshot()
    made.bench.settle()
    expect(made.durable).toEqual([2])
    expect(restart(made.bench)).toMatchObject({ loaded: 0, zxids: [1, 2] })
  })

  it('does not stop commits, and the next batch begins a new log', () => {
    const made = oldServer()
    made.grow(2_000)
    made.append(3)
    made.bench.settle()
    made.storage.beginSnapshot(made.source, made.lastZxid)
    made.append(1)
    while (made.durable.at(-1) !== 4) expect(made.bench.clock.step()).toBe(true)
    expect(made.storage.snapshotRunning).toBe(true)
    expect(made.names()).toEqual(expect.arrayContaining(['log.1', 'log.4']))
  })

  it('is not begun while another one is being written, but the log is rolled', () => {
    const made = oldServer()
    made.grow(3_000)
    made.append(3)
    made.bench.settle()
    made.storage.beginSnapshot(made.source, made.lastZxid)
    made.append(1)
    made.bench.settle()
    made.storage.beginSnapshot(made.source, made.lastZxid)
    made.append(1)
    made.finishSnapshot()
    expect(made.written).toEqual([3])
    expect(made.bench.complaints.join()).toContain('too busy for a snapshot')
    expect(made.names()).toEqual(expect.arrayContaining(['log.1', 'log.4', 'log.5']))
  })

  it('of the same zxid takes the place of the old one in one step', () => {
    const made = server()
    made.snapshot()
    made.grow(10)
    made.snapshot()
    expect(made.written).toEqual([0, 0])
    expect(restart(made.bench).paths).toHaveLength(14)
  })

  it('that cannot be written ends the server', () => {
    const made = oldServer()
    made.grow(3_000)
    made.append(1)
    made.bench.settle()
    made.bench.disk.setConditions({ ...CALM_DISK, capacityBytes: 600 << 10 })
    made.storage.beginSnapshot(made.source, made.lastZxid)
    while (made.errors.length === 0) {
      made.storage.continueSnapshot()
      expect(made.bench.clock.step()).toBe(true)
    }
    expect(made.errors[0]?.code).toBe('ENOSPC')
    expect(made.names()).not.toContain('snapshot.1')
  })

  it('that was interrupted by a crash is nothing', () => {
    for (let steps = 1; steps < 30; steps += 2) {
      const made = server()
      made.grow(700, 800)
      made.snapshot()
      made.append(4)
      made.bench.settle()
      made.storage.beginSnapshot(made.source, made.lastZxid)
      for (let i = 0; i < steps; i++) {
        made.storage.continueSnapshot()
        made.bench.clock.step()
      }
      const isWritten = made.written.includes(4)
      made.bench.disk.crash('power')
      const target = restart(made.bench)
      if (isWritten) expect(target.loaded).toBe(4)
      expect([0, 4]).toContain(target.loaded)
      expect(target.paths).toHaveLength(704)
      expect(target.zxids).toEqual(target.loaded === 4 ? [] : range(1, 4))
    }
  })
})

describe('closing', () => {
  it('makes the log durable, gives up a snapshot and leaves nothing half made', () => {
    for (let steps = 0; steps < 12; steps++) {
      const made = oldServer()
      made.grow(2_000)
      made.append(3)
      made.storage.beginSnapshot(made.source, made.lastZxid)
      for (let i = 0; i < steps; i++) {
        made.storage.continueSnapshot()
        made.bench.clock.step()
      }
      made.append(1)
      let isClosed = false
      made.storage.close(() => {
        isClosed = true
      })
      made.bench.settle()
      expect(isClosed).toBe(true)
      expect(made.durable.at(-1)).toBe(4)
      expect(made.names().filter((name) => name.endsWith('.tmp'))).toEqual([])
      expect(made.errors).toEqual([])
    }
  })
})

describe('a purge', () => {
  /** Snapshots 0, 10, 20 … 50, each followed by a log of its own. */
  function full(): Server {
    const made = server()
    made.snapshot()
    for (let i = 0; i < 5; i++) {
      made.append(10)
      made.bench.settle()
      made.snapshot()
    }
    made.append(3)
    made.bench.settle()
    return made
  }

  function purge(made: Server, retain: number): PurgeResult {
    let result: PurgeResult | null = null
    made.storage.purge(retain, (one) => {
      result = one
    })
    made.bench.settle()
    return result as unknown as PurgeResult
  }

  it('keeps the newest snapshots and the logs that they may need', () => {
    const made = full()
    expect(purge(made, 3)).toEqual({ removedSnapshots: 3, removedLogs: 2, error: null })
    expect(made.names()).toEqual([
      'log.15',
      'log.1f',
      'log.29',
      'log.33',
      'snapshot.1e',
      'snapshot.28',
      'snapshot.32',
      'zabra-log.tmp',
    ])
    expect(restart(made.bench)).toMatchObject({ loaded: 50, zxids: [51, 52, 53] })
  })

  it('leaves enough to start from each snapshot that it keeps', () => {
    const made = full()
    purge(made, 2)
    made.bench.disk.remove(`${DIRECTORY}/snapshot.32`)
    expect(restart(made.bench)).toMatchObject({ loaded: 40, zxids: range(41, 53) })
  })

  it('counts files that were there before the start, if they are whole', () => {
    const made = full()
    made.storage.close(() => {})
    made.bench.settle()
    const broken = made.bench.get(`${DIRECTORY}/snapshot.28`).subarray(0, -2)
    made.bench.put(`${DIRECTORY}/snapshot.28`, broken)
    restart(made.bench)
    const again = new Server(made.bench, 53)
    expect(purge(again, 2)).toMatchObject({ removedSnapshots: 3, removedLogs: 2 })
    expect(again.names()).toEqual(expect.arrayContaining(['snapshot.1e', 'snapshot.28']))
  })

  it('has nothing to do without a whole snapshot, or twice', () => {
    const made = server()
    made.append(5)
    made.bench.settle()
    expect(purge(made, 3)).toEqual({ removedSnapshots: 0, removedLogs: 0, error: null })
    const other = full()
    purge(other, 3)
    expect(purge(other, 3)).toEqual({ removedSnapshots: 0, removedLogs: 0, error: null })
  })

  it('that a crash interrupts leaves a directory that starts', () => {
    for (let steps = 0; steps < 30; steps++) {
      const made = full()
      made.storage.purge(1, () => {})
      for (let i = 0; i < steps; i++) made.bench.clock.step()
      made.bench.disk.crash('power')
      expect(restart(made.bench)).toMatchObject({ loaded: 50, zxids: [51, 52, 53] })
    }
  })

  it('goes on where somebody else has removed a file', () => {
    const made = full()
    made.bench.disk.remove(`${DIRECTORY}/snapshot.0`)
    expect(purge(made, 3).error).toBeNull()
  })
})
