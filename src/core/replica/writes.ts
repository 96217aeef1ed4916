// The way of a write into the order of all writes: this server's own order where it leads or stands
// alone, the leader's where it follows. Requests and handshakes do not know which of the two it is.

import type { SessionId } from '../../base/session-id.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { JuteReader } from '../jute/reader.ts'
import type { TrackedSession } from '../session/session-tracker.ts'
import type { LogEntry } from '../zab/log-entry.ts'
import type { ClientConnection } from './client-connection.ts'

export interface Writes {
  /** Requests of clients that are on their way. */
  readonly count: number
  /**
   * What is ordered here and not yet applied ends with this zxid; null where the order is made
   * elsewhere.
   */
  readonly lastProposed: Zxid | null
  /** Nothing can be written here, for want of a leader. */
  readonly isReadOnly: boolean
  /** What a write is answered with that {@link write} does not take. */
  readonly refusal: number
  /** A client's write, its body where `reader` stands. False: it is refused and goes nowhere. */
  write(connection: ClientConnection, op: number, xid: number, reader: JuteReader): boolean
  beginSession(connection: ClientConnection, session: TrackedSession): void
  /** A `sync`, its body where `reader` stands. False: nothing is under way that it had to wait for. */
  sync(connection: ClientConnection, xid: number, reader: JuteReader): boolean
  /** Asks whether a session that a client wants to go on with still lives. */
  revalidate(session: SessionId, timeoutMs: number): void
  /** The entry is about to be applied. Returns who waits for it; null for nobody here. */
  take(entry: LogEntry): ClientConnection | null
  /** The entry has been applied. Returns connections whose `sync` that answers. */
  applied(zxid: Zxid): void
}
