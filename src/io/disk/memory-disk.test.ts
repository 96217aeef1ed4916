// The Disk port in memory keeps the same contract as real files.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { diskContract } from '../../../test/contract/disk.contract.ts'
import { MemoryDisk } from './memory-disk.ts'

diskContract('MemoryDisk', () => {
  const disk = new MemoryDisk()
  disk.makeDirectory('/data')
  return { disk, directory: '/data', settle: () => nextTurn(), end: () => {} }
})

test('what was read stays as it was, whatever is written later', () => {
  const disk = new MemoryDisk()
  disk.replace('/a', Uint8Array.of(1, 2, 3))
  const before = disk.read('/a', 0, 3)
  disk.truncate('/a', 1)
  expect([...before]).toEqual([1, 2, 3])
  expect(disk.size('/a')).toBe(1)
})
