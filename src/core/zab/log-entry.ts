// One transaction on its way: opaque bytes under a zxid. What they mean is the pipeline's business.

import type { Zxid } from '../../base/zxid.ts'

export interface LogEntry {
  readonly zxid: Zxid
  /** The bytes from `start` to `end` are the transaction: header, body, digest. They never change. */
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}
