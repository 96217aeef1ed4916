// Servers that mean ill, or are broken, each on a machine of its own: strangers at a door, voters that
// lie, learners that ask for too much, and leaders that a server has been talked into. Each one has a
// habit and keeps to it until it vanishes. What a server sends them has to be well formed.

import { assert } from '../../src/base/assert.ts'
import type { Prng } from '../../src/base/prng.ts'
import { epochOf, type Zxid, zxidOf } from '../../src/base/zxid.ts'
import { ServerState } from '../../src/core/election/election-host.ts'
import { MalformedRecord } from '../../src/core/jute/reader.ts'
import { PacketStream } from '../../src/core/peer/packet-stream.ts'
import { PacketType, PROTOCOL_VERSION } from '../../src/core/records/quorum-packet.ts'
import type { LinkId, PeerDoor, PeerEvents } from '../../src/ports/peer-network.ts'
import type { FakePeerNetwork, FakePeers } from '../../src/sim/ensemble/fake-peer-network.ts'
import { type Notified, PeerMaker } from './peer-maker.ts'
import { ELECTION_PORT, machineOf, QUORUM_PORT } from './peer-member.ts'

export interface Target {
  readonly serverId: number
  /** How far the target is, roughly, so that lies can be near the truth. */
  readonly zxid: () => Zxid
  /** The membership as text. */
  readonly config: string
}

interface Held {
  readonly door: PeerDoor
  readonly stream: PacketStream
  /** The link is up, and what belongs at its beginning has been said. */
  hasBegun: boolean
  /** The handshake is over, as far as this side is concerned. */
  isIn: boolean
  /** It is sent a database, which nobody here reads. */
  isStreaming: boolean
  /** The epoch of this link. */
  epoch: number
  last: Zxid
}

const HABITS = ['noise', 'silence', 'damage', 'edges', 'protocol', 'protocol', 'flood'] as const

/** Somebody else's server, or nobody's: it dials the target's doors. */
export class PeerAttacker implements PeerEvents {
  readonly habit: (typeof HABITS)[number]
  readonly machine: string
  readonly #network: FakePeerNetwork
  readonly #peers: FakePeers
  readonly #random: Prng
  readonly #maker: PeerMaker
  readonly #target: Target
  /** Who it says it is. */
  readonly #claimedId: number
  readonly #links = new Map<LinkId, Held>()
  #lastLink: LinkId = 0
  #cxid = 0
  readonly #sessions: bigint[] = []

  constructor(
    network: FakePeerNetwork,
    machine: string,
    random: Prng,
    target: Target,
    claimedIds: readonly number[],
  ) {
    this.#network = network
    this.machine = machine
    this.#random = random
    this.#maker = new PeerMaker(random)
    this.#target = target
    this.#claimedId = random.pick(claimedIds)
    this.habit = random.pick(HABITS)
    this.#peers = network.start(machine, this)
    // It takes nothing that it is sent.
    if (random.chance(0.1)) network.setStopped(machine, true)
  }

  get linkCount(): number {
    return this.#links.size
  }

  act(): void {
    const random = this.#random
    if (this.#links.size === 0 || (this.#links.size < 4 && random.chance(0.1))) this.#dial()
    for (const [link, held] of [...this.#links]) {
      if (!held.hasBegun) continue
      for (let count = this.#eagerness(); count > 0; count--) this.#say(link, held)
      if (random.chance(0.02)) this.#peers.close(link)
    }
  }

  vanish(): void {
    this.#network.crash(this.machine, this.#random.chance(0.3))
  }

  // What it hears

  opened(link: LinkId): void {
    const held = this.#links.get(link)
    if (held === undefined) return
    held.hasBegun = true
    if (this.habit === 'silence' || this.habit === 'noise') return
    this.#send(link, held.door === 'election' ? this.#initial() : this.#introduction(held))
  }

  bytes(link: LinkId, bytes: Uint8Array): void {
    const held = this.#links.get(link)
    if (held === undefined || held.door === 'election' || held.isStreaming) return
    held.stream.push(bytes.slice())
    try {
      while (held.stream.next()) {
        const { type, zxid } = held.stream.packet
        this.#onPacket(link, held, type, zxid)
        if (type === PacketType.snap) {
          held.isStreaming = true
          held.isIn = true
          this.#send(link, this.#ack(zxidOf(held.epoch, 0)))
          return
        }
      }
    } catch (error) {
      assert(!(error instanceof MalformedRecord), () => `the server sent: ${String(error)}`)
      throw error
    }
  }

  closed(link: LinkId): void {
    this.#links.delete(link)
  }

  accepted(link: LinkId): void {
    this.#peers.close(link)
  }

  listening(): void {}

  listenFailed(): void {}

  drained(): void {}

  #onPacket(link: LinkId, held: Held, type: number, zxid: Zxid): void {
    held.last = zxid
    const isProper = this.habit === 'protocol' || this.habit === 'flood'
    if (!isProper) return
    switch (type) {
      case PacketType.leaderInfo:
        held.epoch = epochOf(zxid)
        this.#send(
          link,
          this.#maker.packet(PacketType.ackEpoch, this.#maker.long(0, 0.2), (out) =>
            out.int(this.#random.pick([-1, 0, -1, 0x7fff_ffff])),
          ),
        )
        return
      case PacketType.newLeader:
        this.#send(link, this.#ack(zxid))
        held.isIn = true
        return
      default:
    }
  }

  // What it says

  #dial(): void {
    const door = this.#random.chance(0.5) ? 'election' : 'quorum'
    const link = --this.#lastLink
    this.#links.set(link, {
      door,
      stream: new PacketStream(64 << 20),
      hasBegun: false,
      isIn: false,
      isStreaming: false,
      epoch: 0,
      last: 0 as Zxid,
    })
    const port = door === 'election' ? ELECTION_PORT : QUORUM_PORT
    this.#peers.dial(link, { host: machineOf(this.#target.serverId), port }, 1_000)
  }

  #eagerness(): number {
    if (this.habit === 'flood') return this.#random.between(1, 40)
    return this.#random.below(4)
  }

  #say(link: LinkId, held: Held): void {
    const maker = this.#maker
    switch (this.habit) {
      case 'silence':
        return
      case 'noise':
        this.#send(link, maker.noise(this.#random.chance(0.02) ? 200_000 : 300))
        return
      case 'damage':
        this.#send(link, maker.damaged(this.#proper(held)))
        return
      case 'edges':
        this.#send(link, held.door === 'election' ? this.#vote(0.4) : this.#anyPacket())
        return
      default:
        this.#send(link, maker.maybeDamaged(this.#proper(held), 0.01))
    }
  }

  #proper(held: Held): Uint8Array {
    if (held.door === 'election') return this.#vote(0.05)
    if (!held.isIn) return this.habit === 'damage' ? this.#introduction(held) : new Uint8Array(0)
    const random = this.#random
    switch (random.below(8)) {
      case 0:
        return this.#ack(random.chance(0.1) ? this.#edgeZxid() : held.last)
      case 1:
        return this.#maker.packet(PacketType.ping, BigInt(held.last), (out) => {
          for (let i = random.below(5); i > 0; i--) {
            out.long(this.#session())
            out.int(4_000)
          }
        })
      case 2:
        return this.#maker.packet(PacketType.revalidate, -1n, (out) => {
          out.long(this.#session())
          out.int(4_000)
        })
      case 3: {
        const id = this.#maker.long(this.#claimedId * 2 ** 40 + random.below(50), 0.1)
        this.#sessions.push(id)
        return this.#maker.createSession(id)
      }
      default:
        return this.#maker.request(this.#session(), ++this.#cxid)
    }
  }

  #session(): bigint {
    const random = this.#random
    if (this.#sessions.length === 0 || random.chance(0.1)) return this.#maker.edge()
    return random.pick(this.#sessions)
  }

  #edgeZxid(): bigint {
    return this.#maker.edge()
  }

  #ack(zxid: Zxid | bigint): Uint8Array {
    return this.#maker.packet(PacketType.ack, BigInt(zxid), null)
  }

  #anyPacket(): Uint8Array {
    return this.#maker.anyPacket(this.#target.zxid())
  }

  #initial(): Uint8Array {
    return this.#maker.initial(this.#claimedId, this.machine, ELECTION_PORT)
  }

  #introduction(held: Held): Uint8Array {
    const random = this.#random
    const maker = this.#maker
    held.epoch = epochOf(this.#target.zxid())
    const type = random.chance(0.7) ? PacketType.followerInfo : PacketType.observerInfo
    const isStrange = this.habit === 'edges' || random.chance(0.05)
    const zxid = isStrange ? maker.edge() : maker.epochZxid(held.epoch)
    return maker.packet(type, zxid, (out) => {
      out.long(maker.long(this.#claimedId, isStrange ? 0.5 : 0))
      out.int(PROTOCOL_VERSION)
      out.long(isStrange ? maker.edge() : 0n)
    })
  }

  #vote(strange: number): Uint8Array {
    const random = this.#random
    const zxid = this.#target.zxid()
    const usual: Notified = {
      state: random.below(4),
      leader: random.pick([this.#claimedId, this.#target.serverId, 2, 3]),
      zxid,
      round: random.between(1, 3),
      peerEpoch: epochOf(zxid),
      config: this.#target.config,
    }
    return this.#maker.notification(usual, strange)
  }

  #send(link: LinkId, bytes: Uint8Array): void {
    if (bytes.length > 0) this.#peers.send(link, bytes)
  }
}

/** All other voters of the target, who agree that one of them leads, and lead it astray. */
export class ForgedEnsemble {
  readonly #voters: ForgedVoter[]

  constructor(network: FakePeerNetwork, random: Prng, target: Target, ids: readonly number[]) {
    const leader = Math.max(...ids)
    this.#voters = ids.map(
      (id) => new ForgedVoter(network, random.fork(`forged ${id}`), target, id, leader),
    )
  }

  /** How many times the target was told that it may serve. */
  get servedCount(): number {
    return this.#voters.reduce((sum, voter) => sum + voter.servedCount, 0)
  }

  act(): void {
    for (const voter of this.#voters) voter.act()
  }

  vanish(): void {
    for (const voter of this.#voters) voter.vanish()
  }
}

class ForgedVoter implements PeerEvents {
  servedCount = 0
  readonly #network: FakePeerNetwork
  readonly #peers: FakePeers
  readonly #random: Prng
  readonly #maker: PeerMaker
  readonly #target: Target
  readonly #id: number
  readonly #leader: number
  #voting: LinkId | null = null
  #isVoting = false
  #lastLink: LinkId = 0
  readonly #followers = new Map<LinkId, Led>()

  constructor(network: FakePeerNetwork, random: Prng, target: Target, id: number, leader: number) {
    this.#network = network
    this.#random = random
    this.#maker = new PeerMaker(random)
    this.#target = target
    this.#id = id
    this.#leader = leader
    this.#peers = network.start(machineOf(id), this)
    if (id === leader) {
      this.#peers.listen('quorum', { host: machineOf(id), port: QUORUM_PORT })
    }
  }

  act(): void {
    if (this.#voting === null) {
      this.#voting = --this.#lastLink
      const host = machineOf(this.#target.serverId)
      this.#peers.dial(this.#voting, { host, port: ELECTION_PORT }, 1_000)
    } else if (this.#isVoting) {
      this.#peers.send(this.#voting, this.#vote())
    }
    for (const [link, led] of [...this.#followers]) {
      for (let count = this.#random.below(4); count > 0; count--) this.#lead(link, led)
    }
  }

  vanish(): void {
    this.#network.crash(machineOf(this.#id), false)
  }

  opened(link: LinkId): void {
    if (link !== this.#voting) return
    this.#isVoting = true
    const host = machineOf(this.#id)
    this.#peers.send(link, this.#maker.initial(this.#id, host, ELECTION_PORT))
    this.#peers.send(link, this.#vote())
  }

  accepted(link: LinkId): void {
    this.#followers.set(link, new Led())
  }

  bytes(link: LinkId, bytes: Uint8Array): void {
    const led = this.#followers.get(link)
    if (led === undefined) return
    led.stream.push(bytes.slice())
    while (led.stream.next()) this.#onPacket(link, led)
  }

  closed(link: LinkId): void {
    this.#followers.delete(link)
    if (link !== this.#voting) return
    this.#voting = null
    this.#isVoting = false
  }

  listening(): void {}

  listenFailed(): void {}

  drained(): void {}

  #vote(): Uint8Array {
    const isLeader = this.#id === this.#leader
    const usual: Notified = {
      state: isLeader ? ServerState.leading : ServerState.following,
      leader: this.#leader,
      zxid: 0,
      round: 1,
      peerEpoch: 1,
      config: this.#target.config,
    }
    return this.#maker.notification(usual, 0.01)
  }

  #onPacket(link: LinkId, led: Led): void {
    const { type, zxid } = led.stream.packet
    const maker = this.#maker
    switch (type) {
      case PacketType.followerInfo:
      case PacketType.observerInfo:
        led.epoch = Math.max(1, epochOf(zxid) + this.#random.between(0, 1))
        this.#send(
          link,
          maker.packet(
            PacketType.leaderInfo,
            this.#random.chance(0.05) ? maker.edge() : BigInt(zxidOf(led.epoch, 0)),
            (out) => out.int(PROTOCOL_VERSION),
          ),
        )
        return
      case PacketType.ackEpoch:
        led.last = Math.max(0, zxid) as Zxid
        this.#bringInStep(link, led)
        return
      case PacketType.ack:
        if (led.isServed || zxid !== zxidOf(led.epoch, 0)) return
        led.isServed = true
        this.servedCount++
        this.#send(link, maker.packet(PacketType.upToDate, -1n, null))
        return
      default:
    }
  }

  #bringInStep(link: LinkId, led: Led): void {
    const random = this.#random
    const maker = this.#maker
    switch (random.below(8)) {
      case 0:
        this.#send(link, maker.packet(PacketType.trunc, maker.long(led.last, 0.5), null))
        break
      case 1: {
        const before = random.below(3)
        led.last = Math.max(0, led.last - before) as Zxid
        this.#send(link, maker.packet(PacketType.trunc, BigInt(led.last), null))
        break
      }
      case 2:
      case 3:
        this.#send(link, maker.packet(PacketType.snap, BigInt(led.last), null))
        this.#send(link, maker.maybeDamaged(this.#snapshot(), 0.3))
        break
      case 4:
        this.#send(link, maker.anyPacket(led.last))
        break
      default:
        this.#send(link, maker.packet(PacketType.diff, BigInt(led.last), null))
    }
    for (let count = random.below(4); count > 0; count--) this.#propose(link, led, 0.1)
    const config = random.chance(0.8) ? this.#target.config : maker.config()
    this.#send(
      link,
      maker.packet(PacketType.newLeader, BigInt(zxidOf(led.epoch, 0)), (out) =>
        out.raw(new TextEncoder().encode(config), 0, new TextEncoder().encode(config).length),
      ),
    )
  }

  /** Sessions, access lists, nodes: a small tree that may not be one. */
  #snapshot(): Uint8Array {
    const random = this.#random
    const out: number[] = []
    const int = (value: number): void =>
      void out.push(value >>> 24, value >>> 16, value >>> 8, value)
    const text = (value: string): void => {
      const bytes = new TextEncoder().encode(value)
      int(bytes.length)
      out.push(...bytes)
    }
    int(random.below(2))
    if (out[3]! > 0) out.push(0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 16, 0)
    int(1)
    out.push(0, 0, 0, 0, 0, 0, 0, 1)
    int(1)
    int(31)
    text('world')
    text('anyone')
    const paths = ['', '/zookeeper', '/zookeeper/quota', '/zookeeper/config', '/a', '/a/b']
    for (const path of paths) {
      if (random.chance(0.1)) continue
      text(random.chance(0.05) ? '/x/y//z' : path)
      int(random.chance(0.5) ? -1 : 0)
      out.push(0, 0, 0, 0, 0, 0, 0, 1)
      const isStrange = random.chance(0.1)
      for (let i = 0; i < 60; i++) {
        out.push(isStrange && random.chance(0.05) ? random.below(256) : 0)
      }
    }
    text('/')
    text('BenWasHere')
    return Uint8Array.from(out)
  }

  #lead(link: LinkId, led: Led): void {
    if (!led.isServed) return
    const random = this.#random
    const maker = this.#maker
    switch (random.below(12)) {
      case 0:
        return this.#send(link, maker.anyPacket(led.last))
      case 1:
        return this.#send(link, maker.packet(PacketType.ping, BigInt(led.last), null))
      case 2:
        return this.#send(link, maker.packet(PacketType.sync, 0n, null))
      case 3:
        return this.#send(
          link,
          maker.packet(PacketType.revalidate, -1n, (out) => {
            out.long(maker.edge())
            out.bool(random.chance(0.5))
          }),
        )
      case 4:
        return this.#send(
          link,
          maker.packet(PacketType.commitAndActivate, BigInt(led.last), (out) =>
            out.long(maker.long(random.between(1, 3), 0.3)),
          ),
        )
      default:
        this.#propose(link, led, 0.05)
    }
  }

  /** The next transaction, and that it is committed. */
  #propose(link: LinkId, led: Led, strange: number): void {
    const zxid = epochOf(led.last) === led.epoch ? led.last + 1 : zxidOf(led.epoch, 1)
    led.last = zxid as Zxid
    const maker = this.#maker
    const txn = maker.transaction(led.last, strange)
    const at = maker.long(led.last, strange / 5)
    const proposal = maker.packet(PacketType.proposal, at, (out) => out.raw(txn, 0, txn.length))
    this.#send(link, maker.maybeDamaged(proposal, strange / 5))
    if (this.#random.chance(0.95)) {
      this.#send(link, maker.packet(PacketType.commit, maker.long(led.last, strange / 5), null))
    }
  }

  #send(link: LinkId, bytes: Uint8Array): void {
    this.#peers.send(link, bytes)
  }
}

/** A server that is being led. */
class Led {
  readonly stream = new PacketStream(64 << 20)
  epoch = 0
  last = 0 as Zxid
  isServed = false
}
