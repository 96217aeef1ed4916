// What no transcript can bring about: counters at their ends, and transactions as bytes.

import { beforeEach, expect, it } from 'vitest'

import type { Zxid } from '../../base/zxid.ts'
import { JuteReader } from '../jute/reader.ts'
import { JuteWriter } from '../jute/writer.ts'
import { WORLD_ALL } from '../records/acl.ts'
import { ErrorCode } from '../records/errors.ts'
import { CreateMode, OpCode } from '../records/opcodes.ts'
import { createRequest, reconfigRequest, setDataRequest } from '../records/requests.ts'
import {
  closeSessionTxn,
  createTxn,
  errorTxn,
  setDataTxn,
  txnDigest,
  txnHeader,
} from '../records/txn.ts'
import { Database } from '../tree/database.ts'
import { NaiveTree } from '../tree/naive-tree.ts'
import { Preparer } from './prepare.ts'
import { DEFAULT_PIPELINE_SETTINGS, type PipelineSettings } from './settings.ts'
import { WriteRequest } from './write-request.ts'

const INT_MAX = 2_147_483_647

let database: Database
let preparer: Preparer
let lastZxid: number

function begin(settings: PipelineSettings = DEFAULT_PIPELINE_SETTINGS): void {
  database = new Database(new NaiveTree(settings), settings)
  preparer = new Preparer(database, settings, 1 << 20)
  lastZxid = 0
}
beforeEach(() => begin())

function request(op: number, write: (out: JuteWriter) => void): WriteRequest {
  const out = new JuteWriter()
  write(out)
  const made = new WriteRequest()
  made.sessionHigh = 0x01000000
  made.sessionLow = 7
  made.cxid = 42
  made.op = op
  made.zxid = ++lastZxid as Zxid
  made.timeMs = 1234
  made.bytes = out.copy()
  made.end = made.bytes.length
  return made
}

const create = (path: string, flags: number = CreateMode.persistent): WriteRequest =>
  request(OpCode.create, (out) =>
    createRequest.write(out, { path, data: new Uint8Array(0), acl: WORLD_ALL, flags }),
  )

const setData = (path: string): WriteRequest =>
  request(OpCode.setData, (out) =>
    setDataRequest.write(out, { path, data: new Uint8Array(0), version: -1 }),
  )

interface Prepared {
  readonly error: number
  readonly bytes: Uint8Array
}

function prepare(made: WriteRequest): Prepared {
  const out = new JuteWriter()
  // Something may stand before it in the array.
  out.int(-1)
  const error = preparer.prepareRequest(made, out)
  return { error, bytes: out.copy().slice(4) }
}

function apply({ bytes }: Prepared): void {
  database.apply(bytes, 0, bytes.length, null)
  preparer.applied(database.lastZxid)
}

const pathOf = ({ bytes }: Prepared): string | null => {
  const reader = new JuteReader(bytes)
  txnHeader.read(reader)
  return createTxn.read(reader).path
}

it('a transaction is header, body and digest', () => {
  const { error, bytes } = prepare(create('/a'))
  expect(error).toBe(ErrorCode.Ok)
  const reader = new JuteReader(bytes)
  expect(txnHeader.read(reader)).toEqual({
    clientId: 0x0100_0000_0000_0007n,
    cxid: 42,
    zxid: 1,
    time: 1234,
    type: OpCode.create,
  })
  expect(createTxn.read(reader)).toEqual({
    path: '/a',
    data: new Uint8Array(0),
    acl: WORLD_ALL,
    ephemeral: false,
    parentCVersion: 1,
  })
  const { pending } = preparer
  expect(txnDigest.read(reader)).toEqual({
    version: 2,
    treeDigest: (BigInt(pending.digestHigh) << 32n) | BigInt(pending.digestLow),
  })
  expect(reader.remaining).toBe(0)
})

it('a refusal is an error transaction, without a digest', () => {
  const { error, bytes } = prepare(create('/missing/x'))
  expect(error).toBe(ErrorCode.NoNode)
  const reader = new JuteReader(bytes)
  expect(txnHeader.read(reader)).toMatchObject({ zxid: 1, type: OpCode.error })
  expect(errorTxn.read(reader)).toEqual({ err: ErrorCode.NoNode })
  expect(reader.remaining).toBe(0)
})

it('closeSession lists what the session leaves behind, creations in flight among it', () => {
  apply(prepare(create('/applied', CreateMode.ephemeral)))
  apply(prepare(create('/deleted', CreateMode.ephemeral)))
  prepare(create('/in-flight', CreateMode.ephemeral))
  prepare(
    request(OpCode.delete, (out) => {
      out.ustring('/deleted')
      out.int(-1)
    }),
  )
  const { bytes } = prepare(request(OpCode.closeSession, () => {}))
  const reader = new JuteReader(bytes)
  txnHeader.read(reader)
  expect(closeSessionTxn.read(reader)).toEqual({ paths2Delete: ['/applied', '/in-flight'] })
})

it('closeSession lists nothing where that is switched off, and takes them along all the same', () => {
  begin({ ...DEFAULT_PIPELINE_SETTINGS, closeSessionPaths: false, transactionDigests: false })
  apply(prepare(create('/a', CreateMode.ephemeral)))
  const close = prepare(request(OpCode.closeSession, () => {}))
  expect(close.bytes.length).toBe(32)
  expect(preparer.pending.findText('/a')).toBeNull()
  apply(close)
  expect(database.tree.lookupText('/a')).toBe(-1)
})

it('the count of creations stays at its end, so that sequential names meet', () => {
  apply(prepare(create('/p')))
  database.tree.touchParent(database.tree.lookupText('/p'), INT_MAX - 1, 1 as Zxid)

  const last = prepare(create('/p/s-', CreateMode.persistentSequential))
  expect(pathOf(last)).toBe('/p/s-2147483646')
  apply(last)
  expect(database.tree.creations(database.tree.lookupText('/p'))).toBe(INT_MAX)

  const beyond = prepare(create('/p/s-', CreateMode.persistentSequential))
  expect(pathOf(beyond)).toBe('/p/s-2147483647')
  expect(prepare(create('/p/s-', CreateMode.persistentSequential)).error).toBe(ErrorCode.NodeExists)
  expect(prepare(create('/p/plain')).error).toBe(ErrorCode.Ok)
  apply(beyond)
  const row = database.tree.lookupText('/p')
  expect([database.tree.creations(row), database.tree.pzxid(row)]).toEqual([INT_MAX, 2])
  expect(database.digestMismatches).toBe(0)
})

it('negative counts, which only a foreign server leaves, are printed in ten columns', () => {
  apply(prepare(create('/p')))
  database.tree.touchParent(database.tree.lookupText('/p'), -5, 1 as Zxid)
  expect(pathOf(prepare(create('/p/s-', CreateMode.persistentSequential)))).toBe('/p/s--000000005')
})

it('the version of data wraps from the greatest to the least number', () => {
  apply(prepare(create('/a')))
  const row = database.tree.lookupText('/a')
  const nothing = new Uint8Array(0)
  database.tree.setData(row, nothing, 0, 0, INT_MAX, 1 as Zxid, 0)
  const change = prepare(setData('/a'))
  const reader = new JuteReader(change.bytes)
  txnHeader.read(reader)
  expect(setDataTxn.read(reader).version).toBe(-INT_MAX - 1)
  apply(change)
  expect(database.tree.version(row)).toBe(-INT_MAX - 1)
  expect(database.digestMismatches).toBe(0)
})

it('a session that is over, or that was moved elsewhere, is refused', () => {
  for (const error of [ErrorCode.SessionExpired, ErrorCode.SessionMoved]) {
    const made = create('/a')
    made.sessionError = error
    expect(prepare(made).error).toBe(error)
  }
})

// ZooKeeper 3.9 `LeaderSessionTracker.checkGlobalSession`
it('a session that may be known to another server alone writes, but owns nothing', () => {
  const owned = (flags: CreateMode): number => {
    const made = create('/a', flags)
    made.ownerError = ErrorCode.SessionExpired
    return prepare(made).error
  }
  expect(owned(CreateMode.ephemeral)).toBe(ErrorCode.SessionExpired)
  expect(owned(CreateMode.ephemeralSequential)).toBe(ErrorCode.SessionExpired)
  expect(owned(CreateMode.persistent)).toBe(ErrorCode.Ok)
})

it('a server that stands alone refuses to reconfigure, with a reason that depends on its settings', () => {
  const reconfigure = (): WriteRequest =>
    request(OpCode.reconfig, (out) =>
      reconfigRequest.write(out, {
        joiningServers: null,
        leavingServers: '2',
        newMembers: null,
        curConfigId: -1n,
      }),
    )
  const ofMovedSession = (): WriteRequest => {
    const moved = reconfigure()
    moved.sessionError = ErrorCode.SessionMoved
    return moved
  }
  expect(prepare(reconfigure()).error).toBe(ErrorCode.ReconfigDisabled)
  expect(prepare(ofMovedSession()).error).toBe(ErrorCode.ReconfigDisabled)
  begin({ ...DEFAULT_PIPELINE_SETTINGS, reconfigEnabled: true })
  expect(prepare(reconfigure()).error).toBe(ErrorCode.Unimplemented)
  expect(prepare(ofMovedSession()).error).toBe(ErrorCode.SessionMoved)
})
