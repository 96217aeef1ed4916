// Turns a settled call into the error its caller gets. Here it is decided, and nowhere else,
// whether the outcome is known: a write that was sent and not answered is `unknown`, and so is a
// refusal of a write that was sent twice, since the first sending may have been applied.

import { ErrorCode, errorName } from '../core/records/errors.ts'
import { OpCode, opName } from '../core/records/opcodes.ts'
import { type Call, type CallFailure, isWrite } from '../core/session-client/call.ts'
import {
  AbortError,
  AuthFailedError,
  BadArgumentsError,
  BadVersionError,
  ClosedError,
  ConnectionLossError,
  InvalidACLError,
  NewConfigNoQuorumError,
  NoAuthError,
  NoChildrenForEphemeralsError,
  NoNodeError,
  NodeExistsError,
  NotConnectedError,
  NotEmptyError,
  NotReadOnlyError,
  OperationTimeoutError,
  type Outcome,
  PacketTooLargeError,
  ProtocolError,
  QueueFullError,
  QuotaExceededError,
  ReconfigDisabledError,
  ReconfigInProgressError,
  type Retry,
  ServerError,
  SessionLostError,
  ZkError,
  type ZkErrorFields,
} from './errors.ts'

type ZkErrorClass = new (message: string, fields?: ZkErrorFields) => ZkError

/** What the caller knows besides the call: the path without the chroot, session and server. */
export interface ErrorContext {
  readonly path: string
  readonly sessionId: bigint
  readonly server: string | undefined
  /** The reason of the caller's signal, where it ended the wait. */
  readonly abortReason: unknown
}

export function errorOfCall(call: Call<unknown, unknown>, context: ErrorContext): ZkError {
  return call.failure === null ? refusal(call, context) : failure(call, call.failure, context)
}

/** An error code of the server as an error. */
export function errorOfCode(
  code: number,
  fields: ZkErrorFields & { readonly hint?: string },
): ZkError {
  const known = SERVER_ERRORS.get(code)
  const doing = [fields.op, fields.path].filter((part) => part !== undefined).join(' ')
  const what = known?.text ?? `the server answered ${errorName(code)}`
  const name = known?.code ?? `ZK_UNKNOWN_${Math.abs(code)}`
  const message = `${doing}: ${fields.hint ?? what}`
  const retry = known?.retry ?? 'never'
  const outcome = fields.outcome ?? known?.outcome ?? 'unknown'
  const Class = known?.Class ?? ServerError
  return new Class(message, { ...fields, code: name, errno: code, retry, outcome })
}

function refusal(call: Call<unknown, unknown>, context: ErrorContext): ZkError {
  const sentTwice = isWrite(call.op) && call.sends > 1
  const hint = HINTS.get(call.op)?.get(call.error)
  return errorOfCode(call.error, {
    op: methodOf(call.op),
    path: context.path,
    sessionId: context.sessionId,
    zxid: call.zxid,
    ...(context.server === undefined ? {} : { server: context.server }),
    ...(sentTwice ? { outcome: 'unknown' as const } : {}),
    ...(hint === undefined ? {} : { hint }),
  })
}

function failure(call: Call<unknown, unknown>, kind: CallFailure, context: ErrorContext): ZkError {
  const { Class, code, retry } = FAILURES[kind]
  const write = isWrite(call.op)
  const outcome = write && call.sends > 0 ? 'unknown' : 'not-applied'
  return new Class(`${methodOf(call.op)} ${context.path}: ${call.detail}`, {
    code,
    op: methodOf(call.op),
    path: context.path,
    outcome,
    retry: retry === 'safe' && outcome === 'unknown' ? 'after-check' : retry,
    sessionId: context.sessionId,
    ...(call.error === ErrorCode.Ok ? {} : { errno: call.error }),
    ...(context.server === undefined ? {} : { server: context.server }),
    ...(kind === 'aborted' ? { cause: context.abortReason } : {}),
  })
}

/** The method that stands for an operation of the protocol. */
function methodOf(op: OpCode): string {
  switch (op) {
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL:
      return 'create'
    case OpCode.getChildren2:
      return 'getChildren'
    case OpCode.getAllChildrenNumber:
      return 'countDescendants'
    default:
      return opName(op)
  }
}

const FAILURES: Readonly<
  Record<
    CallFailure,
    { readonly Class: ZkErrorClass; readonly code: string; readonly retry: Retry }
  >
> = {
  'connection-loss': { Class: ConnectionLossError, code: 'ZK_CONNECTION_LOSS', retry: 'safe' },
  timeout: { Class: OperationTimeoutError, code: 'ZK_OPERATION_TIMEOUT', retry: 'safe' },
  aborted: { Class: AbortError, code: 'ABORT_ERR', retry: 'after-check' },
  'session-lost': { Class: SessionLostError, code: 'ZK_SESSION_LOST', retry: 'new-session' },
  closed: { Class: ClosedError, code: 'ZK_CLOSED', retry: 'never' },
  'not-connected': { Class: NotConnectedError, code: 'ZK_NOT_CONNECTED', retry: 'safe' },
  'queue-full': { Class: QueueFullError, code: 'ZK_QUEUE_FULL', retry: 'safe' },
  'too-large': { Class: PacketTooLargeError, code: 'ZK_PACKET_TOO_LARGE', retry: 'never' },
  protocol: { Class: ProtocolError, code: 'ZK_PROTOCOL', retry: 'never' },
  'auth-failed': { Class: AuthFailedError, code: 'ZK_AUTH_FAILED', retry: 'never' },
}

/** What a refusal means for one operation, where that is not what it means for all. */
const HINTS: ReadonlyMap<OpCode, ReadonlyMap<number, string>> = new Map([
  [
    OpCode.createTTL,
    new Map([[ErrorCode.Unimplemented, 'a ttl needs extendedTypesEnabled=true on the servers']]),
  ],
  [
    OpCode.reconfig,
    new Map([
      [ErrorCode.BadVersion, 'the ensemble has another configuration than the one to be changed'],
      [ErrorCode.BadArguments, 'the leader cannot make an ensemble of these members'],
      [ErrorCode.NoAuth, 'changing the members takes the right to write /zookeeper/config'],
      [ErrorCode.Unimplemented, 'a server that stands alone has no members to change'],
    ]),
  ],
])

interface ServerErrorFacts {
  readonly Class: ZkErrorClass
  readonly code: string
  readonly retry: Retry
  readonly outcome: Outcome
  readonly text: string
}

const facts = (
  Class: ZkErrorClass,
  code: string,
  text: string,
  retry: Retry = 'never',
  outcome: Outcome = 'not-applied',
): ServerErrorFacts => ({ Class, code, retry, outcome, text })

const SERVER_ERRORS: ReadonlyMap<number, ServerErrorFacts> = new Map<number, ServerErrorFacts>([
  [ErrorCode.NoNode, facts(NoNodeError, 'ZK_NO_NODE', 'the node does not exist')],
  [ErrorCode.NodeExists, facts(NodeExistsError, 'ZK_NODE_EXISTS', 'the node exists already')],
  [
    ErrorCode.BadVersion,
    facts(BadVersionError, 'ZK_BAD_VERSION', 'the node has another version', 'after-check'),
  ],
  [ErrorCode.NotEmpty, facts(NotEmptyError, 'ZK_NOT_EMPTY', 'the node has children')],
  [
    ErrorCode.NoChildrenForEphemerals,
    facts(
      NoChildrenForEphemeralsError,
      'ZK_NO_CHILDREN_FOR_EPHEMERALS',
      'an ephemeral node can have no children',
    ),
  ],
  [ErrorCode.NoAuth, facts(NoAuthError, 'ZK_NO_AUTH', 'the access list does not allow it')],
  [ErrorCode.AuthFailed, facts(AuthFailedError, 'ZK_AUTH_FAILED', 'the identity was refused')],
  [
    ErrorCode.SessionClosedRequireSaslAuth,
    facts(AuthFailedError, 'ZK_SASL_REQUIRED', 'the server requires authentication'),
  ],
  [
    ErrorCode.InvalidACL,
    facts(InvalidACLError, 'ZK_INVALID_ACL', 'the access list is empty or not valid'),
  ],
  [
    ErrorCode.BadArguments,
    facts(BadArgumentsError, 'ZK_BAD_ARGUMENTS', 'the server finds the arguments not valid'),
  ],
  [
    ErrorCode.Unimplemented,
    facts(ServerError, 'ZK_UNIMPLEMENTED', 'the server does not know this operation'),
  ],
  [
    ErrorCode.MarshallingError,
    facts(ServerError, 'ZK_MARSHALLING', 'the server could not read the request'),
  ],
  [
    ErrorCode.QuotaExceeded,
    facts(QuotaExceededError, 'ZK_QUOTA_EXCEEDED', 'the quota is exhausted'),
  ],
  [
    ErrorCode.ThrottledOp,
    facts(ServerError, 'ZK_THROTTLED', 'the server is overloaded and refused it', 'safe'),
  ],
  [
    ErrorCode.RequestTimeout,
    facts(ServerError, 'ZK_REQUEST_TIMEOUT', 'the server gave up on it', 'after-check', 'unknown'),
  ],
  [
    ErrorCode.NotReadOnly,
    facts(NotReadOnlyError, 'ZK_NOT_READ_ONLY', 'the server has no quorum', 'safe'),
  ],
  [
    ErrorCode.SessionMoved,
    facts(ServerError, 'ZK_SESSION_MOVED', 'the session is on another server', 'safe'),
  ],
  [
    ErrorCode.SessionExpired,
    facts(SessionLostError, 'ZK_SESSION_EXPIRED', 'the session has expired', 'new-session'),
  ],
  [
    ErrorCode.UnknownSession,
    facts(ServerError, 'ZK_UNKNOWN_SESSION', 'the server does not know the session'),
  ],
  [
    ErrorCode.EphemeralOnLocalSession,
    facts(
      ServerError,
      'ZK_EPHEMERAL_ON_LOCAL_SESSION',
      'a local session can have no ephemeral nodes',
    ),
  ],
  [
    ErrorCode.ReconfigInProgress,
    facts(
      ReconfigInProgressError,
      'ZK_RECONFIG_IN_PROGRESS',
      'another reconfiguration is going on',
      'safe',
    ),
  ],
  [
    ErrorCode.NewConfigNoQuorum,
    facts(
      NewConfigNoQuorumError,
      'ZK_NEW_CONFIG_NO_QUORUM',
      'too few of those who would vote follow the leader yet',
    ),
  ],
  [
    ErrorCode.ReconfigDisabled,
    facts(
      ReconfigDisabledError,
      'ZK_RECONFIG_DISABLED',
      'a reconfiguration needs reconfigEnabled=true on the servers',
    ),
  ],
  [ErrorCode.NoWatcher, facts(ServerError, 'ZK_NO_WATCHER', 'there is no such watch')],
  [
    ErrorCode.SystemError,
    facts(ServerError, 'ZK_SYSTEM_ERROR', 'the server failed', 'never', 'unknown'),
  ],
  [
    ErrorCode.RuntimeInconsistency,
    facts(
      ServerError,
      'ZK_RUNTIME_INCONSISTENCY',
      'it was not attempted, since another operation failed',
    ),
  ],
  [
    ErrorCode.DataInconsistency,
    facts(ServerError, 'ZK_DATA_INCONSISTENCY', 'the data is inconsistent', 'never', 'unknown'),
  ],
  [
    ErrorCode.APIError,
    facts(ServerError, 'ZK_API_ERROR', 'the server answered an API error', 'never', 'unknown'),
  ],
])
