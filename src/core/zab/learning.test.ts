// The learner with a test as its leader: reaching it, promising an epoch, following, observing,
// leaving. How it is brought in step is in learning-sync.test.ts.

import { describe, expect, test } from 'vitest'

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
  revalidated,
  syncAnswer,
  upToDate,
} from '../../../test/support/leader-packets.ts'
import {
  type LearnerStart,
  MEMBERSHIP,
  PlayedLearner,
  timing,
} from '../../../test/support/played-learner.ts'
import { InvariantError } from '../../base/assert.ts'
import { collectMarks } from '../../base/marks.ts'
import { toHex } from '../../base/text.ts'
import { type Zxid, ZXID_ZERO, zxidOf } from '../../base/zxid.ts'

const z = (counter: number, epoch: number = 2): Zxid => zxidOf(epoch, counter)

/** A follower, or an observer, in epoch 2, whose log ends with 1.3. */
function following(start: LearnerStart = {}): PlayedLearner {
  const played = new PlayedLearner({ log: [z(1, 1), z(2, 1), z(3, 1)], ...start }).discover(2)
  played.hearAndFinish(diff(z(3, 1)), newLeader(2), upToDate())
  expect(played.said()).toEqual(['ACK 2.0', 'ACK 2.0'])
  played.did()
  return played
}

describe('reaching the leader', () => {
  test('it has as long as the synchronisation may take', () => {
    const { host, learning } = new PlayedLearner()
    learning.start()
    expect(host.links.dialled).toEqual([{ address: { host: 'c', port: 1 }, timeoutMs: 1000 }])
    expect(learning.deadlineMs).toBe(Number.POSITIVE_INFINITY)
    expect(learning.phase).toBe('discovery')
  })

  test('a leader that does not listen yet is tried again, soon at first, eight times in all', () => {
    const played = new PlayedLearner()
    const { host, learning } = played
    learning.start()
    const { connectRetryMs } = timing
    expect(connectRetryMs).toBe(30)
    for (const pauseMs of [10, 20, 30, 30, 30, 30, 30]) {
      const tries = host.links.dialled.length
      learning.linkClosed(host.links.lastLink, 'refused')
      expect(learning.deadlineMs).toBe(host.nowMs + pauseMs)
      learning.onTime()
      expect(host.links.dialled.length).toBe(tries)
      played.pass(pauseMs)
      expect(host.links.dialled.length).toBe(tries + 1)
    }
    expect(host.links.dialled.map(({ timeoutMs }) => timeoutMs)).toEqual([
      1000, 990, 970, 940, 910, 880, 850, 820,
    ])
    expect(host.left).toBeNull()
    learning.linkClosed(host.links.lastLink, 'refused')
    expect(host.left).toBe('the leader could not be reached: refused')
  })

  test('an attempt that took all the time is the last', () => {
    const { host, learning } = new PlayedLearner()
    learning.start()
    host.nowMs += 995
    learning.linkClosed(-1, 'no answer')
    expect(host.left).toBe('the leader could not be reached: no answer')
  })

  test('a leader that does not even refuse is left at the first attempt, and doubted', () => {
    const { host, learning } = new PlayedLearner({ initLimit: 100 })
    learning.start()
    expect(host.links.dialled).toMatchObject([{ timeoutMs: 1500 }])
    host.nowMs += 1500
    learning.linkClosed(-1, 'timed out')
    expect(host.left).toBe('the leader could not be reached: timed out')
    expect(host.doubted).toEqual([[3, 3000]])
  })

  test('a leader that refuses is not doubted', () => {
    const { host, learning } = new PlayedLearner()
    learning.start()
    host.nowMs += 995
    learning.linkClosed(-1, 'refused')
    expect(host.left).toBe('the leader could not be reached: refused')
    expect(host.doubted).toEqual([])
  })

  test('events of links that are no longer its own change nothing', () => {
    const { host, learning } = new PlayedLearner()
    learning.start()
    learning.linkOpened(-7)
    learning.linkClosed(-7, 'late')
    host.collect()
    expect(host.sent).toEqual([])
    expect(host.left).toBeNull()
  })
})

describe('discovery', () => {
  const introduced = (start: LearnerStart): PlayedLearner => {
    const played = new PlayedLearner(start)
    played.learning.start()
    played.learning.linkOpened(-1)
    played.host.collect()
    return played
  }

  test('a follower says which epoch it has accepted, who it is and which ensemble it knows', () => {
    const membership = `${MEMBERSHIP}\nversion=100000005`
    const { host } = introduced({ accepted: 4, membership })
    expect(host.sent.map(({ bytes }) => toHex(bytes))).toEqual([
      '0000000b' +
        '0000000400000000' +
        '00000014' +
        '0000000000000002' +
        '00010000' +
        '0000000100000005' +
        'ffffffff',
    ])
  })

  test('an observer says that it is one', () => {
    expect(introduced({ isVoter: false }).said()).toEqual(['OBSERVERINFO 1.0'])
  })

  test('a new epoch is promised when the promise is durable, with what this server has', () => {
    const played = introduced({ accepted: 1, current: 1, log: [z(1, 1)] })
    played.said()
    played.hear(leaderInfo(2))
    expect(played.did().at(-1)).toBe('write acceptedEpoch 2')
    expect(played.said()).toEqual([])
    played.finishNext()
    const answer = played.host.sent.at(-1)!
    expect(played.said()).toEqual(['ACKEPOCH 1.1'])
    expect([...answer.data!]).toEqual([0, 0, 0, 1])
    expect(answer.durable).toMatchObject({ accepted: 2, current: 1 })
    expect(played.learning.phase).toBe('synchronization')
  })

  test('an epoch that was accepted before is not promised again', () => {
    const played = introduced({ accepted: 2 })
    const marks = collectMarks(() => played.hear(leaderInfo(2)))
    expect([...played.host.sent.at(-1)!.data!]).toEqual([255, 255, 255, 255])
    expect(played.host.isBusy).toBe(false)
    expect(marks.has('learning.epoch-known')).toBe(true)
  })

  test('a leader of an older epoch is left', () => {
    const played = introduced({ accepted: 5 })
    played.hear(leaderInfo(4))
    expect(played.host.left).toContain('epoch 4')
    expect(played.host.links.hungUp).toEqual([-1])
  })

  test('a leader that begins with anything else is left', () => {
    const played = introduced({})
    played.hear(newLeader(2))
    expect(played.host.left).toBe('the leader began with NEWLEADER')
  })

  test('what comes while the epoch is being written waits', () => {
    const played = introduced({ accepted: 1, log: [z(1, 1)] })
    played.hear(leaderInfo(2), diff(z(1, 1)), newLeader(2))
    expect(played.said()).toEqual(['FOLLOWERINFO 1.0'])
    played.finishAll()
    expect(played.said()).toEqual(['ACKEPOCH 1.1', 'ACK 2.0'])
  })

  test('promising an epoch early is what the fault does', () => {
    const played = introduced({ faults: { promisesEpochEarly: true } })
    played.hear(leaderInfo(2))
    expect(played.host.sent.at(-1)!.name).toBe('ACKEPOCH')
    expect(played.host.sent.at(-1)!.durable.accepted).toBe(1)
    played.hearAndFinish(diff(ZXID_ZERO), newLeader(2), upToDate())
    expect(played.learning.phase).toBe('broadcast')
  })
})

describe('following', () => {
  test('each proposal is acknowledged when it is durable, in order', () => {
    const played = following()
    played.hear(proposal(z(1)), proposal(z(2)), proposal(z(3)))
    expect(played.did()).toEqual(['append 2.1', 'append 2.2', 'append 2.3'])
    played.finishNext()
    expect(played.said()).toEqual(['ACK 2.1'])
    played.learning.durable(z(3))
    played.host.collect()
    expect(played.said()).toEqual(['ACK 2.2', 'ACK 2.3'])
  })

  test('a commit is applied, also before this server has the proposal on disk', () => {
    const played = following()
    played.hear(proposal(z(1)), commit(z(1)), proposal(z(2)))
    expect(played.did()).toEqual(['append 2.1', 'apply 2.1', 'append 2.2'])
    expect(played.learning.describe()).toBe('follower of 3, epoch 2, following, 1 not applied')
  })

  test('what is left of the log is what was not applied', () => {
    const played = following()
    played.hear(proposal(z(1)), proposal(z(2)), commit(z(1)), proposal(z(3)))
    played.learning.linkClosed(-1, 'reset')
    expect(played.host.left).toBe('the link to the leader closed: reset')
    expect(played.learning.takeUnapplied().map(({ zxid }) => zxid)).toEqual([z(2), z(3)])
  })

  test('after the end nothing is acknowledged any more', () => {
    const played = following()
    played.hear(proposal(z(1)))
    played.learning.linkClosed(-1, 'reset')
    played.finishAll()
    expect(played.said()).toEqual([])
  })

  test('a leader that leaves out a proposal is left', () => {
    const played = following()
    const marks = collectMarks(() => played.hear(proposal(z(1)), proposal(z(3)), commit(z(1))))
    expect(played.host.left).toBe(
      'the leader broke its promise: proposal 0x200000003 after 0x200000001',
    )
    expect(marks.has('learning.gap')).toBe(true)
    expect(played.did()).toEqual(['append 2.1', 'leave'])
  })

  test.each([
    ['the first of its epoch is missing', proposal(z(2))],
    ['an older epoch', proposal(z(4, 1))],
    ['a later epoch', proposal(z(1, 3))],
  ])('a proposal is refused: %s', (_, packet) => {
    const played = following()
    if (_ === 'an older epoch') played.hear(proposal(z(1)))
    played.hear(packet)
    expect(played.host.left).toContain('broke its promise')
  })

  test.each([
    ['of what was not proposed', [commit(z(1))]],
    ['out of order', [proposal(z(1)), proposal(z(2)), commit(z(2))]],
    ['twice', [proposal(z(1)), commit(z(1)), commit(z(1))]],
  ])('a leader that commits %s is left', (_, packets) => {
    const played = following()
    played.hear(...packets)
    expect(played.host.left).toContain('commit of')
    expect(played.host.links.hungUp).toEqual([-1])
  })

  test('bytes that are no packets end it, and nothing else', () => {
    const played = following()
    const marks = collectMarks(() => played.hear(new Uint8Array(64).fill(0xee)))
    expect(played.host.left).toContain('cannot be read')
    expect(marks.has('learning.malformed')).toBe(true)
  })

  test('a transaction under another zxid than its packet is refused', () => {
    const played = following()
    const packet = proposal(z(1))
    // The last byte of the zxid in the transaction's header, behind 16 bytes of the packet.
    packet[16 + 19] = 9
    played.hear(packet)
    expect(played.host.left).toContain('another zxid')
  })

  test('a PING is answered with the sessions heard of, with empty data where there are none', () => {
    const played = following()
    played.host.touches = Uint8Array.of(1, 2, 3)
    played.hear(ping(z(7)))
    played.hear(ping(z(8)))
    expect(played.host.sent.slice(-2).map(({ data }) => [...data!])).toEqual([[1, 2, 3], []])
    expect(played.said()).toEqual(['PING 2.7', 'PING 2.8'])
  })

  test('answers to sync and revalidation are handed on', () => {
    const played = following()
    played.hear(syncAnswer(), revalidated(-5n, true), revalidated(6n, false))
    expect(played.did()).toEqual(['synced', 'revalidated 0x-5 true', 'revalidated 0x6 false'])
  })

  test('requests and revalidations are passed on as they are', () => {
    const { host, learning } = following()
    const bytes = Uint8Array.of(9, 8, 7, 6)
    learning.forward(-1, 2, 3, 4, bytes, 1, 3, [{ scheme: 'ip', id: '1' }])
    learning.forward(0, 2, 0, -11, bytes, 0, 0, null)
    learning.revalidate(-2n, 5)
    host.collect()
    expect(host.sent.slice(-3).map(({ bytes: sent }) => toHex(sent))).toEqual([
      '00000001ffffffffffffffff00000012' +
        'ffffffff00000002000000030000000408070000000100000002697000000001' +
        '31',
      '00000001ffffffffffffffff0000001000000000000000020000000' + '0fffffff5ffffffff',
      '00000006ffffffffffffffff0000000cfffffffffffffffe00000005ffffffff',
    ])
  })

  test('nothing is passed on before the leader serves', () => {
    const { learning } = new PlayedLearner().discover(2)
    expect(() => learning.revalidate(1n, 1)).toThrow(InvariantError)
  })

  test('what it should not be told is ignored, and said', () => {
    const played = following()
    played.hear(upToDate(), inform(z(1)), newLeader(2), proposal(z(1)))
    const remark = 'remark warn: ignored a packet that the leader should not have sent'
    expect(played.did()).toEqual([
      `${remark} UPTODATE`,
      `${remark} INFORM`,
      `${remark} NEWLEADER`,
      'append 2.1',
    ])
  })
})

describe('observing', () => {
  test('what it is informed of is logged and applied, and not acknowledged', () => {
    const played = following({ isVoter: false })
    played.hearAndFinish(inform(z(1)), inform(z(2)))
    expect(played.did()).toEqual(['append 2.1', 'apply 2.1', 'append 2.2', 'apply 2.2'])
    expect(played.learning.takeUnapplied()).toEqual([])
  })

  test('a gap is a broken promise for it, too', () => {
    const played = following({ isVoter: false })
    played.hear(inform(z(1)), inform(z(3)))
    expect(played.host.left).toContain('broke its promise')
  })

  test('proposals and commits are not for it', () => {
    const played = following({ isVoter: false })
    played.hear(proposal(z(1)), commit(z(1)))
    expect(played.did().filter((line) => line.startsWith('remark')).length).toBe(2)
    expect(played.host.left).toBeNull()
  })

  test('it activates what it is informed of', () => {
    const played = following({ isVoter: false })
    played.hear(informAndActivate(z(1), 3, `${MEMBERSHIP}\nversion=200000001`))
    expect(played.did()).toEqual([
      'propose membership 200000001',
      'append 2.1',
      'apply 2.1',
      'commit membership 200000001',
    ])
    expect(played.host.left).toBeNull()
  })
})

describe('reconfiguration', () => {
  const text = `${MEMBERSHIP}\nversion=200000001`

  test('has a say from its proposal on, and takes effect with its commit', () => {
    const played = following()
    played.hear(proposal(z(1), text))
    expect(played.did()).toEqual(['propose membership 200000001', 'append 2.1'])
    played.hear(commitAndActivate(z(1), 3))
    expect(played.did()).toEqual(['apply 2.1', 'commit membership 200000001'])
    expect(played.host.left).toBeNull()
  })

  test('another leader is followed without an election', () => {
    const played = following()
    const marks = collectMarks(() => played.hear(proposal(z(1), text), commitAndActivate(z(1), 1)))
    expect(played.host.leftFor).toBe(1)
    expect(played.host.links.hungUp).toEqual([-1])
    expect(marks.has('learning.reconfigured-away')).toBe(true)
  })

  test('a server whose role has changed starts over with the same leader', () => {
    const played = following()
    played.host.keepsRole = () => false
    played.hear(proposal(z(1), text), commitAndActivate(z(1), 3), proposal(z(2)))
    expect(played.host.leftFor).toBe(3)
    expect(played.did().at(-1)).toBe('leave for 3')
  })

  test('one that this server knows as decided already is not decided again', () => {
    const played = following({ membership: `${MEMBERSHIP}\nversion=200000009` })
    played.hear(proposal(z(1), text), commitAndActivate(z(1), 3))
    expect(played.did()).toEqual(['append 2.1', 'apply 2.1'])
  })

  test('activating what is none is a broken promise', () => {
    const played = following()
    played.hear(proposal(z(1)), commitAndActivate(z(1), 3))
    expect(played.host.left).toContain('no reconfiguration')
  })

  test('a membership that cannot be read ends it', () => {
    const played = following()
    played.hear(proposal(z(1), 'server.1=nonsense'))
    expect(played.host.left).toContain('cannot be read')
  })

  test('and leaves no trace of the proposal that it came in', () => {
    const played = following()
    played.hear(proposal(z(1), 'server.1=nonsense'), commit(z(1)))
    expect(played.did()).toEqual(['leave'])
    expect(played.learning.takeUnapplied()).toEqual([])
    expect(played.host.history.lastLogged).toBe(z(3, 1))
  })
})

describe('patience', () => {
  const initMs = timing.tickMs * timing.initLimit
  const syncMs = timing.tickMs * timing.syncLimit

  test('a leader may be silent for initLimit ticks until it is acknowledged', () => {
    const played = new PlayedLearner().discover(2)
    played.pass(initMs - 1)
    played.hear(diff(ZXID_ZERO))
    played.pass(initMs - 1)
    expect(played.host.left).toBeNull()
    played.pass(1)
    expect(played.host.left).toBe(`the leader was silent for ${initMs} ms`)
    expect(played.host.doubted).toEqual([[3, 0]])
  })

  test('and for syncLimit ticks from then on', () => {
    const played = new PlayedLearner().discover(2)
    played.hearAndFinish(diff(ZXID_ZERO), newLeader(2))
    expect(played.learning.deadlineMs).toBe(played.host.nowMs + syncMs)
    played.pass(syncMs - 1)
    played.hear(upToDate())
    played.pass(syncMs - 1)
    played.hear(ping(z(0)))
    played.pass(syncMs - 1)
    expect(played.host.left).toBeNull()
    played.pass(1)
    expect(played.host.left).toBe(`the leader was silent for ${syncMs} ms`)
  })

  test('its silence does not count while our own disk keeps us from listening', () => {
    const played = new PlayedLearner().discover(2)
    played.hear(diff(ZXID_ZERO), newLeader(2))
    expect(played.host.isBusy).toBe(true)
    played.pass(10 * initMs)
    played.finishAll()
    expect(played.learning.deadlineMs).toBe(played.host.nowMs + syncMs)
  })
})
