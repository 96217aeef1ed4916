// Whatever other servers, or strangers in their place, send to the election port and the quorum port:
// nobody throws, an ensemble at work goes on working, and once the attackers are gone, one forms.
//
//   ZABRA_FUZZ_SEED=123 npx vitest run test/fuzz/peer-ports.test.ts     plays one seed again
//   ZABRA_FUZZ_RUNS=5000 npx vitest run test/fuzz/peer-ports.test.ts    looks further

import { describe, expect, test } from 'vitest'
import { assert } from '../../src/base/assert.ts'
import { Prng } from '../../src/base/prng.ts'
import { type Zxid, ZXID_ZERO } from '../../src/base/zxid.ts'
import { WORLD_ALL, aclList } from '../../src/core/records/acl.ts'
import { OpCode } from '../../src/core/records/opcodes.ts'
import { CALM_PEERS, FakePeerNetwork } from '../../src/sim/ensemble/fake-peer-network.ts'
import type { FakeDisk } from '../../src/sim/fake-disk.ts'
import { Trace } from '../../src/sim/trace.ts'
import { VirtualClock } from '../../src/sim/virtual-clock.ts'
import { ReplyStream, handshake, request } from './frames.ts'
import { ForgedEnsemble, PeerAttacker, type Target } from './peer-attacker.ts'
import { makeDisk, PeerMember, votersText } from './peer-member.ts'

const { ZABRA_FUZZ_SEED: seed, ZABRA_FUZZ_RUNS: runs = '4' } = process.env
const seeds =
  seed === undefined ? Array.from({ length: Number(runs) }, (_, at) => at + 1) : [Number(seed)]

const ROUNDS = 60
const ATTACKERS_MAX = 8
/** Of nobody in the ensemble. */
const STRANGE_IDS = [0, 4, 7, 200, 1 << 20]
const QUIET_MS = 60_000

describe('the ports for other servers', () => {
  const playing = (play: (arena: Arena) => void) => (): void => {
    for (const each of seeds) {
      try {
        play(new Arena(each))
      } catch (error) {
        const line = `ZABRA_FUZZ_SEED=${each} npx vitest run test/fuzz/peer-ports.test.ts`
        throw new Error(line, { cause: error })
      }
    }
  }
  const timeout = 3_600_000

  test(
    'of a server that looks for a leader withstand whatever arrives',
    { timeout },
    playing((arena) => {
      arena.start(1)
      arena.attack(1, [...STRANGE_IDS, 1, 2, 3])
      arena.expectHealth()
    }),
  )

  test(
    'of an ensemble at work withstand strangers, and nobody else notices',
    { timeout },
    playing((arena) => {
      for (const id of [1, 2, 3]) arena.start(id)
      arena.run(5_000)
      const leader = arena.leader()
      const client = new Client(arena, arena.pick([1, 2, 3]))
      const { epoch } = leader.replica.member!.leading!
      arena.attack(leader.id, STRANGE_IDS, () => client.work())
      expect(client.answered).toBe(ROUNDS)
      expect(leader.isLeading).toBe(true)
      expect(leader.replica.member!.leading!.epoch).toBe(epoch)
      arena.expectHealth()
    }),
  )

  test(
    'of an ensemble at work withstand those who say they are one of it',
    { timeout },
    playing((arena) => {
      for (const id of [1, 2, 3]) arena.start(id)
      arena.run(5_000)
      arena.attack(arena.pick([1, 2, 3]), [1, 2, 3])
      arena.expectHealth()
    }),
  )

  test(
    'of a server that is led astray withstand its leader',
    { timeout },
    playing((arena) => {
      arena.start(1)
      expect(arena.mislead(1, [2, 3]), 'it never served under its leader').toBeGreaterThan(0)
      // Its tree may be any by now: that a write is decided is what counts, not how.
      arena.expectHealth(false)
    }),
  )
})

/** Three machines, the network between them, and whoever else is on it. */
class Arena {
  readonly random: Prng
  readonly clock = new VirtualClock(new Trace())
  readonly network: FakePeerNetwork
  readonly members = new Map<number, PeerMember>()
  readonly #disks = new Map<number, FakeDisk>()
  readonly #reconfigEnabled: boolean

  constructor(seed: number) {
    this.random = new Prng(seed)
    this.#reconfigEnabled = this.random.chance(0.3)
    const chunking = this.random.pick(['as-sent', 'random', 'random', 'small'] as const)
    const peers = this.random.fork('peers')
    this.network = new FakePeerNetwork(this.clock, peers, { ...CALM_PEERS, chunking })
  }

  pick<T>(items: readonly T[]): T {
    return this.random.pick(items)
  }

  start(id: number): PeerMember {
    this.members.get(id)?.kill()
    const random = this.random.fork(`member ${id}`)
    const disk = this.#disks.get(id) ?? makeDisk(this.clock, random.fork('disk'))
    this.#disks.set(id, disk)
    const member = new PeerMember(
      id,
      {
        clock: this.clock,
        peers: this.network,
        random,
        membershipText: votersText(3),
        reconfigEnabled: this.#reconfigEnabled,
      },
      disk,
    )
    this.members.set(id, member)
    return member
  }

  leader(): PeerMember {
    const leader = [...this.members.values()].find((member) => member.isLeading)
    assert(leader !== undefined, () => `nobody leads: ${this.describe()}`)
    return leader
  }

  run(ms: number): void {
    const untilUs = this.clock.nowUs + ms * 1_000
    while (this.clock.step(untilUs)) {}
  }

  /** Attackers come and go; `meanwhile` is called once a round. */
  attack(id: number, claimedIds: readonly number[], meanwhile: () => void = () => {}): void {
    const { random } = this
    const attackers = new Set<PeerAttacker>()
    const target = this.#target(id)
    for (let round = 0; round < ROUNDS; round++) {
      if (attackers.size < ATTACKERS_MAX && random.chance(0.5)) {
        const own = random.fork(`attacker ${round}`)
        const machine = `attacker-${round}`
        attackers.add(new PeerAttacker(this.network, machine, own, target, claimedIds))
      }
      for (const attacker of attackers) {
        attacker.act()
        if (!random.chance(0.05)) continue
        attacker.vanish()
        attackers.delete(attacker)
      }
      this.run(random.chance(0.2) ? random.below(2_000) : random.below(100))
      meanwhile()
      this.#restartEnded()
    }
    for (const attacker of attackers) attacker.vanish()
  }

  /** Returns how many times the server served under its forged leader. */
  mislead(id: number, by: readonly number[]): number {
    const { random } = this
    let served = 0
    for (let era = 0; era < 6; era++) {
      const own = random.fork(`era ${era}`)
      const forged = new ForgedEnsemble(this.network, own, this.#target(id), by)
      for (let round = 0; round < ROUNDS; round++) {
        forged.act()
        this.run(random.chance(0.1) ? random.below(500) : random.below(50))
        this.#restartEnded()
      }
      served += forged.servedCount
      forged.vanish()
      // What it was led to write down does not keep it from starting again.
      if (random.chance(0.5)) this.start(id)
    }
    return served
  }

  /** With nobody but honest servers left, there is an ensemble that serves. */
  expectHealth(isTreeOurs: boolean = true): void {
    for (const id of [1, 2, 3]) {
      // A membership that a voter tells of is taken over: it may be a lie, and outlasts the liar.
      if (this.#reconfigEnabled || !this.members.has(id)) this.start(id)
    }
    this.run(QUIET_MS)
    for (const member of this.members.values()) {
      assert(member.isServing, () => `${member.id} does not serve: ${this.describe()}`)
      const client = new Client(this, member.id)
      client.work(isTreeOurs)
      expect(client.answered, this.describe()).toBe(1)
    }
    const ends = (): Set<number> =>
      new Set([...this.members.values()].map(({ replica }) => replica.database.lastZxid))
    for (let tries = 0; tries < 100 && ends().size > 1; tries++) this.run(100)
    expect(ends().size, this.describe()).toBe(1)
  }

  describe(): string {
    return [...this.members.values()].map((member) => member.describe()).join(' | ')
  }

  #target(id: number): Target {
    return {
      serverId: id,
      zxid: () => this.members.get(id)?.replica.database.lastZxid ?? (ZXID_ZERO as Zxid),
      config: `${votersText(3)}\nversion=0`,
    }
  }

  /** No server stops because of what another one says. */
  #restartEnded(): void {
    for (const member of this.members.values()) {
      assert(member.ended === null, () => `a server has stopped: ${this.describe()}`)
    }
  }
}

/** Somebody who uses the ensemble. */
class Client {
  answered = 0
  readonly #arena: Arena
  readonly #member: PeerMember
  readonly #connection: number
  readonly #stream = new ReplyStream()
  #xid = 0

  constructor(arena: Arena, id: number) {
    this.#arena = arena
    this.#member = arena.members.get(id)!
    this.#connection = this.#member.connect()
    this.#member.receive(this.#connection, handshake({ timeOut: 10_000 }))
    this.#receive()
    assert(this.#stream.connected !== null, () => `no session: ${arena.describe()}`)
  }

  /** Writes, and is answered within a second. */
  work(mustSucceed: boolean = true): void {
    const xid = ++this.#xid
    this.#member.receive(
      this.#connection,
      request(xid, OpCode.create, (out) => {
        out.ustring('/client-')
        out.buffer(null)
        aclList.write(out, WORLD_ALL)
        out.int(2)
      }),
    )
    const replies = this.#receive()
    const reply = replies.find((each) => each.xid === xid)
    const isFine = reply !== undefined && (reply.err === 0 || !mustSucceed)
    assert(isFine, () => `write ${xid} got ${reply?.err}: ${this.#arena.describe()}`)
    this.answered++
  }

  #receive(): ReturnType<ReplyStream['push']> {
    this.#arena.run(1_000)
    const chunks = this.#member.replies.get(this.#connection)
    assert(chunks !== undefined, () => `a client was thrown out: ${this.#arena.describe()}`)
    return chunks.splice(0).flatMap((chunk) => this.#stream.push(chunk))
  }
}
