// From what a member is at a moment to what operators are told.

import { describe, expect, test } from 'vitest'
import { sessionIdOf } from '../base/session-id.ts'
import { membershipOf } from '../core/quorum/membership-text.ts'
import { RoleTimes } from '../core/replica/role-times.ts'
import { ProposalSizes } from '../core/zab/proposal-sizes.ts'
import { MemberStatus, type MemberView } from './member-status.ts'

const membership = membershipOf(
  'server.1=a:2888:3888\nserver.2=b:2889:3889\nserver.3=c:2888:3888\nserver.4=d:2890:3890:observer',
)

const looking: MemberView = {
  serverId: 2,
  standing: 'looking',
  service: null,
  leaderId: null,
  membership,
  desk: { epochs: { current: 4 } },
  nowMs: 7_000,
  times: new RoleTimes(),
  leading: null,
  learning: null,
}

const following: MemberView = {
  ...looking,
  standing: 'following',
  service: { sessions: { local: { size: 2 } } },
  leaderId: 3,
  learning: { phase: 'broadcast', epoch: 5 },
}

const sessions = new Map([[sessionIdOf(0x200000000000001n), 30_000]])

const statusOf = (member: MemberView): MemberStatus =>
  new MemberStatus({ database: { sessions } }, member)

describe('what operators are told', () => {
  test('of a server that looks for a leader', () => {
    expect(statusOf(looking)).toMatchObject({
      serverId: 2,
      mode: null,
      peerState: 'looking',
      leaderId: null,
      epoch: 4,
      isVoter: true,
      quorumPort: 2889,
      electionPort: 3889,
      voterCount: 3,
      membershipText: membership.text,
      leading: null,
    })
  })

  test('of one that follows, with the sessions that it knows', () => {
    const status = statusOf(following)
    expect(status).toMatchObject({
      mode: 'follower',
      peerState: 'following - broadcast',
      leaderId: 3,
      epoch: 5,
      localSessionCount: 2,
    })
    expect([...(status.globalSessions() ?? [])]).toEqual([...sessions])
  })

  test('of one that observes', () => {
    const status = statusOf({ ...following, serverId: 4, standing: 'observing' })
    expect(status).toMatchObject({
      mode: 'observer',
      peerState: 'observing - broadcast',
      isVoter: false,
      quorumPort: 2890,
    })
  })

  test('of one that does not serve yet', () => {
    const role = { phase: 'synchronization', epoch: 5 } as const
    const status = statusOf({ ...following, service: null, learning: role })
    expect([status.mode, status.peerState]).toEqual([null, 'following - synchronization'])
  })

  test('of one that leaves its role', () => {
    const status = statusOf({ ...following, service: null, standing: 'leaving' })
    expect([status.mode, status.peerState]).toEqual([null, 'looking'])
  })

  test('of one that is no member any more', () => {
    const status = statusOf({ ...following, serverId: 9 })
    expect(status).toMatchObject({ isVoter: false, quorumPort: -1, electionPort: -1 })
  })

  test('of the leader, who counts its learners by what they are', () => {
    const learners = [
      { serverId: 1, isSynced: true },
      { serverId: 3, isSynced: false },
      { serverId: 4, isSynced: true },
      { serverId: 7, isSynced: true },
    ]
    const times = new RoleTimes()
    times.looks(1_000)
    times.takesRole(true, 1_200)
    times.serves(true, 1_500)
    const proposals = new ProposalSizes()
    proposals.add(71)
    const status = statusOf({
      ...looking,
      standing: 'leading',
      service: { sessions: { local: null } },
      leaderId: 2,
      times,
      leading: { phase: 'broadcast', epoch: 6, learners, pendingSyncCount: 5, proposals },
    })
    expect(status.mode).toBe('leader')
    expect(status.globalSessions()).toBeNull()
    expect(status.leading).toMatchObject({
      learnerCount: 4,
      syncedFollowerCount: 1,
      syncedObserverCount: 1,
      syncedNonVotingFollowerCount: 1,
      pendingSyncCount: 5,
      uptimeMs: 5_800,
      proposals: { count: 1, lastBytes: 71 },
    })
    expect([status.lookCount, status.elections.sumMs]).toEqual([1, 200])
    expect([status.unavailable.sumMs, status.leaderUnavailable.sumMs]).toEqual([500, 500])
    status.resetStatistics()
    expect([status.lookCount, status.elections.count]).toEqual([0, 0])
    expect(status.leading?.proposals).toMatchObject({ count: 0, lastBytes: -1 })
  })
})
