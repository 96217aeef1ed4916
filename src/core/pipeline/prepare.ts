// From a request to a transaction: the header, the body that the operation's own code writes, and
// the digest that the tree will have. A request that is refused becomes an error transaction, so
// that every replica spends the same zxid on it (ZooKeeper 3.9 `PrepRequestProcessor`).

import { JuteReader, MalformedRecord } from '../jute/reader.ts'
import type { JuteWriter } from '../jute/writer.ts'
import { ErrorCode } from '../records/errors.ts'
import { OpCode } from '../records/opcodes.ts'
import { reconfigRequest } from '../records/requests.ts'
import { DIGEST_VERSION } from '../records/txn.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { Database } from '../tree/database.ts'
import { PendingChanges } from './pending-changes.ts'
import { prepareMulti } from './prepare-multi.ts'
import { NodePreparer, TXN_EXTRA_BYTES } from './prepare-node.ts'
import type { Reconfigurator } from './reconfigurator.ts'
import type { PipelineSettings } from './settings.ts'
import { UnusableRequest } from './unusable-request.ts'
import type { WriteRequest } from './write-request.ts'

/** Where the type stands in a transaction's header. */
const TYPE_OFFSET = 28

export class Preparer {
  readonly pending: PendingChanges
  readonly #nodes: NodePreparer
  readonly #settings: PipelineSettings
  readonly #txnBytesMax: number
  readonly #reconfigurator: Reconfigurator | null
  readonly #reader = new JuteReader(new Uint8Array(0))

  /**
   * `fieldBytesMax` also limits a transaction: a log record is a field where it is read back. A null
   * `reconfigurator` refuses all reconfigurations.
   */
  constructor(
    database: Database,
    settings: PipelineSettings,
    fieldBytesMax: number,
    reconfigurator: Reconfigurator | null = null,
  ) {
    this.#reconfigurator = reconfigurator
    this.pending = new PendingChanges(database.tree)
    this.#nodes = new NodePreparer(database, this.pending, settings, fieldBytesMax)
    this.#settings = settings
    this.#txnBytesMax = fieldBytesMax
    this.#reader.fieldBytesMax = fieldBytesMax
  }

  /**
   * Appends the transaction for a client's request to `out`. Returns the error it became, or Ok.
   * Throws MalformedRecord or UnusableRequest where there is no transaction: then what `out` got is
   * to be thrown away. Of the requests that cannot be read only a multi becomes a transaction.
   */
  prepareRequest(request: WriteRequest, out: JuteWriter): number {
    const start = this.#begin(request, out)
    this.#reader.reset(request.bytes, request.start, request.end)
    let error: number
    try {
      error = this.#body(request, out)
    } catch (problem) {
      const spendsZxid =
        problem instanceof UnusableRequest
          ? problem.spendsZxid
          : problem instanceof MalformedRecord && request.op === OpCode.multi
      if (!spendsZxid) throw problem
      error = ErrorCode.MarshallingError
    }
    this.#finish(error, start, out)
    return error
  }

  /** A session begins: there is no request body. */
  prepareCreateSession(request: WriteRequest, timeoutMs: number, out: JuteWriter): void {
    const start = this.#begin(request, out)
    out.int(timeoutMs)
    this.#finish(ErrorCode.Ok, start, out)
  }

  /** A request that nobody can read, or may make, spends its zxid all the same. */
  prepareRefusal(request: WriteRequest, error: number, out: JuteWriter): void {
    this.#finish(error, this.#begin(request, out), out)
  }

  /** A container or a node with a time to live is removed by the server itself. */
  prepareContainerRemoval(path: string, request: WriteRequest, out: JuteWriter): number {
    const start = this.#begin(request, out)
    const error = this.#nodes.prepareContainerRemoval(path, request, out)
    this.#finish(error, start, out)
    return error
  }

  /** Tells that the tree has caught up. */
  applied(zxid: Zxid): void {
    this.pending.applied(zxid)
  }

  #body(request: WriteRequest, out: JuteWriter): number {
    switch (request.op) {
      case OpCode.multi:
        prepareMulti(
          this.#nodes,
          this.pending,
          request,
          this.#reader,
          out,
          this.#txnBytesMax - TXN_EXTRA_BYTES,
        )
        return ErrorCode.Ok
      case OpCode.closeSession: {
        const paths = this.#nodes.removeEphemerals(request)
        if (this.#settings.closeSessionPaths) this.#writePaths(paths, out)
        return ErrorCode.Ok
      }
      case OpCode.reconfig:
        return this.#reconfigure(request, out)
      default:
        return this.#nodes.prepare(request.op, request, this.#reader, out)
    }
  }

  /** ZooKeeper 3.9 `PrepRequestProcessor.pRequest2Txn`, reconfig. */
  #reconfigure(request: WriteRequest, out: JuteWriter): number {
    const { joiningServers, leavingServers, newMembers, curConfigId } = reconfigRequest.read(
      this.#reader,
    )
    const reconfigurator = this.#reconfigurator
    if (!this.#settings.reconfigEnabled) return ErrorCode.ReconfigDisabled
    if (request.sessionError !== ErrorCode.Ok) return request.sessionError
    if (reconfigurator === null) return ErrorCode.Unimplemented
    const planned = reconfigurator.plan(
      { joiningServers, leavingServers, newMembers, fromVersion: Number(curConfigId) },
      request.zxid,
    )
    if (typeof planned === 'number') return planned
    return this.#nodes.prepareConfig(planned, request, out)
  }

  /**
   * As many as a log may hold in one transaction. Whoever applies it removes what its own table
   * shows for the session as well, so that those left out go too (compare ZOOKEEPER-4306).
   */
  #writePaths(paths: readonly string[], out: JuteWriter): void {
    const countAt = out.position
    out.int(0)
    let count = 0
    for (const path of paths) {
      const at = out.position
      out.ustring(path)
      if (out.position - countAt > this.#txnBytesMax - TXN_EXTRA_BYTES) {
        out.position = at
        break
      }
      count++
    }
    out.intAt(countAt, count)
  }

  #begin(request: WriteRequest, out: JuteWriter): number {
    const start = out.position
    this.pending.beginRequest()
    out.int(request.sessionHigh)
    out.int(request.sessionLow)
    out.int(request.cxid)
    out.safeLong(request.zxid)
    out.safeLong(request.timeMs)
    out.int(request.op)
    return start
  }

  #finish(error: number, start: number, out: JuteWriter): void {
    if (error !== ErrorCode.Ok) {
      out.position = start + TYPE_OFFSET
      out.int(OpCode.error)
      out.int(error)
    } else if (this.#settings.transactionDigests) {
      out.int(DIGEST_VERSION)
      out.int(this.pending.digestHigh)
      out.int(this.pending.digestLow)
    }
  }
}
