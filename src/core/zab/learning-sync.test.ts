// How a learner is brought in step, with a test as its leader: what happens in which order, what a
// crash would leave at each word that it sends, and what each old fault changes in that.

import { describe, expect, test } from 'vitest'

import type { SentPacket } from '../../../test/support/learner-host.ts'
import {
  commit,
  commitAndActivate,
  diff,
  inform,
  informAndActivate,
  leaderInfo,
  newLeader,
  ping,
  proposal,
  snap,
  trunc,
  upToDate,
} from '../../../test/support/leader-packets.ts'
import {
  type LearnerStart,
  MEMBERSHIP,
  PlayedLearner,
} from '../../../test/support/played-learner.ts'
import { InvariantError } from '../../base/assert.ts'
import { collectMarks } from '../../base/marks.ts'
import { type Zxid, ZXID_NONE, ZXID_ZERO, zxidOf } from '../../base/zxid.ts'

const z = (counter: number, epoch: number = 2): Zxid => zxidOf(epoch, counter)

/** Its log ends with 1.3, and it has promised epoch 2. */
const discovered = (start: LearnerStart = {}): PlayedLearner =>
  new PlayedLearner({ log: [z(1, 1), z(2, 1), z(3, 1)], ...start }).discover(2)

const ackOfNewLeader = ({ host }: PlayedLearner): SentPacket =>
  host.sent.find(({ name, zxid }) => name === 'ACK' && zxid === zxidOf(2, 0))!

/** A leader that gives 1.4 and 1.5 as committed, and 1.6 as proposed. */
const history = [
  diff(z(5, 1)),
  proposal(z(4, 1)),
  commit(z(4, 1)),
  proposal(z(5, 1)),
  commit(z(5, 1)),
  proposal(z(6, 1)),
]

describe('DIFF', () => {
  test('what is committed becomes durable, then the epoch, then it is acknowledged', () => {
    const played = discovered()
    played.hear(...history)
    expect(played.did()).toEqual([])
    const marks = collectMarks(() => played.hear(newLeader(2)))
    expect(played.did()).toEqual(['append 1.4', 'apply 1.4', 'append 1.5', 'apply 1.5'])
    played.finishNext()
    expect(played.did()).toEqual([])
    played.finishNext()
    expect(played.did()).toEqual(['write currentEpoch 2'])
    played.finishNext()
    expect(played.did()).toEqual(['send ACK 2.0'])
    expect(ackOfNewLeader(played).durable).toEqual({
      log: [z(1, 1), z(2, 1), z(3, 1), z(4, 1), z(5, 1)],
      snapshot: ZXID_ZERO,
      accepted: 2,
      current: 2,
    })
    expect(marks.has('learning.uncommitted-over-new-leader')).toBe(true)
    expect(played.learning.takeUnapplied()).toEqual([])
  })

  test('what was proposed is logged and acknowledged when the leader serves', () => {
    const played = discovered()
    played.hearAndFinish(...history, newLeader(2))
    played.did()
    played.hear(upToDate())
    expect(played.did()).toEqual(['follow in epoch 2', 'append 1.6', 'send ACK 2.0'])
    expect(played.learning.takeUnapplied().map(({ zxid }) => zxid)).toEqual([z(6, 1)])
    played.finishAll()
    expect(played.did()).toEqual(['send ACK 1.6'])
    played.hear(commit(z(6, 1)))
    expect(played.did()).toEqual(['apply 1.6'])
  })

  test('a commit between the ACK and UPTODATE is applied when the leader serves', () => {
    const played = discovered()
    played.hearAndFinish(...history, newLeader(2))
    played.did()
    const marks = collectMarks(() => played.hear(commit(z(6, 1)), proposal(z(1)), ping(z(1))))
    expect(played.did()).toEqual([])
    expect(marks.has('learning.commit-before-up-to-date')).toBe(true)
    played.hear(upToDate())
    expect(played.did()).toEqual([
      'follow in epoch 2',
      'append 1.6',
      'append 2.1',
      'apply 1.6',
      'send ACK 2.0',
    ])
  })

  test('nothing missed, in the epoch that it was in: there is nothing to wait for', () => {
    const played = discovered({ accepted: 2, current: 2 })
    played.hear(diff(z(3, 1)), newLeader(2))
    expect(played.did()).toEqual(['send ACK 2.0'])
    expect(played.host.isBusy).toBe(false)
  })

  test('what comes while the disk is at work is taken up afterwards', () => {
    const played = discovered()
    played.hear(...history, newLeader(2), commit(z(6, 1)), upToDate(), ping(z(0)))
    expect(played.said()).toEqual([])
    played.finishAll()
    expect(played.said()).toEqual(['ACK 2.0', 'ACK 2.0', 'PING 2.0', 'ACK 1.6'])
    expect(played.host.database.at(-1)).toBe(z(6, 1))
  })

  test('the history may go on into later epochs, but not beyond the leader’s', () => {
    const played = discovered()
    played.hear(diff(z(2)), proposal(z(1)), proposal(z(2)), proposal(zxidOf(3, 1)))
    expect(played.host.left).toContain('later epoch')
  })

  test.each([
    ['the first', [diff(z(5, 1)), proposal(z(5, 1))]],
    ['one in between', [diff(z(6, 1)), proposal(z(4, 1)), proposal(z(6, 1))]],
    ['one that this server has already', [diff(z(3, 1)), proposal(z(3, 1))]],
  ])('a gap is not accepted: %s', (_, packets) => {
    const played = discovered()
    const marks = collectMarks(() => played.hear(...packets))
    expect(played.host.left).toContain('broke its promise')
    expect(marks.has('learning.gap')).toBe(true)
  })

  test('a leader that ends before us has to cut us back', () => {
    const played = discovered()
    played.hear(diff(z(2, 1)))
    expect(played.host.left).toContain('does not cut back')
  })

  test('a commit of what was not proposed is a broken promise, and harms nobody else', () => {
    const played = discovered()
    played.hear(diff(z(4, 1)), commit(z(4, 1)))
    expect(played.host.left).toContain('which was not proposed')
  })
})

describe('TRUNC', () => {
  test('the log is cut, what follows logged, and the epoch entered after that', () => {
    const played = discovered()
    const marks = collectMarks(() => played.hear(trunc(z(2, 1)), proposal(z(1)), commit(z(1))))
    expect(marks.has('learning.trunc')).toBe(true)
    expect(played.did()).toEqual(['truncate 1.2'])
    played.finishNext()
    expect(played.did()).toEqual([])
    played.hear(newLeader(2))
    expect(played.did()).toEqual(['append 2.1', 'apply 2.1'])
    played.finishNext()
    expect(played.did()).toEqual(['write currentEpoch 2'])
    played.finishNext()
    expect(played.did()).toEqual(['send ACK 2.0'])
    expect(ackOfNewLeader(played).durable).toEqual({
      log: [z(1, 1), z(2, 1), z(1)],
      snapshot: ZXID_ZERO,
      accepted: 2,
      current: 2,
    })
    expect(played.host.database).toEqual([z(1, 1), z(2, 1), z(1)])
  })

  test('at no moment is the database ahead of the log', () => {
    const played = discovered()
    played.hearAndFinish(trunc(z(2, 1)), proposal(z(1)), commit(z(1)))
    played.learning.linkClosed(-1, 'cut')
    expect(played.host.database).toEqual(played.host.durable.log)
    expect(played.host.database).toEqual([z(1, 1), z(2, 1)])
  })

  test('nothing is sent before the cut is durable', () => {
    const played = discovered()
    played.hear(trunc(z(2, 1)), newLeader(2))
    expect(played.did()).toEqual(['truncate 1.2'])
    played.finishAll()
    expect(ackOfNewLeader(played).durable.log).toEqual([z(1, 1), z(2, 1)])
  })

  test('to what is not in the log is refused', () => {
    const played = discovered()
    played.hear(trunc(z(9, 1)))
    expect(played.host.left).toContain('cuts back')
  })

  test('behind which the log does not go back leads to the leader’s database instead', () => {
    const played = discovered({ log: [z(6, 1), z(7, 1)], snapshot: z(5, 1) })
    const marks = collectMarks(() => played.hearAndFinish(trunc(z(2, 1))))
    expect(marks.has('learning.not-in-log')).toBe(true)
    expect(played.host.left).toBeNull()
    expect(played.host.links.hungUp).toEqual([-1])
    expect(played.host.durable).toMatchObject({ log: [z(6, 1), z(7, 1)], snapshot: z(5, 1) })

    played.pass(30)
    played.learning.linkOpened(-2)
    played.hearAndFinish(leaderInfo(2))
    // It has promised this epoch before: what it says of its history now is weighed by nobody.
    const answer = played.host.sent.at(-1)!
    expect([answer.name, answer.zxid, [...answer.data!]]).toEqual([
      'ACKEPOCH',
      ZXID_NONE,
      [255, 255, 255, 255],
    ])
    played.hearAndFinish(snap(z(2, 1)), newLeader(2), upToDate())
    expect(played.learning.phase).toBe('broadcast')
    expect(played.host.durable).toMatchObject({ log: [], snapshot: z(2, 1), current: 2 })
  })

  test('says the truth about its log to the leader of another epoch', () => {
    const played = discovered({ log: [z(6, 1), z(7, 1)], snapshot: z(5, 1) })
    played.hearAndFinish(trunc(z(2, 1)))
    played.pass(30)
    played.learning.linkOpened(-2)
    played.hearAndFinish(leaderInfo(3))
    const answer = played.host.sent.at(-1)!
    expect([answer.name, answer.zxid]).toEqual(['ACKEPOCH', z(7, 1)])
  })
})

describe('SNAP', () => {
  test('the stream is taken in whatever pieces it comes, then saved before the epoch', () => {
    const played = discovered()
    const bytes = snap(z(7, 1))
    for (let at = 0; at < bytes.length; at += 37) played.hear(bytes.slice(at, at + 37))
    expect(played.did()).toEqual(['begin snapshot 1.7'])
    expect(played.host.streamed.length).toBe(314)
    expect(played.learning.phase).toBe('synchronization')
    played.hear(newLeader(2))
    expect(played.did()).toEqual(['save history'])
    played.finishAll()
    expect(ackOfNewLeader(played).durable).toEqual({
      log: [],
      snapshot: z(7, 1),
      accepted: 2,
      current: 2,
    })
  })

  test('what follows it may begin with what is in it, and goes on without a gap', () => {
    const played = discovered()
    const packets = [snap(z(7, 1)), proposal(z(6, 1)), commit(z(6, 1)), proposal(z(7, 1))]
    const marks = collectMarks(() => {
      played.hearAndFinish(...packets, newLeader(2), commit(z(7, 1)), proposal(z(8, 1)), upToDate())
    })
    expect(marks.has('learning.proposal-in-snapshot')).toBe(true)
    expect(played.said()).toEqual(['ACK 2.0', 'ACK 2.0', 'ACK 1.7', 'ACK 1.8'])
    expect(played.host.database).toEqual([z(7, 1)])
    expect(played.host.durable.log).toEqual([z(8, 1)])
    expect(played.learning.takeUnapplied().map(({ zxid }) => zxid)).toEqual([z(8, 1)])
  })

  test('what is in it and comes once the leader serves is acknowledged at once', () => {
    const played = discovered()
    played.hearAndFinish(snap(z(7, 1)), newLeader(2), upToDate())
    played.said()
    played.hear(proposal(z(6, 1)), proposal(z(7, 1)), proposal(z(8, 1)), commit(z(6, 1)))
    expect(played.said()).toEqual(['ACK 1.6', 'ACK 1.7'])
    played.finishAll()
    expect(played.said()).toEqual(['ACK 1.8'])
  })

  test('a gap behind it is not accepted', () => {
    const played = discovered()
    played.hear(snap(z(7, 1)), proposal(z(9, 1)))
    expect(played.host.left).toContain('broke its promise')
  })

  test('of a later epoch than the leader’s is refused', () => {
    const played = discovered()
    played.hear(snap(zxidOf(3, 1)))
    expect(played.host.left).toContain('epoch 2')
  })
})

describe('what a leader may not say', () => {
  test.each([
    ['anything but a direction', [proposal(z(4, 1))]],
    ['a direction twice', [diff(z(3, 1)), diff(z(3, 1)), upToDate()]],
    ['another epoch', [diff(z(3, 1)), newLeader(3)]],
    ['that it serves, before the epoch', [diff(z(3, 1)), upToDate()]],
    ['a membership that is none', [diff(z(3, 1)), newLeader(2, 'server.x')]],
  ])('%s', (_, packets) => {
    const played = discovered()
    played.hearAndFinish(...packets)
    expect(played.host.left).not.toBeNull()
    expect(played.host.links.hungUp).toEqual([-1])
    expect(played.said()).toEqual([])
  })

  test('what does not concern the synchronisation is not heard', () => {
    const played = discovered()
    played.hearAndFinish(diff(z(3, 1)), ping(z(1)), newLeader(2), newLeader(2), ping(z(1)))
    expect(played.said()).toEqual(['ACK 2.0'])
    expect(played.host.left).toBeNull()
  })
})

describe('an observer', () => {
  test('is brought in step with what is committed, and logs it as well', () => {
    const played = discovered({ isVoter: false })
    played.hear(diff(z(5, 1)), proposal(z(4, 1)), commit(z(4, 1)), inform(z(5, 1)), newLeader(2))
    played.finishAll()
    played.hear(inform(z(1)))
    played.hearAndFinish(upToDate())
    expect(played.did()).toEqual([
      'append 1.4',
      'apply 1.4',
      'append 1.5',
      'apply 1.5',
      'write currentEpoch 2',
      'send ACK 2.0',
      'follow in epoch 2',
      'append 2.1',
      'apply 2.1',
      'send ACK 2.0',
    ])
  })
})

describe('the membership', () => {
  const at = (version: string): string => `${MEMBERSHIP}\nversion=${version}`

  test('that NEWLEADER tells is known as proposed, and decided when the leader serves', () => {
    const played = discovered()
    played.hearAndFinish(diff(z(3, 1)), newLeader(2, at('200000000')))
    expect(played.did()).toEqual([
      'propose membership 200000000',
      'write currentEpoch 2',
      'send ACK 2.0',
    ])
    played.hear(upToDate())
    expect(played.did()).toEqual([
      'commit membership 200000000',
      'follow in epoch 2',
      'send ACK 2.0',
    ])
  })

  test('that is news is durable before NEWLEADER is acknowledged, in an epoch known before', () => {
    const played = discovered({ accepted: 2, current: 2 })
    played.hear(diff(z(3, 1)), newLeader(2, at('200000007')))
    expect(played.did()).toEqual(['propose membership 200000007', 'write currentEpoch 2'])
    played.finishAll()
    expect(played.did()).toEqual(['send ACK 2.0'])
  })

  test('that the leader has proposed meanwhile is decided with its transaction, not before', () => {
    const played = discovered()
    played.hearAndFinish(
      diff(z(3, 1)),
      proposal(z(1), at('200000001')),
      newLeader(2, at('200000001')),
    )
    played.did()
    played.hearAndFinish(upToDate())
    expect(played.did()).toEqual([
      'follow in epoch 2',
      'append 2.1',
      'send ACK 2.0',
      'send ACK 2.1',
    ])
    played.hear(commitAndActivate(z(1), 3))
    expect(played.did()).toContain('commit membership 200000001')
  })

  test('that gives this server another role ends it', () => {
    const played = discovered()
    played.host.keepsRole = () => false
    played.hearAndFinish(diff(z(3, 1)), newLeader(2, at('200000000')), upToDate())
    expect(played.host.left).toBe('the ensemble has another role for this server')
    expect(played.said()).toEqual(['ACK 2.0'])
  })

  test('that was proposed here and has not survived is given up', () => {
    const played = discovered({ membership: at('100000000') })
    played.host.proposeMembership(played.host.membershipOf(at('100000009')))
    const marks = collectMarks(() =>
      played.hearAndFinish(diff(z(3, 1)), newLeader(2, at('100000000'))),
    )
    expect(played.host.proposedMembership).toBeNull()
    expect(marks.has('learning.reconfiguration-dropped')).toBe(true)
  })

  test('activated behind other transactions takes effect when its turn comes', () => {
    const played = discovered()
    played.hear(diff(z(5, 1)), proposal(z(4, 1)), proposal(z(5, 1), at('100000005')))
    played.hear(commit(z(4, 1)), commitAndActivate(z(5, 1), 3))
    expect(played.did()).toEqual(['propose membership 100000005'])
    played.hear(newLeader(2, at('100000005')))
    expect(played.did()).toEqual([
      'append 1.4',
      'apply 1.4',
      'append 1.5',
      'apply 1.5',
      'commit membership 100000005',
    ])
  })

  test('activated in a changed database takes effect at once', () => {
    const played = discovered({ isVoter: false })
    played.hearAndFinish(snap(z(7, 1)), informAndActivate(z(8, 1), 1, at('100000008')))
    expect(played.did()).toEqual([
      'begin snapshot 1.7',
      'propose membership 100000008',
      'apply 1.8',
      'commit membership 100000008',
      'leave for 1',
    ])
  })
})

describe('old faults, switched back on', () => {
  test('acknowledgesEarly: the history is not durable yet', () => {
    const played = discovered({ faults: { acknowledgesEarly: true } })
    played.hear(...history, newLeader(2))
    expect(ackOfNewLeader(played).durable).toMatchObject({ current: 1 })
    expect(ackOfNewLeader(played).durable.log).not.toContain(z(4, 1))
    played.hearAndFinish(upToDate())
    expect(played.said()).toEqual(['ACK 2.0', 'ACK 2.0', 'ACK 1.6'])
  })

  test('entersEpochEarly: the epoch is durable before its history', () => {
    const played = discovered({ faults: { entersEpochEarly: true } })
    played.hear(...history, newLeader(2))
    expect(played.did()).toEqual(['write currentEpoch 2'])
    played.finishNext()
    expect(played.did()).toEqual(['append 1.4', 'apply 1.4', 'append 1.5', 'apply 1.5'])
    expect(played.host.durable).toMatchObject({ current: 2, log: [z(1, 1), z(2, 1), z(3, 1)] })
    played.finishAll()
    expect(played.said()).toEqual(['ACK 2.0'])
  })

  test('acknowledgesUnlogged: a proposal is acknowledged before it is durable', () => {
    const played = discovered({ faults: { acknowledgesUnlogged: true } })
    played.hearAndFinish(...history, newLeader(2))
    played.hear(upToDate())
    expect(played.said()).toEqual(['ACK 2.0', 'ACK 2.0', 'ACK 1.6'])
    expect(played.host.durable.log).not.toContain(z(6, 1))
    played.hearAndFinish(proposal(z(1)))
    expect(played.said()).toEqual(['ACK 2.1'])
  })

  test('expectsNoCommitInSync: a commit before UPTODATE is more than it can take', () => {
    const played = discovered({ faults: { expectsNoCommitInSync: true } })
    played.hearAndFinish(...history, newLeader(2))
    expect(() => played.hear(commit(z(6, 1)))).toThrow(InvariantError)
  })

  test('trustsUnsavedSnapshot: the ACK leaves before the snapshot is saved', () => {
    const played = discovered({ faults: { trustsUnsavedSnapshot: true } })
    played.hear(snap(z(7, 1)), newLeader(2))
    expect(ackOfNewLeader(played).durable).toMatchObject({ snapshot: ZXID_ZERO, current: 1 })
    played.finishAll()
    expect(played.said()).toEqual(['ACK 2.0'])
  })

  test('dropsUncommitted: what was only proposed is lost, and its commit with it', () => {
    const played = discovered({ faults: { dropsUncommitted: true } })
    played.hearAndFinish(...history, newLeader(2), commit(z(6, 1)), upToDate())
    expect(played.host.left).toBeNull()
    expect(played.host.database).not.toContain(z(6, 1))
    expect(played.learning.takeUnapplied()).toEqual([])
  })

  test('skipsLogInSync: what is committed before UPTODATE is applied without being logged', () => {
    const played = discovered({ faults: { skipsLogInSync: true } })
    played.hearAndFinish(...history, newLeader(2), commit(z(6, 1)), proposal(z(1)), upToDate())
    expect(played.host.database).toContain(z(6, 1))
    expect(played.host.durable.log).not.toContain(z(6, 1))
    expect(played.host.durable.log).toContain(z(1))
  })

  test('neverTruncates: a leader that ends before us is followed as it is', () => {
    const played = discovered({ faults: { neverTruncates: true } })
    played.hearAndFinish(diff(z(2, 1)), newLeader(2), upToDate())
    expect(played.learning.phase).toBe('broadcast')
  })
})
