// The order of a server that stands alone: a quorum of one, whose own disk is all that has to
// answer.

import type { Zxid } from '../../base/zxid.ts'
import { MajorityQuorum } from '../quorum/quorum.ts'
import { Leader } from '../zab/leader.ts'
import type { LogEntry } from '../zab/log-entry.ts'
import type { Order } from './proposer.ts'

export class Standalone implements Order {
  readonly leader: Leader
  readonly #serverId: number
  readonly #append: LogEntry[]

  /** `append` collects what is to be made durable; `lastZxid` is the end of what is. */
  constructor(serverId: number, append: LogEntry[], lastZxid: Zxid) {
    this.#serverId = serverId
    this.#append = append
    this.leader = new Leader(serverId, new MajorityQuorum([serverId]), lastZxid)
  }

  get nextZxid(): Zxid {
    return this.leader.nextZxid
  }

  get lastProposed(): Zxid {
    return this.leader.lastProposed
  }

  propose(entry: LogEntry): void {
    this.leader.propose(entry)
    this.#append.push(entry)
  }

  durable(zxid: Zxid): void {
    this.leader.acknowledge(this.#serverId, zxid)
  }
}
