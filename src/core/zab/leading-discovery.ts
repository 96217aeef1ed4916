// How a leader comes to its epoch: it hears of a quorum which epochs they have accepted, chooses one
// above all of them, and has a quorum promise that they will follow in no older one (Zab, phase 1;
// ZooKeeper 3.9 `Leader.getEpochToPropose`, `waitForEpochAck`). It counts and refuses; it sends
// nothing, and does not know what an epoch is for.

import { EPOCH_LIMIT, type Zxid, zxidOf } from '../../base/zxid.ts'
import type { QuorumVerifier } from '../quorum/quorum.ts'
import { isCredibleEpoch } from './credible-epoch.ts'
import type { Epochs } from './zab-host.ts'

export class Discovery {
  /** Above every epoch that anybody has told to have accepted; final once a quorum has arrived. */
  epoch: number
  readonly #serverId: number
  readonly #ownEpoch: number
  readonly #ownAccepted: number
  readonly #ownLast: Zxid
  readonly #arrived = new Set<number>()
  readonly #promised = new Set<number>()

  constructor(serverId: number, epochs: Epochs, lastZxid: Zxid) {
    this.#serverId = serverId
    this.#ownEpoch = epochs.current
    this.#ownAccepted = epochs.accepted
    this.#ownLast = lastZxid
    this.epoch = epochs.accepted + 1
    this.#arrived.add(serverId)
    this.#promised.add(serverId)
  }

  /** Where history goes on from in this epoch. */
  get epochZxid(): Zxid {
    return zxidOf(this.epoch, 0)
  }

  /** Whether there is an epoch left to lead in. */
  get hasEpoch(): boolean {
    return this.epoch < EPOCH_LIMIT
  }

  /** Whether somebody can have accepted this epoch, and one above it can be given. */
  isUsable(acceptedEpoch: number): boolean {
    return isCredibleEpoch(acceptedEpoch, this.#ownAccepted) && acceptedEpoch + 1 < EPOCH_LIMIT
  }

  /** A learner has come that has accepted this epoch. Only followers are counted. */
  arrive(serverId: number, acceptedEpoch: number, isFollower: boolean): void {
    this.epoch = Math.max(this.epoch, acceptedEpoch + 1)
    if (isFollower) this.#arrived.add(serverId)
  }

  hasArrived(quorum: QuorumVerifier): boolean {
    return this.#arrived.has(this.#serverId) && quorum.containsQuorum(this.#arrived)
  }

  /**
   * Whether a learner has more than this server, so that it must not be led by it. `currentEpoch`
   * is -1 where it has promised this epoch before: that is no promise to us.
   */
  isAhead(currentEpoch: number, lastZxid: Zxid): boolean {
    if (currentEpoch < 0) return false
    if (currentEpoch !== this.#ownEpoch) return currentEpoch > this.#ownEpoch
    return lastZxid > this.#ownLast
  }

  /** A learner has promised. Who did so before, or has an unusable database, is not counted. */
  promise(serverId: number, currentEpoch: number, lastZxid: Zxid, isFollower: boolean): void {
    if (isFollower && currentEpoch >= 0 && lastZxid >= 0) this.#promised.add(serverId)
  }

  hasPromised(quorum: QuorumVerifier): boolean {
    return quorum.containsQuorum(this.#promised)
  }
}
