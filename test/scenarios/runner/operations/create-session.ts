import { OpCode } from '../../../../src/core/records/opcodes.ts'
import type { Operation } from '../operation.ts'

/** Servers send it to each other; a client that does is refused. */
export const operation: Operation = {
  op: OpCode.createSession,
  usage: '[timeout=MS]',
  write: (args, out) => out.int(args.integer('timeout', 10_000)),
  read: () => '',
}
