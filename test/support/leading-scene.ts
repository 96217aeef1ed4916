// A leader on its small server, with learners who say what a test makes them say.

import { encodeUtf8 } from '../../src/base/text.ts'
import { type Zxid, zxidOf } from '../../src/base/zxid.ts'
import type { LinkId } from '../../src/ports/peer-network.ts'
import { JuteWriter } from '../../src/core/jute/writer.ts'
import {
  beginPacket,
  endPacket,
  PacketType,
  PROTOCOL_VERSION,
  writeIntPacket,
  writeLearnerInfo,
  writePacket,
} from '../../src/core/records/quorum-packet.ts'
import { Leading, type LeadingOptions } from '../../src/core/zab/leading.ts'
import type { LogEntry } from '../../src/core/zab/log-entry.ts'
import { NO_FAULTS } from '../../src/core/zab/zab-faults.ts'
import { entryAt, type LeaderHostStart, type SentPacket, SmallLeaderHost } from './leader-host.ts'

export const LEADING_OPTIONS: LeadingOptions = {
  serverId: 1,
  quorumAddress: { host: 'host1', port: 2888 },
  timing: { tickMs: 1_000, initLimit: 10, syncLimit: 5, connectLimit: 0, connectRetryMs: 100 },
  faults: NO_FAULTS,
  reconfigEnabled: false,
  forceSnapshotSync: false,
  snapshotSyncsMax: 10,
  differenceSyncsMax: 100,
}

/** Servers 1, 2 and so on, the first of which vote. */
export function membershipText(voters: number, observers: number = 0, version = 0): string {
  const ids = Array.from({ length: voters + observers }, (_, i) => i + 1)
  return membershipTextOf(ids.slice(0, voters), ids.slice(voters), version)
}

export function membershipTextOf(
  voters: readonly number[],
  observers: readonly number[],
  version: number,
): string {
  const line = (id: number, role: string): string => `server.${id}=host${id}:2888:3888:${role}`
  return [
    ...voters.map((id) => line(id, 'participant')),
    ...observers.map((id) => line(id, 'observer')),
    `version=${version.toString(16)}`,
  ].join('\n')
}

export const logOf = (epoch: number, count: number): LogEntry[] =>
  Array.from({ length: count }, (_, i) => entryAt(zxidOf(epoch, i + 1)))

export class LeadingScene {
  readonly host: SmallLeaderHost
  readonly leading: Leading
  #links = 0

  /** Three voters and a history of three transactions in epoch 1, unless said otherwise. */
  constructor(start: Partial<LeaderHostStart> = {}, options: Partial<LeadingOptions> = {}) {
    this.host = new SmallLeaderHost({
      accepted: 1,
      current: 1,
      log: logOf(1, 3),
      membership: membershipText(3),
      ...start,
    })
    this.leading = new Leading({ ...LEADING_OPTIONS, ...options }, this.host)
    this.host.role = this.leading
    this.leading.start()
    this.leading.doorOpened()
    this.host.finishAll()
  }

  connect(): LinkId {
    const link = ++this.#links
    this.leading.linkAccepted(link, `10.0.0.${link}:1`)
    return link
  }

  say(link: LinkId, write: (out: JuteWriter) => void): void {
    const out = new JuteWriter()
    write(out)
    this.leading.linkBytes(link, out.copy())
  }

  /** A packet with data. */
  send(link: LinkId, type: PacketType, zxid: Zxid, data: (out: JuteWriter) => void): void {
    this.say(link, (out) => {
      const at = beginPacket(out, type, zxid)
      data(out)
      endPacket(out, at)
    })
  }

  introduce(
    link: LinkId,
    serverId: number,
    { isFollower = true, accepted = 1, config = 0, protocolVersion = PROTOCOL_VERSION } = {},
  ): void {
    const type = isFollower ? PacketType.followerInfo : PacketType.observerInfo
    const info = { serverId, protocolVersion, configVersion: config as Zxid }
    this.say(link, (out) => writeLearnerInfo(out, type, zxidOf(accepted, 0), info))
  }

  promise(link: LinkId, last: Zxid, currentEpoch: number = 1): void {
    this.say(link, (out) => writeIntPacket(out, PacketType.ackEpoch, last, currentEpoch))
  }

  ack(link: LinkId, zxid: Zxid): void {
    this.say(link, (out) => writePacket(out, PacketType.ack, zxid))
  }

  /** Up to the acknowledgement of the history, with the disk keeping up. */
  join(
    serverId: number,
    last: Zxid = zxidOf(1, 3),
    { isFollower = true, config = 0 } = {},
  ): LinkId {
    const link = this.connect()
    this.introduce(link, serverId, { isFollower, config })
    this.host.finishAll()
    this.promise(link, last)
    this.host.finishAll()
    this.ack(link, zxidOf(this.leading.epoch, 0))
    this.host.finishAll()
    return link
  }

  /** What a learner has been sent since it was asked last. */
  heard(link: LinkId): string[] {
    return this.packets(link).map(({ name, zxid }) => `${name} ${shortZxid(zxid)}`)
  }

  packets(link: LinkId): SentPacket[] {
    return this.host.links.take(link)
  }

  propose(): Zxid {
    const zxid = this.leading.nextZxid
    this.leading.propose(entryAt(zxid), null)
    return zxid
  }

  /** A reconfiguration, its text as its body. */
  reconfigure(voters: readonly number[], observers: readonly number[] = []): Zxid {
    const zxid = this.leading.nextZxid
    const text = membershipTextOf(voters, observers, zxid)
    this.leading.propose(entryAt(zxid, encodeUtf8(text)), this.host.membershipOf(text))
    return zxid
  }

  /** Time passes, in steps of half a tick. Learners answer each PING that they get. */
  pass(ms: number, answering: readonly LinkId[] = []): void {
    const end = this.host.nowMs + ms
    while (this.host.nowMs < end && this.host.left === null) {
      this.host.nowMs = Math.min(end, this.leading.deadlineMs)
      this.leading.onTime()
      for (const link of answering) this.answerPing(link)
    }
  }

  answerPing(link: LinkId): void {
    this.send(link, PacketType.ping, this.leading.lastProposed, () => {})
  }

  isHungUp(link: LinkId): boolean {
    return this.host.links.hungUp.includes(link)
  }
}

/** Epoch and counter, for people. */
export const shortZxid = (zxid: Zxid): string =>
  zxid < 0 ? '-1' : `${Math.floor(zxid / 2 ** 32)}.${zxid >>> 0}`
