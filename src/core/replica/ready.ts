// What goes into a replica and what comes out of it. `step` takes one input and mutates the
// replica; `drain` hands out everything that follows from it. The replica performs nothing itself:
// its owner (the pump) carries out a Ready in the one permitted order, see `pump.ts`.

import type { SessionId } from '../../base/session-id.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { ConnectionId } from '../../ports/client-network.ts'
import type { LinkId, PeerAddress, PeerDoor } from '../../ports/peer-network.ts'
import type { JuteWriter } from '../jute/writer.ts'
import type { RemarkFields } from '../peer/peer-links.ts'
import type { Membership } from '../quorum/membership.ts'
import type { Database } from '../tree/database.ts'
import type { EpochFile } from '../zab/zab-host.ts'
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
  /** The oldest disk task is done; `database` is what a task brought back that reads one. */
  | { readonly kind: 'task-done'; readonly task: DiskTask; readonly database: Database | null }
  | LinkInput
  /** A session is to end now, as if its time had run out. */
  | { readonly kind: 'session-over'; readonly session: SessionId }
  /** The deadline of the last Ready has come, or may have. */
  | { readonly kind: 'wake' }

/** What the network tells of doors and links for other servers. */
export type LinkInput =
  | { readonly kind: 'door-opened'; readonly door: PeerDoor }
  | { readonly kind: 'door-failed'; readonly door: PeerDoor; readonly reason: string }
  | {
      readonly kind: 'link-accepted'
      readonly link: LinkId
      readonly door: PeerDoor
      readonly remote: string
    }
  | { readonly kind: 'link-opened'; readonly link: LinkId }
  /** The bytes are valid during the step only. */
  | { readonly kind: 'link-bytes'; readonly link: LinkId; readonly bytes: Uint8Array }
  /** What was sent on a link that wanted room has been taken well enough. */
  | { readonly kind: 'link-room'; readonly link: LinkId }
  | { readonly kind: 'link-closed'; readonly link: LinkId; readonly reason: string }

export type LinkCommand =
  | { readonly kind: 'open-door'; readonly door: PeerDoor; readonly address: PeerAddress }
  | { readonly kind: 'close-door'; readonly door: PeerDoor }
  | {
      readonly kind: 'dial'
      readonly link: LinkId
      readonly address: PeerAddress
      readonly timeoutMs: number
    }

/** Bytes for one link. Whoever sends them resets the writer, or detaches it. */
export interface LinkOutput {
  readonly link: LinkId
  readonly output: JuteWriter
  /** Close the link once they are sent. */
  readonly close: boolean
  /** A `link-room` input is to follow. Whoever takes the output sets it back. */
  wantsRoom: boolean
}

/** Work on the disk besides the log, one after the other, behind what was appended before. */
export type DiskTask =
  | { readonly kind: 'write-epoch'; readonly file: EpochFile; readonly epoch: number }
  /** A membership that was proposed, or decided; null where nothing is proposed any more. */
  | {
      readonly kind: 'write-membership'
      readonly membership: Membership | null
      readonly isCommitted: boolean
    }
  /** Cut the log behind `zxid`, and bring back the database that is left. */
  | { readonly kind: 'truncate'; readonly zxid: Zxid }
  /** The database as it is becomes durable, and the log ends with it. */
  | { readonly kind: 'save-history'; readonly zxid: Zxid }
  /** Bring back the database from the disk. */
  | { readonly kind: 'reload' }

/** What operators are told. */
export interface Remark {
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: RemarkFields
}

/** Frames for one connection, in order. */
export interface ClientOutput {
  readonly connection: ConnectionId
  /** The frames; whoever sends them resets the writer, or detaches it where the network keeps the bytes. */
  readonly output: JuteWriter
  /** Close the connection once they are sent. */
  readonly close: boolean
  /** To be closed because its client has closed the session. */
  readonly isDone: boolean
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
  readonly linkCommands: readonly LinkCommand[]
  /** Send now, behind the commands: whatever claims that something is durable waited for it. */
  readonly linkOutputs: readonly LinkOutput[]
  /** To be done one after the other; each is answered by a `task-done` input. */
  readonly tasks: readonly DiskTask[]
  /** Begin a snapshot, as one is written now and then. */
  readonly wantsSnapshot: boolean
  readonly remarks: readonly Remark[]
  /** The server cannot go on: why. Null usually. */
  readonly fatal: string | null
  /** The next time at which the replica has something to do on its own; Infinity for never. */
  readonly wakeAtMs: number
}
