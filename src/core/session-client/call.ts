// One operation of a client, from the moment it is asked for until it is settled. There is one
// shape for all operations, so that the path of a request stays monomorphic; which fields an
// operation reads is in `encode-request.ts`. Paths here are the server's: the chroot is in front.

import type { Zxid } from '../../base/zxid.ts'
import { ZXID_ZERO } from '../../base/zxid.ts'
import type { Decoded } from '../jute/schema.ts'
import type { Acl } from '../records/acl.ts'
import { ErrorCode } from '../records/errors.ts'
import { OpCode } from '../records/opcodes.ts'
import type { reconfigRequest } from '../records/requests.ts'
import type { ReplyValue } from './decode-reply.ts'
import type { Watcher } from './watch-registry.ts'

/** Why a call ended without an answer of the server. */
export type CallFailure =
  | 'connection-loss'
  | 'timeout'
  | 'aborted'
  | 'session-lost'
  | 'closed'
  | 'not-connected'
  | 'queue-full'
  | 'too-large'
  | 'protocol'
  | 'auth-failed'

/** One operation of a multi or a multiRead. */
export interface CallOp {
  readonly op: OpCode
  readonly path: string
  readonly data: Uint8Array | null
  readonly acl: readonly Acl[] | null
  readonly flags: number
  readonly version: number
  readonly ttlMs: number
}

export class Call<Tag, WatcherTag> {
  readonly kind = 'call'
  readonly op: OpCode
  readonly path: string
  /** Whatever the owner needs to find its way back; the machine never looks at it. */
  readonly tag: Tag

  // The request. Fields that an operation does not have are left alone.
  data: Uint8Array | null = null
  acl: readonly Acl[] | null = null
  flags: number = 0
  ttlMs: number = 0
  /** The expected version, -1 for any; the mode of addWatch; the type of removeWatches. */
  version: number = -1
  ops: readonly CallOp[] | null = null
  members: Decoded<typeof reconfigRequest> | null = null
  /** The watch to leave behind where the server accepts it. */
  watcher: Watcher<WatcherTag> | null = null

  // What the caller allows.
  /** Milliseconds on the machine's clock after which the call fails. */
  deadlineMs: number = Number.POSITIVE_INFINITY
  /** Sent again after a lost connection: reads, and writes that the caller declared idempotent. */
  resend: boolean
  /** May be answered within a later session than the one it was asked in. */
  anySession: boolean

  // Progress, the machine's.
  state: 'new' | 'queued' | 'sent' | 'settled' = 'new'
  xid: number = 0
  sentAtMs: number = 0
  /** How often it went out; more than once makes the answer of a write ambiguous. */
  sends: number = 0

  // The result, once settled.
  failure: CallFailure | null = null
  /** For people, where there is a failure. */
  detail: string = ''
  error: number = ErrorCode.Ok
  zxid: Zxid = ZXID_ZERO
  value: ReplyValue = null

  constructor(op: OpCode, path: string, tag: Tag) {
    this.op = op
    this.path = path
    this.tag = tag
    const writes = isWrite(op)
    this.resend = !writes
    this.anySession = !writes
  }

  get succeeded(): boolean {
    return this.failure === null && this.error === ErrorCode.Ok
  }
}

/** Whether an operation changes the tree: then a lost answer leaves its outcome unknown. */
export function isWrite(op: OpCode): boolean {
  switch (op) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL:
    case OpCode.delete:
    case OpCode.setData:
    case OpCode.setACL:
    case OpCode.multi:
    case OpCode.reconfig:
    case OpCode.closeSession:
      return true
    default:
      return false
  }
}
