// The identities that every connection must prove before anything else, and who waits to hear
// whether one was accepted. Their answers keep an order of their own: they may overtake the answers
// of requests that were sent before.

import { Ring } from '../../base/ring.ts'
import { equalBytes } from '../../base/text.ts'
import type { Call, CallFailure } from './call.ts'

/** The data of `digest` is `user:password`. */
export interface AuthIdentity {
  readonly scheme: string
  readonly data: Uint8Array
}

interface Entry<Tag, WatcherTag> {
  readonly identity: AuthIdentity
  /** The call that added it, until it is settled. */
  call: Call<Tag, WatcherTag> | null
}

export class Identities<Tag, WatcherTag> {
  #entries: Entry<Tag, WatcherTag>[]
  readonly #sent: Ring<Entry<Tag, WatcherTag>> = new Ring()
  readonly #settled: (call: Call<Tag, WatcherTag>) => void

  constructor(identities: readonly AuthIdentity[], settled: (call: Call<Tag, WatcherTag>) => void) {
    this.#entries = identities.map((identity) => ({ identity, call: null }))
    this.#settled = settled
  }

  /** The earliest deadline of a call that waits. */
  get nextDeadlineMs(): number {
    let nextMs = Number.POSITIVE_INFINITY
    for (const { call } of this.#entries) {
      if (call !== null && call.deadlineMs < nextMs) nextMs = call.deadlineMs
    }
    return nextMs
  }

  add(identity: AuthIdentity, call: Call<Tag, WatcherTag>): void {
    const known = this.#entries.find((one) => one.call === null && isSame(one.identity, identity))
    if (known === undefined) this.#entries.push({ identity, call })
    else known.call = call
  }

  /** Those that somebody waits for are kept until that is settled. */
  remove(scheme: string): void {
    this.#entries = this.#entries.filter(
      ({ identity, call }) => identity.scheme !== scheme || call !== null,
    )
  }

  /** All identities, to be sent on a new connection in this order. */
  sendAll(send: (identity: AuthIdentity) => void): void {
    for (const entry of this.#entries) this.#send(entry, send)
  }

  /** The identity that `call` added. */
  sendFor(call: Call<Tag, WatcherTag>, send: (identity: AuthIdentity) => void): void {
    for (const entry of this.#entries) if (entry.call === call) this.#send(entry, send)
  }

  connectionLost(): void {
    this.#sent.clear()
  }

  /** The server has answered the oldest one sent. Null: none was sent. */
  answered(error: number): AuthIdentity | null {
    if (this.#sent.length === 0) return null
    const entry = this.#sent.shift()
    if (entry.call !== null) entry.call.error = error
    if (error === 0) this.#settle(entry, null, '')
    else this.#settle(entry, 'auth-failed', 'the server refused the identity')
    return entry.identity
  }

  expire(nowMs: number): void {
    for (const entry of this.#entries) {
      if (entry.call !== null && nowMs >= entry.call.deadlineMs) {
        this.#settle(entry, 'timeout', 'no answer in time')
      }
    }
  }

  abandon(call: Call<Tag, WatcherTag>, detail: string): void {
    for (const entry of this.#entries) {
      if (entry.call === call) this.#settle(entry, 'aborted', detail)
    }
  }

  failAll(failure: CallFailure, detail: string): void {
    for (const entry of this.#entries) this.#settle(entry, failure, detail)
  }

  #send(entry: Entry<Tag, WatcherTag>, send: (identity: AuthIdentity) => void): void {
    send(entry.identity)
    this.#sent.push(entry)
  }

  #settle(entry: Entry<Tag, WatcherTag>, failure: CallFailure | null, detail: string): void {
    const call = entry.call
    if (call === null) return
    entry.call = null
    call.state = 'settled'
    call.failure = failure
    call.detail = detail
    this.#settled(call)
  }
}

const isSame = (a: AuthIdentity, b: AuthIdentity): boolean =>
  a.scheme === b.scheme && equalBytes(a.data, b.data)
