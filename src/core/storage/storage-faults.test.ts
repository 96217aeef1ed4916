// Old faults, switched back on: each does the harm that it once did, so that whoever looks for such
// harm has something to find.

import { describe, expect, it } from 'vitest'

import {
  RecordingTarget,
  type StorageBench,
  range,
  storageBench,
  txnBody,
} from '../../../test/support/storage-bench.ts'
import { type Zxid, ZXID_ZERO } from '../../base/zxid.ts'
import type { DiskError } from '../../ports/disk.ts'
import { CALM_DISK } from '../../sim/fake-disk.ts'
import { NaiveTree } from '../tree/naive-tree.ts'
import { recover } from './recover.ts'
import { Storage } from './storage.ts'
import type { StorageFaults } from './storage-options.ts'

const tree = new NaiveTree({ extendedTypes: true, emulate353Ttl: false })

class Server {
  readonly bench: StorageBench
  readonly storage: Storage
  readonly durable: number[] = []
  readonly errors: DiskError[] = []

  constructor(faults: StorageFaults, seed = 1) {
    this.bench = storageBench({ faults, preallocateBytes: 0 }, {}, seed)
    const { disk, compression, options } = this.bench
    this.storage = new Storage(disk, compression, options, ZXID_ZERO, {
      onDurable: (zxid) => this.durable.push(zxid),
      onSnapshotSlice() {},
      onSnapshotWritten() {},
      onFatal: (error) => this.errors.push(error),
    })
    const source = { tree, sessions: () => [], lastZxid: () => ZXID_ZERO }
    this.storage.beginSnapshot(source, ZXID_ZERO)
    this.settle()
  }

  append(zxid: number, dataBytes = 20): void {
    const body = txnBody(zxid, dataBytes)
    this.storage.append(zxid as Zxid, body, 0, body.length)
  }

  settle(): void {
    while (this.storage.continueSnapshot() || this.bench.clock.step());
  }

  replayed(): readonly number[] {
    const target = new RecordingTarget()
    recover(this.bench.disk, this.bench.compression, this.bench.options, target)
    return target.zxids
  }
}

describe('a log that survives a failed write (ZOOKEEPER-4882)', () => {
  it('goes on behind a hole, and says that all is durable', () => {
    const server = new Server({ survivesWriteError: true })
    server.append(1)
    server.storage.flush()
    server.settle()
    server.bench.disk.setConditions({ ...CALM_DISK, writeError: 1 })
    server.append(2)
    server.storage.flush()
    server.settle()
    server.bench.disk.setConditions(CALM_DISK)
    server.append(3)
    server.storage.flush()
    server.settle()
    expect(server.errors).toEqual([])
    expect(server.durable).toEqual([1, 3])
    expect(() => server.replayed()).toThrow(/0x3 follows 0x1/)
  })
})

describe('a log that outlives the change of its history (ZOOKEEPER-4712)', () => {
  it('writes what was under way behind the end that the change has made', () => {
    const server = new Server({ logsAfterRole: true })
    for (const zxid of range(1, 4)) server.append(zxid)
    server.storage.flush()
    server.settle()
    server.append(5, 30)
    let last = -1
    server.storage.truncate(2 as Zxid, new RecordingTarget(), (_error, zxid) => {
      last = zxid
    })
    server.settle()
    expect(last).toBe(2)
    server.append(3, 40)
    server.storage.flush()
    server.settle()
    expect(server.durable.at(-1)).toBe(3)
    expect(() => server.replayed()).toThrow(/0x5 follows 0x2/)
  })
})

describe('names that are left to chance', () => {
  const survives = (faults: StorageFaults, seed: number): boolean => {
    const server = new Server(faults, seed)
    server.append(1)
    server.storage.flush()
    server.settle()
    expect(server.durable).toEqual([1])
    server.bench.disk.crash('power')
    try {
      return server.replayed().length === 1
    } catch {
      return false
    }
  }

  it('lose what was promised, where names that are synced do not', () => {
    const seeds = range(1, 30)
    expect(seeds.every((seed) => survives({}, seed))).toBe(true)
    expect(seeds.every((seed) => survives({ skipsDirectorySync: true }, seed))).toBe(false)
  })
})
