// Which files are no longer needed: older than the snapshots that are kept (ZooKeeper 3.9
// `PurgeTxnLog`). Pure arithmetic on names; who removes them, and when, is not decided here.

import type { LogFileName, SnapshotFileName } from './file-names.ts'

export interface PurgePlan {
  /** Oldest first, snapshots before logs: whatever remains of an interrupted purge is usable. */
  readonly snapshots: readonly SnapshotFileName[]
  readonly logs: readonly LogFileName[]
}

/**
 * Keeps the `retain` newest of the whole snapshots and every log that one of them may need: the
 * newest log that begins at or before the oldest of them holds the transactions that follow it.
 * Without a whole snapshot everything stays.
 */
export function planPurge(
  snapshots: readonly SnapshotFileName[],
  logs: readonly LogFileName[],
  isWhole: (file: SnapshotFileName) => boolean,
  retain: number,
): PurgePlan {
  const newestFirst = [...snapshots].sort((a, b) => b.zxid - a.zxid)
  let kept = 0
  let oldestKept: SnapshotFileName | null = null
  for (const file of newestFirst) {
    if (kept === retain) break
    if (!isWhole(file)) continue
    kept++
    oldestKept = file
  }
  if (oldestKept === null) return { snapshots: [], logs: [] }
  const limit = oldestKept.zxid
  const needed = logs.reduce(
    (newest, log) => (log.zxid <= limit ? Math.max(newest, log.zxid) : newest),
    -1,
  )
  return {
    snapshots: newestFirst.filter((file) => file.zxid < limit).reverse(),
    logs: logs.filter((log) => log.zxid < needed).sort((a, b) => a.zxid - b.zxid),
  }
}
