// How much one connection can make the server keep, and what it is told meanwhile.

import { beforeEach, expect, test } from 'vitest'
import {
  OUTPUT_CLOSE_BYTES,
  OUTPUT_PAUSE_BYTES,
  QUEUED_BYTES_PER_CONNECTION_MAX,
} from '../../src/base/limits.ts'
import { WORLD_ALL, aclList } from '../../src/core/records/acl.ts'
import { OpCode } from '../../src/core/records/opcodes.ts'
import { ColumnTree } from '../../src/core/tree/column-tree.ts'
import { type Reply, ReplyStream, handshake, joined, request } from './frames.ts'
import { FRAME_BYTES_MAX, type ScriptedConnection, ScriptedPort } from './scripted-port.ts'

const LARGE = new Uint8Array(FRAME_BYTES_MAX - 200).fill(7)

let port: ScriptedPort
let connection: ScriptedConnection
let stream: ReplyStream

beforeEach(() => {
  port = new ScriptedPort((rules) => new ColumnTree(rules))
  connection = port.open('192.0.2.1')
  stream = new ReplyStream()
  send(handshake())
  port.finishDisk()
  send(
    request(1, OpCode.create, (out) => {
      out.ustring('/large')
      out.buffer(LARGE)
      aclList.write(out, WORLD_ALL)
      out.int(0)
    }),
  )
  port.finishDisk()
  receive()
})

test('many large answers leave a portion a turn, in order, and none is missing', () => {
  const xids = Array.from({ length: 400 }, (_, at) => at + 2)
  send(joined(xids.map(read)))
  const answered: number[] = []
  let turns = 0
  for (let got = receive(); got.length > 0; got = receive()) {
    expect(got.length).toBeLessThanOrEqual(OUTPUT_PAUSE_BYTES / LARGE.length + 1)
    answered.push(...got.map((reply) => reply.xid))
    turns++
    port.finishDisk()
  }
  expect(answered).toEqual(xids)
  expect(turns).toBeGreaterThan(20)
  expect(connection.isReading).toBe(true)
})

test('a peer that takes nothing is served no further, until it has taken what there was', () => {
  connection.isSlow = true
  send(joined(Array.from({ length: 400 }, (_, at) => read(at + 2))))
  for (let turn = 0; turn < 10; turn++) port.finishDisk()
  expect(connection.backlog).toBeLessThan(2 * OUTPUT_PAUSE_BYTES)
  expect(connection.isReading).toBe(false)
  let count = 0
  for (let turn = 0; turn < 400; turn++) {
    port.take(connection)
    count += receive().length
    port.finishDisk()
  }
  expect(count).toBe(400)
  expect(connection.isReading).toBe(true)
})

test('writes that wait for the disk wait at the socket when they are many bytes', () => {
  const writes = Array.from({ length: 600 }, (_, at) => write(at + 2))
  for (const each of writes) connection.push(each)
  while (port.deliver(connection)) {}
  expect(connection.isReading).toBe(false)
  expect(connection.inbox.length).toBeGreaterThan(
    (600 * LARGE.length - QUEUED_BYTES_PER_CONNECTION_MAX) / LARGE.length - 10,
  )
  const answered: number[] = []
  while (answered.length < 600) {
    port.finishDisk()
    while (port.deliver(connection)) {}
    const got = receive()
    expect(got.length).toBeGreaterThan(0)
    answered.push(...got.map((reply) => reply.xid))
  }
  expect(answered).toEqual(Array.from({ length: 600 }, (_, at) => at + 2))
})

test('answers of more than the limit behind one write end the connection', () => {
  const count = Math.ceil((OUTPUT_CLOSE_BYTES / LARGE.length) * 1.5)
  send(joined([write(2), ...Array.from({ length: count }, (_, at) => read(at + 3))]))
  expect(connection.isEnding).toBe(false)
  port.finishDisk()
  expect(connection.isEnding).toBe(true)
  expect(connection.largestWrite).toBeLessThan(OUTPUT_CLOSE_BYTES + 2 * LARGE.length)
})

test('what follows the end of a session is not kept', () => {
  const close = request(2, OpCode.closeSession, () => {})
  send(joined([close, new Uint8Array(FRAME_BYTES_MAX / 2)]))
  for (let i = 0; i < 50; i++) send(new Uint8Array(FRAME_BYTES_MAX))
  expect(port.replica.connections.get(connection.id)!.framer.heldBytes).toBeLessThan(
    FRAME_BYTES_MAX,
  )
  port.finishDisk()
  expect(receive().map((reply) => [reply.xid, reply.err])).toEqual([[2, 0]])
  expect(connection.isEnding).toBe(true)
})

const read = (xid: number): Uint8Array =>
  request(xid, OpCode.getData, (out) => {
    out.ustring('/large')
    out.bool(false)
  })

const write = (xid: number): Uint8Array =>
  request(xid, OpCode.setData, (out) => {
    out.ustring('/large')
    out.buffer(LARGE)
    out.int(-1)
  })

function send(bytes: Uint8Array): void {
  connection.push(bytes)
  while (port.deliver(connection)) {}
}

function receive(): readonly Reply[] {
  return connection.takeReceived().flatMap((chunk) => stream.push(chunk))
}
