// Runs the session machine on a platform: bytes from the transport and the passing of time go in,
// settled calls and notices go out to whoever asked. One turn, one write: everything that is asked
// for or answered within a turn of the event loop leaves in a single send. It is the only owner of
// the connection and of the one timer, and knows no operation.

import { assert } from '../base/assert.ts'
import { SESSION_NONE, formatSessionId } from '../base/session-id.ts'
import type { Call } from '../core/session-client/call.ts'
import { type HostPort, formatHost } from '../core/session-client/host-list.ts'
import type { Output, SessionState, StateChange } from '../core/session-client/outputs.ts'
import { SessionClient } from '../core/session-client/session-client.ts'
import type { Watcher } from '../core/session-client/watch-registry.ts'
import type { TransportConnection } from '../ports/transport.ts'
import { type ConnectAttempt, SessionLostError } from './errors.ts'
import type { ResolvedOptions } from './options.ts'
import type { Platform } from './platform.ts'
import { Session } from './session.ts'

/** Whoever waits for a call. */
export interface CallOwner {
  settled(call: ClientCall): void
}

/** Whoever listens to a watch. */
export interface WatchListener {
  fired(type: number, path: string, zxid: number | null): void
  /** Set again after a gap; what happened between the zxids was not announced. */
  rearmed(fromZxid: number, toZxid: number, newSession: boolean, server: string): void
  /** It could not be set again. */
  failed(error: number): void
}

export type ClientCall = Call<CallOwner, WatchListener>
export type ClientWatcher = Watcher<WatchListener>

export class Driver {
  readonly options: ResolvedOptions
  readonly platform: Platform
  readonly #machine: SessionClient<CallOwner, WatchListener>
  readonly #stateListeners = new Set<(change: StateChange) => void>()
  readonly #attempts: ConnectAttempt[] = []

  #session: Session | null = null
  #connection: TransportConnection | null = null
  #flushIsScheduled = false
  #cancelTimer: (() => void) | null = null
  #timerAtMs = Number.POSITIVE_INFINITY

  constructor(options: ResolvedOptions, platform: Platform) {
    this.options = options
    this.platform = platform
    this.#machine = new SessionClient(options.machine, options.hosts, platform.random)
  }

  get state(): SessionState {
    return this.#machine.state
  }

  get session(): Session | null {
    return this.#session
  }

  get sessionId(): bigint {
    return this.#machine.sessionId
  }

  get lastZxid(): number {
    return this.#machine.lastZxid
  }

  get inFlight(): number {
    return this.#machine.inFlight
  }

  get waiting(): number {
    return this.#machine.waiting
  }

  /** `host:port` in use or being tried. */
  get server(): string | undefined {
    const host = this.#machine.host
    return host === null ? undefined : formatHost(host)
  }

  /** What the latest failed attempts to connect said, oldest first. */
  get attempts(): readonly ConnectAttempt[] {
    return this.#attempts
  }

  nowMs(): number {
    return this.platform.clock.nowMs()
  }

  /** Begins to connect, if that has not happened yet. */
  start(): void {
    this.#machine.start(this.nowMs())
    this.#scheduleFlush()
  }

  /** Asks for an operation; the first one also begins to connect. */
  submit(call: ClientCall): void {
    const nowMs = this.nowMs()
    this.#machine.start(nowMs)
    this.#machine.submit(call, nowMs)
    if (this.#machine.pendingBytes >= EARLY_SEND_BYTES) this.#send()
    this.#scheduleFlush()
  }

  abandon(call: ClientCall, detail: string): void {
    this.#machine.abandon(call, detail)
    this.#scheduleFlush()
  }

  dropWatcher(watcher: ClientWatcher): void {
    this.#machine.dropWatcher(watcher, this.nowMs())
    this.#scheduleFlush()
  }

  addAuth(scheme: string, data: Uint8Array, call: ClientCall): void {
    this.#machine.addAuth({ scheme, data }, call)
    this.#scheduleFlush()
  }

  removeAuth(scheme: string): void {
    this.#machine.removeAuth(scheme)
  }

  setHosts(hosts: readonly HostPort[]): void {
    this.#machine.setHosts(hosts, this.nowMs())
    this.#scheduleFlush()
  }

  close(graceMs: number, keepSession: boolean): void {
    this.#machine.close(this.nowMs(), graceMs, keepSession)
    this.#scheduleFlush()
  }

  /** Calls `listener` with every later change of state, in order; the result ends that. */
  onState(listener: (change: StateChange) => void): () => void {
    this.#stateListeners.add(listener)
    return () => this.#stateListeners.delete(listener)
  }

  /** Runs `task` later; the result takes it back. */
  schedule(delayMs: number, task: () => void): () => void {
    return this.platform.timers.schedule(delayMs, task)
  }

  /** Runs what belongs to a user, whose mistakes must not end the connection. */
  guarded(what: string, task: () => void): void {
    try {
      task()
    } catch (error) {
      this.platform.logger.error(`a ${what} threw`, { error })
    }
  }

  // ---- One turn

  #scheduleFlush(): void {
    if (this.#flushIsScheduled) return
    this.#flushIsScheduled = true
    this.platform.timers.schedule(0, this.#flush)
  }

  readonly #flush = (): void => {
    this.#flushIsScheduled = false
    const { clock } = this.platform
    this.#machine.observeClocks(clock.nowMs(), clock.wallMs())
    this.#deliver()
    this.#send()
    this.#setTimer()
  }

  /** Hands out what has happened; what that makes users ask for leaves at the end of the turn. */
  #deliver(): void {
    for (;;) {
      const outputs = this.#machine.drain()
      if (outputs.length === 0) return
      for (const output of outputs) this.#handOut(output)
    }
  }

  #handOut(output: Output<CallOwner, WatchListener>): void {
    switch (output.kind) {
      case 'call':
        output.tag.settled(output)
        return
      case 'watch':
        output.watcher.tag.fired(output.type, output.path, output.zxid)
        return
      case 'watch-rearmed': {
        const { fromZxid, toZxid, newSession, host } = output
        output.watcher.tag.rearmed(fromZxid, toZxid, newSession, formatHost(host))
        return
      }
      case 'watch-failed':
        output.watcher.tag.failed(output.error)
        return
      case 'open':
        this.#open(output.attempt, output.host)
        return
      case 'close':
        this.#connection?.close()
        this.#connection = null
        return
      case 'attempt-failed': {
        const attempt = { server: formatHost(output.host), reason: output.reason }
        this.#attempts.push(attempt)
        if (this.#attempts.length > ATTEMPTS_KEPT) this.#attempts.shift()
        this.platform.logger.debug('no connection', attempt)
        return
      }
      case 'state':
        this.#onState(output)
    }
  }

  #open(attempt: number, { host, port }: HostPort): void {
    this.#connection?.close()
    this.#connection = this.platform.transport.connect(host, port, {
      opened: () => {
        this.#machine.opened(attempt, this.nowMs())
        this.#scheduleFlush()
      },
      bytes: (chunk) => {
        this.#machine.bytes(attempt, chunk, this.nowMs())
        this.#deliver()
        this.#scheduleFlush()
      },
      closed: (reason) => {
        this.#machine.closed(attempt, reason, this.nowMs())
        this.#deliver()
        this.#scheduleFlush()
      },
    })
  }

  #send(): void {
    const bytes = this.#machine.takeBytes()
    if (bytes === null) return
    assert(this.#connection !== null, 'bytes to send imply a connection')
    this.#connection.send(bytes)
  }

  /** One timer, set only when the next deadline is earlier than what it is set to. */
  #setTimer(): void {
    const wakeAtMs = this.#machine.wakeAtMs
    if (wakeAtMs === Number.POSITIVE_INFINITY) {
      this.#cancelTimer?.()
      this.#cancelTimer = null
      this.#timerAtMs = Number.POSITIVE_INFINITY
      return
    }
    if (this.#cancelTimer !== null && this.#timerAtMs <= wakeAtMs) return
    this.#cancelTimer?.()
    this.#timerAtMs = wakeAtMs
    const delayMs = Math.min(Math.max(1, Math.ceil(wakeAtMs - this.nowMs())), LONGEST_DELAY_MS)
    this.#cancelTimer = this.platform.timers.schedule(delayMs, this.#wake)
  }

  readonly #wake = (): void => {
    this.#cancelTimer = null
    this.#machine.tick(this.nowMs())
    this.#flush()
  }

  // ---- The session

  #onState(change: StateChange): void {
    const machine = this.#machine
    this.platform.logger.info(`session ${change.state}`, {
      previous: change.previous,
      reason: change.reason,
      sessionId: formatSessionId(change.sessionId),
      ...(change.host === null ? {} : { server: formatHost(change.host) }),
    })
    if (change.state === 'connected' || change.state === 'readOnly') {
      this.#attempts.length = 0
      if (this.#session === null || this.#session.id !== change.sessionId) {
        this.#endSession('another session took its place')
        const { password, sessionTimeoutMs } = machine
        const { clock } = this.platform
        this.#session = new Session(machine, clock, password, sessionTimeoutMs)
      } else {
        this.#session.granted(machine.sessionTimeoutMs)
      }
    } else if (change.state !== 'suspended' && change.state !== 'connecting') {
      this.#endSession(change.reason)
    }
    for (const listener of Array.from(this.#stateListeners)) {
      this.guarded('state listener', () => listener(change))
    }
  }

  #endSession(reason: string): void {
    const session = this.#session
    if (session === null || session.id === SESSION_NONE) return
    this.#session = null
    const error = new SessionLostError(`session ${formatSessionId(session.id)}: ${reason}`, {
      code: 'ZK_SESSION_LOST',
      retry: 'new-session',
      sessionId: session.id,
    })
    this.guarded('listener of a session signal', () => session.end(error))
  }
}

/** What has gathered up to here goes out at once, so that the server can begin. */
const EARLY_SEND_BYTES = 64 << 10
const ATTEMPTS_KEPT = 20
const LONGEST_DELAY_MS = 60_000
