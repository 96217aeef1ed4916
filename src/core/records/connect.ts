// The handshake: the two frames that have no header.
//
//   request   protocolVersion i32 | lastZxidSeen i64 | timeOut i32 | sessionId i64 | passwd buffer | [readOnly bool]
//   response  protocolVersion i32 | timeOut i32 | sessionId i64 | passwd buffer | [readOnly bool]
//
// The last byte is optional (clients before 3.4 do not know it): a server answers in kind.

import type { Zxid } from '../../base/zxid.ts'
import type { JuteReader } from '../jute/reader.ts'
import type { JuteWriter } from '../jute/writer.ts'

export const PASSWORD_BYTES = 16

export interface ConnectRequest {
  readonly protocolVersion: number
  /** The highest zxid that the client has seen; a bigint, since a stranger may send any 64 bits. */
  readonly lastZxidSeen: bigint
  readonly timeOut: number
  readonly sessionId: bigint
  readonly passwd: Uint8Array | null
  /** Null where the client did not send the byte. */
  readonly readOnly: boolean | null
}

export interface ConnectResponse {
  readonly protocolVersion: number
  /** Milliseconds; 0 says that the session is not valid any more. */
  readonly timeOut: number
  readonly sessionId: bigint
  readonly passwd: Uint8Array | null
  readonly readOnly: boolean | null
}

export function readConnectRequest(reader: JuteReader): ConnectRequest {
  return {
    protocolVersion: reader.int(),
    lastZxidSeen: reader.long(),
    timeOut: reader.int(),
    sessionId: reader.long(),
    passwd: reader.buffer(),
    readOnly: reader.remaining > 0 ? reader.bool() : null,
  }
}

export function writeConnectRequest(
  writer: JuteWriter,
  request: Omit<ConnectRequest, 'lastZxidSeen'> & { readonly lastZxidSeen: Zxid },
): void {
  writer.int(request.protocolVersion)
  writer.safeLong(request.lastZxidSeen)
  writer.int(request.timeOut)
  writer.long(request.sessionId)
  writer.buffer(request.passwd)
  if (request.readOnly !== null) writer.bool(request.readOnly)
}

export function readConnectResponse(reader: JuteReader): ConnectResponse {
  return {
    protocolVersion: reader.int(),
    timeOut: reader.int(),
    sessionId: reader.long(),
    passwd: reader.buffer(),
    readOnly: reader.remaining > 0 ? reader.bool() : null,
  }
}

export function writeConnectResponse(writer: JuteWriter, response: ConnectResponse): void {
  writer.int(response.protocolVersion)
  writer.int(response.timeOut)
  writer.long(response.sessionId)
  writer.buffer(response.passwd)
  if (response.readOnly !== null) writer.bool(response.readOnly)
}
