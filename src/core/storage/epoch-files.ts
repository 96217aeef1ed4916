// The small files of an ensemble's member: which epoch it has promised and which it has entered,
// and its number. Decimal text without a line end, as ZooKeeper writes and reads them. What an
// epoch is good for is not known here.

import { mark } from '../../base/marks.ts'
import { encodeUtf8, decodeUtf8 } from '../../base/text.ts'
import { EPOCH_LIMIT, type Zxid, ZXID_ZERO, epochOf, formatZxid } from '../../base/zxid.ts'
import type { Disk } from '../../ports/disk.ts'
import { StorageError, StorageErrorCode } from './storage-error.ts'
import { type StorageOptions, versionDirectory } from './storage-options.ts'

export type EpochFile = 'acceptedEpoch' | 'currentEpoch'

/** Null where there is no such file yet. */
export function readEpoch(disk: Disk, snapshotDirectory: string, file: EpochFile): number | null {
  return readNumber(disk, epochPath(snapshotDirectory, file), 0, EPOCH_LIMIT - 1)
}

/** Durable when it returns; a reader sees the old epoch or the new one. */
export function writeEpoch(
  disk: Disk,
  snapshotDirectory: string,
  file: EpochFile,
  epoch: number,
): void {
  disk.replace(epochPath(snapshotDirectory, file), epochContent(epoch))
}

export const epochPath = (snapshotDirectory: string, file: EpochFile): string =>
  `${versionDirectory(snapshotDirectory)}/${file}`

export const epochContent = (epoch: number): Uint8Array => encodeUtf8(String(epoch))

/**
 * Both epochs at a start, `lastZxid` being what recovery has found; blocks. A directory without
 * these files is in the epoch of its last transaction (ZooKeeper 3.9 `QuorumPeer.loadDataBase`).
 *
 * Transactions of an epoch that was promised, but not entered, are there after a crash between
 * the two steps of a synchronisation: first history becomes durable, then the epoch. They are the
 * beginning of that epoch's history, all of the older one included, so the epoch is entered now;
 * ZooKeeper refuses to start unless the crash has left `currentEpoch.tmp`.
 */
export function readEpochs(
  disk: Disk,
  options: Pick<StorageOptions, 'snapshotDirectory' | 'logger'>,
  lastZxid: Zxid,
): { readonly accepted: number; readonly current: number } {
  const { snapshotDirectory, logger } = options
  const epochOfLast = epochOf(lastZxid < ZXID_ZERO ? ZXID_ZERO : lastZxid)
  const take = (file: EpochFile): number => {
    const epoch = readEpoch(disk, snapshotDirectory, file) ?? epochOfLast
    // Written again even so: after a crash, or a sync that failed, a file may be there to be read
    // without being on the medium, and others will be told that it is.
    writeEpoch(disk, snapshotDirectory, file, epoch)
    return epoch
  }
  let current = take('currentEpoch')
  const accepted = take('acceptedEpoch')
  if (epochOfLast > current) {
    if (accepted < epochOfLast) {
      throw epochsDisagree(
        epochPath(snapshotDirectory, 'acceptedEpoch'),
        `epoch ${accepted} was promised, but the last transaction is ${formatZxid(lastZxid)}`,
      )
    }
    mark('storage-enters-epoch-of-last-zxid')
    current = unfinishedEpoch(disk, snapshotDirectory, epochOfLast, accepted) ?? epochOfLast
    logger.warn('a crash kept this server from noting the epoch of its last transaction', {
      epoch: current,
      lastZxid: formatZxid(lastZxid),
    })
    writeEpoch(disk, snapshotDirectory, 'currentEpoch', current)
  }
  if (accepted < current) {
    throw epochsDisagree(
      epochPath(snapshotDirectory, 'acceptedEpoch'),
      `it says ${accepted}, less than the ${current} of currentEpoch`,
    )
  }
  return { accepted, current }
}

/** The server's number; null where there is no `myid`. */
export function readServerId(disk: Disk, snapshotDirectory: string): number | null {
  return readNumber(disk, `${snapshotDirectory}/myid`, 0, SERVER_ID_MAX)
}

/** An epoch that a crash kept from taking the place of the old one (ZOOKEEPER-4269). */
function unfinishedEpoch(
  disk: Disk,
  snapshotDirectory: string,
  least: number,
  most: number,
): number | null {
  try {
    return readNumber(disk, `${epochPath(snapshotDirectory, 'currentEpoch')}.tmp`, least, most)
  } catch (error) {
    // It was torn, or is of another time.
    if (error instanceof StorageError) return null
    throw error
  }
}

function epochsDisagree(path: string, finding: string): StorageError {
  return new StorageError(
    StorageErrorCode.epochs,
    path,
    null,
    finding,
    'These files must come from the same moment as the logs and snapshots. Restore all of them ' +
      'from one copy, or empty the directory and let this server be brought up to date by the ' +
      'others.',
  )
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
