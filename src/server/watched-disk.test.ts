import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../../test/support/temporary-directory.ts'
import { NodeDisk } from '../io/disk/node-disk.ts'
import type { DiskFile } from '../ports/disk.ts'
import { type Logger, silentLogger } from '../ports/logger.ts'
import { Durations } from './durations.ts'
import { WatchedDisk } from './watched-disk.ts'

/** A disk whose every look at the clock finds it `stepMs` later. */
function watched(stepMs: number, warningMs: number) {
  const warnings: string[] = []
  const logger: Logger = { ...silentLogger, warn: (message) => warnings.push(message) }
  const syncs = new Durations()
  let nowMs = 0
  const disk = new WatchedDisk(new NodeDisk(), {
    syncs,
    warningMs,
    logger,
    nowMs: () => (nowMs += stepMs),
  })
  return { disk, syncs, warnings }
}

async function write(disk: WatchedDisk, path: string, durable: boolean): Promise<void> {
  const file = await new Promise<DiskFile>((resolve, reject) => {
    disk.create(path, (error, created) => (created === null ? reject(error) : resolve(created)))
  })
  await new Promise<void>((resolve, reject) => {
    file.write(0, Buffer.from('text'), durable, (error) => (error ? reject(error) : resolve()))
  })
  await new Promise<void>((resolve) => file.close(() => resolve()))
}

test('durable writes are counted, and what they write arrives', async () => {
  using directory = temporaryDirectory()
  const { disk, syncs, warnings } = watched(7, 1_000)
  const path = join(directory.path, 'log')
  await write(disk, path, true)
  await write(disk, join(directory.path, 'snapshot'), false)
  expect(readFileSync(path, 'utf8')).toBe('text')
  expect([syncs.count, syncs.sumMs, syncs.minMs, syncs.maxMs]).toEqual([1, 7, 7, 7])
  expect(warnings).toEqual([])
})

test('a slow one is logged in the words that monitors look for', async () => {
  using directory = temporaryDirectory()
  const { disk, warnings } = watched(1_500, 1_000)
  await write(disk, join(directory.path, 'log'), true)
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toMatch(
    /^fsync-ing the write ahead log took 1500ms which will adversely effect operation latency/,
  )
})
