// The little that Zab reads of a transaction on its way: its zxid, which has to be that of the
// packet it came in, and whether it is a reconfiguration, which concerns the ensemble itself.
// Everything else in it is opaque here.
//
//   clientId i64 | cxid i32 | zxid i64 | time i64 | type i32 | body | digest

import { decodeUtf8 } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import { type JuteReader, MalformedRecord } from '../jute/reader.ts'
import { OpCode } from '../records/opcodes.ts'
import { packetName, type QuorumPacket } from '../records/quorum-packet.ts'
import { setDataTxn, TXN_HEADER_BYTES } from '../records/txn.ts'
import type { LogEntry } from './log-entry.ts'

/**
 * The transaction that a packet carries behind `skip` bytes, as a view of the packet's bytes.
 * Throws MalformedRecord where there is none, or another than the packet says.
 */
export function proposedEntry(packet: QuorumPacket, skip: number, reader: JuteReader): LogEntry {
  const { zxid, bytes, end } = packet
  const start = packet.start + skip
  if (packet.start < 0 || end - start < TXN_HEADER_BYTES) {
    throw new MalformedRecord(`${packetName(packet.type)} without a transaction`)
  }
  reader.reset(bytes, start + ZXID_AT, end)
  if (reader.zxid() !== zxid) {
    throw new MalformedRecord(`${packetName(packet.type)} with another zxid than its transaction`)
  }
  return { zxid, bytes, start, end }
}

/** The membership that a reconfiguration makes, as text; null for every other transaction. */
export function membershipTextOf(entry: LogEntry, reader: JuteReader): string | null {
  reader.reset(entry.bytes, entry.start + TYPE_AT, entry.end)
  if (reader.int() !== OpCode.reconfig) return null
  const { data } = setDataTxn.read(reader)
  if (data === null) throw new MalformedRecord('reconfiguration without a membership')
  return decodeUtf8(data, 0, data.length)
}

/** Whether `zxid` may follow `before`: the next one, or the first of a later epoch. */
export function followsOn(before: Zxid, zxid: Zxid): boolean {
  return zxid === before + 1 || (zxid > before && zxid >>> 0 === 1)
}

const ZXID_AT = 12
const TYPE_AT = 28
