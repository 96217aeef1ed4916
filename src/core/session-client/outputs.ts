// What comes out of the client's session machine, in the order in which it happened. A watch
// notice always stands before the reply that shows the same change, as the server sent them.

import type { Zxid } from '../../base/zxid.ts'
import type { Call, CallFailure } from './call.ts'
import type { HostPort } from './host-list.ts'
import type { Watcher } from './watch-registry.ts'

export type Output<Tag, WatcherTag> =
  | Call<Tag, WatcherTag>
  | OpenConnection
  | CloseConnection
  | AttemptFailed
  | StateChange
  | WatchNotice<WatcherTag>
  | WatchRearmed<WatcherTag>
  | WatchFailed<WatcherTag>

/**
 * `suspended`: connected before, the session may live. `lost`: the session is gone and, unless the
 * client was told to close, a new one is being asked for. `authFailed` and `closed` are final.
 */
export type SessionState =
  | 'connecting'
  | 'connected'
  | 'readOnly'
  | 'suspended'
  | 'lost'
  | 'authFailed'
  | 'closed'

/** Connect to a host; tell what happens under the number of this attempt. */
export interface OpenConnection {
  readonly kind: 'open'
  readonly attempt: number
  readonly host: HostPort
}

/** Drop the connection of this attempt. What it still says will be ignored. */
export interface CloseConnection {
  readonly kind: 'close'
  readonly attempt: number
}

export interface AttemptFailed {
  readonly kind: 'attempt-failed'
  readonly host: HostPort
  readonly reason: string
}

export interface StateChange {
  readonly kind: 'state'
  readonly state: SessionState
  readonly previous: SessionState
  /** For people. */
  readonly reason: string
  /** Why, where it is a failure. */
  readonly failure: CallFailure | null
  readonly sessionId: bigint
  /** True for the first connection of a session. */
  readonly newSession: boolean
  readonly host: HostPort | null
}

export interface WatchNotice<WatcherTag> {
  readonly kind: 'watch'
  readonly watcher: Watcher<WatcherTag>
  /** An `EventType`. */
  readonly type: number
  readonly path: string
  /** The change's zxid; null from servers before 3.9 and for changes replayed after a reconnect. */
  readonly zxid: Zxid | null
}

/** A persistent watch is set again; what happened between the two zxids was not announced. */
export interface WatchRearmed<WatcherTag> {
  readonly kind: 'watch-rearmed'
  readonly watcher: Watcher<WatcherTag>
  readonly fromZxid: Zxid
  readonly toZxid: Zxid
  readonly newSession: boolean
  readonly host: HostPort
}

/** A watch could not be set again, and is gone. */
export interface WatchFailed<WatcherTag> {
  readonly kind: 'watch-failed'
  readonly watcher: Watcher<WatcherTag>
  readonly error: number
}
