// Everything that can go wrong for a user of the client, as one family of errors. Each says by a
// stable `code` what happened, by `outcome` whether the server did what was asked, and by `retry`
// what the caller may do. Where an error comes from is decided elsewhere (`error-of-call.ts`).

/** Whether the server did what was asked: `unknown` is honest where an answer was lost. */
export type Outcome = 'not-applied' | 'applied' | 'unknown'

/**
 * What may be done about an error: `safe` to ask again as it is; only `after-check` of what is
 * there now; only in a `new-session`; or `never` without changing the request.
 */
export type Retry = 'safe' | 'after-check' | 'new-session' | 'never'

export interface ZkErrorFields {
  readonly code?: string
  readonly errno?: number
  readonly op?: string
  readonly path?: string
  readonly outcome?: Outcome
  readonly retry?: Retry
  readonly sessionId?: bigint
  readonly zxid?: number
  readonly server?: string
  readonly cause?: unknown
}

const BRAND = Symbol.for('zabra.ZkError')

/**
 * The base of every error of this library.
 *
 * @example
 * try {
 *   await zk.setData('/config', bytes, { version })
 * } catch (error) {
 *   if (isZkError(error, 'ZK_BAD_VERSION')) await reload()
 *   else if (isZkError(error) && error.outcome === 'unknown') await checkWhatHappened()
 *   else throw error
 * }
 */
export class ZkError extends Error {
  override readonly name: string = 'ZkError'
  /** Stable, for programs: `ZK_NO_NODE`, `ZK_CONNECTION_LOSS` … */
  readonly code: string
  /** ZooKeeper's number for it, where there is one. */
  readonly errno: number | undefined
  /** The operation: `create`, `getData` … */
  readonly op: string | undefined
  /** The path as the caller gave it. */
  readonly path: string | undefined
  readonly outcome: Outcome
  readonly retry: Retry
  readonly sessionId: bigint | undefined
  /** The server's zxid when it answered. */
  readonly zxid: number | undefined
  readonly server: string | undefined

  constructor(message: string, fields: ZkErrorFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause })
    this.code = fields.code ?? 'ZK_ERROR'
    this.errno = fields.errno
    this.op = fields.op
    this.path = fields.path
    this.outcome = fields.outcome ?? 'not-applied'
    this.retry = fields.retry ?? 'never'
    this.sessionId = fields.sessionId
    this.zxid = fields.zxid
    this.server = fields.server
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/**
 * Whether `error` is one of this library's, and has this code where one is given. It also knows
 * errors of another copy of the library in the same process.
 */
export function isZkError(error: unknown, code?: string): error is ZkError {
  if (typeof error !== 'object' || error === null || !(BRAND in error)) return false
  return code === undefined || (error as unknown as ZkError).code === code
}

// Answers of the server.

/** The node does not exist (for create and delete: or its parent does not). */
export class NoNodeError extends ZkError {
  override readonly name: string = 'NoNodeError'
}

export class NodeExistsError extends ZkError {
  override readonly name: string = 'NodeExistsError'
}

/** The node has another version than the one expected: somebody changed it meanwhile. */
export class BadVersionError extends ZkError {
  override readonly name: string = 'BadVersionError'
}

export class NotEmptyError extends ZkError {
  override readonly name: string = 'NotEmptyError'
}

export class NoChildrenForEphemeralsError extends ZkError {
  override readonly name: string = 'NoChildrenForEphemeralsError'
}

export class NoAuthError extends ZkError {
  override readonly name: string = 'NoAuthError'
}

/** The server refused an identity; the client is closed. */
export class AuthFailedError extends ZkError {
  override readonly name: string = 'AuthFailedError'
}

export class InvalidACLError extends ZkError {
  override readonly name: string = 'InvalidACLError'
}

export class QuotaExceededError extends ZkError {
  override readonly name: string = 'QuotaExceededError'
}

/** The server finds the arguments not valid. */
export class BadArgumentsError extends ZkError {
  override readonly name: string = 'BadArgumentsError'
}

/** Another change of the ensemble's members is under way. */
export class ReconfigInProgressError extends ZkError {
  override readonly name: string = 'ReconfigInProgressError'
}

/** Too few of those who would vote follow the leader already. */
export class NewConfigNoQuorumError extends ZkError {
  override readonly name: string = 'NewConfigNoQuorumError'
}

/** The ensemble's members cannot be changed: `reconfigEnabled` is not set. */
export class ReconfigDisabledError extends ZkError {
  override readonly name: string = 'ReconfigDisabledError'
}

/** A server without a quorum takes no writes. */
export class NotReadOnlyError extends ZkError {
  override readonly name: string = 'NotReadOnlyError'
}

/** Any other answer of the server, also one with a code that nobody assigned. */
export class ServerError extends ZkError {
  override readonly name: string = 'ServerError'
}

/** A transaction failed as a whole; nothing of it was applied. */
export class TransactionError extends ZkError {
  override readonly name: string = 'TransactionError'
  /** Which operation failed, counted as they were added; -1 for a guard. */
  readonly index: number
  /** One per operation: the one that failed, null for those before and after it. */
  readonly errors: readonly (ZkError | null)[]

  constructor(
    message: string,
    fields: ZkErrorFields,
    index: number,
    errors: readonly (ZkError | null)[],
  ) {
    super(message, fields)
    this.index = index
    this.errors = errors
  }
}

// The connection and the session.

/** The session is gone, and with it its ephemeral nodes. */
export class SessionLostError extends ZkError {
  override readonly name: string = 'SessionLostError'
}

/** The connection broke before an answer came. A write that was sent may have happened. */
export class ConnectionLossError extends ZkError {
  override readonly name: string = 'ConnectionLossError'
}

/** No answer within the operation's time. A write that was sent may still happen. */
export class OperationTimeoutError extends ZkError {
  override readonly name: string = 'OperationTimeoutError'
}

/** The caller's signal ended the wait; its reason is the `cause`. A write may still happen. */
export class AbortError extends ZkError {
  override readonly name: string = 'AbortError'
}

/** There is no connection, and this client does not let operations wait for one. */
export class NotConnectedError extends ZkError {
  override readonly name: string = 'NotConnectedError'
}

/** Too many operations wait for a connection. */
export class QueueFullError extends ZkError {
  override readonly name: string = 'QueueFullError'
}

/** The client has been closed. */
export class ClosedError extends ZkError {
  override readonly name: string = 'ClosedError'
}

/** No server could be reached in time; `attempts` says what each answered. */
export class ConnectError extends ZkError {
  override readonly name: string = 'ConnectError'
  readonly attempts: readonly ConnectAttempt[]

  constructor(message: string, attempts: readonly ConnectAttempt[], cause?: unknown) {
    super(message, { code: 'ZK_CONNECT_FAILED', retry: 'safe', cause })
    this.attempts = attempts
  }
}

export interface ConnectAttempt {
  readonly server: string
  readonly reason: string
}

// The request itself.

/** A path that no server would accept. */
export class PathError extends ZkError {
  override readonly name: string = 'PathError'

  constructor(path: string, problem: string) {
    super(`${JSON.stringify(path)}: ${problem}`, { code: 'ZK_BAD_PATH', path })
  }
}

/** Options that contradict each other or the protocol. */
export class BadOptionsError extends ZkError {
  override readonly name: string = 'BadOptionsError'

  constructor(message: string) {
    super(message, { code: 'ZK_BAD_OPTIONS' })
  }
}

/** A request or an answer over the limit. */
export class PacketTooLargeError extends ZkError {
  override readonly name: string = 'PacketTooLargeError'
}

/** The server answered something that cannot be read. */
export class ProtocolError extends ZkError {
  override readonly name: string = 'ProtocolError'
}

/** A codec could not make a value of a node's data, which is in `data`. */
export class DecodeError extends ZkError {
  override readonly name: string = 'DecodeError'
  readonly data: Uint8Array

  constructor(path: string, data: Uint8Array, cause: unknown) {
    super(`the data of ${path} cannot be decoded`, { code: 'ZK_DECODE', path, cause })
    this.data = data
  }
}
