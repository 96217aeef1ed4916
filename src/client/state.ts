// What a client tells about its connection and session.

import type { SessionState, StateChange } from '../core/session-client/outputs.ts'
import { formatHost } from '../core/session-client/host-list.ts'

/**
 * `connecting`: not connected yet. `connected`, `readOnly` (to a server without a quorum).
 * `suspended`: the connection is lost, the session may live. `lost`: the session is gone, and a new
 * one is being asked for unless the client closes. `authFailed` and `closed` are final.
 */
export type State = SessionState

export interface StateEvent {
  readonly state: State
  readonly previous: State
  /** For people. */
  readonly reason: string
  readonly sessionId: bigint
  /** The first connection of a session: nothing of an older one is left. */
  readonly newSession: boolean
  /** `host:port`. */
  readonly server: string | null
}

export function stateEvent(change: StateChange): StateEvent {
  const { state, previous, reason, sessionId, newSession, host } = change
  const server = host === null ? null : formatHost(host)
  return { state, previous, reason, sessionId, newSession, server }
}
