import { OpCode } from '../../../../src/core/records/opcodes.ts'
import type { Operation } from '../operation.ts'
import { WATCHER_USAGE, writeWatcherRequest } from '../watch-operation.ts'

export const operation: Operation = {
  op: OpCode.removeWatches,
  usage: WATCHER_USAGE,
  write: writeWatcherRequest,
  read: () => '',
}
