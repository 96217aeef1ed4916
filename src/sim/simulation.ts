// One run: a seed in, a verdict out. First anything may fail and nothing may be wrong (safety);
// then all faults end (heal); then everyone must get on again within a bounded time (liveness), and
// what is left is compared once more with the model and with what the disk alone would bring back.

import { Prng } from '../base/prng.ts'
import type { Breakage } from './breakage.ts'
import { History } from './checkers/history.ts'
import { SessionChecker } from './checkers/session-checker.ts'
import type { ServiceRules } from './checkers/txn-judge.ts'
import { WireChecker } from './checkers/wire-checker.ts'
import { fakeHasher } from './fake-crypto.ts'
import { CALM_DISK, type CrashKind, FakeDisk } from './fake-disk.ts'
import { CALM_NETWORK, FakeNetwork, type LinkFault } from './fake-network.ts'
import { type Play, RunCourse, type RunResult, Stuck, runToTheEnd } from './run.ts'
import { type SimOptions, drawOptions } from './sim-options.ts'
import { SimPopulation } from './sim-population.ts'
import { SERVER_HOST, SERVER_PORT, SimServer } from './sim-server.ts'
import { Trace, type TraceListener } from './trace.ts'
import { MachineClock, VirtualClock } from './virtual-clock.ts'
import { ONE_SERVER } from './workload.ts'

/** What happened in a run; one in which nothing did is no evidence. */
export interface SimCounts {
  readonly transactions: number
  readonly answers: number
  readonly events: number
  readonly watchesFired: number
  readonly sessionsExpired: number
  readonly starts: number
  readonly diskFaults: number
}

export interface SimSwitches {
  readonly breakage?: Breakage
  readonly trace?: TraceListener
  /** Overrides of what the seed would draw. */
  readonly options?: Partial<SimOptions>
}

export function simulate(
  seed: number,
  steps: number,
  switches: SimSwitches = {},
): RunResult<SimCounts> {
  const options = { ...drawOptions(seed, steps), ...switches.options }
  return runToTheEnd(() => new Simulation({ ...options, ...switches.breakage?.options }, switches))
}

const LIVENESS_MS = 120_000
/** What is still on its way arrives within this time. */
const SETTLE_MS = 3_000

class Simulation implements Play<SimCounts> {
  readonly course: RunCourse
  readonly #options: SimOptions
  readonly #random: Prng
  readonly #trace: Trace
  readonly #time: VirtualClock
  readonly #network: FakeNetwork
  readonly #disk: FakeDisk
  readonly #clock: MachineClock
  readonly #history: History
  readonly #sessions: SessionChecker
  readonly #wire: WireChecker
  readonly #server: SimServer
  readonly #population: SimPopulation
  readonly #breakage: Breakage | null

  constructor(options: SimOptions, switches: SimSwitches) {
    this.#options = options
    this.#breakage = switches.breakage ?? null
    const root = new Prng(options.seed)
    this.#random = root.fork('simulation')
    this.#trace = new Trace(switches.trace ?? null)
    this.#time = new VirtualClock(this.#trace)
    this.course = new RunCourse(this.#time, this.#trace)
    const lies = this.#breakage?.diskLies ?? {}
    this.#disk = new FakeDisk(this.#time, root.fork('disk'), options.disk, lies)
    this.#network = new FakeNetwork(this.#time, root.fork('network'), options.network)
    this.#clock = new MachineClock(
      this.#time,
      this.#random.below(1_000_000),
      1_800_000_000_000,
      this.#breakage?.clockSpeed,
    )
    const { frameBytesMax } = options
    const rules: ServiceRules = { ...options.settings, frameBytesMax }
    this.#history = new History(rules)
    const nowMs = (): number => this.#time.nowUs / 1_000
    const timing = { tickMs: options.settings.tickMs, lateMs: 100 }
    this.#sessions = new SessionChecker(this.#history, timing, nowMs, (session) =>
      this.#population.safeUntilMs(session),
    )
    this.#wire = new WireChecker(this.#history, this.#sessions, rules, fakeHasher)
    this.#server = new SimServer({
      options,
      time: this.#time,
      clock: this.#clock,
      random: root.fork('server'),
      network: this.#network,
      disk: this.#disk,
      history: this.#history,
      wire: this.#wire,
      sessions: this.#sessions,
      breakage: this.#breakage,
      onEnded: (reason) => this.#onEnded(reason),
    })
    this.#population = new SimPopulation({
      options,
      time: this.#time,
      random: root.fork('clients'),
      network: this.#network,
      hosts: [{ host: SERVER_HOST, port: SERVER_PORT }],
      traits: ONE_SERVER,
      witness: null,
    })
  }

  play(): void {
    this.#startServer()
    this.#safety()
    this.#heal()
    this.#liveness()
  }

  // Phases.

  #safety(): void {
    const { crashEvery, linkFaultEvery, wallJumpEvery, steps } = this.#options
    const random = this.#random
    const after = (mean: number): number =>
      mean === 0 ? Number.POSITIVE_INFINITY : this.course.steps + 1 + random.below(2 * mean)
    // The first moments of a new directory are a time of their own.
    let crashAt = crashEvery > 0 && random.chance(0.3) ? random.below(80) : after(crashEvery)
    let linkFaultAt = after(linkFaultEvery)
    let wallJumpAt = after(wallJumpEvery)
    while (this.course.steps < steps && this.course.step()) {
      if (this.course.steps >= crashAt) {
        crashAt = after(crashEvery)
        this.#bringDown()
      }
      if (this.course.steps >= linkFaultAt) {
        linkFaultAt = after(linkFaultEvery)
        this.#faultLink()
      }
      if (this.course.steps >= wallJumpAt) {
        wallJumpAt = after(wallJumpEvery)
        this.#jumpWallClock()
      }
    }
  }

  #heal(): void {
    this.course.beginHeal()
    this.#disk.setConditions(CALM_DISK)
    this.#network.setConditions(CALM_NETWORK)
    this.#network.endHalfOpen()
    for (const connection of this.#network.connections) {
      this.#network.setClientReading(connection, true)
      if (this.#random.chance(0.3)) this.#network.fault(connection, 'reset')
    }
    this.#population.calmDown()
  }

  #liveness(): void {
    this.course.phase = 'liveness'
    const { members } = this.#population
    this.#runUntil('everyone gets an answer', () => members.every((one) => one.probes > 0))
    this.#runUntil('everyone is quiet', () => members.every((one) => one.isQuiet))
    this.#runUntil('silent sessions end', () => this.#sessions.overdue().length === 0)
    this.course.for(SETTLE_MS)
    this.#runUntil('everyone is quiet again', () => members.every((one) => one.isQuiet))
    if (this.#wire.unanswered > 0) throw new Stuck(`${this.#wire.unanswered} requests are open`)
    this.#server.checkTree()
    for (const { checker } of members) checker.checkQuiet(this.#history.stateAt(this.#history.last))
    this.#comeBack()
  }

  /** What the disk alone brings back is what the clients have seen. */
  #comeBack(): void {
    for (const kind of ['power', 'process'] as const) {
      this.#server.crash(kind)
      if (!this.#server.start()) throw new Stuck('the server does not start on a healthy disk')
      this.#server.checkTree()
    }
  }

  #runUntil(what: string, isReached: () => boolean): void {
    this.course.until(what, LIVENESS_MS, isReached, () => [
      `server ${this.#server.describe()}`,
      ...this.#population.members.map((one) => one.describe()),
    ])
  }

  // Accidents.

  #bringDown(): void {
    const random = this.#random
    if (!this.#server.isUp) return
    if (random.chance(this.#options.cleanStop) && !this.#server.isStopping) {
      this.course.remark('clean stop')
      this.#server.stop(() => this.#crash('process'))
      return
    }
    this.#crash(random.chance(this.#options.powerLoss) ? 'power' : 'process')
  }

  #crash(kind: CrashKind): void {
    this.course.remark(`crash: ${kind}`)
    this.#server.crash(kind)
    this.#breakage?.whileDown?.(this.#disk)
    const downMs = this.course.phase === 'safety' ? this.#options.downMs : 100
    this.#time.after(this.#random.below(downMs * 1_000), 'server starts', null, () =>
      this.#startServer(),
    )
  }

  #startServer(): void {
    const random = this.#random
    if (this.course.phase === 'safety' && random.chance(this.#options.crashAtStart)) {
      this.#disk.crashAfterCalls(random.below(6))
    }
    const isUp = this.#server.start()
    this.#disk.crashAfterCalls(Number.POSITIVE_INFINITY)
    this.course.remark(isUp ? `server up, ${this.#server.describe()}` : 'server did not come up')
    if (!isUp) this.#crash(random.chance(this.#options.powerLoss) ? 'power' : 'process')
  }

  /** The server ends itself after a disk error; someone starts it again. */
  #onEnded(reason: string): void {
    this.course.remark(`server ends: ${reason}`)
    this.#time.after(0, 'server ends', null, () => {
      if (this.#server.isUp) this.#crash('process')
    })
  }

  #faultLink(): void {
    const random = this.#random
    const { connections } = this.#network
    if (connections.length === 0) return
    const connection = random.pick(connections)
    if (random.chance(0.3)) {
      this.#network.setClientReading(connection, false)
      this.#time.after(random.below(5_000_000), 'reads again', null, () =>
        this.#network.setClientReading(connection, true),
      )
      return
    }
    const faults: LinkFault[] = [
      'reset',
      'reset',
      'reset-client',
      'reset-server',
      'swallow-up',
      'swallow-down',
    ]
    this.#network.fault(connection, random.pick(faults))
  }

  #jumpWallClock(): void {
    const random = this.#random
    if (random.chance(0.5)) this.#population.jumpClock(random)
    else this.#clock.jumpWall(random.between(-3_600_000, 3_600_000))
  }

  counts(): SimCounts {
    return {
      transactions: this.#history.count,
      answers: this.#wire.answers,
      events: this.#wire.events,
      watchesFired: this.#population.watchesFired,
      sessionsExpired: this.#sessions.expired,
      starts: this.#server.starts,
      diskFaults: this.#disk.faults,
    }
  }

  faults(): readonly string[] {
    return []
  }
}
