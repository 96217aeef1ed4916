// Writes a call as one frame: length, request header, record. The layouts are those of
// `core/records`; the frequent operations are written field by field here.

import type { JuteWriter } from '../jute/writer.ts'
import { aclList } from '../records/acl.ts'
import { MULTI_END, multiHeader } from '../records/multi.ts'
import { OpCode } from '../records/opcodes.ts'
import { reconfigRequest } from '../records/requests.ts'
import type { Call, CallOp } from './call.ts'

/** Appends the frame of `call`; returns the bytes behind the length. */
export function encodeRequest(
  writer: JuteWriter,
  call: Call<unknown, unknown>,
  xid: number,
): number {
  const start = beginFrame(writer)
  writer.int(xid)
  writer.int(call.op)
  if (call.op === OpCode.multi || call.op === OpCode.multiRead) {
    for (const op of call.ops ?? []) {
      multiHeader.write(writer, { type: op.op, done: false, err: -1 })
      encodeBody(writer, op, op.op === OpCode.getData || op.op === OpCode.getChildren)
    }
    multiHeader.write(writer, MULTI_END)
  } else if (call.members !== null) {
    reconfigRequest.write(writer, call.members)
  } else {
    encodeBody(writer, call, false, call.watcher !== null)
  }
  return endFrame(writer, start)
}

/** A frame that is a header alone: ping, closeSession. */
export function encodeBare(writer: JuteWriter, xid: number, op: OpCode): void {
  writer.int(8)
  writer.int(xid)
  writer.int(op)
}

/** Reserves the length; pass the result to {@link endFrame}. */
export function beginFrame(writer: JuteWriter): number {
  const start = writer.position
  writer.int(0)
  return start
}

export function endFrame(writer: JuteWriter, start: number): number {
  const length = writer.position - start - 4
  writer.intAt(start, length)
  return length
}

function encodeBody(
  writer: JuteWriter,
  from: CallOp,
  withinMultiRead: boolean,
  watch: boolean = false,
): void {
  switch (from.op) {
    case OpCode.exists:
    case OpCode.getData:
    case OpCode.getChildren:
    case OpCode.getChildren2:
      writer.ustring(from.path)
      // In a multiRead the flag is there but means nothing.
      writer.bool(watch && !withinMultiRead)
      return
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
      encodeCreate(writer, from)
      return
    case OpCode.createTTL:
      encodeCreate(writer, from)
      writer.safeLong(from.ttlMs)
      return
    case OpCode.setData:
      writer.ustring(from.path)
      writer.buffer(from.data)
      writer.int(from.version)
      return
    case OpCode.setACL:
      writer.ustring(from.path)
      aclList.write(writer, from.acl)
      writer.int(from.version)
      return
    case OpCode.delete:
    case OpCode.check:
    case OpCode.addWatch:
    case OpCode.removeWatches:
    case OpCode.checkWatches:
      writer.ustring(from.path)
      writer.int(from.version)
      return
    case OpCode.whoAmI:
    case OpCode.closeSession:
      return
    default:
      // getACL, sync, getEphemerals, getAllChildrenNumber
      writer.ustring(from.path)
  }
}

function encodeCreate(writer: JuteWriter, from: CallOp): void {
  writer.ustring(from.path)
  writer.buffer(from.data)
  aclList.write(writer, from.acl)
  writer.int(from.flags)
}
