import { OpCode } from '../../../../src/core/records/opcodes.ts'
import { CREATE_USAGE, readPath, writeCreate } from '../create-operation.ts'
import type { Operation } from '../operation.ts'

export const operation: Operation = {
  op: OpCode.create,
  usage: CREATE_USAGE,
  write: (args, out) => writeCreate(args, out, 0),
  read: readPath,
}
