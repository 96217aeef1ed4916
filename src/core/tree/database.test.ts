// Transactions as a log may bring them: from older servers, over a fuzzy snapshot, with a digest
// that is not ours. What clients bring about is in the scenarios.

import { beforeEach, describe, expect, it } from 'vitest'

import { sessionIdOf } from '../../base/session-id.ts'
import { decodeUtf8 } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import { MalformedRecord } from '../jute/reader.ts'
import type { Codec } from '../jute/schema.ts'
import { JuteWriter } from '../jute/writer.ts'
import { type Acl, WORLD_ALL, WORLD_READ } from '../records/acl.ts'
import { ErrorCode } from '../records/errors.ts'
import { OpCode } from '../records/opcodes.ts'
import {
  closeSessionTxn,
  createContainerTxn,
  createSessionTxn,
  createTtlTxn,
  createTxn,
  deleteTxn,
  errorTxn,
  multiTxn,
  setAclTxn,
  setDataTxn,
  txnDigest,
  txnHeader,
} from '../records/txn.ts'
import { type ChangeObserver, Database } from './database.ts'
import { NO_ROW } from './data-tree.ts'
import { NaiveTree } from './naive-tree.ts'

const rules = { extendedTypes: true, emulate353Ttl: false }
const SESSION = 0x0100_0000_0000_0001n
const NOTHING = new Uint8Array(0)

let database: Database
let lastZxid: number
/** What observers were told. */
let told: string[]

beforeEach(() => {
  database = new Database(new NaiveTree(rules), rules)
  lastZxid = 0
  told = []
})

const observer: ChangeObserver = {
  onCreated: (bytes, start, end) => told.push(`created ${decodeUtf8(bytes, start, end)}`),
  onDeleting: (path, bytes, start, end, row) => {
    const text = path ?? decodeUtf8(bytes, start, end)
    expect(database.tree.path(row)).toBe(text)
    told.push(`deleting ${text}`)
  },
  onDataChanged: (bytes, start, end) => told.push(`changed ${decodeUtf8(bytes, start, end)}`),
  onResult: (type, error) => told.push(error === ErrorCode.Ok ? `${type} ok` : `${type} ${error}`),
}

function bytesOf<T>(codec: Codec<T>, value: T): Uint8Array {
  const out = new JuteWriter()
  codec.write(out, value)
  return out.copy()
}

interface Options {
  readonly zxid?: number
  readonly session?: bigint
  readonly digest?: bigint
}

function apply(type: number, body: Uint8Array, options: Options = {}): void {
  const zxid = (options.zxid ?? ++lastZxid) as Zxid
  lastZxid = Math.max(lastZxid, zxid)
  const out = new JuteWriter()
  const clientId = options.session ?? SESSION
  txnHeader.write(out, { clientId, cxid: 1, zxid, time: zxid * 10, type })
  out.raw(body, 0, body.length)
  if (options.digest !== undefined) {
    txnDigest.write(out, { version: 2, treeDigest: options.digest })
  }
  const bytes = out.copy()
  database.apply(bytes, 0, bytes.length, observer)
}

const creation = (path: string, more: { ephemeral?: boolean; parentCVersion?: number } = {}) =>
  bytesOf(createTxn, {
    path,
    data: NOTHING,
    acl: WORLD_ALL,
    ephemeral: more.ephemeral ?? false,
    parentCVersion: more.parentCVersion ?? -1,
  })

const create = (path: string, options?: Options): void =>
  apply(OpCode.create, creation(path), options)

const remove = (path: string, options?: Options): void =>
  apply(OpCode.delete, bytesOf(deleteTxn, { path }), options)

const has = (path: string): boolean => database.tree.lookupText(path) !== NO_ROW
const rowOf = (path: string): number => database.tree.lookupText(path)

describe('creations', () => {
  it('count up from what the parent has where the transaction does not say', () => {
    create('/a')
    create('/b')
    expect(database.tree.creations(rowOf('/'))).toBe(2)
  })

  it('of servers that did not write the parent’s count are read as well', () => {
    const whole = creation('/a')
    apply(OpCode.create, whole.slice(0, whole.length - 4))
    expect(has('/a')).toBe(true)
    expect(database.tree.creations(rowOf('/'))).toBe(1)
  })

  it('never lower the count, and pzxid follows it', () => {
    apply(OpCode.create, creation('/a', { parentCVersion: 9 }))
    apply(OpCode.create, creation('/b', { parentCVersion: 5 }))
    expect(database.tree.creations(rowOf('/'))).toBe(9)
    expect(database.tree.pzxid(rowOf('/'))).toBe(1)
  })

  it('of a node that is there already leave its data and stat, and set its access list', () => {
    create('/a')
    const acl: readonly Acl[] = WORLD_READ
    const body = { path: '/a', data: new Uint8Array(5), acl, ephemeral: false, parentCVersion: 7 }
    apply(OpCode.create, bytesOf(createTxn, body))
    const { tree } = database
    const row = rowOf('/a')
    expect(told.at(-1)).toBe(`1 ${ErrorCode.NodeExists}`)
    expect([tree.dataLength(row), tree.czxid(row), tree.aversion(row)]).toEqual([0, 1, 0])
    expect(tree.acls.list(tree.aclId(row))).toEqual(acl)
    expect(tree.creations(rowOf('/'))).toBe(7)
  })

  it('below what is not there any more are passed over', () => {
    create('/gone/a')
    expect(told).toEqual([`1 ${ErrorCode.NoNode}`])
  })

  it('know their owners: session, container, time to live', () => {
    const body = { data: null, acl: WORLD_ALL, parentCVersion: -1 }
    apply(OpCode.create2, creation('/e', { ephemeral: true }))
    apply(OpCode.createContainer, bytesOf(createContainerTxn, { ...body, path: '/c' }))
    apply(OpCode.createTTL, bytesOf(createTtlTxn, { ...body, path: '/t', ttl: 0xff_ffff_fffe }))
    const { tree } = database
    expect([...tree.ephemerals(0x01000000, 1)]).toEqual([rowOf('/e')])
    expect([...tree.containers()]).toEqual([rowOf('/c')])
    expect([...tree.ttlNodes()]).toEqual([[rowOf('/t'), 0xff_ffff_fffe]])
    expect(tree.dataLength(rowOf('/t'))).toBe(-1)
  })
})

describe('deletions', () => {
  it('of what is not there move pzxid all the same', () => {
    create('/a')
    remove('/a/x')
    remove('/b/x')
    expect(told.slice(-2)).toEqual([`2 ${ErrorCode.NoNode}`, `2 ${ErrorCode.NoNode}`])
    expect(database.tree.pzxid(rowOf('/a'))).toBe(2)
  })

  it('never move pzxid back', () => {
    create('/a')
    create('/a/x', { zxid: 50 })
    remove('/a/x', { zxid: 20 })
    expect(database.tree.pzxid(rowOf('/a'))).toBe(50)
  })

  it('take along children that a fuzzy snapshot had too early', () => {
    create('/a')
    create('/a/b')
    create('/a/b/c')
    told = []
    remove('/a')
    expect(has('/a')).toBe(false)
    expect(told).toEqual(['deleting /a', '2 ok'])
    database.tree.verify()
  })
})

describe('the end of a session', () => {
  beforeEach(() => {
    apply(OpCode.createSession, bytesOf(createSessionTxn, { timeOut: 5_000 }))
    apply(OpCode.create, creation('/mine', { ephemeral: true }))
    apply(OpCode.create, creation('/others', { ephemeral: true }), { session: 2n })
    create('/plain')
    told = []
  })

  it('takes what is listed, and the session', () => {
    expect(database.sessions.get(sessionIdOf(SESSION))).toBe(5_000)
    apply(OpCode.closeSession, bytesOf(closeSessionTxn, { paths2Delete: ['/mine'] }))
    expect([has('/mine'), has('/others'), has('/plain')]).toEqual([false, true, true])
    expect(database.sessions.has(sessionIdOf(SESSION))).toBe(false)
    expect(told).toEqual(['deleting /mine', '-11 ok'])
  })

  it('takes all that it owns where nothing is listed, or nothing can be', () => {
    apply(OpCode.closeSession, NOTHING)
    expect([has('/mine'), has('/others')]).toEqual([false, true])
    apply(OpCode.closeSession, bytesOf(closeSessionTxn, { paths2Delete: [] }), { session: 2n })
    expect(has('/others')).toBe(false)
  })

  it('without a list but with a digest is told from one with a list', () => {
    const { tree } = database
    const before = tree.digestHigh * 2 ** 32 + tree.digestLow
    apply(OpCode.closeSession, NOTHING, { digest: BigInt(before) })
    expect(has('/mine')).toBe(false)
    expect(database.digestMismatches).toBe(1)
  })

  it('passes over what is listed and gone', () => {
    remove('/mine')
    apply(OpCode.closeSession, bytesOf(closeSessionTxn, { paths2Delete: ['/mine', '/x/y'] }))
    expect(told.at(-1)).toBe('-11 ok')
  })
})

describe('a multi', () => {
  const part = <T>(type: number, codec: Codec<T>, value: T) => ({
    type,
    data: bytesOf(codec, value),
  })

  it('is applied part by part', () => {
    const txns = [
      { type: OpCode.create, data: creation('/a') },
      part(OpCode.setData, setDataTxn, { path: '/a', data: new Uint8Array(3), version: 1 }),
      part(OpCode.delete, deleteTxn, { path: '/a' }),
    ]
    apply(OpCode.multi, bytesOf(multiTxn, { txns }))
    expect(told).toEqual(['created /a', '1 ok', 'changed /a', '5 ok', 'deleting /a', '2 ok'])
  })

  it('with an error in it changes nothing', () => {
    const txns = [
      { type: OpCode.create, data: creation('/a') },
      part(OpCode.error, errorTxn, { err: ErrorCode.BadVersion }),
      part(OpCode.error, errorTxn, { err: ErrorCode.RuntimeInconsistency }),
    ]
    apply(OpCode.multi, bytesOf(multiTxn, { txns }))
    expect(has('/a')).toBe(false)
    expect(told).toEqual(['-1 ok', `-1 ${ErrorCode.BadVersion}`, '-1 -2'])
  })

  it('of nothing is fine', () => {
    apply(OpCode.multi, bytesOf(multiTxn, { txns: [] }))
    expect(told).toEqual([])
    expect(database.lastZxid).toBe(1)
  })
})

describe('changes of what is not there', () => {
  it('are passed over', () => {
    apply(OpCode.setData, bytesOf(setDataTxn, { path: '/x', data: null, version: 1 }))
    apply(OpCode.setACL, bytesOf(setAclTxn, { path: '/x', acl: WORLD_READ, version: 1 }))
    expect(told).toEqual([`5 ${ErrorCode.NoNode}`, `7 ${ErrorCode.NoNode}`])
    expect(database.lastZxid).toBe(2)
  })
})

describe('the digest that a transaction carries', () => {
  const digestNow = (): bigint => {
    const { digestHigh, digestLow } = database.tree
    return (BigInt(digestHigh) << 32n) | BigInt(digestLow)
  }

  it('is compared with ours', () => {
    create('/a')
    const there = digestNow()
    remove('/a')
    apply(OpCode.create, creation('/a'), { zxid: 1, digest: there })
    expect(database.digestMismatches).toBe(1)
    apply(OpCode.error, bytesOf(errorTxn, { err: -101 }), { digest: digestNow() })
    expect(database.digestMismatches).toBe(1)
    create('/b', { digest: 12345n })
    expect(database.digestMismatches).toBe(2)
  })

  it('means nothing while a fuzzy snapshot is being caught up with', () => {
    database.fuzzyUntil = 5 as Zxid
    create('/a', { zxid: 5, digest: 1n })
    expect(database.digestMismatches).toBe(0)
    create('/b', { zxid: 6, digest: 1n })
    expect(database.digestMismatches).toBe(1)
  })

  it('is not looked at where digests are off', () => {
    database = new Database(new NaiveTree(rules), rules, false)
    create('/a', { digest: 1n })
    expect(database.digestMismatches).toBe(0)
  })
})

it('ephemerals without a session are dropped, the others stay', () => {
  apply(OpCode.createSession, bytesOf(createSessionTxn, { timeOut: 5_000 }))
  apply(OpCode.create, creation('/mine', { ephemeral: true }))
  apply(OpCode.create, creation('/orphan', { ephemeral: true }), { session: -2n })
  apply(OpCode.create, creation('/orphan2', { ephemeral: true }), { session: -2n })
  expect(database.dropOrphanEphemerals()).toBe(2)
  expect([has('/mine'), has('/orphan'), has('/orphan2')]).toEqual([true, false, false])
  expect(database.dropOrphanEphemerals()).toBe(0)
})

it('what is no transaction is refused', () => {
  expect(() => apply(99, NOTHING)).toThrow(MalformedRecord)
  expect(() => apply(OpCode.create, new Uint8Array(3))).toThrow(MalformedRecord)
  expect(() => database.apply(NOTHING, 0, 0, null)).toThrow(MalformedRecord)
})
