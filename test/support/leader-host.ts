// A small server around a leader: a log, a database and epochs, a disk that finishes its work when
// it is told to, and learners as bare links, whose bytes a test writes and reads itself.

import { formatZxid, type Zxid, ZXID_ZERO } from '../../src/base/zxid.ts'
import type { LinkId, PeerAddress, PeerDoor } from '../../src/ports/peer-network.ts'
import { JuteWriter } from '../../src/core/jute/writer.ts'
import { PacketStream } from '../../src/core/peer/packet-stream.ts'
import type { PeerLinks, RemarkFields } from '../../src/core/peer/peer-links.ts'
import type { Membership } from '../../src/core/quorum/membership.ts'
import { membershipOf } from '../../src/core/quorum/membership-text.ts'
import { packetName, PacketType } from '../../src/core/records/quorum-packet.ts'
import { RecentCommits } from '../../src/core/zab/committed-window.ts'
import type { History, LogCursor, SnapshotCursor } from '../../src/core/zab/history.ts'
import type { LogEntry } from '../../src/core/zab/log-entry.ts'
import type { LeaderRole } from '../../src/core/zab/roles.ts'
import type {
  EpochFile,
  Epochs,
  ForwardedRequest,
  LeaderHost,
} from '../../src/core/zab/zab-host.ts'

export interface LeaderHostStart {
  readonly accepted: number
  readonly current: number
  readonly log: readonly LogEntry[]
  readonly membership: string
  /** The last entries of the log that are in memory; all by default. */
  readonly windowCount?: number
  /** What a snapshot is streamed as. */
  readonly snapshotBytes?: Uint8Array
}

export interface SentPacket {
  readonly name: string
  readonly zxid: Zxid
  readonly data: Uint8Array | null
  readonly bytes: Uint8Array
}

/** A transaction as a request that failed leaves it, unless said otherwise. */
export const entryAt = (zxid: Zxid, bytes: Uint8Array = failedTxn(zxid)): LogEntry => ({
  zxid,
  bytes,
  start: 0,
  end: bytes.length,
})

export class SmallLeaderHost implements LeaderHost {
  nowMs = 1_000
  readonly links: ManyLinks = new ManyLinks()
  readonly history: SmallHistory
  membership: Membership
  proposedMembership: Membership | null = null
  epochs: Epochs
  /** Everything that was done, in order and in words. */
  readonly did: string[] = []
  readonly requests: ForwardedRequest[] = []
  readonly touches: [high: number, low: number, timeoutMs: number][] = []
  /** Which servers, and for how long they are not to be voted for. */
  readonly doubted: [serverId: number, forMs: number][] = []
  left: string | null = null
  leftFor: number | null = null
  liveSessions: ReadonlySet<bigint> = new Set()
  /** Their end is proposed, but not committed. */
  endingSessions: ReadonlySet<bigint> = new Set()
  keepsRole: (membership: Membership) => boolean = () => true
  /** What a request leads to, at once. */
  onRequest: (request: ForwardedRequest) => void = () => {}

  readonly #tasks: (() => void)[] = []

  constructor(start: LeaderHostStart) {
    this.membership = membershipOf(start.membership)
    this.epochs = { accepted: start.accepted, current: start.current }
    this.history = new SmallHistory(start)
  }

  /** Whether the disk has something to do. */
  get isBusy(): boolean {
    return this.#tasks.length > 0
  }

  /** The disk finishes everything, and what follows from that. */
  finishAll(): void {
    for (let task = this.#tasks.shift(); task; task = this.#tasks.shift()) task()
  }

  /** The disk finishes what it was given first. */
  finishNext(): void {
    this.#tasks.shift()?.()
  }

  get leading(): LeaderRole {
    return this.role!
  }

  role: LeaderRole | null = null

  append(entry: LogEntry): void {
    this.did.push(`append ${formatZxid(entry.zxid)}`)
    this.history.log.push(entry)
    this.#tasks.push(() => this.role!.durable(entry.zxid))
  }

  writeEpoch(file: EpochFile, epoch: number): void {
    this.did.push(`write ${file} ${epoch}`)
    this.#tasks.push(() => {
      const key = file === 'acceptedEpoch' ? 'accepted' : 'current'
      this.epochs = { ...this.epochs, [key]: epoch }
      this.role!.epochWritten(file)
    })
  }

  apply(entry: LogEntry): void {
    this.did.push(`apply ${formatZxid(entry.zxid)}`)
    this.history.applied(entry)
  }

  proposeMembership(membership: Membership): void {
    this.did.push(`propose membership ${membership.version.toString(16)}`)
    this.proposedMembership = membership
  }

  commitMembership(membership: Membership): boolean {
    this.did.push(`commit membership ${membership.version.toString(16)}`)
    this.membership = membership
    this.proposedMembership = null
    return this.keepsRole(membership)
  }

  membershipOf(text: string): Membership {
    return membershipOf(text)
  }

  doubt(serverId: number, forMs: number): void {
    this.doubted.push([serverId, forMs])
  }

  leave(reason: string): void {
    this.did.push('leave')
    this.left = reason
  }

  leaveFor(designatedLeader: number, reason: string): void {
    this.did.push(`leave for ${designatedLeader}`)
    this.left = reason
    this.leftFor = designatedLeader
  }

  lead(epoch: number): void {
    this.did.push(`lead in epoch ${epoch}`)
    this.history.enter((epoch * 2 ** 32) as Zxid)
  }

  request(request: ForwardedRequest): void {
    this.requests.push(request)
    this.onRequest(request)
  }

  touched(sessionHigh: number, sessionLow: number, timeoutMs: number): void {
    this.touches.push([sessionHigh, sessionLow, timeoutMs])
  }

  revalidate(_from: LinkId, sessionId: bigint): boolean | null {
    if (this.endingSessions.has(sessionId)) return null
    return this.liveSessions.has(sessionId)
  }

  learnerGone(link: LinkId): void {
    this.did.push(`learner gone ${link}`)
  }

  remark(level: 'info' | 'warn' | 'error', message: string, fields?: RemarkFields): void {
    this.did.push(`remark ${level}: ${message} ${fields?.['reason'] ?? ''}`.trim())
  }
}

export class SmallHistory implements History {
  readonly log: LogEntry[]
  readonly committed: RecentCommits
  lastZxid: Zxid
  /** From where the log on disk can be read; null for nowhere. */
  logReaches: Zxid | null = null
  openCursors = 0
  snapshotBytes: Uint8Array

  constructor(start: Pick<LeaderHostStart, 'log' | 'windowCount' | 'snapshotBytes'>) {
    this.log = [...start.log]
    this.lastZxid = this.log.at(-1)?.zxid ?? ZXID_ZERO
    const window = { commitLogCount: 500, leavesGapInWindow: false }
    this.committed = new RecentCommits(window, this.lastZxid)
    const count = start.windowCount ?? this.log.length
    for (const entry of count === 0 ? [] : this.log.slice(-count)) this.committed.add(entry)
    this.snapshotBytes = start.snapshotBytes ?? SIGNATURE
  }

  get lastLogged(): Zxid {
    return this.log.at(-1)?.zxid ?? this.lastZxid
  }

  applied(entry: LogEntry): void {
    this.committed.add(entry)
    this.lastZxid = entry.zxid
  }

  enter(zxid: Zxid): void {
    this.lastZxid = zxid
    this.committed.moveTo(zxid)
  }

  openLog(from: Zxid): LogCursor | null {
    if (this.logReaches === null || from < this.logReaches) return null
    // As a log on disk does, it begins at or before what was asked for.
    let index = this.log.findIndex((entry) => entry.zxid >= from)
    if (index > 0) index--
    this.openCursors++
    return {
      next: () => this.log[index++] ?? null,
      close: () => void this.openCursors--,
    }
  }

  openSnapshot(): SnapshotCursor {
    const bytes = this.snapshotBytes
    let at = 0
    this.openCursors++
    return {
      zxid: this.lastZxid,
      write: (out, count) => {
        const end = Math.min(at + count, bytes.length)
        out.raw(bytes, at, end)
        at = end
        return at < bytes.length
      },
      close: () => void this.openCursors--,
    }
  }
}

/** Links that learners have opened, and what was written to them. */
export class ManyLinks implements PeerLinks {
  readonly outputs = new Map<LinkId, JuteWriter>()
  readonly hungUp: LinkId[] = []
  readonly roomWanted = new Set<LinkId>()
  door: PeerAddress | null = null

  openDoor(_door: PeerDoor, address: PeerAddress): void {
    this.door = address
  }

  closeDoor(): void {
    this.door = null
  }

  dial(): LinkId {
    throw new Error('a leader dials nobody')
  }

  output(link: LinkId): JuteWriter {
    let out = this.outputs.get(link)
    if (out === undefined) {
      out = new JuteWriter()
      this.outputs.set(link, out)
    }
    return out
  }

  wantRoom(link: LinkId): void {
    this.roomWanted.add(link)
  }

  hangUp(link: LinkId): void {
    this.hungUp.push(link)
  }

  /** What has been written to a link since the last call; a snapshot shows as SNAPSHOT-STREAM. */
  take(link: LinkId): SentPacket[] {
    const out = this.outputs.get(link)
    if (out === undefined) return []
    const bytes = out.copy()
    out.reset()
    const stream = new PacketStream()
    stream.push(bytes)
    const packets: SentPacket[] = []
    let start = 0
    while (stream.waitingBytes > 0 && stream.next()) {
      const { packet } = stream
      let end = bytes.length - stream.waitingBytes
      packets.push({
        name: packetName(packet.type),
        zxid: packet.zxid,
        data: packet.start < 0 ? null : packet.bytes.slice(packet.start, packet.end),
        bytes: bytes.slice(start, end),
      })
      start = end
      if (packet.type !== PacketType.snap) continue
      end = endOfSnapshot(bytes, start)
      const streamed = bytes.slice(start, end)
      packets.push({ name: 'SNAPSHOT-STREAM', zxid: packet.zxid, data: null, bytes: streamed })
      stream.readUpTo(end)
      start = end
    }
    return packets
  }
}

const SIGNATURE = Uint8Array.from([0, 0, 0, 10, ...[...'BenWasHere'].map((c) => c.charCodeAt(0))])

function endOfSnapshot(bytes: Uint8Array, from: number): number {
  for (let at = from; at + SIGNATURE.length <= bytes.length; at++) {
    if (SIGNATURE.every((byte, i) => bytes[at + i] === byte)) return at + SIGNATURE.length
  }
  return bytes.length
}

function failedTxn(zxid: Zxid): Uint8Array {
  const out = new JuteWriter(36)
  out.long(0n)
  out.int(0)
  out.safeLong(zxid)
  out.safeLong(0)
  out.int(-1)
  out.int(-110)
  return out.copy()
}
