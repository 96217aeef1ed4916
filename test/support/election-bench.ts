// Servers that do nothing but elect, on a network and a clock made of a queue: bytes arrive in order
// on each link, and links among each other in any order that a seed draws.

import { JuteReader } from '../../src/core/jute/reader.ts'
import { JuteWriter } from '../../src/core/jute/writer.ts'
import {
  type ElectionHost,
  type ElectionOptions,
  ServerState,
  type Vote,
} from '../../src/core/election/election-host.ts'
import { Election } from '../../src/core/election/election.ts'
import type { LinkListener, LinkOwner, PeerLinks } from '../../src/core/peer/peer-links.ts'
import type { Membership } from '../../src/core/quorum/membership.ts'
import { membershipOf, sameMembers } from '../../src/core/quorum/membership-text.ts'
import { type Notification, readNotification } from '../../src/core/records/notification.ts'
import { Prng } from '../../src/base/prng.ts'
import type { Zxid } from '../../src/base/zxid.ts'
import type { LinkId, PeerAddress, PeerDoor } from '../../src/ports/peer-network.ts'

/** `server.1=host1:2888:3888...` for ids from 1, the last `observers` of them observers. */
export function ensembleOf(count: number, observers: number = 0, version: number = 0): Membership {
  const lines = Array.from({ length: count }, (_, i) => {
    const role = i < count - observers ? 'participant' : 'observer'
    return `server.${i + 1}=host${i + 1}:2888:3888:${role};2181`
  })
  return membershipOf([...lines, `version=${version.toString(16)}`].join('\n'))
}

export interface Past {
  readonly zxid: number
  readonly epoch: number
}

const OPTIONS: Omit<ElectionOptions, 'serverId'> = {
  notificationMinMs: 200,
  notificationMaxMs: 60_000,
  finalizeWaitMs: 200,
  connectMs: 5000,
  bindRetries: 3,
}

interface Task {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

export class ElectionBench {
  nowMs = 0
  readonly servers = new Map<number, BenchServer>()
  /** Pairs that cannot reach each other: nothing arrives, and nothing is refused. */
  readonly cut = new Set<string>()
  readonly prng: Prng
  delayMsMax: number
  #tasks: Task[] = []
  #order = 0
  #links = 0

  constructor(seed: number = 1, delayMsMax: number = 2) {
    this.prng = new Prng(seed)
    this.delayMsMax = delayMsMax
  }

  add(id: number, membership: Membership, past: Past = { zxid: 0, epoch: 0 }): BenchServer {
    const server = new BenchServer(this, id, membership, past)
    this.servers.set(id, server)
    return server
  }

  /** The process ends: its links break, and it refuses new ones. */
  kill(id: number): void {
    const server = this.servers.get(id)!
    this.servers.delete(id)
    server.die()
  }

  /** Everything between the two is lost from now on, until `heal`. */
  cutOff(a: number, b: number): void {
    this.cut.add(`${a} ${b}`)
    this.cut.add(`${b} ${a}`)
  }

  /** Nothing of what others send gets to the server, until `heal`; what it sends itself does. */
  deafen(id: number): void {
    for (const other of this.servers.keys()) if (other !== id) this.cut.add(`${other} ${id}`)
  }

  /** What was sent meanwhile is lost with the links that it was sent on. */
  heal(): void {
    for (const server of this.servers.values())
      server.breakLinks((peer) => this.isCut(server.id, peer))
    this.cut.clear()
  }

  isCut(from: number, to: number): boolean {
    return this.cut.has(`${from} ${to}`)
  }

  schedule(afterMs: number, run: () => void): void {
    this.#tasks.push({ atMs: this.nowMs + afterMs, order: this.#order++, run })
  }

  delay(): number {
    return this.prng.below(this.delayMsMax * 1000 + 1) / 1000
  }

  nextLink(): number {
    return ++this.#links
  }

  /** Runs until nothing is due before `untilMs` from now, or `isDone`. */
  run(forMs: number, isDone: () => boolean = () => false): void {
    const endMs = this.nowMs + forMs
    for (let steps = 0; !isDone(); steps++) {
      if (steps > 200_000) throw new Error('the servers talk without end')
      const next = this.#next()
      if (next.atMs > endMs) break
      this.nowMs = Math.max(this.nowMs, next.atMs)
      this.#tasks = this.#tasks.filter((task) => task !== next)
      next.run()
    }
    if (!isDone()) this.nowMs = endMs
  }

  /** Runs until every server has settled, and returns who leads for whom. */
  elect(forMs: number = 120_000): Map<number, number> {
    this.run(forMs, () => [...this.servers.values()].every(({ election }) => election.state !== 0))
    return new Map([...this.servers].map(([id, { election }]) => [id, election.vote.leader]))
  }

  #next(): Task {
    let best: Task = { atMs: Infinity, order: 0, run: () => {} }
    for (const task of this.#tasks) {
      if (task.atMs < best.atMs || (task.atMs === best.atMs && task.order < best.order)) best = task
    }
    for (const server of this.servers.values()) {
      const atMs = server.election.deadlineMs
      if (atMs >= best.atMs) continue
      best = { atMs, order: 0, run: () => server.step(() => server.election.onTime()) }
    }
    return best
  }
}

interface End {
  readonly id: LinkId
  readonly peer: number
  far: { readonly server: BenchServer; readonly id: LinkId } | null
  readonly out: JuteWriter
  /** Bytes on one link stay in order. */
  busyUntilMs: number
}

export class BenchServer implements ElectionHost {
  readonly id: number
  readonly election: Election
  readonly links: PeerLinks
  membership: Membership
  proposedMembership: Membership | null = null
  past: Past
  isAlive = true
  isPortBroken = false
  portLost: string | null = null
  /** How often it was elected for something. */
  elections = 0
  /** What it sent, in order. */
  readonly said: (Notification & { to: number })[] = []
  readonly remarks: string[] = []
  readonly ends = new Map<LinkId, End>()
  /** Whether the host answers `elected` by itself. */
  settlesItself = true
  readonly #bench: ElectionBench
  #isListening = false
  #serves = false
  #dialled = 0
  readonly #after: (() => void)[] = []

  constructor(bench: ElectionBench, id: number, membership: Membership, past: Past) {
    this.#bench = bench
    this.id = id
    this.membership = membership
    this.past = past
    this.links = this.#makeLinks()
    this.election = new Election({ ...OPTIONS, serverId: id }, this)
  }

  get nowMs(): number {
    return this.#bench.nowMs
  }

  start(): this {
    this.step(() => {
      this.election.start()
      this.election.look(this.past.zxid as Zxid, this.past.epoch)
    })
    return this
  }

  look(): void {
    this.#serves = false
    this.step(() => this.election.look(this.past.zxid as Zxid, this.past.epoch))
  }

  /** It serves: from now on it tells the new epoch. */
  serve(epoch: number): void {
    this.#serves = true
    this.past = { ...this.past, epoch }
    const { election } = this
    this.step(() => election.settle(election.state, { ...election.vote, peerEpoch: epoch }))
  }

  step(work: () => void): void {
    if (!this.isAlive) return
    work()
    for (const end of this.ends.values()) this.#send(end)
    for (const task of this.#after.splice(0)) task()
    // As the real host: a leader that serves has its quorum, whatever others look for.
    if (this.election.isDeserted && !this.#serves) this.look()
    for (const end of this.ends.values()) this.#send(end)
  }

  die(): void {
    this.isAlive = false
    for (const end of [...this.ends.values()]) this.#breakFar(end)
    this.ends.clear()
  }

  breakLinks(which: (peer: number) => boolean): void {
    for (const end of [...this.ends.values()]) {
      if (!which(end.peer)) continue
      this.ends.delete(end.id)
      this.#breakFar(end)
      this.step(() => this.election.linkClosed(end.id, 'broken'))
    }
  }

  membershipOf(text: string): Membership {
    return membershipOf(text)
  }

  adoptMembership(membership: Membership): void {
    const differ = !sameMembers(this.membership, membership)
    this.membership = membership
    if (differ) this.#after.push(() => this.election.restart())
  }

  voterLooks(): void {}

  elected(vote: Vote): void {
    this.elections++
    if (!this.settlesItself) return
    const isVoter = this.membership.members.get(this.id)?.isVoter ?? true
    const learning = isVoter ? ServerState.following : ServerState.observing
    const state = vote.leader === this.id ? ServerState.leading : learning
    this.#after.push(() => this.election.settle(state, vote))
  }

  electionPortLost(reason: string): void {
    this.portLost = reason
  }

  remark(_level: string, message: string): void {
    this.remarks.push(message)
  }

  #makeLinks(): PeerLinks {
    return {
      openDoor: (door: PeerDoor) => {
        if (this.isPortBroken) {
          this.#later(0, (listener) => listener.doorFailed(door, 'address in use'))
          return
        }
        this.#isListening = true
        this.#later(0, (listener) => listener.doorOpened(door))
      },
      closeDoor: () => {
        this.#isListening = false
      },
      dial: (_owner: LinkOwner, address: PeerAddress, timeoutMs: number) => {
        const id = -++this.#dialled
        const peer = Number(/\d+/.exec(address.host)?.[0])
        const end = { id, peer, far: null, out: new JuteWriter(), busyUntilMs: 0 }
        this.ends.set(id, end)
        this.#bench.schedule(this.#bench.delay(), () => this.#reach(end, timeoutMs))
        return id
      },
      output: (link: LinkId) => this.ends.get(link)?.out ?? new JuteWriter(),
      wantRoom: (link: LinkId) => {
        this.#later(1, (listener) => {
          if (this.ends.has(link)) listener.linkRoom(link)
        })
      },
      hangUp: (link: LinkId) => {
        const end = this.ends.get(link)
        if (end === undefined) return
        this.#send(end)
        this.ends.delete(link)
        this.#breakFar(end)
      },
    }
  }

  #reach(end: End, timeoutMs: number): void {
    if (!this.ends.has(end.id)) return
    const bench = this.#bench
    const other = bench.servers.get(end.peer)
    if (bench.isCut(this.id, end.peer) || bench.isCut(end.peer, this.id)) {
      bench.schedule(timeoutMs, () => this.#fail(end, 'timed out'))
      return
    }
    if (other === undefined || !other.#isListening) {
      this.#fail(end, 'refused')
      return
    }
    const id = bench.nextLink()
    const far = { id, peer: this.id, far: { server: this, id: end.id }, out: new JuteWriter() }
    other.ends.set(id, { ...far, busyUntilMs: 0 })
    end.far = { server: other, id }
    other.step(() => other.election.linkAccepted(id, `host${this.id}`))
    bench.schedule(bench.delay(), () => {
      if (this.ends.has(end.id)) this.step(() => this.election.linkOpened(end.id))
    })
  }

  #fail(end: End, reason: string): void {
    if (!this.ends.delete(end.id)) return
    this.step(() => this.election.linkClosed(end.id, reason))
  }

  #send(end: End): void {
    if (end.out.position === 0) return
    const bytes = end.out.copy()
    end.out.reset()
    this.#record(bytes, end.peer)
    const { far } = end
    if (far === null) return
    this.#deliver(end, (listener) => {
      if (far.server.ends.has(far.id)) listener.linkBytes(far.id, bytes)
    })
  }

  #breakFar(end: End): void {
    const { far } = end
    if (far === null) return
    this.#deliver(end, (listener) => {
      if (far.server.ends.delete(far.id)) listener.linkClosed(far.id, 'closed by the peer')
    })
  }

  #deliver(end: End, tell: (listener: LinkListener) => void): void {
    const bench = this.#bench
    if (bench.isCut(this.id, end.peer)) return
    end.busyUntilMs = Math.max(end.busyUntilMs, bench.nowMs + bench.delay())
    const { server } = end.far!
    bench.schedule(end.busyUntilMs - bench.nowMs, () => server.step(() => tell(server.election)))
  }

  #later(afterMs: number, tell: (listener: LinkListener) => void): void {
    this.#bench.schedule(afterMs, () => this.step(() => tell(this.election)))
  }

  /** Notifications among the bytes of one write. */
  #record(bytes: Uint8Array, to: number): void {
    const reader = new JuteReader(bytes)
    if (bytes[0] === 0xff) reader.position = 20 + ((bytes[18]! << 8) | bytes[19]!)
    while (reader.remaining > 4) {
      const length = reader.int()
      const start = reader.position
      this.said.push({ ...readNotification(new JuteReader(bytes, start, start + length)), to })
      reader.position = start + length
    }
  }
}
