import { OpCode } from '../../../../src/core/records/opcodes.ts'
import { readPath } from '../create-operation.ts'
import type { Operation } from '../operation.ts'

export const operation: Operation = {
  op: OpCode.sync,
  usage: 'PATH',
  write: (args, out) => out.ustring(args.next('a path')),
  read: readPath,
}
