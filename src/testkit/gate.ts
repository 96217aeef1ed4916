// What stands between a server and all that may happen to it. While the gate is shut the server
// hears of nothing, as a process that is suspended; what happens waits for it. Once the server is
// dead, nothing reaches it any more. What the server does is not looked at here: a server that hears
// nothing does nothing.

import type { Timers } from '../ports/clock.ts'
import type { ClientEvents } from '../ports/client-network.ts'
import type { PeerEvents } from '../ports/peer-network.ts'

export class Gate {
  #state: 'open' | 'shut' | 'dead' = 'open'
  #waiting: (() => void)[] = []

  get isShut(): boolean {
    return this.#state === 'shut'
  }

  get isDead(): boolean {
    return this.#state === 'dead'
  }

  shut(): void {
    if (this.#state === 'open') this.#state = 'shut'
  }

  /** What has waited happens now, in its order. */
  open(): void {
    if (this.#state !== 'shut') return
    this.#state = 'open'
    const waiting = this.#waiting
    this.#waiting = []
    for (const happening of waiting) this.pass(happening)
  }

  /** For ever. */
  kill(): void {
    this.#state = 'dead'
    this.#waiting = []
  }

  pass(happening: () => void): void {
    if (this.#state === 'open') happening()
    else if (this.#state === 'shut') this.#waiting.push(happening)
  }

  /** Bytes that are only lent have to be copied where they wait. */
  passBytes(bytes: Uint8Array, happening: (bytes: Uint8Array) => void): void {
    if (this.#state === 'open') happening(bytes)
    else if (this.#state === 'shut') {
      const copy = bytes.slice()
      this.#waiting.push(() => happening(copy))
    }
  }
}

export const clientEventsThrough = (gate: Gate, events: ClientEvents): ClientEvents => ({
  opened: (id, address, port) => gate.pass(() => events.opened(id, address, port)),
  bytes: (id, bytes) => gate.passBytes(bytes, (whole) => events.bytes(id, whole)),
  drained: (id) => gate.pass(() => events.drained(id)),
  closed: (id) => gate.pass(() => events.closed(id)),
})

export const peerEventsThrough = (gate: Gate, events: PeerEvents): PeerEvents => ({
  listening: (door) => gate.pass(() => events.listening(door)),
  listenFailed: (door, reason) => gate.pass(() => events.listenFailed(door, reason)),
  accepted: (link, door, remote) => gate.pass(() => events.accepted(link, door, remote)),
  opened: (link) => gate.pass(() => events.opened(link)),
  bytes: (link, bytes) => gate.passBytes(bytes, (whole) => events.bytes(link, whole)),
  drained: (link) => gate.pass(() => events.drained(link)),
  closed: (link, reason) => gate.pass(() => events.closed(link, reason)),
})

/** Timers that ring at a shut gate ring when it opens; those of the dead are taken back. */
export class GatedTimers implements Timers {
  readonly #gate: Gate
  readonly #timers: Timers
  readonly #cancels = new Set<() => void>()

  constructor(gate: Gate, timers: Timers) {
    this.#gate = gate
    this.#timers = timers
  }

  schedule(delayMs: number, task: () => void): () => void {
    let isCancelled = false
    const ring = (): void => {
      this.#cancels.delete(cancel)
      this.#gate.pass(() => {
        if (!isCancelled) task()
      })
    }
    const takeBack = this.#timers.schedule(delayMs, ring)
    const cancel = (): void => {
      isCancelled = true
      this.#cancels.delete(cancel)
      takeBack()
    }
    this.#cancels.add(cancel)
    return cancel
  }

  cancelAll(): void {
    for (const cancel of [...this.#cancels]) cancel()
  }
}
