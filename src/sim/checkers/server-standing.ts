// What the checker of a server's wire has been told of the server: whether and whom it serves, and how
// far it is.

import { type Zxid, ZXID_ZERO } from '../../base/zxid.ts'
import type { HistoryView } from './history.ts'

export class ServerStanding {
  readonly #history: HistoryView
  /** Why the server serves nobody at present. */
  notServing: string | null = null
  /** False: it serves the clients of other servers alone. */
  takesClients = true
  /** It has no leader, and serves those who asked for no more. */
  isReadOnly = false
  /** The server's position at the end of the last turn. */
  applied: Zxid = ZXID_ZERO

  constructor(history: HistoryView) {
    this.#history = history
  }

  /** Whether what a server shows there must be what the history says. */
  isCertain(zxid: Zxid): boolean {
    return !this.isReadOnly || this.#history.isCommitted?.(zxid) === true
  }

  hasAt(zxid: Zxid, session: bigint): boolean {
    return this.#history.stateAt(zxid).sessions.has(session)
  }
}
