import { OpCode } from '../../../../src/core/records/opcodes.ts'
import { describeData, describeStat } from '../describe.ts'
import type { Operation } from '../operation.ts'
import { writeReadRequest } from '../read-operation.ts'

export const operation: Operation = {
  op: OpCode.getData,
  usage: 'PATH [watch]',
  write: writeReadRequest,
  read: (reader, names) => `${describeData(reader.buffer())} ${describeStat(reader, names)}`,
}
