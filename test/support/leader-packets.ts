// What a leader sends, for tests that play one: packets as bytes, and transactions that carry
// nothing but their zxid, or a membership.

import { type Zxid, ZXID_NONE, ZXID_ZERO, zxidOf } from '../../src/base/zxid.ts'
import { JuteWriter } from '../../src/core/jute/writer.ts'
import { OpCode } from '../../src/core/records/opcodes.ts'
import {
  beginPacket,
  endPacket,
  PacketType,
  PROTOCOL_VERSION,
  writeIntPacket,
  writePacket,
} from '../../src/core/records/quorum-packet.ts'
import { setDataTxn, txnHeader } from '../../src/core/records/txn.ts'

const written = (write: (out: JuteWriter) => void): Uint8Array => {
  const out = new JuteWriter()
  write(out)
  return out.copy()
}

const bare = (type: PacketType, zxid: Zxid): Uint8Array =>
  written((out) => writePacket(out, type, zxid))

const carrying = (type: PacketType, zxid: Zxid, write: (out: JuteWriter) => void): Uint8Array =>
  written((out) => {
    const at = beginPacket(out, type, zxid)
    write(out)
    endPacket(out, at)
  })

/** A transaction's bytes; `membership` makes it a reconfiguration. */
export const transaction = (zxid: Zxid, membership: string | null = null): Uint8Array =>
  written((out) => {
    const type = membership === null ? OpCode.setData : OpCode.reconfig
    txnHeader.write(out, { clientId: 1n, cxid: 1, zxid, time: 1, type })
    const data = new TextEncoder().encode(membership ?? `data of ${zxid}`)
    setDataTxn.write(out, { path: '/zookeeper/config', data, version: -1 })
  })

export const leaderInfo = (epoch: number): Uint8Array =>
  written((out) => writeIntPacket(out, PacketType.leaderInfo, zxidOf(epoch, 0), PROTOCOL_VERSION))

export const diff = (zxid: Zxid): Uint8Array => bare(PacketType.diff, zxid)
export const trunc = (zxid: Zxid): Uint8Array => bare(PacketType.trunc, zxid)

/** With a stream of 300 bytes behind it. */
export const snap = (zxid: Zxid): Uint8Array =>
  written((out) => {
    writePacket(out, PacketType.snap, zxid)
    out.raw(new Uint8Array(300).fill(7), 0, 300)
    out.ustring('BenWasHere')
  })

export const proposal = (zxid: Zxid, membership: string | null = null): Uint8Array => {
  const bytes = transaction(zxid, membership)
  return carrying(PacketType.proposal, zxid, (out) => out.raw(bytes, 0, bytes.length))
}

export const commit = (zxid: Zxid): Uint8Array => bare(PacketType.commit, zxid)

export const commitAndActivate = (zxid: Zxid, designatedLeader: number): Uint8Array =>
  carrying(PacketType.commitAndActivate, zxid, (out) => out.safeLong(designatedLeader))

export const inform = (zxid: Zxid): Uint8Array => {
  const bytes = transaction(zxid)
  return carrying(PacketType.inform, zxid, (out) => out.raw(bytes, 0, bytes.length))
}

export const informAndActivate = (
  zxid: Zxid,
  designatedLeader: number,
  membership: string,
): Uint8Array => {
  const bytes = transaction(zxid, membership)
  return carrying(PacketType.informAndActivate, zxid, (out) => {
    out.safeLong(designatedLeader)
    out.raw(bytes, 0, bytes.length)
  })
}

export const newLeader = (epoch: number, membership: string | null = null): Uint8Array =>
  membership === null
    ? bare(PacketType.newLeader, zxidOf(epoch, 0))
    : carrying(PacketType.newLeader, zxidOf(epoch, 0), (out) => out.ascii(membership))

export const upToDate = (): Uint8Array => bare(PacketType.upToDate, ZXID_NONE)
export const ping = (zxid: Zxid): Uint8Array => bare(PacketType.ping, zxid)
export const syncAnswer = (): Uint8Array => bare(PacketType.sync, ZXID_ZERO)

export const revalidated = (sessionId: bigint, isValid: boolean): Uint8Array =>
  carrying(PacketType.revalidate, ZXID_NONE, (out) => {
    out.long(sessionId)
    out.bool(isValid)
  })

export const joined = (packets: readonly Uint8Array[]): Uint8Array => {
  const out = new JuteWriter()
  for (const packet of packets) out.raw(packet, 0, packet.length)
  return out.copy()
}
