import { OpCode } from '../../../../src/core/records/opcodes.ts'
import { describeStat, takeData } from '../describe.ts'
import type { Operation } from '../operation.ts'

export const operation: Operation = {
  op: OpCode.setData,
  usage: 'PATH [data=TEXT|hex=HEX|bytes=N] [version=NUMBER]',
  write(args, out) {
    out.ustring(args.next('a path'))
    out.buffer(takeData(args, new Uint8Array(0)))
    out.int(args.integer('version', -1))
  },
  read: describeStat,
}
