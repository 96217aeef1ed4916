// What callers get of an answered call, where several operations answer alike. What one operation
// alone answers stands with that operation.

import { dataOf } from '../core/session-client/decode-reply.ts'
import type { Codec } from './codec.ts'
import type { ClientCall } from './driver.ts'
import { DecodeError, isZkError } from './errors.ts'
import type { Stat } from './stat.ts'

export function contentOf(call: ClientCall): { data: Uint8Array; stat: Stat } {
  return { data: dataOf(call.value), stat: statOf(call) }
}

// A successful answer of these operations has been decoded with its stat.
export const statOf = (call: ClientCall): Stat => call.value?.stat as Stat

export const zxidOf = (call: ClientCall): { zxid: number } => ({ zxid: call.zxid })

export function writtenOf(call: ClientCall): { stat: Stat; zxid: number } {
  return { stat: statOf(call), zxid: call.zxid }
}

/** The value that a node's data stands for. */
export function decode<T>(
  call: ClientCall,
  codec: Codec<T>,
  path: string,
): { value: T; stat: Stat } {
  const { data, stat } = contentOf(call)
  try {
    return { value: codec.decode(data, stat), stat }
  } catch (error) {
    throw new DecodeError(path, data, error)
  }
}

/** For those who ask whether there is a node. */
export function nullForNoNode(error: unknown): null {
  if (isZkError(error, 'ZK_NO_NODE')) return null
  throw error
}
