// From what recovery finds on disk to the database that a replica begins with.

import { assert } from '../../base/assert.ts'
import type { SessionId } from '../../base/session-id.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { Compression } from '../../ports/compression.ts'
import type { Disk } from '../../ports/disk.ts'
import type { PipelineSettings } from '../pipeline/settings.ts'
import type { Acl } from '../records/acl.ts'
import { type RecoveryResult, type RecoveryTarget, recover } from '../storage/recover.ts'
import type { SnapshotSource } from '../storage/snapshot-encoder.ts'
import type { SnapshotSummary } from '../storage/snapshot-reader.ts'
import type { StorageOptions } from '../storage/storage-options.ts'
import { type DataTree, NO_ROW } from '../tree/data-tree.ts'
import { Database } from '../tree/database.ts'

export interface Boot {
  readonly database: Database
  readonly recovery: RecoveryResult
  /** Ephemerals whose session was gone: the crash came between the two. */
  readonly orphanCount: number
}

/**
 * Reads snapshot and logs into a new database. Blocks. Throws a StorageError that says what to do,
 * or a DiskError.
 */
export function bootDatabase(
  disk: Disk,
  compression: Compression,
  options: StorageOptions,
  settings: PipelineSettings,
  makeTree: () => DataTree,
): Boot {
  const loader = new DatabaseLoader(settings, makeTree)
  const recovery = recover(disk, compression, options, loader)
  const { database } = loader
  database.lastZxid = recovery.lastZxid
  return { database, recovery, orphanCount: database.dropOrphanEphemerals() }
}

/** A database as a snapshot is taken of it. */
export const snapshotSourceOf = (database: Database): SnapshotSource => ({
  tree: database.tree,
  sessions: () => [...database.sessions],
  lastZxid: () => database.lastZxid,
})

class DatabaseLoader implements RecoveryTarget {
  readonly #settings: PipelineSettings
  readonly #makeTree: () => DataTree
  #database: Database | null = null

  constructor(settings: PipelineSettings, makeTree: () => DataTree) {
    this.#settings = settings
    this.#makeTree = makeTree
  }

  get database(): Database {
    assert(this.#database !== null, 'recovery has not begun')
    return this.#database
  }

  reset(): void {
    this.#database = new Database(this.#makeTree(), this.#settings)
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

  applyTxn(_zxid: Zxid, bytes: Uint8Array, start: number, end: number): void {
    this.database.apply(bytes, start, end, null)
  }
}
