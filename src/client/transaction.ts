// Several changes that happen together or not at all, each with the result that belongs to it. A
// guard is a condition in front that has no result: when it fails, the caller learns of the loss
// that it stands for instead of a failed operation.

import { pathProblem } from '../base/path.ts'
import { ErrorCode } from '../core/records/errors.ts'
import { OpCode, opName } from '../core/records/opcodes.ts'
import type { CallOp } from '../core/session-client/call.ts'
import { toClientPath, toServerPath } from '../core/session-client/chroot.ts'
import type { OpResult } from '../core/session-client/decode-reply.ts'
import { OPEN, toWireAcl } from './acl.ts'
import type { Bytes } from './bytes.ts'
import { type Created, type NodeOptions, createPathProblem, noAnswer, planOf } from './create.ts'
import type { ClientCall } from './driver.ts'
import { errorOfCode } from './error-of-call.ts'
import { BadOptionsError, PathError, TransactionError, type ZkError } from './errors.ts'
import { type OperationOptions, asBytes } from './options.ts'
import { Request, type View } from './request.ts'
import type { Stat } from './stat.ts'

/** One change or condition, as {@link op} makes it. `R` is what it results in. */
export interface Operation<R> {
  readonly kind: 'create' | 'setData' | 'delete' | 'check'
  readonly path: string
  readonly data?: Bytes
  readonly version?: number
  readonly options?: NodeOptions
  /** Never there; it carries the type of the result. */
  readonly result?: R
}

/** One read of a {@link ZooKeeper.multiRead}. */
export interface ReadOperation<R> {
  readonly kind: 'getData' | 'getChildren'
  readonly path: string
  readonly result?: R
}

/** What a list of operations results in: one slot each. */
export type ResultsOf<Ops extends readonly unknown[]> = {
  -readonly [K in keyof Ops]: Ops[K] extends Operation<infer R>
    ? R
    : Ops[K] extends ReadOperation<infer R>
      ? R | ZkError
      : never
}

/** Operations for {@link ZooKeeper.multi} and {@link ZooKeeper.multiRead}. */
export const op = {
  create: (path: string, data: Bytes = '', options: NodeOptions = {}): Operation<Created> => ({
    kind: 'create',
    path,
    data,
    options,
  }),
  setData: (path: string, data: Bytes, version: number = -1): Operation<{ stat: Stat }> => ({
    kind: 'setData',
    path,
    data,
    version,
  }),
  delete: (path: string, version: number = -1): Operation<void> => ({
    kind: 'delete',
    path,
    version,
  }),
  /** The node exists and, where a version is given, has it. */
  check: (path: string, version: number = -1): Operation<void> => ({
    kind: 'check',
    path,
    version,
  }),
  getData: (path: string): ReadOperation<{ data: Uint8Array; stat: Stat }> => ({
    kind: 'getData',
    path,
  }),
  getChildren: (path: string): ReadOperation<{ children: readonly string[] }> => ({
    kind: 'getChildren',
    path,
  }),
}

/** What is known of a guard that was not held. */
export type GuardFailed = (cause: ZkError) => Error

interface Guard {
  readonly path: string
  readonly failed: GuardFailed | null
}

/**
 * Collects changes and makes them together.
 *
 * @example
 * const [made, changed] = await zk
 *   .transaction()
 *   .create('/jobs/1', 'todo')
 *   .setData('/jobs', 'dirty', { version: 7 })
 *   .commit()
 */
export class Transaction<Results extends readonly unknown[] = []> {
  readonly #view: View
  readonly #options: OperationOptions
  readonly #operations: Operation<unknown>[] = []
  readonly #guards: Guard[] = []

  constructor(view: View, options: OperationOptions = {}) {
    this.#view = view
    this.#options = options
  }

  /** Result: path, stat and zxid of the new node. */
  create(
    path: string,
    data: Bytes = '',
    options: NodeOptions = {},
  ): Transaction<[...Results, Created]> {
    return this.#add(op.create(path, data, options))
  }

  /** Without a version, whatever the node's version is. */
  setData(
    path: string,
    data: Bytes,
    options: { readonly version?: number } = {},
  ): Transaction<[...Results, { stat: Stat }]> {
    return this.#add(op.setData(path, data, options.version))
  }

  delete(
    path: string,
    options: { readonly version?: number } = {},
  ): Transaction<[...Results, void]> {
    return this.#add(op.delete(path, options.version))
  }

  /** The node exists and, where a version is given, has it. */
  check(
    path: string,
    options: { readonly version?: number } = {},
  ): Transaction<[...Results, void]> {
    return this.#add(op.check(path, options.version))
  }

  /**
   * Lets everything fail unless this node exists when the server applies the transaction. It has no
   * result of its own. `failed` makes the error that the caller gets then; without it that is a
   * {@link TransactionError} with index -1.
   */
  guard(path: string, failed: GuardFailed | null = null): this {
    this.#guards.push({ path, failed })
    return this
  }

  /**
   * Sends it. Rejects with {@link TransactionError} when an operation is refused, and with
   * `outcome: 'unknown'` when the answer was lost.
   */
  commit(): Promise<Results> {
    const results: unknown = commit(this.#view, this.#operations, this.#guards, this.#options)
    return results as Promise<Results>
  }

  #add<R>(operation: Operation<R>): Transaction<[...Results, R]> {
    const data = operation.data
    const copied = data instanceof Uint8Array ? { ...operation, data: data.slice() } : operation
    this.#operations.push(copied)
    return this as unknown as Transaction<[...Results, R]>
  }
}

/** Sends operations as one transaction, behind its guards. */
export async function commit(
  view: View,
  operations: readonly Operation<unknown>[],
  guards: readonly Guard[],
  options: OperationOptions,
): Promise<unknown[]> {
  const all = [...guards.map(({ path }) => op.check(path)), ...operations]
  const request = new Request(view, OpCode.multi, '/', options, (call) => resultsOf(call))
  request.call.ops = all.map((operation) => toCallOp(view, operation))
  const results = await request.send()
  const failedAt = results.findIndex(({ error }) => error !== ErrorCode.Ok)
  if (failedAt >= 0) throw transactionError(all, guards, results, failedAt)
  return results
    .slice(guards.length)
    .map((result, i) => valueOf(view, all[i + guards.length], result))
}

/** Sends several reads; each has its own result or error. */
export async function multiRead(
  view: View,
  operations: readonly ReadOperation<unknown>[],
  options: OperationOptions,
): Promise<unknown[]> {
  const request = new Request(view, OpCode.multiRead, '/', options, (call) => resultsOf(call))
  request.call.ops = operations.map(({ kind, path }) => {
    throwOn(pathProblem(path), path)
    const code = kind === 'getData' ? OpCode.getData : OpCode.getChildren
    return callOp(code, toServerPath(view.chroot, path))
  })
  const results = await request.send()
  return results.map(({ error, reply }, i) => {
    const path = operations[i]?.path ?? '/'
    const kind = operations[i]?.kind
    if (error !== ErrorCode.Ok) return errorOfCode(error, { path, ...(kind ? { op: kind } : {}) })
    if (kind === 'getChildren') return { children: reply?.names ?? [] }
    return { data: reply?.data ?? new Uint8Array(0), stat: reply?.stat }
  })
}

function toCallOp(view: View, { kind, path, data, version, options }: Operation<unknown>): CallOp {
  const serverPath = toServerPath(view.chroot, path)
  if (kind === 'create') {
    throwOn(createPathProblem(path, options?.sequential ?? false), path)
    const plan = planOf(options ?? {})
    if (typeof plan === 'string') throw new BadOptionsError(`create ${path}: ${plan}`)
    const { flags, ttlMs } = plan
    const acl = toWireAcl(options?.acl ?? OPEN)
    return { ...callOp(plan.op, serverPath), data: asBytes(data ?? ''), acl, flags, ttlMs }
  }
  throwOn(pathProblem(path), path)
  if (kind === 'setData') {
    const bytes = asBytes(data ?? '')
    return { ...callOp(OpCode.setData, serverPath), data: bytes, version: version ?? -1 }
  }
  const code = kind === 'delete' ? OpCode.delete : OpCode.check
  return { ...callOp(code, serverPath), version: version ?? -1 }
}

const callOp = (code: OpCode, path: string): CallOp => ({
  op: code,
  path,
  data: null,
  acl: null,
  flags: 0,
  version: -1,
  ttlMs: 0,
})

function throwOn(problem: string | null, path: string): void {
  if (problem !== null) throw new PathError(path, problem)
}

function resultsOf(call: ClientCall): readonly OpResult[] {
  const results = call.value?.results
  if (results === null || results === undefined) throw noAnswer(opName(call.op))
  return results
}

function valueOf(
  view: View,
  operation: Operation<unknown> | undefined,
  { reply }: OpResult,
): unknown {
  switch (operation?.kind) {
    case 'create': {
      const path = toClientPath(view.chroot, reply?.path ?? operation.path)
      const stat = reply?.stat
      if (stat === null || stat === undefined) throw noAnswer('create')
      return { path, stat, zxid: stat.czxid }
    }
    case 'setData':
      return { stat: reply?.stat }
    default:
      return undefined
  }
}

/** The first refusal is the cause; the server did not even look at what stands behind it. */
function transactionError(
  all: readonly Operation<unknown>[],
  guards: readonly Guard[],
  results: readonly OpResult[],
  failedAt: number,
): Error {
  const { kind, path } = all[failedAt] ?? { kind: 'check', path: '/' }
  const cause = errorOfCode(results[failedAt]?.error ?? 0, { op: kind, path })
  const guard = guards[failedAt]
  const errors = results.slice(guards.length).map((_, i) => {
    return i + guards.length === failedAt ? cause : null
  })
  const index = failedAt - guards.length
  const what = guard === undefined ? `operation ${index}` : 'a guard'
  const fields = {
    code: cause.code,
    ...(cause.errno === undefined ? {} : { errno: cause.errno }),
    op: 'multi',
    path,
    retry: cause.retry,
    cause,
  }
  const message = `transaction: ${what} failed: ${cause.message}`
  const error = new TransactionError(message, fields, Math.max(index, -1), errors)
  return guard?.failed?.(error) ?? error
}
