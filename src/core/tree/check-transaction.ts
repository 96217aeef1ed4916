// Looks through a transaction from another server before it is logged: what cannot be applied must
// not get into a log, or this server could not start again (ZooKeeper 3.9 `SerializeUtils.deserializeTxn`
// reads each proposal as it arrives, for the same reason). It reads what `Database.apply` will read, in
// the same order, and has no opinion on whether the transaction is a sensible one.

import { MalformedRecord, type JuteReader } from '../jute/reader.ts'
import { OpCode } from '../records/opcodes.ts'
import { hasPathList, skipAclList } from './database.ts'

/** The reader stands before the header, and ends with the transaction. Throws MalformedRecord. */
export function checkTransaction(reader: JuteReader): void {
  reader.position += CLIENT_BYTES
  reader.zxid()
  reader.safeLong()
  const type = reader.int()
  switch (type) {
    case OpCode.createSession:
      reader.int()
      break
    case OpCode.closeSession:
      checkPathList(reader)
      break
    case OpCode.multi:
      checkMulti(reader)
      break
    default:
      checkOperation(type, reader)
  }
}

/** Session and cxid. */
const CLIENT_BYTES = 12

/** The longest time to live that an owner's field holds, in milliseconds. */
const TTL_MAX = 2 ** 40 - 1

function checkMulti(reader: JuteReader): void {
  const count = reader.vectorCount()
  const { end } = reader
  for (let i = 0; i < count; i++) {
    const type = reader.int()
    const length = Math.max(reader.skipField(), 0)
    const bodyEnd = reader.position
    reader.position = bodyEnd - length
    reader.end = bodyEnd
    checkOperation(type, reader)
    reader.position = bodyEnd
    reader.end = end
  }
}

function checkOperation(type: number, reader: JuteReader): void {
  switch (type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL:
      checkPath(reader, false)
      reader.skipField()
      skipAclList(reader)
      if (type === OpCode.create || type === OpCode.create2) reader.bool()
      // Servers of 3.3 and before did not write the parent's version.
      if (type !== OpCode.create || reader.remaining >= 4) reader.int()
      if (type === OpCode.createTTL) checkTtl(reader.safeLong())
      break
    case OpCode.delete:
    case OpCode.deleteContainer:
      checkPath(reader, false)
      break
    case OpCode.setData:
    case OpCode.reconfig:
      checkPath(reader, true)
      reader.skipField()
      reader.int()
      break
    case OpCode.setACL:
      checkPath(reader, true)
      skipAclList(reader)
      reader.int()
      break
    case OpCode.check:
      checkPath(reader, true)
      reader.int()
      break
    case OpCode.error:
      reader.int()
      break
    default:
      throw new MalformedRecord(`a transaction of the unknown type ${type}`)
  }
}

function checkPathList(reader: JuteReader): void {
  if (!hasPathList(reader)) return
  const count = reader.vectorCount()
  for (let i = 0; i < count; i++) checkPath(reader, false)
}

function checkTtl(ttl: number): void {
  if (ttl < 0 || ttl > TTL_MAX) throw new MalformedRecord(`a time to live of ${ttl} ms`)
}

/** Names between single slashes; which characters a name may have, the leader has decided. */
function checkPath(reader: JuteReader, mayBeRoot: boolean): void {
  const length = reader.skipField()
  const { bytes, position: end } = reader
  const start = end - length
  if (length < 1 || bytes[start] !== SLASH) throw new MalformedRecord('a path without a slash')
  if (length === 1) {
    if (mayBeRoot) return
    throw new MalformedRecord('the root of the tree is not created or deleted')
  }
  for (let at = start + 1, wasSlash = true; at <= end; at++) {
    const isSlash = at === end || bytes[at] === SLASH
    if (isSlash && wasSlash) throw new MalformedRecord('a path with an empty name')
    wasSlash = isSlash
  }
}

const SLASH = 0x2f
