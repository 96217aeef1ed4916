// The public entry of the client, `zabra`: every name that users may rely on, one by one.

export { connect, createClient, acl } from './node.ts'
export type { ConnectWait } from './connect.ts'
export { ZooKeeper, type CloseOptions } from './zookeeper.ts'
export {
  type AuthInfo,
  type ConnectOptions,
  type OperationOptions,
  type ReadOptions,
} from './options.ts'
export type { Bytes } from './bytes.ts'
export type { Stat } from './stat.ts'
export type { Session } from './session.ts'
export type { State, StateEvent } from './state.ts'
export type { CreateOptions, Created, NodeOptions } from './create.ts'
export type { DeleteOptions } from './delete.ts'
export type { Change, Content, UpdateOptions } from './update.ts'
export type { WalkEntry, WalkOptions } from './walk.ts'
export type { ACL, AclHelpers } from './acl.ts'
export type { EnsembleConfig, EnsembleMember, MembersChange } from './ensemble-config.ts'
export { type Codec, codec } from './codec.ts'
export {
  type GuardFailed,
  type Operation,
  type ReadOperation,
  type ResultsOf,
  Transaction,
  op,
} from './transaction.ts'
export {
  type GapEvent,
  type NodeEvent,
  type ResumedEvent,
  Watch,
  type WatchEvent,
  type WatchOnceKind,
  type WatchOnceOptions,
  type WatchOptions,
} from './watch.ts'
export {
  AbortError,
  AuthFailedError,
  BadArgumentsError,
  BadOptionsError,
  BadVersionError,
  ClosedError,
  type ConnectAttempt,
  ConnectError,
  ConnectionLossError,
  DecodeError,
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
  PathError,
  ProtocolError,
  QueueFullError,
  QuotaExceededError,
  ReconfigDisabledError,
  ReconfigInProgressError,
  type Retry,
  ServerError,
  SessionLostError,
  TransactionError,
  ZkError,
  type ZkErrorFields,
  isZkError,
} from './errors.ts'
