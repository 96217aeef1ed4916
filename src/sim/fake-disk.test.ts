// What the simulated disk keeps and loses. The port's own contract is in test/contract.

import { describe, expect, it } from 'vitest'

import { diskContract } from '../../test/contract/disk.contract.ts'
import { Prng } from '../base/prng.ts'
import { DiskError, type DiskFile } from '../ports/disk.ts'
import {
  CALM_DISK,
  type DiskConditions,
  type DiskLies,
  FakeDisk,
  SimulatedCrash,
} from './fake-disk.ts'
import { Trace } from './trace.ts'
import { VirtualClock } from './virtual-clock.ts'

interface Bench {
  readonly clock: VirtualClock
  readonly disk: FakeDisk
  settle(): void
}

function bench(seed: number, conditions: Partial<DiskConditions> = {}, lies: DiskLies = {}): Bench {
  const clock = new VirtualClock(new Trace())
  const disk = new FakeDisk(clock, new Prng(seed), { ...CALM_DISK, ...conditions }, lies)
  disk.makeDirectory('/d')
  return {
    clock,
    disk,
    settle: () => {
      while (clock.step());
    },
  }
}

/** Creates a file with a durable name. */
function create({ disk, settle }: Bench, path: string, durableName = true): DiskFile {
  let made: DiskFile | null = null
  disk.create(path, (error, file) => {
    expect(error).toBeNull()
    made = file
  })
  settle()
  if (durableName) disk.syncDirectory('/d', () => {})
  settle()
  return made as unknown as DiskFile
}

function write(b: Bench, file: DiskFile, offset: number, text: string, durable: boolean): void {
  let error: DiskError | null | undefined
  file.write(offset, bytes(text), durable, (result) => {
    error = result
  })
  b.settle()
  expect(error).toBeNull()
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (content: Uint8Array | null): string | null =>
  content === null ? null : new TextDecoder().decode(content)
const contentAfterCrash = (b: Bench, path: string): string | null =>
  b.disk.size(path) === null ? null : text(b.disk.read(path, 0, 10_000))

const SEEDS = Array.from({ length: 60 }, (_, i) => i)

describe('a simulated disk when the power goes', () => {
  it('keeps durable writes under durable names', () => {
    for (const seed of SEEDS) {
      const b = bench(seed)
      const file = create(b, '/d/a')
      write(b, file, 0, 'kept', true)
      b.disk.crash('power')
      expect(contentAfterCrash(b, '/d/a')).toBe('kept')
    }
  })

  it('keeps, loses or tears what was not synced, in whole sectors', () => {
    const seen = new Set<string>()
    for (const seed of SEEDS) {
      const b = bench(seed)
      const file = create(b, '/d/a')
      write(b, file, 0, 'x'.repeat(512 * 3), false)
      b.disk.crash('power')
      const sectors = (contentAfterCrash(b, '/d/a') as string).match(/[^]{1,512}/g) ?? []
      for (const sector of sectors) expect(sector).toMatch(/^(x{512}|\0{512})$/)
      seen.add(sectors.map((sector) => (sector[0] === 'x' ? 'x' : '0')).join(''))
    }
    expect(seen).toContain('')
    expect(seen).toContain('xxx')
    expect([...seen].some((one) => one.includes('0x'))).toBe(true)
  })

  it('loses only the end of what was written where sectors go in order', () => {
    for (const seed of SEEDS) {
      const b = bench(seed, { tearing: 'prefix' })
      const file = create(b, '/d/a')
      write(b, file, 0, 'x'.repeat(512 * 4), false)
      b.disk.crash('power')
      expect(contentAfterCrash(b, '/d/a')).toMatch(/^(x{512})*(\0{512})*$/)
    }
  })

  it('may lose a name whose directory was not synced, with all that is in the file', () => {
    const fates = SEEDS.map((seed) => {
      const b = bench(seed)
      const file = create(b, '/d/a', false)
      write(b, file, 0, 'kept', true)
      b.disk.crash('power')
      return contentAfterCrash(b, '/d/a')
    })
    expect(new Set(fates)).toEqual(new Set([null, 'kept']))
  })

  it('shows a renamed file under its old name or its new one', () => {
    const fates = SEEDS.map((seed) => {
      const b = bench(seed)
      write(b, create(b, '/d/a.tmp'), 0, 'new', true)
      write(b, create(b, '/d/a'), 0, 'old', true)
      b.disk.rename('/d/a.tmp', '/d/a', () => {})
      b.settle()
      b.disk.crash('power')
      return `${contentAfterCrash(b, '/d/a.tmp')} ${contentAfterCrash(b, '/d/a')}`
    })
    expect(new Set(fates)).toEqual(new Set(['new old', 'null new']))
  })

  it('gives an emptied file its old content, or none of it, but never a mixture', () => {
    const fates = SEEDS.map((seed) => {
      const b = bench(seed)
      write(b, create(b, '/d/a'), 0, 'old content', true)
      write(b, create(b, '/d/a'), 0, 'new', false)
      b.disk.crash('power')
      return contentAfterCrash(b, '/d/a')
    })
    expect(new Set(fates)).toEqual(new Set(['old content', '', 'new', '\0\0\0']))
  })

  it('makes an emptied file durable with the first durable write to it', () => {
    for (const seed of SEEDS) {
      const b = bench(seed)
      write(b, create(b, '/d/a'), 0, 'old content', true)
      write(b, create(b, '/d/a'), 0, 'new', true)
      b.disk.crash('power')
      expect(contentAfterCrash(b, '/d/a')).toBe('new')
    }
  })

  it('does not count a write that came after the sync was asked for', () => {
    let lost = false
    for (const seed of SEEDS) {
      const b = bench(seed, { writeUs: [10, 10], syncUs: [1_000, 1_000] })
      const file = create(b, '/d/a')
      write(b, file, 0, 'one', false)
      file.sync(() => {})
      file.write(3, bytes('two'), false, () => {})
      b.settle()
      b.disk.crash('power')
      expect(contentAfterCrash(b, '/d/a')).toMatch(/^one/)
      lost ||= contentAfterCrash(b, '/d/a') === 'one'
    }
    expect(lost).toBe(true)
  })
})

describe('a simulated disk when only the process dies', () => {
  it('keeps what was written, synced or not, and can still lose it with the power', () => {
    let lost = false
    for (const seed of SEEDS) {
      const b = bench(seed)
      write(b, create(b, '/d/a'), 0, 'cached', false)
      b.disk.crash('process')
      expect(contentAfterCrash(b, '/d/a')).toBe('cached')
      b.disk.crash('power')
      lost ||= contentAfterCrash(b, '/d/a') !== 'cached'
    }
    expect(lost).toBe(true)
  })

  it('carries out a request under way in part, or not at all, and tells nobody', () => {
    const fates = new Set<number>()
    for (const seed of SEEDS) {
      const b = bench(seed)
      const file = create(b, '/d/a')
      file.write(0, bytes('x'.repeat(1_024)), true, () => expect.fail('told a dead process'))
      b.disk.crash('process')
      b.settle()
      fates.add((contentAfterCrash(b, '/d/a') as string).length)
    }
    expect([...fates].sort((a, b) => a - b)).toEqual([0, 512, 1_024])
  })
})

describe('a simulated disk with faults', () => {
  it('fails writes and syncs as often as it is told', () => {
    const b = bench(1, { writeError: 1 })
    const file = create(b, '/d/a')
    let error: DiskError | null = null
    file.write(0, bytes('x'), true, (result) => {
      error = result
    })
    b.settle()
    expect(error).toMatchObject({ code: 'EIO', path: '/d/a' })
    expect(b.disk.faults).toBe(1)
  })

  it('does not write again what a failed sync left behind', () => {
    let lost = false
    for (const seed of SEEDS) {
      const b = bench(seed, { failedSyncKeepsCache: true })
      const file = create(b, '/d/a')
      write(b, file, 0, 'x', false)
      b.disk.setConditions({ ...CALM_DISK, syncError: 1, failedSyncKeepsCache: true })
      file.sync(() => {})
      b.settle()
      b.disk.setConditions(CALM_DISK)
      file.sync(() => {})
      b.settle()
      expect(contentAfterCrash(b, '/d/a')).toBe('x')
      lost ||= text(b.disk.durable('/d/a')) !== 'x'
    }
    expect(lost).toBe(true)
  })

  it('is full when it is full', () => {
    const b = bench(1, { capacityBytes: 100 })
    const file = create(b, '/d/a')
    let error: DiskError | null = null
    file.write(0, new Uint8Array(101), true, (result) => {
      error = result
    })
    b.settle()
    expect(error).toMatchObject({ code: 'ENOSPC' })
  })

  it('notices an array that changes while it is written', () => {
    const b = bench(1)
    const file = create(b, '/d/a')
    const array = bytes('abc')
    file.write(0, array, true, () => {})
    array[0] = 0
    expect(() => b.settle()).toThrow(/changed while/)
  })

  it('dies in the middle of a synchronous change', () => {
    const b = bench(1)
    b.disk.crashAfterCalls(1)
    b.disk.replace('/d/one', bytes('1'))
    expect(() => b.disk.replace('/d/two', bytes('2'))).toThrow(SimulatedCrash)
    expect(() => b.disk.remove('/d/one')).toThrow(SimulatedCrash)
    expect(b.disk.isDead).toBe(true)
    b.disk.crash('power')
    expect(contentAfterCrash(b, '/d/one')).toBe('1')
  })

  it('can be made to lie about what is durable', () => {
    const b = bench(1, {}, { syncDoesNothing: true })
    write(b, create(b, '/d/a'), 0, 'x', true)
    expect(text(b.disk.durable('/d/a'))).toBe('')
  })
})

diskContract('FakeDisk', () => {
  const { clock, disk } = bench(7)
  return {
    disk,
    directory: '/d',
    settle: async () => {
      // Promises come first, then the next event, until there is neither.
      do for (let i = 0; i < 20; i++) await Promise.resolve()
      while (clock.step())
    },
    crash: () => disk.crash('power'),
    end: () => {},
  }
})
