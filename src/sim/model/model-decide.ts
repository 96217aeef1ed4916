// What must become of a write, given the state before it: the change, or the first error in the
// order in which the data model lists the checks. Written from those lists, not from the server.

import { pathProblem, sequenceSuffix } from '../../base/path.ts'
import type { Id } from '../../core/records/acl.ts'
import { Perms } from '../../core/records/acl.ts'
import { ErrorCode } from '../../core/records/errors.ts'
import {
  CreateMode,
  OpCode,
  TTL_MS_MAX,
  isCreateMode,
  isEphemeral,
  isSequential,
  isTtl,
} from '../../core/records/opcodes.ts'
import { isPermitted, storedAcl } from './model-access.ts'
import type { ModelChange } from './model-apply.ts'
import type { WriteOp } from './model-request.ts'
import { type ModelState, isEphemeralNode, nodeAt } from './model-state.ts'

/** A change, or the code of the error. */
export type Verdict = ModelChange | ErrorCode

export interface Caller {
  readonly session: bigint
  readonly ids: readonly Id[]
  readonly extendedTypes: boolean
  /** The session counts as one that lives, although the state does not have it. */
  readonly isTrusted: boolean
}

export const isChange = (verdict: Verdict): verdict is ModelChange => typeof verdict === 'object'

/** One operation; `inMulti` for those whose rules differ there. */
export function decide(state: ModelState, op: WriteOp, caller: Caller, inMulti: boolean): Verdict {
  switch (op.op) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL:
      return decideCreate(state, op, caller, inMulti)
    case OpCode.delete:
      return decideDelete(state, op, caller)
    case OpCode.setData:
      return decideSetData(state, op, caller)
    case OpCode.setACL:
      return decideSetAcl(state, op, caller)
    case OpCode.check:
      return decideCheck(state, op, caller)
    default:
      return ErrorCode.Unimplemented
  }
}

const isAlive = (state: ModelState, { session, isTrusted }: Caller): boolean =>
  isTrusted || state.sessions.has(session)

const SYSTEM_NODES: ReadonlySet<string> = new Set([
  '/',
  '/zookeeper',
  '/zookeeper/quota',
  '/zookeeper/config',
])

function decideCreate(state: ModelState, op: WriteOp, caller: Caller, inMulti: boolean): Verdict {
  const { session, ids, extendedTypes } = caller
  if (!isCreateMode(op.flags)) return ErrorCode.BadArguments
  if (isTtl(op.flags) && !extendedTypes) return ErrorCode.Unimplemented
  if (isTtl(op.flags) ? !isTtlValue(op.ttl) : op.ttl >= 0n) return ErrorCode.BadArguments
  if (!isTtl(op.flags) && op.op === OpCode.createTTL) return ErrorCode.BadArguments
  // Whatever else it may do, it owns nothing.
  const isOwner = isEphemeral(op.flags as CreateMode)
  const lives = isOwner ? state.sessions.has(session) : isAlive(state, caller)
  if (!lives) return ErrorCode.SessionExpired
  if (!op.path.includes('/') || op.path.includes('\0')) return ErrorCode.BadArguments
  const acl = storedAcl(op.acl, ids)
  if (acl === null) return ErrorCode.InvalidACL
  const parentAt = op.path.slice(0, op.path.lastIndexOf('/'))
  const parent = nodeAt(state, parentAt)
  if (parent === undefined) return ErrorCode.NoNode
  if (!isPermitted(parent.acl, Perms.create, ids)) return ErrorCode.NoAuth
  const path = isSequential(op.flags) ? op.path + sequenceSuffix(parent.creations) : op.path
  if (pathProblem(path) !== null) return ErrorCode.BadArguments
  if (nodeAt(state, path) !== undefined) return ErrorCode.NodeExists
  if (isEphemeralNode(parent)) return ErrorCode.NoChildrenForEphemerals
  const { data } = op
  const owner = ownerKind(op, inMulti)
  return { kind: 'create', path, data, acl, owner, ttlMs: owner === 'ttl' ? Number(op.ttl) : 0 }
}

const isTtlValue = (ttl: bigint): boolean => ttl > 0n && ttl <= BigInt(TTL_MS_MAX)

function ownerKind(op: WriteOp, inMulti: boolean): 'none' | 'session' | 'container' | 'ttl' {
  const mode = op.flags as CreateMode
  if (op.op === OpCode.createContainer) return 'container'
  if (op.op === OpCode.createTTL) return 'ttl'
  // Outside a multi the flag of a container is not honoured by the plain operation.
  if (mode === CreateMode.container) return inMulti ? 'container' : 'none'
  return isEphemeral(mode) ? 'session' : 'none'
}

function decideDelete(state: ModelState, op: WriteOp, caller: Caller): Verdict {
  const { path } = op
  if (!isAlive(state, caller)) return ErrorCode.SessionExpired
  if (!path.includes('/') || path.includes('\0') || SYSTEM_NODES.has(path)) {
    return ErrorCode.BadArguments
  }
  const parent = nodeAt(state, path.slice(0, path.lastIndexOf('/')))
  if (parent === undefined) return ErrorCode.NoNode
  if (!isPermitted(parent.acl, Perms.delete, caller.ids)) return ErrorCode.NoAuth
  const node = nodeAt(state, path)
  if (node === undefined) return ErrorCode.NoNode
  if (op.version !== -1 && op.version !== node.version) return ErrorCode.BadVersion
  if (node.children.size > 0) return ErrorCode.NotEmpty
  return { kind: 'delete', path }
}

function decideSetData(state: ModelState, op: WriteOp, caller: Caller): Verdict {
  const { path, data } = op
  if (!isAlive(state, caller)) return ErrorCode.SessionExpired
  if (pathProblem(path) !== null) return ErrorCode.BadArguments
  const node = nodeAt(state, path)
  if (node === undefined) return ErrorCode.NoNode
  if (!isPermitted(node.acl, Perms.write, caller.ids)) return ErrorCode.NoAuth
  if (op.version !== -1 && op.version !== node.version) return ErrorCode.BadVersion
  return { kind: 'setData', path, data }
}

function decideSetAcl(state: ModelState, op: WriteOp, caller: Caller): Verdict {
  const { path } = op
  if (!isAlive(state, caller)) return ErrorCode.SessionExpired
  if (pathProblem(path) !== null) return ErrorCode.BadArguments
  const acl = storedAcl(op.acl, caller.ids)
  if (acl === null) return ErrorCode.InvalidACL
  const node = nodeAt(state, path)
  if (node === undefined) return ErrorCode.NoNode
  if (!isPermitted(node.acl, Perms.admin, caller.ids)) return ErrorCode.NoAuth
  if (op.version !== -1 && op.version !== node.aversion) return ErrorCode.BadVersion
  return { kind: 'setACL', path, acl }
}

function decideCheck(state: ModelState, op: WriteOp, caller: Caller): Verdict {
  const { path } = op
  if (!isAlive(state, caller)) return ErrorCode.SessionExpired
  if (pathProblem(path) !== null) return ErrorCode.BadArguments
  const node = nodeAt(state, path)
  if (node === undefined) return ErrorCode.NoNode
  if (!isPermitted(node.acl, Perms.read, caller.ids)) return ErrorCode.NoAuth
  if (op.version !== -1 && op.version !== node.version) return ErrorCode.BadVersion
  return { kind: 'check', path }
}
