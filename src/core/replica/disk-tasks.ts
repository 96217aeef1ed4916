// The work on the disk that a member of an ensemble has besides its log: epochs, memberships, and
// the exchange of its history for a leader's. One task after the other, in the order asked for.

import { Ring } from '../../base/ring.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { RecoveryTarget } from '../storage/recover.ts'
import { StorageError, StorageErrorCode } from '../storage/storage-error.ts'
import type { SnapshotSource } from '../storage/snapshot-encoder.ts'
import type { Database } from '../tree/database.ts'
import type { Membership } from '../quorum/membership.ts'
import { DatabaseFiller, snapshotSourceOf } from './boot.ts'
import type { EpochFile } from '../zab/zab-host.ts'
import type { DiskTask } from './ready.ts'

export interface TaskRunner {
  /**
   * `done` is called once, in a later turn; with the database that a task brought back. A cut that is
   * not possible brings none back, and leaves everything as it was.
   */
  run(task: DiskTask, done: (database: Database | null) => void): void
}

/** What of a storage is needed here; whatever fails there ends the server there. */
export interface HistoryStorage {
  writeEpoch(file: EpochFile, epoch: number, done: () => void): void
  truncate(zxid: Zxid, target: RecoveryTarget, done: ReadDone): void
  saveHistory(source: SnapshotSource, zxid: Zxid, done: () => void): void
  reload(target: RecoveryTarget, done: ReadDone): void
}

type ReadDone = (error: Error | null, lastZxid: Zxid) => void

export interface DiskTasksContext {
  readonly storage: HistoryStorage
  /** The database as it is at the call. */
  database(): Database
  makeDatabase(): Database
  /** Writes the files of a membership; null: forget what was proposed. */
  writeMembership(membership: Membership | null, isCommitted: boolean, done: () => void): void
  /** Something cannot be done: the server ends. */
  onFatal(error: Error): void
}

interface Waiting {
  readonly task: DiskTask
  readonly done: (database: Database | null) => void
}

export class DiskTasks implements TaskRunner {
  readonly #context: DiskTasksContext
  readonly #waiting = new Ring<Waiting>()
  #isBusy = false

  constructor(context: DiskTasksContext) {
    this.#context = context
  }

  run(task: DiskTask, done: (database: Database | null) => void): void {
    this.#waiting.push({ task, done })
    this.#next()
  }

  #next(): void {
    if (this.#isBusy || this.#waiting.length === 0) return
    this.#isBusy = true
    const { task, done } = this.#waiting.shift()
    this.#begin(task, (database) => {
      this.#isBusy = false
      done(database)
      this.#next()
    })
  }

  #begin(task: DiskTask, done: (database: Database | null) => void): void {
    const { storage } = this.#context
    switch (task.kind) {
      case 'write-epoch':
        storage.writeEpoch(task.file, task.epoch, () => done(null))
        break
      case 'write-membership':
        this.#context.writeMembership(task.membership, task.isCommitted, () => done(null))
        break
      case 'save-history':
        storage.saveHistory(snapshotSourceOf(this.#context.database()), task.zxid, () => done(null))
        break
      case 'truncate':
        this.#read(
          (filler, whenRead) => storage.truncate(task.zxid, filler, whenRead),
          done,
          () => done(null),
        )
        break
      case 'reload':
        this.#read((filler, whenRead) => storage.reload(filler, whenRead), done)
        break
    }
  }

  #read(
    read: (filler: DatabaseFiller, whenRead: ReadDone) => void,
    done: (database: Database) => void,
    notInHistory: (() => void) | null = null,
  ): void {
    const filler = new DatabaseFiller(() => this.#context.makeDatabase())
    read(filler, (error, lastZxid) => {
      if (isNotInHistory(error) && notInHistory !== null) {
        notInHistory()
        return
      }
      if (error !== null) {
        this.#context.onFatal(error)
        return
      }
      filler.database.lastZxid = lastZxid
      done(filler.database)
    })
  }
}

const isNotInHistory = (error: Error | null): boolean =>
  error instanceof StorageError && error.code === StorageErrorCode.notInHistory
