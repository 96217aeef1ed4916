// One run: a seed in, a verdict out. First anything may fail and nothing may be wrong (safety);
// then all faults end (heal); then everyone must get on again within a bounded time (liveness), and
// what is left is compared once more with the model and with what the disk alone would bring back.

import { InvariantError, must } from '../base/assert.ts'
import { collectMarks } from '../base/marks.ts'
import { Prng } from '../base/prng.ts'
import type { Breakage } from './breakage.ts'
import { History } from './checkers/history.ts'
import { SessionChecker } from './checkers/session-checker.ts'
import type { ServiceRules } from './checkers/txn-judge.ts'
import { Violation } from './checkers/violation.ts'
import { WireChecker } from './checkers/wire-checker.ts'
import { fakeHasher } from './fake-crypto.ts'
import { CALM_DISK, type CrashKind, FakeDisk } from './fake-disk.ts'
import { CALM_NETWORK, FakeNetwork, type LinkFault } from './fake-network.ts'
import { type SimOptions, drawOptions } from './sim-options.ts'
import { SimPopulation } from './sim-population.ts'
import { SERVER_HOST, SERVER_PORT, SimServer } from './sim-server.ts'
import { Trace, type TraceListener } from './trace.ts'
import { MachineClock, VirtualClock } from './virtual-clock.ts'
import { ONE_SERVER } from './workload.ts'

export type Verdict = 'ok' | 'crash' | 'wrong' | 'stuck'

export interface SimResult {
  readonly verdict: Verdict
  /** What is wrong; empty where nothing is. */
  readonly message: string
  readonly traceHash: string
  readonly steps: number
  readonly simulatedMs: number
  readonly counts: SimCounts
  /** How often each rare branch was reached. */
  readonly marks: ReadonlyMap<string, number>
}

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

export function simulate(seed: number, steps: number, switches: SimSwitches = {}): SimResult {
  const options = { ...drawOptions(seed, steps), ...switches.options }
  let result: Omit<SimResult, 'marks'> | null = null
  const marks = collectMarks(() => {
    result = new Simulation({ ...options, ...switches.breakage?.options }, switches).run()
  })
  return { ...must(result as Omit<SimResult, 'marks'> | null, 'a run has a result'), marks }
}

/** No progress for so long, with nothing wrong in the world, is a find of its own. */
class Stuck extends Error {
  override readonly name: string = 'Stuck'
}

const LIVENESS_MS = 120_000
/** What is still on its way arrives within this time. */
const SETTLE_MS = 3_000

class Simulation {
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
  #steps = 0
  #phase: 'safety' | 'heal' | 'liveness' = 'safety'

  constructor(options: SimOptions, switches: SimSwitches) {
    this.#options = options
    this.#breakage = switches.breakage ?? null
    const root = new Prng(options.seed)
    this.#random = root.fork('simulation')
    this.#trace = new Trace(switches.trace ?? null)
    this.#time = new VirtualClock(this.#trace)
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

  run(): Omit<SimResult, 'marks'> {
    try {
      this.#startServer()
      this.#safety()
      this.#heal()
      this.#liveness()
      return this.#result('ok', '')
    } catch (error) {
      if (error instanceof Violation) return this.#result('wrong', error.message)
      if (error instanceof Stuck) return this.#result('stuck', error.message)
      if (error instanceof InvariantError) return this.#result('crash', describeError(error))
      if (error instanceof Error) return this.#result('crash', describeError(error))
      throw error
    }
  }

  // Phases.

  #safety(): void {
    const { crashEvery, linkFaultEvery, wallJumpEvery, steps } = this.#options
    const random = this.#random
    const after = (mean: number): number =>
      mean === 0 ? Number.POSITIVE_INFINITY : this.#steps + 1 + random.below(2 * mean)
    // The first moments of a new directory are a time of their own.
    let crashAt = crashEvery > 0 && random.chance(0.3) ? random.below(80) : after(crashEvery)
    let linkFaultAt = after(linkFaultEvery)
    let wallJumpAt = after(wallJumpEvery)
    while (this.#steps < steps && this.#step()) {
      if (this.#steps >= crashAt) {
        crashAt = after(crashEvery)
        this.#bringDown()
      }
      if (this.#steps >= linkFaultAt) {
        linkFaultAt = after(linkFaultEvery)
        this.#faultLink()
      }
      if (this.#steps >= wallJumpAt) {
        wallJumpAt = after(wallJumpEvery)
        this.#jumpWallClock()
      }
    }
  }

  #heal(): void {
    this.#phase = 'heal'
    this.#trace.remark(this.#time.nowUs, () => '--- heal')
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
    this.#phase = 'liveness'
    const { members } = this.#population
    this.#runUntil('everyone gets an answer', () => members.every((one) => one.probes > 0))
    this.#runUntil('everyone is quiet', () => members.every((one) => one.isQuiet))
    this.#runUntil('silent sessions end', () => this.#sessions.overdue().length === 0)
    this.#runFor(SETTLE_MS)
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
    const limitUs = this.#time.nowUs + LIVENESS_MS * 1_000
    while (!isReached()) {
      if (this.#time.nowUs < limitUs && this.#step()) continue
      const members = this.#population.members.map((one) => one.describe()).join('\n  ')
      throw new Stuck(
        `not within ${LIVENESS_MS / 1_000} s: ${what}\n  server ${this.#server.describe()}\n  ${members}`,
      )
    }
  }

  #runFor(durationMs: number): void {
    const endUs = this.#time.nowUs + durationMs * 1_000
    while (this.#time.nowUs < endUs && this.#step());
  }

  #step(): boolean {
    this.#steps++
    return this.#time.step()
  }

  // Accidents.

  #bringDown(): void {
    const random = this.#random
    if (!this.#server.isUp) return
    if (random.chance(this.#options.cleanStop) && !this.#server.isStopping) {
      this.#remark('clean stop')
      this.#server.stop(() => this.#crash('process'))
      return
    }
    this.#crash(random.chance(this.#options.powerLoss) ? 'power' : 'process')
  }

  #crash(kind: CrashKind): void {
    this.#remark(`crash: ${kind}`)
    this.#server.crash(kind)
    this.#breakage?.whileDown?.(this.#disk)
    const downMs = this.#phase === 'safety' ? this.#options.downMs : 100
    this.#time.after(this.#random.below(downMs * 1_000), 'server starts', null, () =>
      this.#startServer(),
    )
  }

  #startServer(): void {
    const random = this.#random
    if (this.#phase === 'safety' && random.chance(this.#options.crashAtStart)) {
      this.#disk.crashAfterCalls(random.below(6))
    }
    const isUp = this.#server.start()
    this.#disk.crashAfterCalls(Number.POSITIVE_INFINITY)
    this.#remark(isUp ? `server up, ${this.#server.describe()}` : 'server did not come up')
    if (!isUp) this.#crash(random.chance(this.#options.powerLoss) ? 'power' : 'process')
  }

  /** The server ends itself after a disk error; someone starts it again. */
  #onEnded(reason: string): void {
    this.#remark(`server ends: ${reason}`)
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

  #remark(text: string): void {
    this.#trace.event(this.#time.nowUs, text)
  }

  #result(verdict: Verdict, message: string): Omit<SimResult, 'marks'> {
    return {
      verdict,
      message: message === '' ? '' : `${message}\n(${this.#phase}, step ${this.#steps})`,
      traceHash: this.#trace.hash,
      steps: this.#steps,
      simulatedMs: Math.floor(this.#time.nowUs / 1_000),
      counts: {
        transactions: this.#history.count,
        answers: this.#wire.answers,
        events: this.#wire.events,
        watchesFired: this.#population.watchesFired,
        sessionsExpired: this.#sessions.expired,
        starts: this.#server.starts,
        diskFaults: this.#disk.faults,
      },
    }
  }
}

const describeError = (error: Error): string => error.stack ?? `${error.name}: ${error.message}`

/** One line that says how far a run came. */
export const describeResult = (result: SimResult): string =>
  `${result.verdict} ${result.traceHash} after ${result.steps} steps, ` +
  `${(result.simulatedMs / 1_000).toFixed(1)} simulated seconds: ` +
  Object.entries(result.counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
