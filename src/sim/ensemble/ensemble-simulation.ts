// One run of an ensemble: a seed in, a verdict out. First anything may fail and nothing may be wrong
// (safety); then all faults end (heal); then an election must end, everyone must get on again, and
// all servers must come to the same state (liveness), once more after all of them lost their power.

import { must } from '../../base/assert.ts'
import { mark } from '../../base/marks.ts'
import { Prng } from '../../base/prng.ts'
import { formatSessionId } from '../../base/session-id.ts'
import { ZXID_ZERO } from '../../base/zxid.ts'
import type { Membership } from '../../core/quorum/membership.ts'
import type { MemberLine } from '../../core/quorum/membership-text.ts'
import type { ServiceRules } from '../checkers/txn-judge.ts'
import { Violation } from '../checkers/violation.ts'
import { WireChecker } from '../checkers/wire-checker.ts'
import { fakeHasher } from '../fake-crypto.ts'
import { CALM_DISK, FakeDisk } from '../fake-disk.ts'
import { CALM_NETWORK, FakeNetwork } from '../fake-network.ts'
import { decay } from '../rot.ts'
import { type Play, RunCourse, type RunResult, Stuck, runToTheEnd } from '../run.ts'
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
import { EnsembleServer } from './ensemble-server.ts'
import { CALM_PEERS, FakePeerNetwork } from './fake-peer-network.ts'
import { FaultMachine } from './fault-machine.ts'
import { Operator } from './operator.ts'
import { CLIENT_PORT, machineName, membershipOf, rosterOf } from './roster.ts'

export interface EnsembleSwitches {
  readonly trace?: TraceListener
  /** Overrides of what the seed would draw. */
  readonly options?: Partial<EnsembleOptions>
}

export function simulateEnsemble(
  seed: number,
  steps: number,
  switches: EnsembleSwitches = {},
): RunResult {
  const options = settled({ ...drawEnsemble(seed, steps), ...switches.options })
  return runToTheEnd(() => new EnsembleSimulation(options, switches))
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

/** At most so long, in ticks and besides, until everything works again. */
const LIVENESS_TICKS = 150
const LIVENESS_MS = 180_000
/** What is still on its way arrives within this time. */
const SETTLE_MS = 3_000
/** All servers of an ensemble are started within so much of each other, with what they had on disk. */
const START_APART_MS = 20
/** Then some are restarted alone, and are away for so long. */
const RESTARTS = 2
const RESTART_MS = 300
/** Where nothing is in their way, all serve after this, however long a leader waits for followers. */
const COME_BACK_MS = 2_000
/** Servers' wall clocks begin so far apart, at most. */
const WALL_SKEW_MS = 60_000

class EnsembleSimulation implements Play<Readonly<Record<string, number>>> {
  readonly course: RunCourse
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

  constructor(options: EnsembleOptions, switches: EnsembleSwitches) {
    this.#options = options
    const root = new Prng(options.seed)
    this.#random = root.fork('ensemble')
    this.#trace = new Trace(switches.trace ?? null)
    this.#time = new VirtualClock(this.#trace)
    this.course = new RunCourse(this.#time, this.#trace, () => {
      for (const { seen } of this.#servers) seen.follow()
    })
    this.#network = new FakeNetwork(this.#time, root.fork('network'), options.network)
    this.#peers = new FakePeerNetwork(this.#time, root.fork('peers'), options.peers)
    this.#membership = membershipOf(options)
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
      decide: (membership) => this.#ledger.decide(membership),
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
      traits: {
        readsConfig: false,
        registers: 3,
        sessionMs: 0,
        allowsReadOnly: options.readOnlyMode,
      },
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
        remark: (text) => this.course.remark(text),
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
      remark: (text) => this.course.remark(text),
    })
  }

  play(): void {
    for (const server of this.#servers) {
      this.#later(this.#random.below(2 * this.#options.settings.tickMs), server)
    }
    while (this.course.steps < this.#options.steps && this.course.step());
    this.#heal()
    this.#liveness()
  }

  #addServer(line: MemberLine, root: Prng, rules: ServiceRules): void {
    const serverId = line.id
    const random = root.fork(`server ${serverId}`)
    const wallMs = 1_800_000_000_000 + random.between(-WALL_SKEW_MS, WALL_SKEW_MS)
    const clock = new MachineClock(this.#time, random.below(1_000_000), wallMs)
    const ledger = this.#ledger
    const witness = this.#expiry.witness(serverId)
    const locals =
      rules.localSessions || this.#options.readOnlyMode
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
    this.course.beginHeal()
    this.#isCalm = true
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
    this.course.phase = 'liveness'
    const { members } = this.#population
    this.#runUntil('a leader, and everybody with it', () => this.#isWhole)
    this.#runUntil('everyone gets an answer', () => members.every((one) => one.probes > 0))
    this.#runUntil('everyone is quiet', () => members.every((one) => one.isQuiet))
    this.#runUntil('silent sessions end', () => this.#silentSessions().length === 0)
    this.course.for(SETTLE_MS)
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
      this.course.for(this.#random.below(START_APART_MS))
    }
    this.#runUntil('a leader again', () => this.#isWhole && this.#isEqual, COME_BACK_MS)
    if (this.#ledger.last < before)
      throw new Violation('NoLostCommit', 'history has an earlier end')
    this.#checkServers()
    for (let times = 0; times < RESTARTS; times++) this.#restartOne()
  }

  /** The others hear of it at once; whatever they have come to meanwhile, it is with them soon. */
  #restartOne(): void {
    const leader = this.#members.find((one) => one.isLeading)
    const isLeaders = this.#random.chance(0.6)
    const server = isLeaders && leader !== undefined ? leader : this.#random.pick(this.#members)
    server.crash('process')
    this.course.for(this.#random.below(RESTART_MS))
    if (server.start() !== 'up') throw new Stuck(`${server.name} does not start`)
    this.#runUntil(`${server.name} is back`, () => this.#isWhole && this.#isEqual, COME_BACK_MS)
  }

  #checkServers(): void {
    const known = new Set(this.#ledger.stateAt(this.#ledger.last).sessions.keys())
    for (const server of this.#members) {
      server.checkTree()
      this.#memberships.requireSame(server.id, server.members)
      for (const session of server.localSessions) {
        const what = `${formatSessionId(session)} of ${server.name} is somebody else’s, too`
        if (known.has(session)) throw new Violation('LocalSessions', what)
        known.add(session)
      }
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
    const locals = this.#servers.flatMap((one) => one.localSessions)
    return [...sessions.keys(), ...locals].filter((session) => !owned.has(session))
  }

  #runUntil(what: string, isReached: () => boolean, limitMs: number = this.#livenessMs): void {
    this.course.until(what, limitMs, isReached, () =>
      [...this.#servers, ...this.#population.members].map((one) => one.describe()),
    )
  }

  get #livenessMs(): number {
    return LIVENESS_MS + LIVENESS_TICKS * this.#options.settings.tickMs
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
    this.course.remark(`${server.name}: ${outcome}`)
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
    this.course.remark(`${server.name} ends: ${reason}`)
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
    this.course.remark(`${server.name} begins with an empty directory`)
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
    this.course.remark(damage.text)
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

  counts(): Readonly<Record<string, number>> {
    const sum = (of: (wire: WireChecker) => number): number =>
      this.#wires.reduce((total, wire) => total + of(wire), 0)
    if (this.#ledger.epochCount > 3) mark('many epochs')
    return {
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
    }
  }

  faults(): readonly string[] {
    return [...this.#faults.counts].map(([kind, count]) => `${kind} ${count}`)
  }
}
