// The names of logs and snapshots, which say what is in them: a log is named after its first
// transaction, a snapshot after the last one applied when it was begun. Names are hexadecimal
// without leading zeros. Files of other names are none of our business.

import { EPOCH_LIMIT, type Zxid } from '../../base/zxid.ts'
import type { Disk } from '../../ports/disk.ts'
import type { SnapshotCompression } from './storage-options.ts'

export interface LogFileName {
  readonly path: string
  readonly zxid: Zxid
}

export interface SnapshotFileName {
  readonly path: string
  readonly zxid: Zxid
  readonly compression: SnapshotCompression
}

/**
 * Files in the making. ZooKeeper would take `snapshot.5.tmp` for a snapshot, so their names begin
 * differently; every start begins them anew.
 */
export const LOG_IN_THE_MAKING = 'zabra-log.tmp'
export const SNAPSHOT_IN_THE_MAKING = 'zabra-snapshot.tmp'

/**
 * A database received from a leader, whole and durable: with this name it has taken the place of
 * everything else, whose removal may still be under way.
 */
const RECEIVED = 'zabra-received'

export const logFileName = (zxid: Zxid): string => `log.${zxid.toString(16)}`

export function snapshotFileName(zxid: Zxid, compression: SnapshotCompression): string {
  const suffix = compression === '' ? '' : `.${compression}`
  return `snapshot.${zxid.toString(16)}${suffix}`
}

export const receivedFileName = (zxid: Zxid, compression: SnapshotCompression): string =>
  `${RECEIVED}.${snapshotFileName(zxid, compression)}`

/** The database received that is to become the snapshot of the same zxid; null for none. */
export function findReceived(disk: Disk, directory: string): SnapshotFileName | null {
  const prefix = `${RECEIVED}.`
  for (const name of disk.list(directory)) {
    if (!name.startsWith(prefix)) continue
    const file = snapshotOfName(directory, name.slice(prefix.length))
    if (file !== null) return { ...file, path: `${directory}/${name}` }
  }
  return null
}

/** The logs of a directory, oldest first. */
export function listLogs(disk: Disk, directory: string): LogFileName[] {
  const files: LogFileName[] = []
  for (const name of disk.list(directory)) {
    const zxid = zxidOfName(/^log\.([0-9a-f]{1,16})$/i.exec(name))
    if (zxid !== null) files.push({ path: `${directory}/${name}`, zxid })
  }
  return files.sort((a, b) => a.zxid - b.zxid)
}

/** The snapshots of a directory, newest first; of two with the same zxid the plain one. */
export function listSnapshots(disk: Disk, directory: string): SnapshotFileName[] {
  const files: SnapshotFileName[] = []
  for (const name of disk.list(directory)) {
    const file = snapshotOfName(directory, name)
    if (file !== null) files.push(file)
  }
  return files.sort((a, b) => b.zxid - a.zxid || a.path.length - b.path.length)
}

/** The logs (oldest first) that may hold transactions from `zxid` on. */
export function logsFrom(logs: readonly LogFileName[], zxid: Zxid): readonly LogFileName[] {
  let first = 0
  for (let i = 0; i < logs.length; i++) if (logs[i]!.zxid <= zxid) first = i
  return logs.slice(first)
}

function snapshotOfName(directory: string, name: string): SnapshotFileName | null {
  const match = /^snapshot\.([0-9a-f]{1,16})(?:\.(gz|snappy))?$/i.exec(name)
  const zxid = zxidOfName(match)
  if (zxid === null) return null
  const compression = (match?.[2]?.toLowerCase() ?? '') as SnapshotCompression
  return { path: `${directory}/${name}`, zxid, compression }
}

function zxidOfName(match: RegExpExecArray | null): Zxid | null {
  if (match === null) return null
  const zxid = Number.parseInt(match[1]!, 16)
  // A larger one is no zxid that this program can hold; ZooKeeper ignores negative ones, too.
  return zxid < EPOCH_LIMIT * 2 ** 32 ? (zxid as Zxid) : null
}
