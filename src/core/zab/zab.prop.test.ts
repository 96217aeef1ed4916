// A leader and its learners, the real ones on both sides, with links and disks that take their time
// in any order: whatever histories they begin with, they come to one.

import fc from 'fast-check'
import { expect, test } from 'vitest'

import { entryAt, SmallLeaderHost } from '../../../test/support/leader-host.ts'
import { transaction } from '../../../test/support/leader-packets.ts'
import { SmallLearnerHost } from '../../../test/support/learner-host.ts'
import { LEADING_OPTIONS, membershipText } from '../../../test/support/leading-scene.ts'
import { collectMarks } from '../../base/marks.ts'
import { type Zxid, zxidOf } from '../../base/zxid.ts'
import { Leading } from './leading.ts'
import { Learning } from './learning.ts'
import { NO_FAULTS } from './zab-faults.ts'

const EPOCH = 4
/** What the leader proposes in its epoch. */
const PROPOSED = 6

interface Beginning {
  /** How much of the leader's log a learner has, and what it has besides. */
  readonly shared: number
  readonly foreign: number
  /** Instead of all that, a database received as the beginning of epoch 4, and that many of its own. */
  readonly received?: number
}

const beginning: fc.Arbitrary<Beginning> = fc.record({
  shared: fc.oneof(fc.integer({ min: 0, max: 8 }), fc.constant(8)),
  foreign: fc.constantFrom(0, 0, 0, 1, 3),
})

interface Circumstances {
  /** Servers 2, 3 and 4; the last comes when the others are at work. */
  readonly beginnings: readonly Beginning[]
  readonly lastObserves: boolean
  /** How much of the leader's history is in memory, and whether its logs can be read. */
  readonly windowCount: number
  readonly hasLog: boolean
}

const circumstances: fc.Arbitrary<Circumstances> = fc.record({
  beginnings: fc.tuple(beginning, beginning, beginning),
  lastObserves: fc.boolean(),
  windowCount: fc.integer({ min: 0, max: 8 }),
  hasLog: fc.boolean(),
})

/** What happens next, as numbers to be taken modulo what there is to do. */
const schedule = fc.array(fc.nat({ max: 1000 }), { minLength: 1, maxLength: 200 })

/** The leader's history: three transactions of epoch 1, the others of epoch 3. */
const leaderZxids = [...zxids(1, 3), ...zxids(3, 5)]

function zxids(epoch: number, count: number): Zxid[] {
  return Array.from({ length: count }, (_, i) => zxidOf(epoch, i + 1))
}

/** One learner at the far end of its link, with what is under way in both directions. */
class FarLearner {
  readonly host: SmallLearnerHost
  readonly learning: Learning
  link: number
  readonly #leading: Leading
  readonly #leaderHost: SmallLeaderHost
  #toLeader: Uint8Array[] = []
  #toLearner: Uint8Array[] = []
  #sentCount = 0
  #linkCount = 1

  constructor(
    serverId: number,
    { shared, foreign, received }: Beginning,
    lastObserves: boolean,
    leading: Leading,
    leaderHost: SmallLeaderHost,
  ) {
    this.#leading = leading
    this.#leaderHost = leaderHost
    this.link = serverId
    const common = leaderZxids.slice(0, shared)
    const tail: Zxid[] = []
    // A tail that only this server has: of a leader that nobody followed for long, or of the last
    // one, which was still proposing.
    if (shared <= 3) tail.push(...zxids(2, foreign))
    else if (shared === 8 && serverId === 4) tail.push(...zxids(3, 5 + foreign).slice(5))
    this.host = new SmallLearnerHost({
      serverId,
      ...(received === undefined
        ? {
            accepted: 3,
            current: shared > 3 ? 3 : tail.length > 0 ? 2 : 1,
            log: [...common, ...tail],
            snapshot: 0 as Zxid,
          }
        : { accepted: 4, current: 4, log: zxids(4, received), snapshot: zxidOf(4, 0) }),
      membership: lastObserves ? membershipText(3, 1) : membershipText(4),
    })
    const { timing } = LEADING_OPTIONS
    const leaderAddress = { host: 'host1', port: 2888 }
    const isVoter = serverId !== 4 || !lastObserves
    this.learning = new Learning(
      { serverId, leader: 1, leaderAddress, isVoter, timing, faults: NO_FAULTS },
      this.host,
    )
  }

  start(): void {
    this.learning.start()
    this.#leading.linkAccepted(this.link, `far ${this.link}`)
    this.learning.linkOpened(-1)
  }

  /** Everything that could happen next. */
  *possible(): Generator<() => void> {
    this.#collect()
    const { links } = this.#leaderHost
    const { dialled } = this.host.links
    if (this.host.isBusy) yield () => this.host.finishNext(this.learning)
    if (this.#toLeader.length > 0) {
      yield () => this.#leading.linkBytes(this.link, this.#toLeader.shift()!)
    }
    if (this.#toLearner.length > 0) {
      yield () => this.learning.linkBytes(-this.#linkCount, this.#toLearner.shift()!)
    }
    if (dialled.length > this.#linkCount) yield () => this.#connectAgain()
    else if (this.learning.deadlineMs <= this.host.nowMs + 1_000 && !this.host.isBusy) {
      yield () => {
        this.host.nowMs += 1_000
        this.learning.onTime()
      }
    }
    if (links.roomWanted.has(this.link)) {
      yield () => {
        links.roomWanted.delete(this.link)
        this.#leading.linkRoom(this.link)
      }
    }
  }

  #connectAgain(): void {
    this.#leading.linkClosed(this.link, 'hung up')
    this.#toLeader = []
    this.#toLearner = []
    this.link += 100
    this.#linkCount++
    this.#leading.linkAccepted(this.link, `far ${this.link}`)
    this.learning.linkOpened(-this.#linkCount)
  }

  #collect(): void {
    this.host.collect()
    for (const { bytes } of this.host.sent.slice(this.#sentCount)) this.#toLeader.push(bytes)
    this.#sentCount = this.host.sent.length
    const out = this.#leaderHost.links.output(this.link)
    if (out.position > 0) this.#toLearner.push(out.copy())
    out.reset()
  }
}

interface Scene {
  readonly leaderHost: SmallLeaderHost
  readonly leading: Leading
  readonly learners: readonly FarLearner[]
}

/** `entered` is the last epoch that the leader was in; it may have left no transaction there. */
function sceneOf(circumstances: Circumstances, entered: number = 3): Scene {
  const { beginnings, lastObserves, windowCount, hasLog } = circumstances
  const leaderHost = new SmallLeaderHost({
    accepted: entered,
    current: entered,
    log: leaderZxids.map((zxid) => entryAt(zxid, transaction(zxid))),
    membership: lastObserves ? membershipText(3, 1) : membershipText(4),
    windowCount,
  })
  if (hasLog) leaderHost.history.logReaches = 0 as Zxid
  const leading = new Leading(LEADING_OPTIONS, leaderHost)
  leaderHost.role = leading
  leading.start()
  leading.doorOpened()
  const learners = beginnings.map(
    (each, i) => new FarLearner(i + 2, each, lastObserves, leading, leaderHost),
  )
  return { leaderHost, leading, learners }
}

/** Lets things happen in the order that the numbers give, then until nothing is left to happen. */
function run({ leaderHost, leading, learners }: Scene, steps: readonly number[]): void {
  let proposed = 0
  const waiting = [...learners]
  for (let step = 0; step < 5_000; step++) {
    const possible: (() => void)[] = []
    if (leaderHost.isBusy) possible.push(() => leaderHost.finishNext())
    const late = waiting[0]
    if (late !== undefined && (waiting.length > 1 || leading.phase === 'broadcast')) {
      possible.push(() => {
        waiting.shift()
        late.start()
      })
    }
    if (leading.phase === 'broadcast' && proposed < PROPOSED) {
      possible.push(() => {
        proposed++
        const zxid = leading.nextZxid
        leading.propose(entryAt(zxid, transaction(zxid)), null)
      })
    }
    for (const learner of learners) possible.push(...learner.possible())
    if (possible.length === 0) return
    possible[(steps[step % steps.length]! + step) % possible.length]!()
  }
  throw new Error('it never comes to rest')
}

test('whatever the learners have, all end with what the leader has committed', () => {
  const marks = collectMarks(() =>
    fc.assert(
      fc.property(circumstances, schedule, (begin, steps) => {
        const scene = sceneOf(begin)
        run(scene, steps)
        checkAgreement(scene)
      }),
      { numRuns: 500 },
    ),
  )
  expect([...marks.keys()]).toEqual(
    expect.arrayContaining([
      'learning.diff',
      'learning.trunc',
      'learning.snap',
      'learning.uncommitted-over-new-leader',
      'learning.commit-before-up-to-date',
    ]),
  )
})

test('a learner whose log does not go back to where it should be cut gets the database', () => {
  const receivedBeginning = fc.record({
    shared: fc.constant(0),
    foreign: fc.constant(0),
    received: fc.integer({ min: 0, max: 3 }),
  })
  // A leader that needs it to be established, since there is nobody else.
  const marks = collectMarks(() =>
    fc.assert(
      fc.property(
        receivedBeginning,
        receivedBeginning,
        circumstances,
        schedule,
        (a, b, c, steps) => {
          const begin = { ...c, beginnings: [a, b, c.beginnings[2]!], lastObserves: true }
          const scene = sceneOf(begin, 5)
          run(scene, steps)
          checkAgreement(scene, 6)
        },
      ),
    ),
  )
  expect(marks.has('learning.not-in-log')).toBe(true)
})

function checkAgreement({ leaderHost, leading, learners }: Scene, epoch: number = EPOCH): void {
  expect(leaderHost.left).toBeNull()
  expect(leading.epoch).toBe(epoch)
  const all = [...leaderZxids, ...zxids(epoch, PROPOSED)]
  expect(leaderHost.history.lastZxid).toBe(all.at(-1))
  for (const { host, learning } of learners) {
    expect(host.left).toBeNull()
    expect(learning.phase).toBe('broadcast')
    expect(host.durable).toMatchObject({ accepted: epoch, current: epoch })
    // From a snapshot on, or from the beginning, the same transactions in the same order.
    const { snapshot, log } = host.durable
    expect(log).toEqual(all.filter((zxid) => zxid > snapshot))
    expect(host.database.filter((zxid) => zxid > snapshot)).toEqual(log)
  }
}
