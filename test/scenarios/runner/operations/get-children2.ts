import { OpCode } from '../../../../src/core/records/opcodes.ts'
import { describeStat } from '../describe.ts'
import type { Operation } from '../operation.ts'
import { describeNames, writeReadRequest } from '../read-operation.ts'

export const operation: Operation = {
  op: OpCode.getChildren2,
  usage: 'PATH [watch]',
  write: writeReadRequest,
  read: (reader, names) => `${describeNames(reader)} ${describeStat(reader, names)}`,
}
