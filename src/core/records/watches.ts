// Watches on the wire: the notification a server sends, and the numbers that name kinds of watch.

import { type Decoded, int, record, ustring } from '../jute/schema.ts'

/** Sent behind a reply header with xid -1. */
export const watcherEvent = record({ type: int, state: int, path: ustring })

export type WatcherEvent = Decoded<typeof watcherEvent>

export const EventType = {
  none: -1,
  nodeCreated: 1,
  nodeDeleted: 2,
  nodeDataChanged: 3,
  nodeChildrenChanged: 4,
  dataWatchRemoved: 5,
  childWatchRemoved: 6,
  persistentWatchRemoved: 7,
} as const

export type EventType = (typeof EventType)[keyof typeof EventType]

export const KeeperState = {
  disconnected: 0,
  syncConnected: 3,
  authFailed: 4,
  connectedReadOnly: 5,
  saslAuthenticated: 6,
  closed: 7,
  expired: -112,
} as const

/** The `mode` of addWatch. */
export const AddWatchMode = { persistent: 0, persistentRecursive: 1 } as const

/** The `type` of checkWatches and removeWatches. */
export const WatcherType = {
  children: 1,
  data: 2,
  any: 3,
  persistent: 4,
  persistentRecursive: 5,
} as const
