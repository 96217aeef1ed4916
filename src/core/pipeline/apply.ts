// Applies committed transactions: the database changes, watchers hear of it, and, where a client
// of this server waits for it, the body of the reply is made from what happened (ZooKeeper 3.9
// `FinalRequestProcessor`). The reply itself is sent by the replica, behind the notifications.

import type { Zxid } from '../../base/zxid.ts'
import { JuteWriter } from '../jute/writer.ts'
import { ErrorCode } from '../records/errors.ts'
import { MULTI_END, multiHeader } from '../records/multi.ts'
import { OpCode } from '../records/opcodes.ts'
import { txnTypeAt } from '../records/txn.ts'
import type { DataTree, Row } from '../tree/data-tree.ts'
import type { ChangeObserver, Database } from '../tree/database.ts'
import type { Notifier } from './notify.ts'

export class Applier implements ChangeObserver {
  /** After `apply` with a reply wanted: its error and its body. */
  error: number = ErrorCode.Ok
  readonly body: JuteWriter = new JuteWriter(1024)
  /** The client's session has gone on at another server: it gets no answer here any more. */
  isSessionMoved: boolean = false

  readonly #database: Database
  readonly #tree: DataTree
  readonly #notifier: Notifier
  #wantsReply = false
  #isMulti = false

  constructor(database: Database, notifier: Notifier) {
    this.#database = database
    this.#tree = database.tree
    this.#notifier = notifier
  }

  /** `wantsReply`: a client of this server waits for the outcome. */
  apply(zxid: Zxid, bytes: Uint8Array, start: number, end: number, wantsReply: boolean): void {
    this.#wantsReply = wantsReply
    this.#isMulti = txnTypeAt(bytes, start) === OpCode.multi
    this.error = ErrorCode.Ok
    this.isSessionMoved = false
    this.body.reset()
    this.#notifier.zxid = zxid
    this.#database.apply(bytes, start, end, this)
    if (wantsReply && this.#isMulti) multiHeader.write(this.body, MULTI_END)
  }

  onCreated(bytes: Uint8Array, pathStart: number, pathEnd: number, row: Row, parent: Row): void {
    this.#notifier.created(bytes, pathStart, pathEnd, row, parent)
  }

  onDeleting(
    path: string | null,
    bytes: Uint8Array,
    pathStart: number,
    pathEnd: number,
    row: Row,
    parent: Row,
  ): void {
    this.#notifier.deleting(path, bytes, pathStart, pathEnd, row, parent)
  }

  onDataChanged(bytes: Uint8Array, pathStart: number, pathEnd: number, row: Row): void {
    this.#notifier.dataChanged(bytes, pathStart, pathEnd, row)
  }

  onResult(
    type: number,
    error: number,
    row: Row,
    bytes: Uint8Array,
    pathStart: number,
    pathEnd: number,
  ): void {
    if (!this.#wantsReply) return
    if (error === ErrorCode.SessionMoved) this.isSessionMoved = true
    if (!this.#isMulti) {
      this.error = error
      if (error === ErrorCode.Ok) this.#writeResult(type, row, bytes, pathStart, pathEnd)
    } else if (type === OpCode.error || error !== ErrorCode.Ok) {
      multiHeader.write(this.body, { type: OpCode.error, done: false, err: error })
      this.body.int(error)
    } else {
      multiHeader.write(this.body, { type: resultType(type), done: false, err: 0 })
      this.#writeResult(type, row, bytes, pathStart, pathEnd)
    }
  }

  #writeResult(
    type: number,
    row: Row,
    bytes: Uint8Array,
    pathStart: number,
    pathEnd: number,
  ): void {
    const { body } = this
    switch (type) {
      case OpCode.create:
        writePath(body, bytes, pathStart, pathEnd)
        break
      case OpCode.create2:
      case OpCode.createContainer:
      case OpCode.createTTL:
        writePath(body, bytes, pathStart, pathEnd)
        this.#tree.writeStat(row, body)
        break
      case OpCode.setData:
      case OpCode.setACL:
        this.#tree.writeStat(row, body)
        break
      case OpCode.reconfig:
        this.#tree.writeData(row, body)
        this.#tree.writeStat(row, body)
        break
    }
  }
}

/** In a multi, every create but the plain one is answered as create2. */
const resultType = (type: number): number =>
  type === OpCode.createContainer || type === OpCode.createTTL ? OpCode.create2 : type

function writePath(body: JuteWriter, bytes: Uint8Array, start: number, end: number): void {
  body.int(end - start)
  body.raw(bytes, start, end)
}
