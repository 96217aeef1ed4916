// What stops a start: the files are not such that the server can vouch for its data. Each error
// names the file and the place in it, and says what a person can do. Failures of the disk itself
// are DiskErrors of the port.

export const StorageErrorCode = {
  /** A log file's header is cut short or not that of a log. */
  logHeader: 'LOG_HEADER',
  /** A record is complete, but its bytes are not those that were written. */
  logCorrupt: 'LOG_CORRUPT',
  /** Transactions are missing between two that are there. */
  logGap: 'LOG_GAP',
  /** There are logs, but no snapshot that they could be applied to. */
  snapshotMissing: 'SNAPSHOT_MISSING',
  /** A snapshot's content contradicts its seals or itself. */
  snapshotCorrupt: 'SNAPSHOT_CORRUPT',
  /** Every snapshot is corrupt. */
  snapshotsUnreadable: 'SNAPSHOTS_UNREADABLE',
  /** Log and snapshot directory look as if they had been swapped. */
  directoriesMixedUp: 'DIRECTORIES_MIXED_UP',
  /** The files cannot be brought back to an earlier transaction. */
  notInHistory: 'NOT_IN_HISTORY',
  /** The epoch files contradict each other or the transactions. */
  epochs: 'EPOCHS',
  /** An epoch file or `myid` holds no number in range. */
  numberFile: 'NUMBER_FILE',
} as const

export type StorageErrorCode = (typeof StorageErrorCode)[keyof typeof StorageErrorCode]

export class StorageError extends Error {
  override readonly name: string = 'StorageError'
  readonly code: StorageErrorCode
  readonly file: string
  /** Bytes from the start of the file (of what it decompresses to); null where it is about no place. */
  readonly offset: number | null
  /** What happened, without the advice. */
  readonly finding: string
  readonly advice: string

  constructor(
    code: StorageErrorCode,
    file: string,
    offset: number | null,
    finding: string,
    advice: string,
  ) {
    const place = offset === null ? file : `${file}, offset ${offset}`
    super(`${place}: ${finding}. ${advice}`)
    this.code = code
    this.file = file
    this.offset = offset
    this.finding = finding
    this.advice = advice
  }
}
