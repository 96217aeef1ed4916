// Changes of several files, one after the other, in an order that a crash may interrupt anywhere:
// the order is made here, and carried out without blocking. When to change anything is decided
// elsewhere.

import type { Disk, DiskError, Done } from '../../ports/disk.ts'
import type { DataFiles } from './data-files.ts'
import { type SnapshotFileName, snapshotFileName } from './file-names.ts'
import type { Cut } from './recover.ts'

export type FileChange =
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'cut'; readonly path: string; readonly length: number }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  /** Everything before it in that directory survives a crash; nothing behind it has begun. */
  | { readonly kind: 'settle'; readonly directory: string }

/** Carries them out in order, up to the first that fails. A file to remove may be gone already. */
export function carryOut(disk: Disk, changes: readonly FileChange[], done: Done): void {
  let index = 0
  const next = (error: DiskError | null): void => {
    if (error !== null) return done(error)
    const change = changes[index++]
    if (change === undefined) return done(null)
    switch (change.kind) {
      case 'remove':
        return disk.unlink(change.path, (failure) =>
          next(failure !== null && failure.code === 'ENOENT' ? null : failure),
        )
      case 'cut':
        return disk.cut(change.path, change.length, next)
      case 'rename':
        return disk.rename(change.from, change.to, next)
      case 'settle':
        return disk.syncDirectory(change.directory, next)
    }
  }
  next(null)
}

/**
 * Takes history back. Snapshots that show too much go first, while the logs still hold everything;
 * then logs from the newest on, each for certain before the next, so that what is left always is
 * the beginning of what there was; the log in which history is to end is cut last.
 */
export function changesOfCut(cut: Cut, files: DataFiles): FileChange[] {
  const changes: FileChange[] = cut.removeSnapshots.map(({ path }) => ({ kind: 'remove', path }))
  if (changes.length > 0) changes.push({ kind: 'settle', directory: files.snapshotDirectory })
  for (const { path } of cut.removeLogs) {
    changes.push({ kind: 'remove', path }, { kind: 'settle', directory: files.logDirectory })
  }
  if (cut.cutLog !== null) changes.push({ kind: 'cut', ...cut.cutLog })
  return changes
}

/**
 * Puts a database received in the place of everything else. Its present name makes sure that a
 * start does the same (`recover`), so only the last step, which takes that name away, has to wait.
 */
export function changesOfReceived(received: SnapshotFileName, files: DataFiles): FileChange[] {
  const { snapshotDirectory, logDirectory, logs, snapshots } = files
  const { zxid, compression } = received
  const name = snapshotFileName(zxid, compression)
  const changes: FileChange[] = []
  for (const log of logs) changes.push({ kind: 'remove', path: log.path })
  changes.push({ kind: 'settle', directory: logDirectory })
  for (const snapshot of snapshots) changes.push({ kind: 'remove', path: snapshot.path })
  changes.push({ kind: 'settle', directory: snapshotDirectory })
  changes.push({ kind: 'rename', from: received.path, to: `${snapshotDirectory}/${name}` })
  changes.push({ kind: 'settle', directory: snapshotDirectory })
  return changes
}
