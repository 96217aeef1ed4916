// Sends calls and the machine's own requests on the present connection, and notes each that the
// server counts as a sign of life: the ping, the read deadline and the safety horizon hang on that.

import type { Zxid } from '../../base/zxid.ts'
import type { Call } from './call.ts'
import type { CallQueue, OwnRequest, Rearming } from './call-queue.ts'
import type { HostPort } from './host-list.ts'
import type { AuthIdentity } from './identities.ts'
import { Outbox } from './outbox.ts'
import type { SafetyHorizon } from './safety-horizon.ts'
import type { SessionClientOptions, SessionTimers } from './session-timers.ts'
import type { WatchRegistry, WatchRemoval } from './watch-registry.ts'

export class Sender<Tag, WatcherTag> {
  readonly outbox: Outbox = new Outbox()
  readonly #calls: CallQueue<Tag, WatcherTag>
  readonly #timers: SessionTimers
  readonly #horizon: SafetyHorizon
  readonly #bytesMax: number
  readonly #inFlightMax: number

  constructor(
    { sendBytesMax, inFlightMax }: SessionClientOptions,
    calls: CallQueue<Tag, WatcherTag>,
    timers: SessionTimers,
    horizon: SafetyHorizon,
  ) {
    this.#bytesMax = sendBytesMax
    this.#inFlightMax = inFlightMax
    this.#calls = calls
    this.#timers = timers
    this.#horizon = horizon
  }

  /** Whether a new call may leave at once, without overtaking another or being one too many. */
  get hasRoom(): boolean {
    return this.#calls.waitingCount === 0 && this.#calls.sentCount < this.#inFlightMax
  }

  call(call: Call<Tag, WatcherTag>, nowMs: number): void {
    const xid = this.outbox.call(call, this.#bytesMax)
    if (xid === null) {
      this.#calls.fail(call, 'too-large', `the request has more than ${this.#bytesMax} bytes`)
      return
    }
    this.#calls.sent(call, xid, nowMs)
    this.#signOfLife(nowMs)
  }

  /** Sends what waits, as far as it may; with `all` without regard to how much is in flight. */
  waiting(nowMs: number, all: boolean = false): void {
    while (this.#calls.waitingCount > 0) {
      if (!all && this.#calls.sentCount >= this.#inFlightMax) return
      const call = this.#calls.takeWaiting()
      if (call === null) return
      this.call(call, nowMs)
    }
  }

  ping(nowMs: number): void {
    this.outbox.ping(nowMs)
    this.#signOfLife(nowMs)
  }

  /** An identity is no sign of life: the server does not count it as one. */
  readonly identity = (identity: AuthIdentity): void => this.outbox.auth(identity)

  closeSession(nowMs: number): void {
    this.#own('close-session', this.outbox.closeSession(), nowMs)
  }

  /** Sets all watches again, in requests of a size that every server takes. */
  watches(
    watches: WatchRegistry<WatcherTag>,
    fromZxid: Zxid,
    newSession: boolean,
    host: HostPort,
    nowMs: number,
  ): void {
    for (const batch of watches.batches(WATCH_BATCH_BYTES)) {
      const xid = this.outbox.setWatches(fromZxid, batch)
      this.#own('set-watches', xid, nowMs, { batch, fromZxid, newSession, host })
    }
  }

  removal(removal: WatchRemoval, nowMs: number): void {
    this.#own('remove-watches', this.outbox.removeWatches(removal), nowMs)
  }

  #own(
    purpose: OwnRequest['purpose'],
    xid: number,
    nowMs: number,
    rearming: Rearming | null = null,
  ): void {
    this.#calls.sentOwn({ kind: 'own', xid, sentAtMs: nowMs, purpose, rearming })
    this.#signOfLife(nowMs)
  }

  #signOfLife(nowMs: number): void {
    this.#timers.sent(nowMs)
    this.#horizon.sent(nowMs)
  }
}

/** Well below the 1 MiB that a server accepts, with room for the path that goes over. */
const WATCH_BATCH_BYTES = 128 << 10
