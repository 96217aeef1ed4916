import { OpCode, Xid } from '../../../../src/core/records/opcodes.ts'
import type { Operation } from '../operation.ts'

export const operation: Operation = {
  op: OpCode.ping,
  usage: '',
  xid: Xid.ping,
  write: () => {},
  read: () => '',
}
