// A leader that keeps its promises, told in any pieces to a learner whose disk finishes at any
// moment, cut off at any point: whatever has been said by then is true of the disk, and in the end
// the learner has exactly what the leader committed.

import fc from 'fast-check'
import { expect, test } from 'vitest'

import {
  commit,
  diff,
  inform,
  joined,
  leaderInfo,
  newLeader,
  ping,
  proposal,
  snap,
  trunc,
  upToDate,
} from '../../../test/support/leader-packets.ts'
import type { DurableState } from '../../../test/support/learner-host.ts'
import { PlayedLearner } from '../../../test/support/played-learner.ts'
import { must } from '../../base/assert.ts'
import { type Zxid, zxidOf } from '../../base/zxid.ts'
import { NO_FAULTS, type ZabFaults } from './zab-faults.ts'

const EPOCH = 3
const START = zxidOf(EPOCH, 0)

interface Story {
  readonly direction: 'diff' | 'trunc' | 'snap'
  readonly isVoter: boolean
  /** Transactions of the leader's history that the learner has, and those that it misses. */
  readonly shared: number
  readonly missed: number
  /** What the learner has and the leader has not, where it is cut back. */
  readonly foreign: number
  /** How many of the missed ones come again behind a snapshot. */
  readonly repeated: number
  /** Proposed before NEWLEADER, and after it. */
  readonly outstanding: number
  readonly fresh: number
  /** Where, among what follows NEWLEADER, UPTODATE stands; the rest are commits and proposals. */
  readonly upToDateAt: number
  readonly proposesFirst: readonly boolean[]
}

const story: fc.Arbitrary<Story> = fc.record({
  direction: fc.constantFrom('diff', 'trunc', 'snap'),
  isVoter: fc.boolean(),
  shared: fc.integer({ min: 1, max: 4 }),
  missed: fc.integer({ min: 0, max: 4 }),
  foreign: fc.integer({ min: 1, max: 3 }),
  repeated: fc.integer({ min: 0, max: 4 }),
  outstanding: fc.integer({ min: 0, max: 3 }),
  fresh: fc.integer({ min: 0, max: 4 }),
  upToDateAt: fc.integer({ min: 0, max: 12 }),
  proposesFirst: fc.array(fc.boolean(), { minLength: 1, maxLength: 10 }),
})

/** True: the next piece arrives. False: the disk finishes the oldest of its tasks. */
const schedule = fc.array(fc.boolean(), { minLength: 1, maxLength: 120 })

const pieceLengths = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 6 })

interface Told {
  readonly played: PlayedLearner
  readonly stream: Uint8Array
  /** Everything that the leader commits, in order. */
  readonly committed: readonly Zxid[]
  /** What has to be durable before NEWLEADER is acknowledged. */
  readonly beforeEpoch: readonly Zxid[]
}

/** What the leader says, and the learner it says it to. */
function tell(told: Story, faults: ZabFaults): Told {
  const { direction, isVoter, shared, missed } = told
  const known = zxids(1, 1, shared)
  // What is missed begins in the epoch that the learner knows and goes on in another.
  const lacking = [...zxids(1, shared + 1, missed >> 1), ...zxids(2, 1, missed - (missed >> 1))]
  const outstanding = isVoter ? told.outstanding : 0
  const proposed = zxids(2, 1 + missed - (missed >> 1), outstanding)
  const history = [...known, ...lacking]
  const log = direction === 'trunc' ? [...known, ...zxids(1, shared + 1, told.foreign)] : known
  const played = new PlayedLearner({ log, isVoter, faults })

  const packets: Uint8Array[] = [leaderInfo(EPOCH)]
  const lastKnown = must(known.at(-1), 'something is shared')
  const last = must(history.at(-1), 'something is shared')
  let sentInSync = lacking
  if (direction === 'snap') {
    packets.push(snap(last))
    sentInSync = lacking.slice(Math.max(0, missed - told.repeated))
  } else {
    packets.push(direction === 'diff' ? diff(last) : trunc(lastKnown))
  }
  for (const zxid of sentInSync) packets.push(proposal(zxid), commit(zxid))
  for (const zxid of proposed) packets.push(proposal(zxid))
  packets.push(newLeader(EPOCH))
  packets.push(...live(told, proposed))
  return {
    played,
    stream: joined(packets),
    committed: [...history, ...proposed, ...zxids(EPOCH, 1, told.fresh)],
    beforeEpoch: history,
  }
}

/** Proposals and commits in one of their possible orders, with UPTODATE somewhere. */
function live({ isVoter, fresh, upToDateAt, proposesFirst }: Story, waiting: Zxid[]): Uint8Array[] {
  const packets: Uint8Array[] = []
  const uncommitted = [...waiting]
  const unproposed = zxids(EPOCH, 1, fresh)
  for (let i = 0; uncommitted.length + unproposed.length > 0; i++) {
    const proposes = proposesFirst[i % proposesFirst.length] || uncommitted.length === 0
    if (proposes && unproposed.length > 0) {
      const zxid = must(unproposed.shift(), 'something is left')
      if (isVoter) uncommitted.push(zxid)
      packets.push(isVoter ? proposal(zxid) : inform(zxid))
    } else {
      packets.push(commit(must(uncommitted.shift(), 'something is left')))
    }
  }
  packets.splice(Math.min(upToDateAt, packets.length), 0, upToDate())
  return [...packets, ping(START)]
}

const zxids = (epoch: number, first: number, count: number): Zxid[] =>
  Array.from({ length: count }, (_, i) => zxidOf(epoch, first + i))

const holds = ({ log, snapshot }: DurableState, zxid: Zxid): boolean =>
  zxid <= snapshot || log.includes(zxid)

/** Everything that was promised to the leader is kept by the disk. */
function checkPromises({ played, beforeEpoch }: Told): void {
  const { durable: now } = played.host
  if (now.current === EPOCH) expect(beforeEpoch.filter((zxid) => !holds(now, zxid))).toEqual([])
  for (const { name, zxid, durable } of played.host.sent) {
    if (name === 'ACKEPOCH') expect(durable.accepted).toBe(EPOCH)
    if (name !== 'ACK') continue
    if (zxid !== START) expect(holds(durable, zxid)).toBe(true)
    expect(durable.current).toBe(EPOCH)
    expect(beforeEpoch.filter((each) => !holds(durable, each))).toEqual([])
  }
}

/** Plays as much as the schedule tells; returns what has not arrived. */
function play(
  { played, stream }: Told,
  steps: readonly boolean[],
  lengths: readonly number[],
): Uint8Array {
  const { host, learning } = played
  learning.start()
  learning.linkOpened(-1)
  host.collect()
  let at = 0
  steps.forEach((arrives, i) => {
    if (!arrives) played.finishNext()
    else if (at < stream.length) {
      const end = at + lengths[i % lengths.length]!
      played.hear(stream.slice(at, end))
      at = end
    }
  })
  return stream.slice(at)
}

/** What is left of a life that was cut off: the log is what was applied and what was not. */
function checkRemains({ played, committed }: Told, { direction }: Story): void {
  const { host, learning } = played
  const unapplied = learning.takeUnapplied().map(({ zxid }) => zxid)
  const count = (verb: string): number => host.did.filter((line) => line.startsWith(verb)).length
  if (direction !== 'snap') expect(count('append')).toBe(count('apply') + unapplied.length)
  if (unapplied.length === 0) return
  const next = committed.indexOf(unapplied[0]!)
  expect(committed.slice(next, next + unapplied.length)).toEqual(unapplied)
  expect(host.database.at(-1)).toBe(committed[next - 1])
}

/** Once everything was told, and the disk is idle. */
function checkOutcome({ played, committed, beforeEpoch }: Told, { isVoter }: Story): void {
  const { host, learning } = played
  expect(learning.phase).toBe('broadcast')
  // The database holds what was committed in order, without a gap from where it begins.
  const begin = committed.indexOf(host.database[0]!)
  expect(host.database).toEqual(committed.slice(begin))
  expect(committed.filter((zxid) => !holds(host.durable, zxid))).toEqual([])
  expect(learning.takeUnapplied()).toEqual([])
  const acks = host.sent.filter(({ name, zxid }) => name === 'ACK' && zxid !== START)
  expect(acks.map(({ zxid }) => zxid)).toEqual(isVoter ? committed.slice(beforeEpoch.length) : [])
  expect(host.sent.filter(({ name }) => name === 'PING').length).toBe(1)
}

test('cut off at any point, nothing was said that the disk does not hold', () => {
  fc.assert(
    fc.property(story, schedule, pieceLengths, (told, steps, lengths) => {
      const all = tell(told, NO_FAULTS)
      play(all, steps, lengths)
      expect(all.played.host.left).toBeNull()
      checkPromises(all)
      all.played.learning.linkClosed(-1, 'cut')
      expect(all.played.host.left).not.toBeNull()
      checkRemains(all, told)
    }),
    { numRuns: 300 },
  )
})

test('told everything, it has what the leader committed, and has acknowledged each in order', () => {
  fc.assert(
    fc.property(story, schedule, pieceLengths, (told, steps, lengths) => {
      const all = tell(told, NO_FAULTS)
      all.played.hearAndFinish(play(all, steps, lengths))
      checkPromises(all)
      checkOutcome(all, told)
    }),
    { numRuns: 300 },
  )
})

test.each([
  'acknowledgesEarly',
  'acknowledgesUnlogged',
  'dropsUncommitted',
  'entersEpochEarly',
  'expectsNoCommitInSync',
  'promisesEpochEarly',
  'skipsLogInSync',
  'trustsUnsavedSnapshot',
] as const)('the checks above find %s', (fault) => {
  const result = fc.check(
    fc.property(story, schedule, pieceLengths, (told, steps, lengths) => {
      const all = tell(told, { ...NO_FAULTS, [fault]: true })
      const rest = play(all, steps, lengths)
      checkPromises(all)
      all.played.hearAndFinish(rest)
      checkOutcome(all, told)
    }),
    { numRuns: 1000 },
  )
  expect(result.failed).toBe(true)
})
