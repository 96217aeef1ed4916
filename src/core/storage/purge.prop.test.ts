// Whatever snapshots and logs there are: what a purge keeps is enough, and no more than enough.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { Zxid } from '../../base/zxid.ts'
import { logsFrom } from './file-names.ts'
import { planPurge } from './purge.ts'

const zxids = fc.uniqueArray(fc.nat({ max: 60 }), { maxLength: 12 })

describe('a purge', () => {
  it('keeps the newest whole snapshots and what each of them needs', () => {
    fc.assert(
      fc.property(zxids, zxids, zxids, fc.integer({ min: 1, max: 4 }), (whole, broken, logs, n) => {
        const snapshots = [...new Set([...whole, ...broken])].map((zxid) => snapshotFile(zxid))
        const isWhole = (file: { zxid: number }): boolean => whole.includes(file.zxid)
        const files = logs.sort((a, b) => a - b).map(logFile)
        const plan = planPurge(snapshots, files, isWhole, n)
        const gone = new Set([...plan.snapshots, ...plan.logs].map(({ path }) => path))
        const keptWhole = [...whole].sort((a, b) => b - a).slice(0, n)
        for (const zxid of keptWhole) {
          expect(gone.has(snapshotFile(zxid).path)).toBe(false)
          for (const log of logsFrom(files, (zxid + 1) as Zxid))
            expect(gone.has(log.path)).toBe(false)
        }
        const oldest = keptWhole.at(-1)
        if (oldest === undefined) {
          expect(gone.size).toBe(0)
          return
        }
        for (const file of snapshots) expect(gone.has(file.path)).toBe(file.zxid < oldest)
        // One log that begins at or before the oldest snapshot stays, and every later one.
        const kept = files.filter((log) => !gone.has(log.path))
        expect(kept.filter((log) => log.zxid < oldest).length).toBeLessThanOrEqual(1)
      }),
    )
  })
})

const snapshotFile = (zxid: number) =>
  ({ path: `snapshot.${zxid}`, zxid: zxid as Zxid, compression: '' }) as const

const logFile = (zxid: number) => ({ path: `log.${zxid}`, zxid: zxid as Zxid })
