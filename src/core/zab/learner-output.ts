// What a leader sends to one learner, in order: how its history begins, the history itself, then
// everything from the moment of its joining on. A packet is written straight into the link's output
// while the link takes what it gets; otherwise it waits here, as a reference to the transaction and
// not as bytes. Histories are read as the link takes them. It knows nothing of when what is sent.

import { LEARNER_QUEUE_BYTES_MAX } from '../../base/limits.ts'
import { mark } from '../../base/marks.ts'
import { Ring } from '../../base/ring.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { LinkId } from '../../ports/peer-network.ts'
import {
  beginPacket,
  endPacket,
  PacketType,
  writeDataPacket,
  writePacket,
} from '../records/quorum-packet.ts'
import type { HistoryWalk, SyncPlan } from './choose-sync.ts'
import type { SnapshotCursor } from './history.ts'
import type { LogEntry } from './log-entry.ts'
import type { LeaderHost } from './zab-host.ts'

/** A packet that waits. Its data are `data`, then the entry; both null for a packet without. */
interface Waiting {
  readonly type: PacketType
  readonly zxid: Zxid
  readonly data: Uint8Array | null
  readonly entry: LogEntry | null
}

export class LearnerOutput {
  readonly #link: LinkId
  readonly #host: LeaderHost
  #walk: HistoryWalk | null = null
  #snapshot: SnapshotCursor | null = null
  readonly #waiting = new Ring<Waiting>()
  #waitingBytes = 0
  #waitingPings = 0
  /** Bytes written since the link last had room, and whether it has been asked to say so again. */
  #written = 0
  #awaitsRoom = false
  /** Why the learner cannot be served any more; its link is to be hung up. */
  problem: string | null = null
  /** Whether the history on the way out has turned out to be incomplete. */
  isHistoryBroken = false

  readonly oldestUnanswered: UnansweredProposal = new UnansweredProposal()

  constructor(link: LinkId, host: LeaderHost) {
    this.#link = link
    this.#host = host
  }

  /** Whether a history is still being read. */
  get isReadingHistory(): boolean {
    return this.#walk !== null || this.#snapshot !== null
  }

  /** Whether a database is still being read, and shows what is committed meanwhile. */
  get isReadingSnapshot(): boolean {
    return this.#snapshot !== null
  }

  /** Begins with a history, whose pieces go out as the link has room for them. */
  openHistory(plan: SyncPlan): void {
    if (plan.kind === 'snap') {
      const snapshot = this.#host.history.openSnapshot()
      this.#write(PacketType.snap, snapshot.zxid, null, null)
      this.#snapshot = snapshot
    } else {
      const type = plan.kind === 'diff' ? PacketType.diff : PacketType.trunc
      this.#write(type, plan.zxid, null, null)
      this.#walk = plan.missing
    }
    this.#flow()
  }

  onRoom(): void {
    this.#awaitsRoom = false
    this.#written = 0
    this.#flow()
  }

  proposal(entry: LogEntry): void {
    if (this.#isHeldBack) this.#wait(PacketType.proposal, entry.zxid, null, entry)
    else this.#writeProposal(entry)
  }

  inform(entry: LogEntry): void {
    if (this.#isHeldBack) this.#wait(PacketType.inform, entry.zxid, null, entry)
    else this.#write(PacketType.inform, entry.zxid, null, entry)
  }

  /** A packet without data. */
  bare(type: PacketType, zxid: Zxid): void {
    if (this.#isHeldBack) this.#wait(type, zxid, null, null)
    else this.#write(type, zxid, null, null)
  }

  /** A packet with `data`, and behind them those of the entry unless it is null. */
  data(type: PacketType, zxid: Zxid, data: Uint8Array, entry: LogEntry | null = null): void {
    if (this.#isHeldBack) this.#wait(type, zxid, data, entry)
    else this.#write(type, zxid, data, entry)
  }

  /** A sign of life that asks for one; two in a row that wait would ask no more than one. */
  ping(zxid: Zxid): void {
    if (this.#waitingPings > 0 || this.isReadingHistory) return
    this.bare(PacketType.ping, zxid)
  }

  /** Nothing more is sent: what is open is closed. */
  close(): void {
    this.#walk?.close()
    this.#walk = null
    this.#snapshot?.close()
    this.#snapshot = null
    this.#waiting.clear()
    this.#waitingBytes = 0
  }

  /**
   * Whether a packet has to wait behind others. Behind a history that has broken off nothing is
   * written any more: the learner would take what it has for all there is.
   */
  get #isHeldBack(): boolean {
    return (
      this.#awaitsRoom || this.#snapshot !== null || this.#walk !== null || this.problem !== null
    )
  }

  /** Writes what there is until the link has had enough. */
  #flow(): void {
    while (!this.#awaitsRoom && this.problem === null) {
      if (this.#snapshot !== null) this.#writeSnapshot(this.#snapshot)
      else if (this.#walk !== null) this.#writeHistory(this.#walk)
      else if (this.#waiting.length > 0) this.#writeWaiting()
      else return
    }
  }

  #writeSnapshot(snapshot: SnapshotCursor): void {
    const out = this.#host.links.output(this.#link)
    const before = out.position
    if (!snapshot.write(out, SLICE_BYTES)) {
      snapshot.close()
      this.#snapshot = null
    }
    this.#wrote(out.position - before, SLICE_BYTES)
  }

  #writeHistory(walk: HistoryWalk): void {
    const entry = walk.next()
    if (entry !== null) {
      const out = this.#host.links.output(this.#link)
      const { zxid, bytes, start, end } = entry
      const before = out.position
      writeDataPacket(out, PacketType.proposal, zxid, bytes, start, end)
      writePacket(out, PacketType.commit, zxid)
      this.#wrote(out.position - before, SLICE_BYTES)
      return
    }
    this.#walk = null
    if (!walk.isBroken) return
    this.isHistoryBroken = true
    this.problem = 'the logs do not lead up to the present'
  }

  #writeWaiting(): void {
    const { type, zxid, data, entry } = this.#waiting.shift()
    this.#waitingBytes -= costOf(data, entry)
    if (type === PacketType.ping) this.#waitingPings--
    if (type === PacketType.proposal) this.#writeProposal(entry!)
    else this.#write(type, zxid, data, entry)
  }

  #writeProposal(entry: LogEntry): void {
    this.oldestUnanswered.sent(entry.zxid, this.#host.nowMs)
    const out = this.#host.links.output(this.#link)
    const { zxid, bytes, start, end } = entry
    writeDataPacket(out, PacketType.proposal, zxid, bytes, start, end)
    this.#wrote(HEAD_BYTES + end - start, LIVE_BYTES)
  }

  #write(type: PacketType, zxid: Zxid, data: Uint8Array | null, entry: LogEntry | null): void {
    const out = this.#host.links.output(this.#link)
    if (data === null && entry === null) {
      writePacket(out, type, zxid)
      this.#wrote(HEAD_BYTES, LIVE_BYTES)
      return
    }
    const before = out.position
    const at = beginPacket(out, type, zxid)
    if (data !== null) out.raw(data, 0, data.length)
    if (entry !== null) out.raw(entry.bytes, entry.start, entry.end)
    endPacket(out, at)
    this.#wrote(out.position - before, LIVE_BYTES)
  }

  #wrote(count: number, limit: number): void {
    this.#written += count
    if (this.#written < limit || this.#awaitsRoom) return
    this.#awaitsRoom = true
    this.#host.links.wantRoom(this.#link)
  }

  #wait(type: PacketType, zxid: Zxid, data: Uint8Array | null, entry: LogEntry | null): void {
    if (this.problem !== null) return
    if (type === PacketType.ping) this.#waitingPings++
    this.#waiting.push({ type, zxid, data, entry })
    this.#waitingBytes += costOf(data, entry)
    if (this.#waitingBytes > LEARNER_QUEUE_BYTES_MAX) {
      mark('learner.too-slow')
      this.problem = 'it takes what it is sent too slowly'
    }
  }
}

/**
 * The proposal that a learner has owed an answer for the longest, as far as that matters: two are
 * remembered, the oldest and the latest, and the answer to the one makes the other the oldest
 * (ZooKeeper 3.9 `LearnerHandler.SyncLimitCheck`).
 */
export class UnansweredProposal {
  #isCounting = false
  #oldest: Zxid | null = null
  #sinceMs = 0
  #latest: Zxid | null = null
  #latestMs = 0

  /** What is sent from here on counts: before, a learner does not answer. */
  startCounting(): void {
    this.#isCounting = true
  }

  sent(zxid: Zxid, nowMs: number): void {
    if (!this.#isCounting) return
    if (this.#oldest === null) {
      this.#oldest = zxid
      this.#sinceMs = nowMs
    } else {
      this.#latest = zxid
      this.#latestMs = nowMs
    }
  }

  answered(zxid: Zxid): void {
    if (this.#oldest === null || zxid < this.#oldest) return
    if (this.#latest === null || zxid >= this.#latest) {
      this.#oldest = null
    } else {
      this.#oldest = this.#latest
      this.#sinceMs = this.#latestMs
    }
    this.#latest = null
  }

  /** Milliseconds that the oldest has waited; 0 where none does. */
  waitedMs(nowMs: number): number {
    return this.#oldest === null ? 0 : nowMs - this.#sinceMs
  }

  /** Time has passed in which nothing could have been heard. */
  forgive(ms: number): void {
    this.#sinceMs += ms
    this.#latestMs += ms
  }
}

/** What is written of a history at a time: reading it must not hold up everything else. */
const SLICE_BYTES = 128 << 10

/** What is written of the present before the link has to say that it has room. */
const LIVE_BYTES = 1 << 20

/** A packet without data. */
const HEAD_BYTES = 20

/** What a waiting packet costs here, the transaction included: it would be gone otherwise. */
const costOf = (data: Uint8Array | null, entry: LogEntry | null): number =>
  64 + (data === null ? 0 : data.length) + (entry === null ? 0 : entry.end - entry.start)
