import { OpCode } from '../../../../src/core/records/opcodes.ts'
import { CREATE_USAGE, readPath, writeCreate } from '../create-operation.ts'
import { describeStat } from '../describe.ts'
import type { Operation } from '../operation.ts'

export const operation: Operation = {
  op: OpCode.create2,
  usage: CREATE_USAGE,
  write: (args, out) => writeCreate(args, out, 0),
  read: (reader, names) => `${readPath(reader, names)} ${describeStat(reader, names)}`,
}
