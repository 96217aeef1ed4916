// What Apache ZooKeeper 3.8.0 and 3.9.5 sent on their quorum ports is read as what it is, and
// written again byte for byte.

import { describe, expect, test } from 'vitest'

import { goldenVersions } from '../../../test/support/golden-data.ts'
import { type CapturedPacket, quorumPackets, zxidText } from '../../../test/support/golden-wire.ts'
import { toHex } from '../../base/text.ts'
import { type Zxid, ZXID_NONE, zxidOf } from '../../base/zxid.ts'
import { JuteReader, MalformedRecord } from '../jute/reader.ts'
import { JuteWriter } from '../jute/writer.ts'
import {
  beginPacket,
  endPacket,
  packetInt,
  packetName,
  PacketType,
  PROTOCOL_VERSION,
  type QuorumPacket,
  readLearnerInfo,
  readPacket,
  writeDataPacket,
  writeIntPacket,
  writeLearnerInfo,
  writePacket,
} from './quorum-packet.ts'

const emptyPacket = (): QuorumPacket => ({
  type: 0,
  zxid: ZXID_NONE,
  bytes: new Uint8Array(0),
  start: -1,
  end: 0,
  identities: null,
})

function read(bytes: Uint8Array): QuorumPacket {
  const reader = new JuteReader(bytes)
  const packet = emptyPacket()
  readPacket(reader, packet)
  expect(reader.remaining).toBe(0)
  return packet
}

/** Writes it as the roles do: each kind with what it carries. */
function rewritten(captured: CapturedPacket, packet: QuorumPacket): Uint8Array {
  const out = new JuteWriter()
  const reader = new JuteReader(packet.bytes)
  const type = packet.type as PacketType
  switch (type) {
    case PacketType.followerInfo:
    case PacketType.observerInfo: {
      const info = readLearnerInfo(packet, reader)!
      const { serverid, protocolVersion, configVersion } = captured.fields.LearnerInfo!
      expect(info.serverId).toBe(serverid)
      expect(info.protocolVersion).toBe(Number(protocolVersion))
      expect(zxidText(info.configVersion)).toBe(configVersion)
      writeLearnerInfo(out, type, packet.zxid, info)
      break
    }
    case PacketType.leaderInfo:
      expect(packetInt(packet, reader)).toBe(PROTOCOL_VERSION)
      writeIntPacket(out, type, packet.zxid, PROTOCOL_VERSION)
      break
    case PacketType.ackEpoch:
      expect(packetInt(packet, reader)).toBe(captured.fields.currentEpoch)
      writeIntPacket(out, type, packet.zxid, captured.fields.currentEpoch!)
      break
    case PacketType.request: {
      const at = beginPacket(out, type, packet.zxid)
      out.raw(packet.bytes, packet.start, packet.end)
      endPacket(out, at, packet.identities)
      break
    }
    default:
      if (packet.start < 0) writePacket(out, type, packet.zxid)
      else writeDataPacket(out, type, packet.zxid, packet.bytes, packet.start, packet.end)
  }
  return out.copy()
}

describe.each(goldenVersions)('what servers of ZooKeeper %s sent', (version) => {
  const captured = quorumPackets(version).filter(({ kind }) => kind !== 'SNAPSHOT-STREAM')

  test.each(captured.map((packet, index) => ({ index, name: packet.kind, packet })))(
    '$name, packet $index',
    ({ packet }) => {
      const decoded = read(packet.bytes)
      const { start, end } = decoded
      expect(packetName(decoded.type)).toBe(packet.kind)
      expect(zxidText(decoded.zxid)).toBe(packet.fields.zxid)
      expect(start < 0 ? -1 : end - start).toBe(packet.fields.dataLength)
      expect(decoded.identities).toEqual(packet.fields.authinfo ?? null)
      expect(toHex(rewritten(packet, decoded))).toBe(toHex(packet.bytes))
    },
  )

  test('each kind of packet is among them', () => {
    const kinds = new Set(captured.map(({ kind }) => kind))
    expect([...kinds].sort()).toEqual(Object.values(PacketType).map(packetName).sort())
  })
})

describe('what nobody should send', () => {
  const written = (write: (out: JuteWriter) => void): Uint8Array => {
    const out = new JuteWriter()
    write(out)
    return out.copy()
  }

  test('a packet that ends early, at whatever byte, is malformed', () => {
    const whole = written((out) => {
      const at = beginPacket(out, PacketType.request)
      out.int(7)
      endPacket(out, at, [{ scheme: 'ip', id: '::1' }])
    })
    for (let end = 0; end < whole.length; end++) {
      const reader = new JuteReader(whole, 0, end)
      expect(() => readPacket(reader, emptyPacket())).toThrow(MalformedRecord)
    }
  })

  test('a number that is not there is malformed', () => {
    const packet = read(written((out) => writePacket(out, PacketType.ackEpoch, zxidOf(1, 0))))
    expect(() => packetInt(packet, new JuteReader(packet.bytes))).toThrow(MalformedRecord)
  })

  test('old learners tell less of themselves, and one tells nothing', () => {
    const info = (data: Uint8Array): unknown => {
      const packet = read(
        written((out) =>
          writeDataPacket(out, PacketType.followerInfo, 0 as Zxid, data, 0, data.length),
        ),
      )
      return readLearnerInfo(packet, new JuteReader(packet.bytes))
    }
    const whole = written((out) => {
      out.safeLong(3)
      out.int(PROTOCOL_VERSION)
      out.safeLong(zxidOf(1, 0))
    })
    expect(info(whole.slice(0, 8))).toEqual({ serverId: 3, protocolVersion: 1, configVersion: 0 })
    expect(info(whole.slice(0, 12))).toEqual({
      serverId: 3,
      protocolVersion: PROTOCOL_VERSION,
      configVersion: 0,
    })
    expect(info(whole)).toMatchObject({ configVersion: zxidOf(1, 0) })
    expect(() => info(whole.slice(0, 5))).toThrow(MalformedRecord)
    const nameless = read(written((out) => writePacket(out, PacketType.followerInfo, 0 as Zxid)))
    expect(readLearnerInfo(nameless, new JuteReader(nameless.bytes))).toBeNull()
  })

  test('a type that does not exist has a name all the same', () => {
    expect(packetName(99)).toBe('packet 99')
  })
})
