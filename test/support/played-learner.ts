// A learner in a small server, with a test in the place of its leader.

import { type Zxid, ZXID_ZERO } from '../../src/base/zxid.ts'
import { Learning } from '../../src/core/zab/learning.ts'
import { NO_FAULTS, type ZabFaults } from '../../src/core/zab/zab-faults.ts'
import { joined, leaderInfo } from './leader-packets.ts'
import { SmallLearnerHost, zxidWord } from './learner-host.ts'

export interface LearnerStart {
  readonly log?: readonly Zxid[]
  readonly snapshot?: Zxid
  readonly accepted?: number
  readonly current?: number
  readonly isVoter?: boolean
  readonly faults?: Partial<ZabFaults>
  readonly membership?: string
  readonly initLimit?: number
}

export const MEMBERSHIP = 'server.1=a:1:2\nserver.2=b:1:2\nserver.3=c:1:2'

export const timing = {
  tickMs: 100,
  initLimit: 10,
  syncLimit: 5,
  connectLimit: 0,
  connectRetryMs: 30,
}

/** Server 2, learning from server 3. */
export class PlayedLearner {
  readonly host: SmallLearnerHost
  readonly learning: Learning
  #saidCount = 0
  #didCount = 0

  constructor(start: LearnerStart = {}) {
    this.host = new SmallLearnerHost({
      serverId: 2,
      accepted: start.accepted ?? 1,
      current: start.current ?? 1,
      log: start.log ?? [],
      snapshot: start.snapshot ?? ZXID_ZERO,
      membership: start.membership ?? MEMBERSHIP,
    })
    const options = {
      serverId: 2,
      leader: 3,
      leaderAddress: { host: 'c', port: 1 },
      isVoter: start.isVoter ?? true,
      timing: { ...timing, initLimit: start.initLimit ?? timing.initLimit },
      faults: { ...NO_FAULTS, ...start.faults },
    }
    this.learning = new Learning(options, this.host)
  }

  /** Bytes from the leader, in one piece; the disk does nothing meanwhile. */
  hear(...packets: readonly Uint8Array[]): void {
    this.learning.linkBytes(this.host.links.lastLink, joined(packets))
    this.host.collect()
  }

  /** The same, and the disk finishes all that follows. */
  hearAndFinish(...packets: readonly Uint8Array[]): void {
    this.hear(...packets)
    this.finishAll()
  }

  finishNext(): boolean {
    return this.host.finishNext(this.learning)
  }

  finishAll(): void {
    this.host.finishAll(this.learning)
  }

  /** Connects and promises the epoch; what has been said and done until then is of no interest. */
  discover(epoch: number): this {
    this.learning.start()
    this.learning.linkOpened(this.host.links.lastLink)
    this.hearAndFinish(leaderInfo(epoch))
    this.said()
    this.did()
    return this
  }

  pass(ms: number): void {
    this.host.nowMs += ms
    this.learning.onTime()
    this.host.collect()
  }

  /** What it has sent since this was last asked, as name and zxid. */
  said(): string[] {
    const { sent } = this.host
    const said = sent.slice(this.#saidCount).map(({ name, zxid }) => `${name} ${zxidWord(zxid)}`)
    this.#saidCount = sent.length
    return said
  }

  /** What it has had done since this was last asked, sending included. */
  did(): string[] {
    const did = this.host.did.slice(this.#didCount)
    this.#didCount = this.host.did.length
    return did
  }
}
