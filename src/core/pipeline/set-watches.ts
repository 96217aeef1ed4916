// setWatches and setWatches2: a client that has reconnected says what it was watching and the last
// zxid it saw. What changed meanwhile is answered with an event at once, the rest is watched again
// (ZooKeeper 3.9 `DataTree.setWatches`). Persistent watches get no such catch-up.

import { type JuteReader, MalformedRecord } from '../jute/reader.ts'
import { type Zxid, ZXID_NONE } from '../../base/zxid.ts'
import { OpCode } from '../records/opcodes.ts'
import { setWatches2Request, setWatchesRequest } from '../records/requests.ts'
import { EventType } from '../records/watches.ts'
import { type DataTree, NO_ROW } from '../tree/data-tree.ts'
import { WatchKind, type WatchManager, type Watcher } from '../watch/watch-manager.ts'

/** `send` takes the events to be sent before the reply. Throws MalformedRecord, having done nothing. */
export function setWatches(
  op: number,
  request: JuteReader,
  tree: DataTree,
  watches: WatchManager,
  watcher: Watcher,
  send: (type: EventType, path: string, zxid: Zxid) => void,
): void {
  const lists = readLists(op, request)
  for (const path of lists.data) {
    const row = tree.lookupText(path)
    if (row === NO_ROW) send(EventType.nodeDeleted, path, ZXID_NONE)
    else if (tree.mzxid(row) > lists.since) send(EventType.nodeDataChanged, path, ZXID_NONE)
    else watches.add(watcher, path, WatchKind.data)
  }
  for (const path of lists.exist) {
    if (tree.lookupText(path) !== NO_ROW) send(EventType.nodeCreated, path, ZXID_NONE)
    else watches.add(watcher, path, WatchKind.data)
  }
  for (const path of lists.child) {
    const row = tree.lookupText(path)
    if (row === NO_ROW) send(EventType.nodeDeleted, path, ZXID_NONE)
    else if (tree.pzxid(row) > lists.since) send(EventType.nodeChildrenChanged, path, ZXID_NONE)
    else watches.add(watcher, path, WatchKind.child)
  }
  for (const path of lists.persistent) watches.add(watcher, path, WatchKind.persistent)
  for (const path of lists.recursive) watches.add(watcher, path, WatchKind.recursive)
}

interface WatchLists {
  readonly since: number
  readonly data: readonly string[]
  readonly exist: readonly string[]
  readonly child: readonly string[]
  readonly persistent: readonly string[]
  readonly recursive: readonly string[]
}

function readLists(op: number, request: JuteReader): WatchLists {
  if (op === OpCode.setWatches) {
    const record = setWatchesRequest.read(request)
    return {
      since: Number(record.relativeZxid),
      data: paths(record.dataWatches),
      exist: paths(record.existWatches),
      child: paths(record.childWatches),
      persistent: [],
      recursive: [],
    }
  }
  const record = setWatches2Request.read(request)
  return {
    since: Number(record.relativeZxid),
    data: paths(record.dataWatches),
    exist: paths(record.existWatches),
    child: paths(record.childWatches),
    persistent: paths(record.persistentWatches),
    recursive: paths(record.persistentRecursiveWatches),
  }
}

function paths(list: readonly (string | null)[] | null): readonly string[] {
  if (list === null) throw new MalformedRecord('a list of watches is missing')
  return list.map((path) => {
    if (path === null) throw new MalformedRecord('a path is missing')
    return path
  })
}
