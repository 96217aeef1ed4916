// What a client holds of its session: who it is, the proof of it, and how far the session has seen.
// It decides what a handshake asks for and whether an answer fits, and knows nothing of time.

import { SESSION_NONE, type SessionId, sessionIdOf } from '../../base/session-id.ts'
import { ZXID_ZERO, type Zxid } from '../../base/zxid.ts'
import { type ConnectRequest, type ConnectResponse, PASSWORD_BYTES } from '../records/connect.ts'
import type { SessionClientOptions } from './session-timers.ts'

/** What became of a handshake; text says what is wrong with the answer. */
export type HandshakeResult = 'new' | 'resumed' | 'expired' | { readonly problem: string }

export class SessionRecord {
  /** 0 while there is no session. */
  id: SessionId = SESSION_NONE
  password: Uint8Array = NO_PASSWORD
  /**
   * The highest zxid that an answer has shown. It is kept when the session is not: no later session
   * may see an older tree.
   */
  lastZxid: Zxid = ZXID_ZERO
  /** A session that only a server without a quorum knows cannot be taken to another server. */
  canMove = false

  readonly #timeoutMs: number
  readonly #readOnly: boolean

  constructor({ sessionTimeoutMs, readOnly, resume }: SessionClientOptions) {
    this.#timeoutMs = sessionTimeoutMs
    this.#readOnly = readOnly
    if (resume === null) return
    this.id = sessionIdOf(resume.id)
    this.password = resume.password
    this.canMove = true
  }

  get exists(): boolean {
    return this.id !== SESSION_NONE
  }

  /** An answer has shown this zxid; -1 and 0 say nothing. */
  saw(zxid: Zxid): void {
    if (zxid > this.lastZxid) this.lastZxid = zxid
  }

  /** What to ask of the next server: the session that may be moved, else a new one. */
  request(): Omit<ConnectRequest, 'lastZxidSeen'> & { readonly lastZxidSeen: Zxid } {
    return {
      protocolVersion: 0,
      lastZxidSeen: this.lastZxid,
      timeOut: this.#timeoutMs,
      sessionId: this.canMove ? this.id : SESSION_NONE,
      passwd: this.canMove ? this.password : NO_PASSWORD,
      readOnly: this.#readOnly,
    }
  }

  answered(response: ConnectResponse): HandshakeResult {
    if (response.timeOut <= 0) {
      return this.exists ? 'expired' : { problem: 'the server granted no session' }
    }
    const id = sessionIdOf(response.sessionId)
    if (id === SESSION_NONE) return { problem: 'the server granted a session without an id' }
    const resumed = this.canMove
    if (resumed && id !== this.id) return { problem: 'the server answered for another session' }
    this.id = id
    this.password = response.passwd ?? NO_PASSWORD
    this.canMove ||= response.readOnly !== true
    return resumed ? 'resumed' : 'new'
  }

  lost(): void {
    this.id = SESSION_NONE
    this.password = NO_PASSWORD
    this.canMove = false
  }
}

const NO_PASSWORD: Uint8Array = new Uint8Array(PASSWORD_BYTES)
