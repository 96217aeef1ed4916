import { encodeUtf8 } from '../../../../src/base/text.ts'
import { OpCode } from '../../../../src/core/records/opcodes.ts'
import { describeData } from '../describe.ts'
import type { Operation } from '../operation.ts'

export const operation: Operation = {
  op: OpCode.sasl,
  usage: 'TOKEN',
  write(args, out) {
    const token = args.next('a token')
    out.buffer(token === null ? null : encodeUtf8(token))
  },
  read: (reader) => `token=${describeData(reader.buffer())}`,
}
