// The clients of a run: each lives, works, closes, dies or stands still by its character, and is
// followed by another one of the same name. Strangers are connections that never speak the protocol.

import { must } from '../base/assert.ts'
import type { Prng } from '../base/prng.ts'
import type { SessionId } from '../base/session-id.ts'
import { encodeUtf8 } from '../base/text.ts'
import type { HostPort } from '../core/session-client/host-list.ts'
import { DEFAULT_OPTIONS } from '../core/session-client/session-timers.ts'
import type { TransportConnection } from '../ports/transport.ts'
import { ClientChecker } from './checkers/client-checker.ts'
import type { FakeNetwork } from './fake-network.ts'
import { type SimCall, SimClient } from './sim-client.ts'
import type { SimOptions } from './sim-options.ts'
import { MachineClock, type VirtualClock } from './virtual-clock.ts'
import { CallSource, type Character, type WorkloadTraits, drawCharacter } from './workload.ts'

export interface PopulationSurroundings {
  readonly options: Pick<SimOptions, 'clients' | 'strangers' | 'settings'>
  readonly time: VirtualClock
  readonly random: Prng
  readonly network: FakeNetwork
  /** The servers that clients know. */
  readonly hosts: readonly HostPort[]
  readonly traits: WorkloadTraits
  /** Hears of each call when it is made and when it is settled. */
  readonly witness: CallWitness | null
}

export interface CallWitness {
  submitted(call: SimCall): void
  /** `isReadOnly`: by a server that has no leader. */
  settled(call: SimCall, isReadOnly: boolean): void
}

export class SimPopulation {
  readonly #around: PopulationSurroundings
  readonly #members: Member[] = []
  #isOver = false

  constructor(around: PopulationSurroundings) {
    this.#around = around
    const { options, random } = around
    for (let i = 1; i <= options.clients; i++) {
      this.#members.push(new Member(`c${i}`, around, random.fork(`client ${i}`)))
    }
    for (let i = 1; i <= options.strangers; i++) this.#strange(random.fork(`stranger ${i}`), i)
  }

  get members(): readonly Member[] {
    return this.#members
  }

  get watchesFired(): number {
    return this.#members.reduce((sum, member) => sum + member.watchesFired, 0)
  }

  /** Until when a client believes its session to be certain, in simulated milliseconds. */
  safeUntilMs(session: SessionId): number {
    for (const { client, clock } of this.#members) {
      if (client?.machine.sessionId === session) {
        return clock.simulatedUs(client.machine.safeUntilMs) / 1_000
      }
    }
    return Number.NEGATIVE_INFINITY
  }

  /** No more accidents: everyone runs, and nobody asks for anything new. */
  calmDown(): void {
    this.#isOver = true
    for (const member of this.#members) member.calmDown()
  }

  /** A client whose wall clock jumps. */
  jumpClock(random: Prng): void {
    random.pick(this.#members).clock.jumpWall(random.between(-60_000, 3_600_000))
  }

  #strange(random: Prng, number: number): void {
    const { time, network } = this.#around
    const transport = network.transport(`10.9.9.${number}`)
    let connection: TransportConnection | null = null
    const babble = (): void => {
      if (this.#isOver) {
        connection?.close()
        return
      }
      if (connection === null) {
        const { hosts } = this.#around
        const { host, port } = hosts.length === 1 ? must(hosts[0], 'one') : random.pick(hosts)
        connection = transport.connect(host, port, {
          opened: () => {},
          bytes: () => {},
          closed: () => {
            connection = null
          },
        })
      } else if (random.chance(0.1)) connection.close()
      else connection.send(nonsense(random))
      time.after(random.below(3_000_000), 'a stranger babbles', null, babble)
    }
    babble()
  }
}

/** One client, through all its lives. */
export class Member {
  readonly name: string
  readonly clock: MachineClock
  readonly #around: PopulationSurroundings
  readonly #random: Prng
  readonly #character: Character
  readonly #calls: CallSource
  readonly #address: string
  readonly #takesReadOnly: boolean
  #client: SimClient | null = null
  #checker: ClientChecker
  #isCalm = false
  #lives = 0
  #firedBefore = 0
  #probe: SimCall | null = null
  #probes = 0

  constructor(name: string, around: PopulationSurroundings, random: Prng) {
    this.name = name
    this.#around = around
    this.#random = random
    this.#character = drawCharacter(random, around.traits)
    this.#calls = new CallSource(name, random, this.#character)
    const { allowsReadOnly } = around.traits
    this.#takesReadOnly = allowsReadOnly && random.fork('read-only').chance(0.6)
    this.#address = `10.0.0.${name.slice(1)}`
    this.clock = new MachineClock(around.time, random.below(1_000_000), 1_800_000_000_000)
    this.#checker = new ClientChecker(name)
    around.time.after(random.below(1_000_000), `${name} is born`, null, () => this.#beBorn())
  }

  get client(): SimClient | null {
    return this.#client
  }

  get checker(): ClientChecker {
    return this.#checker
  }

  get watchesFired(): number {
    return this.#firedBefore + this.#checker.fired
  }

  /** Probes of the last phase that have been answered. */
  get probes(): number {
    return this.#probes
  }

  /** Connected, and nothing under way. */
  get isQuiet(): boolean {
    const client = this.#client
    return client !== null && client.machine.state === 'connected' && this.#isIdle(client)
  }

  describe(): string {
    return `${this.name}: ${this.#client?.machine.describe() ?? 'not there'}`
  }

  calmDown(): void {
    this.#isCalm = true
    this.#client?.setPaused(false)
    this.#probeAgain()
  }

  #isIdle({ machine }: SimClient): boolean {
    return machine.inFlight === 0 && machine.waiting === 0 && this.#checker.outstanding === 0
  }

  #beBorn(): void {
    const { time, network } = this.#around
    const random = this.#random
    this.#firedBefore += this.#checker.fired
    this.#checker = new ClientChecker(`${this.name}.${++this.#lives}`)
    const checker = this.#checker
    let isReadOnly = false
    const client: SimClient = new SimClient(
      this.name,
      time,
      this.clock,
      random,
      network.transport(this.#address),
      this.#around.hosts,
      {
        ...DEFAULT_OPTIONS,
        sessionTimeoutMs: this.#character.sessionTimeoutMs,
        readOnly: this.#takesReadOnly,
        tickTimeMs: this.#around.options.settings.tickMs,
        inFlightMax: random.pick([1, 10, 1_000]),
      },
      {
        settled: (call) => {
          this.#around.witness?.settled(call, isReadOnly)
          checker.settled(call)
          this.#calls.settled(call)
          if (call === this.#probe) this.#onProbe(call)
        },
        happened: (output) => {
          checker.happened(output)
          if (output.kind === 'state') isReadOnly = output.state === 'readOnly'
          const isOver = output.kind === 'state' && output.state === 'closed'
          if (isOver && this.#client === client) this.#die()
        },
      },
    )
    this.#client = client
    client.act((machine, nowMs) => machine.start(nowMs))
    const { user } = this.#character
    if (user !== null) {
      const call = this.#calls.authCall()
      checker.submitted(call)
      client.act((machine) => machine.addAuth({ scheme: 'digest', data: encodeUtf8(user) }, call))
    }
    if (this.#isCalm) this.#probeAgain()
    else this.#think()
  }

  /** The next life begins after a while. */
  #die(): void {
    this.#client = null
    const delayUs = this.#random.below(this.#isCalm ? 100_000 : 3_000_000)
    this.#around.time.after(delayUs, `${this.name} is born again`, null, () => this.#beBorn())
  }

  #think(): void {
    const client = this.#client
    const thinkUs = this.#random.below(this.#character.thinkMs * 1_000 + 1)
    this.#around.time.after(thinkUs, `${this.name} acts`, null, () => {
      if (client === null || this.#client !== client || this.#isCalm) return
      if (!client.isPaused) this.#act(client)
      this.#think()
    })
  }

  #act(client: SimClient): void {
    const random = this.#random
    const character = this.#character
    if (client.machine.waiting < 200) {
      const count = 1 + random.below(character.burst)
      client.act((machine, nowMs) => {
        for (let i = 0; i < count; i++) {
          const call = this.#calls.next()
          if (call !== null) {
            call.deadlineMs = nowMs + random.pick([500, 20_000, 60_000])
            this.#checker.submitted(call)
            this.#around.witness?.submitted(call)
            machine.submit(call, nowMs)
            continue
          }
          const watcher = this.#calls.takeWatcher()
          if (watcher === undefined) continue
          machine.dropWatcher(watcher, nowMs)
          this.#checker.dropped(watcher)
        }
      })
    }
    if (random.chance(character.close)) {
      client.act((machine, nowMs) => machine.close(nowMs, random.pick([0, 200, 10_000]), false))
    } else if (random.chance(character.kill)) {
      client.kill()
      this.#die()
    } else if (random.chance(character.pause)) this.#pause(client)
  }

  #pause(client: SimClient): void {
    client.setPaused(true)
    const pauseMs = this.#random.below(2 * this.#character.sessionTimeoutMs)
    this.#around.time.after(pauseMs * 1_000, `${this.name} goes on`, null, () => {
      if (this.#client === client) client.setPaused(false)
    })
  }

  // The last phase.

  #probeAgain(): void {
    const client = this.#client
    if (client === null) return
    const call = this.#calls.probe()
    this.#probe = call
    client.act((machine, nowMs) => {
      call.deadlineMs = nowMs + 10_000
      this.#checker.submitted(call)
      machine.submit(call, nowMs)
    })
  }

  #onProbe(call: SimCall): void {
    this.#probe = null
    if (call.succeeded) {
      this.#probes++
      return
    }
    this.#around.time.after(200_000, `${this.name} probes again`, null, () => this.#probeAgain())
  }
}

function nonsense(random: Prng): Uint8Array {
  const kind = random.below(5)
  if (kind === 0) return encodeUtf8(random.pick(['ruok', 'stat', 'quit', 'GET / HTTP/1.1\r\n']))
  const bytes = new Uint8Array(1 + random.below(60))
  for (let at = 0; at < bytes.length; at++) bytes[at] = random.below(256)
  // A length that makes sense, so that the rest is looked at.
  if (kind > 2 && bytes.length >= 4) {
    bytes.fill(0, 0, 3)
    bytes[3] = random.below(64)
  }
  return bytes
}
