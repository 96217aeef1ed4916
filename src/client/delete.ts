// Deletions beyond a single one: with everything below, and such that are not given up until the
// node is known to be gone.

import { OpCode } from '../core/records/opcodes.ts'
import { toServerPath } from '../core/session-client/chroot.ts'
import { zxidOf } from './convert.ts'
import type { ClientCall } from './driver.ts'
import { BadOptionsError, TransactionError, isZkError } from './errors.ts'
import type { OperationOptions } from './options.ts'
import { Request, type View } from './request.ts'
import { commit, op } from './transaction.ts'
import { Deadline } from './waiting.ts'

export interface DeleteOptions extends OperationOptions {
  /** Only this version; any by default. */
  readonly version?: number
  /** With everything below it. What others add meanwhile is deleted too. */
  readonly recursive?: boolean
  /** When the node is not there: fail (`error`, the default) or be content (`ignore`). */
  readonly ifMissing?: 'error' | 'ignore'
  /**
   * Do not give up: when an answer is lost, or the caller stops waiting, the client goes on in the
   * background until the node is gone. Only for paths that nobody else may create again.
   */
  readonly guaranteed?: boolean
  /** With `guaranteed`: the session that owns the node. When that is over, the node goes by itself. */
  readonly ownedBy?: bigint
}

export function deleteOnce(
  view: View,
  path: string,
  options: DeleteOptions,
): Promise<{ zxid: number }> {
  const request = Request.on(view, OpCode.delete, path, options, zxidOf)
  request.call.version = options.version ?? -1
  return request.send()
}

export async function deleteNode(
  view: View,
  path: string,
  options: DeleteOptions,
): Promise<{ zxid: number }> {
  try {
    if (options.guaranteed === true) return await deleteGuaranteed(view, path, options)
    if (options.recursive === true) return await deleteTree(view, path, options)
    return await deleteOnce(view, path, options)
  } catch (error) {
    if (options.ifMissing === 'ignore' && isZkError(error, 'ZK_NO_NODE')) {
      return { zxid: view.driver.lastZxid }
    }
    throw error
  }
}

async function deleteGuaranteed(
  view: View,
  path: string,
  options: DeleteOptions,
): Promise<{ zxid: number }> {
  const { driver } = view
  const timeoutMs = options.timeout ?? view.operationTimeoutMs
  const deadline = new Deadline(driver.platform, `delete ${path}`, timeoutMs, options.signal)
  deadline.throwIfOver()
  let zxid = driver.lastZxid
  const done = view.janitor.run(`delete ${toServerPath(view.chroot, path)}`, async () => {
    const owner = options.ownedBy
    if (owner !== undefined && owner !== driver.sessionId) return
    try {
      const once = { version: options.version ?? -1, idempotent: true, timeout: Infinity }
      zxid = (await deleteOnce(view, path, once)).zxid
    } catch (error) {
      if (!isZkError(error, 'ZK_NO_NODE')) throw error
    }
  })
  await deadline.wait<void>((resolve, reject) => {
    done.then(resolve, reject)
    return () => {}
  })
  return { zxid }
}

async function deleteTree(
  view: View,
  path: string,
  options: DeleteOptions,
): Promise<{ zxid: number }> {
  const serverPath = toServerPath(view.chroot, path)
  if (serverPath === '/' || serverPath === '/zookeeper') {
    throw new BadOptionsError(`${path} is not deleted recursively: it holds the whole tree`)
  }
  const timeoutMs = options.timeout ?? view.operationTimeoutMs
  const deadline = new Deadline(view.driver.platform, `delete ${path}`, timeoutMs, options.signal)
  for (;;) {
    const below = await descendants(view, path, deadline)
    for (let i = below.length; i > 0; i -= DELETES_PER_TRANSACTION) {
      const batch = below.slice(Math.max(0, i - DELETES_PER_TRANSACTION), i).reverse()
      await deleteBatch(view, batch, deadline)
    }
    try {
      return await deleteOnce(view, path, { version: options.version ?? -1, ...deadline.step })
    } catch (error) {
      // Somebody adds faster than we delete, or was quicker once: look again while there is time.
      if (!isZkError(error, 'ZK_NOT_EMPTY')) throw error
      deadline.throwIfOver()
    }
  }
}

/** All paths below `path`, each behind its parent. */
async function descendants(view: View, path: string, deadline: Deadline): Promise<string[]> {
  const found: string[] = []
  let level = [path]
  while (level.length > 0) {
    const lists = await Promise.all(level.map((parent) => childPaths(view, parent, deadline)))
    level = lists.flat()
    for (const child of level) found.push(child)
  }
  return found
}

async function childPaths(view: View, parent: string, deadline: Deadline): Promise<string[]> {
  const request = Request.on(view, OpCode.getChildren2, parent, deadline.step, namesOf)
  try {
    const names = await request.send()
    return names.map((name) => (parent === '/' ? `/${name}` : `${parent}/${name}`))
  } catch (error) {
    if (isZkError(error, 'ZK_NO_NODE')) return []
    throw error
  }
}

/** In one transaction where that works, else one by one: others may have deleted some of it. */
async function deleteBatch(
  view: View,
  paths: readonly string[],
  deadline: Deadline,
): Promise<void> {
  try {
    await commit(
      view,
      paths.map((path) => op.delete(path)),
      [],
      deadline.step,
    )
  } catch (error) {
    if (!(error instanceof TransactionError)) throw error
    await Promise.all(paths.map((path) => deleteIfThere(view, path, deadline)))
  }
}

async function deleteIfThere(view: View, path: string, deadline: Deadline): Promise<void> {
  try {
    await deleteOnce(view, path, deadline.step)
  } catch (error) {
    const isGone = isZkError(error, 'ZK_NO_NODE')
    if (!isGone && !isZkError(error, 'ZK_NOT_EMPTY')) throw error
  }
}

const DELETES_PER_TRANSACTION = 500

const namesOf = (call: ClientCall): readonly string[] => call.value?.names ?? []
