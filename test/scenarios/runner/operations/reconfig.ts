import { OpCode } from '../../../../src/core/records/opcodes.ts'
import { describeData, describeStat } from '../describe.ts'
import type { Operation } from '../operation.ts'

export const operation: Operation = {
  op: OpCode.reconfig,
  usage: '[joining=TEXT] [leaving=TEXT] [members=TEXT] [version=NUMBER]',
  write(args, out) {
    for (const name of ['joining', 'leaving', 'members']) out.ustring(args.named(name) ?? null)
    out.long(BigInt(args.named('version') ?? '-1'))
  },
  read: (reader, names) => `${describeData(reader.buffer())} ${describeStat(reader, names)}`,
}
