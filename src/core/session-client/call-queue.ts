// The calls that are not settled yet: those waiting to be sent, and those sent and not answered,
// each in order. It decides what becomes of them when a deadline passes, the connection breaks or
// the session is gone. It neither sends nor decodes.

import { assert } from '../../base/assert.ts'
import { Ring } from '../../base/ring.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { Call, CallFailure } from './call.ts'
import type { HostPort } from './host-list.ts'
import type { WatchBatch, WatchRegistry } from './watch-registry.ts'

/** A request of the machine itself: it takes its place among the others, and nobody waits for it. */
export interface OwnRequest {
  readonly kind: 'own'
  readonly xid: number
  readonly sentAtMs: number
  readonly purpose: 'set-watches' | 'remove-watches' | 'close-session'
  /** For `set-watches`. */
  readonly rearming: Rearming | null
}

/** Watches that are set again on a new connection. */
export interface Rearming {
  readonly batch: WatchBatch
  readonly fromZxid: Zxid
  readonly newSession: boolean
  readonly host: HostPort
}

export interface OfflineLimits {
  readonly calls: number
  readonly bytes: number
}

/** Beyond this many sends a request is suspected of breaking connections by itself. */
const SENDS_MAX = 5

export class CallQueue<Tag, WatcherTag> {
  #waiting: Ring<Call<Tag, WatcherTag>> = new Ring()
  readonly #sent: Ring<Call<Tag, WatcherTag> | OwnRequest> = new Ring()
  readonly #settled: (call: Call<Tag, WatcherTag>) => void
  readonly #watches: WatchRegistry<WatcherTag>
  readonly #limits: OfflineLimits
  /** Not later than the earliest deadline of an unsettled call. */
  #nextDeadlineMs = Number.POSITIVE_INFINITY
  #waitingCount = 0
  #waitingBytes = 0

  constructor(
    limits: OfflineLimits,
    watches: WatchRegistry<WatcherTag>,
    settled: (call: Call<Tag, WatcherTag>) => void,
  ) {
    this.#limits = limits
    this.#watches = watches
    this.#settled = settled
  }

  get waitingCount(): number {
    return this.#waitingCount
  }

  get sentCount(): number {
    return this.#sent.length
  }

  get nextDeadlineMs(): number {
    return this.#nextDeadlineMs
  }

  /** Takes charge of a new call; {@link sent}, {@link wait} or {@link waitOffline} must follow. */
  admit(call: Call<Tag, WatcherTag>): void {
    assert(call.state === 'new', 'a call is used once')
    if (call.watcher !== null) this.#watches.ask(call.watcher)
    if (call.deadlineMs < this.#nextDeadlineMs) this.#nextDeadlineMs = call.deadlineMs
    // It may be sent again, and the caller may write to its array in the meantime.
    if (call.resend && call.data !== null) call.data = call.data.slice()
  }

  /** Puts an admitted call at the end of the queue. */
  wait(call: Call<Tag, WatcherTag>): void {
    if (!call.resend && call.data !== null) call.data = call.data.slice()
    call.state = 'queued'
    this.#waiting.push(call)
    this.#waitingCount++
    this.#waitingBytes += bytesOf(call)
  }

  /** As {@link wait}, while there is no connection: then only so many may. */
  waitOffline(call: Call<Tag, WatcherTag>): void {
    const { calls, bytes } = this.#limits
    if (calls === 0) {
      this.fail(call, 'not-connected', 'there is no connection, and calls may not wait')
    } else if (this.#waitingCount >= calls || this.#waitingBytes >= bytes) {
      this.fail(call, 'queue-full', 'too much is waiting for a connection')
    } else {
      this.wait(call)
    }
  }

  /** The next call to send, or null; it is not waiting any more. */
  takeWaiting(): Call<Tag, WatcherTag> | null {
    while (this.#waiting.length > 0) {
      const call = this.#waiting.shift()
      if (call.state !== 'queued') continue
      this.#noLongerWaiting(call)
      return call
    }
    return null
  }

  /** A call whose bytes are on their way. */
  sent(call: Call<Tag, WatcherTag>, xid: number, nowMs: number): void {
    call.state = 'sent'
    call.xid = xid
    call.sentAtMs = nowMs
    call.sends++
    if (!call.resend) {
      call.data = null
      call.ops = null
    }
    this.#sent.push(call)
  }

  sentOwn(request: OwnRequest): void {
    this.#sent.push(request)
  }

  /** The oldest unanswered request if it carries this xid; null is a broken order. */
  answered(xid: number): Call<Tag, WatcherTag> | OwnRequest | null {
    if (this.#sent.peek()?.xid !== xid) return null
    return this.#sent.shift()
  }

  /** The oldest unanswered call, to be blamed for bytes that cannot be taken in. */
  blame(failure: CallFailure, detail: string): void {
    const oldest = this.#sent.peek()
    if (oldest?.kind === 'call') {
      oldest.resend = false
      this.fail(oldest, failure, detail)
    }
  }

  /** Ends a call without an answer. A sent one keeps its place until the answer comes. */
  fail(call: Call<Tag, WatcherTag>, failure: CallFailure, detail: string): void {
    if (call.state === 'settled') return
    const wasSent = call.state === 'sent'
    if (call.state === 'queued') this.#noLongerWaiting(call)
    call.state = 'settled'
    call.failure = failure
    call.detail = detail
    if (call.watcher !== null) {
      if (wasSent) this.#watches.drop(call.watcher)
      else this.#watches.answered(call.watcher, null)
    }
    this.#settled(call)
    this.#compact()
  }

  /** Sent calls go back to the front of the queue where they may, the others fail. */
  connectionLost(detail: string): void {
    const again: Ring<Call<Tag, WatcherTag>> = new Ring()
    while (this.#sent.length > 0) {
      const request = this.#sent.shift()
      if (request.kind !== 'call') continue
      if (request.state === 'settled') {
        if (request.watcher !== null) this.#watches.answered(request.watcher, null)
      } else if (request.resend && request.sends < SENDS_MAX) {
        request.state = 'queued'
        this.#waitingCount++
        this.#waitingBytes += bytesOf(request)
        again.push(request)
      } else {
        if (request.watcher !== null) this.#watches.answered(request.watcher, null)
        request.state = 'settled'
        request.failure = 'connection-loss'
        request.detail = detail
        this.#settled(request)
      }
    }
    if (again.length === 0) return
    for (let i = 0; i < this.#waiting.length; i++) {
      const call = this.#waiting.at(i)
      if (call?.state === 'queued') again.push(call)
    }
    this.#waiting = again
  }

  /** Calls that were meant for the session that is gone fail; the others wait for the next one. */
  sessionLost(detail: string): void {
    for (const call of this.#unsettled()) {
      if (!call.anySession) this.fail(call, 'session-lost', detail)
    }
  }

  failAll(failure: CallFailure, detail: string): void {
    for (const call of this.#unsettled()) this.fail(call, failure, detail)
  }

  failWaiting(failure: CallFailure, detail: string): void {
    for (const call of this.#unsettled()) {
      if (call.state === 'queued') this.fail(call, failure, detail)
    }
  }

  /** Fails what has waited too long. */
  expire(nowMs: number): void {
    if (nowMs < this.#nextDeadlineMs) return
    this.#nextDeadlineMs = Number.POSITIVE_INFINITY
    for (const call of this.#unsettled()) {
      if (call.deadlineMs <= nowMs) {
        this.fail(call, 'timeout', call.sends > 0 ? 'no answer in time' : 'not sent in time')
      } else if (call.deadlineMs < this.#nextDeadlineMs) {
        this.#nextDeadlineMs = call.deadlineMs
      }
    }
  }

  #unsettled(): Call<Tag, WatcherTag>[] {
    const calls: Call<Tag, WatcherTag>[] = []
    for (let i = 0; i < this.#sent.length; i++) {
      const request = this.#sent.at(i)
      if (request?.kind === 'call' && request.state === 'sent') calls.push(request)
    }
    for (let i = 0; i < this.#waiting.length; i++) {
      const call = this.#waiting.at(i)
      if (call?.state === 'queued') calls.push(call)
    }
    return calls
  }

  #noLongerWaiting(call: Call<Tag, WatcherTag>): void {
    this.#waitingCount--
    this.#waitingBytes -= bytesOf(call)
  }

  /** Settled calls leave the queue when they are many: it may be long before the next connection. */
  #compact(): void {
    if (this.#waiting.length < 64 || this.#waiting.length < 2 * this.#waitingCount) return
    const live: Ring<Call<Tag, WatcherTag>> = new Ring()
    for (let i = 0; i < this.#waiting.length; i++) {
      const call = this.#waiting.at(i)
      if (call?.state === 'queued') live.push(call)
    }
    this.#waiting = live
  }
}

function bytesOf(call: Call<unknown, unknown>): number {
  let bytes = call.path.length + (call.data?.length ?? 0)
  if (call.ops !== null) for (const op of call.ops) bytes += op.path.length + (op.data?.length ?? 0)
  return bytes
}
