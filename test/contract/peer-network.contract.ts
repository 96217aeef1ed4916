// What every implementation of the PeerNetwork port promises: sockets, memory, or simulated.

import { describe, expect, it } from 'vitest'

import type {
  LinkId,
  PeerAddress,
  PeerDoor,
  PeerEvents,
  PeerNetwork,
} from '../../src/ports/peer-network.ts'

export interface PeersUnderTest {
  /** The networks of two servers. */
  connect(here: PeerEvents, there: PeerEvents): { here: PeerNetwork; there: PeerNetwork }
  /** Where the second one can listen. */
  readonly place: PeerAddress
  /** Nobody listens here. */
  readonly nobody: PeerAddress
  /** Lets things happen until `isTrue`. */
  settle(isTrue: () => boolean): Promise<void>
  end(): Promise<void>
}

export function peerNetworkContract(name: string, make: () => Promise<PeersUnderTest>): void {
  const over = (test: (bench: Bench) => Promise<void>) => async (): Promise<void> => {
    const under = await make()
    try {
      await test(new Bench(under))
    } finally {
      await under.end()
    }
  }

  describe(`${name}: a door`, () => {
    it(
      'opens after the call that asked for it, and tells by which door a link came',
      over(async (bench) => {
        for (const door of ['election', 'quorum'] as const) {
          bench.there.network.listen(door, bench.under.place)
          expect(bench.there.told).toEqual([])
          await bench.until(() => bench.there.told.length > 0)
          expect(bench.there.take()).toEqual([`listening ${door}`])
          bench.here.network.dial(bench.nextLink(), bench.under.place, 5_000)
          await bench.until(() => bench.there.told.length > 0)
          expect(bench.there.take()).toEqual([`accepted ${door}`])
          bench.there.network.stopListening(door)
        }
        expect(bench.there.remotes.every((remote) => remote.length > 0)).toBe(true)
        expect(new Set(bench.there.acceptedLinks).size).toBe(2)
        expect(bench.there.acceptedLinks.every((link) => link > 0)).toBe(true)
      }),
    )

    it(
      'that cannot be opened says so, in a later turn and with a reason, and can be tried again',
      over(async (bench) => {
        await bench.listen()
        bench.here.network.listen('election', bench.under.place)
        expect(bench.here.told).toEqual([])
        await bench.until(() => bench.here.told.length > 0)
        expect(bench.here.take()).toEqual(['listenFailed election'])
        expect(bench.here.reasons.at(-1)).not.toBe('')
        bench.there.network.stopListening('quorum')
        bench.here.network.listen('election', bench.under.place)
        await bench.until(() => bench.here.told.length > 0)
        expect(bench.here.take()).toEqual(['listening election'])
        bench.here.network.stopListening('election')
      }),
    )

    it(
      'that was closed lets nobody in, keeps its links, and opens again at the same place',
      over(async (bench) => {
        const { link, accepted } = await bench.linked()
        bench.there.network.stopListening('quorum')
        const late = bench.nextLink()
        bench.here.network.dial(late, bench.under.place, 5_000)
        await bench.until(() => bench.here.told.includes(`closed ${late}`))
        expect(bench.here.take()).toEqual([`closed ${late}`])
        bench.here.network.send(link, Uint8Array.of(1))
        await bench.until(() => bench.there.count(accepted) === 1)
        await bench.listen()
        await bench.linked(false)
      }),
    )

    it(
      'that is closed before it was open stays silent',
      over(async (bench) => {
        bench.there.network.listen('quorum', bench.under.place)
        bench.there.network.stopListening('quorum')
        bench.there.network.stopListening('election')
        await bench.pause()
        expect(bench.there.told).toEqual([])
      }),
    )
  })

  describe(`${name}: a link`, () => {
    it(
      'opens after the call that asked for it, at both ends',
      over(async (bench) => {
        await bench.listen()
        const link = bench.nextLink()
        bench.here.network.dial(link, bench.under.place, 5_000)
        expect(bench.here.told).toEqual([])
        await bench.until(() => bench.here.told.length > 0 && bench.there.told.length > 0)
        expect(bench.here.take()).toEqual([`opened ${link}`])
        expect(bench.there.take()).toEqual(['accepted quorum'])
      }),
    )

    it(
      'carries bytes in order, both ways, and never within the call',
      over(async (bench) => {
        const { link, accepted } = await bench.linked()
        for (let i = 0; i < 200; i++) {
          bench.here.network.send(link, Uint8Array.of(i))
          bench.there.network.send(accepted, Uint8Array.of(i, i))
        }
        expect([bench.here.count(link), bench.there.count(accepted)]).toEqual([0, 0])
        await bench.until(
          () => bench.here.count(link) === 400 && bench.there.count(accepted) === 200,
        )
        const numbers = Array.from({ length: 200 }, (_, i) => i)
        expect(bench.there.received(accepted)).toEqual(numbers)
        expect(bench.here.received(link)).toEqual(numbers.flatMap((i) => [i, i]))
      }),
    )

    it(
      'goes on carrying them in order when it has come to stay',
      over(async (bench) => {
        const { link, accepted } = await bench.linked()
        for (let i = 0; i < 30; i++) {
          bench.here.network.send(link, Uint8Array.of(i))
          await bench.until(() => bench.there.count(accepted) === i + 1)
          bench.there.network.send(accepted, Uint8Array.of(100 + i))
          await bench.until(() => bench.here.count(link) === i + 1)
        }
        expect(bench.there.received(accepted)).toEqual(Array.from({ length: 30 }, (_, i) => i))
        expect(bench.here.received(link)[29]).toBe(129)
      }),
    )

    it(
      'hands over a small output in one piece',
      over(async (bench) => {
        const { link, accepted } = await bench.linked()
        bench.here.network.send(link, new Uint8Array(50))
        await bench.until(() => bench.there.count(accepted) > 0)
        expect(bench.there.count(accepted)).toBe(50)
      }),
    )

    it(
      'leaves an array that has been taken to its owner',
      over(async (bench) => {
        const { link, accepted } = await bench.linked()
        const bytes = Uint8Array.of(1, 2, 3)
        for (let round = 0; round < 20; round++) {
          const isTaken = bench.here.network.send(link, isShared(round) ? bytes : bytes.slice())
          if (isTaken && isShared(round)) bytes.fill(round + 1)
          if (isTaken && isShared(round)) bytes.set([1, 2, 3])
        }
        await bench.until(() => bench.there.count(accepted) === 60)
        expect(bench.there.received(accepted)).toEqual(
          Array.from({ length: 20 }, () => [1, 2, 3]).flat(),
        )
      }),
    )

    it(
      'keeps what the peer does not take at once, and tells when it has',
      over(async (bench) => {
        const { link, accepted } = await bench.linked()
        const bytes = new Uint8Array(16 << 20)
        for (let i = 0; i < bytes.length; i++) bytes[i] = i % 251
        const quarter = bytes.length / 4
        for (let i = 0; i < 4; i++) {
          bench.here.network.send(link, bytes.slice(i * quarter, (i + 1) * quarter))
        }
        expect(bench.here.network.backlogBytes(link)).toBeGreaterThan(0)
        await bench.until(() => bench.here.drainedLinks.length > 0)
        expect(bench.here.network.backlogBytes(link)).toBe(0)
        await bench.until(() => bench.there.count(accepted) === bytes.length)
        expect(Buffer.compare(bench.there.bytesOf(accepted), bytes)).toBe(0)
        await bench.pause()
        expect(bench.here.drainedLinks).toEqual([link])
      }),
    )

    it(
      'has no backlog after it is gone, and takes no notice of what is asked of it',
      over(async (bench) => {
        const { link } = await bench.linked()
        bench.here.network.close(link)
        await bench.until(() => bench.here.told.length > 0)
        expect(bench.here.network.send(link, Uint8Array.of(1))).toBe(true)
        expect(bench.here.network.backlogBytes(link)).toBe(0)
        bench.here.network.close(link)
        await bench.pause()
        expect(bench.here.take()).toEqual([`closed ${link}`])
      }),
    )
  })

  describe(`${name}: the end of a link`, () => {
    it(
      'comes after what is under way, and is told once at each end, with a reason',
      over(async (bench) => {
        const { link, accepted } = await bench.linked()
        bench.here.network.send(link, new Uint8Array(2 << 20))
        bench.here.network.close(link)
        bench.here.network.close(link)
        expect(bench.here.told).toEqual([])
        await bench.until(() => bench.here.told.length > 0 && bench.there.told.length > 0)
        await bench.pause()
        expect(bench.there.count(accepted)).toBe(2 << 20)
        expect(bench.here.take()).toEqual([`closed ${link}`])
        expect(bench.there.take()).toEqual([`closed ${accepted}`])
        expect([...bench.here.reasons, ...bench.there.reasons]).not.toContain('')
      }),
    )

    it(
      'is the same from the end that accepted it',
      over(async (bench) => {
        const { link, accepted } = await bench.linked()
        bench.there.network.send(accepted, Uint8Array.of(1, 2))
        bench.there.network.close(accepted)
        await bench.until(() => bench.here.told.length > 0 && bench.there.told.length > 0)
        await bench.pause()
        expect(bench.here.received(link)).toEqual([1, 2])
        expect(bench.here.take()).toEqual([`closed ${link}`])
        expect(bench.there.take()).toEqual([`closed ${accepted}`])
      }),
    )

    it(
      'silences the end that closed it, though the other one still sends',
      over(async (bench) => {
        const { link, accepted } = await bench.linked()
        bench.there.network.send(accepted, new Uint8Array(100_000))
        bench.here.network.close(link)
        await bench.until(() => bench.here.told.length > 0 && bench.there.told.length > 0)
        expect(bench.here.count(link)).toBe(0)
        await bench.pause()
        expect(bench.here.take()).toEqual([`closed ${link}`])
      }),
    )

    it(
      'is told once where both ends close at the same time',
      over(async (bench) => {
        const { link, accepted } = await bench.linked()
        bench.here.network.close(link)
        bench.there.network.close(accepted)
        await bench.until(() => bench.here.told.length > 0 && bench.there.told.length > 0)
        await bench.pause()
        expect(bench.here.take()).toEqual([`closed ${link}`])
        expect(bench.there.take()).toEqual([`closed ${accepted}`])
      }),
    )

    it(
      'is told of a link that found nobody, in a later turn and with a reason',
      over(async (bench) => {
        const link = bench.nextLink()
        bench.here.network.dial(link, bench.under.nobody, 5_000)
        expect(bench.here.told).toEqual([])
        await bench.until(() => bench.here.told.length > 0)
        await bench.pause()
        expect(bench.here.take()).toEqual([`closed ${link}`])
        expect(bench.here.reasons.at(-1)).not.toBe('')
      }),
    )

    it(
      'is told of a link that was closed before it opened, and it never opens',
      over(async (bench) => {
        await bench.listen()
        const link = bench.nextLink()
        bench.here.network.dial(link, bench.under.place, 5_000)
        bench.here.network.close(link)
        expect(bench.here.told).toEqual([])
        await bench.until(() => bench.here.told.length > 0)
        await bench.pause()
        expect(bench.here.take()).toEqual([`closed ${link}`])
      }),
    )
  })
}

/** Every other array is used again: what is true of one must not depend on the one before. */
const isShared = (round: number): boolean => round % 2 === 0

class Bench {
  readonly under: PeersUnderTest
  readonly here: Side
  readonly there: Side
  #lastLink = 0

  constructor(under: PeersUnderTest) {
    this.under = under
    this.here = new Side()
    this.there = new Side()
    const { here, there } = under.connect(this.here, this.there)
    this.here.network = here
    this.there.network = there
  }

  nextLink(): LinkId {
    return --this.#lastLink
  }

  async listen(): Promise<void> {
    this.there.network.listen('quorum', this.under.place)
    await this.until(() => this.there.told.includes('listening quorum'))
    this.there.take()
  }

  /** A new link, open at both ends. */
  async linked(mustListen = true): Promise<{ link: LinkId; accepted: LinkId }> {
    if (mustListen) await this.listen()
    const link = this.nextLink()
    this.here.network.dial(link, this.under.place, 5_000)
    await this.until(() => this.here.told.length > 0 && this.there.told.length > 0)
    expect([this.here.take(), this.there.take()]).toEqual([[`opened ${link}`], ['accepted quorum']])
    return { link, accepted: this.there.acceptedLinks.at(-1)! }
  }

  until(isTrue: () => boolean): Promise<void> {
    return this.under.settle(isTrue)
  }

  /** Lets what might still come come. */
  async pause(): Promise<void> {
    let turns = 0
    await this.under.settle(() => ++turns > 20)
  }
}

/** One server: it writes down what it is told. */
class Side implements PeerEvents {
  network!: PeerNetwork
  told: string[] = []
  readonly acceptedLinks: LinkId[] = []
  readonly drainedLinks: LinkId[] = []
  readonly remotes: string[] = []
  readonly reasons: string[] = []
  readonly #bytes = new Map<LinkId, Uint8Array[]>()

  /** What was told since the last time. */
  take(): string[] {
    return this.told.splice(0)
  }

  count(link: LinkId): number {
    return (this.#bytes.get(link) ?? []).reduce((sum, chunk) => sum + chunk.length, 0)
  }

  bytesOf(link: LinkId): Uint8Array {
    return Buffer.concat(this.#bytes.get(link) ?? [])
  }

  received(link: LinkId): number[] {
    return [...this.bytesOf(link)]
  }

  listening(door: PeerDoor): void {
    this.told.push(`listening ${door}`)
  }

  listenFailed(door: PeerDoor, reason: string): void {
    this.told.push(`listenFailed ${door}`)
    this.reasons.push(reason)
  }

  accepted(link: LinkId, door: PeerDoor, remote: string): void {
    this.told.push(`accepted ${door}`)
    this.acceptedLinks.push(link)
    this.remotes.push(remote)
  }

  opened(link: LinkId): void {
    this.told.push(`opened ${link}`)
  }

  bytes(link: LinkId, bytes: Uint8Array): void {
    // A view of a Node buffer would be written over by the next read; `slice` has to copy.
    const chunks = this.#bytes.get(link)
    if (chunks === undefined) this.#bytes.set(link, [bytes.slice()])
    else chunks.push(bytes.slice())
  }

  drained(link: LinkId): void {
    this.drainedLinks.push(link)
  }

  closed(link: LinkId, reason: string): void {
    this.told.push(`closed ${link}`)
    this.reasons.push(reason)
  }
}
