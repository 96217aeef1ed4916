import { aclList } from '../../../../src/core/records/acl.ts'
import { OpCode } from '../../../../src/core/records/opcodes.ts'
import { describeStat, takeAcl } from '../describe.ts'
import type { Operation } from '../operation.ts'

export const operation: Operation = {
  op: OpCode.setACL,
  usage: 'PATH [acl=SCHEME:ID:PERMS]... [version=NUMBER]',
  write(args, out) {
    out.ustring(args.next('a path'))
    aclList.write(out, takeAcl(args))
    out.int(args.integer('version', -1))
  },
  read: describeStat,
}
