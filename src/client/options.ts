// What a user of the client may set, with its defaults and limits. Times are in milliseconds.

import type { HostPort } from '../core/session-client/host-list.ts'
import { parseConnectionString } from '../core/session-client/host-list.ts'
import { chrootProblem } from '../core/session-client/chroot.ts'
import {
  DEFAULT_OPTIONS,
  type SessionClientOptions,
} from '../core/session-client/session-timers.ts'
import { encodeUtf8 } from '../base/text.ts'
import type { Logger } from '../ports/logger.ts'
import { BadOptionsError } from './errors.ts'
import { type KnownOptions, requireKnown } from './known-options.ts'
import type { Bytes } from './bytes.ts'

/** Options of a client. Everything has a safe default. */
export interface ConnectOptions {
  /** What is asked of the server; it may grant more or less (`session.timeout`). Default 30,000 ms. */
  readonly sessionTimeout?: number
  /**
   * For one attempt, TCP and handshake together.
   * Default: the session's timeout divided by the number of hosts, at most 10,000 ms.
   */
  readonly connectTimeout?: number
  /** For a whole operation including any wait for a connection. Default 15,000 ms; `Infinity` is allowed. */
  readonly operationTimeout?: number
  /** What follows a lost session: a new one (`renew`, the default) or the end of the client (`close`). */
  readonly onSessionLost?: 'renew' | 'close'
  /** A session to take over, from {@link Session.id} and {@link Session.password}. */
  readonly resume?: { readonly id: bigint; readonly password: Uint8Array }
  /**
   * How much may wait while there is no connection: 10,000 operations and 16 MiB by default. Beyond
   * that they fail with `QueueFullError`; `false` fails each with `NotConnectedError`.
   */
  readonly offlineQueue?: { readonly max?: number; readonly maxBytes?: number } | false
  /** Operations sent and not answered; further ones wait. Default 1,000. */
  readonly maxInFlight?: number
  /** Largest frames in bytes: by default 1 MiB - 1 to send, 4 MiB - 1 KiB to receive. */
  readonly maxPacket?: { readonly send?: number; readonly receive?: number }
  /** Whether a server without a quorum will do for reading. Default false. */
  readonly readOnly?: boolean
  /** Stands before every path; appended to the one in the connection string. */
  readonly chroot?: string
  /** Identities to prove on every connection before anything else. */
  readonly auth?: readonly AuthInfo[]
  /** `shuffle` (the default) spreads clients over the servers; `sequential` keeps the given order. */
  readonly hostOrder?: 'shuffle' | 'sequential'
  /** The servers' `tickTime`, which the safety margin of {@link Session.valid} counts with. Default 2,000 ms. */
  readonly tickTime?: number
  /** Let the stack of an error begin where the operation was called. Costs some microseconds for each. */
  readonly captureStacks?: boolean
  /** Where the client says what happens to it. By default it says nothing. */
  readonly logger?: Logger
}

/** An identity: for `digest` the data is `user:password`. */
export interface AuthInfo {
  readonly scheme: string
  readonly data: Bytes
}

/** Options that every operation takes. */
export interface OperationOptions {
  /** Ends the wait; what has been sent may happen all the same. */
  readonly signal?: AbortSignal
  /** Milliseconds for the whole operation; the client's `operationTimeout` by default. */
  readonly timeout?: number
  /** Send a write again when the connection breaks before its answer. Only for writes that bear it. */
  readonly idempotent?: boolean
  /**
   * `session`: fail when the session changes before the answer (writes do so by default).
   * `any`: let it happen in a later session (reads do so by default).
   */
  readonly boundTo?: 'session' | 'any'
}

/** Options of reads. */
export interface ReadOptions extends OperationOptions {
  /**
   * `session` (the default) reads what this server has, never going back in time; `linearizable`
   * syncs with the leader first; `strict` makes a write of no effect first, for which a majority
   * must be there.
   */
  readonly consistency?: 'session' | 'linearizable' | 'strict'
}

export interface ResolvedOptions {
  readonly hosts: readonly HostPort[]
  readonly chroot: string
  readonly operationTimeoutMs: number
  readonly captureStacks: boolean
  readonly machine: SessionClientOptions
  readonly logger: Logger | null
}

export function resolveOptions(target: string, options: ConnectOptions = {}): ResolvedOptions {
  requireKnown('a client', options, CONNECT_OPTIONS)
  const parsed = parseTarget(target)
  const chroot = parsed.chroot + (options.chroot === '/' ? '' : (options.chroot ?? ''))
  const problem = chrootProblem(chroot)
  if (problem !== null) throw new BadOptionsError(`chroot ${JSON.stringify(chroot)}: ${problem}`)
  const offline = options.offlineQueue
  return {
    hosts: parsed.hosts,
    chroot,
    operationTimeoutMs: milliseconds('operationTimeout', options.operationTimeout, 15_000, true),
    captureStacks: options.captureStacks ?? false,
    logger: options.logger ?? null,
    machine: {
      sessionTimeoutMs: milliseconds(
        'sessionTimeout',
        options.sessionTimeout,
        DEFAULT_OPTIONS.sessionTimeoutMs,
      ),
      connectTimeoutMs:
        options.connectTimeout === undefined
          ? null
          : milliseconds('connectTimeout', options.connectTimeout, 0),
      tickTimeMs: milliseconds('tickTime', options.tickTime, DEFAULT_OPTIONS.tickTimeMs),
      readOnly: options.readOnly ?? false,
      renewSession: (options.onSessionLost ?? 'renew') === 'renew',
      resume: options.resume ?? null,
      offline:
        offline === false
          ? { calls: 0, bytes: 0 }
          : {
              calls: count('offlineQueue.max', offline?.max, DEFAULT_OPTIONS.offline.calls),
              bytes: count(
                'offlineQueue.maxBytes',
                offline?.maxBytes,
                DEFAULT_OPTIONS.offline.bytes,
              ),
            },
      inFlightMax: count('maxInFlight', options.maxInFlight, DEFAULT_OPTIONS.inFlightMax),
      sendBytesMax: count('maxPacket.send', options.maxPacket?.send, DEFAULT_OPTIONS.sendBytesMax),
      receiveBytesMax: count(
        'maxPacket.receive',
        options.maxPacket?.receive,
        DEFAULT_OPTIONS.receiveBytesMax,
      ),
      auth: (options.auth ?? []).map(({ scheme, data }) => ({ scheme, data: asBytes(data) })),
      shuffleHosts: (options.hostOrder ?? 'shuffle') === 'shuffle',
    },
  }
}

const CONNECT_OPTIONS: KnownOptions<ConnectOptions> = {
  sessionTimeout: true,
  connectTimeout: true,
  operationTimeout: true,
  onSessionLost: true,
  resume: true,
  offlineQueue: true,
  maxInFlight: true,
  maxPacket: true,
  readOnly: true,
  chroot: true,
  auth: true,
  hostOrder: true,
  tickTime: true,
  captureStacks: true,
  logger: true,
}

export function parseTarget(target: string): {
  readonly hosts: readonly HostPort[]
  readonly chroot: string
} {
  try {
    return parseConnectionString(target)
  } catch (error) {
    throw new BadOptionsError(error instanceof Error ? error.message : String(error))
  }
}

export const asBytes = (value: Bytes): Uint8Array =>
  typeof value === 'string' ? encodeUtf8(value) : value

function milliseconds(
  name: string,
  value: number | undefined,
  fallback: number,
  mayBeInfinite: boolean = false,
): number {
  if (value === undefined) return fallback
  const ok = mayBeInfinite && value === Number.POSITIVE_INFINITY
  if (ok || (Number.isFinite(value) && value > 0 && value <= 0x7fffffff)) return value
  throw new BadOptionsError(`${name} must be a positive number of milliseconds, not ${value}`)
}

function count(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new BadOptionsError(`${name} must be a positive whole number, not ${value}`)
}
