// A small server around a learner: a log, a database, epochs and a disk that finishes its work only
// when it is told to, in the order in which it was given. It keeps what a disk would keep, so that
// a test can ask at any moment what a crash would leave, and it reads what the learner sends.

import { type Zxid, ZXID_ZERO } from '../../src/base/zxid.ts'
import type { LinkId, PeerAddress } from '../../src/ports/peer-network.ts'
import { MalformedRecord } from '../../src/core/jute/reader.ts'
import { JuteWriter } from '../../src/core/jute/writer.ts'
import { PacketStream } from '../../src/core/peer/packet-stream.ts'
import type { PeerLinks, RemarkFields } from '../../src/core/peer/peer-links.ts'
import type { Membership } from '../../src/core/quorum/membership.ts'
import { membershipOf } from '../../src/core/quorum/membership-text.ts'
import { packetName } from '../../src/core/records/quorum-packet.ts'
import type { History } from '../../src/core/zab/history.ts'
import type { Learning } from '../../src/core/zab/learning.ts'
import type { LogEntry } from '../../src/core/zab/log-entry.ts'
import type { Epochs, EpochFile, LearnerHost } from '../../src/core/zab/zab-host.ts'

/** What a crash would leave at some moment. */
export interface DurableState {
  readonly log: readonly Zxid[]
  /** The last transaction of the newest snapshot. */
  readonly snapshot: Zxid
  readonly accepted: number
  readonly current: number
}

export interface SentPacket {
  readonly name: string
  readonly zxid: Zxid
  /** Null where the packet has none. */
  readonly data: Uint8Array | null
  readonly bytes: Uint8Array
  /** What was durable when it left. */
  readonly durable: DurableState
}

type DiskTask =
  | { readonly kind: 'append'; readonly zxid: Zxid }
  | { readonly kind: 'epoch'; readonly file: EpochFile; readonly epoch: number }
  | { readonly kind: 'truncate'; readonly zxid: Zxid }
  | { readonly kind: 'save'; readonly zxid: Zxid }

export interface LearnerHostStart {
  readonly serverId: number
  readonly accepted: number
  readonly current: number
  readonly log: readonly Zxid[]
  /** Where the log begins; the last transaction where it is empty. */
  readonly snapshot: Zxid
  readonly membership: string
}

export class SmallLearnerHost implements LearnerHost {
  nowMs = 1_000
  readonly links: SmallLinks = new SmallLinks()
  readonly history: History
  membership: Membership
  proposedMembership: Membership | null = null
  epochs: Epochs
  /** Everything that was done, in order and in words. */
  readonly did: string[] = []
  readonly sent: SentPacket[] = []
  /** What the database holds, in the order in which it came. */
  database: Zxid[]
  durable: DurableState
  /** Which servers, and for how long they are not to be voted for. */
  readonly doubted: [serverId: number, forMs: number][] = []
  left: string | null = null
  leftFor: number | null = null
  /** Session ids and timeouts that the next answer to a PING tells. */
  touches: Uint8Array = new Uint8Array(0)
  /** Whether a membership lets this server go on as it is. */
  keepsRole: (membership: Membership) => boolean = () => true

  readonly #serverId: number
  #log: Zxid[]
  readonly #tasks: DiskTask[] = []
  #snapshotZxid = ZXID_ZERO
  #streamed: number[] = []
  isSnapshotWhole = false

  constructor(start: LearnerHostStart) {
    this.#serverId = start.serverId
    this.#log = [...start.log]
    this.database = start.snapshot === ZXID_ZERO ? [...start.log] : [start.snapshot, ...start.log]
    this.membership = membershipOf(start.membership)
    this.epochs = { accepted: start.accepted, current: start.current }
    this.durable = { log: start.log, snapshot: start.snapshot, ...this.epochs }
    const lastLogged = (): Zxid => this.#log.at(-1) ?? this.durable.snapshot
    this.history = {
      get lastZxid() {
        return lastLogged()
      },
      get lastLogged() {
        return lastLogged()
      },
      committed: { min: ZXID_ZERO, max: ZXID_ZERO, length: 0, at: unused },
      openLog: unused,
      openSnapshot: unused,
    }
  }

  /** Whether the disk has something to do. */
  get isBusy(): boolean {
    return this.#tasks.length > 0
  }

  /** The disk finishes what it was given first. False where there is nothing. */
  finishNext(learning: Learning): boolean {
    const task = this.#tasks.shift()
    if (task === undefined) return false
    switch (task.kind) {
      case 'append':
        this.durable = { ...this.durable, log: [...this.durable.log, task.zxid] }
        learning.durable(task.zxid)
        break
      case 'epoch': {
        const key = task.file === 'acceptedEpoch' ? 'accepted' : 'current'
        this.durable = { ...this.durable, [key]: task.epoch }
        this.epochs = { ...this.epochs, [key]: task.epoch }
        learning.epochWritten(task.file)
        break
      }
      case 'truncate':
        if (task.zxid < this.durable.snapshot) {
          learning.truncated(false)
          break
        }
        this.durable = { ...this.durable, log: this.durable.log.filter((z) => z <= task.zxid) }
        learning.truncated(true)
        break
      case 'save':
        this.durable = { ...this.durable, log: [], snapshot: task.zxid }
        learning.historySaved()
        break
    }
    this.collect()
    return true
  }

  /** The disk finishes everything, and what follows from that. */
  finishAll(learning: Learning): void {
    while (this.finishNext(learning));
  }

  /** Reads what the learner has written since. */
  collect(): void {
    for (const out of this.links.outputs.values()) {
      const bytes = out.copy()
      out.reset()
      const stream = new PacketStream()
      stream.push(bytes)
      let start = 0
      while (stream.next()) {
        const { packet } = stream
        const end = bytes.length - stream.waitingBytes
        this.sent.push({
          name: packetName(packet.type),
          zxid: packet.zxid,
          data: packet.start < 0 ? null : packet.bytes.slice(packet.start, packet.end),
          bytes: bytes.slice(start, end),
          durable: this.durable,
        })
        this.did.push(`send ${packetName(packet.type)} ${zxidWord(packet.zxid)}`)
        start = end
      }
    }
  }

  checkTransaction(): void {}

  append({ zxid }: LogEntry): void {
    this.did.push(`append ${zxidWord(zxid)}`)
    this.#log.push(zxid)
    this.#tasks.push({ kind: 'append', zxid })
  }

  writeEpoch(file: EpochFile, epoch: number): void {
    this.did.push(`write ${file} ${epoch}`)
    this.#tasks.push({ kind: 'epoch', file, epoch })
  }

  apply({ zxid }: LogEntry): void {
    this.did.push(`apply ${zxidWord(zxid)}`)
    this.database.push(zxid)
  }

  proposeMembership(membership: Membership): void {
    this.did.push(`propose membership ${membership.version.toString(16)}`)
    this.proposedMembership = membership.version === this.membership.version ? null : membership
  }

  commitMembership(membership: Membership): boolean {
    this.did.push(`commit membership ${membership.version.toString(16)}`)
    this.membership = membership
    this.proposedMembership = null
    return this.keepsRole(membership)
  }

  membershipOf(text: string): Membership {
    try {
      return membershipOf(text)
    } catch (error) {
      throw new MalformedRecord((error as Error).message)
    }
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

  beginSnapshot(zxid: Zxid): void {
    this.did.push(`begin snapshot ${zxidWord(zxid)}`)
    this.#snapshotZxid = zxid
    this.#streamed = []
    this.isSnapshotWhole = false
  }

  takeSnapshot(bytes: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end; at++) {
      this.#streamed.push(bytes[at]!)
      if (!endsWithSignature(this.#streamed)) continue
      this.isSnapshotWhole = true
      this.database = [this.#snapshotZxid]
      return at + 1
    }
    return end
  }

  /** The stream of the last snapshot, signature included. */
  get streamed(): Uint8Array {
    return Uint8Array.from(this.#streamed)
  }

  saveHistory(): void {
    this.did.push('save history')
    this.#log = []
    this.#tasks.push({ kind: 'save', zxid: this.database.at(-1) ?? this.durable.snapshot })
  }

  truncate(zxid: Zxid): void {
    this.did.push(`truncate ${zxidWord(zxid)}`)
    if (zxid >= this.durable.snapshot) {
      this.#log = this.#log.filter((z) => z <= zxid)
      this.database = this.database.filter((z) => z <= zxid)
    }
    this.#tasks.push({ kind: 'truncate', zxid })
  }

  follow(epoch: number): void {
    this.did.push(`follow in epoch ${epoch}`)
  }

  synced(): void {
    this.did.push('synced')
  }

  revalidated(sessionId: bigint, isValid: boolean): void {
    this.did.push(`revalidated 0x${sessionId.toString(16)} ${isValid}`)
  }

  writeTouches(out: JuteWriter): void {
    out.raw(this.touches, 0, this.touches.length)
    this.touches = new Uint8Array(0)
  }

  remark(level: 'info' | 'warn' | 'error', message: string, fields?: RemarkFields): void {
    const type = fields?.['type'] ?? ''
    this.did.push(`remark ${level}: ${message} ${type}`.trim())
  }

  describe(): string {
    return `server ${this.#serverId}`
  }
}

export class SmallLinks implements PeerLinks {
  readonly outputs = new Map<LinkId, JuteWriter>()
  readonly dialled: { readonly address: PeerAddress; readonly timeoutMs: number }[] = []
  readonly hungUp: LinkId[] = []

  openDoor(): void {
    throw new Error('a learner opens no door')
  }

  closeDoor(): void {
    throw new Error('a learner closes no door')
  }

  /** Links are -1, -2 and so on. */
  dial(_owner: 'zab' | 'election', address: PeerAddress, timeoutMs: number): LinkId {
    this.dialled.push({ address, timeoutMs })
    const link = -this.dialled.length
    this.outputs.set(link, new JuteWriter())
    return link
  }

  get lastLink(): LinkId {
    return -this.dialled.length
  }

  output(link: LinkId): JuteWriter {
    const out = this.outputs.get(link)
    if (out === undefined) throw new Error(`link ${link} is not open`)
    return out
  }

  wantRoom(): void {}

  hangUp(link: LinkId): void {
    this.hungUp.push(link)
  }
}

const SIGNATURE = [...'BenWasHere'].map((character) => character.charCodeAt(0))

function endsWithSignature(bytes: readonly number[]): boolean {
  const offset = bytes.length - SIGNATURE.length
  return offset >= 0 && SIGNATURE.every((byte, i) => bytes[offset + i] === byte)
}

function unused(): never {
  throw new Error('a learner has no use for this')
}

/** Epoch and counter, which are shorter to read than a number. */
export const zxidWord = (zxid: Zxid): string =>
  zxid < 0 ? 'none' : `${Math.floor(zxid / 2 ** 32)}.${zxid >>> 0}`
