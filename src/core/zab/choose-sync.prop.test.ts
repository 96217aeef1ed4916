// Every way in which a learner can have fallen behind, run ahead or gone astray, in small: whatever
// the plan is, carrying it out must leave the learner with the leader's committed history. Only such
// learners are drawn as can come about: a log is a beginning of the leader's, and what may stand
// behind it was proposed by a leader whose history ended there.

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { entryAt, SmallHistory } from '../../../test/support/leader-host.ts'
import { collectMarks } from '../../base/marks.ts'
import {
  counterOf,
  epochOf,
  formatZxid,
  type Zxid,
  ZXID_NONE,
  ZXID_ZERO,
  zxidOf,
} from '../../base/zxid.ts'
import { chooseSync, type SyncPlan } from './choose-sync.ts'
import { NO_FAULTS, type ZabFaults } from './zab-faults.ts'

/** A learner: what is in its log, and the last transaction of the snapshot that the log stands on. */
interface Learner {
  readonly snapshot: Zxid
  readonly log: readonly Zxid[]
}

interface Situation {
  readonly committed: readonly Zxid[]
  /** The leader's epoch; its history stands at that epoch's zero if it serves without a change. */
  readonly epoch: number
  readonly isServing: boolean
  readonly windowCount: number
  readonly logReaches: Zxid | null
  readonly learner: Learner
}

const committedHistory = fc
  .array(fc.nat({ max: 3 }), { maxLength: 4 })
  .map((counts) =>
    counts.flatMap((count, i) => Array.from({ length: count }, (_, n) => zxidOf(i + 1, n + 1))),
  )

const situation: fc.Arbitrary<Situation> = fc
  .record({
    committed: committedHistory,
    isServing: fc.boolean(),
    later: fc.integer({ min: 1, max: 2 }),
    windowCount: fc.nat({ max: 8 }),
    keptFrom: fc.option(fc.nat({ max: 12 })),
    branch: fc.nat({ max: 12 }),
    tailKind: fc.constantFrom('none', 'same epoch', 'foreign epoch', 'epoch without a change'),
    foreign: fc.nat({ max: 3 }),
    tailCount: fc.integer({ min: 1, max: 3 }),
    snapshotAt: fc.nat({ max: 12 }),
    standsOnEpoch: fc.boolean(),
  })
  .map((draw) => {
    const { committed, isServing, later } = draw
    const epoch = epochOf(committed.at(-1) ?? ZXID_ZERO) + later
    const branch = draw.branch % (committed.length + 1)
    const shared = committed.slice(0, branch)
    const tail = tailOf(shared, committed[branch] ?? null, isServing ? epoch + 1 : epoch, draw)
    const learner = learnerOf(shared, tail, draw.snapshotAt, draw.standsOnEpoch && isServing)
    const logReaches = draw.keptFrom === null ? null : (committed[draw.keptFrom] ?? ZXID_ZERO)
    return { committed, epoch, isServing, windowCount: draw.windowCount, logReaches, learner }
  })

/**
 * A tail of another epoch may stand on the database with which that epoch began, and then nothing
 * of the log before is left. (A leader that is not established yet cannot help such a learner.)
 */
function learnerOf(
  shared: readonly Zxid[],
  tail: readonly Zxid[],
  snapshotAt: number,
  standsOnEpoch: boolean,
): Learner {
  const first = tail[0]
  if (first !== undefined && counterOf(first) === 0) return { snapshot: first, log: [] }
  if (first !== undefined && counterOf(first) === 1 && standsOnEpoch) {
    return { snapshot: zxidOf(epochOf(first), 0), log: tail }
  }
  const count = snapshotAt % (shared.length + 1)
  return {
    snapshot: shared[count - 1] ?? ZXID_ZERO,
    log: [...shared.slice(count), ...tail],
  }
}

interface TailDraw {
  readonly tailKind: string
  readonly foreign: number
  readonly tailCount: number
}

/** What a learner can have behind the beginning that it shares with the leader. */
function tailOf(shared: readonly Zxid[], next: Zxid | null, bound: number, draw: TailDraw): Zxid[] {
  const end = shared.at(-1) ?? ZXID_ZERO
  const isEpochOver = next === null || epochOf(next) > epochOf(end)
  if (!isEpochOver) return []
  const counters = Array.from({ length: draw.tailCount }, (_, i) => i + 1)
  if (draw.tailKind === 'same epoch' && shared.length > 0) {
    return counters.map((n) => zxidOf(epochOf(end), counterOf(end) + n))
  }
  // The epoch of a leader of which nothing was left, or which changed nothing; or our own, in which
  // nothing is committed.
  const foreign = epochOf(end) + 1 + draw.foreign
  if (draw.tailKind === 'foreign epoch' && foreign < (next === null ? bound : epochOf(next))) {
    return counters.map((n) => zxidOf(foreign, n))
  }
  const isBetween = foreign <= (next === null ? bound - 1 : epochOf(next))
  if (draw.tailKind === 'epoch without a change' && isBetween) return [zxidOf(foreign, 0)]
  return []
}

function historyOf({ committed, epoch, isServing, windowCount, logReaches }: Situation) {
  const log = committed.map((zxid) => entryAt(zxid))
  const history = new SmallHistory({ log, windowCount })
  if (isServing) history.enter(zxidOf(epoch, 0))
  history.logReaches = logReaches
  return history
}

/** What the learner holds then, named by zxids; a snapshot of the leader's stands for all it has. */
function carriedOut(plan: SyncPlan, { learner, committed }: Situation): readonly Zxid[] {
  if (plan.kind === 'snap') return committed
  const before = held(learner, committed)
  const kept = plan.kind === 'trunc' ? before.filter((zxid) => zxid <= plan.zxid) : before
  if (plan.kind === 'trunc') {
    expect(kept.at(-1) ?? ZXID_ZERO, 'a log is cut where it has a transaction').toBe(plan.zxid)
  }
  const result = [...kept]
  for (let entry = plan.missing.next(); entry !== null; entry = plan.missing.next()) {
    result.push(entry.zxid)
  }
  expect(plan.missing.isBroken).toBe(false)
  return result
}

/** What is in the learner's database: its snapshot holds all that was committed up to there. */
const held = ({ snapshot, log }: Learner, committed: readonly Zxid[]): readonly Zxid[] => [
  ...committed.filter((zxid) => zxid <= snapshot),
  ...log,
]

const lastOf = ({ snapshot, log }: Learner): Zxid => log.at(-1) ?? snapshot

const planIn = (drawn: Situation, history: SmallHistory, faults: ZabFaults = NO_FAULTS): SyncPlan =>
  chooseSync(lastOf(drawn.learner), { history, forceSnapshotSync: false, faults })

describe('a plan for a learner', () => {
  it('gives it the committed history of the leader, whatever it has', () => {
    fc.assert(
      fc.property(situation, (drawn) => {
        const history = historyOf(drawn)
        const plan = planIn(drawn, history)
        expect(carriedOut(plan, drawn).map(formatZxid)).toEqual(drawn.committed.map(formatZxid))
        expect(history.openCursors).toBe(0)
      }),
      { numRuns: 3_000 },
    )
  })

  it('sends the whole database only where there is a doubt', () => {
    const marks = collectMarks(() => {
      const kinds = new Map<string, number>()
      fc.assert(
        fc.property(situation, (drawn) => {
          const history = historyOf(drawn)
          const plan = planIn(drawn, history)
          kinds.set(plan.kind, (kinds.get(plan.kind) ?? 0) + 1)
          const last = lastOf(drawn.learner)
          const { min, length } = history.committed
          if (length > 0 && last >= min && drawn.committed.includes(last)) {
            expect(plan.kind).toBe('diff')
          }
          if (plan.kind !== 'snap') plan.missing.close()
          expect(history.openCursors).toBe(0)
        }),
        { numRuns: 2_000, seed: 3 },
      )
      expect([...kinds.keys()].sort()).toEqual(['diff', 'snap', 'trunc'])
    })
    expect([...marks.keys()]).toEqual(
      expect.arrayContaining(['sync.from-log', 'sync.foreign-tail', 'sync.trunc']),
    )
  })

  it.each(['neverTruncates', 'ignoresForeignTail'] as const)(
    'is wrong with the old fault %s, which this test finds',
    (fault) => {
      const result = fc.check(
        fc.property(situation, (drawn) => {
          const plan = planIn(drawn, historyOf(drawn), { ...NO_FAULTS, [fault]: true })
          expect(carriedOut(plan, drawn)).toEqual(drawn.committed)
        }),
        { numRuns: 2_000 },
      )
      expect(result.failed).toBe(true)
    },
  )

  it('is the whole database for who asks for nothing else, or has none', () => {
    const log = [entryAt(zxidOf(1, 1)), entryAt(zxidOf(1, 2))]
    const history = new SmallHistory({ log })
    const plan = (last: Zxid, forceSnapshotSync: boolean): string =>
      chooseSync(last, { history, forceSnapshotSync, faults: NO_FAULTS }).kind
    expect(plan(zxidOf(1, 1), true)).toBe('snap')
    expect(plan(ZXID_NONE, false)).toBe('snap')
    expect(plan(zxidOf(1, 1), false)).toBe('diff')
  })
})
