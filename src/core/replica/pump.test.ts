// In which order a Ready is carried out, and what becomes of peers that take nothing.

import { beforeEach, describe, expect, it } from 'vitest'

import { OUTPUT_CLOSE_BYTES, OUTPUT_PAUSE_BYTES } from '../../base/limits.ts'
import { type SessionId, sessionIdOf } from '../../base/session-id.ts'
import type { Zxid } from '../../base/zxid.ts'
import { NodeHasher } from '../../io/crypto/node-hasher.ts'
import { JuteWriter } from '../jute/writer.ts'
import { DEFAULT_PIPELINE_SETTINGS } from '../pipeline/settings.ts'
import { WORLD_ALL } from '../records/acl.ts'
import { PASSWORD_BYTES, writeConnectRequest } from '../records/connect.ts'
import { OpCode } from '../records/opcodes.ts'
import { createRequest, readRequest } from '../records/requests.ts'
import { sessionPassword } from '../session/password.ts'
import { Database } from '../tree/database.ts'
import { NaiveTree } from '../tree/naive-tree.ts'
import { Pump } from './pump.ts'
import { Replica } from './replica.ts'

const settings = { ...DEFAULT_PIPELINE_SETTINGS, tickMs: 2_000 }

/** What the pump asked of its ports, in order. */
let asked: string[]
let backlogs: Map<number, number>
let keepsArrays: boolean
let snapshotDue: boolean
let slicesLeft: number
let pump: Pump
let nowMs: number
let lastAppended: Zxid

beforeEach(() => {
  asked = []
  backlogs = new Map()
  keepsArrays = false
  snapshotDue = false
  slicesLeft = 0
  nowMs = 0
  const database = new Database(new NaiveTree(settings), settings)
  const replica = new Replica(
    {
      serverId: 1,
      settings,
      frameBytesMax: 4 << 20,
      fieldBytesMax: 4 << 20,
      firstSessionId: sessionIdOf(0x0100000000000000n),
      hasher: new NodeHasher(),
      ensemble: null,
    },
    database,
    { nowMs, wallMs: 0 },
  )
  pump = new Pump(replica, {
    network: {
      send: (connection, bytes) => {
        asked.push(`send ${connection} ${bytes.length}`)
        return !keepsArrays
      },
      backlogBytes: (connection) => backlogs.get(connection) ?? 0,
      close: (connection) => asked.push(`close ${connection}`),
      setReading: (connection, reading) =>
        asked.push(`${reading ? 'read' : 'stop reading'} ${connection}`),
    },
    storage: {
      append: (zxid) => {
        lastAppended = zxid
        asked.push(`append ${zxid}`)
      },
      flush: () => asked.push('flush'),
      snapshotDue: () => snapshotDue,
      beginSnapshot: (_source, zxid) => {
        snapshotDue = false
        asked.push(`snapshot ${zxid}`)
      },
      continueSnapshot: () => slicesLeft-- > 0,
    },
    clock: { nowMs: () => nowMs, wallMs: () => nowMs },
    ensemble: null,
    wantTurnEnd: () => asked.push('want turn end'),
    wakeAt: (ms) => asked.push(`wake at ${ms}`),
    onWord: ({ connection, word }) => asked.push(`${connection} asks ${word}`),
  })
  pump.start()
})

function takeAsked(): string[] {
  return asked.splice(0)
}

function frame(write: (out: JuteWriter) => void): Uint8Array {
  const out = new JuteWriter()
  out.int(0)
  write(out)
  out.intAt(0, out.position - 4)
  return out.copy()
}

const handshakeOf = (sessionId: bigint, passwd: Uint8Array): Uint8Array =>
  frame((out) =>
    writeConnectRequest(out, {
      protocolVersion: 0,
      lastZxidSeen: 0 as Zxid,
      timeOut: 10_000,
      sessionId,
      passwd,
      readOnly: false,
    }),
  )

const handshake = handshakeOf(0n, new Uint8Array(PASSWORD_BYTES))

const comingBack = (session: SessionId): Uint8Array =>
  handshakeOf(session, sessionPassword(session))

const create = (path: string, bytes = 0): Uint8Array =>
  frame((out) => {
    out.int(1)
    out.int(OpCode.create)
    createRequest.write(out, { path, data: new Uint8Array(bytes), acl: WORLD_ALL, flags: 0 })
  })

const getData = (path: string): Uint8Array =>
  frame((out) => {
    out.int(1)
    out.int(OpCode.getData)
    readRequest.write(out, { path, watch: false })
  })

/** A connection with a session, whose coming about is not looked at. */
function connect(connection: number): void {
  pump.opened(connection, '127.0.0.1', 1)
  pump.bytes(connection, handshake)
  pump.endTurn()
  pump.durable(lastAppended)
  takeAsked()
}

function makeNode(path: string, bytes: number): void {
  connect(99)
  pump.bytes(99, create(path, bytes))
  pump.durable(lastAppended)
  takeAsked()
}

it('says when it wants to be woken, and only when that changes', () => {
  expect(takeAsked()).toEqual(['wake at 60000'])
  pump.opened(1, '127.0.0.1', 1)
  expect(takeAsked()).toEqual(['wake at 10000'])
  pump.opened(2, '127.0.0.1', 1)
  expect(takeAsked()).toEqual([])
})

it('writes go to the log first, and are answered when the disk has them', () => {
  connect(1)
  pump.bytes(1, create('/a'))
  expect(takeAsked()).toEqual(['append 2', 'want turn end'])
  pump.endTurn()
  expect(takeAsked()).toEqual(['flush'])
  pump.durable(2 as Zxid)
  expect(takeAsked()).toEqual(['send 1 26'])
})

it('everything of a turn is one flush, and one send to each connection', () => {
  connect(1)
  connect(2)
  pump.bytes(1, create('/a'))
  pump.bytes(1, create('/b'))
  pump.bytes(2, create('/c'))
  pump.endTurn()
  expect(takeAsked().filter((one) => one !== 'want turn end')).toEqual([
    'append 3',
    'append 4',
    'append 5',
    'flush',
  ])
  pump.durable(5 as Zxid)
  expect(takeAsked()).toEqual(['send 1 52', 'send 2 26'])
})

it('a read is answered at once', () => {
  connect(1)
  pump.bytes(1, getData('/'))
  expect(takeAsked()).toEqual([`send 1 ${4 + 16 + 4 + 68}`])
})

it('the end of a session is told when the disk has it, and not before', () => {
  connect(1)
  const session = sessionIdOf(0x0100000000000000n)
  pump.closed(1)
  pump.endSession(session)
  pump.opened(2, '127.0.0.1', 1)
  takeAsked()
  pump.bytes(2, comingBack(session))
  pump.endTurn()
  expect(takeAsked()).toEqual(['wake at 60000', 'flush'])
  pump.durable(lastAppended)
  expect(takeAsked()).toEqual(['send 2 41', 'close 2'])
})

it('closes after what was to be sent', () => {
  connect(1)
  pump.bytes(
    1,
    frame((out) => {
      out.int(1)
      out.int(99)
    }),
  )
  expect(takeAsked()).toEqual(['send 1 20', 'close 1'])
})

it('hands four-letter words over', () => {
  pump.opened(1, '127.0.0.1', 1)
  takeAsked()
  pump.bytes(1, new TextEncoder().encode('ruok'))
  expect(takeAsked()).toEqual(['1 asks ruok', 'wake at 60000'])
})

it('begins a snapshot at the end of a turn, and goes on with it turn after turn', () => {
  snapshotDue = true
  slicesLeft = 2
  takeAsked()
  pump.endTurn()
  expect(takeAsked()).toEqual(['flush', 'snapshot 0', 'want turn end'])
  pump.endTurn()
  pump.endTurn()
  pump.endTurn()
  expect(takeAsked()).toEqual(['flush', 'want turn end', 'flush', 'want turn end', 'flush'])
})

it('rests after a snapshot, four times as long as it took', () => {
  snapshotDue = true
  pump.endTurn()
  nowMs = 100
  expect(pump.snapshotWritten()).toBe(100)
  snapshotDue = true
  takeAsked()
  nowMs = 499
  pump.endTurn()
  expect(takeAsked()).toEqual(['flush'])
  nowMs = 500
  pump.endTurn()
  expect(takeAsked()).toEqual(['flush', 'snapshot 0', 'want turn end'])
})

describe('a peer that does not take what it gets', () => {
  beforeEach(() => {
    connect(1)
    keepsArrays = true
  })

  it('is not read from until it does', () => {
    backlogs.set(1, OUTPUT_PAUSE_BYTES + 1)
    pump.bytes(1, getData('/'))
    expect(takeAsked()).toEqual(['send 1 92', 'stop reading 1'])
    pump.bytes(1, getData('/'))
    expect(takeAsked()).toEqual(['send 1 92'])
    pump.drained(1)
    pump.drained(1)
    expect(takeAsked()).toEqual(['read 1'])
  })

  it('is left alone while it is not much', () => {
    backlogs.set(1, OUTPUT_PAUSE_BYTES)
    pump.bytes(1, getData('/'))
    pump.drained(1)
    expect(takeAsked()).toEqual(['send 1 92'])
  })

  it('is closed when too much waited before', () => {
    backlogs.set(1, OUTPUT_CLOSE_BYTES + 92)
    pump.bytes(1, getData('/'))
    expect(takeAsked()).toEqual(['send 1 92', 'stop reading 1'])
    backlogs.set(1, OUTPUT_CLOSE_BYTES + 93)
    pump.bytes(1, getData('/'))
    expect(takeAsked()).toEqual(['send 1 92', 'close 1'])
  })

  it('has the arrays that it keeps to itself', () => {
    const { output } = pump.replica.connections.get(1)!
    pump.bytes(1, getData('/'))
    const kept = output.bytes
    pump.bytes(1, getData('/'))
    expect(output.bytes).not.toBe(kept)
    expect(output.position).toBe(0)
  })
})

describe('one that asks for more than goes out at once', () => {
  const many = (count: number): Uint8Array => {
    const one = getData('/big')
    const all = new Uint8Array(count * one.length)
    for (let i = 0; i < count; i++) all.set(one, i * one.length)
    return all
  }

  it('is served a portion a turn', () => {
    makeNode('/big', 800_000)
    connect(1)
    pump.bytes(1, many(5))
    expect(takeAsked()).toEqual(['send 1 1600184', 'want turn end', 'stop reading 1'])
    pump.endTurn()
    expect(takeAsked()).toEqual([
      'send 1 1600184',
      'want turn end',
      'read 1',
      'stop reading 1',
      'flush',
    ])
    pump.endTurn()
    expect(takeAsked()).toEqual(['send 1 800092', 'read 1', 'flush'])
  })

  it('waits for the peer where that is slower', () => {
    makeNode('/big', 800_000)
    connect(1)
    keepsArrays = true
    backlogs.set(1, OUTPUT_PAUSE_BYTES + 1)
    pump.bytes(1, many(3))
    pump.endTurn()
    expect(takeAsked().filter((one) => one.startsWith('send'))).toEqual(['send 1 1600184'])
    backlogs.set(1, 0)
    pump.drained(1)
    expect(takeAsked().filter((one) => one.startsWith('send'))).toEqual(['send 1 800092'])
  })

  it('that is gone is not served', () => {
    makeNode('/big', 800_000)
    connect(1)
    pump.bytes(1, many(3))
    takeAsked()
    pump.closed(1)
    pump.endTurn()
    expect(takeAsked().filter((one) => one.startsWith('send'))).toEqual([])
  })
})

it('keeps what has to wait apart from the array that it came in', () => {
  connect(1)
  const chunk = Buffer.concat([create('/a'), getData('/a')])
  pump.bytes(1, chunk)
  chunk.fill(0)
  pump.endTurn()
  takeAsked()
  pump.durable(lastAppended)
  // The reply to the create, and behind it the node, not an error: header, null length, stat.
  expect(takeAsked()).toEqual([`send 1 ${4 + 16 + 4 + 2 + 4 + 16 + 4 + 68}`])
})
