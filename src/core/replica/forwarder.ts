// A follower's writes: they are passed on to the leader and come back as committed transactions,
// each in its turn. The leader handles what it gets from one learner in the order in which it gets
// it, so whatever comes back of ours comes back in that order (ZooKeeper 3.9 `CommitProcessor`).

import { Ring } from '../../base/ring.ts'
import type { SessionId } from '../../base/session-id.ts'
import { EMPTY_BYTES } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { JuteReader } from '../jute/reader.ts'
import { JuteWriter } from '../jute/writer.ts'
import { ErrorCode } from '../records/errors.ts'
import { OpCode } from '../records/opcodes.ts'
import type { TrackedSession } from '../session/session-tracker.ts'
import type { LogEntry } from '../zab/log-entry.ts'
import type { LearnerRole } from '../zab/roles.ts'
import type { ClientConnection } from './client-connection.ts'
import { txnClientHigh, txnClientLow, txnCxid } from './txn-peek.ts'
import type { Writes } from './writes.ts'

interface Passed {
  readonly connection: ClientConnection
  readonly high: number
  readonly low: number
  readonly cxid: number
}

export class Forwarder implements Writes {
  readonly isReadOnly: boolean = false
  readonly refusal: number = ErrorCode.MarshallingError
  readonly lastProposed: Zxid | null = null
  readonly #learner: LearnerRole
  readonly #onSynced: (connection: ClientConnection) => void
  readonly #passed = new Ring<Passed>()
  readonly #syncs = new Ring<ClientConnection>()

  constructor(learner: LearnerRole, onSynced: (connection: ClientConnection) => void) {
    this.#learner = learner
    this.#onSynced = onSynced
  }

  get count(): number {
    return this.#passed.length + this.#syncs.length
  }

  write(connection: ClientConnection, op: number, xid: number, reader: JuteReader): boolean {
    const { sessionHigh: high, sessionLow: low } = connection
    // What comes back may not overtake this: it is remembered before it is sent.
    this.#passed.push({ connection, high, low, cxid: xid })
    this.#forward(connection, op, xid, reader)
    return true
  }

  beginSession(connection: ClientConnection, session: TrackedSession): void {
    const { sessionHigh: high, sessionLow: low } = connection
    this.#passed.push({ connection, high, low, cxid: 0 })
    const body = new JuteWriter(4)
    body.int(session.timeoutMs)
    this.#learner.forward(high, low, 0, OpCode.createSession, body.bytes, 0, 4, null)
  }

  sync(connection: ClientConnection, xid: number, reader: JuteReader): boolean {
    this.#syncs.push(connection)
    this.#forward(connection, OpCode.sync, xid, reader)
    return true
  }

  revalidate(session: SessionId, timeoutMs: number): void {
    this.#learner.revalidate(session, timeoutMs)
  }

  take(entry: LogEntry): ClientConnection | null {
    // The answers to connections that are gone may have been lost with a leader that dropped them.
    for (let index = 0; index < this.#passed.length; index++) {
      const passed = this.#passed.at(index)!
      if (isSame(passed, entry)) {
        for (let done = 0; done <= index; done++) this.#passed.shift()
        return passed.connection.state === 'closed' ? null : passed.connection
      }
      if (passed.connection.state !== 'closed') return null
    }
    return null
  }

  applied(_zxid: Zxid): void {
    // Nothing waits for a zxid here.
  }

  /** The leader has handled the oldest `sync`. */
  synced(): void {
    if (this.#syncs.length === 0) return
    const connection = this.#syncs.shift()
    if (connection.state !== 'closed') this.#onSynced(connection)
  }

  #forward(connection: ClientConnection, op: number, xid: number, reader: JuteReader): void {
    const { sessionHigh, sessionLow, identities } = connection
    const isBare = op === OpCode.closeSession
    this.#learner.forward(
      sessionHigh,
      sessionLow,
      xid,
      op,
      isBare ? EMPTY_BYTES : reader.bytes,
      isBare ? 0 : reader.position,
      isBare ? 0 : reader.end,
      identities.list,
    )
  }
}

const isSame = (passed: Passed, entry: LogEntry): boolean =>
  txnClientLow(entry) === passed.low &&
  txnClientHigh(entry) === passed.high &&
  txnCxid(entry) === passed.cxid
