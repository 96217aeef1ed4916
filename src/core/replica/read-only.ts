// Writes on a server that has no leader and serves what it has all the same, to clients that asked
// for that (ZooKeeper 3.9 `ReadOnlyZooKeeperServer`): there are none.

import { assert } from '../../base/assert.ts'
import type { Zxid } from '../../base/zxid.ts'
import { ErrorCode } from '../records/errors.ts'
import type { ClientConnection } from './client-connection.ts'
import type { Writes } from './writes.ts'

export class ReadOnly implements Writes {
  readonly isReadOnly: boolean = true
  readonly refusal: number = ErrorCode.NotReadOnly
  readonly count: number = 0
  readonly lastProposed: Zxid | null = null

  write(): boolean {
    return false
  }

  sync(): boolean {
    return false
  }

  beginSession(): void {
    assert(false, 'sessions without a leader are local')
  }

  revalidate(): void {
    assert(false, 'there is no leader to ask')
  }

  take(): ClientConnection | null {
    return null
  }

  applied(): void {
    assert(false, 'something was committed without a leader')
  }
}
