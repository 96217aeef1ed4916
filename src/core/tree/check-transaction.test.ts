import { describe, expect, test } from 'vitest'

import { type Zxid } from '../../base/zxid.ts'
import { JuteReader, MalformedRecord } from '../jute/reader.ts'
import { JuteWriter } from '../jute/writer.ts'
import { WORLD_ALL, aclList } from '../records/acl.ts'
import { OpCode } from '../records/opcodes.ts'
import { multiTxn, txnHeader } from '../records/txn.ts'
import { checkTransaction } from './check-transaction.ts'

type Body = (out: JuteWriter) => void

const transaction = (type: number, body: Body = () => {}): Uint8Array => {
  const out = new JuteWriter()
  txnHeader.write(out, { clientId: 1n, cxid: 1, zxid: 7 as Zxid, time: 1, type })
  body(out)
  return out.copy()
}

const check = (bytes: Uint8Array): void => checkTransaction(new JuteReader(bytes))

const create =
  (path: string, tail: Body = (out) => out.int(1)): Body =>
  (out) => {
    out.ustring(path)
    out.buffer(null)
    aclList.write(out, WORLD_ALL)
    out.bool(false)
    tail(out)
  }

const digest: Body = (out) => {
  out.int(2)
  out.long(0x1234n)
}

describe('what other servers send is taken', () => {
  test.each<[string, Uint8Array]>([
    ['a node', transaction(OpCode.create, create('/a/b'))],
    [
      'with a digest behind it',
      transaction(
        OpCode.create,
        create('/a', (out) => {
          out.int(1)
          digest(out)
        }),
      ),
    ],
    [
      'as servers before 3.4 wrote it',
      transaction(
        OpCode.create,
        create('/a', () => {}),
      ),
    ],
    ['the end of a session that names nothing', transaction(OpCode.closeSession)],
    ['the same with a digest', transaction(OpCode.closeSession, digest)],
    [
      'the end of a session with its nodes',
      transaction(OpCode.closeSession, (out) => {
        out.int(1)
        out.ustring('/e')
      }),
    ],
    [
      'data of the root',
      transaction(OpCode.setData, (out) => {
        out.ustring('/')
        out.buffer(null)
        out.int(3)
      }),
    ],
    ['an error', transaction(OpCode.error, (out) => out.int(-110))],
    [
      'several at once',
      transaction(OpCode.multi, (out) => {
        const data = transaction(OpCode.create, create('/a')).slice(32)
        multiTxn.write(out, { txns: [{ type: OpCode.create, data }] })
      }),
    ],
  ])('%s', (_, bytes) => {
    expect(() => check(bytes)).not.toThrow()
  })
})

describe('what would stop a start is refused', () => {
  test.each<[string, Uint8Array]>([
    ['a type that nobody knows', transaction(100)],
    ['a body that is cut off', transaction(OpCode.create, create('/abc')).slice(0, 50)],
    ['no body', transaction(OpCode.setData)],
    ['a path without a slash', transaction(OpCode.create, create('a'))],
    ['an empty path', transaction(OpCode.create, create(''))],
    ['an empty name', transaction(OpCode.create, create('/a//b'))],
    ['a slash at the end', transaction(OpCode.create, create('/a/'))],
    ['the root once more', transaction(OpCode.create, create('/'))],
    ['the end of the root', transaction(OpCode.delete, (out) => out.ustring('/'))],
    [
      'a part without a body',
      transaction(OpCode.multi, (out) =>
        multiTxn.write(out, { txns: [{ type: OpCode.delete, data: null }] }),
      ),
    ],
  ])('%s', (_, bytes) => {
    expect(() => check(bytes)).toThrow(MalformedRecord)
  })
})
