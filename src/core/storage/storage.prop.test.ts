// Random work, random crashes: what was promised is there after every restart, in order, once, and
// with the very bytes; nothing that was not appended is. Each run goes through several lives of one
// directory, with crashes of the process, of the machine, and in the middle of a recovery.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  RecordingTarget,
  type StorageBench,
  range,
  storageBench,
  txnBody,
} from '../../../test/support/storage-bench.ts'
import { Prng } from '../../base/prng.ts'
import { equalBytes } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import { CALM_DISK, SimulatedCrash } from '../../sim/fake-disk.ts'
import { NaiveTree } from '../tree/naive-tree.ts'
import { recover } from './recover.ts'
import { Storage } from './storage.ts'

const tree = new NaiveTree({ extendedTypes: true, emulate353Ttl: false })

class Directory {
  readonly bench: StorageBench
  readonly random: Prng
  /** The last transaction that was promised, and the last one that may have reached the disk. */
  promised = 0
  appended = 0
  storage: Storage | null = null
  isFailed = false

  constructor(seed: number) {
    this.random = new Prng(seed).fork('work')
    const { random } = this
    this.bench = storageBench(
      {
        preallocateBytes: random.pick([0, 1_000, 8 << 10, 64 << 10]),
        snapCount: random.pick([4, 20, 100]),
        logSizeLimitBytes: random.pick([null, null, 3_000]),
        snapshotCompression: random.pick(['', 'gz', 'snappy'] as const),
      },
      { tearing: random.pick(['none', 'prefix', 'sectors'] as const) },
      seed,
    )
    if (random.chance(0.3)) {
      this.bench.disk.setConditions({ ...CALM_DISK, writeError: 0.002, syncError: 0.002 })
    }
  }

  /** One life, from recovery to a crash. */
  live(): void {
    const { bench, random } = this
    if (random.chance(0.2)) bench.disk.crashAfterCalls(random.below(4))
    try {
      this.#recover()
    } catch (error) {
      if (!(error instanceof SimulatedCrash)) throw error
      bench.disk.crash('power')
      return
    }
    bench.disk.crashAfterCalls(Number.POSITIVE_INFINITY)
    const steps = random.between(1, 400)
    for (let i = 0; i < steps && !this.isFailed; i++) this.#act()
    bench.disk.crash(random.chance(0.7) ? 'power' : 'process')
  }

  #recover(): void {
    const { bench } = this
    const target = new RecordingTarget()
    const result = recover(bench.disk, bench.compression, bench.options, target)
    const last = result.lastZxid
    expect(last).toBeGreaterThanOrEqual(this.promised)
    expect(last).toBeLessThanOrEqual(this.appended)
    expect(target.zxids).toEqual(range((target.loaded ?? 0) + 1, last))
    for (const [index, zxid] of target.zxids.entries()) {
      expect(equalBytes(target.bodies[index] as Uint8Array, bodyOf(zxid))).toBe(true)
    }
    // What a start has shown must never vanish again.
    this.promised = last
    this.appended = last
    this.isFailed = false
    const storage = new Storage(bench.disk, bench.compression, bench.options, last, {
      onDurable: (zxid) => {
        expect(zxid).toBeGreaterThan(this.promised)
        expect(zxid).toBeLessThanOrEqual(this.appended)
        this.promised = zxid
      },
      onSnapshotSlice() {},
      onSnapshotWritten() {},
      onFatal: () => {
        this.isFailed = true
      },
    })
    this.storage = storage
    // As a server that is alone does: the new life begins with a snapshot.
    this.#snapshot(storage)
  }

  #act(): void {
    const { bench, random } = this
    const storage = this.storage as Storage
    const choice = random.below(20)
    if (choice < 6) {
      this.appended++
      const body = bodyOf(this.appended)
      storage.append(this.appended as Zxid, body, 0, body.length)
    } else if (choice < 9) {
      storage.flush()
    } else if (choice === 9 && storage.snapshotDue(0)) {
      this.#snapshot(storage)
    } else if (choice === 10) {
      storage.continueSnapshot()
    } else if (choice === 11 && random.chance(0.1)) {
      storage.purge(random.between(1, 3), () => {})
    } else {
      bench.clock.step()
    }
  }

  /** Named after what is applied: everything that has been promised. */
  #snapshot(storage: Storage): void {
    const applied = storage.lastDurable
    storage.beginSnapshot({ tree, sessions: () => [], lastZxid: () => applied }, applied)
  }
}

/** Some records lie across several sectors. */
const bodyOf = (zxid: number): Uint8Array => txnBody(zxid, zxid % 7 === 0 ? 1_800 : zxid % 90)

describe('a directory that crashes again and again', () => {
  it('keeps every promise', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 30 }), (seed) => {
        const directory = new Directory(seed)
        for (let life = 0; life < 6; life++) directory.live()
      }),
      { numRuns: 40 },
    )
  }, 60_000)
})
