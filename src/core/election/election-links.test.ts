// One server's links, driven by hand: who is kept, who is called back, and what strangers can do.

import { describe, expect, test } from 'vitest'

import { ensembleOf } from '../../../test/support/election-bench.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { LinkId, PeerAddress } from '../../ports/peer-network.ts'
import { JuteWriter } from '../jute/writer.ts'
import type { PeerLinks } from '../peer/peer-links.ts'
import type { Membership } from '../quorum/membership.ts'
import { membershipOf } from '../quorum/membership-text.ts'
import { writeInitialMessage, writeNotification } from '../records/notification.ts'
import { Election } from './election.ts'
import { type ElectionHost, NO_SERVER, type Vote } from './election-host.ts'

/** A server of three, number 2 unless said otherwise, and all that it does to its links. */
class Driven implements ElectionHost {
  nowMs = 0
  membership: Membership
  proposedMembership: Membership | null = null
  readonly election: Election
  readonly dials: { link: LinkId; address: PeerAddress }[] = []
  readonly hungUp: LinkId[] = []
  readonly wantRoom: LinkId[] = []
  readonly remarks: string[] = []
  readonly adopted: Membership[] = []
  readonly votes: Vote[] = []
  readonly links: PeerLinks
  readonly #outputs = new Map<LinkId, JuteWriter>()

  constructor(id: number = 2, membership: Membership = ensembleOf(3)) {
    this.membership = membership
    this.links = {
      openDoor: () => {},
      closeDoor: () => {},
      dial: (_owner, address) => {
        const link = -1 - this.dials.length
        this.dials.push({ link, address })
        return link
      },
      output: (link) => this.#outputOf(link),
      wantRoom: (link) => this.wantRoom.push(link),
      hangUp: (link) => this.hungUp.push(link),
    }
    this.election = new Election(
      {
        serverId: id,
        notificationMinMs: 200,
        notificationMaxMs: 60_000,
        finalizeWaitMs: 200,
        connectMs: 5000,
        bindRetries: 3,
      },
      this,
    )
    this.election.start()
  }

  /** What was written to a link since it was asked last. */
  written(link: LinkId): Uint8Array {
    const out = this.#outputOf(link)
    const bytes = out.copy()
    out.reset()
    return bytes
  }

  /** Server `id` connects as `link`. */
  accept(link: LinkId, id: number, more: Uint8Array = new Uint8Array(0)): void {
    this.election.linkAccepted(link, 'somewhere')
    this.election.linkBytes(link, joined(initialOf(id), more))
  }

  dialOf(host: string): LinkId | undefined {
    return this.dials.findLast(({ address }) => address.host === host)?.link
  }

  membershipOf(text: string): Membership {
    return membershipOf(text)
  }

  adoptMembership(membership: Membership): void {
    this.adopted.push(membership)
  }

  voterLooks(): void {}

  elected(vote: Vote): void {
    this.votes.push(vote)
  }

  electionPortLost(): void {}

  remark(_level: string, message: string): void {
    this.remarks.push(message)
  }

  #outputOf(link: LinkId): JuteWriter {
    const out = this.#outputs.get(link) ?? new JuteWriter()
    this.#outputs.set(link, out)
    return out
  }
}

function initialOf(id: number, host: string = `host${id}`): Uint8Array {
  const out = new JuteWriter()
  writeInitialMessage(out, id, [{ host, port: 3888 }])
  return out.copy()
}

function voteOf(
  leader: number,
  round: number = 1,
  config: string = ensembleOf(3).text,
): Uint8Array {
  const out = new JuteWriter()
  writeNotification(out, { state: 0, leader, zxid: 0 as Zxid, round, peerEpoch: 0, config })
  return out.copy()
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

const look = (driven: Driven): void => driven.election.look(0 as Zxid, 0)

describe('who dials', () => {
  test('looking, a server dials everybody once', () => {
    const driven = new Driven()
    look(driven)
    expect(driven.dials.map(({ address }) => address.host).sort()).toEqual(['host1', 'host3'])
    driven.nowMs = 200
    driven.election.onTime()
    expect(driven.dials).toHaveLength(2)
  })

  test('the larger number says who it is and keeps the link, vote and all in one piece', () => {
    const driven = new Driven()
    look(driven)
    const link = driven.dialOf('host1')!
    driven.election.linkOpened(link)
    const bytes = driven.written(link)
    const initial = initialOf(2)
    expect(bytes.subarray(0, initial.length)).toEqual(initial)
    expect(bytes.length).toBe(initial.length + voteOf(2).length)
    expect(driven.hungUp).toEqual([])
  })

  test('the smaller number says who it is and hangs up, to be called back', () => {
    const driven = new Driven()
    look(driven)
    const link = driven.dialOf('host3')!
    driven.election.linkOpened(link)
    expect(driven.written(link)).toEqual(initialOf(2))
    expect(driven.hungUp).toEqual([link])
    driven.accept(7, 3)
    expect(driven.written(7)).toEqual(voteOf(2))
  })

  test('a smaller number that connects is called back, once', () => {
    const driven = new Driven(3)
    driven.accept(7, 1)
    expect(driven.hungUp).toEqual([7])
    driven.accept(8, 1)
    expect(driven.dials.map(({ address }) => address.host)).toEqual(['host1'])
  })

  test('a newer link takes the place of an older one', () => {
    const driven = new Driven()
    driven.accept(7, 3)
    driven.accept(8, 3)
    expect(driven.hungUp).toEqual([7])
    look(driven)
    expect(driven.written(8)).toEqual(voteOf(2))
    expect(driven.written(7)).toHaveLength(0)
  })

  test('a link to a doubted server is made anew, and what it still brings is not heard', () => {
    const driven = new Driven()
    driven.accept(7, 3)
    driven.election.doubt(3, 0)
    expect(driven.hungUp).toEqual([7])
    expect(driven.dialOf('host3')).toBeDefined()
    look(driven)
    driven.election.linkBytes(7, voteOf(3))
    expect(driven.election.vote.leader).toBe(2)
    driven.accept(8, 3, voteOf(3))
    expect(driven.election.vote.leader).toBe(3)
  })

  test('such a server is dialled until it can be reached, or refuses', () => {
    const driven = new Driven()
    driven.accept(7, 3)
    driven.election.doubt(3, 0)
    driven.nowMs = 5000
    driven.election.linkClosed(driven.dialOf('host3')!, 'timed out')
    expect(driven.dials).toHaveLength(2)
    driven.nowMs = 5100
    driven.election.linkClosed(driven.dialOf('host3')!, 'refused')
    expect(driven.dials).toHaveLength(2)
  })

  test('a stranger is called back where it said, and nobody is kept in mind for ever', () => {
    const driven = new Driven(9)
    driven.election.linkAccepted(7, 'somewhere')
    driven.election.linkBytes(7, initialOf(5, 'elsewhere'))
    const link = driven.dialOf('elsewhere')!
    driven.election.linkClosed(link, 'refused')
    expect(driven.dials).toHaveLength(1)
    expect(driven.election.describe()).toContain('links to nobody')
  })

  test('an address that is proposed is tried as well', () => {
    const driven = new Driven()
    driven.proposedMembership = membershipOf(ensembleOf(3, 0, 9).text.replace('host1', 'other1'))
    look(driven)
    driven.election.linkClosed(driven.dialOf('host1')!, 'refused')
    const second = driven.dialOf('other1')
    expect(second).toBeDefined()
    driven.election.linkOpened(second!)
    expect(driven.hungUp).toEqual([])
  })
})

describe('who reads slowly', () => {
  test('gets eight messages, and then the newest when there is room', () => {
    const driven = new Driven(1)
    look(driven)
    driven.election.settle(1, { leader: 3, zxid: 0 as Zxid, peerEpoch: 0, round: 1 })
    driven.accept(7, 3)
    driven.written(7)
    for (let i = 0; i < 100; i++) driven.election.linkBytes(7, voteOf(2, i + 2))
    expect(driven.wantRoom).toEqual([7])
    const settled = driven.written(7).length / voteOf(3).length
    expect(settled).toBeLessThanOrEqual(8)
    driven.election.settle(1, { leader: 3, zxid: 0 as Zxid, peerEpoch: 5, round: 1 })
    expect(driven.written(7)).toHaveLength(0)
    driven.election.linkRoom(7)
    expect(driven.written(7)).toHaveLength(voteOf(3).length)
  })
})

describe('what strangers can do', () => {
  test('not say who they are, for five seconds', () => {
    const driven = new Driven()
    driven.election.linkAccepted(7, 'somewhere')
    driven.nowMs = 4999
    driven.election.onTime()
    expect(driven.hungUp).toEqual([])
    expect(driven.election.deadlineMs).toBe(5000)
    driven.nowMs = 5000
    driven.election.onTime()
    expect(driven.hungUp).toEqual([7])
  })

  test('not be more than some, nor keep others out: the oldest go', () => {
    const driven = new Driven()
    for (let link = 1; link <= 100; link++) driven.election.linkAccepted(link, 'somewhere')
    expect(driven.hungUp).toEqual(Array.from({ length: 36 }, (_, i) => i + 1))
    driven.accept(101, 3)
    expect(driven.election.describe()).toContain('links to 3')
  })

  test('not be this server', () => {
    const driven = new Driven()
    driven.accept(7, 2)
    expect(driven.hungUp).toEqual([7])
    expect(driven.remarks).toEqual(['another server has the number of this one'])
  })

  test.each([
    ['a version nobody knows', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0)],
    ['an HTTP request', new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n')],
  ])('not begin with %s', (_, bytes) => {
    const driven = new Driven()
    driven.election.linkAccepted(7, 'somewhere')
    driven.election.linkBytes(7, bytes)
    expect(driven.hungUp).toEqual([7])
  })

  test.each([
    ['an empty frame', [0, 0, 0, 0]],
    ['a frame beyond the limit', [0, 8, 0, 1]],
    ['a negative frame', [0xff, 0xff, 0xff, 0xff]],
  ])('not send %s', (_, bytes) => {
    const driven = new Driven()
    driven.accept(7, 3, Uint8Array.from(bytes))
    expect(driven.hungUp).toEqual([7])
  })

  test('send what cannot be read, which is no vote', () => {
    const driven = new Driven()
    look(driven)
    const garbage = Uint8Array.from([0, 0, 0, 29, ...new Array<number>(29).fill(1)])
    driven.accept(7, 3, garbage)
    expect(driven.hungUp).toEqual([])
    driven.election.linkBytes(7, voteOf(3))
    expect(driven.election.vote.leader).toBe(3)
  })

  test('say it byte by byte', () => {
    const driven = new Driven()
    look(driven)
    driven.election.linkAccepted(7, 'somewhere')
    for (const byte of joined(initialOf(3), voteOf(3))) {
      driven.election.linkBytes(7, Uint8Array.of(byte))
    }
    expect(driven.election.vote.leader).toBe(3)
  })

  test('come as an observer without a number, and are answered', () => {
    const driven = new Driven()
    look(driven)
    const out = new JuteWriter()
    out.safeLong(-65536)
    out.long(2n ** 63n - 1n)
    out.ustring('host9:3888')
    driven.election.linkAccepted(7, 'somewhere')
    driven.election.linkBytes(7, joined(out.copy(), voteOf(NO_SERVER)))
    expect(driven.hungUp).toEqual([])
    expect(driven.written(7)).toEqual(voteOf(2))
  })
})

describe('memberships that come along', () => {
  const newer = (text: string): string => `${text.replace(/version=.*/, '')}version=7`

  test('are adopted while looking, once', () => {
    const driven = new Driven()
    look(driven)
    driven.accept(7, 3, voteOf(3, 1, newer(ensembleOf(3).text)))
    driven.election.linkBytes(7, voteOf(3, 1, newer(ensembleOf(3).text)))
    expect(driven.adopted.map(({ version }) => version)).toEqual([7])
    // Its members are the same, so its vote counts.
    expect(driven.election.vote.leader).toBe(3)
  })

  test('with other members make the vote one of another ensemble', () => {
    const driven = new Driven()
    look(driven)
    driven.accept(7, 3, voteOf(3, 1, newer(ensembleOf(4).text)))
    expect(driven.adopted).toHaveLength(1)
    expect(driven.election.vote.leader).toBe(2)
  })

  test.each([
    ['older', ensembleOf(5).text],
    ['unreadable', 'server.1=?\nversion=9'],
    ['empty', ''],
  ])('are left alone where they are %s, and the vote counts', (_, text) => {
    const driven = new Driven(2, ensembleOf(3, 0, 1))
    look(driven)
    driven.accept(7, 3, voteOf(3, 1, text))
    expect(driven.adopted).toEqual([])
    expect(driven.election.vote.leader).toBe(3)
  })

  test('are left alone by who has settled', () => {
    const driven = new Driven()
    driven.election.settle(1, { leader: 3, zxid: 0 as Zxid, peerEpoch: 0, round: 1 })
    driven.accept(7, 3, voteOf(3, 1, newer(ensembleOf(4).text)))
    expect(driven.adopted).toEqual([])
  })
})
