// The group commit, and which file a batch goes to.

import { describe, expect, it } from 'vitest'

import {
  type StorageBench,
  joinBytes,
  logFile,
  range,
  record,
  storageBench,
  txnBody,
} from '../../../test/support/storage-bench.ts'
import { InvariantError } from '../../base/assert.ts'
import { equalBytes } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { DiskError } from '../../ports/disk.ts'
import { CALM_DISK, type DiskConditions } from '../../sim/fake-disk.ts'
import { LOG_IN_THE_MAKING, listLogs } from './file-names.ts'
import { LogReader } from './log-reader.ts'
import { LogWriter, type LogWriterOptions } from './log-writer.ts'

const DIRECTORY = '/data/version-2'

interface Writing extends StorageBench {
  readonly log: LogWriter
  readonly durable: number[]
  readonly errors: DiskError[]
  append(...zxids: number[]): void
  logNames(): string[]
  zxids(name: string): number[]
}

function writing(
  options: Partial<LogWriterOptions> = {},
  conditions: Partial<DiskConditions> = {},
  lastZxid = 0,
  dataBytes = 20,
): Writing {
  const bench = storageBench({}, conditions)
  const durable: number[] = []
  const errors: DiskError[] = []
  const log = new LogWriter(
    bench.disk,
    {
      directory: DIRECTORY,
      preallocateBytes: 64 << 10,
      logSizeLimitBytes: null,
      isHeld: false,
      logger: bench.options.logger,
      ...options,
    },
    lastZxid as Zxid,
    {
      onDurable: (zxid) => durable.push(zxid),
      onLogCreated: () => {},
      onFatal: (error) => errors.push(error),
    },
  )
  return {
    ...bench,
    log,
    durable,
    errors,
    append: (...zxids) => {
      for (const zxid of zxids) {
        const body = txnBody(zxid, dataBytes)
        // Somewhere within a larger array, as in production.
        log.append(zxid as Zxid, joinBytes([new Uint8Array(7), body]), 7, 7 + body.length)
      }
    },
    logNames: () => listLogs(bench.disk, DIRECTORY).map(({ path }) => path.slice(16)),
    zxids: (name) => {
      const reader = new LogReader(bench.disk, `${DIRECTORY}/${name}`, 1 << 24)
      const found: number[] = []
      while (reader.next()) found.push(reader.zxid)
      return found
    },
  }
}

describe('a log', () => {
  it('is not created before something is flushed', () => {
    const made = writing()
    made.settle()
    made.append(1)
    made.settle()
    expect(made.logNames()).toEqual([])
    expect(made.durable).toEqual([])
    expect(made.log.isPending).toBe(true)
  })

  it('is named after its first transaction and holds the records, then zeros', () => {
    const made = writing()
    made.append(1, 2, 3)
    made.log.flush()
    made.settle()
    const bytes = made.get(`${DIRECTORY}/log.1`)
    const expected = logFile([1, 2, 3])
    expect(bytes).toHaveLength(64 << 10)
    expect(bytes.subarray(0, expected.length)).toEqual(expected)
    expect(bytes.subarray(expected.length).every((byte) => byte === 0)).toBe(true)
    expect(made.durable).toEqual([3])
    expect(made.log).toMatchObject({ lastDurable: 3, lastAppended: 3, isPending: false })
  })

  it('is durable, name and all, when it says so', () => {
    const made = writing()
    made.append(1, 2)
    made.log.flush()
    while (made.durable.length === 0) expect(made.clock.step()).toBe(true)
    const expected = logFile([1, 2])
    expect(made.disk.durable(`${DIRECTORY}/log.1`)?.subarray(0, expected.length)).toEqual(expected)
  })

  it('does not grow while it is being filled', () => {
    const made = writing()
    const sizes = new Set<number | null>()
    for (const zxid of range(1, 100)) {
      made.append(zxid)
      made.log.flush()
      made.settle()
      sizes.add(made.disk.size(`${DIRECTORY}/log.1`))
    }
    expect(sizes).toEqual(new Set([64 << 10]))
  })

  it('grows with each write where nothing is to be set aside', () => {
    const made = writing({ preallocateBytes: 0 })
    made.append(1)
    made.log.flush()
    made.settle()
    expect(made.get(`${DIRECTORY}/log.1`)).toEqual(logFile([1]))
    made.append(...range(2, 2_000))
    made.log.flush()
    made.settle()
    const expected = logFile(range(1, 2_000))
    expect(equalBytes(made.get(`${DIRECTORY}/log.1`), expected)).toBe(true)
    expect(made.logNames()).toEqual(['log.1'])
  })

  it('takes transactions in rising order only', () => {
    const made = writing({}, {}, 5)
    expect(() => made.append(5)).toThrow(InvariantError)
    made.append(6)
    expect(() => made.append(6)).toThrow(/0x6 is appended after 0x6/)
  })

  it('replaces a log of the same name that held nothing but a torn record', () => {
    const made = writing({}, {}, 4)
    made.put(`${DIRECTORY}/log.5`, logFile([5, 6]).subarray(0, 40))
    made.append(5)
    made.log.flush()
    made.settle()
    expect(made.zxids('log.5')).toEqual([5])
  })
})

describe('a group commit', () => {
  it('writes all that was appended in one write', () => {
    const made = writing()
    made.settle()
    made.append(...range(1, 50))
    made.log.flush()
    made.settle()
    expect(made.durable).toEqual([50])
  })

  it('has one write in flight; what is flushed meanwhile follows in the next one', () => {
    const made = writing()
    made.append(1)
    made.log.flush()
    made.append(2)
    made.log.flush()
    made.append(3)
    made.log.flush()
    made.settle()
    expect(made.durable).toEqual([1, 3])
    expect(made.zxids('log.1')).toEqual([1, 2, 3])
  })

  it('does not write what was appended but not flushed', () => {
    const made = writing()
    made.append(1)
    made.log.flush()
    made.append(2)
    made.settle()
    expect(made.durable).toEqual([1])
    made.log.flush()
    made.settle()
    expect(made.durable).toEqual([1, 2])
  })

  it('tells nothing before the disk has answered', () => {
    const made = writing()
    made.settle()
    made.append(1)
    made.log.flush()
    expect(made.durable).toEqual([])
    expect(made.log.lastDurable).toBe(0)
  })

  it('waits where the log is held, and follows its release', () => {
    const made = writing({ isHeld: true })
    made.append(1)
    made.log.flush()
    made.settle()
    expect(made.logNames()).toEqual([])
    made.log.release()
    made.settle()
    expect(made.durable).toEqual([1])
  })

  it('may be answered from within the answer', () => {
    const bench = storageBench()
    const seen: number[] = []
    const log: LogWriter = new LogWriter(
      bench.disk,
      {
        directory: DIRECTORY,
        preallocateBytes: 4096,
        logSizeLimitBytes: null,
        isHeld: false,
        logger: bench.options.logger,
      },
      0 as Zxid,
      {
        onDurable: (zxid) => {
          seen.push(zxid)
          if (zxid < 10) next(zxid + 1)
        },
        onLogCreated: () => {},
        onFatal: (error) => expect(error).toBeNull(),
      },
    )
    const next = (zxid: number): void => {
      const body = txnBody(zxid)
      log.append(zxid as Zxid, body, 0, body.length)
      log.flush()
    }
    next(1)
    bench.settle()
    expect(seen).toEqual(range(1, 10))
  })

  it('carries transactions of any size', () => {
    const made = writing()
    const large = txnBody(2, 3 << 20)
    made.append(1)
    made.log.append(2 as Zxid, large, 0, large.length)
    made.append(3)
    made.log.flush()
    made.settle()
    expect(made.zxids('log.1')).toEqual([1, 2, 3])
    const expected = joinBytes([logFile([1]), record(large), record(txnBody(3))])
    expect(equalBytes(made.get(`${DIRECTORY}/log.1`), expected)).toBe(true)
  })
})

describe('a new log', () => {
  it('is begun with the next batch after a roll', () => {
    const made = writing()
    made.append(1, 2)
    made.log.flush()
    made.settle()
    made.log.roll()
    made.settle()
    expect(made.logNames()).toEqual(['log.1'])
    made.append(3)
    made.log.flush()
    made.settle()
    expect(made.logNames()).toEqual(['log.1', 'log.3'])
    expect([made.zxids('log.1'), made.zxids('log.3')]).toEqual([[1, 2], [3]])
  })

  it('is not begun by a roll of nothing', () => {
    const made = writing()
    made.log.roll()
    made.append(1)
    made.log.flush()
    made.settle()
    expect(made.logNames()).toEqual(['log.1'])
  })

  it('follows one that is full, and every one is durable before it is used', () => {
    const made = writing({ preallocateBytes: 8 << 10 }, {}, 0, 200)
    for (const zxid of range(1, 200)) {
      made.append(zxid)
      made.log.flush()
      made.settle()
    }
    const names = made.logNames()
    expect(names.length).toBeGreaterThan(2)
    expect(names.flatMap((name) => made.zxids(name))).toEqual(range(1, 200))
    // Each was set aside whole, and none grew; a busy log gets larger files as it goes on.
    const sizes = names.map((name) => made.disk.size(`${DIRECTORY}/${name}`) ?? 0)
    expect(sizes[0]).toBe(8 << 10)
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b))
    const paths = names.map((name) => `${DIRECTORY}/${name}`)
    expect(made.disk.durablePaths()).toEqual(expect.arrayContaining(paths))
  })

  it('is not waited for: where the next one is not ready, the present one grows', () => {
    // Filling the next file takes far longer than all these commits.
    const made = writing({ preallocateBytes: 4 << 20 }, {}, 0, 1 << 20)
    made.append(1)
    made.log.flush()
    made.settle()
    made.append(2, 3, 4, 5, 6)
    made.log.flush()
    made.settle()
    expect(made.durable).toEqual([1, 6])
    expect(made.logNames().flatMap((name) => made.zxids(name))).toEqual(range(1, 6))
  })

  it('follows one that has grown beyond the limit', () => {
    const made = writing({ logSizeLimitBytes: 1_000 })
    for (const zxid of range(1, 40)) {
      made.append(zxid)
      made.log.flush()
      made.settle()
    }
    const names = made.logNames()
    expect(names.length).toBeGreaterThan(2)
    expect(names.flatMap((name) => made.zxids(name))).toEqual(range(1, 40))
  })
})

describe('a failure', () => {
  it('of a write ends it: nothing more is written or promised', () => {
    const made = writing()
    made.append(1)
    made.log.flush()
    made.settle()
    made.disk.setConditions({ ...CALM_DISK, writeError: 1 })
    made.append(2)
    made.log.flush()
    made.append(3)
    made.log.flush()
    made.settle()
    expect(made.errors).toHaveLength(1)
    expect(made.errors[0]?.code).toBe('EIO')
    made.disk.setConditions(CALM_DISK)
    made.append(4)
    made.log.flush()
    made.settle()
    expect(made.durable).toEqual([1])
    expect(made.log.lastDurable).toBe(1)
  })

  it('leaves nothing behind that a start could take for durable', () => {
    const made = writing({}, { failedSyncKeepsCache: true })
    made.append(1)
    made.log.flush()
    made.settle()
    made.disk.setConditions({ ...CALM_DISK, syncError: 1, failedSyncKeepsCache: true })
    made.append(2)
    made.log.flush()
    made.settle()
    expect(made.errors.map(({ code }) => code)).toEqual(['EIO'])
    // A new process reads the page cache, which shows what the medium may not hold.
    made.disk.crash('process')
    expect(made.logNames().flatMap((name) => made.zxids(name))).toEqual([1])
  })

  it('of the sync of a directory ends it before anything is promised', () => {
    const made = writing()
    made.settle()
    made.disk.setConditions({ ...CALM_DISK, syncError: 1 })
    made.append(1)
    made.log.flush()
    made.settle()
    expect(made.errors).toHaveLength(1)
    expect(made.durable).toEqual([])
  })

  it('to create the first file ends it', () => {
    const made = writing({ directory: '/nowhere' })
    made.append(1)
    made.log.flush()
    made.settle()
    expect(made.errors.map(({ code }) => code)).toEqual(['ENOENT'])
    let isClosed = false
    made.log.close(() => {
      isClosed = true
    })
    made.settle()
    expect(isClosed).toBe(true)
  })

  it('for lack of room is borne while there is room for what is promised', () => {
    const made = writing({ preallocateBytes: 1 << 20 }, { capacityBytes: (1 << 20) + (300 << 10) })
    made.append(1)
    made.log.flush()
    made.settle()
    // The next file cannot be set aside whole.
    for (const zxid of range(2, 40)) {
      const body = txnBody(zxid, 20 << 10)
      made.log.append(zxid as Zxid, body, 0, body.length)
      made.log.flush()
      made.settle()
    }
    expect(made.errors).toEqual([])
    expect(made.complaints.join()).toContain('the disk is full')
    expect(made.durable.at(-1)).toBe(40)
    for (const zxid of range(41, 100)) {
      const body = txnBody(zxid, 20 << 10)
      made.log.append(zxid as Zxid, body, 0, body.length)
      made.log.flush()
      made.settle()
    }
    expect(made.errors.map(({ code }) => code)).toEqual(['ENOSPC'])
    const found = made.logNames().flatMap((name) => made.zxids(name))
    expect(found).toEqual(range(1, found.length))
    expect(found.length).toBeGreaterThanOrEqual(made.durable.at(-1) as number)
  })
})

describe('closing', () => {
  it('makes durable what was appended, flushed or not, and removes what was prepared', () => {
    const made = writing()
    let isClosed = false
    made.append(1)
    made.log.flush()
    made.append(2)
    made.log.close(() => {
      isClosed = true
    })
    made.settle()
    expect(isClosed).toBe(true)
    expect(made.durable).toEqual([1, 2])
    expect(made.disk.paths()).toEqual([`${DIRECTORY}/log.1`])
  })

  it('of an idle log removes what was prepared, also while that is being prepared', () => {
    for (const steps of [0, 1, 2, 3, 50]) {
      const made = writing({ preallocateBytes: 1 << 20 })
      for (let i = 0; i < steps; i++) made.clock.step()
      let isClosed = false
      made.log.close(() => {
        isClosed = true
      })
      made.settle()
      expect(isClosed).toBe(true)
      expect(made.disk.paths()).toEqual([])
    }
    expect(LOG_IN_THE_MAKING).not.toMatch(/^log\./)
  })
})
