// Reads: requests that are answered from this server's own tree, and those that only touch the
// connection's watches (ZooKeeper 3.9 `FinalRequestProcessor`). Each writes the body of its reply
// and returns an error code; what was written before an error is thrown away by the caller, save
// for a multiRead, whose results before its refusal are part of the answer.

import { MULTI_READ_BYTES_MAX } from '../../base/limits.ts'
import { decodeUtf8 } from '../../base/text.ts'
import { type JuteReader, MalformedRecord } from '../jute/reader.ts'
import type { JuteWriter } from '../jute/writer.ts'
import { Perms, aclList } from '../records/acl.ts'
import { ErrorCode } from '../records/errors.ts'
import { MULTI_END, multiHeader } from '../records/multi.ts'
import { OpCode } from '../records/opcodes.ts'
import {
  getEphemeralsRequest,
  pathRequest,
  addWatchRequest,
  watcherRequest,
} from '../records/requests.ts'
import { getEphemeralsResponse, whoAmIResponse } from '../records/responses.ts'
import { AddWatchMode, WatcherType } from '../records/watches.ts'
import { NO_ROW, type DataTree, type Row } from '../tree/data-tree.ts'
import type { Database } from '../tree/database.ts'
import {
  WatchKind,
  type WatchManager,
  type Watcher,
  type WatcherTypeNumber,
} from '../watch/watch-manager.ts'
import { isAllowed, redactAcl } from './access.ts'
import { type Identities, userName } from './identities.ts'
import { skipOperation } from './prepare-multi.ts'
import type { PipelineSettings } from './settings.ts'

/** On whose behalf a read is done. */
export interface Reader {
  readonly watcher: Watcher
  readonly sessionHigh: number
  readonly sessionLow: number
}

export class ReadProcessor {
  readonly #tree: DataTree
  readonly #watches: WatchManager
  readonly #settings: PipelineSettings

  constructor(database: Database, watches: WatchManager, settings: PipelineSettings) {
    this.#tree = database.tree
    this.#watches = watches
    this.#settings = settings
  }

  /** Throws MalformedRecord where the request cannot be read. */
  read(
    op: number,
    request: JuteReader,
    by: Reader,
    identities: Identities,
    out: JuteWriter,
  ): number {
    switch (op) {
      case OpCode.getData:
        return this.#getData(request, by, identities, out)
      case OpCode.exists:
        return this.#exists(request, by, identities, out)
      case OpCode.getChildren:
        return this.#getChildren(request, by, identities, out, false)
      case OpCode.getChildren2:
        return this.#getChildren(request, by, identities, out, true)
      case OpCode.getACL:
        return this.#getAcl(request, identities, out)
      case OpCode.getAllChildrenNumber:
        return this.#getAllChildrenNumber(request, identities, out)
      case OpCode.getEphemerals:
        return this.#getEphemerals(request, by, out)
      case OpCode.multiRead:
        return this.#multiRead(request, identities, out)
      case OpCode.sync:
        out.ustring(pathRequest.read(request).path)
        return ErrorCode.Ok
      case OpCode.whoAmI:
        whoAmIResponse.write(out, {
          clientInfo: identities.list.map((id) => ({ authScheme: id.scheme, user: userName(id) })),
        })
        return ErrorCode.Ok
      case OpCode.addWatch:
        return this.#addWatch(request, by, out)
      case OpCode.checkWatches:
        return this.#matchWatch(request, by, false)
      case OpCode.removeWatches:
        return this.#matchWatch(request, by, true)
      default:
        return ErrorCode.Unimplemented
    }
  }

  #getData(request: JuteReader, by: Reader, identities: Identities, out: JuteWriter): number {
    const length = pathLength(request)
    const end = request.position
    const wantsWatch = request.bool()
    const row = this.#tree.lookup(request.bytes, end - length, end)
    if (row === NO_ROW) return ErrorCode.NoNode
    if (!this.#mayRead(row, identities)) return ErrorCode.NoAuth
    if (wantsWatch) this.#watch(request.bytes, end - length, end, by, WatchKind.data)
    this.#tree.writeData(row, out)
    this.#tree.writeStat(row, out)
    return ErrorCode.Ok
  }

  /** The watch is set also where the node is missing: it waits for the creation. */
  #exists(request: JuteReader, by: Reader, identities: Identities, out: JuteWriter): number {
    const length = pathLength(request)
    const { bytes, position: end } = request
    const start = end - length
    const wantsWatch = request.bool()
    for (let i = start; i < end; i++) if (bytes[i] === 0) return ErrorCode.BadArguments
    const row = this.#tree.lookup(bytes, start, end)
    if (row !== NO_ROW && !this.#mayRead(row, identities)) return ErrorCode.NoAuth
    if (wantsWatch) this.#watch(bytes, start, end, by, WatchKind.data)
    if (row === NO_ROW) return ErrorCode.NoNode
    this.#tree.writeStat(row, out)
    return ErrorCode.Ok
  }

  #getChildren(
    request: JuteReader,
    by: Reader,
    identities: Identities,
    out: JuteWriter,
    withStat: boolean,
  ): number {
    const length = pathLength(request)
    const end = request.position
    const wantsWatch = request.bool()
    const row = this.#tree.lookup(request.bytes, end - length, end)
    if (row === NO_ROW) return ErrorCode.NoNode
    if (!this.#mayRead(row, identities)) return ErrorCode.NoAuth
    if (wantsWatch) this.#watch(request.bytes, end - length, end, by, WatchKind.child)
    this.#tree.writeChildren(row, out)
    if (withStat) this.#tree.writeStat(row, out)
    return ErrorCode.Ok
  }

  #getAcl(request: JuteReader, identities: Identities, out: JuteWriter): number {
    const length = pathLength(request)
    const row = this.#tree.lookup(request.bytes, request.position - length, request.position)
    if (row === NO_ROW) return ErrorCode.NoNode
    if (!this.#isAllowed(row, Perms.read | Perms.admin, identities)) return ErrorCode.NoAuth
    const { acls } = this.#tree
    const list = acls.list(this.#tree.aclId(row)) ?? []
    const isOwner = this.#isAllowed(row, Perms.admin, identities)
    aclList.write(out, isOwner ? list : redactAcl(list))
    this.#tree.writeStat(row, out)
    return ErrorCode.Ok
  }

  #getAllChildrenNumber(request: JuteReader, identities: Identities, out: JuteWriter): number {
    const length = pathLength(request)
    const row = this.#tree.lookup(request.bytes, request.position - length, request.position)
    if (row === NO_ROW) return ErrorCode.NoNode
    if (!this.#mayRead(row, identities)) return ErrorCode.NoAuth
    // Under its other name, "", the root counts itself as well.
    out.int(this.#tree.descendantCount(row) + (length === 0 ? 1 : 0))
    return ErrorCode.Ok
  }

  /** Own ephemerals whose path begins, as text, with the prefix; a blank one means all. */
  #getEphemerals(request: JuteReader, by: Reader, out: JuteWriter): number {
    const prefix = getEphemeralsRequest.read(request).prefixPath ?? ''
    const trimmed = trimAsJava(prefix)
    const wantsAll = trimmed === '' || trimmed === '/'
    const ephemerals: string[] = []
    for (const row of this.#tree.ephemerals(by.sessionHigh, by.sessionLow)) {
      const path = this.#tree.path(row)
      if (wantsAll || path.startsWith(prefix)) ephemerals.push(path)
    }
    getEphemeralsResponse.write(out, { ephemerals })
    return ErrorCode.Ok
  }

  /**
   * Each read has its own result; watch flags are ignored. Operations that do not read are refused
   * when their turn comes, and then the results before them are the body beside the error.
   */
  #multiRead(request: JuteReader, identities: Identities, out: JuteWriter): number {
    const first = request.position
    checkOperations(request)
    request.position = first
    const start = out.position
    let refusal: number = ErrorCode.Ok
    for (;;) {
      const { type, done } = multiHeader.read(request)
      if (done) break
      const at = out.position
      multiHeader.write(out, { type, done: false, err: 0 })
      const error = isMultiRead(type)
        ? this.#readWithoutWatch(type, request, identities, out)
        : ErrorCode.MarshallingError
      if (out.position - start > MULTI_READ_BYTES_MAX) {
        throw new MalformedRecord('the answer would be larger than anybody takes')
      }
      if (error === ErrorCode.Ok) continue
      out.position = at
      if (error === ErrorCode.MarshallingError) {
        refusal = error
        break
      }
      multiHeader.write(out, { type: OpCode.error, done: false, err: error })
      out.int(error)
    }
    multiHeader.write(out, MULTI_END)
    return refusal
  }

  #readWithoutWatch(
    type: number,
    request: JuteReader,
    identities: Identities,
    out: JuteWriter,
  ): number {
    const length = request.skipField()
    const end = request.position
    request.bool()
    if (length < 0) return ErrorCode.MarshallingError
    const row = this.#tree.lookup(request.bytes, end - length, end)
    if (row === NO_ROW) return ErrorCode.NoNode
    if (!this.#mayRead(row, identities)) return ErrorCode.NoAuth
    if (type === OpCode.getData) {
      this.#tree.writeData(row, out)
      this.#tree.writeStat(row, out)
    } else {
      this.#tree.writeChildren(row, out)
    }
    return ErrorCode.Ok
  }

  #addWatch(request: JuteReader, by: Reader, out: JuteWriter): number {
    const { path, mode } = addWatchRequest.read(request)
    if (mode !== AddWatchMode.persistent && mode !== AddWatchMode.persistentRecursive) {
      return ErrorCode.MarshallingError
    }
    const kind = mode === AddWatchMode.persistent ? WatchKind.persistent : WatchKind.recursive
    // A watch on no path is accepted, and never fires.
    if (path !== null) this.#watches.add(by.watcher, path, kind)
    out.int(ErrorCode.Ok)
    return ErrorCode.Ok
  }

  #matchWatch(request: JuteReader, by: Reader, remove: boolean): number {
    const { path, type } = watcherRequest.read(request)
    if (type < WatcherType.children || type > WatcherType.persistentRecursive) {
      return ErrorCode.MarshallingError
    }
    if (path === null) return ErrorCode.NoWatcher
    const kind = type as WatcherTypeNumber
    const found = remove
      ? this.#watches.remove(by.watcher, path, kind)
      : this.#watches.has(by.watcher, path, kind)
    return found ? ErrorCode.Ok : ErrorCode.NoWatcher
  }

  #watch(bytes: Uint8Array, start: number, end: number, by: Reader, kind: WatchKind): void {
    this.#watches.add(by.watcher, decodeUtf8(bytes, start, end), kind)
  }

  #mayRead(row: Row, identities: Identities): boolean {
    return this.#isAllowed(row, Perms.read, identities)
  }

  #isAllowed(row: Row, wanted: number, identities: Identities): boolean {
    const { acls } = this.#tree
    return isAllowed(acls, this.#tree.aclId(row), wanted, identities, this.#settings.skipAcl)
  }
}

/** Java's `trim` takes away control characters too, and no other spaces than this one. */
const trimAsJava = (text: string): string => text.replace(/^[\0-\x20]+|[\0-\x20]+$/g, '')

const isMultiRead = (type: number): boolean =>
  type === OpCode.getData || type === OpCode.getChildren

/** Throws MalformedRecord unless all operations can be read, and either all of them read or none. */
function checkOperations(request: JuteReader): void {
  let reads: boolean | null = null
  for (;;) {
    const { type, done } = multiHeader.read(request)
    if (done) return
    if (reads !== null && reads !== isMultiRead(type)) {
      throw new MalformedRecord('reads and writes in one request')
    }
    reads = isMultiRead(type)
    if (reads) {
      request.skipField()
      request.bool()
    } else {
      skipOperation(type, request)
    }
  }
}

function pathLength(request: JuteReader): number {
  const length = request.skipField()
  if (length < 0) throw new MalformedRecord('a path is missing')
  return length
}
