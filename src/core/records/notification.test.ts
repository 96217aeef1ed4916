// What Apache ZooKeeper 3.8.0 and 3.9.5 sent on their election ports is read as what it is, and
// written again byte for byte; what nobody should send is refused.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

import { toHex } from '../../base/text.ts'
import { type Zxid, zxidOf } from '../../base/zxid.ts'
import { JuteReader, MalformedRecord } from '../jute/reader.ts'
import { JuteWriter } from '../jute/writer.ts'
import {
  readInitialMessage,
  readNotification,
  writeInitialMessage,
  writeNotification,
} from './notification.ts'

interface Captured {
  readonly scenario: string
  readonly kind: 'INITIAL' | 'NOTIFICATION'
  readonly bytes: string
  readonly fields: Readonly<Record<string, string | number>>
}

const captured = ['3.8.0', '3.9.5'].flatMap((version) =>
  readFileSync(
    join(import.meta.dirname, '../../../test/golden', `wire-${version}`, 'election.jsonl'),
    'utf8',
  )
    .trim()
    .split('\n')
    .map((line, index) => ({ version, index, ...(JSON.parse(line) as Captured) })),
)

const STATES = ['LOOKING', 'FOLLOWING', 'LEADING', 'OBSERVING']

describe('what Apache servers sent', () => {
  test.each(captured.filter(({ kind }) => kind === 'NOTIFICATION'))(
    '$version $scenario, line $index',
    ({ bytes, fields }) => {
      const frame = fromHex(bytes)
      const reader = new JuteReader(frame)
      expect(reader.int()).toBe(frame.length - 4)
      const read = readNotification(reader)
      expect(read).toEqual({
        state: STATES.indexOf(fields['state'] as string),
        leader: fields['leader'],
        zxid: longOf(fields['zxid']!),
        round: longOf(fields['electionEpoch']!),
        peerEpoch: longOf(fields['peerEpoch']!),
        version: 2,
        config: fields['config'],
      })
      const out = new JuteWriter()
      writeNotification(out, { ...read, config: read.config! })
      expect(toHex(out.view())).toBe(bytes)
    },
  )

  test.each(captured.filter(({ kind }) => kind === 'INITIAL'))(
    'initial message $version $scenario, line $index',
    ({ bytes, fields }) => {
      const whole = fromHex(bytes)
      const read = readInitialMessage(new JuteReader(whole))!
      expect(read.serverId).toBe(fields['sid'])
      expect(read.addresses.map(({ host, port }) => `${host}:${port}`).join('|')).toBe(
        fields['address'],
      )
      const out = new JuteWriter()
      writeInitialMessage(out, read.serverId!, read.addresses)
      expect(toHex(out.view())).toBe(bytes)
      // It may arrive in any pieces.
      for (let end = 0; end < whole.length; end++) {
        const reader = new JuteReader(whole, 0, end)
        expect(readInitialMessage(reader)).toBeNull()
        expect(reader.position).toBe(0)
      }
    },
  )

  test('there are some of each kind', () => {
    const count = (kind: string): number => captured.filter((each) => each.kind === kind).length
    expect(count('NOTIFICATION')).toBeGreaterThan(50)
    expect(count('INITIAL')).toBeGreaterThan(10)
  })
})

describe('notifications of other versions', () => {
  const body = (extra: (out: JuteWriter) => void): Uint8Array => {
    const out = new JuteWriter()
    out.int(1)
    out.safeLong(3)
    out.safeLong(zxidOf(7, 9))
    out.safeLong(4)
    extra(out)
    return out.copy()
  }
  const read = (extra: (out: JuteWriter) => void): unknown =>
    readNotification(new JuteReader(body(extra)))
  const vote = { state: 1, leader: 3, zxid: zxidOf(7, 9), round: 4 }

  test('the oldest has its epoch in the zxid', () => {
    expect(read(() => {})).toEqual({ ...vote, peerEpoch: 7, version: 0, config: null })
  })

  test('the middle one has an epoch, and a version that is not looked at', () => {
    const middle = (out: JuteWriter): void => {
      out.safeLong(8)
      out.int(5)
    }
    expect(read(middle)).toEqual({ ...vote, peerEpoch: 8, version: 0, config: null })
  })

  test('a later one is read as version 2, whatever follows', () => {
    const later = (out: JuteWriter): void => {
      out.safeLong(8)
      out.int(3)
      out.ustring('version=0')
      out.int(99)
    }
    expect(read(later)).toEqual({ ...vote, peerEpoch: 8, version: 3, config: 'version=0' })
  })

  test('version 1 has no membership', () => {
    const first = (out: JuteWriter): void => {
      out.safeLong(8)
      out.int(1)
      out.int(99)
    }
    expect(read(first)).toEqual({ ...vote, peerEpoch: 8, version: 1, config: null })
  })

  test.each([
    ['shorter than any', new Uint8Array(27)],
    ['between the forms', body((out) => out.int(1))],
    ['a membership longer than the frame', body((out) => writeHead(out, 2, 8))],
    ['a membership of negative length', body((out) => writeHead(out, 2, -1))],
    ['a round beyond what is exact', body((out) => out.safeLong(2 ** 60))],
  ])('%s is malformed', (_, bytes) => {
    expect(() => readNotification(new JuteReader(bytes))).toThrow(MalformedRecord)
  })
})

describe('initial messages', () => {
  const initial = (version: number, id: bigint, address: string): JuteReader => {
    const out = new JuteWriter()
    out.safeLong(version)
    out.long(id)
    out.ustring(address)
    return new JuteReader(out.copy())
  }

  test('before 3.5 there was a number and nothing else', () => {
    const out = new JuteWriter()
    out.safeLong(5)
    expect(readInitialMessage(new JuteReader(out.copy()))).toEqual({ serverId: 5, addresses: [] })
  })

  test('an observer may have no number', () => {
    expect(readInitialMessage(initial(-65536, 2n ** 63n - 1n, 'a:1'))!.serverId).toBeNull()
  })

  test('wildcards are nobody’s address', () => {
    expect(readInitialMessage(initial(-65536, 1n, '0.0.0.0:3888'))!.addresses).toEqual([])
    expect(readInitialMessage(initial(-65535, 1n, '[::]:3888|[::1]:3888'))!.addresses).toEqual([
      { host: '::1', port: 3888 },
    ])
  })

  test('literals of IPv6 are written in brackets', () => {
    const out = new JuteWriter()
    writeInitialMessage(out, 1, [{ host: 'fe80::1', port: 3888 }])
    expect(readInitialMessage(new JuteReader(out.copy()))!.addresses).toEqual([
      { host: 'fe80::1', port: 3888 },
    ])
  })

  test.each([
    ['an unknown version', -65534, 1n, 'a:1'],
    ['a negative number', -65536, -2n, 'a:1'],
    ['no address', -65536, 1n, ''],
    ['an address beyond the limit', -65536, 1n, `${'a'.repeat(2047)}:1`],
    ['an address without a port', -65536, 1n, 'host'],
    ['a port that is none', -65536, 1n, 'host:65536'],
    ['two addresses where one is due', -65536, 1n, 'a:1|b:2'],
  ])('%s is malformed', (_, version, id, address) => {
    expect(() => readInitialMessage(initial(version, id, address))).toThrow(MalformedRecord)
  })
})

function writeHead(out: JuteWriter, version: number, length: number): void {
  out.safeLong(8)
  out.int(version)
  out.int(length)
}

const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))

const longOf = (shown: string | number): Zxid | number =>
  typeof shown === 'number' ? shown : Number(BigInt.asIntN(64, BigInt(shown)))
