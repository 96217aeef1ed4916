// Begins to bring one learner to the leader's history (ZooKeeper 3.9 `LearnerHandler.syncFollower`,
// `Leader.startForwarding`): decides what it gets, and makes it part of the broadcast at the same
// moment. When a learner is due, and what its acknowledgement leads to, is in leading-conversations.ts.

import { mark } from '../../base/marks.ts'
import { encodeUtf8 } from '../../base/text.ts'
import { formatZxid, type Zxid } from '../../base/zxid.ts'
import type { Membership } from '../quorum/membership.ts'
import { PacketType } from '../records/quorum-packet.ts'
import { chooseSync, type SyncPlan } from './choose-sync.ts'
import type { Broadcast } from './leading-broadcast.ts'
import type { Learners } from './leading-learners.ts'
import { type LearnerLink, LearnerStep } from './learner-link.ts'
import type { LeaderHost, ZabOptions } from './zab-host.ts'

export interface SynchronizerOptions extends ZabOptions {
  /** Whether every learner gets the whole database (`forceSnapshotSync`). */
  readonly forceSnapshotSync: boolean
  /** Observers are turned away while so many get a whole database (`leader.maxConcurrentSnapSyncs`). */
  readonly snapshotSyncsMax: number
  /** The same for what they lack (`leader.maxConcurrentDiffSyncs`). */
  readonly differenceSyncsMax: number
}

export class Synchronizer {
  readonly #options: SynchronizerOptions
  readonly #host: LeaderHost
  readonly #learners: Learners
  /** Servers whose history could not be sent from the logs: next time they get the database. */
  readonly #needDatabase = new Set<number>()

  constructor(options: SynchronizerOptions, host: LeaderHost, learners: Learners) {
    this.#options = options
    this.#host = host
    this.#learners = learners
  }

  /** The logs have turned out not to lead up to the present. */
  sendDatabaseNext({ serverId }: LearnerLink): void {
    this.#needDatabase.add(serverId)
  }

  /**
   * Chooses what a learner gets and makes it part of the broadcast, at one moment: what is committed
   * is in the plan, what is proposed comes behind it, and nothing falls between (ZOOKEEPER-962).
   * Returns why not, or null.
   */
  begin(
    learner: LearnerLink,
    broadcast: Broadcast,
    epochZxid: Zxid,
    isServing: boolean,
  ): string | null {
    const { history } = this.#host
    const plan = this.#planFor(learner)
    const isSnapshot = plan.kind === 'snap'
    if (!learner.isFollower && this.#isTooBusyFor(isSnapshot)) {
      mark('leading.observer-turned-away')
      if (plan.kind !== 'snap') plan.missing.close()
      return 'too many learners are being synchronised'
    }
    learner.step = LearnerStep.syncing
    learner.syncKind = plan.kind
    // What it acknowledged on an earlier link it may be about to lose for a while.
    broadcast.leader.forget(learner.serverId)
    this.#host.remark('info', 'a learner joins', {
      server: learner.serverId,
      sync: plan.kind,
      from: formatZxid(learner.lastZxid),
      to: formatZxid(plan.kind === 'snap' ? history.lastZxid : plan.last),
    })
    learner.output.openHistory(plan)
    if (!this.#options.faults.joinsLate) {
      if (learner.isFollower) broadcast.sendOutstanding(learner)
      this.#learners.forward(learner)
    }
    this.announce(learner, epochZxid, isServing)
    return null
  }

  /**
   * NEWLEADER, once for each learner. A database that is being sent shows what is committed
   * meanwhile, so that goes before it: at NEWLEADER the learner has it all, and the snapshot that it
   * saves then is that of one moment (ZooKeeper 3.9 `LearnerHandler.run`).
   */
  announce(learner: LearnerLink, epochZxid: Zxid, isServing: boolean): void {
    if (learner.isAnnounced || learner.output.isReadingSnapshot) return
    learner.isAnnounced = true
    const { text } = this.#membershipFor(learner, isServing)
    learner.output.data(PacketType.newLeader, epochZxid, encodeUtf8(text))
  }

  /**
   * A learner takes it for decided when we serve. What is proposed by then is decided with that; what
   * is proposed later an observer, who sees no proposals, must not hear of before it is decided.
   */
  #membershipFor(learner: LearnerLink, isServing: boolean): Membership {
    const { membership, proposedMembership } = this.#host
    const isDecidedLater = isServing && !learner.isFollower
    return isDecidedLater ? membership : (proposedMembership ?? membership)
  }

  #planFor(learner: LearnerLink): SyncPlan {
    const { history } = this.#host
    const { faults, forceSnapshotSync } = this.#options
    const needsDatabase = this.#needDatabase.delete(learner.serverId)
    return chooseSync(learner.lastZxid, {
      history,
      forceSnapshotSync: forceSnapshotSync || needsDatabase,
      faults,
    })
  }

  #isTooBusyFor(isSnapshot: boolean): boolean {
    const { snapshotSyncsMax, differenceSyncsMax } = this.#options
    return (
      this.#learners.countSyncing(isSnapshot) >=
      (isSnapshot ? snapshotSyncsMax : differenceSyncsMax)
    )
  }
}
