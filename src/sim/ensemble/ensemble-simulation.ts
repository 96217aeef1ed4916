// One run of an ensemble: a seed in, a verdict out. First anything may fail and nothing may be wrong
// (safety); then all faults end (heal); then an election must end, everyone must get on again, and
// all servers must come to the same state (liveness), once more after all of them lost their power.

import { InvariantError, must } from '../../base/assert.ts'
import { collectMarks, mark } from '../../base/marks.ts'
import { Prng } from '../../base/prng.ts'
import { ZXID_ZERO } from '../../base/zxid.ts'
import type { Membership } from '../../core/quorum/membership.ts'
import { type MemberLine, buildMembership } from '../../core/quorum/membership-text.ts'
import type { ServiceRules } from '../checkers/txn-judge.ts'
import { Violation } from '../checkers/violation.ts'
import { WireChecker } from '../checkers/wire-checker.ts'
import { fakeHasher } from '../fake-crypto.ts'
import { CALM_DISK, FakeDisk } from '../fake-disk.ts'
import { CALM_NETWORK, FakeNetwork } from '../fake-network.ts'
import { decay } from '../rot.ts'
import { SimPopulation } from '../sim-population.ts'
import { Trace, type TraceListener } from '../trace.ts'
import { MachineClock, VirtualClock } from '../virtual-clock.ts'
import { ExpiryChecker } from './checkers/expiry-checker.ts'
import { Ledger } from './checkers/ledger.ts'
import { LocalSessions } from './checkers/local-sessions.ts'
import { MembershipChecker } from './checkers/membership-checker.ts'
import { PacketWatcher } from './checkers/packet-watcher.ts'
import { RegisterRecorder } from './checkers/register-recorder.ts'
import type { ServerDisk } from './checkers/server-disk.ts'
import { type EnsembleOptions, drawEnsemble } from './ensemble-options.ts'
import { CLIENT_PORT, EnsembleServer, machineName } from './ensemble-server.ts'
import { CALM_PEERS, FakePeerNetwork } from './fake-peer-network.ts'
import { FaultMachine } from './fault-machine.ts'
import { Operator } from './operator.ts'

export type EnsembleVerdict = 'ok' | 'crash' | 'wrong' | 'stuck'

export interface EnsembleResult {
  readonly verdict: EnsembleVerdict
  /** What is wrong; empty where nothing is. */
  readonly message: string
  readonly traceHash: string
  readonly steps: number
  readonly simulatedMs: number
  readonly counts: Readonly<Record<string, number>>
  /** The faults that came about, as `kind times`. */
  readonly faults: readonly string[]
  /** How often each rare branch was reached. */
  readonly marks: ReadonlyMap<string, number>
}

export interface EnsembleSwitches {
  readonly trace?: TraceListener
  /** Overrides of what the seed would draw. */
  readonly options?: Partial<EnsembleOptions>
}

export function simulateEnsemble(
  seed: number,
  steps: number,
  switches: EnsembleSwitches = {},
): EnsembleResult {
  const options = settled({ ...drawEnsemble(seed, steps), ...switches.options })
  let result: Omit<EnsembleResult, 'marks'> | null = null
  const marks = collectMarks(() => {
    result = new EnsembleSimulation(options, switches).run()
  })
  return { ...must(result as Omit<EnsembleResult, 'marks'> | null, 'a run has a result'), marks }
}

/** What is an option of its own here, and one of the settings there. */
function settled(options: EnsembleOptions): EnsembleOptions {
  const { localSessions } = options
  const settings = {
    ...options.settings,
    localSessions: localSessions !== 'none',
    localSessionsUpgrading: localSessions === 'upgrading',
  }
  return { ...options, settings }
}

/** No progress for so long, with nothing wrong in the world, is a find of its own. */
class Stuck extends Error {
  override readonly name: string = 'Stuck'
}

/** At most so long, in ticks and besides, until everything works again. */
const LIVENESS_TICKS = 150
const LIVENESS_MS = 180_000
/** What is still on its way arrives within this time. */
const SETTLE_MS = 3_000
/** Servers' wall clocks begin so far apart, at most. */
const WALL_SKEW_MS = 60_000

class EnsembleSimulation {
  readonly #options: EnsembleOptions
  readonly #random: Prng
  readonly #trace: Trace
  readonly #time: VirtualClock
  readonly #network: FakeNetwork
  readonly #peers: FakePeerNetwork
  readonly #membership: Membership
  readonly #ledger: Ledger
  readonly #expiry: ExpiryChecker
  readonly #packets: PacketWatcher
  readonly #memberships: MembershipChecker
  readonly #registers: RegisterRecorder
  readonly #servers: EnsembleServer[] = []
  readonly #clocks: MachineClock[] = []
  readonly #wires: WireChecker[] = []
  readonly #population: SimPopulation
  readonly #faults: FaultMachine
  #operator: Operator | null = null
  #isCalm = false
  #wipes = 0
  #steps = 0
  #phase: 'safety' | 'heal' | 'liveness' = 'safety'

  constructor(options: EnsembleOptions, switches: EnsembleSwitches) {
    this.#options = options
    const root = new Prng(options.seed)
    this.#random = root.fork('ensemble')
    this.#trace = new Trace(switches.trace ?? null)
    this.#time = new VirtualClock(this.#trace)
    this.#network = new FakeNetwork(this.#time, root.fork('network'), options.network)
    this.#peers = new FakePeerNetwork(this.#time, root.fork('peers'), options.peers)
    this.#membership = membershipFor(options)
    const { frameBytesMax } = options
    const rules: ServiceRules = { ...options.settings, frameBytesMax }
    const nowMs = (): number => this.#time.nowUs / 1_000
    this.#ledger = new Ledger(rules, this.#membership, (zxid, members) =>
      this.#isQuorumOf(members, (disk) => disk.holds(zxid)),
    )
    this.#expiry = new ExpiryChecker(nowMs, (session) =>
      this.#servers.some((server) => server.isClosing(session)),
    )
    this.#memberships = new MembershipChecker({
      decided: () => this.#ledger.membership,
      servedEpoch: () => this.#ledger.servedEpoch,
      disk: (id) => this.#server(id).seen,
      isQuorumOf: (members, holds) => this.#isQuorumOf(members, holds),
    })
    this.#packets = new PacketWatcher(
      {
        disk: (id) => this.#server(id).seen,
        lastZxid: (id) => this.#server(id).lastZxid,
        isQuorum: (holds) => this.#isQuorum(holds),
      },
      this.#ledger,
      this.#expiry,
      this.#memberships,
    )
    this.#peers.tap = this.#packets
    this.#registers = new RegisterRecorder(() => this.#ledger.servedEpoch)
    for (const line of rosterOf(options)) this.#addServer(line, root, rules)
    const hosts = this.#servers.map(({ name }) => ({ host: name, port: CLIENT_PORT }))
    this.#population = new SimPopulation({
      options: { clients: options.clients, strangers: 0, settings: options.settings },
      time: this.#time,
      random: root.fork('clients'),
      network: this.#network,
      hosts,
      traits: { readsConfig: false, registers: 3, sessionMs: 0 },
      witness: this.#registers,
    })
    if (options.reconfigures) {
      this.#operator = new Operator({
        time: this.#time,
        random: root.fork('operator'),
        network: this.#network,
        hosts,
        members: rosterOf(options),
        current: () => this.#ledger.membership,
        tickMs: options.settings.tickMs,
        onSession: (session) => this.#ledger.isOperators(session),
        remark: (text) => this.#remark(text),
      })
    }
    this.#faults = new FaultMachine({
      options,
      time: this.#time,
      random: root.fork('faults'),
      peers: this.#peers,
      network: this.#network,
      servers: this.#servers,
      bringDown: (server) => this.#bringDown(server),
      stopCleanly: (server) => server.stop(() => this.#bringDown(server)),
      wipe: (server) => this.#wipe(server),
      damage: (server) => this.#damage(server),
      jumpClock: (random) => this.#jumpClock(random),
      remark: (text) => this.#remark(text),
    })
  }

  run(): Omit<EnsembleResult, 'marks'> {
    try {
      for (const server of this.#servers) {
        this.#later(this.#random.below(2 * this.#options.settings.tickMs), server)
      }
      while (this.#steps < this.#options.steps && this.#step());
      this.#heal()
      this.#liveness()
      return this.#result('ok', '')
    } catch (error) {
      if (error instanceof Violation) return this.#result('wrong', error.message)
      if (error instanceof Stuck) return this.#result('stuck', error.message)
      if (error instanceof InvariantError || error instanceof Error) {
        return this.#result('crash', error.stack ?? `${error.name}: ${error.message}`)
      }
      throw error
    }
  }

  #addServer(line: MemberLine, root: Prng, rules: ServiceRules): void {
    const serverId = line.id
    const random = root.fork(`server ${serverId}`)
    const wallMs = 1_800_000_000_000 + random.between(-WALL_SKEW_MS, WALL_SKEW_MS)
    const clock = new MachineClock(this.#time, random.below(1_000_000), wallMs)
    const ledger = this.#ledger
    const witness = this.#expiry.witness(serverId)
    const locals = rules.localSessions
      ? new LocalSessions(
          machineName(serverId),
          () => this.#time.nowUs / 1_000,
          (session) => ledger.beginningOf(session) !== undefined,
        )
      : null
    const wire = new WireChecker(ledger, witness, rules, fakeHasher, locals)
    let disks = 0
    this.#clocks.push(clock)
    this.#wires.push(wire)
    this.#servers.push(
      new EnsembleServer({
        serverId,
        line,
        options: this.#options,
        membership: this.#membership,
        time: this.#time,
        clock,
        random,
        network: this.#network,
        peers: this.#peers,
        wire,
        locals,
        ledger,
        expiry: this.#expiry,
        memberships: this.#memberships,
        makeDisk: () =>
          new FakeDisk(
            this.#time,
            random.fork(`disk ${disks++}`),
            this.#isCalm ? CALM_DISK : this.#options.disk,
          ),
        onEnded: (server, reason) => this.#onEnded(server, reason),
        onEntered: (server, epoch) => this.#packets.entered(server.seen, epoch),
        remark: (text) => this.#trace.remark(this.#time.nowUs, () => text),
      }),
    )
  }

  // Phases.

  #heal(): void {
    this.#phase = 'heal'
    this.#isCalm = true
    this.#trace.remark(this.#time.nowUs, () => '--- heal')
    this.#faults.calm()
    this.#operator?.stop()
    for (const { disk } of this.#servers) disk.setConditions(CALM_DISK)
    this.#network.setConditions(CALM_NETWORK)
    this.#peers.setConditions(CALM_PEERS)
    this.#peers.unblockAll()
    this.#peers.endHalfOpen()
    this.#network.endHalfOpen()
    for (const server of this.#servers) if (server.isPaused) server.setPaused(false)
    for (const connection of this.#network.connections) {
      this.#network.setClientReading(connection, true)
      if (this.#random.chance(0.3)) this.#network.fault(connection, 'reset')
    }
    this.#population.calmDown()
  }

  #liveness(): void {
    this.#phase = 'liveness'
    const { members } = this.#population
    this.#runUntil('a leader, and everybody with it', () => this.#isWhole)
    this.#runUntil('everyone gets an answer', () => members.every((one) => one.probes > 0))
    this.#runUntil('everyone is quiet', () => members.every((one) => one.isQuiet))
    this.#runUntil('silent sessions end', () => this.#silentSessions().length === 0)
    this.#runFor(SETTLE_MS)
    this.#runUntil('everyone is quiet again', () => members.every((one) => one.isQuiet))
    this.#runUntil('all have the same', () => this.#isEqual)
    const open = this.#wires.reduce((sum, wire) => sum + wire.unanswered, 0)
    if (open > 0) throw new Stuck(`${open} requests are open`)
    this.#checkServers()
    const state = this.#ledger.stateAt(this.#ledger.last)
    for (const { checker } of members) checker.checkQuiet(state)
    this.#registers.judge()
    this.#comeBack()
  }

  /** What the disks alone bring back is what the clients have seen. */
  #comeBack(): void {
    const before = this.#ledger.last
    for (const server of this.#servers) server.crash(this.#random.pick(['power', 'process']))
    for (const server of this.#servers) {
      if (server.start() !== 'up') throw new Stuck(`${server.name} does not start`)
    }
    this.#runUntil('a leader again', () => this.#isWhole && this.#isEqual)
    if (this.#ledger.last < before)
      throw new Violation('NoLostCommit', 'history has an earlier end')
    this.#checkServers()
  }

  #checkServers(): void {
    for (const server of this.#members) {
      server.checkTree()
      this.#memberships.requireSame(server.id, server.members)
    }
  }

  get #isWhole(): boolean {
    return (
      this.#members.every((one) => one.isUp && one.isServing) &&
      this.#members.filter((one) => one.isLeading).length === 1
    )
  }

  get #isEqual(): boolean {
    const { durable } = this.#ledger
    return this.#members.every((one) => one.isServing && this.#ledger.isSame(one.lastZxid, durable))
  }

  /** Sessions whose clients are gone. */
  #silentSessions(): readonly bigint[] {
    const owned = new Set<bigint>(
      this.#population.members.map((one) => one.client?.machine.sessionId ?? 0n),
    )
    const { sessions } = this.#ledger.stateAt(this.#ledger.last)
    return [...sessions.keys()].filter((session) => !owned.has(session))
  }

  #runUntil(what: string, isReached: () => boolean): void {
    const limitMs = LIVENESS_MS + LIVENESS_TICKS * this.#options.settings.tickMs
    const limitUs = this.#time.nowUs + limitMs * 1_000
    while (!isReached()) {
      if (this.#time.nowUs < limitUs && this.#step()) continue
      const servers = this.#servers.map((one) => one.describe())
      const members = this.#population.members.map((one) => one.describe())
      const lines = [...servers, ...members].join('\n  ')
      throw new Stuck(`not within ${limitMs / 1_000} s: ${what}\n  ${lines}`)
    }
  }

  #runFor(durationMs: number): void {
    const endUs = this.#time.nowUs + durationMs * 1_000
    while (this.#time.nowUs < endUs && this.#step());
  }

  #step(): boolean {
    this.#steps++
    const hasStepped = this.#time.step()
    for (const { seen } of this.#servers) seen.follow()
    return hasStepped
  }

  // Servers that come and go.

  #later(delayMs: number, server: EnsembleServer): void {
    this.#time.after(delayMs * 1_000, `${server.name} starts`, null, () => this.#start(server))
  }

  #start(server: EnsembleServer): void {
    if (server.isUp) return
    const random = this.#random
    if (!this.#isCalm && random.chance(this.#options.crashAtStart)) {
      server.disk.crashAfterCalls(random.below(6))
    }
    const outcome = server.start()
    server.disk.crashAfterCalls(Number.POSITIVE_INFINITY)
    this.#remark(`${server.name}: ${outcome}`)
    if (outcome === 'up') return
    if (outcome === 'refused') {
      // Its operator does what the message says: an empty directory, and the others' help.
      server.crash('process')
      this.#replace(server)
      this.#later(this.#downMs(), server)
    } else {
      this.#bringDown(server)
    }
  }

  #bringDown(server: EnsembleServer): void {
    const random = this.#random
    const kind = random.chance(this.#options.powerLoss) ? 'power' : 'process'
    server.crash(kind)
    this.#later(this.#downMs(), server)
  }

  #downMs(): number {
    return this.#random.below(this.#isCalm ? 100 : this.#options.downMs)
  }

  /** The server ends itself after a disk error; someone starts it again. */
  #onEnded(server: EnsembleServer, reason: string): void {
    this.#remark(`${server.name} ends: ${reason}`)
    this.#time.after(0, 'server ends', null, () => {
      if (server.isUp) this.#bringDown(server)
    })
  }

  #wipe(server: EnsembleServer): boolean {
    if (!this.#canLose(server)) return false
    this.#bringDown(server)
    // What became durable in the very moment of the crash counts as well.
    if (!this.#canLose(server)) return false
    this.#replace(server)
    return true
  }

  #replace(server: EnsembleServer): void {
    this.#wipes++
    this.#remark(`${server.name} begins with an empty directory`)
    server.wipe(this.#ledger.membership)
    this.#packets.wiped(server.id)
  }

  #damage(server: EnsembleServer): boolean {
    if (!this.#canLose(server)) return false
    this.#bringDown(server)
    if (!this.#canLose(server)) return false
    const damage = decay(server.disk, this.#random)
    if (damage === null) return false
    server.setDamaged()
    this.#remark(damage.text)
    return true
  }

  /**
   * Whether the ensemble can do without everything that a server has: all the other voters have
   * what is committed and know every epoch that it has promised, and nothing is under way that
   * counts on it. Where members change, anybody may have had a vote and have one again: all must
   * have that, and know who votes now.
   */
  #canLose(server: EnsembleServer): boolean {
    const { reconfigures } = this.#options
    if (!reconfigures && !this.#isVoter(server)) return true
    // Who is a quorum alone needs nobody's word that there ever was more.
    const alone = new Set([server.id])
    if (this.#ledger.memberships.some(({ voters }) => voters.containsQuorum(alone))) return false
    const { seen } = server
    seen.follow()
    const { last: committed, membership } = this.#ledger
    if (committed === ZXID_ZERO || seen.last > committed || seen.isMembershipOpen) return false
    return this.#servers.every((other) => {
      if (other === server || !(reconfigures || this.#isVoter(other))) return true
      other.seen.follow()
      return (
        !other.isDamaged &&
        other.seen.holds(committed) &&
        other.seen.accepted >= seen.accepted &&
        other.seen.current >= seen.current &&
        other.seen.membershipVersion >= membership.version &&
        !other.seen.isMembershipOpen
      )
    })
  }

  #jumpClock(random: Prng): void {
    if (random.chance(0.5)) this.#population.jumpClock(random)
    else random.pick(this.#clocks).jumpWall(random.between(-3_600_000, 3_600_000))
  }

  /** Of the members at some time: which of them count at this moment only the ledger can tell. */
  #isQuorum(holds: (disk: ServerDisk) => boolean): boolean {
    return this.#ledger.memberships.some((members) => this.#isQuorumOf(members, holds))
  }

  #isQuorumOf({ voters }: Membership, holds: (disk: ServerDisk) => boolean): boolean {
    const ids = new Set<number>()
    for (const { id, seen } of this.#servers) {
      seen.follow()
      if (holds(seen)) ids.add(id)
    }
    return voters.containsQuorum(ids)
  }

  #isVoter({ id }: EnsembleServer): boolean {
    return this.#membership.voters.voters.has(id)
  }

  /** The servers that belong to the ensemble by now. */
  get #members(): readonly EnsembleServer[] {
    const { members } = this.#ledger.membership
    return this.#servers.filter(({ id }) => members.has(id))
  }

  #server(id: number): EnsembleServer {
    return must(this.#servers[id - 1], 'a server has its number')
  }

  #remark(text: string): void {
    this.#trace.event(this.#time.nowUs, text)
  }

  #result(verdict: EnsembleVerdict, message: string): Omit<EnsembleResult, 'marks'> {
    const sum = (of: (wire: WireChecker) => number): number =>
      this.#wires.reduce((total, wire) => total + of(wire), 0)
    if (this.#ledger.epochCount > 3) mark('many epochs')
    return {
      verdict,
      message: message === '' ? '' : `${message}\n(${this.#phase}, step ${this.#steps})`,
      traceHash: this.#trace.hash,
      steps: this.#steps,
      simulatedMs: Math.floor(this.#time.nowUs / 1_000),
      counts: {
        epochs: this.#ledger.epochCount,
        transactions: this.#ledger.count,
        packets: this.#packets.packets,
        answers: sum((wire) => wire.answers),
        events: sum((wire) => wire.events),
        registerOps: this.#registers.count,
        sessionsExpired: this.#expiry.expired,
        starts: this.#servers.reduce((total, one) => total + one.starts, 0),
        wipes: this.#wipes,
        reconfigurations: this.#ledger.memberships.length - 1,
        faults: this.#faults.total,
      },
      faults: [...this.#faults.counts].map(([kind, count]) => `${kind} ${count}`),
    }
  }
}

function membershipFor(options: EnsembleOptions): Membership {
  const { voters, observers, groups, weights } = options
  const members = rosterOf(options).slice(0, voters + observers)
  const grouping =
    groups === null
      ? null
      : {
          groups: new Map(groups.map((ids, i) => [i + 1, ids])),
          weights: new Map(weights.map((weight, i) => [i + 1, weight])),
        }
  return buildMembership({ version: 0, members, grouping })
}

/** Every server there is: voters, observers, and those that are no members yet. */
function rosterOf({ voters, observers, spares, reconfigures }: EnsembleOptions): MemberLine[] {
  const count = voters + observers + (reconfigures ? spares : 0)
  return Array.from({ length: count }, (_, i) => {
    const host = machineName(i + 1)
    const addresses = {
      quorumAddress: { host, port: 2888 },
      electionAddress: { host, port: 3888 },
    }
    return {
      id: i + 1,
      isVoter: i < voters || i >= voters + observers,
      ...addresses,
      addresses: [addresses],
      clientAddress: reconfigures ? { host, port: CLIENT_PORT } : null,
    }
  })
}

/** One line that says how far a run came. */
export const describeEnsembleResult = (result: EnsembleResult): string =>
  `${result.verdict} ${result.traceHash} after ${result.steps} steps, ` +
  `${(result.simulatedMs / 1_000).toFixed(1)} simulated seconds: ` +
  Object.entries(result.counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ') +
  (result.faults.length === 0 ? '' : ` (${result.faults.join(', ')})`)
