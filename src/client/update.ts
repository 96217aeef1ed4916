// Changing a node by what is in it: read, compute, write if nobody was quicker, else begin again.

import { OpCode } from '../core/records/opcodes.ts'
import { asBytes, type OperationOptions } from './options.ts'
import type { Bytes } from './bytes.ts'
import { contentOf } from './convert.ts'
import { createOnce } from './create.ts'
import { isZkError } from './errors.ts'
import { Request, type View } from './request.ts'
import type { Stat } from './stat.ts'
import { Deadline } from './waiting.ts'

/** What a node holds now. */
export interface Content {
  readonly data: Uint8Array
  readonly stat: Stat
}

/**
 * Computes new data of the present content, which is null where there is no node. Null leaves the
 * node as it is. It may be called several times.
 */
export type Change = (current: Content | null) => Bytes | null | Promise<Bytes | null>

export type UpdateOptions = OperationOptions

/** Resolves to what the node holds afterwards; null where it does not exist and was not made. */
export async function update(
  view: View,
  path: string,
  change: Change,
  options: UpdateOptions,
): Promise<Content | null> {
  const { driver } = view
  const timeoutMs = options.timeout ?? view.operationTimeoutMs
  const deadline = new Deadline(driver.platform, `update ${path}`, timeoutMs, options.signal)
  for (let pauseMs = 0; ; pauseMs = Math.min(500, pauseMs * 2 + 2)) {
    if (pauseMs > 0) await deadline.pause(driver.platform.random.below(pauseMs))
    deadline.throwIfOver()
    const current = await read(view, path, deadline)
    const wanted = await change(current)
    if (wanted === null) return current
    // The caller may write to its array while we wait for the answer.
    const data = asBytes(wanted).slice()
    try {
      if (current === null) {
        const { stat } = await createOnce(view, path, data, deadline.step)
        return { data, stat }
      }
      const set = Request.on(view, OpCode.setData, path, deadline.step, contentOf)
      set.call.data = data
      set.call.version = current.stat.version
      return { data, stat: (await set.send()).stat }
    } catch (error) {
      const wasOvertaken =
        isZkError(error, 'ZK_BAD_VERSION') ||
        isZkError(error, current === null ? 'ZK_NODE_EXISTS' : 'ZK_NO_NODE')
      if (!wasOvertaken) throw error
    }
  }
}

async function read(view: View, path: string, deadline: Deadline): Promise<Content | null> {
  try {
    return await Request.on(view, OpCode.getData, path, deadline.step, contentOf).send()
  } catch (error) {
    if (isZkError(error, 'ZK_NO_NODE')) return null
    throw error
  }
}
