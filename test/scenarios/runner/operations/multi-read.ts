import { OpCode } from '../../../../src/core/records/opcodes.ts'
import { readParts, writeParts } from '../multi-operation.ts'
import type { CompoundOperation } from '../operation.ts'

export const operation: CompoundOperation = {
  op: OpCode.multiRead,
  usage: 'OPERATION ; OPERATION ...',
  parts: 'operations',
  write: writeParts,
  readAll: readParts,
}
