// A read with the consistency that its caller asks for: what has to be sent in front of it, so that
// the answer is as fresh. It knows neither what is read nor what becomes of the answer.

import { OpCode } from '../core/records/opcodes.ts'
import type { OperationOptions, ReadOptions } from './options.ts'
import { type Convert, Request, type View } from './request.ts'

export function read<T>(
  view: View,
  code: OpCode,
  path: string,
  options: ReadOptions | undefined,
  convert: Convert<T>,
): Promise<T> {
  const request = Request.on(view, code, path, options, convert)
  const consistency = options?.consistency ?? 'session'
  if (consistency === 'session') return request.send()
  // The server answers in order: the read cannot be answered before what stands in front of it.
  const before =
    consistency === 'linearizable'
      ? Request.on(view, OpCode.sync, path, options, () => undefined)
      : emptyTransaction(view, options)
  return Promise.all([before.send(), request.send()]).then(([, value]) => value)
}

/** A write that changes nothing, for which the leader needs its majority all the same. */
function emptyTransaction(view: View, options: OperationOptions | undefined): Request<undefined> {
  const repeatable = { ...options, idempotent: true, boundTo: 'any' } as const
  const request = new Request(view, OpCode.multi, '/', repeatable, () => undefined)
  request.call.ops = []
  return request
}
