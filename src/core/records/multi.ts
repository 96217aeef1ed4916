// The frame around each operation of a multi and a multiRead, request and response:
//
//   type i32 | done bool | err i32      then the operation's own record
//
// A header with `done` ends the list; what stands in its other fields, and behind it, is ignored.

import type { Codec } from '../jute/schema.ts'

export interface MultiHeader {
  readonly type: number
  readonly done: boolean
  readonly err: number
}

/** Written by hand: there is one before and behind each of a multi's operations. */
export const multiHeader: Codec<MultiHeader> = {
  read: (reader) => ({ type: reader.int(), done: reader.bool(), err: reader.int() }),
  write(writer, { type, done, err }) {
    writer.int(type)
    writer.bool(done)
    writer.int(err)
  },
}

export const MULTI_END: MultiHeader = { type: -1, done: true, err: -1 }
