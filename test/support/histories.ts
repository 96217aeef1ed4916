// Random histories of writes, as fast-check draws them: what several sessions ask, and when what
// was proposed is applied. Names are few, so that requests meet.

import * as fc from 'fast-check'
import { JuteWriter } from '../../src/core/jute/writer.ts'
import type { Acl } from '../../src/core/records/acl.ts'
import { MULTI_END, multiHeader } from '../../src/core/records/multi.ts'
import { OpCode } from '../../src/core/records/opcodes.ts'
import {
  checkVersionRequest,
  createRequest,
  createTtlRequest,
  deleteRequest,
  setAclRequest,
  setDataRequest,
} from '../../src/core/records/requests.ts'

export type HistoryStep =
  /** A session, by number, asks for a write. */
  | {
      readonly kind: 'ask'
      readonly session: number
      readonly op: number
      readonly body: Uint8Array
    }
  | { readonly kind: 'begin-session'; readonly session: number }
  | { readonly kind: 'remove-container'; readonly path: string }
  /** This many of what was proposed are applied. */
  | { readonly kind: 'apply'; readonly count: number }
  | { readonly kind: 'pass-time'; readonly ms: number }

interface Operation {
  readonly op: number
  readonly body: Uint8Array
}

export const SESSIONS = 3

const body = (write: (out: JuteWriter) => void): Uint8Array => {
  const out = new JuteWriter(64)
  write(out)
  return out.copy()
}

const path = fc.constantFrom(
  '/a',
  '/a',
  '/b',
  '/é',
  '/s-',
  '/a/a',
  '/a/b',
  '/a/s-',
  '/b/s-',
  '/a/b/é',
)
const oddPath = fc.constantFrom('/', '/a/', '', 'a', '/zookeeper', '/zookeeper/config', '/a//b')
const systemPath = fc.constantFrom('/zookeeper/x', '/zookeeper/quota/a')
const quotaPath = fc
  .tuple(
    fc.constantFrom('/a', '/a/b', '/b'),
    fc.constantFrom('', '/zookeeper_limits', '/zookeeper_stats'),
  )
  .map(([root, leaf]) => `/zookeeper/quota${root}${leaf}`)
const anyPath = fc.oneof(
  { weight: 40, arbitrary: path },
  { weight: 1, arbitrary: oddPath },
  { weight: 1, arbitrary: systemPath },
  { weight: 4, arbitrary: quotaPath },
)
const data = fc.option(fc.uint8Array({ maxLength: 12 }), { nil: null, freq: 5 })
const version = fc.oneof(
  { weight: 8, arbitrary: fc.constant(-1) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 }) },
)
const open: Acl = { perms: 31, id: { scheme: 'world', id: 'anyone' } }
const lists: readonly (readonly Acl[])[] = [
  [open],
  [{ perms: 31, id: { scheme: 'auth', id: '' } }],
  [open, { perms: 1, id: { scheme: 'digest', id: 'u:h' } }],
  [{ perms: 5, id: { scheme: 'world', id: 'anyone' } }],
  [],
]
const acl = fc.oneof(
  { weight: 20, arbitrary: fc.constant(lists[0]!) },
  { weight: 1, arbitrary: fc.constantFrom(...lists) },
)

const create: fc.Arbitrary<Operation> = fc
  .record({
    op: fc.constantFrom(OpCode.create, OpCode.create2, OpCode.createContainer),
    path: anyPath,
    data,
    acl,
    flags: fc.constantFrom(0, 0, 0, 1, 2, 3, 4),
  })
  .map(({ op, ...request }) => ({ op, body: body((out) => createRequest.write(out, request)) }))
const createTtl: fc.Arbitrary<Operation> = fc
  .record({
    path: anyPath,
    data,
    acl,
    flags: fc.constantFrom(5, 6),
    ttl: fc.constantFrom(1n, 1000n, 0xff_ffff_ffffn, 0n),
  })
  .map((request) => ({
    op: OpCode.createTTL,
    body: body((out) => createTtlRequest.write(out, request)),
  }))
const remove: fc.Arbitrary<Operation> = fc.record({ path: anyPath, version }).map((request) => ({
  op: OpCode.delete,
  body: body((out) => deleteRequest.write(out, request)),
}))
const setData: fc.Arbitrary<Operation> = fc
  .record({ path: anyPath, data, version })
  .map((request) => ({
    op: OpCode.setData,
    body: body((out) => setDataRequest.write(out, request)),
  }))
const setAcl: fc.Arbitrary<Operation> = fc
  .record({ path: anyPath, acl, version })
  .map((request) => ({ op: OpCode.setACL, body: body((out) => setAclRequest.write(out, request)) }))
const check: fc.Arbitrary<Operation> = fc.record({ path: anyPath, version }).map((request) => ({
  op: OpCode.check,
  body: body((out) => checkVersionRequest.write(out, request)),
}))
const partOfMulti = fc.oneof(create, createTtl, remove, setData, check)
const multi: fc.Arbitrary<Operation> = fc.array(partOfMulti, { maxLength: 4 }).map((parts) => ({
  op: OpCode.multi,
  body: body((out) => {
    for (const part of parts) {
      multiHeader.write(out, { type: part.op, done: false, err: -1 })
      out.raw(part.body, 0, part.body.length)
    }
    multiHeader.write(out, MULTI_END)
  }),
}))
const closeSession: Operation = { op: OpCode.closeSession, body: new Uint8Array(0) }
const garbage: fc.Arbitrary<Operation> = fc.record({
  op: fc.constantFrom(OpCode.create, OpCode.multi, OpCode.setACL),
  body: fc.uint8Array({ maxLength: 20 }),
})
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 14, arbitrary: create },
  { weight: 2, arbitrary: createTtl },
  { weight: 8, arbitrary: remove },
  { weight: 6, arbitrary: setData },
  { weight: 3, arbitrary: setAcl },
  { weight: 6, arbitrary: multi },
  { weight: 1, arbitrary: fc.constant(closeSession) },
  { weight: 1, arbitrary: garbage },
)
const session = fc.integer({ min: 0, max: SESSIONS - 1 })

const step: fc.Arbitrary<HistoryStep> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc
      .tuple(session, operation)
      .map(([number, asked]): HistoryStep => ({ kind: 'ask', session: number, ...asked })),
  },
  {
    weight: 1,
    arbitrary: session.map((number): HistoryStep => ({ kind: 'begin-session', session: number })),
  },
  {
    weight: 1,
    arbitrary: path.map((at): HistoryStep => ({ kind: 'remove-container', path: at })),
  },
  {
    weight: 5,
    arbitrary: fc
      .integer({ min: 1, max: 6 })
      .map((count): HistoryStep => ({ kind: 'apply', count })),
  },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: -500, max: 2000 })
      .map((ms): HistoryStep => ({ kind: 'pass-time', ms })),
  },
)

/** All sessions live at the start. */
export const histories: fc.Arbitrary<readonly HistoryStep[]> = fc.array(step, {
  maxLength: 100,
  size: 'max',
})
