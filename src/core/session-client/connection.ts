// Which server is in use or tried next, and how far that has come. It goes round the hosts, waits
// longer after each round without success, has the frames of the present connection, and says what
// has taken too long. It knows neither session nor calls, and sends nothing.
//
//   waiting ──► opening ──► handshake ──► established
//      ▲           │            │              │
//      └───────────┴────────────┴──────────────┘        any ──► ended

import { unreachable } from '../../base/assert.ts'
import { Framer } from '../jute/framer.ts'
import { type Dice, type HostPort, HostRotation } from './host-list.ts'
import type { AttemptFailed, CloseConnection, OpenConnection } from './outputs.ts'
import type { SessionClientOptions, SessionTimers } from './session-timers.ts'

export type Phase = 'idle' | 'waiting' | 'opening' | 'handshake' | 'established' | 'ended'

export class Connection {
  readonly #options: SessionClientOptions
  readonly #dice: Dice
  readonly #timers: SessionTimers
  readonly #emit: (output: OpenConnection | CloseConnection | AttemptFailed) => void
  #hosts: HostRotation

  #phase: Phase = 'idle'
  #attempt = 0
  #host: HostPort | null = null
  #framer = new Framer(0)

  constructor(
    options: SessionClientOptions,
    hosts: readonly HostPort[],
    dice: Dice,
    timers: SessionTimers,
    emit: (output: OpenConnection | CloseConnection | AttemptFailed) => void,
  ) {
    this.#options = options
    this.#dice = dice
    this.#timers = timers
    this.#emit = emit
    this.#hosts = this.#rotation(hosts)
  }

  get phase(): Phase {
    return this.#phase
  }

  /** The server in use, or the one being tried. */
  get host(): HostPort | null {
    return this.#host
  }

  get isEstablished(): boolean {
    return this.#phase === 'established'
  }

  get hasEnded(): boolean {
    return this.#phase === 'ended'
  }

  /** When {@link tick} will find something to do. */
  get wakeAtMs(): number {
    switch (this.#phase) {
      case 'waiting':
        return this.#timers.attemptAtMs
      case 'opening':
      case 'handshake':
        return this.#timers.connectByMs
      case 'established':
        return this.#timers.readByMs
      case 'idle':
      case 'ended':
        return Number.POSITIVE_INFINITY
      default:
        return unreachable(this.#phase)
    }
  }

  /** Whether this attempt is the present one, and has not been given up. */
  isPresent(attempt: number): boolean {
    return attempt === this.#attempt && this.#isUnderWay
  }

  /** The frames of the present connection; null where the attempt has none, or none any more. */
  framerOf(attempt: number): Framer | null {
    if (attempt !== this.#attempt) return null
    return this.#phase === 'handshake' || this.#phase === 'established' ? this.#framer : null
  }

  /** Tries the next server. */
  begin(nowMs: number): void {
    this.#attempt++
    this.#host = this.#hosts.next()
    this.#phase = 'opening'
    this.#timers.connecting(nowMs)
    this.#emit({ kind: 'open', attempt: this.#attempt, host: this.#host })
  }

  /** The connection of an attempt is open; false where that is of no use any more. */
  opened(attempt: number): boolean {
    if (attempt !== this.#attempt || this.#phase !== 'opening') return false
    this.#phase = 'handshake'
    this.#framer = new Framer(this.#options.receiveBytesMax)
    return true
  }

  /** The server has granted a session, or taken it up again. */
  established(): void {
    this.#phase = 'established'
  }

  /** Tries the next server when it is time to; says what else has taken too long, or null. */
  tick(nowMs: number): string | null {
    const timers = this.#timers
    switch (this.#phase) {
      case 'waiting':
        if (nowMs >= timers.attemptAtMs) this.begin(nowMs)
        return null
      case 'opening':
      case 'handshake': {
        if (nowMs < timers.connectByMs) return null
        const what = this.#phase === 'opening' ? 'no connection' : 'no answer to the handshake'
        return `${what} in ${timers.connectTimeoutMs} ms`
      }
      case 'established':
        return nowMs < timers.readByMs ? null : `no answer for ${timers.silenceMs(nowMs)} ms`
      case 'idle':
      case 'ended':
        return null
      default:
        return unreachable(this.#phase)
    }
  }

  /** Asks for the end of the present connection; {@link lost}, {@link leave} or {@link end} follows. */
  drop(): void {
    this.#emit({ kind: 'close', attempt: this.#attempt })
  }

  /** The connection is gone, whoever ended it; true where it was more than an attempt. */
  lost(nowMs: number, reason: string): boolean {
    const wasEstablished = this.isEstablished
    this.#phase = 'waiting'
    if (!wasEstablished) {
      this.#emit({ kind: 'attempt-failed', host: this.#host as HostPort, reason })
    } else if (this.#timers.establishedForMs(nowMs) >= SHORT_CONNECTION_MS) {
      // A connection that ended at once counts as a failed one, or this would be a busy loop.
      this.#hosts.succeeded()
    }
    return wasEstablished
  }

  /** After a connection that was lost: at once, or when all servers have had their turn, later. */
  retry(nowMs: number): void {
    if (this.#hosts.wentRound) {
      this.#timers.attemptAtMs = nowMs + backoffMs(this.#hosts.rounds, this.#dice)
    } else {
      this.begin(nowMs)
    }
  }

  /** Gives the present server up without blaming it. */
  leave(): void {
    this.drop()
    this.#attempt++
    this.#phase = 'waiting'
  }

  /** Replaces the servers; false where the one in use, or being tried, is not among them. */
  setHosts(hosts: readonly HostPort[]): boolean {
    this.#hosts = this.#rotation(hosts)
    this.#timers.hostCount = hosts.length
    const current = this.#host
    const kept = hosts.some(({ host, port }) => host === current?.host && port === current.port)
    return kept || !this.#isUnderWay
  }

  /** Nothing is tried after this. */
  end(): void {
    if (this.#isUnderWay) this.drop()
    this.#phase = 'ended'
    this.#attempt++
  }

  get #isUnderWay(): boolean {
    return this.#phase === 'opening' || this.#phase === 'handshake' || this.#phase === 'established'
  }

  #rotation(hosts: readonly HostPort[]): HostRotation {
    return new HostRotation(hosts, this.#options.shuffleHosts ? this.#dice : null)
  }
}

const SHORT_CONNECTION_MS = 1_000

/** Doubles with each round of the hosts, from 50 ms to one second, and leaves half to chance. */
function backoffMs(rounds: number, dice: Dice): number {
  const longest = Math.min(1_000, 50 * 2 ** Math.min(rounds - 1, 10))
  return longest / 2 + dice.below(Math.ceil(longest / 2) + 1)
}
