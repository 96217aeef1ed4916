import { beforeEach, expect, it } from 'vitest'

import { type SessionId, sessionIdOf } from '../../base/session-id.ts'
import { type Zxid, zxidOf } from '../../base/zxid.ts'
import { JuteReader } from '../jute/reader.ts'
import { JuteWriter } from '../jute/writer.ts'
import { DEFAULT_PIPELINE_SETTINGS } from '../pipeline/settings.ts'
import { ErrorCode } from '../records/errors.ts'
import { OpCode } from '../records/opcodes.ts'
import { Database } from '../tree/database.ts'
import { NaiveTree } from '../tree/naive-tree.ts'
import type { LogEntry } from '../zab/log-entry.ts'
import { ClientConnection } from './client-connection.ts'
import { type Order, Proposer } from './proposer.ts'
import { OWNED_HERE, SessionDesk } from './session-desk.ts'
import { StepTime } from './step-time.ts'
import { txnType } from './txn-peek.ts'

const SESSION: SessionId = sessionIdOf(0x0300_0000_0000_0001n)
const LEARNER = 7
const TIMEOUT_MS = 10_000

class Proposals implements Order {
  readonly entries: LogEntry[] = []

  get nextZxid(): Zxid {
    return zxidOf(1, this.entries.length + 1)
  }

  get lastProposed(): Zxid {
    return zxidOf(1, this.entries.length)
  }

  propose(entry: LogEntry): void {
    this.entries.push(entry)
  }
}

let order: Proposals
let desk: SessionDesk
let proposer: Proposer
let connection: ClientConnection

beforeEach(() => {
  const settings = DEFAULT_PIPELINE_SETTINGS
  const database = new Database(new NaiveTree(settings), settings)
  const sessions = {
    ...settings,
    tickMs: 2_000,
    minSessionTimeoutMs: 4_000,
    maxSessionTimeoutMs: 40_000,
  }
  order = new Proposals()
  desk = new SessionDesk(database, sessions, SESSION)
  const time = new StepTime({ nowMs: 1_000, wallMs: 1_000 })
  proposer = new Proposer(database, order, desk, settings, 1_000_000, time, () => {})
  connection = new ClientConnection(1 as never, '127.0.0.1', 1, 1_000_000, 0, 0)
  const session = desk.tracker.add(SESSION, TIMEOUT_MS, 0)
  session.owner = OWNED_HERE
  desk.attach(connection, session)
})

/** Makes the root's data empty; returns the code of the transaction's error, 0 for none. */
function write(): number {
  const out = new JuteWriter(64)
  out.ustring('/')
  out.int(0)
  out.int(-1)
  const bytes = out.view().slice()
  const reader = new JuteReader(bytes)
  expect(proposer.write(connection, OpCode.setData, 1, reader)).toBe(true)
  const entry = order.entries.at(-1) as LogEntry
  if (txnType(entry) !== OpCode.error) return ErrorCode.Ok
  return new JuteReader(entry.bytes, entry.start + 32, entry.end).int()
}

it('a client that is connected here may write', () => {
  expect(write()).toBe(ErrorCode.Ok)
})

// ZooKeeper 3.9 `SessionTrackerImpl.checkSession`
it('a connection that its client has left for another server may not write', () => {
  desk.renew(SESSION, TIMEOUT_MS, LEARNER, 2_000)
  expect(write()).toBe(ErrorCode.SessionMoved)
})

it('and may again when the client has come back', () => {
  desk.renew(SESSION, TIMEOUT_MS, LEARNER, 2_000)
  desk.renew(SESSION, TIMEOUT_MS, OWNED_HERE, 3_000)
  expect(write()).toBe(ErrorCode.Ok)
})
