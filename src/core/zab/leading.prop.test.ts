// Learners that say anything at all, in any order, while the leader's disk and clock go their own
// way: the leader neither fails nor contradicts itself. What each link hears is checked against the
// rules that a learner of ZooKeeper insists on.

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { SentPacket } from '../../../test/support/leader-host.ts'
import { LeadingScene, membershipText } from '../../../test/support/leading-scene.ts'
import { counterOf, epochOf, type Zxid, ZXID_NONE, zxidOf } from '../../base/zxid.ts'
import type { LinkId } from '../../ports/peer-network.ts'
import { PacketType, writePacket } from '../records/quorum-packet.ts'

type Act =
  | { readonly kind: 'connect' }
  | { readonly kind: 'join'; readonly serverId: number; readonly isFollower: boolean }
  | { readonly kind: 'introduce'; readonly link: number; readonly serverId: number }
  | { readonly kind: 'promise'; readonly link: number; readonly last: Zxid; readonly epoch: number }
  | { readonly kind: 'ack'; readonly link: number; readonly zxid: Zxid }
  | { readonly kind: 'ack next'; readonly link: number }
  | { readonly kind: 'bare'; readonly link: number; readonly type: number; readonly zxid: Zxid }
  | { readonly kind: 'data'; readonly link: number; readonly type: number; readonly size: number }
  | { readonly kind: 'garbage'; readonly link: number; readonly bytes: Uint8Array }
  | { readonly kind: 'close' | 'room' | 'sync'; readonly link: number }
  | { readonly kind: 'propose' | 'disk' | 'time' }

const link = fc.integer({ min: 1, max: 8 })
const serverId = fc.integer({ min: 1, max: 5 })
const zxid = fc
  .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 6 }))
  .map(([epoch, counter]) => zxidOf(epoch, counter))
const type = fc.integer({ min: 0, max: 20 })

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('connect' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('join' as const),
      serverId,
      isFollower: fc.boolean(),
    }),
  },
  fc.record({ kind: fc.constant('introduce' as const), link, serverId }),
  fc.record({
    kind: fc.constant('promise' as const),
    link,
    last: zxid,
    epoch: fc.integer({ min: -1, max: 2 }),
  }),
  fc.record({ kind: fc.constant('ack' as const), link, zxid }),
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('ack next' as const), link }) },
  fc.record({ kind: fc.constant('bare' as const), link, type, zxid }),
  fc.record({ kind: fc.constant('data' as const), link, type, size: fc.nat({ max: 40 }) }),
  fc.record({
    kind: fc.constant('garbage' as const),
    link,
    bytes: fc.uint8Array({ maxLength: 60 }),
  }),
  fc.record({ kind: fc.constantFrom('close' as const, 'room' as const, 'sync' as const), link }),
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'propose' as const,
        'propose' as const,
        'disk' as const,
        'time' as const,
      ),
    }),
  },
)

describe('a leader among learners that say anything', () => {
  it('never fails, and tells each of them a story that holds together', () => {
    let established = 0
    fc.assert(
      fc.property(fc.array(act, { minLength: 5, maxLength: 80 }), fc.nat({ max: 3 }), (acts, n) => {
        const scene = new LeadingScene({
          membership: membershipText(3, 1),
          windowCount: n,
        })
        const stories = new Map<LinkId, Story>()
        let links = 0
        for (const one of acts) {
          if (scene.host.left !== null) break
          if (one.kind === 'connect' || one.kind === 'join') {
            stories.set(++links, new Story())
          }
          perform(scene, one)
          for (const [id, story] of stories) story.hear(scene.packets(id))
        }
        if (scene.leading.phase === 'broadcast') established++
        expect(scene.leading.takeUnapplied().length).toBe(scene.leading.outstandingCount)
      }),
      { numRuns: 400 },
    )
    expect(established).toBeGreaterThan(20)
  })
})

function perform(scene: LeadingScene, one: Act): void {
  const { host, leading } = scene
  switch (one.kind) {
    case 'connect':
      scene.connect()
      return
    case 'join':
      scene.join(one.serverId, zxidOf(1, 3), { isFollower: one.isFollower })
      return
    case 'introduce':
      scene.introduce(one.link, one.serverId)
      return
    case 'promise':
      scene.promise(one.link, one.last, one.epoch)
      return
    case 'ack':
      scene.ack(one.link, one.zxid)
      return
    case 'ack next':
      if (leading.lastProposed > leading.lastCommitted && leading.phase === 'broadcast') {
        scene.ack(one.link, (leading.lastCommitted + 1) as Zxid)
      }
      return
    case 'bare':
      scene.say(one.link, (out) => writePacket(out, one.type as PacketType, one.zxid))
      return
    case 'data':
      scene.send(one.link, one.type as PacketType, ZXID_NONE, (out) => {
        for (let i = 0; i < one.size; i++) out.byte(0)
      })
      return
    case 'garbage':
      leading.linkBytes(one.link, one.bytes)
      return
    case 'close':
      leading.linkClosed(one.link, 'gone')
      return
    case 'room':
      leading.linkRoom(one.link)
      return
    case 'sync':
      leading.sync(one.link)
      return
    case 'propose':
      if (leading.phase === 'broadcast') scene.propose()
      return
    case 'disk':
      host.finishAll()
      return
    case 'time':
      scene.pass(500)
  }
}

/** What one learner may rely on (ZooKeeper 3.9 `Learner.syncWithLeader`, `Follower.processPacket`). */
class Story {
  #opened = 0
  #hasNewLeader = false
  #isUpToDate = false
  #lastProposed: Zxid | null = null
  readonly #proposed: Zxid[] = []

  hear(packets: readonly SentPacket[]): void {
    for (const { name, zxid } of packets) this.#hearOne(name, zxid)
  }

  #hearOne(name: string, zxid: Zxid): void {
    switch (name) {
      case 'LEADERINFO':
        expect(this.#opened).toBe(0)
        break
      case 'DIFF':
      case 'TRUNC':
      case 'SNAP':
        expect(++this.#opened).toBe(1)
        break
      case 'PROPOSAL':
        expect(this.#opened).toBe(1)
        if (this.#lastProposed !== null) expect(follows(zxid, this.#lastProposed)).toBe(true)
        this.#lastProposed = zxid
        this.#proposed.push(zxid)
        break
      case 'COMMIT':
        expect(this.#proposed.shift()).toBe(zxid)
        break
      case 'INFORM':
        expect(this.#proposed).toEqual([])
        if (this.#lastProposed !== null) expect(follows(zxid, this.#lastProposed)).toBe(true)
        this.#lastProposed = zxid
        break
      case 'NEWLEADER':
        expect([this.#opened, this.#hasNewLeader]).toEqual([1, false])
        this.#hasNewLeader = true
        break
      case 'UPTODATE':
        expect([this.#hasNewLeader, this.#isUpToDate]).toEqual([true, false])
        this.#isUpToDate = true
        break
      default:
        break
    }
  }
}

const follows = (zxid: Zxid, before: Zxid): boolean =>
  epochOf(zxid) === epochOf(before)
    ? zxid === before + 1
    : epochOf(zxid) > epochOf(before) && counterOf(zxid) === 1
