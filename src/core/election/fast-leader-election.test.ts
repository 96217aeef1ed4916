// The rules of fast leader election one by one (ZooKeeper 3.9 `FastLeaderElection`), on one server
// that is told of votes.

import { describe, expect, test } from 'vitest'

import { ensembleOf } from '../../../test/support/election-bench.ts'
import { type Zxid, zxidOf } from '../../base/zxid.ts'
import type { Membership } from '../quorum/membership.ts'
import { membershipOf } from '../quorum/membership-text.ts'
import { NO_SERVER, ServerState } from './election-host.ts'
import { type CastVote, FastLeaderElection } from './fast-leader-election.ts'

const { looking, following, leading, observing } = ServerState

/** A vote as it is told; everything not said is that of an empty server in round 1. */
const vote = (leader: number, more: Partial<CastVote> = {}): CastVote => ({
  leader,
  zxid: 0 as Zxid,
  peerEpoch: 0,
  round: 1,
  state: looking,
  version: 2,
  ...more,
})

/** Server `id` of three, or of another ensemble, in its first round. */
function begun(
  id: number,
  membership: Membership = ensembleOf(3),
  zxid: number = 0,
  epoch: number = 0,
  proposedMembership: Membership | null = null,
): FastLeaderElection {
  const election = new FastLeaderElection(id, { membership, proposedMembership })
  election.begin(zxid as Zxid, epoch)
  return election
}

describe('a vote of the same round', () => {
  test.each([
    ['a later epoch', vote(1, { peerEpoch: 3 }), true],
    ['a later transaction', vote(1, { peerEpoch: 2, zxid: zxidOf(1, 6) }), true],
    ['a larger number', vote(3, { peerEpoch: 2, zxid: zxidOf(1, 5) }), true],
    ['a smaller number', vote(1, { peerEpoch: 2, zxid: zxidOf(1, 5) }), false],
    ['an earlier transaction', vote(3, { peerEpoch: 2, zxid: zxidOf(1, 4) }), false],
    ['an earlier epoch, whatever the zxid', vote(3, { peerEpoch: 1, zxid: zxidOf(1, 9) }), false],
  ])('for %s', (_, heard, isBetter) => {
    const election = begun(2, ensembleOf(3), zxidOf(1, 5), 2)
    expect(election.receive(3, heard)).toBe(isBetter ? 'announce' : 'answer')
    expect(election.proposal.leader).toBe(isBetter ? heard.leader : 2)
    expect(election.proposal.round).toBe(1)
  })

  test('that is the same needs no answer', () => {
    expect(begun(2).receive(1, vote(2))).toBe('none')
  })

  test('makes a quorum with its own', () => {
    const election = begun(3)
    expect(election.hasQuorum).toBe(false)
    election.receive(1, vote(1))
    expect(election.hasQuorum).toBe(false)
    election.receive(1, vote(3))
    expect(election.hasQuorum).toBe(true)
    expect(election.decision).toBeNull()
  })

  test('makes none where it differs in the zxid, the epoch or the round', () => {
    const election = begun(3, ensembleOf(3), 5, 1)
    election.receive(1, vote(3, { zxid: 4 as Zxid, peerEpoch: 1 }))
    election.receive(2, vote(3, { zxid: 5 as Zxid, peerEpoch: 0 }))
    expect(election.hasQuorum).toBe(false)
  })

  test('a better one ends a quorum', () => {
    const election = begun(2)
    election.receive(1, vote(2))
    expect(election.hasQuorum).toBe(true)
    expect(election.receive(3, vote(3))).toBe('announce')
    // Server 3 is for itself, and so is this one now.
    expect(election.hasQuorum).toBe(true)
    expect(election.proposal.leader).toBe(3)
  })
})

describe('rounds', () => {
  test('a later one is joined, with the better of the vote and its own first', () => {
    const election = begun(2, ensembleOf(5))
    election.receive(3, vote(3))
    expect(election.receive(1, vote(1, { round: 4 }))).toBe('announce')
    expect(election.proposal).toEqual({ leader: 2, zxid: 0, peerEpoch: 0, round: 4 })
    expect(election.votes).toBe(2)
  })

  test('an earlier one is answered and does not count', () => {
    const election = begun(3)
    election.begin(0 as Zxid, 0)
    expect(election.receive(1, vote(3))).toBe('answer')
    expect(election.hasQuorum).toBe(false)
  })

  test('a later one with nothing better does not undo a quorum', () => {
    const election = begun(2)
    election.receive(3, vote(3))
    expect(election.receive(1, vote(1, { round: 9 }))).toBe('none')
    expect(election.round).toBe(1)
    expect(election.hasQuorum).toBe(true)
  })

  test('begin again at one after a reset', () => {
    const election = begun(1)
    election.begin(0 as Zxid, 0)
    election.reset()
    election.begin(0 as Zxid, 0)
    expect(election.round).toBe(1)
  })
})

// A membership of 2 and 3 is to become one of 1 and 3: nobody is elected without all three of them.
describe('a server whose vote counts once the proposed membership is decided', () => {
  const members = (...ids: number[]): Membership =>
    membershipOf(
      `${ids.map((id) => `server.${id}=h${id}:1:2`).join('\n')}\nversion=${ids[0] === 1 ? 4 : 3}`,
    )
  const joining = (id: number): FastLeaderElection => begun(id, members(2, 3), 0, 0, members(1, 3))
  const nobody = vote(NO_SERVER, { zxid: NO_SERVER as Zxid, peerEpoch: NO_SERVER, round: 5 })

  test('is for nobody, and comes back to the round of those who are for somebody', () => {
    const election = joining(1)
    election.begin(0 as Zxid, 0)
    expect(election.receive(3, vote(3))).toBe('announce')
    expect(election.proposal).toEqual({ leader: 3, zxid: 0, peerEpoch: 0, round: 1 })
    expect(election.hasQuorum).toBe(false)
    election.receive(2, vote(3))
    expect(election.hasQuorum).toBe(true)
  })

  test('keeps to its round where it may not be for the server either', () => {
    const election = joining(1)
    election.doubt(3)
    election.begin(0 as Zxid, 0)
    expect(election.receive(3, vote(3))).toBe('answer')
    expect(election.round).toBe(2)
  })

  test('is followed into a later round by those who cannot do without it', () => {
    const election = joining(3)
    election.receive(2, vote(3))
    expect(election.receive(1, nobody)).toBe('announce')
    expect(election.proposal).toEqual({ leader: 3, zxid: 0, peerEpoch: 0, round: 5 })
    expect(election.votes).toBe(1)
  })

  test('is not followed by those who have a quorum, or are in that round', () => {
    const elected = begun(3)
    elected.receive(2, vote(3))
    expect(elected.receive(1, nobody)).toBe('none')
    expect(elected.round).toBe(1)
    expect(joining(3).receive(1, { ...nobody, round: 1 })).toBe('none')
    expect(joining(3).receive(1, { ...nobody, state: following })).toBe('none')
  })
})

// The voters 1, 2 and 3 are to become 1, 2, 3 and 4, and 4 does not vote yet.
test('a leader that waits for this server to be a quorum of the proposed membership is joined', () => {
  const members = (version: number, ids: readonly number[]): Membership =>
    membershipOf(`${ids.map((id) => `server.${id}=h${id}:1:2`).join('\n')}\nversion=${version}`)
  const proposed = members(4, [1, 2, 3, 4])
  const election = begun(2, members(3, [1, 2, 3]), 5, 1, proposed)
  const led = { round: 9, peerEpoch: 1 }
  election.receive(3, vote(3, { ...led, state: leading }))
  expect(election.decision).toBeNull()
  election.receive(1, vote(3, { ...led, state: following }))
  expect(election.decision?.leader).toBe(3)

  const outsider = begun(5, members(3, [1, 2, 3]), 5, 1, members(4, [1, 2, 3, 4, 5, 6]))
  outsider.receive(3, vote(3, { ...led, state: leading }))
  outsider.receive(1, vote(3, { ...led, state: following }))
  expect(outsider.decision).toBeNull()
})

describe('who is not counted', () => {
  test('observers, strangers, and votes for them', () => {
    const election = begun(1, ensembleOf(4, 1))
    expect(election.receive(4, vote(3))).toBe('none')
    expect(election.receive(9, vote(3))).toBe('none')
    expect(election.receive(2, vote(4))).toBe('none')
    expect(election.receive(2, vote(NO_SERVER))).toBe('none')
    expect(election.votes).toBe(1)
    expect(election.proposal.leader).toBe(1)
  })

  test('a server that observes', () => {
    const election = begun(1)
    expect(election.receive(2, vote(3, { state: observing }))).toBe('none')
    expect(election.votes).toBe(1)
  })

  test('a database that is not to be trusted, on either side', () => {
    expect(begun(1).receive(3, vote(3, { zxid: -1 as Zxid }))).toBe('none')
    const untrusted = begun(3, ensembleOf(3), -1)
    expect(untrusted.receive(1, vote(1, { peerEpoch: 5 }))).toBe('none')
    expect(untrusted.proposal.leader).toBe(3)
  })

  test('a server without weight is never led by', () => {
    const text = [1, 2, 3].map((id) => `server.${id}=h${id}:1:2`).join('\n')
    const weighted = membershipOf(`${text}\ngroup.1=1:2:3\nweight.3=0`)
    const election = begun(1, weighted)
    expect(election.receive(3, vote(3, { peerEpoch: 7 }))).toBe('none')
    expect(election.proposal.leader).toBe(1)
    election.receive(3, vote(1))
    expect(election.hasQuorum).toBe(false)
    election.receive(2, vote(1))
    expect(election.hasQuorum).toBe(true)
  })
})

describe('a server that has weight only in the proposed membership', () => {
  const [one, two, three] = [1, 2, 3].map((id) => `server.${id}=h${id}:1:2`)
  const decided = membershipOf(
    `${one}\n${two}\n${three}\ngroup.1=1\ngroup.2=2\ngroup.3=3\nweight.3=0\nversion=1`,
  )
  const proposed = membershipOf(`${two}\n${three}\nversion=2`)

  test('is for one with weight that has as much as itself', () => {
    const election = begun(3, decided, 5, 1, proposed)
    expect(election.receive(2, vote(2, { zxid: 5 as Zxid, peerEpoch: 1 }))).toBe('announce')
    expect(election.proposal.leader).toBe(2)
    expect(election.hasQuorum).toBe(false)
    election.receive(1, vote(2, { zxid: 5 as Zxid, peerEpoch: 1 }))
    expect(election.hasQuorum).toBe(true)
    expect(election.receive(1, vote(3, { zxid: 5 as Zxid, peerEpoch: 1 }))).toBe('answer')
  })

  test('may lead if it has more than anybody', () => {
    const election = begun(2, decided, 5, 1, proposed)
    expect(election.receive(3, vote(3, { zxid: 6 as Zxid, peerEpoch: 1 }))).toBe('announce')
    expect(election.proposal.leader).toBe(3)
    const later = begun(3, decided, 6, 1, proposed)
    expect(later.receive(2, vote(2, { zxid: 5 as Zxid, peerEpoch: 1 }))).toBe('answer')
  })
})

describe('a doubted server', () => {
  const doubting = (): FastLeaderElection => {
    const election = begun(1)
    election.doubt(3)
    return election
  }

  test('is not voted for, whoever says so', () => {
    const election = doubting()
    expect(election.receive(3, vote(3, { peerEpoch: 7 }))).toBe('none')
    expect(election.receive(2, vote(3, { peerEpoch: 7 }))).toBe('none')
    expect(election.proposal.leader).toBe(1)
    expect(election.hasQuorum).toBe(false)
  })

  test('is no hindrance to those who can do without it', () => {
    const election = doubting()
    election.receive(3, vote(3))
    expect(election.receive(2, vote(2))).toBe('announce')
    expect(election.hasQuorum).toBe(true)
    expect(election.proposal.leader).toBe(2)
  })

  test('takes nobody into a later round with it', () => {
    const election = doubting()
    expect(election.receive(3, vote(3, { round: 5 }))).toBe('announce')
    expect(election.proposal).toEqual({ leader: 1, zxid: 0, peerEpoch: 0, round: 5 })
  })

  test('leads nevertheless where others have decided that it does', () => {
    const election = doubting()
    election.receive(3, vote(3, { state: leading, peerEpoch: 2 }))
    election.receive(2, vote(3, { state: following, peerEpoch: 2 }))
    expect(election.decision?.leader).toBe(3)
  })

  test('is voted for as soon as it is trusted, on the votes that have come', () => {
    const election = doubting()
    election.receive(3, vote(3))
    expect(election.trust(3)).toBe('announce')
    expect(election.proposal.leader).toBe(3)
    expect(election.hasQuorum).toBe(true)
  })

  test('changes nothing as it is trusted where a better one has come', () => {
    const election = begun(1)
    election.doubt(2)
    election.receive(2, vote(2))
    election.receive(3, vote(3))
    expect(election.trust(2)).toBe('none')
    expect(election.proposal.leader).toBe(3)
  })
})

describe('an observer', () => {
  test('is for nobody, then for whom the voters are for, and is not counted itself', () => {
    const election = begun(4, ensembleOf(4, 1), 7, 7)
    expect(election.proposal).toEqual({
      leader: NO_SERVER,
      zxid: NO_SERVER,
      peerEpoch: NO_SERVER,
      round: 1,
    })
    expect(election.receive(1, vote(3))).toBe('announce')
    expect(election.hasQuorum).toBe(false)
    election.receive(3, vote(3))
    expect(election.hasQuorum).toBe(true)
  })
})

describe('what has been decided elsewhere', () => {
  const led = (state: ServerState, more: Partial<CastVote> = {}): CastVote =>
    vote(2, { state, round: 7, peerEpoch: 4, ...more })

  test('is joined when a quorum says so, the leader among it', () => {
    const election = begun(1, ensembleOf(5))
    election.receive(3, led(following))
    election.receive(4, led(following))
    election.receive(5, led(following))
    expect(election.decision).toBeNull()
    election.receive(2, led(leading))
    expect(election.decision).toEqual({ leader: 2, zxid: 0, peerEpoch: 4, round: 7 })
    expect(election.round).toBe(7)
  })

  test('is not joined while the leader tells of another epoch than its followers', () => {
    const election = begun(1)
    election.receive(2, led(leading, { peerEpoch: 5 }))
    election.receive(3, led(following, { peerEpoch: 4 }))
    expect(election.decision).toBeNull()
    election.receive(3, led(following, { peerEpoch: 5 }))
    expect(election.decision?.peerEpoch).toBe(5)
  })

  test('the zxid and the round may differ', () => {
    const election = begun(1)
    election.receive(2, led(leading))
    election.receive(3, led(following, { zxid: 9 as Zxid, round: 3 }))
    expect(election.decision?.leader).toBe(2)
  })

  test('servers before 3.5 are believed by the leader alone', () => {
    const election = begun(1)
    election.receive(2, led(leading, { version: 0, peerEpoch: 0 }))
    election.receive(3, led(following))
    expect(election.decision?.leader).toBe(2)
  })

  test('of this round counts beside the votes of those who still look', () => {
    const election = begun(1)
    election.receive(2, vote(2))
    expect(election.decision).toBeNull()
    election.receive(2, vote(2, { state: leading }))
    expect(election.decision).toEqual({ leader: 2, zxid: 0, peerEpoch: 0, round: 1 })
  })

  test('that it leads itself is believed in its own round only', () => {
    const later = begun(3)
    later.receive(1, vote(3, { state: following, round: 2 }))
    later.receive(2, vote(3, { state: following, round: 2 }))
    expect(later.decision).toBeNull()
    const same = begun(3)
    same.receive(1, vote(3, { state: following }))
    expect(same.decision?.leader).toBe(3)
  })
})

describe('waiting', () => {
  const nobodyAbsent = (): boolean => false

  test('is idle for a leader that has all votes', () => {
    const election = begun(3)
    election.receive(1, vote(3))
    expect(election.isUnanimous(nobodyAbsent)).toBe(false)
    election.receive(2, vote(3))
    expect(election.isUnanimous(nobodyAbsent)).toBe(true)
  })

  test('is idle where who has not voted cannot be reached', () => {
    const election = begun(3)
    election.receive(1, vote(3))
    expect(election.isUnanimous((id) => id === 2)).toBe(true)
    expect(election.isUnanimous((id) => id === 1)).toBe(false)
  })

  test('is not idle while somebody is for another', () => {
    const election = begun(3)
    election.receive(1, vote(3))
    election.receive(2, vote(2))
    expect(election.isUnanimous(() => true)).toBe(false)
  })

  test('is not idle without a quorum', () => {
    expect(begun(3).isUnanimous(() => true)).toBe(false)
  })

  test('is idle for others only when the leader leads', () => {
    const election = begun(1)
    election.receive(2, vote(3))
    election.receive(3, vote(3))
    expect(election.isUnanimous(nobodyAbsent)).toBe(false)
  })
})

describe('while a membership is proposed', () => {
  test('both have to agree, and a newcomer may be voted for', () => {
    const proposed = ensembleOf(5, 0, 0x100000001)
    const election = begun(3, ensembleOf(3), 0, 0, proposed)
    election.receive(1, vote(3))
    expect(election.hasQuorum).toBe(false)
    election.receive(4, vote(3))
    expect(election.hasQuorum).toBe(true)
    expect(election.receive(5, vote(5))).toBe('announce')
    expect(election.proposal.leader).toBe(5)
  })
})
