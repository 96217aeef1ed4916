// The small files of an ensemble's member: which epoch it has promised and which it has entered,
// and its number. Decimal text without a line end, as ZooKeeper writes and reads them.

import { encodeUtf8, decodeUtf8 } from '../../base/text.ts'
import { EPOCH_LIMIT } from '../../base/zxid.ts'
import type { Disk } from '../../ports/disk.ts'
import { StorageError, StorageErrorCode } from './storage-error.ts'
import { versionDirectory } from './storage-options.ts'

export type EpochFile = 'acceptedEpoch' | 'currentEpoch'

/** Null where there is no such file yet. */
export function readEpoch(disk: Disk, snapshotDirectory: string, file: EpochFile): number | null {
  return readNumber(disk, `${versionDirectory(snapshotDirectory)}/${file}`, 0, EPOCH_LIMIT - 1)
}

/** Durable when it returns; a reader sees the old epoch or the new one. */
export function writeEpoch(
  disk: Disk,
  snapshotDirectory: string,
  file: EpochFile,
  epoch: number,
): void {
  disk.replace(`${versionDirectory(snapshotDirectory)}/${file}`, encodeUtf8(String(epoch)))
}

/** The server's number; null where there is no `myid`. */
export function readServerId(disk: Disk, snapshotDirectory: string): number | null {
  return readNumber(disk, `${snapshotDirectory}/myid`, 0, SERVER_ID_MAX)
}

function readNumber(disk: Disk, path: string, least: number, most: number): number | null {
  if (disk.size(path) === null) return null
  const text = decodeUtf8(disk.read(path, 0, NUMBER_FILE_BYTES_MAX))
  const line = (text.split(/\r?\n/, 1)[0] ?? '').trim()
  const value = /^[0-9]+$/.test(line) ? Number(line) : Number.NaN
  if (value >= least && value <= most) return value
  throw new StorageError(
    StorageErrorCode.numberFile,
    path,
    null,
    `its first line is ${JSON.stringify(line)}, not a number from ${least} to ${most}`,
    'Write the right number into it, without anything around it.',
  )
}

/** A session id has room for eight bits of it; ZooKeeper uses 255 for no server. */
const SERVER_ID_MAX = 254
const NUMBER_FILE_BYTES_MAX = 64
