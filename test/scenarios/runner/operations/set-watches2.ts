import { OpCode, Xid } from '../../../../src/core/records/opcodes.ts'
import type { Operation } from '../operation.ts'
import { writeWatchLists } from '../watch-operation.ts'

const LISTS = ['data', 'exist', 'child', 'persistent', 'recursive']

export const operation: Operation = {
  op: OpCode.setWatches2,
  usage: `[since=ZXID] ${LISTS.map((name) => `[${name}=PATH]...`).join(' ')}`,
  xid: Xid.setWatches,
  write: (args, out) => writeWatchLists(args, out, LISTS),
  read: () => '',
}
