// A multi: several operations that become one transaction, or none of them. All of them are read
// before the first is evaluated; they see the effects of those before them (ZooKeeper 3.9
// `MultiOperationRecord`, `PrepRequestProcessor`, multi).

import { type JuteReader, MalformedRecord } from '../jute/reader.ts'
import type { JuteWriter } from '../jute/writer.ts'
import { ErrorCode } from '../records/errors.ts'
import { CreateMode, OpCode, isCreateMode, isTtl } from '../records/opcodes.ts'
import { skipAclList } from '../tree/database.ts'
import type { PendingChanges } from './pending-changes.ts'
import type { NodePreparer } from './prepare-node.ts'
import { UnusableRequest } from './unusable-request.ts'
import type { WriteRequest } from './write-request.ts'

/**
 * Writes the body of a multi transaction: the operations' own, or, where one of them fails, error
 * entries that say which. Throws MalformedRecord where the request as a whole cannot be read, and
 * UnusableRequest where the body would be longer than `bytesMax`.
 */
export function prepareMulti(
  nodes: NodePreparer,
  pending: PendingChanges,
  request: WriteRequest,
  reader: JuteReader,
  out: JuteWriter,
  bytesMax: number,
): void {
  const start = out.position
  const operations = readOperations(reader)
  out.int(operations.length)
  const end = reader.end
  let failed = false
  pending.begin()
  try {
    for (const operation of operations) {
      if (failed) {
        writeError(out, ErrorCode.RuntimeInconsistency)
        continue
      }
      const at = out.position
      out.int(operation.type)
      out.int(0)
      reader.position = operation.start
      reader.end = operation.end
      const error = nodes.prepare(operation.type, request, reader, out)
      if (out.position - start > bytesMax) {
        throw new UnusableRequest('the transaction would be larger than a log may hold')
      }
      if (error === ErrorCode.Ok) {
        out.intAt(at + 4, out.position - at - 8)
      } else {
        failed = true
        out.position = at
        writeError(out, error)
      }
    }
  } catch (error) {
    pending.rollback()
    throw error
  }
  reader.end = end
  if (failed) pending.rollback()
  else pending.commit()
}

interface Operation {
  /** The code under which it is evaluated and logged. */
  readonly type: number
  readonly start: number
  readonly end: number
}

function readOperations(reader: JuteReader): readonly Operation[] {
  const operations: Operation[] = []
  for (;;) {
    const type = reader.int()
    const done = reader.bool()
    reader.int()
    if (done) break
    const start = reader.position
    const effective = skipOperation(type, reader)
    operations.push({ type: effective, start, end: reader.position })
  }
  for (const { start } of operations) {
    if (isNull(reader, start)) throw new UnusableRequest('a path is missing')
  }
  return operations
}

/**
 * Moves over one operation and returns the code under which it is evaluated. Throws MalformedRecord
 * for one that does not belong into a multi, or cannot be read.
 */
export function skipOperation(type: number, reader: JuteReader): number {
  switch (type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer: {
      reader.skipField()
      reader.skipField()
      const aclStart = reader.position
      skipAclList(reader)
      const flags = reader.int()
      if (!isCreateMode(flags)) throw new MalformedRecord(`there are no create flags ${flags}`)
      if (isNull(reader, aclStart)) throw new UnusableRequest('an access list is missing', false)
      if (isTtl(flags)) throw new MalformedRecord('this operation takes no time to live')
      return flags === CreateMode.container ? OpCode.createContainer : type
    }
    case OpCode.createTTL: {
      reader.skipField()
      reader.skipField()
      skipAclList(reader)
      const flags = reader.int()
      reader.long()
      // In a multi, unlike alone, a plain mode is taken at its word and the time to live ignored.
      if (!isCreateMode(flags) || isTtl(flags)) return OpCode.createTTL
      return flags === CreateMode.container ? OpCode.createContainer : OpCode.create
    }
    case OpCode.delete:
    case OpCode.check:
      reader.skipField()
      reader.int()
      return type
    case OpCode.setData:
      reader.skipField()
      reader.skipField()
      reader.int()
      return type
    default:
      throw new MalformedRecord(`operation ${type} is not for a multi`)
  }
}

/** Whether the field or list that begins there has the length of a null. */
function isNull(reader: JuteReader, start: number): boolean {
  const { position } = reader
  reader.position = start
  const length = reader.int()
  reader.position = position
  return length === -1
}

function writeError(out: JuteWriter, error: number): void {
  out.int(OpCode.error)
  out.int(4)
  out.int(error)
}
