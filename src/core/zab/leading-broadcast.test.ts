import { beforeEach, describe, expect, it } from 'vitest'

import {
  LeadingScene,
  membershipText,
  membershipTextOf,
} from '../../../test/support/leading-scene.ts'
import { InvariantError } from '../../base/assert.ts'
import { type Zxid, ZXID_NONE, zxidOf } from '../../base/zxid.ts'
import type { LinkId } from '../../ports/peer-network.ts'
import { PacketType } from '../records/quorum-packet.ts'
import { entryAt } from '../../../test/support/leader-host.ts'

const LAST = zxidOf(1, 3)

describe('a leader of three with both followers', () => {
  let scene: LeadingScene
  let two: LinkId
  let three: LinkId
  beforeEach(() => {
    scene = new LeadingScene()
    two = scene.join(2)
    three = scene.join(3)
    scene.heard(two)
    scene.heard(three)
    scene.host.did.length = 0
  })

  it('commits what a quorum has on disk, its own disk being one of many', () => {
    const zxid = scene.propose()
    expect(scene.heard(two)).toEqual(['PROPOSAL 2.1'])
    scene.ack(two, zxid)
    expect(scene.heard(two)).toEqual([])
    scene.ack(three, zxid)
    expect(scene.heard(two)).toEqual(['COMMIT 2.1'])
    expect(scene.heard(three)).toEqual(['PROPOSAL 2.1', 'COMMIT 2.1'])
    expect(scene.host.did).toEqual(['append 0x200000001', 'apply 0x200000001'])
    scene.host.finishAll()
    expect(scene.heard(two)).toEqual([])
  })

  it('lets go of a learner that asks for more than the disks take, and of nobody else', () => {
    scene = new LeadingScene({}, { waitingBytesMax: 1_000 })
    two = scene.join(2)
    three = scene.join(3)
    scene.host.onRequest = () => void scene.propose()
    const ask = (): void =>
      scene.send(two, PacketType.request, ZXID_NONE, (out) => {
        for (let i = 0; i < 4; i++) out.int(1)
      })
    for (let i = 0; i < 9; i++) ask()
    expect(scene.isHungUp(two)).toBe(false)
    scene.ack(three, scene.leading.lastProposed)
    scene.host.finishAll()
    expect(scene.leading.outstandingCount).toBe(0)
    for (let i = 0; i < 20; i++) ask()
    expect(scene.isHungUp(two)).toBe(true)
    expect(scene.leading.outstandingCount).toBeLessThan(15)
    expect(scene.isHungUp(three)).toBe(false)
  })

  it('commits in order, each once, however acknowledgements come', () => {
    const zxids = [scene.propose(), scene.propose(), scene.propose()]
    scene.ack(two, zxids[2]!)
    scene.ack(three, zxids[1]!)
    scene.ack(three, zxids[0]!)
    scene.ack(three, zxids[1]!)
    expect(scene.leading.lastCommitted).toBe(zxids[1])
    expect(scene.heard(two).slice(3)).toEqual(['COMMIT 2.1', 'COMMIT 2.2'])
    expect(scene.leading.outstandingCount).toBe(1)
    expect(scene.leading.takeUnapplied().map(({ zxid }) => zxid)).toEqual([zxids[2]])
  })

  it('bears with acknowledgements that say nothing new', () => {
    scene.ack(two, zxidOf(2, 0))
    scene.ack(two, LAST)
    scene.host.finishAll()
    expect([scene.isHungUp(two), scene.leading.lastCommitted]).toEqual([false, zxidOf(2, 0)])
  })

  it('drops who acknowledges what was never proposed', () => {
    scene.ack(two, zxidOf(2, 1))
    expect(scene.isHungUp(two)).toBe(true)
    expect(scene.host.did).toContain(`learner gone ${two}`)
  })

  it('counts nobody who has no vote, follower or observer', () => {
    const outsider = scene.join(7)
    const observer = scene.join(8, LAST, { isFollower: false })
    const zxid = scene.propose()
    expect(scene.heard(outsider).at(-1)).toBe('PROPOSAL 2.1')
    scene.ack(outsider, zxid)
    scene.ack(observer, zxid)
    scene.ack(two, zxid)
    expect(scene.leading.lastCommitted).toBe(zxidOf(2, 0))
    scene.host.finishAll()
    expect(scene.leading.lastCommitted).toBe(zxid)
    expect(scene.heard(outsider)).toEqual(['COMMIT 2.1'])
    expect(scene.heard(observer).at(-1)).toBe('INFORM 2.1')
  })

  it('refuses a proposal out of order', () => {
    expect(() => scene.leading.propose(entryAt(zxidOf(2, 2)), null)).toThrow(InvariantError)
  })

  it('leaves before the epoch runs out of zxids', () => {
    const last = zxidOf(2, 0xffff_ffff)
    scene.leading.propose(entryAt(last), null)
    expect(scene.host.left).toBe('epoch 2 has no zxids left')
    expect(scene.host.did).not.toContain('append 0x2ffffffff')
    scene.leading.propose(entryAt(last), null)
  })

  describe('answers a sync', () => {
    it('at once where nothing is under way', () => {
      scene.leading.sync(two)
      expect(scene.heard(two)).toEqual(['SYNC 0.0'])
    })

    it('behind what was proposed before it, in order', () => {
      const zxid = scene.propose()
      scene.leading.sync(two)
      scene.propose()
      scene.leading.sync(three)
      scene.leading.sync(two)
      expect(scene.leading.pendingSyncCount).toBe(3)
      scene.heard(two)
      scene.heard(three)
      scene.ack(two, zxid)
      scene.ack(three, zxid)
      expect(scene.heard(two)).toEqual(['COMMIT 2.1', 'SYNC 0.0'])
      expect(scene.heard(three)).toEqual(['COMMIT 2.1'])
      scene.leading.linkClosed(three, 'gone')
      scene.host.finishAll()
      scene.ack(two, zxidOf(2, 2))
      expect(scene.heard(two)).toEqual(['COMMIT 2.2', 'SYNC 0.0'])
      expect(scene.leading.pendingSyncCount).toBe(0)
    })
  })

  describe('takes from a learner', () => {
    it('a request, with who asks for it', () => {
      scene.send(two, PacketType.request, ZXID_NONE, (out) => {
        out.int(-1)
        out.int(7)
        out.int(5)
        out.int(1)
        out.ascii('body')
      })
      const [request] = scene.host.requests
      expect(request).toMatchObject({ from: two, sessionHigh: -1, sessionLow: 7, cxid: 5, op: 1 })
      expect(request!.bytes.slice(request!.start, request!.end)).toEqual(
        Uint8Array.from([...'body'].map((c) => c.charCodeAt(0))),
      )
      expect(request!.identities).toEqual([])
    })

    it('which sessions live', () => {
      scene.send(two, PacketType.ping, ZXID_NONE, (out) => {
        for (const id of [1, 2]) {
          out.int(0)
          out.int(id)
          out.int(9_000)
        }
      })
      expect(scene.host.touches).toEqual([
        [0, 1, 9_000],
        [0, 2, 9_000],
      ])
    })

    it('a session that has moved, and answers whether it lives', () => {
      scene.host.liveSessions = new Set([7n])
      for (const id of [7n, 8n]) {
        scene.send(two, PacketType.revalidate, ZXID_NONE, (out) => {
          out.long(id)
          out.int(9_000)
        })
      }
      const answers = scene.packets(two)
      expect(answers.map(({ name, zxid }) => [name, zxid])).toEqual([
        ['REVALIDATE', -1],
        ['REVALIDATE', -1],
      ])
      expect(answers.map(({ data }) => [...data!])).toEqual([
        [0, 0, 0, 0, 0, 0, 0, 7, 1],
        [0, 0, 0, 0, 0, 0, 0, 8, 0],
      ])
    })

    it('a session whose end is not committed, which it says nothing of yet', () => {
      scene.host.endingSessions = new Set([9n])
      scene.send(two, PacketType.revalidate, ZXID_NONE, (out) => {
        out.long(9n)
        out.int(9_000)
      })
      expect(scene.packets(two)).toEqual([])
    })

    it('nothing that is cut short', () => {
      scene.send(two, PacketType.ping, ZXID_NONE, (out) => out.int(1))
      scene.send(three, PacketType.request, ZXID_NONE, (out) => out.int(1))
      expect([scene.isHungUp(two), scene.isHungUp(three)]).toEqual([true, true])
      expect(scene.host.requests).toEqual([])
    })

    it('what it does not know, and remarks on it once', () => {
      for (const type of [77 as PacketType, PacketType.upToDate, PacketType.diff]) {
        scene.send(two, type, ZXID_NONE, () => {})
      }
      expect(scene.isHungUp(two)).toBe(false)
      expect(scene.host.did).toEqual([
        'remark warn: a learner sent a packet that a leader has no use for',
      ])
    })
  })
})

describe('in time', () => {
  let scene: LeadingScene
  let two: LinkId
  beforeEach(() => {
    scene = new LeadingScene()
    two = scene.join(2)
    scene.heard(two)
  })

  it('asks for a sign of life twice a tick, naming the last proposal', () => {
    scene.pass(1_000, [two])
    expect(scene.heard(two)).toEqual(['PING 2.0', 'PING 2.0'])
    scene.propose()
    scene.heard(two)
    scene.pass(500, [two])
    expect(scene.heard(two)).toEqual(['PING 2.1'])
  })

  it('leads as long as a quorum answers', () => {
    scene.pass(60_000, [two])
    expect(scene.host.left).toBeNull()
  })

  it('leaves when followers that are needed do not answer any more', () => {
    scene.pass(4_500)
    expect(scene.host.left).toBeNull()
    scene.pass(2_500)
    expect(scene.host.left).toBe('not sufficient followers synced')
    expect(scene.isHungUp(two)).toBe(true)
    expect(scene.host.doubted).toEqual([
      [2, 0],
      [3, 0],
    ])
  })

  it('leaves at the next tick when they are gone', () => {
    scene.leading.linkClosed(two, 'reset')
    expect(scene.host.left).toBeNull()
    scene.pass(1_000)
    expect(scene.host.left).toBe('not sufficient followers synced')
  })

  it('drops a learner that owes an acknowledgement for too long, though it lives', () => {
    const three = scene.join(3)
    const zxid = scene.propose()
    scene.ack(two, zxid)
    scene.pass(5_000, [two, three])
    expect(scene.isHungUp(three)).toBe(false)
    scene.pass(1_000, [two, three])
    expect([scene.isHungUp(three), scene.isHungUp(two)]).toEqual([true, false])
  })

  it('drops who connects and says nothing', () => {
    const silent = scene.connect()
    scene.pass(10_000, [two])
    expect(scene.isHungUp(silent)).toBe(false)
    scene.pass(1_000, [two])
    expect(scene.isHungUp(silent)).toBe(true)
  })

  it('does not hold its own sleep against its learners', () => {
    scene.pass(1_000, [two])
    scene.host.nowMs += 60_000
    scene.leading.onTime()
    expect(scene.isHungUp(two)).toBe(false)
    scene.pass(10_000, [two])
    expect(scene.host.left).toBeNull()
  })

  it('sends one sign of life at a time where the link takes nothing', () => {
    const { links } = scene.host
    const large = new Uint8Array(1 << 20)
    scene.leading.propose(entryAt(scene.leading.nextZxid, large), null)
    expect(links.roomWanted.has(two)).toBe(true)
    scene.heard(two)
    scene.pass(2_000)
    expect(scene.heard(two)).toEqual([])
    scene.leading.linkRoom(two)
    expect(scene.heard(two)).toEqual(['PING 2.1'])
  })
})

describe('a reconfiguration', () => {
  const VERSION = zxidOf(1, 1)
  let scene: LeadingScene
  let links: Map<number, LinkId>
  beforeEach(() => {
    scene = new LeadingScene(
      { membership: membershipText(3, 0, VERSION) },
      { reconfigEnabled: true },
    )
    links = new Map([2, 3, 4, 5].map((id) => [id, scene.join(id, LAST, { config: VERSION })]))
    scene.host.finishAll()
    for (const link of links.values()) scene.heard(link)
    scene.host.did.length = 0
  })

  const ackFrom = (ids: readonly number[], zxid: Zxid): void => {
    for (const id of ids) scene.ack(links.get(id)!, zxid)
  }

  it('needs a quorum of the old and of the new membership', () => {
    const zxid = scene.reconfigure([1, 4, 5], [2, 3])
    expect(scene.host.did.slice(0, 2)).toEqual([
      'propose membership 200000001',
      'append 0x200000001',
    ])
    scene.host.finishAll()
    ackFrom([2, 3], zxid)
    expect(scene.leading.lastCommitted).toBe(zxidOf(2, 0))
    ackFrom([4], zxid)
    expect(scene.leading.lastCommitted).toBe(zxid)
    expect(scene.heard(links.get(4)!)).toEqual(['PROPOSAL 2.1', 'COMMITANDACTIVATE 2.1'])
    expect(scene.host.membership.version).toBe(zxid)
    // From here on the new voters decide, and the old ones do not.
    const next = scene.propose()
    ackFrom([2, 3], next)
    scene.host.finishAll()
    expect(scene.leading.lastCommitted).toBe(zxid)
    ackFrom([5], next)
    expect(scene.leading.lastCommitted).toBe(next)
  })

  it('tells observers and followers who leads, with the transaction for those who lack it', () => {
    const observer = scene.join(9, LAST, { isFollower: false, config: VERSION })
    scene.heard(observer)
    const zxid = scene.reconfigure([1, 2, 3, 4])
    scene.host.finishAll()
    ackFrom([2, 3], zxid)
    const [activate] = scene.packets(links.get(2)!).slice(-1)
    expect([...activate!.data!]).toEqual([0, 0, 0, 0, 0, 0, 0, 1])
    const [inform] = scene.packets(observer)
    expect([inform!.name, inform!.zxid]).toEqual(['INFORMANDACTIVATE', zxid])
    expect([...inform!.data!.subarray(0, 8)]).toEqual([0, 0, 0, 0, 0, 0, 0, 1])
    expect(inform!.data!.length).toBe(8 + membershipTextOf([1, 2, 3, 4], [], zxid).length)
  })

  it('needs leaders to have a quorum of both while it is under way', () => {
    scene.reconfigure([1, 4, 5])
    scene.leading.linkClosed(links.get(4)!, 'gone')
    scene.leading.linkClosed(links.get(5)!, 'gone')
    scene.pass(1_000, [links.get(2)!, links.get(3)!])
    expect(scene.host.left).toBe('not sufficient followers synced')
    // Those whose votes are missed, of both memberships.
    expect(scene.host.doubted).toEqual([
      [4, 0],
      [5, 0],
    ])
  })

  it('that leaves the leader out names the new voter that has most, and ends its commits', () => {
    const zxid = scene.reconfigure([2, 3, 4])
    const later = scene.propose()
    ackFrom([3], later)
    ackFrom([2], zxid)
    const [activate] = scene.packets(links.get(2)!).slice(-1)
    expect([activate!.name, ...activate!.data!]).toEqual([
      'COMMITANDACTIVATE',
      ...[0, 0, 0, 0, 0, 0, 0, 3],
    ])
    expect(scene.leading.lastCommitted).toBe(zxid)
    ackFrom([2, 4], later)
    scene.host.finishAll()
    expect(scene.heard(links.get(3)!)).not.toContain('COMMIT 2.2')
    expect(scene.host.left).toBeNull()
    scene.leading.linkClosed(links.get(2)!, 'gone over')
    expect(scene.host.left).toBeNull()
    scene.leading.linkClosed(links.get(3)!, 'gone over')
    expect([scene.host.left, scene.host.leftFor]).toEqual([
      'the followers have gone over to the designated leader',
      3,
    ])
    expect(scene.leading.takeUnapplied().map((entry) => entry.zxid)).toEqual([later])
  })
})
