// Changes of history with a power loss at any moment: a start shows the history before the change
// or the one after it. The tree has a few registers, each holding which transaction wrote it last,
// so that a state tells of every transaction that is missing, left over, or mixed in from the other
// history, also through a fuzzy snapshot.
//
// Old transactions are of history A; a change takes A back to some transaction, or replaces it, and
// goes on with B.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  type StorageBench,
  range,
  storageBench,
  txnBody,
} from '../../../test/support/storage-bench.ts'
import { Prng } from '../../base/prng.ts'
import { decodeUtf8, encodeUtf8 } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import { CALM_DISK, SimulatedCrash } from '../../sim/fake-disk.ts'
import type { Row } from '../tree/data-tree.ts'
import { NaiveTree } from '../tree/naive-tree.ts'
import { readEpochs } from './epoch-files.ts'
import { type RecoveryTarget, recover } from './recover.ts'
import { Storage } from './storage.ts'

const REGISTERS = 8

type Tag = 'A' | 'B'

/** The tag is told by the length. */
const bodyOf = (tag: Tag, zxid: number): Uint8Array => txnBody(zxid, tag === 'A' ? 40 : 700)
const tagOf = (byteCount: number): Tag => (byteCount < 400 ? 'A' : 'B')

/** What the registers hold after these transactions. */
function registersAfter(txns: readonly string[]): string {
  const registers = new Array<string>(REGISTERS).fill('')
  for (const txn of txns) registers[Number(txn.slice(1)) % REGISTERS] = txn
  return registers.join(' ')
}

const txnsOf = (tag: Tag, from: number, to: number): string[] =>
  range(from, to).map((zxid) => `${tag}${zxid}`)

class Registers implements RecoveryTarget {
  #values = new Array<string>(REGISTERS).fill('')

  get text(): string {
    return this.#values.join(' ')
  }

  reset(): void {
    this.#values = new Array<string>(REGISTERS).fill('')
  }
  session(): void {}
  acl(): void {}
  snapshotLoaded(): void {}

  node(
    bytes: Uint8Array,
    pathStart: number,
    pathEnd: number,
    dataStart: number,
    dataEnd: number,
  ): boolean {
    const path = decodeUtf8(bytes, pathStart, pathEnd)
    if (path.startsWith('/r')) {
      this.#values[Number(path.slice(2))] = decodeUtf8(bytes, dataStart, dataEnd)
    }
    return true
  }

  applyTxn(zxid: Zxid, _bytes: Uint8Array, start: number, end: number): void {
    this.#values[zxid % REGISTERS] = `${tagOf(end - start)}${zxid}`
  }
}

class Member {
  readonly bench: StorageBench
  readonly random: Prng
  storage: Storage
  tree = new NaiveTree({ extendedTypes: true, emulate353Ttl: false })
  #rows: Row[] = []
  lastZxid = 0 as Zxid
  lastDurable = 0

  constructor(seed: number) {
    this.random = new Prng(seed).fork('work')
    const { random } = this
    this.bench = storageBench(
      {
        preallocateBytes: random.pick([0, 1_000, 8 << 10]),
        logSizeLimitBytes: random.pick([null, 200, 1_000]),
        snapshotCompression: random.pick(['', '', 'gz'] as const),
        digestEnabled: random.chance(0.8),
        snapshotSliceBytes: 120,
        logDirectory: random.pick(['/data', '/logs']),
      },
      { tearing: random.pick(['none', 'prefix', 'sectors'] as const) },
      seed,
    )
    this.bench.disk.makeDirectory('/logs/version-2')
    this.storage = this.#open()
    this.become(registersAfter([]), 0)
  }

  #open(): Storage {
    const { disk, compression, options } = this.bench
    return new Storage(disk, compression, options, this.lastZxid, {
      onDurable: (zxid) => {
        this.lastDurable = zxid
      },
      onSnapshotSlice() {},
      onSnapshotWritten() {},
      onFatal: (error) => {
        throw error
      },
    })
  }

  become(registers: string, zxid: number): void {
    this.tree = new NaiveTree({ extendedTypes: true, emulate353Ttl: false })
    this.#rows = registers.split(' ').map((value, index) => {
      const name = encodeUtf8(`r${index}`)
      const data = encodeUtf8(value)
      const { length } = data
      return this.tree.insert(0, name, 0, name.length, data, 0, length, -1, 0, 0, 0 as Zxid, 5)
    })
    this.lastZxid = zxid as Zxid
  }

  append(tag: Tag, zxid: number): void {
    const body = bodyOf(tag, zxid)
    this.storage.append(zxid as Zxid, body, 0, body.length)
    const data = encodeUtf8(`${tag}${zxid}`)
    const row = this.#rows[zxid % REGISTERS] as Row
    this.tree.setData(row, data, 0, data.length, 1, zxid as Zxid, 5)
    this.lastZxid = zxid as Zxid
  }

  snapshot(): void {
    const source = {
      tree: this.tree,
      sessions: () => [],
      lastZxid: () => this.lastZxid,
    }
    this.storage.beginSnapshot(source, this.lastZxid)
  }

  /** A little of everything that goes on. */
  turn(): void {
    const { random, storage, bench } = this
    if (random.chance(0.3)) storage.flush()
    if (random.chance(0.4)) storage.continueSnapshot()
    if (random.chance(0.7)) bench.clock.step()
  }

  /** Until nothing is left to do. */
  settle(): void {
    this.storage.flush()
    while (this.storage.continueSnapshot() || this.bench.clock.step());
  }

  /** History A up to `count`, all of it durable; perhaps in two lives. */
  live(count: number): void {
    const { random, bench } = this
    this.snapshot()
    this.settle()
    const firstLife = random.chance(0.5) ? count : random.below(count + 1)
    this.#live(1, firstLife)
    if (firstLife < count) {
      bench.disk.crash(random.chance(0.5) ? 'power' : 'process')
      expect(this.#start().last).toBe(firstLife)
      this.storage = this.#open()
    }
    this.#live(firstLife + 1, count)
  }

  #live(from: number, to: number): void {
    for (const zxid of range(from, to)) this.grow(zxid)
    this.storage.flush()
    while (this.lastDurable < to) {
      this.storage.continueSnapshot()
      expect(this.bench.clock.step()).toBe(true)
    }
  }

  /** One more transaction, applied before it is durable, and whatever else goes on meanwhile. */
  grow(zxid: number): void {
    const { random, storage } = this
    this.append('A', zxid)
    if (random.chance(0.15) && !storage.snapshotRunning) this.snapshot()
    if (random.chance(0.05)) this.settle()
    for (let turns = random.below(4); turns > 0; turns--) this.turn()
  }

  /** How many turns until the power goes: most changes take few. */
  turns(): number {
    const { random } = this
    return random.below(random.pick([15, 40, 200]))
  }

  /**
   * The power goes, or only the process, then perhaps the power during the start. What a start
   * shows at last must never vanish again.
   */
  crashAndStart(): { readonly last: number; readonly text: string } {
    const { bench, random } = this
    bench.disk.crash(random.chance(0.7) ? 'power' : 'process')
    bench.disk.setConditions(CALM_DISK)
    for (let crashes = random.below(3); crashes > 0; crashes--) {
      bench.disk.crashAfterCalls(random.below(6))
      try {
        this.#start()
      } catch (error) {
        if (!(error instanceof SimulatedCrash)) throw error
      }
      bench.disk.crash('power')
    }
    bench.disk.crashAfterCalls(Number.POSITIVE_INFINITY)
    const shown = this.#start()
    bench.disk.crash('power')
    expect(this.#start()).toEqual(shown)
    return shown
  }

  #start(): { readonly last: number; readonly text: string } {
    const registers = new Registers()
    const { disk, compression, options } = this.bench
    const { lastZxid } = recover(disk, compression, options, registers)
    return { last: lastZxid, text: registers.text }
  }
}

const seeds = fc.integer({ min: 1, max: 2 ** 30 })
const runs = { numRuns: 150 }

describe('after a power loss at any moment', () => {
  it('of a server that applies what is not durable yet, a start shows a beginning of history', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const member = new Member(seed)
        const { random } = member
        member.snapshot()
        member.settle()
        const count = random.between(2, 60)
        for (const zxid of range(1, count)) member.grow(zxid)
        for (let turns = random.below(30); turns > 0; turns--) member.turn()
        const { last, text } = member.crashAndStart()
        expect(last).toBeGreaterThanOrEqual(member.lastDurable)
        expect(last).toBeLessThanOrEqual(count)
        expect(text).toBe(registersAfter(txnsOf('A', 1, last)))
      }),
      runs,
    )
  }, 60_000)

  it('of a truncation, a start shows the beginning of the old history, or the new one', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const member = new Member(seed)
        const { random } = member
        const count = random.between(2, 60)
        member.live(count)
        const { storage } = member
        const zxid = random.between(0, count)
        let isDone = false
        let appended = zxid
        const target = new Registers()
        const goOn = (): void => {
          isDone = true
          member.lastDurable = zxid
          expect(target.text).toBe(registersAfter(txnsOf('A', 1, zxid)))
          member.become(target.text, zxid)
        }
        storage.truncate(zxid as Zxid, target, (error, last) => {
          if (error !== null) throw error
          expect(last).toBe(zxid)
          goOn()
        })
        for (let turns = member.turns(); turns > 0; turns--) {
          member.turn()
          if (isDone && random.chance(0.3)) member.append('B', ++appended)
        }
        const { last, text } = member.crashAndStart()
        if (isDone) {
          expect(last).toBeGreaterThanOrEqual(member.lastDurable)
          expect(last).toBeLessThanOrEqual(appended)
          const txns = [...txnsOf('A', 1, zxid), ...txnsOf('B', zxid + 1, last)]
          expect(text).toBe(registersAfter(txns))
        } else {
          expect(last).toBeGreaterThanOrEqual(zxid)
          expect(last).toBeLessThanOrEqual(count)
          expect(text).toBe(registersAfter(txnsOf('A', 1, last)))
        }
      }),
      runs,
    )
  }, 60_000)

  it('of a history being replaced, a start shows all of the old or all of the new one', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const member = new Member(seed)
        const { random } = member
        const count = random.between(1, 40)
        member.live(count)
        const { storage } = member
        const zxid = random.pick([random.between(1, 60), count, count + 1])
        const base = txnsOf('B', 1, zxid)
        member.become(registersAfter(base), zxid)
        let isDone = false
        let appended = zxid
        const source = { tree: member.tree, sessions: () => [], lastZxid: () => zxid as Zxid }
        storage.saveHistory(source, zxid as Zxid, () => {
          isDone = true
        })
        member.lastDurable = zxid
        for (let turns = member.turns(); turns > 0; turns--) {
          member.turn()
          if (random.chance(0.2)) {
            const body = bodyOf('B', ++appended)
            storage.append(appended as Zxid, body, 0, body.length)
          }
        }
        const { last, text } = member.crashAndStart()
        if (isDone || text.includes('B')) {
          if (isDone) expect(last).toBeGreaterThanOrEqual(member.lastDurable)
          expect(last).toBeGreaterThanOrEqual(zxid)
          expect(last).toBeLessThanOrEqual(appended)
          expect(text).toBe(registersAfter(txnsOf('B', 1, last)))
        } else {
          expect(last).toBe(count)
          expect(text).toBe(registersAfter(txnsOf('A', 1, count)))
        }
      }),
      runs,
    )
  }, 60_000)

  it('while epochs are written, a start shows each as it was promised, or the next', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const member = new Member(seed)
        const { random, storage, bench } = member
        member.snapshot()
        member.settle()
        const asked = { acceptedEpoch: 0, currentEpoch: 0 }
        const written = { acceptedEpoch: 0, currentEpoch: 0 }
        const write = (file: keyof typeof asked, epoch: number): void => {
          asked[file] = epoch
          storage.writeEpoch(file, epoch, () => {
            written[file] = epoch
          })
        }
        write('acceptedEpoch', 0)
        write('currentEpoch', 0)
        member.settle()
        for (let turns = random.below(60); turns > 0; turns--) {
          if (random.chance(0.2)) write('acceptedEpoch', asked.acceptedEpoch + 1)
          if (random.chance(0.2) && written.acceptedEpoch > asked.currentEpoch) {
            write('currentEpoch', written.acceptedEpoch)
          }
          bench.clock.step()
        }
        member.crashAndStart()
        const { accepted, current } = readEpochs(bench.disk, bench.options, 0 as Zxid)
        expect(accepted).toBeGreaterThanOrEqual(written.acceptedEpoch)
        expect(accepted).toBeLessThanOrEqual(asked.acceptedEpoch)
        expect(current).toBeGreaterThanOrEqual(written.currentEpoch)
        expect(current).toBeLessThanOrEqual(asked.currentEpoch)
      }),
      runs,
    )
  }, 60_000)
})
