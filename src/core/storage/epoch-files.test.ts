import { describe, expect, it } from 'vitest'

import { storageBench } from '../../../test/support/storage-bench.ts'
import { type Zxid, zxidOf } from '../../base/zxid.ts'
import { readEpoch, readEpochs, readServerId, writeEpoch } from './epoch-files.ts'
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

describe('both epochs at a start', () => {
  function start(
    files: Readonly<Record<string, string>>,
    lastZxid: number,
  ): ReturnType<typeof readEpochs> & { readonly bench: ReturnType<typeof storageBench> } {
    const bench = storageBench()
    for (const [name, content] of Object.entries(files))
      bench.put(`/data/version-2/${name}`, content)
    return { ...readEpochs(bench.disk, bench.options, lastZxid as Zxid), bench }
  }

  it('are those of the files', () => {
    expect(start({ acceptedEpoch: '9', currentEpoch: '7' }, zxidOf(7, 3))).toMatchObject({
      accepted: 9,
      current: 7,
    })
  })

  it('are that of the last transaction where there are no files, which are then written', () => {
    const { accepted, current, bench } = start({}, zxidOf(4, 9))
    expect([accepted, current]).toEqual([4, 4])
    bench.disk.crash('power')
    expect(readEpoch(bench.disk, '/data', 'acceptedEpoch')).toBe(4)
    expect(readEpoch(bench.disk, '/data', 'currentEpoch')).toBe(4)
  })

  it('are zero for a database that has not begun', () => {
    expect(start({}, -1)).toMatchObject({ accepted: 0, current: 0 })
  })

  it('take up the epoch that a crash kept from its place', () => {
    const files = { acceptedEpoch: '6', currentEpoch: '3', 'currentEpoch.tmp': '6' }
    const { current, bench } = start(files, zxidOf(5, 1))
    expect(current).toBe(6)
    expect(readEpoch(bench.disk, '/data', 'currentEpoch')).toBe(6)
  })

  it('are durable afterwards, whatever a sync that failed has left of their names', () => {
    const bench = storageBench()
    const { disk } = bench
    for (const file of ['acceptedEpoch', 'currentEpoch']) {
      // Written and renamed, but the directory was never synced.
      disk.create(`/data/version-2/${file}`, (_error, created) => {
        created?.write(0, Uint8Array.from([0x38]), true, () => {})
      })
    }
    bench.settle()
    expect(disk.durable('/data/version-2/acceptedEpoch')).toBeNull()
    expect(readEpochs(disk, bench.options, zxidOf(8, 1))).toEqual({ accepted: 8, current: 8 })
    for (const file of ['acceptedEpoch', 'currentEpoch']) {
      expect(disk.durable(`/data/version-2/${file}`)).toEqual(Uint8Array.from([0x38]))
    }
  })

  it.each([{}, { 'currentEpoch.tmp': '' }, { 'currentEpoch.tmp': '4' }])(
    'enter the epoch of transactions that became durable before it (%j)',
    (draft) => {
      const files = { acceptedEpoch: '5', currentEpoch: '3', ...draft }
      expect(start(files, zxidOf(5, 1))).toMatchObject({ accepted: 5, current: 5 })
    },
  )

  it.each([
    [{ acceptedEpoch: '4', currentEpoch: '4' }, zxidOf(5, 1), /last transaction is 0x500000001/],
    [{ acceptedEpoch: '4', currentEpoch: '5' }, zxidOf(5, 1), /less than the 5 of currentEpoch/],
    [{ currentEpoch: '5' }, zxidOf(4, 1), /less than the 5 of currentEpoch/],
  ])('are refused where they contradict each other or the transactions', (files, last, finding) => {
    expect(() => start(files, last)).toThrow(StorageError)
    expect(() => start(files, last)).toThrow(finding)
    expect(() => start(files, last)).toThrow(/Restore all of them/)
  })
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
