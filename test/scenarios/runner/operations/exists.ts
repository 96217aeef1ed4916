import { OpCode } from '../../../../src/core/records/opcodes.ts'
import { describeStat } from '../describe.ts'
import type { Operation } from '../operation.ts'
import { writeReadRequest } from '../read-operation.ts'

export const operation: Operation = {
  op: OpCode.exists,
  usage: 'PATH [watch]',
  write: writeReadRequest,
  read: describeStat,
}
