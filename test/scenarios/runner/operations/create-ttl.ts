import { CreateMode, OpCode } from '../../../../src/core/records/opcodes.ts'
import { CREATE_USAGE, readPath, writeCreate } from '../create-operation.ts'
import { describeStat } from '../describe.ts'
import type { Operation } from '../operation.ts'

export const operation: Operation = {
  op: OpCode.createTTL,
  usage: `${CREATE_USAGE} ttl=MS`,
  write(args, out) {
    const ttl = args.named('ttl') ?? '1000'
    writeCreate(args, out, CreateMode.persistentTtl)
    out.long(BigInt(ttl))
  },
  read: (reader, names) => `${readPath(reader, names)} ${describeStat(reader, names)}`,
}
