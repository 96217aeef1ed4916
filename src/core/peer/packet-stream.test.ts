import { describe, expect, test } from 'vitest'

import { type Zxid, zxidOf } from '../../base/zxid.ts'
import { MalformedRecord } from '../jute/reader.ts'
import { JuteWriter } from '../jute/writer.ts'
import {
  beginPacket,
  endPacket,
  PacketType,
  writeDataPacket,
  writePacket,
} from '../records/quorum-packet.ts'
import { PacketStream } from './packet-stream.ts'

const Z = zxidOf(1, 1)

function written(write: (out: JuteWriter) => void): Uint8Array {
  const out = new JuteWriter()
  write(out)
  return out.copy()
}

const proposal = (zxid: Zxid, data: Uint8Array): Uint8Array =>
  written((out) => writeDataPacket(out, PacketType.proposal, zxid, data, 0, data.length))

const filled = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i & 0xff)

/** Offers the first `count` bytes of an otherwise valid stream and tells whether they are refused. */
const refuses = (stream: PacketStream, bytes: Uint8Array): boolean => {
  stream.push(bytes)
  try {
    stream.next()
    return false
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedRecord)
    return true
  }
}

describe('packets', () => {
  test('one that lies within a piece is shown where it stands', () => {
    const piece = written((out) => {
      writePacket(out, PacketType.commit, Z)
      writeDataPacket(out, PacketType.proposal, Z, filled(9), 0, 9)
    })
    const stream = new PacketStream()
    stream.push(piece)
    expect(stream.next()).toBe(true)
    expect(stream.packet).toMatchObject({ type: PacketType.commit, zxid: Z, start: -1 })
    expect(stream.next()).toBe(true)
    expect(stream.packet.bytes).toBe(piece)
    expect(piece.subarray(stream.packet.start, stream.packet.end)).toEqual(filled(9))
    expect(stream.next()).toBe(false)
    expect(stream.waitingBytes).toBe(0)
  })

  test('one that arrives byte by byte is whole only with its last byte', () => {
    const bytes = written((out) => {
      const at = beginPacket(out, PacketType.request)
      out.raw(filled(5), 0, 5)
      endPacket(out, at, [
        { scheme: 'ip', id: '127.0.0.1' },
        { scheme: 'x', id: null },
      ])
    })
    const stream = new PacketStream()
    for (const byte of bytes) {
      expect(stream.next()).toBe(false)
      stream.push(Uint8Array.of(byte))
    }
    expect(stream.next()).toBe(true)
    const { packet } = stream
    expect(packet.bytes.slice(packet.start, packet.end)).toEqual(filled(5))
    expect(packet.identities).toEqual([
      { scheme: 'ip', id: '127.0.0.1' },
      { scheme: 'x', id: null },
    ])
  })

  test('the bytes of a packet put together stay as they are when the next one is read', () => {
    const first = proposal(Z, filled(40))
    const second = proposal(zxidOf(1, 2), new Uint8Array(40))
    const stream = new PacketStream()
    stream.push(first.slice(0, 20))
    expect(stream.next()).toBe(false)
    stream.push(first.slice(20))
    expect(stream.next()).toBe(true)
    const kept = stream.packet.bytes.subarray(stream.packet.start, stream.packet.end)
    stream.push(second.slice(0, 20))
    expect(stream.next()).toBe(false)
    stream.push(second.slice(20))
    expect(stream.next()).toBe(true)
    expect(kept).toEqual(filled(40))
  })

  test('empty data is not null data', () => {
    const stream = new PacketStream()
    stream.push(proposal(Z, filled(0)))
    expect(stream.next()).toBe(true)
    expect(stream.packet.start).toBe(stream.packet.end)
    expect(stream.packet.start).toBeGreaterThan(0)
  })
})

describe('a stream of another kind between packets', () => {
  test('is read piece by piece, and packets go on where it ended', () => {
    const stream = new PacketStream()
    stream.push(
      written((out) => {
        writePacket(out, PacketType.snap, Z)
        out.ascii('abc')
      }),
    )
    stream.push(
      written((out) => {
        out.ascii('def')
        writePacket(out, PacketType.newLeader, Z)
      }),
    )
    expect(stream.next()).toBe(true)
    let text = ''
    while (text.length < 6 && stream.hasWindow()) {
      const end = Math.min(stream.end, stream.start + 6 - text.length)
      text += String.fromCharCode(...stream.bytes.subarray(stream.start, end))
      stream.readUpTo(end)
    }
    expect(text).toBe('abcdef')
    expect(stream.next()).toBe(true)
    expect(stream.packet.type).toBe(PacketType.newLeader)
  })
})

describe('what no server sends', () => {
  const int = (value: number): number[] => [value >>> 24, value >>> 16, value >>> 8, value]
  const head = [...int(PacketType.proposal), ...int(1), ...int(1)]

  test('data over the limit are refused by their length, before they arrive', () => {
    const bytes = Uint8Array.from([...head, ...int(101)])
    expect(refuses(new PacketStream(100), bytes)).toBe(true)
    expect(refuses(new PacketStream(101), bytes)).toBe(false)
  })

  test('a negative length other than that of null is refused', () => {
    expect(refuses(new PacketStream(), Uint8Array.from([...head, ...int(-2)]))).toBe(true)
  })

  test('identities are limited in number and in all their bytes', () => {
    const many = Uint8Array.from([...head, ...int(-1), ...int(100_000)])
    expect(refuses(new PacketStream(), many)).toBe(true)
    const long = [...int(60), ...new Array(60).fill(65)]
    const bytes = Uint8Array.from([...head, ...int(-1), ...int(1), ...long, ...long])
    expect(refuses(new PacketStream(100), bytes)).toBe(true)
    expect(refuses(new PacketStream(200), bytes)).toBe(false)
  })

  test('an epoch beyond what a zxid can hold is refused', () => {
    const bytes = [
      ...int(PacketType.commit),
      ...int(0x7fff_ffff),
      ...int(1),
      ...int(-1),
      ...int(-1),
    ]
    expect(refuses(new PacketStream(), Uint8Array.from(bytes))).toBe(true)
  })
})
