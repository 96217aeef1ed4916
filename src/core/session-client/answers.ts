// Takes in what a server says on an established connection and finds who waits for it. Bytes that
// make no sense are a verdict, never an exception; what follows from a verdict is decided by the
// machine.

import { unreachable } from '../../base/assert.ts'
import type { Zxid } from '../../base/zxid.ts'
import { type JuteReader, MalformedRecord } from '../jute/reader.ts'
import { ErrorCode, errorName } from '../records/errors.ts'
import { Xid } from '../records/opcodes.ts'
import { watcherEvent } from '../records/watches.ts'
import type { Call } from './call.ts'
import type { CallQueue, OwnRequest, Rearming } from './call-queue.ts'
import { decodeReply } from './decode-reply.ts'
import type { Identities } from './identities.ts'
import type { Output } from './outputs.ts'
import type { SafetyHorizon } from './safety-horizon.ts'
import type { Sender } from './sender.ts'
import type { SessionRecord } from './session-record.ts'
import type { WatchRegistry } from './watch-registry.ts'

/** What an answer means for the connection; null: nothing. */
export type Verdict =
  | null
  /** It makes no sense, and neither would anything after it. */
  | { readonly kind: 'broken'; readonly reason: string }
  /** The server has ended the session, as it was asked to. */
  | { readonly kind: 'session-closed' }
  /** An identity was refused. */
  | { readonly kind: 'identity-refused'; readonly reason: string }

export interface AnswerParts<Tag, WatcherTag> {
  readonly calls: CallQueue<Tag, WatcherTag>
  readonly watches: WatchRegistry<WatcherTag>
  readonly identities: Identities<Tag, WatcherTag>
  readonly sender: Sender<Tag, WatcherTag>
  readonly session: SessionRecord
  readonly horizon: SafetyHorizon
  readonly emit: (output: Output<Tag, WatcherTag>) => void
}

export class Answers<Tag, WatcherTag> {
  readonly #parts: AnswerParts<Tag, WatcherTag>

  constructor(parts: AnswerParts<Tag, WatcherTag>) {
    this.#parts = parts
  }

  /** Takes in the frame that `reader` stands before. */
  take(reader: JuteReader, nowMs: number): Verdict {
    try {
      const xid = reader.int()
      const zxid = reader.zxid()
      const error = reader.int()
      if (xid === Xid.notification) return this.#onNotification(reader, zxid)
      if (xid === Xid.ping) return this.#onPing()
      if (xid === Xid.auth) return this.#onAuth(error)
      return this.#onReply(reader, xid, zxid, error, nowMs)
    } catch (error) {
      return broken(malformed(error))
    }
  }

  #onReply(reader: JuteReader, xid: number, zxid: Zxid, error: number, nowMs: number): Verdict {
    const { calls, horizon, session, watches, sender } = this.#parts
    const request = calls.answered(xid)
    if (request === null) return broken(`an answer with xid ${xid} is out of order`)
    horizon.confirmed(request.sentAtMs)
    session.saw(zxid)
    if (request.kind === 'own') return this.#onOwnReply(request, zxid, error)
    if (request.watcher !== null) {
      // Nobody wants that watch any more, and now the server has it.
      const removal = watches.answered(request.watcher, error)
      if (removal !== null) sender.removal(removal, nowMs)
    }
    return request.state === 'settled' ? null : this.#settle(request, reader, zxid, error)
  }

  #settle(call: Call<Tag, WatcherTag>, reader: JuteReader, zxid: Zxid, error: number): Verdict {
    call.zxid = zxid
    call.error = error
    call.state = 'settled'
    let verdict: Verdict = null
    if (error === ErrorCode.Ok) {
      try {
        call.value = decodeReply(call.op, reader)
      } catch (thrown) {
        call.failure = 'protocol'
        call.detail = malformed(thrown)
        verdict = broken(call.detail)
      }
    }
    this.#parts.emit(call)
    return verdict
  }

  #onOwnReply(request: OwnRequest, zxid: Zxid, error: number): Verdict {
    switch (request.purpose) {
      case 'set-watches':
        if (request.rearming !== null) this.#onRearmed(request.rearming, zxid, error)
        return null
      case 'close-session':
        return { kind: 'session-closed' }
      case 'remove-watches':
        // Whether there was one or not, it is gone now.
        return null
      default:
        return unreachable(request.purpose)
    }
  }

  #onRearmed(rearming: Rearming, toZxid: Zxid, error: number): void {
    const { watches, emit } = this.#parts
    const { batch, fromZxid, newSession, host } = rearming
    for (const watcher of watches.persistentOf(batch)) {
      if (error === ErrorCode.Ok) {
        emit({ kind: 'watch-rearmed', watcher, fromZxid, toZxid, newSession, host })
      } else {
        watches.drop(watcher)
        emit({ kind: 'watch-failed', watcher, error })
      }
    }
  }

  #onPing(): Verdict {
    const { sender, horizon } = this.#parts
    const sentAtMs = sender.outbox.takePing()
    if (sentAtMs === null) return broken('an answer to a ping that was not sent')
    horizon.confirmed(sentAtMs)
    return null
  }

  #onAuth(error: number): Verdict {
    const identity = this.#parts.identities.answered(error)
    if (identity === null) return broken('an answer to an identity that was not sent')
    if (error === ErrorCode.Ok) return null
    const reason = `the server refused the ${identity.scheme} identity: ${errorName(error)}`
    return { kind: 'identity-refused', reason }
  }

  #onNotification(reader: JuteReader, zxid: Zxid): null {
    const { watches, emit } = this.#parts
    const { type, path } = watcherEvent.read(reader)
    const eventZxid = zxid > 0 ? zxid : null
    for (const watcher of watches.fire(type, path ?? '')) {
      emit({ kind: 'watch', watcher, type, path: path ?? '', zxid: eventZxid })
    }
    return null
  }
}

const broken = (reason: string): Verdict => ({ kind: 'broken', reason })

/** Says what is wrong with the bytes; anything else that was thrown is a mistake of ours. */
export function malformed(thrown: unknown): string {
  if (!(thrown instanceof MalformedRecord)) throw thrown
  return `malformed answer: ${thrown.message}`
}
