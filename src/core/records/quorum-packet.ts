// What travels between a leader and those who learn from it, both ways, back to back (ZooKeeper 3.9
// `zookeeper.jute`, module quorum):
//
//   QuorumPacket   type i32 | zxid i64 | data buffer | authinfo vector of Id
//
// and what is in `data`, by type:
//
//   REQUEST               sessionId i64 | cxid i32 | type i32 | the client's request
//   PROPOSAL, INFORM      a transaction: header, body, digest
//   PING from a learner   any number of: sessionId i64 | timeoutMs i32
//   REVALIDATE            sessionId i64 | timeoutMs i32; the answer: sessionId i64 | valid bool
//   COMMITANDACTIVATE     designatedLeader i64
//   INFORMANDACTIVATE     designatedLeader i64 | a transaction
//   NEWLEADER             the membership as text
//   FOLLOWERINFO,
//   OBSERVERINFO          serverId i64 | protocolVersion i32 | configVersion i64
//   LEADERINFO            protocolVersion i32
//   ACKEPOCH              the learner's current epoch i32, or -1

import { type Zxid, ZXID_NONE } from '../../base/zxid.ts'
import { type JuteReader, MalformedRecord } from '../jute/reader.ts'
import type { JuteWriter } from '../jute/writer.ts'
import { vector } from '../jute/schema.ts'
import { type Id, id } from './acl.ts'

const idList = vector(id)

export const PacketType = {
  request: 1,
  proposal: 2,
  ack: 3,
  commit: 4,
  ping: 5,
  revalidate: 6,
  sync: 7,
  inform: 8,
  commitAndActivate: 9,
  newLeader: 10,
  followerInfo: 11,
  upToDate: 12,
  diff: 13,
  trunc: 14,
  snap: 15,
  observerInfo: 16,
  leaderInfo: 17,
  ackEpoch: 18,
  informAndActivate: 19,
} as const

export type PacketType = (typeof PacketType)[keyof typeof PacketType]

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(PacketType).map(([name, type]) => [type, name.toUpperCase()]),
)

export const packetName = (type: number): string => NAMES.get(type) ?? `packet ${type}`

/** Since ZooKeeper 3.4.0; older ones do not agree on epochs. */
export const PROTOCOL_VERSION = 0x10000

/** A packet where it stands: `data` are the bytes from `start` to `end`, null where `start` is -1. */
export interface QuorumPacket {
  type: number
  zxid: Zxid
  bytes: Uint8Array
  start: number
  end: number
  /** Who the client has shown to be; only requests carry it. */
  identities: readonly Id[] | null
}

/** Reads one packet into `packet`. Throws MalformedRecord, also where it is not whole. */
export function readPacket(reader: JuteReader, packet: QuorumPacket): void {
  packet.type = reader.int()
  packet.zxid = reader.zxid()
  const length = reader.skipField()
  packet.bytes = reader.bytes
  packet.start = length < 0 ? -1 : reader.position - length
  packet.end = reader.position
  const mark = reader.position
  if (reader.vectorCount() < 0) {
    packet.identities = null
    return
  }
  reader.position = mark
  packet.identities = idList.read(reader)
}

/** A packet without data. */
export function writePacket(out: JuteWriter, type: PacketType, zxid: Zxid): void {
  out.ensure(BARE_BYTES)
  out.int(type)
  out.safeLong(zxid)
  out.int(-1)
  out.int(-1)
}

/** A packet whose data are those bytes. */
export function writeDataPacket(
  out: JuteWriter,
  type: PacketType,
  zxid: Zxid,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  out.ensure(BARE_BYTES + end - start)
  out.int(type)
  out.safeLong(zxid)
  out.int(end - start)
  out.raw(bytes, start, end)
  out.int(-1)
}

/**
 * Begins a packet whose data the caller writes next. Returns where its length stands; close it with
 * {@link endPacket}.
 */
export function beginPacket(out: JuteWriter, type: PacketType, zxid: Zxid = ZXID_NONE): number {
  out.int(type)
  out.safeLong(zxid)
  const at = out.position
  out.int(0)
  return at
}

export function endPacket(
  out: JuteWriter,
  at: number,
  identities: readonly Id[] | null = null,
): void {
  out.intAt(at, out.position - at - 4)
  idList.write(out, identities)
}

const BARE_BYTES = 20

/** Who learns from a leader, as FOLLOWERINFO and OBSERVERINFO tell. */
export interface LearnerInfo {
  readonly serverId: number
  readonly protocolVersion: number
  /** The version of the membership that it knows as committed. */
  readonly configVersion: Zxid
}

/** Old learners send less of it; null data is a learner without a number. */
export function readLearnerInfo(packet: QuorumPacket, reader: JuteReader): LearnerInfo | null {
  if (packet.start < 0) return null
  reader.reset(packet.bytes, packet.start, packet.end)
  const serverId = reader.safeLong()
  const protocolVersion = reader.remaining >= 4 ? reader.int() : 1
  const configVersion = reader.remaining >= 8 ? reader.zxid() : (0 as Zxid)
  return { serverId, protocolVersion, configVersion }
}

export function writeLearnerInfo(
  out: JuteWriter,
  type: typeof PacketType.followerInfo | typeof PacketType.observerInfo,
  acceptedEpochZxid: Zxid,
  info: LearnerInfo,
): void {
  const at = beginPacket(out, type, acceptedEpochZxid)
  out.safeLong(info.serverId)
  out.int(info.protocolVersion)
  out.safeLong(info.configVersion)
  endPacket(out, at)
}

/** A packet that carries one number: LEADERINFO and ACKEPOCH. */
export function writeIntPacket(out: JuteWriter, type: PacketType, zxid: Zxid, value: number): void {
  const at = beginPacket(out, type, zxid)
  out.int(value)
  endPacket(out, at)
}

/** The number that LEADERINFO and ACKEPOCH carry. */
export function packetInt(packet: QuorumPacket, reader: JuteReader): number {
  if (packet.start < 0) throw new MalformedRecord(`${packetName(packet.type)} without data`)
  reader.reset(packet.bytes, packet.start, packet.end)
  return reader.int()
}
