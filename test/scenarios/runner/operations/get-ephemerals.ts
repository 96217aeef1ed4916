import { OpCode } from '../../../../src/core/records/opcodes.ts'
import type { Operation } from '../operation.ts'
import { describeNames } from '../read-operation.ts'

export const operation: Operation = {
  op: OpCode.getEphemerals,
  usage: 'PREFIX',
  write: (args, out) => out.ustring(args.next('a prefix')),
  read: describeNames,
}
