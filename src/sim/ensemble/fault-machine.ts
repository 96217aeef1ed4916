// Brings about what goes wrong in a run: it draws a kind, a victim and a time, and ends every fault
// that can end. Which kinds there are, and how likely each is, are the run's options. It knows the
// servers by what can be done to them, and nothing of what they do.

import { mark } from '../../base/marks.ts'
import type { Prng } from '../../base/prng.ts'
import { CALM_DISK, type DiskConditions } from '../fake-disk.ts'
import type { FakeNetwork, LinkFault } from '../fake-network.ts'
import type { VirtualClock } from '../virtual-clock.ts'
import { FAULT_KINDS, type EnsembleOptions, type FaultKind } from './ensemble-options.ts'
import type { EnsembleServer } from './ensemble-server.ts'
import type { FakePeerNetwork } from './fake-peer-network.ts'

export interface FaultWorld {
  readonly options: EnsembleOptions
  readonly time: VirtualClock
  readonly random: Prng
  readonly peers: FakePeerNetwork
  readonly network: FakeNetwork
  readonly servers: readonly EnsembleServer[]
  /** Ends the process, or the machine, and starts it again after a while. */
  bringDown(server: EnsembleServer): void
  /** The same, but the server is asked to stop. */
  stopCleanly(server: EnsembleServer): void
  /** Brings it down, and it begins anew with nothing; false where that could lose something. */
  wipe(server: EnsembleServer): boolean
  /** Brings it down, and its disk decays; false where losing it could lose something. */
  damage(server: EnsembleServer): boolean
  /** Some wall clock jumps. */
  jumpClock(random: Prng): void
  remark(text: string): void
}

export class FaultMachine {
  readonly #world: FaultWorld
  readonly #random: Prng
  readonly #counts = new Map<FaultKind, number>()
  /** What ends each fault that is at work. */
  readonly #active = new Set<() => void>()
  #isCalm = false

  constructor(world: FaultWorld) {
    this.#world = world
    this.#random = world.random
    if (world.options.faultEveryMs > 0) this.#plan()
  }

  /** How often each kind came about. */
  get counts(): ReadonlyMap<FaultKind, number> {
    return this.#counts
  }

  get total(): number {
    let total = 0
    for (const count of this.#counts.values()) total += count
    return total
  }

  /** No more faults, and an end to those at work. */
  calm(): void {
    this.#isCalm = true
    for (const end of [...this.#active]) end()
  }

  #plan(): void {
    const { options, time } = this.#world
    const delayMs = this.#random.below(2 * options.faultEveryMs)
    time.after(delayMs * 1_000, 'fault', null, () => {
      if (this.#isCalm) return
      if (this.#active.size < options.faultsAtOnce) this.#strike(this.#draw())
      this.#plan()
    })
  }

  #draw(): FaultKind {
    const weights = this.#world.options.weightsOfFaults
    const total = FAULT_KINDS.reduce((sum, kind) => sum + weights[kind], 0)
    let left = this.#random.below(total)
    for (const kind of FAULT_KINDS) {
      if (left < weights[kind]) return kind
      left -= weights[kind]
    }
    return 'crash'
  }

  #strike(kind: FaultKind): void {
    if (!this.#bringAbout(kind)) return
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1)
    mark(`fault: ${kind}`)
  }

  /** False where there is no victim. */
  #bringAbout(kind: FaultKind): boolean {
    const world = this.#world
    const random = this.#random
    const up = world.servers.filter((one) => one.isUp && !one.isStopping)
    const leader = up.find((one) => one.isLeading && one.isServing) ?? null
    if (up.length === 0) return false
    const victim = kind.includes('leader') ? leader : random.pick(up)
    if (victim === null) return false
    switch (kind) {
      case 'crash':
      case 'crash leader':
        return this.#crash([victim])
      case 'crash several':
        return this.#crash(up.filter(() => random.chance(0.6)))
      case 'crash all':
        return this.#crash(up)
      case 'rolling restart':
        return this.#roll()
      case 'stop cleanly':
        world.remark(`${victim.name} is asked to stop`)
        world.stopCleanly(victim)
        return true
      case 'isolate one':
      case 'isolate leader':
        return this.#split([victim])
      case 'split':
        return this.#split(world.servers.filter(() => random.chance(0.5)))
      case 'ring':
        return this.#ring()
      case 'one way':
      case 'one way from leader':
        return this.#oneWay(victim)
      case 'pause':
      case 'pause leader':
        return this.#pause(victim)
      case 'reset link':
      case 'reset links of one':
        return this.#reset(kind === 'reset link' ? null : victim.name)
      case 'client link':
        return this.#clientLink()
      case 'wall clock':
        world.jumpClock(random)
        return true
      case 'slow disk': {
        const factor = random.pick([10, 100, 1_000])
        return this.#disk(victim, (disk) => ({ ...disk, syncUs: [1_000, 1_000 * factor] }))
      }
      case 'full disk':
        return this.#disk(victim, (disk) => ({ ...disk, capacityBytes: 0 }))
      case 'disk errors':
        return this.#disk(victim, (disk) => ({ ...disk, writeError: 0.05, syncError: 0.05 }))
      case 'wipe':
        return world.wipe(victim)
      case 'rot':
        return world.damage(victim)
    }
  }

  // Processes.

  #crash(victims: readonly EnsembleServer[]): boolean {
    for (const one of victims) {
      this.#world.remark(`${one.name} goes down`)
      this.#world.bringDown(one)
    }
    return victims.length > 0
  }

  /** One server after the other is stopped and started again. */
  #roll(): boolean {
    const { servers, time, options } = this.#world
    const order = [...servers]
    const isBackwards = this.#random.chance(0.5)
    let isOver = false
    const end = this.#began(() => {
      isOver = true
    })
    const next = (): void => {
      const server = isBackwards ? order.pop() : order.shift()
      if (server === undefined || isOver) {
        end()
        return
      }
      if (server.isUp && !server.isStopping) this.#world.stopCleanly(server)
      const delayMs = this.#random.below(2 * options.downMs)
      time.after(delayMs * 1_000, 'the next one is restarted', null, next)
    }
    next()
    return true
  }

  #pause(server: EnsembleServer): boolean {
    if (server.isPaused) return false
    server.setPaused(true)
    this.#for(`${server.name} stands still`, () => {
      // It may have crashed meanwhile, and be another process.
      if (server.isPaused) server.setPaused(false)
    })
    return true
  }

  // The network.

  #split(side: readonly EnsembleServer[]): boolean {
    const inside = new Set(side)
    const cuts: [string, string][] = []
    for (const a of this.#world.servers) {
      for (const b of this.#world.servers) {
        if (inside.has(a) !== inside.has(b)) cuts.push([a.name, b.name])
      }
    }
    return this.#cut(cuts, `${side.map((one) => one.name).join(', ')} apart`)
  }

  /** Everyone reaches only the neighbours. */
  #ring(): boolean {
    const { servers } = this.#world
    const cuts: [string, string][] = []
    servers.forEach((a, i) => {
      servers.forEach((b, j) => {
        const distance = Math.abs(i - j)
        if (a !== b && distance !== 1 && distance !== servers.length - 1) {
          cuts.push([a.name, b.name])
        }
      })
    })
    return this.#cut(cuts, 'a ring')
  }

  /** Nothing from the victim gets to some others, or nothing of theirs to it. */
  #oneWay(victim: EnsembleServer): boolean {
    const random = this.#random
    const isOut = random.chance(0.5)
    const others = this.#world.servers.filter((one) => one !== victim && random.chance(0.7))
    const cuts = others.map((other): [string, string] =>
      isOut ? [victim.name, other.name] : [other.name, victim.name],
    )
    return this.#cut(cuts, `one way ${isOut ? 'from' : 'to'} ${victim.name}`)
  }

  #cut(cuts: readonly [string, string][], what: string): boolean {
    const { peers } = this.#world
    const fresh = cuts.filter(([from, to]) => !peers.isBlocked(from, to))
    if (fresh.length === 0) return false
    for (const [from, to] of fresh) peers.block(from, to)
    this.#for(`cut: ${what}`, () => {
      for (const [from, to] of fresh) peers.unblock(from, to)
    })
    return true
  }

  #reset(machine: string | null): boolean {
    const { peers } = this.#world
    const links = peers.links.filter(
      ({ ends }) => machine === null || ends.some((end) => end.machine === machine),
    )
    if (links.length === 0) return false
    for (const link of machine === null ? [this.#random.pick(links)] : links) peers.reset(link)
    return true
  }

  #clientLink(): boolean {
    const { network } = this.#world
    const { connections } = network
    if (connections.length === 0) return false
    const connection = this.#random.pick(connections)
    const faults: LinkFault[] = ['reset', 'reset', 'reset-client', 'reset-server', 'swallow-up']
    return network.fault(connection, this.#random.pick(faults))
  }

  // Disks.

  #disk(server: EnsembleServer, worse: (conditions: DiskConditions) => DiskConditions): boolean {
    const { disk } = this.#world.options
    server.disk.setConditions(worse(disk))
    this.#for(`the disk of ${server.name} is bad`, () =>
      server.disk.setConditions(this.#isCalm ? CALM_DISK : disk),
    )
    return true
  }

  // Duration.

  #for(what: string, end: () => void): void {
    const { options, time, remark } = this.#world
    remark(what)
    const ended = this.#began(() => {
      remark(`over: ${what}`)
      end()
    })
    const delayMs = 1 + this.#random.below(options.faultMs)
    time.after(delayMs * 1_000, 'fault ends', null, ended)
  }

  /** Returns what ends the fault, once. */
  #began(end: () => void): () => void {
    const once = (): void => {
      if (this.#active.delete(once)) end()
    }
    this.#active.add(once)
    return once
  }
}
