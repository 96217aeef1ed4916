// What a transaction's header says, read in place: whose it is and of what type (the layout is in
// `records/txn.ts`).

import { type SessionId, sessionIdOf } from '../../base/session-id.ts'
import { txnTypeAt } from '../records/txn.ts'
import type { LogEntry } from '../zab/log-entry.ts'

export const txnType = ({ bytes, start }: LogEntry): number => txnTypeAt(bytes, start)

/** The upper half of the client's session id. */
export const txnClientHigh = ({ bytes, start }: LogEntry): number => wordAt(bytes, start)

export const txnClientLow = ({ bytes, start }: LogEntry): number => wordAt(bytes, start + 4)

export const txnCxid = ({ bytes, start }: LogEntry): number => wordAt(bytes, start + 8)

export const txnSession = (entry: LogEntry): SessionId =>
  sessionIdFrom(txnClientHigh(entry), txnClientLow(entry))

export const sessionIdFrom = (high: number, low: number): SessionId =>
  sessionIdOf((BigInt(high) << 32n) | BigInt(low >>> 0))

const wordAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
