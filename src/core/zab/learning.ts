// The learning side of Zab: one server's life with one leader, as a follower or an observer. It
// finds the leader, promises it an epoch, is brought in step (learning-sync.ts), and then logs,
// acknowledges and applies what it is told (learning-broadcast.ts; ZooKeeper 3.9 `Learner`; Zab
// paper, phases 1 to 3). It owns the transitions of that life and its patience. What transactions
// mean, and how anything becomes durable, it does not know.

import { assert } from '../../base/assert.ts'
import { LEARNER_BACKLOG_BYTES_MAX } from '../../base/limits.ts'
import { mark } from '../../base/marks.ts'
import { EMPTY_BYTES } from '../../base/text.ts'
import { epochOf, type Zxid, ZXID_NONE, zxidOf } from '../../base/zxid.ts'
import type { LinkId, PeerAddress } from '../../ports/peer-network.ts'
import { JuteReader, MalformedRecord } from '../jute/reader.ts'
import { PacketStream } from '../peer/packet-stream.ts'
import type { Id } from '../records/acl.ts'
import {
  beginPacket,
  endPacket,
  packetInt,
  packetName,
  PacketType,
  PROTOCOL_VERSION,
  type QuorumPacket,
  writeIntPacket,
  writeLearnerInfo,
} from '../records/quorum-packet.ts'
import { isCredibleEpoch } from './credible-epoch.ts'
import { DialAttempts } from './dial-attempts.ts'
import { LearningBroadcast } from './learning-broadcast.ts'
import { LearningLedger } from './learning-ledger.ts'
import { LearningSync } from './learning-sync.ts'
import type { LogEntry } from './log-entry.ts'
import type { LearnerRole, ZabPhase } from './roles.ts'
import type { EpochFile, LearnerHost, ZabOptions } from './zab-host.ts'

export interface LearningOptions extends ZabOptions {
  readonly leader: number
  readonly leaderAddress: PeerAddress
  /** A server that is no member yet learns as if it voted; nobody counts it. */
  readonly isVoter: boolean
  /** The longest string or buffer that the leader may send, in bytes. */
  readonly fieldBytesMax?: number
}

/** In the order in which they come; `over` can follow each. */
type State =
  | 'idle'
  | 'connecting'
  /** Between two attempts to connect. */
  | 'resting'
  /** FOLLOWERINFO or OBSERVERINFO is sent. */
  | 'discovering'
  /** The accepted epoch is being written. */
  | 'promising'
  | 'synchronising'
  | 'following'
  | 'over'

export class Learning implements LearnerRole {
  readonly #options: LearningOptions
  readonly #host: LearnerHost
  readonly #attempts: DialAttempts
  readonly #reader = new JuteReader(EMPTY_BYTES)
  #stream: PacketStream
  #ledger: LearningLedger
  #sync: LearningSync
  #broadcast: LearningBroadcast

  #state: State = 'idle'
  #link: LinkId = NO_LINK
  /** What the leader told us to cut off cannot be cut here: it has to send its database. */
  #needsDatabase = false
  /** When the leader was last heard of, or this server's own disk last kept it from listening. */
  #heardMs = 0

  constructor(options: LearningOptions, host: LearnerHost) {
    this.#options = options
    this.#host = host
    this.#attempts = new DialAttempts(options.timing)
    this.#stream = new PacketStream(options.fieldBytesMax)
    this.#ledger = new LearningLedger(options, host)
    this.#sync = new LearningSync(options, host, this.#ledger)
    this.#broadcast = new LearningBroadcast(options.isVoter, host, this.#ledger)
  }

  get phase(): ZabPhase {
    if (this.#state === 'synchronising') return 'synchronization'
    return this.#state === 'following' ? 'broadcast' : 'discovery'
  }

  get epoch(): number {
    return this.#ledger.epoch
  }

  /**
   * The leader may be silent for `initLimit` ticks until NEWLEADER is acknowledged, then for
   * `syncLimit`; not while we do not listen because our own disk is at work.
   */
  get deadlineMs(): number {
    const { tickMs, initLimit, syncLimit } = this.#options.timing
    switch (this.#state) {
      case 'resting':
        return this.#attempts.retryAtMs
      case 'discovering':
        return this.#heardMs + initLimit * tickMs
      case 'synchronising':
        if (this.#sync.awaitsDisk) return Number.POSITIVE_INFINITY
        return this.#heardMs + (this.#sync.state === 'in-step' ? syncLimit : initLimit) * tickMs
      case 'following':
        return this.#heardMs + syncLimit * tickMs
      default:
        return Number.POSITIVE_INFINITY
    }
  }

  describe(): string {
    const { leader, isVoter } = this.#options
    const state = this.#state === 'synchronising' ? this.#sync.state : this.#state
    const waiting = this.#ledger.waitingCount
    return (
      `${isVoter ? 'follower' : 'observer'} of ${leader}, epoch ${this.epoch}, ${state}` +
      (waiting === 0 ? '' : `, ${waiting} not applied`)
    )
  }

  start(): void {
    this.#attempts.begin(this.#host.nowMs)
    this.#dial()
  }

  onTime(): void {
    const { nowMs } = this.#host
    if (nowMs < this.deadlineMs) return
    if (this.#state === 'resting') this.#dial()
    else {
      this.#host.doubt(this.#options.leader, 0)
      this.#end(`the leader was silent for ${nowMs - this.#heardMs} ms`)
    }
  }

  takeUnapplied(): readonly LogEntry[] {
    return this.#ledger.unapplied()
  }

  // The link to the leader

  linkOpened(link: LinkId): void {
    if (link !== this.#link) return
    const { serverId, isVoter } = this.#options
    const { epochs, membership, links } = this.#host
    const type = isVoter ? PacketType.followerInfo : PacketType.observerInfo
    writeLearnerInfo(links.output(link), type, zxidOf(epochs.accepted, 0), {
      serverId,
      protocolVersion: PROTOCOL_VERSION,
      configVersion: membership.version as Zxid,
    })
    this.#heardMs = this.#host.nowMs
    this.#state = 'discovering'
  }

  linkBytes(link: LinkId, bytes: Uint8Array): void {
    if (link !== this.#link) return
    this.#heardMs = this.#host.nowMs
    this.#stream.push(bytes)
    this.#read()
  }

  linkClosed(link: LinkId, reason: string): void {
    if (link !== this.#link) return
    this.#link = NO_LINK
    if (this.#state === 'connecting') this.#missed(reason)
    else this.#end(`the link to the leader closed: ${reason}`)
  }

  linkAccepted(link: LinkId): void {
    this.#host.links.hangUp(link)
  }

  linkRoom(): void {}

  doorOpened(): void {}

  doorFailed(): void {}

  // What the disk has done

  epochWritten(file: EpochFile): void {
    this.#afterDisk(() => {
      if (file === 'currentEpoch') this.#sync.currentEpochWritten()
      else if (this.#state === 'promising') this.#promise(true)
    })
  }

  truncated(isDone: boolean): void {
    this.#afterDisk(() => {
      if (!this.#sync.truncated(isDone)) this.#startOver()
    })
  }

  historySaved(): void {
    this.#afterDisk(() => this.#sync.historySaved())
  }

  durable(zxid: Zxid): void {
    if (this.#state === 'over') return
    this.#ledger.onDurable(zxid)
    if (this.#state === 'synchronising') this.#afterDisk(() => this.#sync.durable())
  }

  // What a server asks of its leader

  forward(
    sessionHigh: number,
    sessionLow: number,
    cxid: number,
    op: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    identities: readonly Id[] | null,
  ): void {
    assert(this.#state === 'following', () => `a request is forwarded while ${this.#state}`)
    const out = this.#host.links.output(this.#link)
    const at = beginPacket(out, PacketType.request)
    out.int(sessionHigh)
    out.int(sessionLow)
    out.int(cxid)
    out.int(op)
    out.raw(bytes, start, end)
    endPacket(out, at, identities)
  }

  revalidate(sessionId: bigint, timeoutMs: number): void {
    assert(this.#state === 'following', () => `a session is revalidated while ${this.#state}`)
    const out = this.#host.links.output(this.#link)
    const at = beginPacket(out, PacketType.revalidate)
    out.long(sessionId)
    out.int(timeoutMs)
    endPacket(out, at)
  }

  // Reaching the leader

  #dial(): void {
    const limitMs = this.#attempts.next(this.#host.nowMs)
    if (limitMs === null) {
      this.#end('the leader could not be reached in time')
      return
    }
    this.#state = 'connecting'
    this.#link = this.#host.links.dial('zab', this.#options.leaderAddress, limitMs)
    this.#ledger.link = this.#link
  }

  /**
   * A leader that does not even refuse cannot be reached from here, or cannot hear anybody; all that
   * it gets through to us are votes for itself, on links that are older than its trouble. To try on
   * would keep the others waiting, who need a leader that they can reach.
   */
  #missed(reason: string): void {
    const missed = this.#attempts.missed(this.#host.nowMs)
    if (missed === 'out-of-reach') {
      mark('learning.leader-out-of-reach')
      this.#host.doubt(this.#options.leader, DOUBTED_DIALS * this.#attempts.longestMs)
    }
    if (missed === 'tried-again') this.#rest()
    else this.#end(`the leader could not be reached: ${reason}`)
  }

  /**
   * The log has no place to cut at: it begins later, with a database that was received. A leader that
   * is being established may need us, so we stay with it and ask for its database instead (ZooKeeper's
   * learners end their process here).
   */
  #startOver(): void {
    mark('learning.not-in-log')
    this.#host.remark(
      'warn',
      'cannot be cut back to where the leader says: asking for its database',
    )
    const { fieldBytesMax } = this.#options
    this.#host.links.hangUp(this.#link)
    this.#link = NO_LINK
    this.#needsDatabase = true
    this.#stream = new PacketStream(fieldBytesMax)
    this.#ledger = new LearningLedger(this.#options, this.#host)
    this.#sync = new LearningSync(this.#options, this.#host, this.#ledger)
    this.#broadcast = new LearningBroadcast(this.#options.isVoter, this.#host, this.#ledger)
    const { nowMs } = this.#host
    this.#attempts.begin(nowMs)
    if (this.#attempts.rest(nowMs) === 'tried-again') this.#rest()
    else this.#end('the leader could not be reached: the log cannot be cut')
  }

  #rest(): void {
    mark('learning.dialled-again')
    this.#state = 'resting'
  }

  // Reading

  /** Takes up what has arrived, as far as this server's own disk lets it. */
  #read(): void {
    this.#guarded(() => {
      while (this.#ledger.ending === null && this.#readOne());
    })
    const backlogBytes = this.#stream.waitingBytes + this.#ledger.waitingBytes
    if (backlogBytes > LEARNER_BACKLOG_BYTES_MAX) {
      this.#end('the leader is too far ahead of what the disk here can take')
    }
  }

  #readOne(): boolean {
    switch (this.#state) {
      case 'following':
        if (!this.#stream.next()) return false
        this.#broadcast.onPacket(this.#stream.packet)
        return true
      case 'synchronising':
        if (this.#sync.awaitsDisk || !this.#sync.readFrom(this.#stream)) return false
        if (this.#sync.isDone) {
          this.#state = 'following'
          this.#broadcast.begin()
        }
        return true
      case 'discovering':
        if (!this.#stream.next()) return false
        this.#onLeaderInfo(this.#stream.packet)
        return true
      default:
        return false
    }
  }

  /** The disk was what kept us from reading, where anything did. */
  #afterDisk(task: () => void): void {
    if (this.#state === 'over') return
    this.#heardMs = this.#host.nowMs
    this.#guarded(task)
    this.#read()
  }

  #guarded(task: () => void): void {
    try {
      task()
    } catch (error) {
      if (!(error instanceof MalformedRecord)) throw error
      mark('learning.malformed')
      this.#ledger.end(`what the leader sent cannot be read: ${error.message}`)
    }
    this.#endIfOver()
  }

  // Discovery: the leader's epoch, and what we promise it (`Learner.registerWithLeader`)

  #onLeaderInfo(packet: QuorumPacket): void {
    if (packet.type !== PacketType.leaderInfo) {
      this.#ledger.end(`the leader began with ${packetName(packet.type)}`)
      return
    }
    // The version of the protocol; there is only this one.
    packetInt(packet, this.#reader)
    const epoch = epochOf(packet.zxid)
    const { accepted } = this.#host.epochs
    if (epoch < accepted) {
      mark('learning.older-epoch')
      this.#ledger.end(`the leader's epoch ${epoch} is behind ${accepted}, which is promised`)
      return
    }
    if (!isCredibleEpoch(epoch, accepted)) {
      mark('learning.incredible-epoch')
      this.#ledger.end(`the leader's epoch ${epoch} is too far ahead of ${accepted} to be true`)
      return
    }
    this.#ledger.epoch = epoch
    if (epoch === accepted) {
      this.#promise(false)
      return
    }
    this.#state = 'promising'
    this.#host.writeEpoch('acceptedEpoch', epoch)
    if (this.#options.faults.promisesEpochEarly) this.#promise(true)
  }

  /**
   * An epoch is promised once, and only when the promise is durable. Whoever had accepted it before
   * says so with -1 and is not counted again (Zab paper, phase 1). Nobody weighs what it says of its
   * history then, so that it may name no place in it at all: it gets a whole database.
   */
  #promise(isNew: boolean): void {
    const { epochs, history, links } = this.#host
    if (!isNew) mark('learning.epoch-known')
    const answer = isNew ? epochs.current : -1
    const out = links.output(this.#link)
    const last = this.#needsDatabase && !isNew ? ZXID_NONE : history.lastLogged
    writeIntPacket(out, PacketType.ackEpoch, last, answer)
    this.#state = 'synchronising'
  }

  // The end

  #end(reason: string): void {
    this.#ledger.end(reason)
    this.#endIfOver()
  }

  #endIfOver(): void {
    const { ending } = this.#ledger
    if (ending === null || this.#state === 'over') return
    this.#state = 'over'
    if (this.#link !== NO_LINK) this.#host.links.hangUp(this.#link)
    this.#link = NO_LINK
    if (ending.designatedLeader === null) this.#host.leave(ending.reason)
    else this.#host.leaveFor(ending.designatedLeader, ending.reason)
  }
}

const NO_LINK: LinkId = 0

/**
 * How long such a leader is not voted for, in the longest attempts to connect: all who have elected
 * it must have given up, and meet in an election, before anybody is for it again.
 */
const DOUBTED_DIALS = 2
