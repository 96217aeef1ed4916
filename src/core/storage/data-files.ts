// Which snapshots and logs there are, kept in memory, so that nothing has to be asked of the disk
// while requests are being served. It changes no file.

import type { Zxid } from '../../base/zxid.ts'
import type { Disk } from '../../ports/disk.ts'
import { type LogFileName, type SnapshotFileName, listLogs, listSnapshots } from './file-names.ts'
import { type PurgePlan, planPurge } from './purge.ts'
import { looksWhole } from './snapshot-source.ts'
import { type StorageOptions, versionDirectory } from './storage-options.ts'

export class DataFiles {
  readonly snapshotDirectory: string
  readonly logDirectory: string
  readonly #disk: Disk
  #snapshots: readonly SnapshotFileName[] = []
  #logs: readonly LogFileName[] = []
  #whole: ReadonlySet<string> = new Set()
  /** The newest transaction that a snapshot may show, as far as that is known. */
  readonly #newest = new Map<string, Zxid>()

  /** Lists the directories, which blocks. */
  constructor(disk: Disk, options: Pick<StorageOptions, 'snapshotDirectory' | 'logDirectory'>) {
    this.#disk = disk
    this.snapshotDirectory = versionDirectory(options.snapshotDirectory)
    this.logDirectory = versionDirectory(options.logDirectory)
    this.refresh()
  }

  /** Looks at the directories again. */
  refresh(): void {
    const disk = this.#disk
    this.#snapshots = listSnapshots(disk, this.snapshotDirectory)
    this.#whole = new Set(
      this.#snapshots
        .slice(0, SNAPSHOTS_CHECKED_MAX)
        .filter((file) => looksWhole(disk, file))
        .map((file) => file.path),
    )
    this.#logs = listLogs(disk, this.logDirectory)
    const paths = new Set(this.#snapshots.map((file) => file.path))
    for (const path of [...this.#newest.keys()]) if (!paths.has(path)) this.#newest.delete(path)
  }

  get snapshots(): readonly SnapshotFileName[] {
    return this.#snapshots
  }

  /** Oldest first. */
  get logs(): readonly LogFileName[] {
    return this.#logs
  }

  get hasWholeSnapshot(): boolean {
    return this.#whole.size > 0
  }

  /** The size of the newest whole snapshot; 0 where there is none. */
  newestSnapshotBytes(): number {
    const newest = this.#snapshots
      .filter((file) => this.#whole.has(file.path))
      .reduce<SnapshotFileName | null>(
        (best, file) => (best === null || file.zxid > best.zxid ? file : best),
        null,
      )
    return newest === null ? 0 : (this.#disk.size(newest.path) ?? 0)
  }

  /** A snapshot was written; transactions up to `newest` may show in it. */
  addSnapshot(file: SnapshotFileName, newest: Zxid): void {
    this.#snapshots = [...this.#snapshots.filter((old) => old.path !== file.path), file]
    this.#whole = new Set([...this.#whole, file.path])
    this.#newest.set(file.path, newest)
  }

  /** A log was begun. It may replace a file of that name that held no whole record. */
  addLog(file: LogFileName): void {
    this.#logs = [...this.#logs.filter((log) => log.path !== file.path), file]
  }

  /** The last transaction that may show in a snapshot, as far as that is known. */
  newestOf(file: SnapshotFileName): Zxid {
    return this.#newest.get(file.path) ?? file.zxid
  }

  /** What a purge may remove; that is forgotten here. */
  takePurgeable(retain: number): PurgePlan {
    const isWhole = (file: SnapshotFileName): boolean => this.#whole.has(file.path)
    const plan = planPurge(this.#snapshots, this.#logs, isWhole, retain)
    const removed = new Set([...plan.snapshots, ...plan.logs].map((file) => file.path))
    this.#snapshots = this.#snapshots.filter((file) => !removed.has(file.path))
    this.#logs = this.#logs.filter((file) => !removed.has(file.path))
    return plan
  }
}

/** As many as a start would try. */
const SNAPSHOTS_CHECKED_MAX = 100
