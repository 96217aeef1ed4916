// What one server's disk holds for certain, as a reader of its own finds it: transactions in logs,
// snapshots that are whole, and the two epochs. What it finds for the first time it passes on.

import { type Zxid, ZXID_ZERO, counterOf, epochOf, formatZxid } from '../../../base/zxid.ts'
import { decodeUtf8 } from '../../../base/text.ts'
import type { EpochFile } from '../../../core/zab/zab-host.ts'
import { isSealed, zxidIn } from '../../checkers/history.ts'
import { Violation } from '../../checkers/violation.ts'
import type { FakeDisk } from '../../fake-disk.ts'
import { LogFollower, type ModelTxn } from '../../model/model-txn.ts'
import { DurableMarks } from './durable-marks.ts'
import { MembershipDisk } from './membership-disk.ts'

/** Hears of what is on a disk for the first time. */
export interface DiskListener {
  found(txn: ModelTxn): void
  /** The disk is in another epoch now. */
  entered(epoch: number): void
}

export class ServerDisk {
  readonly serverId: number
  readonly #disk: FakeDisk
  readonly #listener: DiskListener
  readonly #memberships: MembershipDisk
  readonly #logs = new Map<string, LogFile>()
  /** Where each transaction stands. */
  readonly #places = new Map<Zxid, string>()
  readonly #marks: DurableMarks
  #changes = -1
  #paths: readonly string[] = []
  /** The oldest first. */
  #logPaths: readonly string[] = []
  #snapshotPaths: readonly string[] = []
  #snapshot: Zxid = ZXID_ZERO
  #accepted = 0
  #current = 0

  constructor(serverId: number, disk: FakeDisk, listener: DiskListener) {
    this.serverId = serverId
    this.#disk = disk
    this.#listener = listener
    this.#marks = new DurableMarks(disk)
    this.#memberships = new MembershipDisk(serverId, disk)
  }

  /** Looks at what has changed. */
  follow(): void {
    if (this.#disk.durableChanges === this.#changes) return
    this.#changes = this.#disk.durableChanges
    const paths = this.#disk.durablePaths()
    if (paths !== this.#paths) this.#followNames(paths)
    for (const path of this.#logPaths) if (this.#marks.hasChanged(path)) this.#followLog(path)
    if (this.#snapshotPaths.some((path) => this.#marks.hasChanged(path))) this.#followSnapshots()
    this.#followEpochs()
    this.#memberships.follow()
  }

  #followNames(paths: readonly string[]): void {
    this.#paths = paths
    const logs = new Set(paths.filter((path) => path.includes('/version-2/log.')))
    for (const path of [...this.#logs.keys()]) if (!logs.has(path)) this.#forget(path)
    this.#logPaths = [...logs].sort((a, b) => zxidIn(a) - zxidIn(b))
    this.#snapshotPaths = paths.filter((path) => path.includes('/version-2/snapshot.'))
    this.#followSnapshots()
  }

  #followSnapshots(): void {
    this.#snapshot = ZXID_ZERO
    for (const path of this.#snapshotPaths) {
      const zxid = zxidIn(path)
      if (zxid > this.#snapshot && isSealed(path, this.#disk.durable(path))) this.#snapshot = zxid
    }
  }

  get accepted(): number {
    return this.#accepted
  }

  get current(): number {
    return this.#current
  }

  /** The newest membership that a start would know of, be it decided or proposed. */
  get membershipVersion(): number {
    return this.#memberships.version
  }

  /** Whether it knows of a membership that may be decided or not. */
  get isMembershipOpen(): boolean {
    return this.#memberships.isOpen
  }

  /** The newest whole snapshot. */
  get snapshot(): Zxid {
    return this.#snapshot
  }

  /** The last transaction in a log, or in a snapshot. */
  get last(): Zxid {
    let last = this.#snapshot
    for (const zxid of this.#places.keys()) if (zxid > last) last = zxid
    return last
  }

  /** Whether a start would find the transaction, given that `zxid` lies on its history. */
  holds(zxid: Zxid): boolean {
    return zxid <= this.#snapshot || this.#places.has(zxid)
  }

  /** Whether its own log has the transaction. */
  hasLogged(zxid: Zxid): boolean {
    return this.#places.has(zxid)
  }

  #followLog(path: string): void {
    const content = this.#disk.durable(path)
    if (content === null) return
    let file = this.#logs.get(path)
    if (file !== undefined && !file.isStillIn(content)) {
      this.#forget(path)
      file = undefined
    }
    if (file === undefined) {
      file = new LogFile()
      this.#logs.set(path, file)
    }
    for (const txn of file.follower.next(content)) {
      const { zxid } = txn.header
      this.#requireContiguous(path, file.last, zxid)
      file.add(zxid, content)
      this.#places.set(zxid, path)
      this.#listener.found(txn)
    }
  }

  /** Inside an epoch a log has every transaction, and none before its time. */
  #requireContiguous(path: string, before: Zxid, zxid: Zxid): void {
    if (before === ZXID_ZERO) return
    const isNext = zxid === before + 1 || (epochOf(zxid) > epochOf(before) && counterOf(zxid) === 1)
    if (isNext) return
    throw new Violation(
      'ZxidContiguous',
      `${formatZxid(zxid)} follows ${formatZxid(before)} in ${path} of server ${this.serverId}`,
    )
  }

  #forget(path: string): void {
    for (const zxid of this.#logs.get(path)?.zxids ?? []) {
      if (this.#places.get(zxid) === path) this.#places.delete(zxid)
    }
    this.#logs.delete(path)
  }

  #followEpochs(): void {
    const isSame = EPOCH_PATHS.filter((path) => this.#marks.hasChanged(path)).length === 0
    if (isSame) return
    const accepted = this.#epoch('acceptedEpoch') ?? this.#accepted
    const current = this.#epoch('currentEpoch') ?? this.#current
    if (accepted < this.#accepted || current < this.#current) {
      throw new Violation(
        'EpochMonotone',
        `server ${this.serverId} goes back from accepted ${this.#accepted}, current ` +
          `${this.#current} to accepted ${accepted}, current ${current}`,
      )
    }
    const isNew = current > this.#current
    this.#accepted = accepted
    this.#current = current
    if (isNew) this.#listener.entered(current)
  }

  #epoch(file: EpochFile): number | null {
    const path = `${EPOCH_DIRECTORY}${file}`
    const content = this.#disk.durable(path)
    if (content === null) return null
    const text = decodeUtf8(content, 0, content.length)
    if (/^\d+$/.test(text)) return Number(text)
    throw new Violation('EpochMonotone', `${path} of server ${this.serverId} holds ${text}`)
  }
}

const EPOCH_DIRECTORY = '/data/version-2/'
const EPOCH_PATHS = [`${EPOCH_DIRECTORY}acceptedEpoch`, `${EPOCH_DIRECTORY}currentEpoch`]
const TAIL_BYTES = 24

/** One log file, as far as it has been read. */
class LogFile {
  readonly follower = new LogFollower()
  readonly zxids: Zxid[] = []
  #tail: Uint8Array = new Uint8Array(0)
  #tailAt = 0

  get last(): Zxid {
    return this.zxids.at(-1) ?? ZXID_ZERO
  }

  add(zxid: Zxid, content: Uint8Array): void {
    this.zxids.push(zxid)
    const end = this.follower.offset
    this.#tailAt = end - TAIL_BYTES
    this.#tail = content.slice(this.#tailAt, end)
  }

  /** Whether the end of what was read is where it was: otherwise the file was cut. */
  isStillIn(content: Uint8Array): boolean {
    return this.#tail.every((byte, i) => content[this.#tailAt + i] === byte)
  }
}
