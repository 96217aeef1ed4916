// A client in the simulation: the production session machine on the simulated clock and network,
// driven as a shell would drive it. It performs what the machine orders and reports what comes out;
// what to ask for is the workload's business.

import type { Prng } from '../base/prng.ts'
import type { Call } from '../core/session-client/call.ts'
import type { HostPort } from '../core/session-client/host-list.ts'
import type { Output } from '../core/session-client/outputs.ts'
import { SessionClient } from '../core/session-client/session-client.ts'
import type { SessionClientOptions } from '../core/session-client/session-timers.ts'
import type { Watcher } from '../core/session-client/watch-registry.ts'
import type { Transport, TransportConnection } from '../ports/transport.ts'
import {
  type MachineClock,
  Scope,
  type ScheduledEvent,
  type VirtualClock,
} from './virtual-clock.ts'

export type SimCall = Call<CallTag, WatchTag>
export type SimWatcher = Watcher<WatchTag>
export type SimOutput = Output<CallTag, WatchTag>

/** What the workload remembers of a call. */
export interface CallTag {
  /** Rises with each call of a client. */
  readonly number: number
  /** The `sync` that was asked for just before, so that this read shows the present. */
  readonly behind?: SimCall
}

/** What the checkers remember of a watch. */
export interface WatchTag {
  /** The zxid of the answer that set it; null until then. */
  armedAt: number | null
  /** Whether the node was there when it was set. */
  armedOnNode: boolean
  fired: number
}

/** Hears of everything the machine says, in its order. */
export interface ClientListener {
  settled(call: SimCall): void
  happened(output: Exclude<SimOutput, SimCall>): void
}

export class SimClient {
  readonly name: string
  readonly machine: SessionClient<CallTag, WatchTag>
  readonly clock: MachineClock
  readonly #time: VirtualClock
  readonly #random: Prng
  readonly #transport: Transport
  readonly #listener: ClientListener
  readonly #scope = new Scope()
  #connection: { readonly attempt: number; readonly to: TransportConnection } | null = null
  #wake: ScheduledEvent | null = null
  #wakeAtMs = Number.POSITIVE_INFINITY
  #isPaused = false
  #waiting: (() => void)[] = []

  constructor(
    name: string,
    time: VirtualClock,
    clock: MachineClock,
    random: Prng,
    transport: Transport,
    hosts: readonly HostPort[],
    options: SessionClientOptions,
    listener: ClientListener,
  ) {
    this.name = name
    this.#time = time
    this.clock = clock
    this.#random = random
    this.#transport = transport
    this.#listener = listener
    this.machine = new SessionClient(options, hosts, random)
  }

  /** Runs something on the machine and carries out what follows. */
  act(what: (machine: SessionClient<CallTag, WatchTag>, nowMs: number) => void): void {
    if (!this.#scope.alive) return
    const nowMs = this.clock.nowMs()
    this.machine.observeClocks(nowMs, this.clock.wallMs())
    what(this.machine, nowMs)
    this.#follow()
  }

  /** The process ends without a word; the operating system closes its connection. */
  kill(): void {
    this.#scope.end()
    this.#connection?.to.close()
    this.#connection = null
  }

  /** A process that stands still, or goes on: what arrives meanwhile is handled afterwards. */
  setPaused(paused: boolean): void {
    this.#isPaused = paused
    if (!paused) this.#runWaiting()
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  #follow(): void {
    for (let outputs = this.machine.drain(); outputs.length > 0; outputs = this.machine.drain()) {
      for (const output of outputs) this.#carryOut(output)
    }
    const bytes = this.machine.takeBytes()
    if (bytes !== null) this.#connection?.to.send(bytes)
    this.#setWake()
  }

  #carryOut(output: SimOutput): void {
    switch (output.kind) {
      case 'open':
        this.#open(output.attempt, output.host)
        break
      case 'close':
        if (this.#connection?.attempt === output.attempt) {
          this.#connection.to.close()
          this.#connection = null
        }
        break
      case 'call':
        this.#listener.settled(output)
        return
      default:
        break
    }
    this.#listener.happened(output)
  }

  #open(attempt: number, host: HostPort): void {
    const to = this.#transport.connect(host.host, host.port, {
      opened: () => this.#later(() => this.machine.opened(attempt, this.clock.nowMs())),
      bytes: (chunk) => this.#later(() => this.machine.bytes(attempt, chunk, this.clock.nowMs())),
      closed: (reason) =>
        this.#later(() => this.machine.closed(attempt, reason, this.clock.nowMs())),
    })
    this.#connection = { attempt, to }
  }

  /** Runs now, or when the process goes on. */
  #later(task: () => void): void {
    this.#waiting.push(task)
    if (!this.#isPaused) this.#runWaiting()
  }

  #runWaiting(): void {
    for (let task = this.#waiting.shift(); task !== undefined; task = this.#waiting.shift()) {
      this.act(task)
    }
  }

  #setWake(): void {
    const { wakeAtMs } = this.machine
    if (wakeAtMs === this.#wakeAtMs) return
    this.#wakeAtMs = wakeAtMs
    if (this.#wake !== null) this.#wake.cancelled = true
    if (wakeAtMs === Number.POSITIVE_INFINITY) return
    const lateUs = this.#random.chance(0.9) ? 0 : this.#random.below(20_000)
    const dueUs = this.clock.simulatedUs(Math.ceil(wakeAtMs)) + lateUs
    this.#wake = this.#time.after(
      Math.max(1, dueUs - this.#time.nowUs),
      `${this.name} wakes`,
      this.#scope,
      () => {
        this.#wakeAtMs = Number.POSITIVE_INFINITY
        this.#later(() => this.machine.tick(this.clock.nowMs()))
      },
    )
  }
}
