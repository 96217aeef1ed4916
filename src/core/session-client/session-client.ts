// The client's side of a session as one synchronous machine: it proves or asks for its session on
// each connection, keeps it alive, brings calls, answers and watches to whom they belong, and says
// when the session is gone. Bytes, moments and what the caller wants go in; orders, settled calls and
// notices come out of `drain`, bytes to send out of `takeBytes`. It has no clock, no socket and no
// randomness of its own, and nothing a server sends makes it throw. Which server is tried, and when,
// is left to `Connection`.
//
// Sources: ZooKeeper 3.9 `ClientCnxn` for order and timers, with the read deadline kept whatever
// else is sent, and the session's end noticed here as well as by the server (ZOOKEEPER-4508).

import { assert, unreachable } from '../../base/assert.ts'
import { type SessionId, formatSessionId } from '../../base/session-id.ts'
import { EMPTY_BYTES } from '../../base/text.ts'
import { type Zxid, formatZxid } from '../../base/zxid.ts'
import type { Framer } from '../jute/framer.ts'
import { JuteReader } from '../jute/reader.ts'
import { type ConnectResponse, readConnectResponse } from '../records/connect.ts'
import { Answers, malformed } from './answers.ts'
import type { Call, CallFailure } from './call.ts'
import { CallQueue } from './call-queue.ts'
import { Connection } from './connection.ts'
import { type Dice, type HostPort, formatHost } from './host-list.ts'
import { type AuthIdentity, Identities } from './identities.ts'
import type { Output, SessionState } from './outputs.ts'
import { SafetyHorizon } from './safety-horizon.ts'
import { Sender } from './sender.ts'
import { SessionRecord } from './session-record.ts'
import { type SessionClientOptions, SessionTimers } from './session-timers.ts'
import { WatchRegistry, type Watcher } from './watch-registry.ts'

export class SessionClient<Tag, WatcherTag> {
  readonly #options: SessionClientOptions
  readonly #timers: SessionTimers
  readonly #connection: Connection
  readonly #session: SessionRecord
  readonly #horizon: SafetyHorizon
  readonly #watches: WatchRegistry<WatcherTag> = new WatchRegistry()
  readonly #calls: CallQueue<Tag, WatcherTag>
  readonly #identities: Identities<Tag, WatcherTag>
  readonly #sender: Sender<Tag, WatcherTag>
  readonly #answers: Answers<Tag, WatcherTag>
  readonly #reader = new JuteReader(EMPTY_BYTES)

  #state: SessionState = 'connecting'
  #outputs: Output<Tag, WatcherTag>[] = []
  #closing: 'no' | 'asked' | 'sent' = 'no'

  constructor(options: SessionClientOptions, hosts: readonly HostPort[], dice: Dice) {
    assert(hosts.length > 0, 'a client needs at least one host')
    this.#options = options
    this.#timers = new SessionTimers(options, hosts.length)
    this.#session = new SessionRecord(options)
    this.#horizon = new SafetyHorizon(options.tickTimeMs)
    const emit = (output: Output<Tag, WatcherTag>): void => {
      this.#outputs.push(output)
    }
    this.#connection = new Connection(options, hosts, dice, this.#timers, emit)
    this.#calls = new CallQueue(options.offline, this.#watches, emit)
    this.#identities = new Identities(options.auth, emit)
    this.#sender = new Sender(options, this.#calls, this.#timers, this.#horizon)
    this.#answers = new Answers({
      calls: this.#calls,
      watches: this.#watches,
      identities: this.#identities,
      sender: this.#sender,
      session: this.#session,
      horizon: this.#horizon,
      emit,
    })
  }

  // ---- Questions

  get state(): SessionState {
    return this.#state
  }

  /** 0 while there is no session. */
  get sessionId(): SessionId {
    return this.#session.id
  }

  get password(): Uint8Array {
    return this.#session.password
  }

  /** As the server granted it, in milliseconds; what was asked for before that. */
  get sessionTimeoutMs(): number {
    return this.#timers.sessionTimeoutMs
  }

  /** The server in use, or the one being tried. */
  get host(): HostPort | null {
    return this.#connection.host
  }

  /** The highest zxid that an answer has shown; no server that is behind it will be used. */
  get lastZxid(): Zxid {
    return this.#session.lastZxid
  }

  /** Calls sent and not answered. */
  get inFlight(): number {
    return this.#calls.sentCount
  }

  /** Calls not sent yet. */
  get waiting(): number {
    return this.#calls.waitingCount
  }

  /** The moment up to which no server can have expired the session. */
  get safeUntilMs(): number {
    return this.#horizon.safeUntilMs
  }

  /** Whether the session is certain to live at this moment: the answer needs no turn of any loop. */
  isSafe(nowMs: number, wallMs: number): boolean {
    return this.#session.exists && this.#horizon.isSafe(nowMs, wallMs)
  }

  /** When `tick` must be called at the latest. */
  get wakeAtMs(): number {
    const { phase } = this.#connection
    if (phase === 'idle' || phase === 'ended') return Number.POSITIVE_INFINITY
    let wakeAtMs = Math.min(
      this.#calls.nextDeadlineMs,
      this.#identities.nextDeadlineMs,
      this.#timers.closeAtMs,
      this.#connection.wakeAtMs,
    )
    if (this.#session.exists) wakeAtMs = Math.min(wakeAtMs, this.#timers.lostAtMs)
    return phase === 'established' ? Math.min(wakeAtMs, this.#timers.pingAtMs) : wakeAtMs
  }

  /** One line for logs and the simulator. */
  describe(): string {
    const host = this.host === null ? 'no host' : formatHost(this.host)
    return (
      `${this.#state} (${this.#connection.phase}) ${host} session ${formatSessionId(this.sessionId)} ` +
      `zxid ${formatZxid(this.lastZxid)} ${this.inFlight} in flight ${this.waiting} waiting`
    )
  }

  // ---- What the owner wants

  /** Begins to connect. */
  start(nowMs: number): void {
    if (this.#connection.phase !== 'idle') return
    this.#timers.heard(nowMs)
    this.#connection.begin(nowMs)
  }

  /** Asks for an operation. It comes back in `drain`, settled, exactly once. */
  submit(call: Call<Tag, WatcherTag>, nowMs: number): void {
    this.#calls.admit(call)
    if (this.#connection.hasEnded || this.#closing !== 'no') {
      const failure = this.#state === 'authFailed' ? 'auth-failed' : 'closed'
      this.#calls.fail(call, failure, `the client is ${this.#state}`)
    } else if (call.deadlineMs <= nowMs) {
      this.#calls.fail(call, 'timeout', 'there was no time left to send it')
    } else if (this.#connection.isEstablished) {
      if (this.#sender.hasRoom) this.#sender.call(call, nowMs)
      else this.#calls.wait(call)
    } else {
      this.#calls.waitOffline(call)
    }
  }

  /** The caller does not want the answer any more. What has been sent may still happen. */
  abandon(call: Call<Tag, WatcherTag>, detail: string): void {
    this.#identities.abandon(call, detail)
    this.#calls.fail(call, 'aborted', detail)
  }

  /** Nobody listens to this watcher any more; the server is told when it was the last one. */
  dropWatcher(watcher: Watcher<WatcherTag>, nowMs: number): void {
    const removal = this.#watches.drop(watcher)
    // Without a connection the server has no watch; the next one gets only what is still wanted.
    if (removal === null || !this.#connection.isEstablished || this.#closing !== 'no') return
    this.#sender.removal(removal, nowMs)
  }

  /** Proves an identity now and on every later connection. `call` (op auth) is settled by the answer. */
  addAuth(identity: AuthIdentity, call: Call<Tag, WatcherTag>): void {
    if (this.#connection.hasEnded || this.#closing !== 'no') {
      this.#calls.fail(call, 'closed', `the client is ${this.#state}`)
      return
    }
    this.#identities.add(identity, call)
    if (this.#connection.isEstablished) this.#identities.sendFor(call, this.#sender.identity)
  }

  /** Forgets the identities of a scheme; the present connection keeps them. */
  removeAuth(scheme: string): void {
    this.#identities.remove(scheme)
  }

  /** Replaces the servers. The connection stays if its server is still among them. */
  setHosts(hosts: readonly HostPort[], nowMs: number): void {
    assert(hosts.length > 0, 'a client needs at least one host')
    const isKept = this.#connection.setHosts(hosts)
    if (!isKept) this.#disconnect(nowMs, 'the server was taken off the list')
  }

  /**
   * Ends the session and the client; what is in flight gets its answer first. Without a connection
   * the attempt to end the session lasts `graceMs`. With `keepSession` nothing is told to the server.
   */
  close(nowMs: number, graceMs: number, keepSession: boolean): void {
    if (this.#connection.hasEnded || this.#closing !== 'no') return
    this.#closing = 'asked'
    this.#timers.closeAtMs = nowMs + graceMs
    const canEndSession = this.#session.exists && this.#connection.phase !== 'idle' && graceMs > 0
    if (this.#connection.isEstablished && !keepSession) {
      this.#sender.waiting(nowMs, true)
      this.#sendClose(nowMs)
      return
    }
    this.#calls.failWaiting('closed', 'the client was closed')
    if (keepSession || !canEndSession) this.#end('closed', 'closed', 'closed')
  }

  // ---- What happens

  /** The connection of an attempt is open. */
  opened(attempt: number, nowMs: number): void {
    if (!this.#connection.opened(attempt)) return
    this.#timers.sent(nowMs)
    this.#sender.outbox.connect(this.#session.request())
  }

  /** Bytes have arrived on the connection of an attempt. */
  bytes(attempt: number, chunk: Uint8Array, nowMs: number): void {
    const framer = this.#connection.framerOf(attempt)
    if (framer === null) return
    if (this.#connection.isEstablished) this.#timers.heard(nowMs)
    framer.push(chunk)
    while (framer.next()) {
      const problem = this.#takeFrame(framer, nowMs)
      if (problem !== null) {
        this.#disconnect(nowMs, problem)
        return
      }
      if (this.#connection.framerOf(attempt) !== framer) return
    }
    if (framer.problem !== null) {
      this.#calls.blame('too-large', framer.problem)
      this.#disconnect(nowMs, framer.problem)
      return
    }
    framer.keepRest()
    if (this.#connection.isEstablished) this.#sender.waiting(nowMs)
  }

  /** The connection of an attempt is closed, or could not be opened. */
  closed(attempt: number, reason: string, nowMs: number): void {
    if (this.#connection.isPresent(attempt)) this.#disconnected(nowMs, reason)
  }

  /** Time has passed. */
  tick(nowMs: number): void {
    const { phase } = this.#connection
    if (phase === 'idle' || phase === 'ended') return
    if (nowMs >= this.#timers.closeAtMs) {
      this.#end('closed', 'closed', 'closed without an answer of a server')
      return
    }
    this.#calls.expire(nowMs)
    this.#identities.expire(nowMs)
    if (this.#session.exists && nowMs >= this.#timers.lostAtMs) {
      const silence = `no server was heard for ${this.#timers.silenceMs(nowMs)} ms`
      // An answer to a handshake under way could only confuse: it would speak of the old session.
      const mustBreak = phase === 'established' || phase === 'handshake'
      if (mustBreak) this.#disconnect(nowMs, silence)
      if (this.#session.exists) this.#loseSession(silence)
    }
    const problem = this.#connection.tick(nowMs)
    if (problem !== null) this.#disconnect(nowMs, problem)
    else if (this.#connection.isEstablished && nowMs >= this.#timers.pingAtMs) {
      this.#sender.ping(nowMs)
    }
  }

  /**
   * Compares the monotonic with the wall clock, to be called once a turn. A machine that slept asks
   * the server at once whether the session is still there.
   */
  observeClocks(nowMs: number, wallMs: number): void {
    const slept = this.#horizon.observe(nowMs, wallMs)
    if (slept && this.#connection.isEstablished && this.#sender.outbox.pings === 0)
      this.#sender.ping(nowMs)
  }

  // ---- What comes out

  /** What has happened since the last call, in order. */
  drain(): readonly Output<Tag, WatcherTag>[] {
    if (this.#outputs.length === 0) return NO_OUTPUTS
    const outputs = this.#outputs
    this.#outputs = []
    return outputs
  }

  /** Bytes waiting to be sent on the present connection. */
  get pendingBytes(): number {
    return this.#sender.outbox.pendingBytes
  }

  /** What is to be sent, or null; valid until the next input. Call it after `drain`. */
  takeBytes(): Uint8Array | null {
    return this.#sender.outbox.take()
  }

  // ---- The connection

  #disconnect(nowMs: number, reason: string): void {
    this.#connection.drop()
    this.#disconnected(nowMs, reason)
  }

  /** The connection is gone, whoever ended it. */
  #disconnected(nowMs: number, reason: string): void {
    const host = this.host as HostPort
    this.#sender.outbox.clear()
    this.#identities.connectionLost()
    if (this.#connection.lost(nowMs, reason)) {
      this.#become('suspended', reason, 'connection-loss')
      this.#calls.connectionLost(`the connection to ${formatHost(host)} was lost: ${reason}`)
      if (this.#closing === 'sent') this.#end('closed', 'closed', 'closed')
      else if (!this.#session.canMove) this.#loseSession('only a read-only server knew it')
      if (this.#connection.hasEnded) return
    }
    this.#connection.retry(nowMs)
  }

  /** Takes in one frame; returns what is wrong with it, or null. */
  #takeFrame(framer: Framer, nowMs: number): string | null {
    const reader = this.#reader
    reader.reset(framer.bytes, framer.start, framer.end)
    if (this.#connection.phase === 'handshake') return this.#onHandshake(nowMs)
    const verdict = this.#answers.take(reader, nowMs)
    if (verdict === null) return null
    switch (verdict.kind) {
      case 'broken':
        return verdict.reason
      case 'session-closed':
        this.#end('closed', 'closed', 'closed')
        return null
      case 'identity-refused':
        this.#end('authFailed', 'auth-failed', verdict.reason)
        return null
      default:
        return unreachable(verdict)
    }
  }

  // ---- The session

  /** Takes in the answer to the handshake; returns what is wrong with it, or null. */
  #onHandshake(nowMs: number): string | null {
    let response: ConnectResponse
    try {
      response = readConnectResponse(this.#reader)
    } catch (thrown) {
      return malformed(thrown)
    }
    const result = this.#session.answered(response)
    if (typeof result === 'object') return result.problem
    if (result === 'expired') {
      this.#connection.leave()
      this.#loseSession('the server does not know the session any more')
      if (!this.#connection.hasEnded) this.#connection.begin(nowMs)
      return null
    }
    const newSession = result === 'new'
    this.#connection.established()
    this.#timers.established(nowMs, response.timeOut)
    this.#horizon.established(this.#timers.sentAtMs, response.timeOut)
    const state = response.readOnly === true ? 'readOnly' : 'connected'
    this.#become(state, 'a server answered', null, newSession)
    this.#identities.sendAll(this.#sender.identity)
    if (this.#closing === 'asked') {
      this.#sendClose(nowMs)
      return null
    }
    const host = this.host as HostPort
    this.#sender.watches(this.#watches, this.lastZxid, newSession, host, nowMs)
    this.#sender.waiting(nowMs)
    return null
  }

  #loseSession(reason: string): void {
    this.#session.lost()
    this.#horizon.lost()
    this.#become('lost', reason, 'session-lost')
    this.#calls.sessionLost(`the session is gone: ${reason}`)
    if (this.#closing !== 'no') this.#end('closed', 'closed', 'closed')
    else if (!this.#options.renewSession) this.#end('closed', 'session-lost', reason)
  }

  #sendClose(nowMs: number): void {
    this.#closing = 'sent'
    this.#sender.closeSession(nowMs)
  }

  #become(
    state: SessionState,
    reason: string,
    failure: CallFailure | null,
    newSession: boolean = false,
  ): void {
    const previous = this.#state
    // Without a session there is nothing to suspend; a lost one stays lost until there is another.
    if (state === 'suspended' && !this.#session.exists) return
    if (state === previous) return
    this.#state = state
    this.#outputs.push({
      kind: 'state',
      state,
      previous,
      reason,
      failure,
      sessionId: this.sessionId,
      newSession,
      host: this.host,
    })
  }

  /** Nothing happens after this. */
  #end(state: 'closed' | 'authFailed', failure: CallFailure, reason: string): void {
    this.#connection.end()
    this.#sender.outbox.clear()
    this.#horizon.lost()
    this.#become(state, reason, failure)
    this.#session.lost()
    this.#identities.failAll(failure, reason)
    this.#calls.failAll(failure, reason)
    this.#watches.clear()
  }
}

const NO_OUTPUTS: readonly never[] = []
