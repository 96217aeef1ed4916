// The learning side once the leader serves: what is proposed is logged, what is committed applied,
// and the leader's questions are answered (ZooKeeper 3.9 `Follower.processPacket`,
// `Observer.processPacket`; Zab paper, phase 3). When that begins and ends is its owner's business.

import { mark } from '../../base/marks.ts'
import { EMPTY_BYTES } from '../../base/text.ts'
import { formatZxid } from '../../base/zxid.ts'
import { JuteReader, MalformedRecord } from '../jute/reader.ts'
import {
  beginPacket,
  endPacket,
  packetName,
  PacketType,
  type QuorumPacket,
} from '../records/quorum-packet.ts'
import type { LearningLedger } from './learning-ledger.ts'
import { DESIGNATED_LEADER_BYTES } from './learning-sync.ts'
import type { LearnerHost } from './zab-host.ts'

export class LearningBroadcast {
  readonly #isVoter: boolean
  readonly #host: LearnerHost
  readonly #ledger: LearningLedger
  readonly #reader = new JuteReader(EMPTY_BYTES)

  constructor(isVoter: boolean, host: LearnerHost, ledger: LearningLedger) {
    this.#isVoter = isVoter
    this.#host = host
    this.#ledger = ledger
  }

  /** The leader serves, and so may this server; what came meanwhile is caught up with. */
  begin(): void {
    this.#host.follow(this.#ledger.epoch)
    if (this.#isVoter) this.#ledger.logWaiting()
    this.#ledger.applyCommitted(!this.#isVoter)
  }

  /** Takes up a packet of the leader. Throws MalformedRecord. */
  onPacket(packet: QuorumPacket): void {
    if (this.#isVoter ? this.#onFollowed(packet) : this.#onObserved(packet)) return
    switch (packet.type) {
      case PacketType.ping:
        this.#answerPing(packet)
        return
      case PacketType.sync:
        this.#host.synced()
        return
      case PacketType.revalidate:
        this.#onRevalidated(packet)
        return
      default:
        this.#ignore(packet)
    }
  }

  /** What only a follower is told: false for everything else. */
  #onFollowed(packet: QuorumPacket): boolean {
    switch (packet.type) {
      case PacketType.proposal: {
        const entry = this.#ledger.propose(packet, 0)
        if (entry !== null) this.#ledger.log(entry)
        return true
      }
      case PacketType.commit:
        if (this.#ledger.commit(packet.zxid)) this.#ledger.applyCommitted(false)
        return true
      case PacketType.commitAndActivate:
        if (this.#ledger.commitAndActivate(packet)) this.#ledger.applyCommitted(false)
        return true
      default:
        return false
    }
  }

  /** What only an observer is told, when it is committed: false for everything else. */
  #onObserved(packet: QuorumPacket): boolean {
    switch (packet.type) {
      case PacketType.inform:
        if (this.#ledger.propose(packet, 0) !== null && this.#ledger.commit(packet.zxid)) {
          this.#ledger.applyCommitted(true)
        }
        return true
      case PacketType.informAndActivate:
        if (this.#ledger.propose(packet, DESIGNATED_LEADER_BYTES) === null) return true
        if (this.#ledger.commitAndActivate(packet)) this.#ledger.applyCommitted(true)
        return true
      default:
        return false
    }
  }

  /** Its data are never null, which a leader of ZooKeeper could not read. */
  #answerPing(packet: QuorumPacket): void {
    const out = this.#host.links.output(this.#ledger.link)
    const at = beginPacket(out, PacketType.ping, packet.zxid)
    this.#host.writeTouches(out)
    endPacket(out, at)
  }

  #onRevalidated(packet: QuorumPacket): void {
    if (packet.start < 0) throw new MalformedRecord('REVALIDATE without data')
    this.#reader.reset(packet.bytes, packet.start, packet.end)
    const sessionId = this.#reader.long()
    this.#host.revalidated(sessionId, this.#reader.bool())
  }

  #ignore(packet: QuorumPacket): void {
    mark('learning.unexpected-packet')
    const fields = { type: packetName(packet.type), zxid: formatZxid(packet.zxid) }
    this.#host.remark('warn', 'ignored a packet that the leader should not have sent', fields)
  }
}
