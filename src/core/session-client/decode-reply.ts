// Reads the body of a successful reply into what the caller gets. It throws MalformedRecord for
// bytes that are not what the operation answers, and trusts nothing else about them.

import { EMPTY_BYTES } from '../../base/text.ts'
import { type JuteReader, MalformedRecord } from '../jute/reader.ts'
import { type Acl, aclList } from '../records/acl.ts'
import { ErrorCode } from '../records/errors.ts'
import { multiHeader } from '../records/multi.ts'
import { OpCode } from '../records/opcodes.ts'
import { whoAmIResponse } from '../records/responses.ts'
import type { Stat } from '../records/stat.ts'

/** What a reply says beyond its header. Fields that an operation does not answer are null. */
export interface ReplyRecord {
  readonly path: string | null
  readonly data: Uint8Array | null
  readonly stat: Stat | null
  readonly names: readonly string[] | null
  readonly acl: readonly Acl[] | null
  readonly identities: readonly Identity[] | null
  readonly count: number
  readonly results: readonly OpResult[] | null
}

export interface Identity {
  readonly scheme: string
  readonly user: string
}

/** The result of one operation of a multi or multiRead. */
export interface OpResult {
  readonly op: number
  readonly error: number
  readonly reply: ReplyValue
}

export type ReplyValue = ReplyRecord | null

export function decodeReply(op: number, reader: JuteReader): ReplyValue {
  switch (op) {
    case OpCode.exists:
    case OpCode.setData:
    case OpCode.setACL:
      return reply(null, null, readStat(reader))
    case OpCode.getData:
    case OpCode.reconfig: {
      const data = reader.buffer()
      return reply(null, data, readStat(reader))
    }
    case OpCode.create:
    case OpCode.sync:
      return reply(reader.ustring(), null, null)
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL: {
      const path = reader.ustring()
      return reply(path, null, readStat(reader))
    }
    case OpCode.getChildren:
    case OpCode.getEphemerals:
      return reply(null, null, null, readNames(reader))
    case OpCode.getChildren2: {
      const names = readNames(reader)
      return reply(null, null, readStat(reader), names)
    }
    case OpCode.multi:
    case OpCode.multiRead:
      return { ...NOTHING, results: readResults(reader) }
    case OpCode.getACL: {
      const acl = aclList.read(reader) ?? []
      return { ...NOTHING, acl, stat: readStat(reader) }
    }
    case OpCode.getAllChildrenNumber:
      return { ...NOTHING, count: reader.int() }
    case OpCode.whoAmI:
      return { ...NOTHING, identities: readIdentities(reader) }
    default:
      return null
  }
}

/** By hand, since every read and every write answers with one. Fields in wire order. */
export function readStat(reader: JuteReader): Stat {
  return {
    czxid: reader.zxid(),
    mzxid: reader.zxid(),
    ctime: reader.safeLong(),
    mtime: reader.safeLong(),
    version: reader.int(),
    cversion: reader.int(),
    aversion: reader.int(),
    ephemeralOwner: reader.long(),
    dataLength: reader.int(),
    numChildren: reader.int(),
    pzxid: reader.zxid(),
  }
}

function reply(
  path: string | null,
  data: Uint8Array | null,
  stat: Stat | null,
  names: readonly string[] | null = null,
): ReplyRecord {
  return { path, data, stat, names, acl: null, identities: null, count: 0, results: null }
}

const NOTHING: ReplyRecord = reply(null, null, null)

function readNames(reader: JuteReader): string[] {
  const count = reader.vectorCount()
  const names: string[] = []
  for (let i = 0; i < count; i++) names.push(reader.ustring() ?? '')
  return names
}

function readIdentities(reader: JuteReader): Identity[] {
  const identities = whoAmIResponse.read(reader).clientInfo ?? []
  return identities.map(({ authScheme, user }) => ({ scheme: authScheme ?? '', user: user ?? '' }))
}

function readResults(reader: JuteReader): OpResult[] {
  const results: OpResult[] = []
  for (;;) {
    const header = multiHeader.read(reader)
    if (header.done) return results
    if (header.type === OpCode.error) {
      results.push({ op: OpCode.error, error: reader.int(), reply: null })
    } else if (header.type === OpCode.multi || header.type === OpCode.multiRead) {
      // Nested lists do not exist, and reading them would let a peer choose our stack's depth.
      throw new MalformedRecord(`operation ${header.type} within a multi reply`)
    } else {
      results.push({
        op: header.type,
        error: ErrorCode.Ok,
        reply: decodeReply(header.type, reader),
      })
    }
  }
}

/** Data as callers see it: a znode without data and one with none of it look the same. */
export const dataOf = (value: ReplyValue): Uint8Array => value?.data ?? EMPTY_BYTES
