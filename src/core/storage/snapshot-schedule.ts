// When the next snapshot falls due: after so many transactions or bytes of log (ZooKeeper 3.9
// `SyncRequestProcessor`), or, in a large tree, after as many as are worth one. Who writes it, and
// when there is time for it, is not decided here.

import type { Random } from '../../ports/random.ts'
import { RECORD_FRAME_BYTES } from './log-format.ts'

export interface SnapshotLimits {
  /** Transactions between two snapshots, at most. */
  readonly snapCount: number
  /** Bytes of log between two snapshots, at most; 0 for no such limit. */
  readonly snapSizeBytes: number
  readonly random: Random
}

export class SnapshotSchedule {
  readonly #limits: SnapshotLimits
  #txnCount = 0
  #txnBytes = 0
  #txnCountLimit = 0
  #txnBytesLimit = 0

  constructor(limits: SnapshotLimits) {
    this.#limits = limits
    this.begin()
  }

  /**
   * To replay a transaction costs a start about as much as to load a node: in a large tree snapshots
   * come with every second node's worth of transactions. More would cost writers more than they
   * save; fewer, and the log would be most of what a start has to read.
   */
  isDue(nodeCount: number): boolean {
    const worthwhile = nodeCount > LARGE_TREE_NODES ? nodeCount / 2 : 0
    return (
      this.#txnCount > Math.max(this.#txnCountLimit, worthwhile) ||
      (this.#limits.snapSizeBytes > 0 && this.#txnBytes > this.#txnBytesLimit)
    )
  }

  /** A transaction of so many bytes was appended. */
  count(byteCount: number): void {
    this.#txnCount++
    this.#txnBytes += byteCount + RECORD_FRAME_BYTES
  }

  /**
   * Counts anew, up to somewhere between half and all of what is configured, so that the members of
   * an ensemble do not all write their snapshots at once.
   */
  begin(): void {
    const { random, snapCount, snapSizeBytes } = this.#limits
    const halfCount = Math.floor(Math.max(snapCount, 2) / 2)
    const halfBytes = Math.floor(snapSizeBytes / 2)
    this.#txnCount = 0
    this.#txnBytes = 0
    this.#txnCountLimit = halfCount + random.below(halfCount)
    this.#txnBytesLimit = snapSizeBytes > 0 ? halfBytes + random.below(Math.max(halfBytes, 1)) : 0
  }
}

const LARGE_TREE_NODES = 100_000
