// The frames that a server sends: length, header, body. A reply's length and header are reserved
// first and filled in when the body and the outcome are known.
//
//   length i32 | xid i32 | zxid i64 | err i32 | body

import type { Zxid } from '../../base/zxid.ts'
import type { JuteWriter } from '../jute/writer.ts'
import { PASSWORD_BYTES, writeConnectResponse } from '../records/connect.ts'
import { REPLY_HEADER_BYTES } from '../records/headers.ts'
import { Xid } from '../records/opcodes.ts'
import { type EventType, KeeperState } from '../records/watches.ts'
import { sessionPassword } from '../session/password.ts'
import type { TrackedSession } from '../session/session-tracker.ts'

/** Reserves length and header; returns where they are. */
export function beginReply(out: JuteWriter): number {
  const start = out.position
  out.ensure(4 + REPLY_HEADER_BYTES)
  out.position = start + 4 + REPLY_HEADER_BYTES
  return start
}

export function finishReply(
  out: JuteWriter,
  start: number,
  xid: number,
  zxid: Zxid,
  error: number,
): void {
  out.intAt(start, out.position - start - 4)
  out.intAt(start + 4, xid)
  out.intAt(start + 8, Math.floor(zxid / 2 ** 32))
  out.intAt(start + 12, zxid)
  out.intAt(start + 16, error)
}

export function writeHeaderReply(out: JuteWriter, xid: number, zxid: Zxid, error: number): void {
  finishReply(out, beginReply(out), xid, zxid, error)
}

export function writeNotification(
  out: JuteWriter,
  type: EventType,
  path: string,
  zxid: Zxid,
): void {
  const start = beginReply(out)
  out.int(type)
  out.int(KeeperState.syncConnected)
  out.ustring(path)
  finishReply(out, start, Xid.notification, zxid, 0)
}

export function writeConnected(
  out: JuteWriter,
  session: TrackedSession,
  knowsReadOnly: boolean,
  isReadOnly: boolean = false,
): void {
  const { id, timeoutMs } = session
  writeHandshake(out, timeoutMs, id, sessionPassword(id), knowsReadOnly ? isReadOnly : null)
}

/** The session is not, or no longer, valid. */
export function writeSessionInvalid(out: JuteWriter, knowsReadOnly: boolean): void {
  writeHandshake(out, 0, 0n, new Uint8Array(PASSWORD_BYTES), knowsReadOnly ? false : null)
}

function writeHandshake(
  out: JuteWriter,
  timeOut: number,
  sessionId: bigint,
  passwd: Uint8Array,
  readOnly: boolean | null,
): void {
  const start = out.position
  out.int(0)
  writeConnectResponse(out, { protocolVersion: 0, timeOut, sessionId, passwd, readOnly })
  out.intAt(start, out.position - start - 4)
}
