import { OpCode } from '../../../../src/core/records/opcodes.ts'
import type { Operation } from '../operation.ts'

export const operation: Operation = {
  op: OpCode.check,
  usage: 'PATH [version=NUMBER]',
  write(args, out) {
    out.ustring(args.next('a path'))
    out.int(args.integer('version', -1))
  },
  read: () => '',
}
