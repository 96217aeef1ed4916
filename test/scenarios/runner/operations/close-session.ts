import { OpCode } from '../../../../src/core/records/opcodes.ts'
import type { Operation } from '../operation.ts'

export const operation: Operation = {
  op: OpCode.closeSession,
  usage: '',
  write: () => {},
  read: () => '',
}
