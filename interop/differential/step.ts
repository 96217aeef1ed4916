/**
 * One thing done to both sides. Steps are plain data made of bytes, so that a history can be
 * printed, replayed in part, and be the same for both sides. Slots are places for client
 * connections, each holding at most one session at a time; `server` says which server of an
 * ensemble a new connection goes to.
 */
import type { Bytes } from '../peers/wire.ts'

export interface Request {
  readonly xid: number
  readonly type: number
  readonly body: Bytes
  /** For people: what the body says, or how it was spoilt. */
  readonly note: string
}

export type Step =
  | {
      readonly kind: 'connect'
      readonly server: number
      readonly slot: number
      readonly timeoutMs: number
      readonly readOnly: boolean | null
    }
  /** Offers the slot's session again on a new connection. */
  | {
      readonly kind: 'renew'
      readonly server: number
      readonly slot: number
      readonly timeoutMs: number
      readonly dropFirst: boolean
      readonly password: 'right' | 'wrong' | 'null'
      readonly lastZxidSeen: bigint
    }
  /** Sends requests in one write and takes as many answers. */
  | { readonly kind: 'requests'; readonly slot: number; readonly requests: readonly Request[] }
  /** Sends bytes that are no request on an established connection; the server should close. */
  | {
      readonly kind: 'bytes'
      readonly slot: number
      readonly bytes: Bytes
      readonly note: string
    }
  /** The first bytes of a new connection without a session; collects until the server closes. */
  | {
      readonly kind: 'stranger'
      readonly server: number
      readonly bytes: Bytes
      readonly note: string
    }
  /** Kills one server of the ensemble with SIGKILL; the others go on. */
  | { readonly kind: 'kill'; readonly server: number }
  /** Starts it again. */
  | { readonly kind: 'start'; readonly server: number }
  /** Drops the slot's connection for good and waits until its session has expired. */
  | { readonly kind: 'expire'; readonly slot: number; readonly ephemeralPath: string }

export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'connect':
      return `slot ${step.slot}: connect server=${step.server} timeout=${step.timeoutMs} readOnly=${step.readOnly}`
    case 'renew':
      return `slot ${step.slot}: renew server=${step.server} timeout=${step.timeoutMs} dropFirst=${step.dropFirst} password=${step.password} lastZxidSeen=${step.lastZxidSeen}`
    case 'requests':
      return step.requests
        .map((request) => `slot ${step.slot}: ${describeRequest(request)}`)
        .join('\n')
    case 'bytes':
      return `slot ${step.slot}: bytes ${step.note}`
    case 'stranger':
      return `new connection to server ${step.server}: ${step.note}`
    case 'kill':
    case 'start':
      return `${step.kind} server ${step.server}`
    case 'expire':
      return `slot ${step.slot}: drop and let the session expire (watching ${step.ephemeralPath})`
  }
}

export function describeRequest(request: Request): string {
  const hex = request.body.toString('hex')
  const bytes = hex.length > 400 ? `${hex.slice(0, 400)}... (${request.body.length} bytes)` : hex
  return `xid=${request.xid} type=${request.type} ${request.note} [${bytes}]`
}
