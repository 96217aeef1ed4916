// What servers say to each other on the election port (ZooKeeper 3.9 `QuorumCnxManager.InitialMessage`
// and `FastLeaderElection.Notification`). Who connects says once who it is:
//
//   protocolVersion i64 | serverId i64 | length i32 | address, or several of them with | between
//
// (servers before 3.5 sent their number alone). Then both sides send frames, an i32 of length before
// each, with one vote in it:
//
//   state i32 | leader i64 | zxid i64 | round i64                    28 bytes: the oldest form
//   ... | peerEpoch i64                                              with what follows ignored: 40
//   ... | version i32 | length i32 | the membership as text          version 2, or any later one
//
// The sender is not in it: it is who the link belongs to. What the numbers mean is not known here.

import { decodeUtf8 } from '../../base/text.ts'
import { type Zxid, epochOf } from '../../base/zxid.ts'
import { type JuteReader, MalformedRecord } from '../jute/reader.ts'
import type { JuteWriter } from '../jute/writer.ts'

/** The longest frame that ZooKeeper accepts on this port, in bytes. */
export const NOTIFICATION_BYTES_MAX: number = 512 << 10

export interface Notification {
  /** The sender's state; a number that is no state is left to the reader of this. */
  readonly state: number
  /** Java's smallest long, which is exact as a number, where the sender may not vote. */
  readonly leader: number
  readonly zxid: Zxid
  readonly round: number
  readonly peerEpoch: number
  readonly version: number
  /** The membership that the sender holds for decided; null from servers before 3.5. */
  readonly config: string | null
}

/** Reads what is in one frame, all of it. Throws MalformedRecord. */
export function readNotification(reader: JuteReader): Notification {
  const length = reader.remaining
  if (length < SHORT_BYTES) throw new MalformedRecord(`a notification of ${length} bytes`)
  const state = reader.int()
  const leader = readLong(reader)
  const zxid = readLong(reader) as Zxid
  const round = readLong(reader)
  if (length === SHORT_BYTES) {
    return { state, leader, zxid, round, peerEpoch: epochOf(zxid), version: 0, config: null }
  }
  const peerEpoch = readLong(reader)
  if (length === MIDDLE_BYTES) {
    return { state, leader, zxid, round, peerEpoch, version: 0, config: null }
  }
  const version = reader.int()
  return { state, leader, zxid, round, peerEpoch, version, config: readConfig(reader, version) }
}

/** Writes it as a frame of version 2, its length before it. */
export function writeNotification(
  out: JuteWriter,
  notification: Omit<Notification, 'version' | 'config'> & { readonly config: string },
): void {
  const at = out.position
  out.int(0)
  out.int(notification.state)
  out.safeLong(notification.leader)
  out.safeLong(notification.zxid)
  out.safeLong(notification.round)
  out.safeLong(notification.peerEpoch)
  out.int(NOTIFICATION_VERSION)
  out.ustring(notification.config)
  out.intAt(at, out.position - at - 4)
}

export interface InitialMessage {
  /** Null for an observer that has no number of its own. */
  readonly serverId: number | null
  /** Where it is to be called back; none where it does not say, or names no address of its own. */
  readonly addresses: readonly InitialAddress[]
}

export interface InitialAddress {
  readonly host: string
  readonly port: number
}

/**
 * Reads an initial message; null, and the reader where it was, while it is not whole. Throws
 * MalformedRecord.
 */
export function readInitialMessage(reader: JuteReader): InitialMessage | null {
  const start = reader.position
  const message = tryReadInitial(reader)
  if (message === null) reader.position = start
  return message
}

/** `addresses` as they are configured: names, or literals without brackets. */
export function writeInitialMessage(
  out: JuteWriter,
  serverId: number,
  addresses: readonly InitialAddress[],
): void {
  out.safeLong(addresses.length === 1 ? SINGLE_ADDRESS_VERSION : MULTI_ADDRESS_VERSION)
  out.safeLong(serverId)
  out.ustring(addresses.map(formatAddress).join('|'))
}

const SHORT_BYTES = 28
const MIDDLE_BYTES = 40
const NOTIFICATION_VERSION = 2

const SINGLE_ADDRESS_VERSION = -65536
const MULTI_ADDRESS_VERSION = -65535
const ADDRESS_BYTES_MAX = 2048
/** Java's largest long, the number of an observer without one, as its two halves. */
const ANONYMOUS_HIGH = 0x7fff_ffff
const ANONYMOUS_LOW = 0xffff_ffff

function readConfig(reader: JuteReader, version: number): string | null {
  if (version < NOTIFICATION_VERSION) return null
  const length = reader.int()
  if (length < 0 || length > reader.remaining) {
    throw new MalformedRecord(`a membership of ${length} bytes in ${reader.remaining}`)
  }
  const start = reader.position
  reader.position += length
  return decodeUtf8(reader.bytes, start, start + length)
}

/** A number that is exact, which Java's smallest long is as well. */
function readLong(reader: JuteReader): number {
  const high = reader.int()
  const value = high * 2 ** 32 + (reader.int() >>> 0)
  if (!Number.isSafeInteger(value) && value !== -(2 ** 63)) {
    throw new MalformedRecord(`number beyond 2^53: high word ${high}`)
  }
  return value
}

function tryReadInitial(reader: JuteReader): InitialMessage | null {
  if (reader.remaining < 8) return null
  const first = reader.safeLong()
  if (first >= 0) return { serverId: first, addresses: [] }
  if (first !== SINGLE_ADDRESS_VERSION && first !== MULTI_ADDRESS_VERSION) {
    throw new MalformedRecord(`an initial message of version ${first}`)
  }
  if (reader.remaining < 12) return null
  const serverId = readServerId(reader)
  const length = reader.int()
  if (length <= 0 || length > ADDRESS_BYTES_MAX) {
    throw new MalformedRecord(`an initial message with an address of ${length} bytes`)
  }
  if (reader.remaining < length) return null
  const start = reader.position
  reader.position += length
  const text = decodeUtf8(reader.bytes, start, start + length)
  // ZooKeeper before 3.6 knows one address only, and reads no separator.
  const parts = first === MULTI_ADDRESS_VERSION ? text.split('|') : [text]
  return { serverId, addresses: parts.map(parseAddress).filter((each) => !isWildcard(each.host)) }
}

function readServerId(reader: JuteReader): number | null {
  const high = reader.int()
  const low = reader.int() >>> 0
  if (high === ANONYMOUS_HIGH && low === ANONYMOUS_LOW) return null
  const id = high * 2 ** 32 + low
  if (id < 0 || !Number.isSafeInteger(id)) {
    throw new MalformedRecord(`an initial message from server ${high}, ${low}`)
  }
  return id
}

const formatAddress = ({ host, port }: InitialAddress): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

function parseAddress(text: string): InitialAddress {
  const parts = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^[\]|:\s]+)):(\d{1,5})$/.exec(text)
  const port = Number(parts?.[3])
  if (parts === null || port > 0xffff) {
    throw new MalformedRecord(`an initial message with the address ${JSON.stringify(text)}`)
  }
  return { host: (parts[1] ?? parts[2])!, port }
}

const isWildcard = (host: string): boolean => /^(0\.0\.0\.0|[0:]+)$/.test(host)
