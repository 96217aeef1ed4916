import { OpCode } from '../../../../src/core/records/opcodes.ts'
import type { Operation } from '../operation.ts'

export const operation: Operation = {
  op: OpCode.getAllChildrenNumber,
  usage: 'PATH',
  write: (args, out) => out.ustring(args.next('a path')),
  read: (reader) => String(reader.int()),
}
