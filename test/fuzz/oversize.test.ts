// Requests that stand for more than they say. What would be too long to be read back is not written
// to the log, and what would be too long an answer is not given.

import { beforeEach, expect, test } from 'vitest'
import { IDENTITIES_PER_CONNECTION_MAX, MULTI_READ_BYTES_MAX } from '../../src/base/limits.ts'
import { encodeUtf8 } from '../../src/base/text.ts'
import { type Acl, Perms, WORLD_ALL, aclList } from '../../src/core/records/acl.ts'
import { ErrorCode } from '../../src/core/records/errors.ts'
import { MULTI_END, multiHeader } from '../../src/core/records/multi.ts'
import { CreateMode, OpCode, Xid } from '../../src/core/records/opcodes.ts'
import { ColumnTree } from '../../src/core/tree/column-tree.ts'
import { NaiveTree } from '../../src/core/tree/naive-tree.ts'
import type { JuteWriter } from '../../src/core/jute/writer.ts'
import { type Reply, ReplyStream, handshake, request } from './frames.ts'
import { FRAME_BYTES_MAX, type ScriptedConnection, ScriptedPort } from './scripted-port.ts'

let port: ScriptedPort
let connection: ScriptedConnection
let stream: ReplyStream
let xid: number

beforeEach(() => {
  port = new ScriptedPort((rules) => new ColumnTree(rules))
  connection = port.open('192.0.2.1')
  stream = new ReplyStream()
  xid = 0
  send(handshake())
})

test('a session with more ephemeral nodes than a record can name takes all of them with it', () => {
  const count = Math.ceil((FRAME_BYTES_MAX / 1_000) * 3)
  for (let at = 0; at < count; at++) {
    const path = `/${String(at).padStart(1_000, 'e')}`
    expect(ask(OpCode.create, (out) => writeCreate(out, path, CreateMode.ephemeral)).err).toBe(0)
  }
  expect(port.replica.database.tree.ephemeralCount).toBe(count)
  expect(ask(OpCode.closeSession, () => {}).err).toBe(ErrorCode.Ok)
  expect(port.replica.database.tree.ephemeralCount).toBe(0)
  const rebuilt = port.rebuild((rules) => new NaiveTree(rules))
  expect(rebuilt.tree.ephemeralCount).toBe(0)
  expect(rebuilt.digestMismatches).toBe(0)
})

test('an access list that stands for too many identities is refused', () => {
  showIdentities(200)
  // Each of these entries stands for all 200 identities.
  const entries = Array.from({ length: 31 }, (_, at) => auth(at + 1))
  const long = (out: JuteWriter): void => writeCreate(out, '/a', CreateMode.persistent, entries)
  expect(ask(OpCode.create, long).err).toBe(ErrorCode.InvalidACL)
  const short = (out: JuteWriter): void =>
    writeCreate(out, '/a', CreateMode.persistent, [auth(Perms.all)])
  expect(ask(OpCode.create, short).err).toBe(ErrorCode.Ok)
})

test('a multi whose transaction would be too long is refused as a whole, and costs nothing', () => {
  showIdentities(200)
  const size = port.replica.database.tree.nodeCount
  const reply = ask(OpCode.multi, (out) => {
    for (let at = 0; at < 20; at++) {
      multiHeader.write(out, { type: OpCode.create, done: false, err: -1 })
      writeCreate(out, `/n${at}`, CreateMode.persistent, [auth(Perms.all)])
    }
    multiHeader.write(out, MULTI_END)
  })
  expect(reply.err).toBe(ErrorCode.MarshallingError)
  expect(port.replica.database.tree.nodeCount).toBe(size)
  expect(port.rebuild((rules) => new NaiveTree(rules)).digestMismatches).toBe(0)
})

test('identities beyond the limit end the connection', () => {
  showIdentities(IDENTITIES_PER_CONNECTION_MAX - 1)
  expect(connection.isEnding).toBe(false)
  showIdentities(1, 'one more ')
  expect(connection.isEnding).toBe(true)
})

test('a multiRead that asks for the same large node too often is refused', () => {
  const data = new Uint8Array(FRAME_BYTES_MAX - 200)
  const created = ask(OpCode.create, (out) => {
    out.ustring('/l')
    out.buffer(data)
    aclList.write(out, WORLD_ALL)
    out.int(CreateMode.persistent)
  })
  expect(created.err).toBe(ErrorCode.Ok)
  const readTimes = (count: number): Reply =>
    ask(OpCode.multiRead, (out) => {
      for (let at = 0; at < count; at++) {
        multiHeader.write(out, { type: OpCode.getData, done: false, err: -1 })
        out.ustring('/l')
        out.bool(false)
      }
      multiHeader.write(out, MULTI_END)
    })
  const tooMany = Math.ceil(MULTI_READ_BYTES_MAX / data.length) + 1
  expect(readTimes(tooMany).err).toBe(ErrorCode.MarshallingError)
  expect(readTimes(3).err).toBe(ErrorCode.Ok)
})

const auth = (perms: number): Acl => ({ perms, id: { scheme: 'auth', id: '' } })

function writeCreate(
  out: JuteWriter,
  path: string,
  mode: CreateMode,
  list: readonly Acl[] = WORLD_ALL,
): void {
  out.ustring(path)
  out.buffer(null)
  aclList.write(out, list)
  out.int(mode)
}

function showIdentities(count: number, prefix: string = ''): void {
  for (let at = 0; at < count; at++) {
    const body = (out: JuteWriter): void => {
      out.int(0)
      out.ustring('digest')
      out.buffer(encodeUtf8(`${prefix}${at}:x`))
    }
    connection.push(request(Xid.auth, OpCode.auth, body))
  }
  receive()
}

function ask(op: number, body: (out: JuteWriter) => void): Reply {
  send(request(++xid, op, body))
  const reply = replies.find((each) => each.xid === xid)
  expect(reply).toBeDefined()
  return reply!
}

let replies: Reply[]

function send(bytes: Uint8Array): void {
  connection.push(bytes)
  replies = receive()
}

function receive(): Reply[] {
  while (port.deliver(connection)) {}
  port.finishDisk()
  return connection.takeReceived().flatMap((chunk) => [...stream.push(chunk)])
}
