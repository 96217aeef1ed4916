// Completes at a start what a crash interrupted: a database received from a leader, whole and
// durable under a name of its own, takes the place of everything else. Nothing of that may be
// replayed over it.

import { mark } from '../../base/marks.ts'
import type { Disk } from '../../ports/disk.ts'
import { findReceived, listLogs, listSnapshots, snapshotFileName } from './file-names.ts'

/** As the running server does it (`changesOfReceived`). Blocks. */
export function finishReceived(disk: Disk, snapshotDirectory: string, logDirectory: string): void {
  const received = findReceived(disk, snapshotDirectory)
  if (received === null) return
  mark('storage-finishes-received')
  for (const { path } of listLogs(disk, logDirectory)) disk.remove(path)
  for (const { path } of listSnapshots(disk, snapshotDirectory)) disk.remove(path)
  const name = snapshotFileName(received.zxid, received.compression)
  disk.move(received.path, `${snapshotDirectory}/${name}`)
}
