// Every error code of the client protocol (ZooKeeper 3.9 `KeeperException.Code`) as data. A code
// is a result, never thrown inside the server. A test pins this table.

export const ErrorCode = {
  Ok: 0,
  SystemError: -1,
  RuntimeInconsistency: -2,
  DataInconsistency: -3,
  ConnectionLoss: -4,
  MarshallingError: -5,
  Unimplemented: -6,
  OperationTimeout: -7,
  BadArguments: -8,
  UnknownSession: -12,
  NewConfigNoQuorum: -13,
  ReconfigInProgress: -14,
  APIError: -100,
  NoNode: -101,
  NoAuth: -102,
  BadVersion: -103,
  NoChildrenForEphemerals: -108,
  NodeExists: -110,
  NotEmpty: -111,
  SessionExpired: -112,
  InvalidCallback: -113,
  InvalidACL: -114,
  AuthFailed: -115,
  SessionMoved: -118,
  NotReadOnly: -119,
  EphemeralOnLocalSession: -120,
  NoWatcher: -121,
  RequestTimeout: -122,
  ReconfigDisabled: -123,
  SessionClosedRequireSaslAuth: -124,
  QuotaExceeded: -125,
  ThrottledOp: -127,
} as const

export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode]

export interface ErrorFacts {
  readonly code: ErrorCode
  readonly name: keyof typeof ErrorCode
  /** The same request may succeed when it is sent again, without anyone changing anything. */
  readonly retryable: boolean
  /** A server sends it to clients; the others are made by a client library or are internal. */
  readonly clientVisible: boolean
}

const RETRYABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ErrorCode.ConnectionLoss,
  ErrorCode.OperationTimeout,
  ErrorCode.RequestTimeout,
  ErrorCode.NewConfigNoQuorum,
  ErrorCode.ReconfigInProgress,
  ErrorCode.ThrottledOp,
])

const NOT_SENT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ErrorCode.SystemError,
  ErrorCode.DataInconsistency,
  ErrorCode.ConnectionLoss,
  ErrorCode.OperationTimeout,
  ErrorCode.UnknownSession,
  ErrorCode.APIError,
  ErrorCode.InvalidCallback,
  ErrorCode.SessionMoved,
  ErrorCode.RequestTimeout,
])

export const ERRORS: readonly ErrorFacts[] = (
  Object.entries(ErrorCode) as [keyof typeof ErrorCode, ErrorCode][]
).map(([name, code]) => ({
  code,
  name,
  retryable: RETRYABLE.has(code),
  clientVisible: !NOT_SENT.has(code),
}))

const BY_CODE: ReadonlyMap<number, ErrorFacts> = new Map(ERRORS.map((facts) => [facts.code, facts]))

/** What is known of a code that came from a peer; undefined for one that nobody assigned. */
export const errorFacts = (code: number): ErrorFacts | undefined => BY_CODE.get(code)

export const errorName = (code: number): string => BY_CODE.get(code)?.name ?? `error ${code}`
