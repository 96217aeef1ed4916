// From what recovery finds on disk to the database that a replica begins with.

import { assert } from '../../base/assert.ts'
import { Ring } from '../../base/ring.ts'
import type { SessionId } from '../../base/session-id.ts'
import { copyOf } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { Compression } from '../../ports/compression.ts'
import type { Disk } from '../../ports/disk.ts'
import type { Acl } from '../records/acl.ts'
import { type RecoveryResult, type RecoveryTarget, recover } from '../storage/recover.ts'
import type { SnapshotSource } from '../storage/snapshot-encoder.ts'
import type { SnapshotSummary } from '../storage/snapshot-reader.ts'
import type { StorageOptions } from '../storage/storage-options.ts'
import { NO_ROW } from '../tree/data-tree.ts'
import type { Database } from '../tree/database.ts'
import type { LogEntry } from '../zab/log-entry.ts'

export interface Boot {
  readonly database: Database
  readonly recovery: RecoveryResult
  /** The last transactions replayed, oldest first; as many as were asked for. */
  readonly recent: readonly LogEntry[]
}

/**
 * Reads snapshot and logs into a new database. Blocks. Throws a StorageError that says what to do,
 * or a DiskError.
 */
export function bootDatabase(
  disk: Disk,
  compression: Compression,
  options: StorageOptions,
  makeDatabase: () => Database,
  recentMax: number = 0,
): Boot {
  const filler = new DatabaseFiller(makeDatabase, recentMax)
  const recovery = recover(disk, compression, options, filler)
  const { database } = filler
  database.lastZxid = recovery.lastZxid
  return { database, recovery, recent: filler.takeRecent() }
}

/** A database as a snapshot is taken of it. */
export const snapshotSourceOf = (database: Database): SnapshotSource => ({
  tree: database.tree,
  sessions: () => [...database.sessions],
  lastZxid: () => database.lastZxid,
})

/** Takes what recovery finds, or what a leader sends, into a database. */
export class DatabaseFiller implements RecoveryTarget {
  readonly #makeDatabase: () => Database
  readonly #recentMax: number
  #database: Database | null = null
  #recent = new Ring<LogEntry>()

  /** Of the transactions that are replayed the last `recentMax` are kept. */
  constructor(makeDatabase: () => Database, recentMax: number = 0) {
    this.#makeDatabase = makeDatabase
    this.#recentMax = recentMax
  }

  get database(): Database {
    assert(this.#database !== null, 'recovery has not begun')
    return this.#database
  }

  reset(): void {
    this.#database = this.#makeDatabase()
    this.#recent = new Ring()
  }

  /** The last transactions replayed, oldest first. */
  takeRecent(): readonly LogEntry[] {
    const recent: LogEntry[] = []
    while (this.#recent.length > 0) recent.push(this.#recent.shift())
    return recent
  }

  session(id: SessionId, timeoutMs: number): void {
    this.database.sessions.set(id, timeoutMs)
  }

  acl(aclId: number, list: readonly Acl[]): void {
    this.database.tree.acls.load(aclId, list)
  }

  node(
    bytes: Uint8Array,
    pathStart: number,
    pathEnd: number,
    dataStart: number,
    dataEnd: number,
    aclId: number,
    statStart: number,
  ): boolean {
    const { tree } = this.database
    return tree.load(bytes, pathStart, pathEnd, dataStart, dataEnd, aclId, statStart) !== NO_ROW
  }

  snapshotLoaded(zxid: Zxid, summary: SnapshotSummary): void {
    this.database.lastZxid = zxid
    if (summary.digest !== null && summary.digest.zxid > zxid) {
      this.database.fuzzyUntil = summary.digest.zxid
    }
    this.database.finishLoading()
  }

  applyTxn(zxid: Zxid, bytes: Uint8Array, start: number, end: number): void {
    this.database.apply(bytes, start, end, null)
    if (this.#recentMax === 0) return
    if (this.#recent.length === this.#recentMax) this.#recent.shift()
    const copy = copyOf(bytes, start, end)
    this.#recent.push({ zxid, bytes: copy, start: 0, end: copy.length })
  }
}
