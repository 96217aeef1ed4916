// The past of one server as the leader's side of Zab passes it on: the database, the last
// transactions in memory, the log on disk. It is replaced where a leader replaces this server's
// history.

import type { Zxid } from '../../base/zxid.ts'
import { SnapshotStream } from '../storage/snapshot-stream.ts'
import type { Database } from '../tree/database.ts'
import { RecentCommits } from '../zab/committed-window.ts'
import type { History, LogCursor, SnapshotCursor } from '../zab/history.ts'
import { snapshotSourceOf } from './boot.ts'
import type { EnsembleOptions } from './ensemble-options.ts'

export class Past implements History {
  database: Database
  lastLogged: Zxid
  readonly committed: RecentCommits
  readonly #options: EnsembleOptions

  constructor(options: EnsembleOptions, database: Database) {
    const { commitLogCount, faults } = options
    const leavesGapInWindow = faults?.leavesGapInWindow ?? false
    this.database = database
    this.lastLogged = database.lastZxid
    this.committed = new RecentCommits({ commitLogCount, leavesGapInWindow }, database.lastZxid)
    this.#options = options
    for (const entry of options.recent) this.committed.addFromLog(entry)
  }

  get lastZxid(): Zxid {
    return this.database.lastZxid
  }

  openLog(from: Zxid): LogCursor | null {
    return this.#options.openLog(from)
  }

  openSnapshot(): SnapshotCursor {
    return new SnapshotStream(snapshotSourceOf(this.database), this.lastZxid)
  }

  /** An epoch begins: history goes on from its zero. */
  enter(zxid: Zxid): void {
    this.database.lastZxid = zxid
    this.committed.moveTo(zxid)
  }

  /** Another history takes the place of this one. */
  replace(database: Database): void {
    this.database = database
    this.lastLogged = database.lastZxid
    this.committed.reset(database.lastZxid)
  }
}
