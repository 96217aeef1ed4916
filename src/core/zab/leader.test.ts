import { beforeEach, describe, expect, it } from 'vitest'

import { InvariantError } from '../../base/assert.ts'
import { type Zxid, zxidOf } from '../../base/zxid.ts'
import { MajorityQuorum } from '../quorum/quorum.ts'
import { Leader } from './leader.ts'

const at = (counter: number): Zxid => zxidOf(2, counter)

const propose = (leader: Leader, count = 1): void => {
  for (let i = 0; i < count; i++) {
    leader.propose({ zxid: leader.nextZxid, bytes: new Uint8Array(0), start: 0, end: 0 })
  }
}

/** The counters of what can be taken as committed now. */
function taken(leader: Leader): number[] {
  const counters: number[] = []
  for (let entry = leader.takeCommitted(); entry; entry = leader.takeCommitted()) {
    counters.push(entry.zxid - at(0))
  }
  return counters
}

describe('a leader that is its own quorum', () => {
  let leader: Leader
  beforeEach(() => {
    leader = new Leader(1, new MajorityQuorum([1]), at(10))
  })

  it('goes on from the history that it begins with, which is committed', () => {
    expect([leader.lastProposed, leader.committed, leader.nextZxid]).toEqual([
      at(10),
      at(10),
      at(11),
    ])
    expect(taken(leader)).toEqual([])
  })

  it('commits nothing before its own disk has answered', () => {
    propose(leader, 2)
    expect(leader.committed).toBe(at(10))
    expect(taken(leader)).toEqual([])
    expect(leader.outstandingCount).toBe(2)
  })

  it('commits up to what its disk has, in order, each once', () => {
    propose(leader, 3)
    leader.acknowledge(1, at(12))
    expect(taken(leader)).toEqual([11, 12])
    expect(taken(leader)).toEqual([])
    propose(leader)
    leader.acknowledge(1, at(14))
    expect(taken(leader)).toEqual([13, 14])
    expect(leader.outstandingCount).toBe(0)
  })

  it('takes an acknowledgement that says nothing new for what it is', () => {
    propose(leader, 2)
    leader.acknowledge(1, at(12))
    leader.acknowledge(1, at(11))
    expect(leader.committed).toBe(at(12))
    expect(taken(leader)).toEqual([11, 12])
  })

  it('refuses a proposal out of order and an acknowledgement of what was never proposed', () => {
    const entry = { zxid: at(12), bytes: new Uint8Array(0), start: 0, end: 0 }
    expect(() => leader.propose(entry)).toThrow(InvariantError)
    expect(() => leader.acknowledge(1, at(11))).toThrow(InvariantError)
  })
})

describe('a leader of three', () => {
  let leader: Leader
  beforeEach(() => {
    leader = new Leader(1, new MajorityQuorum([1, 2, 3]), at(0))
  })

  it('needs two, and does not count itself unasked', () => {
    propose(leader, 2)
    leader.acknowledge(2, at(2))
    expect(taken(leader)).toEqual([])
    leader.acknowledge(1, at(1))
    expect(taken(leader)).toEqual([1])
    leader.acknowledge(1, at(2))
    expect(taken(leader)).toEqual([2])
  })

  it('commits with two others while its own disk is slow', () => {
    propose(leader, 2)
    leader.acknowledge(3, at(1))
    leader.acknowledge(2, at(2))
    expect(taken(leader)).toEqual([1])
  })

  it('does not count who has no vote', () => {
    propose(leader)
    leader.acknowledge(1, at(1))
    leader.acknowledge(9, at(1))
    expect(taken(leader)).toEqual([])
  })

  it('forgets what a server said that may have less than it had', () => {
    propose(leader)
    leader.acknowledge(2, at(1))
    expect(leader.acknowledgedBy(2)).toBe(at(1))
    leader.forget(2)
    expect(leader.acknowledgedBy(2)).toBe(0)
    leader.acknowledge(1, at(1))
    expect(taken(leader)).toEqual([])
    leader.acknowledge(2, at(1))
    expect(taken(leader)).toEqual([1])
  })

  it('counts anew when others decide', () => {
    propose(leader, 2)
    leader.acknowledge(1, at(2))
    leader.acknowledge(4, at(1))
    expect(taken(leader)).toEqual([])
    leader.setQuorum(new MajorityQuorum([1, 4]))
    expect(taken(leader)).toEqual([1])
    expect(leader.outstandingAt(0)?.zxid).toBe(at(2))
    expect(leader.outstandingAt(1)).toBeUndefined()
    leader.setQuorum(new MajorityQuorum([1, 2, 3]))
    expect(leader.committed).toBe(at(1))
  })
})
