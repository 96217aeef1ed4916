import { beforeEach, describe, expect, it } from 'vitest'

import { entryAt, SmallLeaderHost } from '../../../test/support/leader-host.ts'
import { type Zxid, ZXID_NONE, zxidOf } from '../../base/zxid.ts'
import type { LinkId } from '../../ports/peer-network.ts'
import { JuteWriter } from '../jute/writer.ts'
import {
  PacketType,
  PROTOCOL_VERSION,
  writeIntPacket,
  writeLearnerInfo,
  writePacket,
} from '../records/quorum-packet.ts'
import { Leading, type LeadingOptions } from './leading.ts'
import { NO_FAULTS } from './zab-faults.ts'

const OPTIONS: LeadingOptions = {
  serverId: 1,
  quorumAddress: { host: 'one', port: 2888 },
  timing: { tickMs: 1_000, initLimit: 10, syncLimit: 5, connectLimit: 0, connectRetryMs: 100 },
  faults: NO_FAULTS,
  reconfigEnabled: false,
  forceSnapshotSync: false,
  snapshotSyncsMax: 10,
  differenceSyncsMax: 100,
}

const membershipText = (voters: number, observers: number = 0, version = '0'): string => {
  const lines: string[] = []
  for (let id = 1; id <= voters + observers; id++) {
    const role = id <= voters ? 'participant' : 'observer'
    lines.push(`server.${id}=host${id}:2888:3888:${role}`)
  }
  return [...lines, `version=${version}`].join('\n')
}

const log = (epoch: number, count: number) =>
  Array.from({ length: count }, (_, i) => entryAt(zxidOf(epoch, i + 1)))

/** A leader with its disk, and the words that learners say to it. */
class Scene {
  readonly host: SmallLeaderHost
  readonly leading: Leading
  #links = 0

  constructor(host: SmallLeaderHost, options: Partial<LeadingOptions> = {}) {
    this.host = host
    this.leading = new Leading({ ...OPTIONS, ...options }, host)
    host.role = this.leading
    this.leading.start()
    this.leading.doorOpened()
    host.finishAll()
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

  introduce(link: LinkId, serverId: number, isFollower = true, accepted = 0, config = 0): void {
    const type = isFollower ? PacketType.followerInfo : PacketType.observerInfo
    const info = { serverId, protocolVersion: PROTOCOL_VERSION, configVersion: config as Zxid }
    this.say(link, (out) => writeLearnerInfo(out, type, zxidOf(accepted, 0), info))
    this.host.finishAll()
  }

  promise(link: LinkId, last: Zxid, currentEpoch: number): void {
    this.say(link, (out) => writeIntPacket(out, PacketType.ackEpoch, last, currentEpoch))
    this.host.finishAll()
  }

  ack(link: LinkId, zxid: Zxid): void {
    this.say(link, (out) => writePacket(out, PacketType.ack, zxid))
  }

  /** Everything up to the acknowledgement of the history. */
  join(serverId: number, last: Zxid, currentEpoch: number, isFollower = true): LinkId {
    const link = this.connect()
    this.introduce(link, serverId, isFollower, currentEpoch)
    this.promise(link, last, currentEpoch)
    this.ack(link, zxidOf(this.leading.epoch, 0))
    return link
  }

  heard(link: LinkId): string[] {
    return this.host.links.take(link).map(({ name, zxid }) => `${name} ${short(zxid)}`)
  }

  propose(): Zxid {
    const zxid = this.leading.nextZxid
    this.leading.propose(entryAt(zxid), null)
    return zxid
  }
}

const short = (zxid: Zxid): string =>
  zxid < 0 ? '-1' : `${Math.floor(zxid / 2 ** 32)}.${zxid >>> 0}`

describe('a leader of three', () => {
  let scene: Scene
  beforeEach(() => {
    scene = new Scene(
      new SmallLeaderHost({
        accepted: 1,
        current: 1,
        log: log(1, 3),
        membership: membershipText(3),
      }),
    )
  })

  it('leads once a quorum has come, promised, and taken the history', () => {
    const link = scene.connect()
    scene.introduce(link, 2, true, 1)
    expect(scene.heard(link)).toEqual(['LEADERINFO 2.0'])
    scene.promise(link, zxidOf(1, 2), 1)
    expect(scene.heard(link)).toEqual(['DIFF 1.3', 'PROPOSAL 1.3', 'COMMIT 1.3', 'NEWLEADER 2.0'])
    expect(scene.leading.phase).toBe('synchronization')
    scene.ack(link, zxidOf(2, 0))
    expect(scene.heard(link)).toEqual(['UPTODATE -1'])
    expect(scene.leading.phase).toBe('broadcast')
    expect(scene.host.did).toEqual([
      'write acceptedEpoch 2',
      'write currentEpoch 2',
      'remark info: a learner joins',
      'lead in epoch 2',
    ])
  })

  it('commits what a quorum has on disk, with its own disk as one of many', () => {
    const two = scene.join(2, zxidOf(1, 3), 1)
    const three = scene.join(3, zxidOf(1, 3), 1)
    scene.heard(two)
    scene.heard(three)
    const zxid = scene.propose()
    expect(scene.heard(two)).toEqual(['PROPOSAL 2.1'])
    scene.ack(two, zxid)
    expect(scene.heard(two)).toEqual([])
    scene.ack(three, zxid)
    expect(scene.heard(two)).toEqual(['COMMIT 2.1'])
    expect(scene.heard(three)).toEqual(['PROPOSAL 2.1', 'COMMIT 2.1'])
    expect(scene.host.did.slice(-2)).toEqual(['append 0x200000001', 'apply 0x200000001'])
    expect(ZXID_NONE).toBe(-1)
  })
})
