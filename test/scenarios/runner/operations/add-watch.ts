import { OpCode } from '../../../../src/core/records/opcodes.ts'
import { AddWatchMode } from '../../../../src/core/records/watches.ts'
import type { Operation } from '../operation.ts'

export const operation: Operation = {
  op: OpCode.addWatch,
  usage: 'PATH [recursive] [mode=NUMBER]',
  write(args, out) {
    const usual = args.has('recursive') ? AddWatchMode.persistentRecursive : AddWatchMode.persistent
    out.ustring(args.next('a path'))
    out.int(args.integer('mode', usual))
  },
  read: (reader) => `{${reader.int()}}`,
}
