import { OpCode } from '../../../../src/core/records/opcodes.ts'
import { describeAcl, describeStat } from '../describe.ts'
import type { Operation } from '../operation.ts'

export const operation: Operation = {
  op: OpCode.getACL,
  usage: 'PATH',
  write: (args, out) => out.ustring(args.next('a path')),
  read: (reader, names) => `${describeAcl(reader)} ${describeStat(reader, names)}`,
}
