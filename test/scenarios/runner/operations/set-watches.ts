import { OpCode, Xid } from '../../../../src/core/records/opcodes.ts'
import type { Operation } from '../operation.ts'
import { writeWatchLists } from '../watch-operation.ts'

export const operation: Operation = {
  op: OpCode.setWatches,
  usage: '[since=ZXID] [data=PATH]... [exist=PATH]... [child=PATH]...',
  xid: Xid.setWatches,
  write: (args, out) => writeWatchLists(args, out, ['data', 'exist', 'child']),
  read: () => '',
}
