// What the roles of Zab have done for them, done: entries go to the log, committed ones to the
// database, clients' requests from learners to the order, and a leader's snapshot takes the place of
// this server's own history. Which role there is, and what follows from that, is the member's.

import { assert } from '../../base/assert.ts'
import { sessionIdOf } from '../../base/session-id.ts'
import { EMPTY_BYTES } from '../../base/text.ts'
import { type Zxid, zxidOf } from '../../base/zxid.ts'
import type { LinkId, PeerAddress } from '../../ports/peer-network.ts'
import { JuteReader } from '../jute/reader.ts'
import type { JuteWriter } from '../jute/writer.ts'
import type { PeerLinks, RemarkFields } from '../peer/peer-links.ts'
import type { Membership } from '../quorum/membership.ts'
import { OpCode } from '../records/opcodes.ts'
import { SessionReporter } from '../session/session-reporter.ts'
import { SnapshotIntake } from '../storage/snapshot-stream.ts'
import { checkTransaction } from '../tree/check-transaction.ts'
import type { Database } from '../tree/database.ts'
import type { LogEntry } from '../zab/log-entry.ts'
import type {
  EpochFile,
  Epochs,
  ForwardedRequest,
  LeaderHost,
  LearnerHost,
} from '../zab/zab-host.ts'
import { DatabaseFiller } from './boot.ts'
import { Forwarder } from './forwarder.ts'
import type { Member } from './member.ts'
import { Past } from './past.ts'
import { Proposer } from './proposer.ts'
import { sessionIdFrom } from './txn-peek.ts'

export class ZabDesk implements LeaderHost, LearnerHost {
  readonly history: Past
  epochs: Epochs
  readonly #member: Member
  readonly #reader = new JuteReader(EMPTY_BYTES)
  #intake: SnapshotIntake | null = null
  #filler: DatabaseFiller | null = null

  constructor(member: Member, database: Database) {
    this.#member = member
    this.epochs = member.options.epochs
    this.history = new Past(member.options, database)
  }

  get nowMs(): number {
    return this.#member.nowMs
  }

  get links(): PeerLinks {
    return this.#member.links
  }

  get membership(): Membership {
    return this.#member.membership
  }

  get proposedMembership(): Membership | null {
    return this.#member.proposedMembership
  }

  get ownQuorumAddress(): PeerAddress {
    const { serverId, membership } = this.#member
    const own = membership.members.get(serverId)
    assert(own !== undefined, () => `server ${serverId} is not among its members`)
    return own.quorumAddress
  }

  // Both roles

  append(entry: LogEntry): void {
    this.#member.append.push(entry)
    this.history.lastLogged = entry.zxid
  }

  apply(entry: LogEntry): void {
    const { service } = this.#member
    if (service === null) this.replay(entry)
    else {
      service.commit(entry)
      this.history.committed.add(entry)
    }
  }

  /** The entry changes the database while no client is served. */
  replay(entry: LogEntry): void {
    const { bytes, start, end } = entry
    this.history.database.apply(bytes, start, end, null)
    this.history.committed.add(entry)
  }

  writeEpoch(file: EpochFile, epoch: number): void {
    this.#member.addTask({ kind: 'write-epoch', file, epoch })
  }

  membershipOf(text: string): Membership {
    return this.#member.membershipOf(text)
  }

  proposeMembership(membership: Membership): void {
    this.#member.proposeMembership(membership)
  }

  commitMembership(membership: Membership): boolean {
    return this.#member.commitMembership(membership)
  }

  doubt(serverId: number, forMs: number): void {
    this.#member.election.doubt(serverId, forMs)
  }

  leave(reason: string): void {
    this.#member.leave(reason)
  }

  leaveFor(designatedLeader: number, reason: string): void {
    this.#member.leaveFor(designatedLeader, reason)
  }

  remark(level: 'info' | 'warn' | 'error', message: string, fields?: RemarkFields): void {
    this.#member.remark(level, message, fields)
  }

  // A leader

  lead(epoch: number): void {
    this.history.enter(zxidOf(epoch, 0))
    this.#member.lead(epoch)
  }

  request(request: ForwardedRequest): void {
    const writes = this.#member.service?.writes
    if (!(writes instanceof Proposer)) return
    if (request.op === OpCode.sync) this.#member.leading?.sync(request.from)
    else writes.forwarded(request)
  }

  touched(sessionHigh: number, sessionLow: number, _timeoutMs: number): void {
    const tracker = this.#member.service?.sessions.tracker
    const session = tracker?.get(sessionIdFrom(sessionHigh, sessionLow))
    if (session !== undefined) tracker!.touch(session, this.nowMs)
  }

  revalidate(from: LinkId, sessionId: bigint, timeoutMs: number): boolean | null {
    const sessions = this.#member.service?.sessions
    if (sessions === undefined) return false
    const session = sessions.renew(sessionIdOf(sessionId), timeoutMs, from, this.nowMs)
    return session?.closing === true ? null : session !== null
  }

  learnerGone(_link: LinkId): void {
    // Its sessions come back through other servers, or run out of time.
  }

  // A learner

  checkTransaction({ bytes, start, end }: LogEntry): void {
    this.#reader.reset(bytes, start, end)
    checkTransaction(this.#reader)
  }

  follow(epoch: number): void {
    this.#member.follow(epoch)
  }

  /** The database is half of one that a leader sent. */
  get isDatabaseVoid(): boolean {
    return this.#filler !== null
  }

  beginSnapshot(zxid: Zxid): void {
    const { makeDatabase } = this.#member.options
    this.#filler = new DatabaseFiller(makeDatabase)
    this.#filler.reset()
    this.#intake = new SnapshotIntake(this.#filler, this.#member.options.fieldBytesMax)
    this.#filler.database.lastZxid = zxid
    // How late the changes are that it shows already is known at its end.
    this.#filler.database.fuzzyUntil = Number.POSITIVE_INFINITY as Zxid
    this.history.replace(this.#filler.database)
  }

  takeSnapshot(bytes: Uint8Array, start: number, end: number): number {
    assert(this.#intake !== null, 'bytes of a snapshot that never began')
    const position = this.#intake.take(bytes, start, end)
    if (this.#intake.isWhole) {
      this.history.database.finishLoading()
      this.showMembership()
    }
    return position
  }

  get isSnapshotWhole(): boolean {
    return this.#intake?.isWhole ?? false
  }

  saveHistory(): void {
    this.#intake = null
    this.#filler = null
    const zxid = this.history.lastZxid
    // What the leader committed while it wrote has all come by now: what is saved is of one moment.
    this.history.database.fuzzyUntil = zxid
    this.history.lastLogged = zxid
    this.#member.addTask({ kind: 'save-history', zxid })
  }

  truncate(zxid: Zxid): void {
    this.#member.addTask({ kind: 'truncate', zxid })
  }

  /** The disk has brought back another database. */
  replaced(database: Database): void {
    this.#intake = null
    this.#filler = null
    this.history.replace(database)
    this.showMembership()
  }

  synced(): void {
    const writes = this.#member.service?.writes
    if (writes instanceof Forwarder) writes.synced()
  }

  revalidated(sessionId: bigint, isValid: boolean): void {
    this.#member.service?.handshakes.revalidated(sessionIdOf(sessionId), isValid)
  }

  writeTouches(out: JuteWriter): void {
    const tracker = this.#member.service?.sessions.tracker
    if (!(tracker instanceof SessionReporter)) return
    for (const { id, timeoutMs } of tracker.takeReport()) {
      out.long(id)
      out.int(timeoutMs)
    }
  }

  /** `/zookeeper/config` shows what is decided; it is no transaction (ZooKeeper 3.9 `QuorumPeer`). */
  showMembership(): void {
    const { text, version } = this.#member.membership
    this.history.database.showConfig(text, version as Zxid, this.#member.wallMs)
  }
}
