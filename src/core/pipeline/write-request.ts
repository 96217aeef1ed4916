// A write on its way from a client to a transaction. One object of this shape is filled anew for
// each request.

import { type Zxid, ZXID_ZERO } from '../../base/zxid.ts'
import { ErrorCode } from '../records/errors.ts'
import { type Identities, SERVER_IDENTITIES } from './identities.ts'

export class WriteRequest {
  /** The two halves of the session id. */
  sessionHigh: number = 0
  sessionLow: number = 0
  /** What a request of this session is refused with: it is over, or was moved to another server. */
  sessionError: number = ErrorCode.Ok
  /** The same for what it would own; a session that another server alone may know owns nothing. */
  ownerError: number = ErrorCode.Ok
  cxid: number = 0
  op: number = 0
  /** What the transaction will be stamped with. */
  zxid: Zxid = ZXID_ZERO
  timeMs: number = 0
  identities: Identities = SERVER_IDENTITIES
  /** The request's body, behind its header. */
  bytes: Uint8Array = new Uint8Array(0)
  start: number = 0
  end: number = 0
}
