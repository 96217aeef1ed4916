import { OpCode } from '../../../../src/core/records/opcodes.ts'
import type { Operation } from '../operation.ts'

/** Servers make it for themselves; a client that sends it is refused. */
export const operation: Operation = {
  op: OpCode.deleteContainer,
  usage: 'PATH',
  write: (args, out) => out.ustring(args.next('a path')),
  read: () => '',
}
