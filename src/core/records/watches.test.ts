import { expect, test } from 'vitest'

import { AddWatchMode, EventType, KeeperState, WatcherType } from './watches.ts'

// ZooKeeper 3.9 `Watcher.Event`, `Watcher.WatcherType` and `AddWatchMode`.
test('the numbers of watches are the protocol’s', () => {
  expect(EventType).toEqual({
    none: -1,
    nodeCreated: 1,
    nodeDeleted: 2,
    nodeDataChanged: 3,
    nodeChildrenChanged: 4,
    dataWatchRemoved: 5,
    childWatchRemoved: 6,
    persistentWatchRemoved: 7,
  })
  expect(KeeperState).toEqual({
    disconnected: 0,
    syncConnected: 3,
    authFailed: 4,
    connectedReadOnly: 5,
    saslAuthenticated: 6,
    closed: 7,
    expired: -112,
  })
  expect(WatcherType).toEqual({
    children: 1,
    data: 2,
    any: 3,
    persistent: 4,
    persistentRecursive: 5,
  })
  expect(AddWatchMode).toEqual({ persistent: 0, persistentRecursive: 1 })
})
