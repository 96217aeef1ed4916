import { beforeEach, describe, expect, it } from 'vitest'

import { entryAt } from '../../../test/support/leader-host.ts'
import {
  LeadingScene,
  logOf,
  membershipText,
  membershipTextOf,
} from '../../../test/support/leading-scene.ts'
import { collectMarks } from '../../base/marks.ts'
import { decodeUtf8 } from '../../base/text.ts'
import { EPOCH_LIMIT, type Zxid, zxidOf } from '../../base/zxid.ts'
import { PacketType } from '../records/quorum-packet.ts'
import { NO_FAULTS } from './zab-faults.ts'

const HISTORY_TAKEN = zxidOf(2, 0)
const LAST = zxidOf(1, 3)

describe('on the way to leading', () => {
  let scene: LeadingScene
  beforeEach(() => {
    scene = new LeadingScene()
  })

  it('comes to an epoch with a quorum, brings it to its history, and then leads', () => {
    const link = scene.connect()
    scene.introduce(link, 2)
    scene.host.finishAll()
    expect(scene.heard(link)).toEqual(['LEADERINFO 2.0'])
    scene.promise(link, zxidOf(1, 2))
    scene.host.finishAll()
    expect(scene.heard(link)).toEqual(['DIFF 1.3', 'PROPOSAL 1.3', 'COMMIT 1.3', 'NEWLEADER 2.0'])
    expect(scene.leading.phase).toBe('synchronization')
    scene.ack(link, HISTORY_TAKEN)
    expect(scene.heard(link)).toEqual(['UPTODATE -1'])
    expect(scene.leading.phase).toBe('broadcast')
    expect(scene.host.did).toEqual([
      'write acceptedEpoch 2',
      'write currentEpoch 2',
      'remark info: a learner joins',
      'lead in epoch 2',
    ])
  })

  it('waits for learners only behind an open door', () => {
    expect(scene.host.links.door).toEqual({ host: 'host1', port: 2888 })
    scene.leading.doorFailed('quorum', 'in use')
    expect(scene.host.left).toBe('learners cannot connect: in use')
    expect(scene.host.links.door).toBeNull()
  })

  it('tells nobody an epoch that its own disk does not have', () => {
    const link = scene.connect()
    scene.introduce(link, 2)
    expect(scene.heard(link)).toEqual([])
    scene.host.finishAll()
    expect(scene.heard(link)).toEqual(['LEADERINFO 2.0'])
  })

  it('chooses an epoch above all that it has heard of, also from observers', () => {
    const observer = scene.connect()
    scene.introduce(observer, 9, { isFollower: false, accepted: 7 })
    expect(scene.host.did).toEqual([])
    const link = scene.connect()
    scene.introduce(link, 2, { accepted: 3 })
    scene.host.finishAll()
    expect(scene.leading.epoch).toBe(8)
    expect(scene.heard(observer)).toEqual(['LEADERINFO 8.0'])
  })

  it('does not lead before its own disk has the epoch, whoever else has it', () => {
    const links = [scene.connect(), scene.connect()]
    links.forEach((link, i) => scene.introduce(link, 2 + i))
    scene.host.finishAll()
    for (const link of links) scene.promise(link, LAST)
    for (const link of links) scene.ack(link, HISTORY_TAKEN)
    expect(scene.leading.phase).toBe('synchronization')
    scene.host.finishAll()
    expect(scene.leading.phase).toBe('broadcast')
  })

  it('does not count who has promised this epoch before', () => {
    const two = scene.connect()
    scene.introduce(two, 2)
    scene.host.finishAll()
    scene.promise(two, LAST, -1)
    scene.host.finishAll()
    expect(scene.leading.phase).toBe('discovery')
    const three = scene.connect()
    scene.introduce(three, 3)
    scene.promise(three, LAST)
    expect(scene.heard(two)).toEqual(['LEADERINFO 2.0', 'DIFF 1.3', 'NEWLEADER 2.0'])
  })

  it('does not lead who has more than it', () => {
    const two = scene.connect()
    scene.introduce(two, 2)
    scene.host.finishAll()
    scene.promise(two, zxidOf(1, 4))
    expect(scene.isHungUp(two)).toBe(true)
    const three = scene.connect()
    scene.introduce(three, 3)
    scene.promise(three, zxidOf(0, 9), 2)
    expect(scene.isHungUp(three)).toBe(true)
  })

  it('gives up when no quorum comes in time', () => {
    scene.pass(9_000)
    expect(scene.host.left).toBeNull()
    scene.pass(2_000)
    expect(scene.host.left).toBe('no quorum of followers while choosing')
    expect(scene.host.doubted).toEqual([
      [2, 0],
      [3, 0],
    ])
    expect(scene.leading.deadlineMs).toBe(Number.POSITIVE_INFINITY)
  })

  it('hangs up on all when it leaves, and takes no notice of them any more', () => {
    const link = scene.connect()
    scene.introduce(link, 3)
    scene.host.finishAll()
    scene.leading.doorFailed('quorum', 'gone')
    expect(scene.isHungUp(link)).toBe(true)
    scene.promise(link, LAST)
    scene.leading.linkClosed(link, 'late')
    scene.leading.linkAccepted(77, 'late')
    scene.leading.durable(LAST)
    scene.leading.onTime()
    expect(scene.host.did.at(-1)).toBe('leave')
  })

  it('describes itself in a line', () => {
    scene.join(2)
    expect(scene.leading.describe()).toBe(
      'leading, broadcasting, epoch 2, proposed 0x200000000, committed 0x200000000, learners [2]',
    )
  })
})

describe('a single voter', () => {
  it('leads at once', () => {
    const scene = new LeadingScene({ membership: membershipText(1) })
    expect(scene.leading.phase).toBe('broadcast')
    const zxid = scene.propose()
    expect(scene.leading.lastCommitted).toBe(HISTORY_TAKEN)
    scene.host.finishAll()
    expect(scene.leading.lastCommitted).toBe(zxid)
  })
})

describe('who is turned away', () => {
  let scene: LeadingScene
  beforeEach(() => {
    scene = new LeadingScene()
  })

  it('a server that claims an epoch that nobody can have accepted, and with it no epoch is lost', () => {
    const link = scene.connect()
    scene.introduce(link, 2, { accepted: EPOCH_LIMIT - 2 })
    expect(scene.isHungUp(link)).toBe(true)
    scene.join(2)
    expect(scene.leading.phase).toBe('broadcast')
    expect(scene.leading.epoch).toBe(2)
  })

  it('the link that has waited longest to say whose it is, when there are too many', () => {
    const links = Array.from({ length: 65 }, () => scene.connect())
    expect(links.filter((link) => scene.isHungUp(link))).toEqual([links[0]])
    scene.introduce(links[1]!, 2)
    scene.connect()
    expect(scene.isHungUp(links[1]!)).toBe(false)
  })

  it('a server that begins something large before it serves', () => {
    const link = scene.connect()
    const begun = new Uint8Array(5_000)
    new DataView(begun.buffer).setInt32(0, PacketType.followerInfo)
    new DataView(begun.buffer).setInt32(12, 1_000_000)
    scene.leading.linkBytes(link, begun.slice(0, 3_000))
    expect(scene.isHungUp(link)).toBe(false)
    scene.leading.linkBytes(link, begun.slice(3_000))
    expect(scene.isHungUp(link)).toBe(true)
  })

  it('servers that are no members, where there are a hundred already', () => {
    const outsiders = Array.from({ length: 101 }, (_, i) => {
      const link = scene.connect()
      scene.introduce(link, 1_000 + i)
      return link
    })
    expect(outsiders.filter((link) => scene.isHungUp(link))).toEqual([outsiders[100]])
    scene.join(2)
    expect(scene.leading.phase).toBe('broadcast')
  })

  it.each([
    ['another packet first', (link: number) => scene.ack(link, LAST)],
    ['the number of the leader', (link: number) => scene.introduce(link, 1)],
    ['no number', (link: number) => scene.introduce(link, -3)],
    ['an old protocol', (link: number) => scene.introduce(link, 2, { protocolVersion: 1 })],
    ['a newer membership', (link: number) => scene.introduce(link, 2, { config: 5 })],
    ['the last epoch', (link: number) => scene.introduce(link, 2, { accepted: EPOCH_LIMIT - 1 })],
    [
      'nothing about itself',
      (link: number) => scene.send(link, PacketType.followerInfo, HISTORY_TAKEN, () => {}),
    ],
    [
      'what is no packet',
      (link: number) => scene.leading.linkBytes(link, new Uint8Array(64).fill(0x7f)),
    ],
  ])('%s', (_what, say) => {
    const link = scene.connect()
    say(link)
    expect(scene.isHungUp(link)).toBe(true)
    expect(scene.leading.learners).toEqual([])
    scene.join(2)
    expect(scene.leading.phase).toBe('broadcast')
  })

  it('who speaks out of turn', () => {
    const link = scene.connect()
    scene.introduce(link, 2)
    scene.introduce(link, 2)
    expect(scene.isHungUp(link)).toBe(true)
  })

  it('who takes a history other than it was sent', () => {
    const link = scene.connect()
    scene.introduce(link, 2)
    scene.host.finishAll()
    scene.promise(link, LAST)
    scene.ack(link, zxidOf(3, 0))
    expect(scene.isHungUp(link)).toBe(true)
  })

  it('an observer, while too many get their history', () => {
    const scene = new LeadingScene(
      { membership: membershipText(1, 4) },
      { snapshotSyncsMax: 1, differenceSyncsMax: 1 },
    )
    const begin = (id: number, last: Zxid, isFollower: boolean): number => {
      const link = scene.connect()
      scene.introduce(link, id, { isFollower })
      scene.promise(link, last)
      return link
    }
    const first = begin(2, LAST, false)
    const second = begin(3, LAST, false)
    const third = begin(4, zxidOf(0, 7), false)
    const follower = begin(5, LAST, true)
    expect([first, second, third, follower].map((link) => scene.isHungUp(link))).toEqual([
      false,
      true,
      false,
      false,
    ])
    scene.ack(first, HISTORY_TAKEN)
    scene.ack(follower, HISTORY_TAKEN)
    expect(scene.isHungUp(begin(3, LAST, false))).toBe(false)
  })
})

describe('a learner that joins', () => {
  let scene: LeadingScene
  beforeEach(() => {
    scene = new LeadingScene()
    scene.join(2)
  })

  it('misses nothing of what is proposed and committed meanwhile', () => {
    const committed = scene.propose()
    scene.ack(1, committed)
    scene.host.finishAll()
    scene.propose()
    const link = scene.connect()
    scene.introduce(link, 3)
    scene.promise(link, LAST)
    scene.ack(1, scene.propose())
    scene.host.finishAll()
    expect(scene.heard(link)).toEqual([
      'LEADERINFO 2.0',
      'DIFF 2.1',
      'PROPOSAL 2.1',
      'COMMIT 2.1',
      'PROPOSAL 2.2',
      'NEWLEADER 2.0',
      'PROPOSAL 2.3',
      'COMMIT 2.2',
      'COMMIT 2.3',
    ])
    scene.ack(link, HISTORY_TAKEN)
    expect(scene.heard(link)).toEqual(['UPTODATE -1'])
  })

  it('gets, as an observer, what is committed and nothing else', () => {
    const zxid = scene.propose()
    const link = scene.join(9, LAST, { isFollower: false })
    const beginning = ['LEADERINFO 2.0', 'DIFF 1.3', 'NEWLEADER 2.0', 'UPTODATE -1']
    expect(scene.heard(link)).toEqual(beginning)
    scene.ack(1, zxid)
    expect(scene.heard(link)).toEqual(['INFORM 2.1'])
  })

  it('is cut back where it is ahead, once the leader is established', () => {
    const link = scene.join(3, zxidOf(1, 5))
    expect(scene.heard(link).slice(1, 3)).toEqual(['TRUNC 1.3', 'NEWLEADER 2.0'])
  })

  it('gets the whole database in pieces, and is told of the epoch behind all that it may show', () => {
    const big = new LeadingScene({
      membership: membershipText(1),
      snapshotBytes: new Uint8Array(300_000),
    })
    const link = big.connect()
    big.introduce(link, 3)
    big.promise(link, zxidOf(0, 9))
    const zxid = big.propose()
    big.host.finishAll()
    const { links } = big.host
    const sizes: number[] = []
    while (links.roomWanted.delete(link)) {
      sizes.push(links.output(link).position)
      big.leading.linkRoom(link)
    }
    expect(sizes.length).toBe(2)
    expect(Math.max(...sizes)).toBeLessThan(300_000)
    const text = big.host.membership.text.length
    const all = links.output(link).copy()
    expect(all.length).toBe(24 + 20 + 300_000 + (20 + text) + (20 + 36) + 20)
    const [newLeader, proposal, commit] = [
      PacketType.newLeader,
      PacketType.proposal,
      PacketType.commit,
    ]
    const types = [96 + text, 40 + text, 20 + text].map((back) => all.at(-back + 3))
    expect(types).toEqual([proposal, commit, newLeader])
    expect(big.leading.lastCommitted).toBe(zxid)
    expect(big.host.history.openCursors).toBe(0)
  })

  it('is hung up on when the logs turn out to have a hole, and gets the database instead', () => {
    const holed = [...logOf(1, 2), ...logOf(1, 9).slice(3)]
    const broken = new LeadingScene({
      membership: membershipText(1),
      log: holed,
      windowCount: 2,
    })
    broken.host.history.logReaches = zxidOf(1, 0)
    const marks = collectMarks(() => {
      const link = broken.connect()
      broken.introduce(link, 3)
      broken.promise(link, zxidOf(1, 1))
      expect(broken.isHungUp(link)).toBe(true)
      expect(broken.heard(link).slice(1)).toEqual(['DIFF 1.9', 'PROPOSAL 1.2', 'COMMIT 1.2'])
    })
    expect([...marks.keys()]).toContain('sync.log-with-a-hole')
    expect(broken.host.history.openCursors).toBe(0)
    const again = broken.join(3, zxidOf(1, 1))
    expect(broken.heard(again)).toContain('SNAP 2.0')
    broken.ack(again, HISTORY_TAKEN)
    const third = broken.join(3, zxidOf(1, 9))
    expect(broken.heard(third)).toContain('DIFF 1.9')
  })

  it('takes the place of its own older link', () => {
    const again = scene.join(2)
    expect(scene.isHungUp(1)).toBe(true)
    expect(scene.host.did).toContain('learner gone 1')
    expect(scene.leading.learners.map((one) => one.link)).toEqual([again])
  })

  it('does not count with what it acknowledged before it joined again', () => {
    const three = scene.join(3)
    const zxid = scene.propose()
    scene.ack(three, zxid)
    expect(scene.leading.lastCommitted).toBe(HISTORY_TAKEN)
    // Server 3 comes again and is about to give up what it had: its word does not hold any more.
    const link = scene.connect()
    scene.introduce(link, 3)
    scene.promise(link, zxid)
    expect(scene.heard(link)).toEqual([
      'LEADERINFO 2.0',
      'SNAP 2.0',
      'SNAPSHOT-STREAM 2.0',
      'PROPOSAL 2.1',
      'NEWLEADER 2.0',
    ])
    scene.host.finishAll()
    expect(scene.leading.lastCommitted).toBe(HISTORY_TAKEN)
    scene.ack(link, HISTORY_TAKEN)
    scene.ack(link, zxid)
    expect(scene.leading.lastCommitted).toBe(zxid)
  })

  it('is kept waiting in memory only up to a limit', () => {
    const link = scene.connect()
    scene.introduce(link, 3)
    scene.promise(link, zxidOf(0, 9))
    scene.ack(link, HISTORY_TAKEN)
    const large = new Uint8Array(1 << 20)
    for (let i = 0; i < 260; i++) {
      scene.leading.propose(entryAt(scene.leading.nextZxid, large), null)
      scene.heard(1)
    }
    expect(scene.isHungUp(link)).toBe(false)
    scene.pass(500, [1])
    expect(scene.isHungUp(link)).toBe(true)
  })

  it('shows in the status', () => {
    const observer = scene.join(9, LAST, { isFollower: false })
    const coming = scene.connect()
    scene.introduce(coming, 3)
    const told = scene.leading.learners.map(
      (one) =>
        `${one.link} ${one.serverId} ${one.isFollower ? 'follower' : 'observer'}` +
        `${one.isVoter ? ' votes' : ''}${one.isSynced ? ' synced' : ''} ${one.remote}`,
    )
    expect(told).toEqual([
      '1 2 follower votes synced 10.0.0.1:1',
      `${observer} 9 observer synced 10.0.0.2:1`,
      `${coming} 3 follower votes 10.0.0.3:1`,
    ])
    expect([...scene.leading.syncedVoters]).toEqual([2])
  })
})

describe('a learner that has promised itself to a later epoch', () => {
  it('ends the role if it votes: it could never follow', () => {
    const scene = new LeadingScene()
    scene.join(2)
    scene.introduce(scene.connect(), 3, { accepted: scene.leading.epoch + 1 })
    expect(scene.host.left).toContain('server 3 has promised itself')
  })

  it('is of no account if it does not', () => {
    const scene = new LeadingScene()
    scene.join(2)
    const accepted = scene.leading.epoch + 1
    scene.introduce(scene.connect(), 9, { accepted })
    scene.introduce(scene.connect(), 3, { accepted, isFollower: false })
    expect(scene.host.left).toBeNull()
  })
})

describe('the membership', () => {
  const withReconfig = { reconfigEnabled: true }

  it('goes to learners as text, as it is where it cannot change', () => {
    const scene = new LeadingScene()
    const link = scene.join(2)
    const text = scene.packets(link).find(({ name }) => name === 'NEWLEADER')!.data!
    expect(decodeUtf8(text, 0, text.length)).toBe(scene.host.membership.text)
    expect(scene.host.membership.version).toBe(0)
  })

  it('gets its first version with the first epoch', () => {
    const scene = new LeadingScene({}, withReconfig)
    const link = scene.connect()
    scene.introduce(link, 2)
    scene.host.finishAll()
    scene.promise(link, LAST)
    const text = scene.packets(link).find(({ name }) => name === 'NEWLEADER')!.data!
    expect(decodeUtf8(text, 0, text.length)).toBe(membershipText(3, 0, HISTORY_TAKEN))
    expect(scene.host.membership.version).toBe(0)
    scene.host.finishAll()
    scene.ack(link, HISTORY_TAKEN)
    expect(scene.host.membership.version).toBe(HISTORY_TAKEN)
    expect(scene.host.did.slice(-2)).toEqual(['commit membership 200000000', 'lead in epoch 2'])
  })

  it('that an earlier leader proposed needs a quorum of its own to be completed', () => {
    const membership = membershipText(3, 0, zxidOf(1, 1))
    const scene = new LeadingScene({ membership }, withReconfig)
    const next = membershipTextOf([1, 4, 5], [2, 3], zxidOf(1, 3))
    scene.host.proposedMembership = scene.host.membershipOf(next)
    scene.join(2)
    expect(scene.leading.phase).toBe('synchronization')
    scene.join(4)
    expect(scene.leading.phase).toBe('broadcast')
    expect(scene.host.membership.version).toBe(zxidOf(1, 3))
  })

  it('that was proposed counts an observer that will vote among those who have the history', () => {
    const membership = membershipText(3, 1, zxidOf(1, 1))
    const scene = new LeadingScene({ membership }, withReconfig)
    const next = membershipTextOf([1, 3, 4], [2], zxidOf(1, 3))
    scene.host.proposedMembership = scene.host.membershipOf(next)
    scene.join(2)
    expect(scene.leading.phase).toBe('synchronization')
    scene.join(4, LAST, { isFollower: false, config: zxidOf(1, 1) })
    expect(scene.leading.phase).toBe('broadcast')
    expect(scene.host.membership.version).toBe(zxidOf(1, 3))
  })

  it('that leaves the leader out is completed, and then the leader goes', () => {
    const membership = membershipText(3, 0, zxidOf(1, 1))
    const scene = new LeadingScene({ membership }, withReconfig)
    const next = membershipTextOf([2, 3], [], zxidOf(1, 3))
    scene.host.proposedMembership = scene.host.membershipOf(next)
    const two = scene.join(2)
    const three = scene.join(3)
    expect(scene.host.did).toContain('commit membership 100000003')
    expect(scene.heard(two)).toContain('UPTODATE -1')
    expect(scene.heard(three)).toContain('UPTODATE -1')
    expect(scene.host.did).not.toContain('lead in epoch 2')
    expect(scene.host.left).toContain('leads under the membership')
    expect(scene.host.leftFor).toBeNull()
  })
})

describe('with an old fault', () => {
  it('a learner joins too late and misses what was proposed meanwhile', () => {
    const scene = new LeadingScene({}, { faults: { ...NO_FAULTS, joinsLate: true } })
    scene.join(2)
    const link = scene.connect()
    scene.introduce(link, 3)
    scene.promise(link, LAST)
    scene.propose()
    scene.ack(link, HISTORY_TAKEN)
    scene.propose()
    const heard = ['LEADERINFO 2.0', 'DIFF 1.3', 'NEWLEADER 2.0', 'UPTODATE -1', 'PROPOSAL 2.2']
    expect(scene.heard(link)).toEqual(heard)
  })
})
