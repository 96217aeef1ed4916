import { describe, expect, it } from 'vitest'

import { storageBench } from '../../../test/support/storage-bench.ts'
import { readEpoch, readServerId, writeEpoch } from './epoch-files.ts'
import { StorageError } from './storage-error.ts'

describe('epoch files', () => {
  it('are absent at first, and replaced in one step', () => {
    const { disk, get } = storageBench()
    expect(readEpoch(disk, '/data', 'acceptedEpoch')).toBeNull()
    writeEpoch(disk, '/data', 'acceptedEpoch', 7)
    writeEpoch(disk, '/data', 'currentEpoch', 6)
    expect(readEpoch(disk, '/data', 'acceptedEpoch')).toBe(7)
    expect(readEpoch(disk, '/data', 'currentEpoch')).toBe(6)
    writeEpoch(disk, '/data', 'acceptedEpoch', 12)
    // Decimal digits and nothing else: ZooKeeper reads no spaces.
    expect(get('/data/version-2/acceptedEpoch')).toEqual(Uint8Array.from([0x31, 0x32]))
    disk.crash('power')
    expect(readEpoch(disk, '/data', 'acceptedEpoch')).toBe(12)
  })

  it('may end in a new line', () => {
    const { disk, put } = storageBench()
    put('/data/version-2/currentEpoch', '41\n')
    expect(readEpoch(disk, '/data', 'currentEpoch')).toBe(41)
  })

  it.each(['', 'x', '-1', '1 2', '0x3', '2097152', '99999999999999999999'])(
    'are refused where they say %j',
    (content) => {
      const { disk, put } = storageBench()
      put('/data/version-2/currentEpoch', content)
      expect(() => readEpoch(disk, '/data', 'currentEpoch')).toThrow(StorageError)
    },
  )
})

describe('myid', () => {
  it('is a number on the first line', () => {
    const { disk, put } = storageBench()
    expect(readServerId(disk, '/data')).toBeNull()
    put('/data/myid', '3\n# the third\n')
    expect(readServerId(disk, '/data')).toBe(3)
    put('/data/myid', '300')
    expect(() => readServerId(disk, '/data')).toThrow(/not a number from 0 to 254/)
  })
})
