// A leader and its learners, both of ours, with every message, every disk and every crash of a
// learner at a moment of its own. When all is quiet again, each learner has what the leader has,
// and whatever was committed was on the disks of a quorum when it was.

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { entryAt, SmallLeaderHost } from '../../../test/support/leader-host.ts'
import { SmallLearnerHost } from '../../../test/support/learner-host.ts'
import { LEADING_OPTIONS, logOf, membershipText } from '../../../test/support/leading-scene.ts'
import { formatZxid, type Zxid, ZXID_ZERO } from '../../base/zxid.ts'
import { Leading } from './leading.ts'
import { Learning } from './learning.ts'
import { NO_FAULTS } from './zab-faults.ts'

const MEMBERSHIP = membershipText(3, 1)

interface Act {
  readonly kind: 'hear' | 'say' | 'disk' | 'crash' | 'propose' | 'leader disk'
  readonly server: number
}

const act: fc.Arbitrary<Act> = fc.record({
  kind: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('hear' as const, 'say' as const, 'disk' as const) },
    { weight: 3, arbitrary: fc.constantFrom('propose' as const, 'leader disk' as const) },
    { weight: 1, arbitrary: fc.constant('crash' as const) },
  ),
  server: fc.integer({ min: 2, max: 4 }),
})

/** How far each learner's log reaches at first; one may have what nobody else has. */
const beginning = fc.constantFrom([3, 3, 3], [3, 1, 0], [3, 0, 3], [2, 5, 3], [1, 4, 0])

describe('a leader with learners', () => {
  it('brings all to one history, whatever happens in between', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(
        beginning,
        fc.boolean(),
        fc.array(act, { minLength: 20, maxLength: 300 }),
        (counts, isForced, acts) => {
          const small = new SmallEnsemble(counts, isForced)
          for (const one of acts) small.perform(one)
          small.settle()
          for (const server of small.learners) {
            expect(server.held.map(formatZxid)).toEqual(small.committed.map(formatZxid))
          }
          for (const kind of small.openings) seen.add(kind)
        },
      ),
      { numRuns: 150 },
    )
    expect([...seen].sort()).toEqual(['DIFF', 'SNAP', 'TRUNC'])
  })
})

class SmallEnsemble {
  readonly host: SmallLeaderHost
  readonly leading: Leading
  readonly learners: SmallLearner[]
  readonly openings = new Set<string>()
  #links = 0

  constructor(counts: readonly number[], forceSnapshotSync: boolean) {
    this.host = new SmallLeaderHost({
      accepted: 1,
      current: 1,
      log: logOf(1, 3),
      membership: MEMBERSHIP,
      windowCount: 2,
    })
    this.leading = new Leading({ ...LEADING_OPTIONS, forceSnapshotSync }, this.host)
    this.host.role = this.leading
    const { apply } = this.host
    this.host.apply = (entry) => {
      this.#checkQuorum(entry.zxid)
      apply.call(this.host, entry)
    }
    this.learners = counts.map((count, i) => new SmallLearner(this, i + 2, count))
    this.leading.start()
    this.leading.doorOpened()
    for (const learner of this.learners) learner.start()
  }

  get committed(): Zxid[] {
    const { history } = this.host
    return history.log.map(({ zxid }) => zxid).filter((zxid) => zxid <= history.lastZxid)
  }

  nextLink(): number {
    return ++this.#links
  }

  perform({ kind, server }: Act): void {
    const learner = this.learners[server - 2]!
    switch (kind) {
      case 'hear':
        learner.hear()
        return
      case 'say':
        learner.say()
        return
      case 'disk':
        learner.host.finishNext(learner.learning)
        return
      case 'crash':
        // Followers with a vote crash once a quorum is there; before, the leader would wait for them.
        if (this.leading.phase === 'broadcast') learner.crash()
        return
      case 'propose':
        if (this.leading.phase === 'broadcast' && this.leading.outstandingCount < 9) {
          this.leading.propose(entryAt(this.leading.nextZxid), null)
        }
        return
      case 'leader disk':
        this.host.finishNext()
    }
  }

  /** Everything that is under way arrives, and everything that is begun is finished. */
  settle(): void {
    for (let i = 0; i < 60; i++) {
      this.host.finishAll()
      for (const learner of this.learners) {
        learner.hear()
        learner.host.finishAll(learner.learning)
        learner.say()
      }
    }
    expect(this.host.left).toBeNull()
    expect(this.leading.phase).toBe('broadcast')
    expect(this.leading.outstandingCount).toBe(0)
  }

  #checkQuorum(zxid: Zxid): void {
    // The leader's own disk is asked through its acknowledgement; it is one of three.
    const holders = this.learners
      .filter((one) => one.isFollower)
      .filter(({ host }) => host.durable.log.includes(zxid) || host.durable.snapshot >= zxid)
    expect(holders.length, formatZxid(zxid)).toBeGreaterThanOrEqual(1)
  }
}

class SmallLearner {
  host: SmallLearnerHost
  learning!: Learning
  readonly #ensemble: SmallEnsemble
  readonly #serverId: number
  #link = 0

  constructor(ensemble: SmallEnsemble, serverId: number, count: number) {
    this.#ensemble = ensemble
    this.#serverId = serverId
    this.host = new SmallLearnerHost({
      serverId,
      accepted: 1,
      current: count > 3 ? 0 : 1,
      log: logOf(1, count).map(({ zxid }) => zxid),
      snapshot: ZXID_ZERO,
      membership: MEMBERSHIP,
    })
  }

  get isFollower(): boolean {
    return this.#serverId <= 3
  }

  /** What is in its database, with what its snapshot stands for. */
  get held(): Zxid[] {
    const [first] = this.host.database
    const { snapshot } = this.host.durable
    const before = first === snapshot || first === undefined ? snapshot : ZXID_ZERO
    const rest = this.host.database.filter((zxid) => zxid > before)
    return [...this.#ensemble.committed.filter((zxid) => zxid <= before), ...rest]
  }

  start(): void {
    this.learning = new Learning(
      {
        serverId: this.#serverId,
        timing: LEADING_OPTIONS.timing,
        faults: NO_FAULTS,
        leader: 1,
        leaderAddress: LEADING_OPTIONS.quorumAddress,
        isVoter: this.isFollower,
      },
      this.host,
    )
    this.#link = this.#ensemble.nextLink()
    this.learning.start()
    this.#ensemble.leading.linkAccepted(this.#link, `server ${this.#serverId}`)
    this.learning.linkOpened(-this.host.links.dialled.length)
  }

  /** What the leader has written arrives. */
  hear(): void {
    if (this.#hasEnded()) return
    const { host, leading, openings } = this.#ensemble
    for (const { name, bytes } of host.links.take(this.#link)) {
      if (['DIFF', 'TRUNC', 'SNAP'].includes(name)) openings.add(name)
      this.learning.linkBytes(-this.host.links.dialled.length, bytes)
    }
    if (host.links.roomWanted.delete(this.#link)) leading.linkRoom(this.#link)
  }

  say(): void {
    if (this.#hasEnded()) return
    this.host.collect()
    for (const { bytes } of this.host.sent.splice(0)) {
      this.#ensemble.leading.linkBytes(this.#link, bytes)
    }
  }

  /** What its disk has is all that is left of it. */
  crash(): void {
    const { log, snapshot, accepted, current } = this.host.durable
    this.#ensemble.leading.linkClosed(this.#link, 'it crashed')
    this.#ensemble.host.links.take(this.#link)
    this.host = new SmallLearnerHost({
      serverId: this.#serverId,
      accepted,
      current,
      log,
      snapshot,
      membership: MEMBERSHIP,
    })
    this.start()
  }

  #hasEnded(): boolean {
    const isOver = this.host.left !== null || this.#ensemble.host.links.hungUp.includes(this.#link)
    if (isOver) this.crash()
    return isOver
  }
}
