// The writes that have reached any server, waiting for their transactions. It checks SessionFIFO
// (a session's writes take effect in the order in which they were sent on a connection) and
// SessionSingleOwner (once a write over a newer connection of a session is done, none over an older
// one is).

import { formatSessionId } from '../../../base/session-id.ts'
import { mark } from '../../../base/marks.ts'
import { formatZxid } from '../../../base/zxid.ts'
import { opName } from '../../../core/records/opcodes.ts'
import type { DeliveredWrite } from '../../checkers/history.ts'
import { Violation } from '../../checkers/violation.ts'
import type { ModelTxn } from '../../model/model-txn.ts'

export class DeliveredWrites {
  readonly #writes = new Map<bigint, DeliveredWrite[]>()
  /** The connections that each session has had, in the order in which they were accepted. */
  readonly #connections = new Map<bigint, number[]>()
  readonly #wanted = new Map<bigint, Set<number>>()
  /** The place in that list of the connection whose write was done last. */
  readonly #owners = new Map<bigint, number>()

  /** A connection wants the session: its leader may know of that before its client does. */
  wanted(session: bigint, connection: number): void {
    const known = this.#wanted.get(session)
    if (known === undefined) this.#wanted.set(session, new Set([connection]))
    else known.add(connection)
  }

  attached(session: bigint, connection: number): void {
    const known = this.#connections.get(session)
    if (known === undefined) this.#connections.set(session, [connection])
    else known.push(connection)
  }

  deliver(write: DeliveredWrite): void {
    const known = this.#writes.get(write.session)
    if (known === undefined) this.#writes.set(write.session, [write])
    else known.push(write)
  }

  /** The write that a transaction answers; null for what servers do on their own account. */
  claim(txn: ModelTxn): DeliveredWrite | null {
    const { clientId, cxid, zxid } = txn.header
    if (cxid === 0) return null
    const writes = this.#writes.get(clientId) ?? []
    const at = writes.findIndex((one) => one.request.xid === cxid)
    const write = writes[at]
    const what = `${formatZxid(zxid)}, ${opName(txn.type)} ${cxid} of ${formatSessionId(clientId)}`
    if (write === undefined) throw new Violation('Integrity', `nobody asked for ${what}`)
    const skipped = writes.slice(0, at).find((one) => one.connection === write.connection)
    if (skipped !== undefined) {
      throw new Violation(
        'SessionFIFO',
        `${what}, is done, but not ${skipped.request.xid}, which was sent before it`,
      )
    }
    writes.splice(at, 1)
    return write
  }

  requireOwner(txn: ModelTxn, write: DeliveredWrite): void {
    const place = this.#placeOf(write)
    const owner = this.#owners.get(write.session) ?? 0
    if (place < owner) {
      throw new Violation(
        'SessionSingleOwner',
        `${formatZxid(txn.header.zxid)} came over connection ${write.connection}, after ` +
          `${formatSessionId(write.session)} had moved`,
      )
    }
    this.#owners.set(write.session, place)
  }

  requireMoved(txn: ModelTxn, write: DeliveredWrite): void {
    const wanted = [...(this.#wanted.get(write.session) ?? [])]
    if (wanted.some((connection) => connection !== write.connection)) {
      mark('a write over an old connection is refused')
      return
    }
    throw new Violation(
      'SessionSingleOwner',
      `${formatZxid(txn.header.zxid)} is refused because ${formatSessionId(write.session)} moved, ` +
        'but it has had one connection only',
    )
  }

  #placeOf({ session, connection }: DeliveredWrite): number {
    return this.#connections.get(session)?.indexOf(connection) ?? -1
  }
}
