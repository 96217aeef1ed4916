import fc from 'fast-check'
import { expect, test } from 'vitest'

import type { Zxid } from '../../base/zxid.ts'
import { MalformedRecord } from '../jute/reader.ts'
import { JuteWriter } from '../jute/writer.ts'
import type { Id } from '../records/acl.ts'
import { PacketType, type QuorumPacket } from '../records/quorum-packet.ts'
import { PacketStream } from './packet-stream.ts'

interface Sent {
  readonly type: number
  readonly zxid: Zxid
  readonly data: Uint8Array | null
  readonly identities: readonly Id[] | null
}

const text = fc.option(fc.string({ maxLength: 6 }))

const sent: fc.Arbitrary<Sent> = fc.record({
  type: fc.constantFrom(...Object.values(PacketType)),
  zxid: fc.integer({ min: -1, max: 2 ** 40 }) as fc.Arbitrary<number> as fc.Arbitrary<Zxid>,
  data: fc.option(fc.uint8Array({ maxLength: 60 })),
  identities: fc.option(fc.array(fc.record({ scheme: text, id: text }), { maxLength: 3 })),
})

const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 })

function streamOf(packets: readonly Sent[]): Uint8Array {
  const out = new JuteWriter()
  for (const packet of packets) {
    out.int(packet.type)
    out.safeLong(packet.zxid)
    out.buffer(packet.data)
    out.int(packet.identities === null ? -1 : packet.identities.length)
    for (const { scheme, id } of packet.identities ?? []) {
      out.ustring(scheme)
      out.ustring(id)
    }
  }
  return out.copy()
}

const piecesOf = (bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] => {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = lengths[pieces.length % lengths.length]!
    pieces.push(bytes.slice(at, at + length))
    at += length
  }
  return pieces
}

const seen = (packet: QuorumPacket): Sent => ({
  type: packet.type,
  zxid: packet.zxid,
  data: packet.start < 0 ? null : packet.bytes.slice(packet.start, packet.end),
  identities: packet.identities,
})

test('packets are the same in whatever pieces they arrive, and whenever they are asked for', () => {
  fc.assert(
    fc.property(fc.array(sent, { maxLength: 8 }), sizes, fc.boolean(), (packets, lengths, late) => {
      const stream = new PacketStream()
      const got: Sent[] = []
      for (const piece of piecesOf(streamOf(packets), lengths)) {
        stream.push(piece)
        while (!late && stream.next()) got.push(seen(stream.packet))
      }
      while (stream.next()) got.push(seen(stream.packet))
      expect(got).toEqual(packets)
      expect(stream.waitingBytes).toBe(0)
    }),
  )
})

test('random bytes are refused, or wait for more, and keep no more than arrived', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), sizes, (bytes, lengths) => {
      const stream = new PacketStream(64)
      try {
        for (const piece of piecesOf(bytes, lengths)) {
          stream.push(piece)
          while (stream.next()) expect(stream.packet.end).toBeLessThanOrEqual(bytes.length)
          expect(stream.waitingBytes).toBeLessThanOrEqual(bytes.length)
        }
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedRecord)
      }
    }),
  )
})
