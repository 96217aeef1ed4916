import { encodeUtf8 } from '../../../../src/base/text.ts'
import { OpCode, Xid } from '../../../../src/core/records/opcodes.ts'
import type { Operation } from '../operation.ts'

export const operation: Operation = {
  op: OpCode.auth,
  usage: 'SCHEME CREDENTIALS',
  xid: Xid.auth,
  write(args, out) {
    out.int(0)
    out.ustring(args.next('a scheme'))
    const credentials = args.next('credentials')
    out.buffer(credentials === null ? null : encodeUtf8(credentials))
  },
  read: () => '',
}
