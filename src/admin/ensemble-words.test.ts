// The words as a member of an ensemble answers them, in each role and while it has none. The texts
// are those of Apache's servers in the same state. What does not depend on the ensemble is shown by
// the test of a server that stands alone.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type TemporaryDirectory,
  temporaryDirectory,
} from '../../test/support/temporary-directory.ts'
import { sessionIdOf } from '../base/session-id.ts'
import { NodeDisk } from '../io/disk/node-disk.ts'
import { checkConfig } from '../server/config/config.ts'
import { type Server, startServer } from '../server/server.ts'
import { type EnsembleStatus, type LeadingStatus, peerStateOf } from './ensemble-status.ts'
import type { AdminFigures, DurationFigures } from './facts.ts'
import { FourLetterWords } from './four-letter-words.ts'

const membershipText =
  'server.1=zk1:2888:3888:participant;0.0.0.0:2181\n' +
  'server.2=zk2:2888:3888:participant;0.0.0.0:2181\n' +
  'server.3=zk3:2888:3888:participant;0.0.0.0:2181\n' +
  'server.4=zk4:2889:3889:observer;0.0.0.0:2181\nversion=100000000'

const some: DurationFigures = { count: 2, sumMs: 300, minMs: 100, maxMs: 200 }

const follower: EnsembleStatus = {
  serverId: 2,
  mode: 'follower',
  peerState: peerStateOf('following', 'broadcast', null),
  leaderId: 3,
  epoch: 1,
  isVoter: true,
  quorumPort: 2888,
  electionPort: 3888,
  voterCount: 3,
  membershipText,
  lookCount: 3,
  elections: some,
  unavailable: some,
  leaderUnavailable: some,
  localSessionCount: 4,
  globalSessions: () => [
    [sessionIdOf(0x100000b2cdd0000n), 10_000],
    [sessionIdOf(0x300000b2d2d0000n), 30_000],
  ],
  leading: null,
  resetStatistics: () => {},
}

const leading: LeadingStatus = {
  learnerCount: 3,
  syncedFollowerCount: 2,
  syncedNonVotingFollowerCount: 0,
  syncedObserverCount: 1,
  pendingSyncCount: 5,
  uptimeMs: 6_000,
  proposals: { count: 7, lastBytes: 71, minBytes: 48, maxBytes: 110 },
}

const leader: EnsembleStatus = {
  ...follower,
  serverId: 3,
  mode: 'leader',
  peerState: peerStateOf('leading', 'broadcast', null),
  globalSessions: () => null,
  leading,
}

const observer: EnsembleStatus = { ...follower, serverId: 4, mode: 'observer', isVoter: false }

const looking: EnsembleStatus = {
  ...follower,
  mode: null,
  leaderId: null,
  peerState: peerStateOf('looking', null, null),
}

const readOnly: EnsembleStatus = { ...looking, mode: 'read-only', globalSessions: () => [] }

let directory: TemporaryDirectory
let server: Server

beforeAll(async () => {
  directory = temporaryDirectory()
  const text = `clientPort=2181\nclientPortAddress=127.0.0.1\ndataDir=${directory.path}\n`
  const { config } = checkConfig({ name: 'test', text })
  server = await startServer({ config: { ...config, clientPort: 0 } })
})

afterAll(async () => {
  await server.stop()
  directory[Symbol.dispose]()
})

function ask(ensemble: EnsembleStatus, word: string): string {
  const dataDirectory = `${directory.path}/version-2`
  const figures: AdminFigures = {
    uptimeMs: 1,
    refusedConnectionCount: 0,
    syncs: some,
    snapshots: some,
    pauses: some,
    reset: () => {},
  }
  const facts = {
    version: '3.9.5-test',
    clientPort: 2181,
    dataDirectory,
    logDirectory: dataDirectory,
    tickMs: 2_000,
    connectionsPerAddressMax: 60,
    minSessionTimeoutMs: 4_000,
    maxSessionTimeoutMs: 40_000,
    listenBacklog: -1,
    initLimit: 10,
    syncLimit: 5,
  }
  const sources = { status: server.status, facts, figures, disk: new NodeDisk(), ensemble }
  return new FourLetterWords(sources, null).answer(word, new Uint8Array(0), 0)
}

function figuresOf(ensemble: EnsembleStatus): Record<string, string> {
  const lines = ask(ensemble, 'mntr').trimEnd().split('\n')
  return Object.fromEntries(lines.map((line) => line.split('\t')))
}

describe('srvr and stat', () => {
  test.each([
    [leader, 'Mode: leader\n'],
    [follower, 'Mode: follower\n'],
    [observer, 'Mode: observer\n'],
    [readOnly, 'Mode: read-only\n'],
  ])('say what the server is', (ensemble, line) => {
    expect(ask(ensemble, 'srvr')).toContain(line)
    expect(ask(ensemble, 'stat')).toContain(line)
  })

  test('tell of the sizes of proposals at the leader only', () => {
    const line = 'Proposal sizes last/min/max: 71/48/110\n'
    expect(ask(leader, 'srvr').endsWith(`Node count: 5\n${line}`)).toBe(true)
    expect(ask(follower, 'srvr').endsWith('Node count: 5\n')).toBe(true)
  })

  test('warn of a server that is cut off in their second line', () => {
    expect(ask(readOnly, 'srvr')).toMatch(
      /^Zookeeper version: 3\.9\.5-test\nREAD-ONLY mode; serving only read-only clients\nLatency/,
    )
    expect(ask(readOnly, 'stat')).toMatch(/\nREAD-ONLY mode; .*\nClients:\n/)
  })
})

test('isro says whether writes are possible, and null where nothing is', () => {
  const answers = [leader, follower, observer, readOnly, looking].map((each) => ask(each, 'isro'))
  expect(answers).toEqual(['rw', 'rw', 'rw', 'ro', 'null'])
})

describe('conf', () => {
  test('ends with the members, without a line end', () => {
    expect(ask(follower, 'conf').split('serverId=')[1]).toBe(
      '2\ninitLimit=10\nsyncLimit=5\nelectionAlg=3\nelectionPort=3888\nquorumPort=2888\npeerType=0\n' +
        `membership: \n${membershipText}`,
    )
  })

  test('has another type for one that does not vote', () => {
    expect(ask(observer, 'conf')).toContain('\npeerType=1\n')
  })

  test('shows no members where they may be others by now', () => {
    expect(ask(readOnly, 'conf').endsWith('\npeerType=0\n')).toBe(true)
  })
})

describe('dump', () => {
  test('lists global sessions with their timeouts where others decide when they end', () => {
    expect(ask(follower, 'dump')).toContain(
      'SessionTracker dump:\nGlobal Sessions(2):\n0x100000b2cdd0000\t10000ms\n' +
        '0x300000b2d2d0000\t30000ms\nephemeral nodes dump:\nSessions with Ephemerals (0):\n',
    )
  })

  test('says when they end at the leader', () => {
    expect(ask(leader, 'dump')).toContain('SessionTracker dump:\nSession Sets (0)/(0):\n')
  })
})

describe('mntr', () => {
  test('has the figures of a leader', () => {
    expect(figuresOf(leader)).toMatchObject({
      zk_server_state: 'leader',
      zk_peer_state: 'leading - broadcast',
      zk_quorum_size: '3',
      zk_learners: '3',
      zk_followers: '3',
      zk_synced_followers: '2',
      zk_synced_non_voting_followers: '0',
      zk_synced_observers: '1',
      zk_pending_syncs: '5',
      zk_leader_uptime: '6000',
      zk_proposal_count: '7',
      zk_last_proposal_size: '71',
      zk_min_proposal_size: '48',
      zk_max_proposal_size: '110',
      zk_avg_election_time: '150.0',
      zk_cnt_election_time: '2',
      zk_looking_count: '3',
      zk_sum_unavailable_time: '300',
      zk_max_leader_unavailable_time: '200',
      zk_local_sessions: '4',
    })
  })

  test('leaves out of them what a follower cannot know', () => {
    const figures = figuresOf(follower)
    expect(figures).toMatchObject({
      zk_server_state: 'follower',
      zk_peer_state: 'following - broadcast',
      zk_quorum_size: '3',
    })
    for (const name of ['learners', 'synced_followers', 'pending_syncs', 'leader_uptime']) {
      expect(figures).not.toHaveProperty(`zk_${name}`)
    }
  })

  test('knows little of the ensemble that it is cut off from', () => {
    const figures = figuresOf(readOnly)
    expect(figures['zk_server_state']).toBe('read-only')
    expect(figures).not.toHaveProperty('zk_peer_state')
    expect(figures).not.toHaveProperty('zk_quorum_size')
  })
})

describe('while nobody is served', () => {
  const sentence = 'This ZooKeeper instance is not currently serving requests'

  test.each(
    'srvr stat mntr conf cons dump wchs wchc wchp dirs crst srst'.split(' ').map((word) => [word]),
  )('%s says just that', (word) => {
    expect(ask(looking, word)).toBe(`${sentence}\n`)
  })

  test('hash leaves the line open', () => {
    expect(ask(looking, 'hash')).toBe(sentence)
  })

  test('what needs no database is answered', () => {
    expect(ask(looking, 'ruok')).toBe('imok')
    expect(ask(looking, 'gtmk')).toBe('306')
    expect(ask(looking, 'envi')).toMatch(/^Environment:\n/)
  })
})

test('the state of a peer is its role, its phase and its way of synchronising', () => {
  expect([
    peerStateOf('looking', null, null),
    peerStateOf('following', 'synchronization', 'diff'),
    peerStateOf('leading', 'discovery', null),
  ]).toEqual(['looking', 'following - synchronization - diff', 'leading - discovery'])
})
