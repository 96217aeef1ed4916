// Whether a transaction is the right one: what the data model makes of the request behind it, or
// something a server may do on its own account. The transaction is applied to the model on the
// way, and what its client must be told comes out.

import { formatSessionId } from '../../base/session-id.ts'
import { formatZxid } from '../../base/zxid.ts'
import { mark } from '../../base/marks.ts'
import { ErrorCode, errorName } from '../../core/records/errors.ts'
import { OpCode, opName } from '../../core/records/opcodes.ts'
import type { ModelChange, ModelDraft } from '../model/model-apply.ts'
import { type Caller, type Verdict, decide, isChange } from '../model/model-decide.ts'
import type { Answer } from '../model/model-read.ts'
import type { WriteOp } from '../model/model-request.ts'
import {
  type ModelState,
  ephemeralsOf,
  isContainer,
  nodeAt,
  statOf,
  ttlOf,
} from '../model/model-state.ts'
import type { ModelTxn, TxnPart } from '../model/model-txn.ts'
import type { DeliveredWrite } from './history.ts'
import { Violation, canonical, isSame } from './violation.ts'

/** The settings of the service under test that its transactions show. */
export interface ServiceRules {
  readonly extendedTypes: boolean
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  readonly transactionDigests: boolean
  readonly frameBytesMax: number
  readonly localSessions: boolean
  readonly localSessionsUpgrading: boolean
}

type HasBegun = (session: bigint) => boolean

const DONE: Answer = { error: ErrorCode.Ok, body: null }

/** `hasBegun` tells whether a transaction has ever begun a session; null for a server that stands alone. */
export function judgeTxn(
  rules: ServiceRules,
  before: ModelState,
  draft: ModelDraft,
  txn: ModelTxn,
  write: DeliveredWrite | null,
  hasBegun: HasBegun | null = null,
): Answer {
  if (rules.transactionDigests && txn.type !== OpCode.error && txn.digest === null) {
    throw wrong(txn, 'carries no digest')
  }
  if (write === null) return judgeOwn(rules, before, draft, txn, hasBegun)
  const { request } = write
  if (request.op === OpCode.closeSession) return judgeClose(before, draft, txn, hasBegun)
  const caller: Caller = {
    session: write.session,
    ids: write.ids,
    extendedTypes: rules.extendedTypes,
    // Of a session that it does not know the leader cannot tell whether it is another server's own,
    // unless it would have given out its number itself; one that no transaction began is.
    isTrusted: rules.localSessions && !(isExpired(txn) && (hasBegun?.(write.session) ?? true)),
  }
  if (request.ops === null) return judgeError(txn, ErrorCode.MarshallingError)
  if (request.op === OpCode.multi) return judgeMulti(draft, txn, request.ops, caller)
  const op = request.ops[0] as WriteOp
  const verdict = decide(before, op, caller, false)
  if (!isChange(verdict)) return judgeError(txn, verdict)
  requirePart(txn, txn, verdict, op, draft.state)
  draft.apply(verdict)
  return { error: ErrorCode.Ok, body: bodyOf(draft.state, op, verdict) }
}

/** What no client asked for: sessions, their expiry, and the removal of containers. */
function judgeOwn(
  rules: ServiceRules,
  before: ModelState,
  draft: ModelDraft,
  txn: ModelTxn,
  hasBegun: HasBegun | null,
): Answer {
  switch (txn.type) {
    case OpCode.createSession: {
      const timeoutMs = txn.body['timeOut'] as number
      if (timeoutMs < rules.minSessionTimeoutMs || timeoutMs > rules.maxSessionTimeoutMs) {
        throw wrong(txn, `grants ${timeoutMs} ms`)
      }
      draft.apply({ kind: 'createSession', timeoutMs })
      return DONE
    }
    case OpCode.closeSession:
      return judgeClose(before, draft, txn, hasBegun)
    case OpCode.deleteContainer: {
      const path = txn.body['path'] as string
      const node = nodeAt(before, path)
      if (node === undefined) throw wrong(txn, `removes ${path}, which is not there`)
      const ttlMs = ttlOf(node)
      const isDue = ttlMs === null ? node.creations > 0 : txn.header.time - node.mtime > ttlMs
      if ((ttlMs === null && !isContainer(node)) || node.children.size > 0 || !isDue) {
        throw wrong(txn, `removes ${path}, which is not due: ${canonical(node)}`)
      }
      draft.apply({ kind: 'delete', path })
      mark(ttlMs === null ? 'a container is removed' : 'a time to live is over')
      return DONE
    }
    case OpCode.error:
      mark('a container is not removed after all')
      // A removal of a container that came too late.
      return DONE
    default:
      throw wrong(txn, 'has no client')
  }
}

function judgeClose(
  before: ModelState,
  draft: ModelDraft,
  txn: ModelTxn,
  hasBegun: HasBegun | null,
): Answer {
  const { clientId } = txn.header
  const isThere = before.sessions.has(clientId)
  if (!isThere && txn.type === OpCode.error) return judgeError(txn, ErrorCode.SessionExpired)
  if (txn.type !== OpCode.closeSession) throw wrong(txn, 'does not end the session')
  const paths = (txn.body['paths2Delete'] ?? []) as readonly string[]
  if (!isThere) {
    // Its time may have run out while its client's own word was on the way from another server.
    if (hasBegun?.(clientId) !== true || paths.length > 0) {
      throw wrong(txn, `ends session ${formatSessionId(clientId)}, which is not there`)
    }
    mark('a session ends twice')
    return DONE
  }
  if (paths.length > 0) mark('a session ends with ephemerals')
  const owned = ephemeralsOf(before, clientId)
  if (!isSame([...paths].sort(), [...owned].sort())) {
    throw wrong(txn, `removes ${canonical(paths)}, the session owns ${canonical(owned)}`)
  }
  draft.apply({ kind: 'closeSession', paths })
  return DONE
}

function judgeError(txn: ModelTxn, expected: ErrorCode): Answer {
  const found = txn.type === OpCode.error ? (txn.body['err'] as number) : ErrorCode.Ok
  if (found !== expected) {
    throw wrong(txn, `has the outcome ${errorName(found)} instead of ${errorName(expected)}`)
  }
  mark(`refused: ${errorName(expected)}`)
  return { error: expected, body: null }
}

function judgeMulti(
  draft: ModelDraft,
  txn: ModelTxn,
  ops: readonly WriteOp[],
  caller: Caller,
): Answer {
  const { parts } = txn
  if (parts === null) throw wrong(txn, 'is not the multi that was asked for')
  const failedAt = parts.findIndex(
    (part) => part.type === OpCode.error && part.body['err'] !== ErrorCode.Ok,
  )
  if (parts.length !== ops.length) throw wrong(txn, `has ${parts.length} parts of ${ops.length}`)
  // A refused multi changes nothing, so that it is judged on a draft that is thrown away.
  const trial = failedAt < 0 ? draft : draft.trial()
  const results: unknown[] = []
  for (const [at, op] of ops.entries()) {
    const verdict = decide(trial.state, op, caller, true)
    const part = parts[at] as TxnPart
    if (at === failedAt) {
      const found = part.body['err'] as number
      if (isChange(verdict) || verdict !== found) {
        throw wrong(txn, `refuses part ${at} with ${errorName(found)}, not ${describe(verdict)}`)
      }
      mark(`multi refused: ${errorName(found)}`)
      return { error: ErrorCode.Ok, body: { results: refusedResults(ops.length, at, found) } }
    }
    if (!isChange(verdict)) throw wrong(txn, `accepts part ${at} instead of ${describe(verdict)}`)
    if (failedAt < 0) requirePart(txn, part, verdict, op, trial.state)
    trial.apply(verdict)
    results.push(multiResult(trial.state, op, verdict))
  }
  return { error: ErrorCode.Ok, body: { results } }
}

function refusedResults(count: number, failedAt: number, error: number): unknown[] {
  return Array.from({ length: count }, (_, at) => ({
    type: OpCode.error,
    err: at < failedAt ? 0 : at === failedAt ? error : ErrorCode.RuntimeInconsistency,
  }))
}

function multiResult(state: ModelState, op: WriteOp, change: ModelChange): unknown {
  const body = bodyOf(state, op, change) as object | null
  const isPlainCreate =
    op.op === OpCode.create && change.kind === 'create' && change.owner !== 'container'
  const type = change.kind !== 'create' ? op.op : isPlainCreate ? OpCode.create : OpCode.create2
  if (change.kind !== 'create' || isPlainCreate) return { type, ...body }
  return { type, path: change.path, stat: statOf(state.nodes.get(change.path)!) }
}

/** The body of the reply to a change that was made. */
function bodyOf(state: ModelState, op: WriteOp, change: ModelChange): unknown {
  switch (change.kind) {
    case 'create':
      return op.op === OpCode.create
        ? { path: change.path }
        : { path: change.path, stat: statOf(state.nodes.get(change.path)!) }
    case 'setData':
    case 'setACL':
      return { stat: statOf(state.nodes.get(change.path)!) }
    default:
      return null
  }
}

/** The transaction, or the part of a multi, says exactly what was decided. */
function requirePart(
  txn: ModelTxn,
  part: TxnPart,
  change: ModelChange,
  op: WriteOp,
  before: ModelState,
): void {
  const [type, body] = expectedPart(change, op, before)
  if (part.type !== type || !isSame(part.body, body)) {
    throw wrong(
      txn,
      `is ${opName(part.type)} ${canonical(part.body)}, expected ${opName(type)} ${canonical(body)}`,
    )
  }
}

function expectedPart(
  change: ModelChange,
  op: WriteOp,
  before: ModelState,
): readonly [type: number, body: unknown] {
  switch (change.kind) {
    case 'create': {
      const { path, data, acl } = change
      const parent = nodeAt(before, path.slice(0, path.lastIndexOf('/')))!
      const parentCVersion = (parent.creations + 1) | 0
      switch (change.owner) {
        case 'container':
          return [OpCode.createContainer, { path, data, acl, parentCVersion }]
        case 'ttl':
          return [OpCode.createTTL, { path, data, acl, parentCVersion, ttl: change.ttlMs }]
        default: {
          const ephemeral = change.owner === 'session'
          return [op.op, { path, data, acl, ephemeral, parentCVersion }]
        }
      }
    }
    case 'delete':
      return [OpCode.delete, { path: change.path }]
    case 'setData': {
      const version = (nodeAt(before, change.path)!.version + 1) | 0
      return [OpCode.setData, { path: change.path, data: change.data, version }]
    }
    case 'setACL': {
      const version = (nodeAt(before, change.path)!.aversion + 1) | 0
      return [OpCode.setACL, { path: change.path, acl: change.acl, version }]
    }
    case 'check': {
      const version = (nodeAt(before, change.path)!.version + 1) | 0
      return [OpCode.check, { path: change.path, version }]
    }
    default:
      return [change.kind === 'createSession' ? OpCode.createSession : OpCode.closeSession, null]
  }
}

function isExpired({ parts, type, body }: ModelTxn): boolean {
  const one = parts?.find((part) => part.type === OpCode.error) ?? { type, body }
  return one.type === OpCode.error && one.body['err'] === ErrorCode.SessionExpired
}

const describe = (verdict: Verdict): string =>
  isChange(verdict) ? `making the change ${canonical(verdict)}` : errorName(verdict)

const wrong = (txn: ModelTxn, what: string): Violation =>
  new Violation(
    'transaction',
    `${formatZxid(txn.header.zxid)} (${opName(txn.type)} ${txn.header.cxid} of ` +
      `${formatSessionId(txn.header.clientId)}) ${what}`,
  )
