// One learner as its leader sees it: who it is, how far it has come, what is sent to it, and
// whether it still shows signs of life. What is due when is in leading-conversations.ts.

import type { Zxid } from '../../base/zxid.ts'
import { ZXID_ZERO } from '../../base/zxid.ts'
import type { LinkId } from '../../ports/peer-network.ts'
import { PacketStream } from '../peer/packet-stream.ts'
import type { Membership } from '../quorum/membership.ts'
import { LearnerOutput } from './learner-output.ts'
import type { LearnerStatus } from './roles.ts'
import type { LeaderHost } from './zab-host.ts'

/** What a learner has done last, and with it what is expected next. */
export const LearnerStep = {
  /** It has connected and has to say who it is. */
  connected: 0,
  /** It has introduced itself and waits to be told the epoch. */
  introduced: 1,
  /** It has been told the epoch and has to promise to be true to it. */
  invited: 2,
  /** It has promised and waits for its history. */
  promised: 3,
  /** It gets its history and has to acknowledge it. */
  syncing: 4,
  /** It has the history and waits for the leader to be established. */
  synced: 5,
  /** It is up to date, and serves. */
  serving: 6,
} as const

export type LearnerStep = (typeof LearnerStep)[keyof typeof LearnerStep]

export class LearnerLink {
  readonly link: LinkId
  readonly remote: string
  readonly stream: PacketStream
  readonly output: LearnerOutput

  step: LearnerStep = LearnerStep.connected
  serverId = -1
  /** A learner that logs and acknowledges; an observer does not. */
  isFollower = false
  /** The last transaction in its log when it joined. */
  lastZxid: Zxid = ZXID_ZERO
  /** It is sent whatever is proposed. */
  isForwarding = false
  /** NEWLEADER is behind what it is sent. */
  isAnnounced = false
  /** How its history is sent; counts against how many may be sent at a time. */
  syncKind: 'diff' | 'trunc' | 'snap' | null = null
  /** The last tick of the leader's clock in which it counts as in step without another packet. */
  lastTick: number
  hasSentStrange = false

  /** When it was heard of last, and how long it may be silent; null where it is not its turn. */
  #heardMs: number | null
  #silenceMsMax: number

  constructor(
    link: LinkId,
    remote: string,
    host: LeaderHost,
    fieldBytesMax: number | undefined,
    silenceMsMax: number,
    lastTick: number,
  ) {
    this.link = link
    this.remote = remote
    this.stream = new PacketStream(fieldBytesMax)
    this.output = new LearnerOutput(link, host)
    this.lastTick = lastTick
    this.#heardMs = host.nowMs
    this.#silenceMsMax = silenceMsMax
  }

  /** It has to be heard of within `silenceMsMax` from now on, again and again. */
  expectWithin(silenceMsMax: number, nowMs: number): void {
    this.#silenceMsMax = silenceMsMax
    this.#heardMs = nowMs
  }

  /** It is not its turn: whoever waits now is the learner. */
  expectNothing(): void {
    this.#heardMs = null
  }

  heard(nowMs: number): void {
    if (this.#heardMs !== null) this.#heardMs = nowMs
  }

  isSilent(nowMs: number): boolean {
    return this.#heardMs !== null && nowMs - this.#heardMs > this.#silenceMsMax
  }

  /** For `ms` milliseconds nothing could have been heard: the fault was ours. */
  forgive(ms: number): void {
    if (this.#heardMs !== null) this.#heardMs += ms
    this.output.oldestUnanswered.forgive(ms)
  }

  /** Alive as of the leader's tick (ZooKeeper 3.9 `LearnerHandler.synced`). */
  isInStep(tick: number): boolean {
    return tick <= this.lastTick
  }

  statusIn(membership: Membership, tick: number): LearnerStatus {
    return {
      link: this.link,
      serverId: this.serverId,
      isFollower: this.isFollower,
      isVoter: this.isFollower && membership.voters.voters.has(this.serverId),
      isSynced: this.step >= LearnerStep.synced && tick <= this.lastTick,
      remote: this.remote,
    }
  }
}
