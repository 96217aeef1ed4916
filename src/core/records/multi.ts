// The frame around each operation of a multi and a multiRead, request and response:
//
//   type i32 | done bool | err i32      then the operation's own record
//
// A header with `done` ends the list; what stands in its other fields, and behind it, is ignored.

import { type Decoded, bool, int, record } from '../jute/schema.ts'

export const multiHeader = record({ type: int, done: bool, err: int })

export type MultiHeader = Decoded<typeof multiHeader>

export const MULTI_END: MultiHeader = { type: -1, done: true, err: -1 }
