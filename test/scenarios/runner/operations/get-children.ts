import { OpCode } from '../../../../src/core/records/opcodes.ts'
import type { Operation } from '../operation.ts'
import { describeNames, writeReadRequest } from '../read-operation.ts'

export const operation: Operation = {
  op: OpCode.getChildren,
  usage: 'PATH [watch]',
  write: writeReadRequest,
  read: describeNames,
}
