// Creating nodes: which of the protocol's create operations stands for which options, parents made
// on the way, and what to do when the node is there already.

import { parentPath, pathProblem } from '../base/path.ts'
import { CreateMode, OpCode, TTL_MS_MAX } from '../core/records/opcodes.ts'
import { toClientPath } from '../core/session-client/chroot.ts'
import { type ACL, OPEN, toWireAcl } from './acl.ts'
import type { Bytes } from './bytes.ts'
import { nullForNoNode } from './convert.ts'
import type { ClientCall } from './driver.ts'
import { BadOptionsError, PathError, ServerError, type ZkError, isZkError } from './errors.ts'
import { type OperationOptions, asBytes } from './options.ts'
import { Request, type View } from './request.ts'
import type { Stat } from './stat.ts'
import { Deadline } from './waiting.ts'

/** A node that was created. */
export interface Created {
  /** With its suffix, where the node is sequential. */
  readonly path: string
  readonly stat: Stat
  /** The change that created it; final. */
  readonly zxid: number
}

/** What kind of node, and for whom. */
export interface NodeOptions {
  /** Goes with the session. */
  readonly ephemeral?: boolean
  /** Ten digits are appended that rise with every child the parent ever had. */
  readonly sequential?: boolean
  /** Removed by the server when its last child has gone. Servers from 3.5.3 on. */
  readonly container?: boolean
  /** Removed by the server after so many milliseconds without change and children, if it allows that. */
  readonly ttl?: number
  /** Everybody may do everything unless said otherwise. */
  readonly acl?: readonly ACL[]
}

export interface CreateOptions extends OperationOptions, NodeOptions {
  /** Make missing parents, as containers (`true`, falling back to plain nodes) or as named. */
  readonly parents?: boolean | 'container' | 'persistent'
  /**
   * Survive a lost answer: the node carries a mark by which it is found again and not made twice.
   * `true` or `curator` puts `_c_<uuid>-` before its name, `hex` 32 digits; `data` leaves the name
   * alone and relies on data that nobody else writes. For nodes whose parent can be listed.
   */
  readonly protect?: boolean | 'curator' | 'hex' | 'data'
  /** When the node is there: fail (`error`, the default), write the data (`set`), or leave it (`ignore`). */
  readonly ifExists?: 'error' | 'set' | 'ignore'
}

/** The operation and flags for a kind of node, or what is wrong with it. */
export interface CreatePlan {
  readonly op: OpCode
  readonly flags: CreateMode
  readonly ttlMs: number
}

export function planOf(options: NodeOptions): CreatePlan | string {
  const { ephemeral = false, sequential = false, container = false, ttl } = options
  if (ttl !== undefined) {
    if (ephemeral || container) return 'a node with a ttl is neither ephemeral nor a container'
    if (!(Number.isSafeInteger(ttl) && ttl > 0 && ttl <= TTL_MS_MAX)) {
      return `ttl must be a whole number of milliseconds from 1 to ${TTL_MS_MAX}, not ${ttl}`
    }
    const flags = sequential ? CreateMode.persistentSequentialTtl : CreateMode.persistentTtl
    return { op: OpCode.createTTL, flags, ttlMs: ttl }
  }
  if (container) {
    if (ephemeral || sequential) return 'a container is neither ephemeral nor sequential'
    return { op: OpCode.createContainer, flags: CreateMode.container, ttlMs: 0 }
  }
  if (ephemeral) return plain(sequential ? CreateMode.ephemeralSequential : CreateMode.ephemeral)
  return plain(sequential ? CreateMode.persistentSequential : CreateMode.persistent)
}

/** What is wrong with the path of a node to be created: with a suffix to come it may end in `/`. */
export function createPathProblem(path: string, sequential: boolean): string | null {
  return pathProblem(sequential ? `${path}1` : path)
}

/** One create and nothing else. */
export function createOnce(
  view: View,
  path: string,
  data: Bytes,
  options: CreateOptions,
): Promise<Created> {
  const plan = planOf(options)
  const op = typeof plan === 'string' ? OpCode.create2 : plan.op
  const request = new Request(view, op, path, options, createdOf)
  const pathIsWrong = createPathProblem(path, options.sequential ?? false)
  if (pathIsWrong !== null) request.problem = new PathError(path, pathIsWrong)
  else if (typeof plan === 'string') request.problem = new BadOptionsError(`${path}: ${plan}`)
  else {
    request.call.flags = plan.flags
    request.call.ttlMs = plan.ttlMs
    request.call.data = asBytes(data)
    request.problem = fillAcl(request.call, options.acl ?? OPEN)
  }
  return request.send()
}

/** Creates a node and, where they are missing and wanted, its parents. */
export async function createNode(
  view: View,
  path: string,
  data: Bytes,
  options: CreateOptions,
  once: typeof createOnce = createOnce,
): Promise<Created> {
  const { driver } = view
  const timeoutMs = options.timeout ?? view.operationTimeoutMs
  const deadline = new Deadline(driver.platform, `create ${path}`, timeoutMs, options.signal)
  for (;;) {
    try {
      return await once(view, path, data, { ...options, ...deadline.step })
    } catch (error) {
      if (isZkError(error, 'ZK_NO_NODE') && (options.parents ?? false) !== false) {
        await createParents(view, parentPath(path), options.parents !== 'persistent', deadline)
      } else if (isZkError(error, 'ZK_NODE_EXISTS') && options.ifExists === 'ignore') {
        const found = await statOf(view, path, deadline)
        if (found !== null) return found
      } else if (isZkError(error, 'ZK_NODE_EXISTS') && options.ifExists === 'set') {
        const found = await overwrite(view, path, data, deadline)
        if (found !== null) return found
      } else {
        throw error
      }
    }
    // The node or its parent came or went under our hands: begin again while there is time.
    deadline.throwIfOver()
  }
}

/** Makes a path and all that is missing above it. That any of it is there already is no error. */
export async function createParents(
  view: View,
  path: string,
  asContainers: boolean,
  deadline: Deadline,
): Promise<void> {
  if (path === '/') return
  try {
    await createParent(view, path, asContainers, deadline)
  } catch (error) {
    if (!isZkError(error, 'ZK_NO_NODE')) throw error
    await createParents(view, parentPath(path), asContainers, deadline)
    await createParent(view, path, asContainers, deadline)
  }
}

export function fillAcl(call: ClientCall, acl: readonly ACL[]): ZkError | null {
  try {
    call.acl = toWireAcl(acl)
    return null
  } catch (error) {
    if (isZkError(error)) return error
    throw error
  }
}

export function createdOf(call: ClientCall, view: View): Created {
  const { path, stat } = call.value ?? {}
  if (typeof path !== 'string' || stat === null || stat === undefined) throw noAnswer('create')
  return { path: toClientPath(view.chroot, path), stat, zxid: call.zxid }
}

/** The server reported success and left out what belongs to it. */
export const noAnswer = (op: string): ServerError =>
  new ServerError(`${op}: the answer is incomplete`, {
    code: 'ZK_PROTOCOL',
    op,
    outcome: 'unknown',
  })

const plain = (flags: CreateMode): CreatePlan => ({ op: OpCode.create2, flags, ttlMs: 0 })

async function createParent(
  view: View,
  path: string,
  asContainer: boolean,
  deadline: Deadline,
): Promise<void> {
  // Sending it twice is harmless, since a node that is there already is what we want.
  const options = { ...deadline.step, idempotent: true, boundTo: 'any' } as const
  try {
    await createOnce(view, path, '', { ...options, container: asContainer })
  } catch (error) {
    if (isZkError(error, 'ZK_NODE_EXISTS')) return
    // Servers before 3.5.3 know no containers.
    if (!asContainer || !isZkError(error, 'ZK_UNIMPLEMENTED')) throw error
    await createParent(view, path, false, deadline)
  }
}

async function statOf(view: View, path: string, deadline: Deadline): Promise<Created | null> {
  const request = Request.on(view, OpCode.exists, path, deadline.step, foundOf(path))
  return request.send().catch(nullForNoNode)
}

async function overwrite(
  view: View,
  path: string,
  data: Bytes,
  deadline: Deadline,
): Promise<Created | null> {
  const request = Request.on(view, OpCode.setData, path, deadline.step, foundOf(path))
  request.call.data = asBytes(data)
  return request.send().catch(nullForNoNode)
}

const foundOf =
  (path: string) =>
  (call: ClientCall): Created => {
    const stat = call.value?.stat
    if (stat === null || stat === undefined) throw noAnswer('create')
    return { path, stat, zxid: call.zxid }
  }
