import { OpCode } from '../../../../src/core/records/opcodes.ts'
import { whoAmIResponse } from '../../../../src/core/records/responses.ts'
import type { Operation } from '../operation.ts'

export const operation: Operation = {
  op: OpCode.whoAmI,
  usage: '',
  write: () => {},
  read(reader) {
    const identities = whoAmIResponse.read(reader).clientInfo ?? []
    return identities
      .map(({ authScheme, user }) => `${authScheme}:${user}`)
      .sort()
      .join(' ')
  },
}
