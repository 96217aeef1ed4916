// What the answer to a read must be, given the state it was read from: an error, or a body with
// the fields of the reply's record. Lists that have no order are sorted on both sides.

import type { Id } from '../../core/records/acl.ts'
import { Perms } from '../../core/records/acl.ts'
import { ErrorCode } from '../../core/records/errors.ts'
import { OpCode } from '../../core/records/opcodes.ts'
import { isPermitted, maskedAcl } from './model-access.ts'
import type { ModelRequest, ReadBody, WriteOp } from './model-request.ts'
import {
  type ModelNode,
  type ModelState,
  descendantCount,
  ephemeralsOf,
  nodeAt,
  statOf,
} from './model-state.ts'

export interface Answer {
  readonly error: ErrorCode
  /** Null where the reply is a header alone. */
  readonly body: unknown
}

const answerOf = (body: unknown): Answer => ({ error: ErrorCode.Ok, body })
const errorOf = (error: ErrorCode): Answer => ({ error, body: null })

/** The caller of a read. */
export interface Reader {
  readonly session: bigint
  readonly ids: readonly Id[]
}

export function answerRead(state: ModelState, request: ModelRequest, reader: Reader): Answer {
  const path = (request.body as { path?: string | null } | null)?.path ?? ''
  switch (request.op) {
    case OpCode.exists: {
      if (path.includes('\0')) return errorOf(ErrorCode.BadArguments)
      const node = nodeAt(state, path)
      if (node === undefined) return errorOf(ErrorCode.NoNode)
      if (!isPermitted(node.acl, Perms.read, reader.ids)) return errorOf(ErrorCode.NoAuth)
      return answerOf({ stat: statOf(node) })
    }
    case OpCode.getData:
      return readable(state, path, reader, Perms.read, (node) => ({
        data: node.data,
        stat: statOf(node),
      }))
    case OpCode.getChildren:
      return readable(state, path, reader, Perms.read, (node) => ({
        children: [...node.children].sort(),
      }))
    case OpCode.getChildren2:
      return readable(state, path, reader, Perms.read, (node) => ({
        children: [...node.children].sort(),
        stat: statOf(node),
      }))
    case OpCode.getAllChildrenNumber:
      return readable(state, path, reader, Perms.read, () => ({
        totalNumber: descendantCount(state, path),
      }))
    case OpCode.getACL:
      return readable(state, path, reader, Perms.read | Perms.admin, (node) => ({
        acl: isPermitted(node.acl, Perms.admin, reader.ids) ? node.acl : maskedAcl(node.acl),
        stat: statOf(node),
      }))
    case OpCode.getEphemerals: {
      const prefix = (request.body as { prefixPath: string | null } | null)?.prefixPath ?? ''
      const ephemerals = ephemeralsOf(state, reader.session).filter((one) => one.startsWith(prefix))
      return answerOf({ ephemerals: [...ephemerals].sort() })
    }
    case OpCode.multiRead:
      return answerOf({ results: (request.ops ?? []).map((op) => readWithin(state, op, reader)) })
    case OpCode.whoAmI:
      return answerOf({
        clientInfo: reader.ids
          .map(({ scheme, id }) => ({
            authScheme: scheme,
            user: scheme === 'digest' ? (id ?? '').split(':')[0] : id,
          }))
          .sort((a, b) => ((a.authScheme ?? '') < (b.authScheme ?? '') ? -1 : 1)),
      })
    case OpCode.sync:
      return answerOf({ path })
    default:
      return answerOf(null)
  }
}

/** Whether an accepted read with its watch flag on leaves a watch, and in which table. */
export function watchLeftBy(request: ModelRequest, answer: Answer): 'data' | 'child' | null {
  if ((request.body as ReadBody | null)?.watch !== true) return null
  switch (request.op) {
    case OpCode.exists:
      return answer.error === ErrorCode.Ok || answer.error === ErrorCode.NoNode ? 'data' : null
    case OpCode.getData:
      return answer.error === ErrorCode.Ok ? 'data' : null
    case OpCode.getChildren:
    case OpCode.getChildren2:
      return answer.error === ErrorCode.Ok ? 'child' : null
    default:
      return null
  }
}

function readable(
  state: ModelState,
  path: string,
  reader: Reader,
  wanted: number,
  body: (node: ModelNode) => unknown,
): Answer {
  const node = nodeAt(state, path)
  if (node === undefined) return errorOf(ErrorCode.NoNode)
  if (!isPermitted(node.acl, wanted, reader.ids)) return errorOf(ErrorCode.NoAuth)
  return answerOf(body(node))
}

function readWithin(state: ModelState, op: WriteOp, reader: Reader): unknown {
  const node = nodeAt(state, op.path)
  if (node === undefined) return { type: OpCode.error, err: ErrorCode.NoNode }
  if (!isPermitted(node.acl, Perms.read, reader.ids)) {
    return { type: OpCode.error, err: ErrorCode.NoAuth }
  }
  return op.op === OpCode.getData
    ? { type: op.op, data: node.data, stat: statOf(node) }
    : { type: op.op, children: [...node.children].sort() }
}
