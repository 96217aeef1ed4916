// What goes into a replica and what comes out of it. `step` takes one input and mutates the
// replica; `drain` hands out everything that follows from it. The replica performs nothing itself:
// its owner (the pump) carries out a Ready in the one permitted order, see `pump.ts`.

import type { SessionId } from '../../base/session-id.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { ConnectionId } from '../../ports/client-network.ts'
import type { JuteWriter } from '../jute/writer.ts'
import type { LogEntry } from '../zab/log-entry.ts'

/** The time of an input, told by the owner of the clock. */
export interface Moment {
  /** Milliseconds that never go backwards. */
  readonly nowMs: number
  /** Milliseconds since 1970; only stamps use it. */
  readonly wallMs: number
}

export type Input =
  | {
      readonly kind: 'client-opened'
      readonly connection: ConnectionId
      /** The peer's IP address as text. */
      readonly address: string
      readonly port: number
    }
  | {
      readonly kind: 'client-bytes'
      readonly connection: ConnectionId
      /** Valid during the step only. */
      readonly bytes: Uint8Array
    }
  /** What a connection was held back for has been sent, and taken well enough. */
  | { readonly kind: 'client-drained'; readonly connection: ConnectionId }
  | { readonly kind: 'client-closed'; readonly connection: ConnectionId }
  /** Everything appended up to this zxid is on disk. */
  | { readonly kind: 'durable'; readonly zxid: Zxid }
  /** A session is to end now, as if its time had run out. */
  | { readonly kind: 'session-over'; readonly session: SessionId }
  /** The deadline of the last Ready has come, or may have. */
  | { readonly kind: 'wake' }

/** Frames for one connection, in order. */
export interface ClientOutput {
  readonly connection: ConnectionId
  /** The frames; whoever sends them resets the writer, or detaches it where the network keeps the bytes. */
  readonly output: JuteWriter
  /** Close the connection once they are sent. */
  readonly close: boolean
  /** Requests wait until this has been sent: a `client-drained` input goes on with them. */
  readonly isHeldBack: boolean
}

/** A four-letter word that a connection sent instead of a handshake; it is answered and closed. */
export interface FourLetterWord {
  readonly connection: ConnectionId
  readonly word: string
  /** Up to eight bytes that followed the word (`stmk` has an argument). */
  readonly argument: Uint8Array
}

/** Valid until the next step. */
export interface Ready {
  /** Make durable, in this order; answered by a `durable` input. */
  readonly append: readonly LogEntry[]
  /** Send now: nothing in here shows what is not durable. */
  readonly replies: readonly ClientOutput[]
  readonly words: readonly FourLetterWord[]
  /** Connections whose reading is to be stopped or resumed. */
  readonly reading: readonly { readonly connection: ConnectionId; readonly reading: boolean }[]
  /** The next time at which the replica has something to do on its own; Infinity for never. */
  readonly wakeAtMs: number
}
