// What can go wrong with locks and leadership beyond what can go wrong with any operation.

import { ZkError, type ZkErrorFields } from '../client/errors.ts'

/** The lock was not to be had in time; nothing of the attempt is left. */
export class LockTimeoutError extends ZkError {
  override readonly name: string = 'LockTimeoutError'

  constructor(path: string) {
    super(`lock ${path}: not acquired in time`, { code: 'ZK_LOCK_TIMEOUT', path, retry: 'safe' })
  }
}

/** The lock is not held any more, or that is not certain any more. */
export class LockLostError extends ZkError {
  override readonly name: string = 'LockLostError'

  constructor(message: string, fields: ZkErrorFields = {}) {
    super(message, { code: 'ZK_LOCK_LOST', retry: 'new-session', ...fields })
  }
}

/** Another may lead by now: whatever was being done as the leader must stop. */
export class LeadershipLostError extends ZkError {
  override readonly name: string = 'LeadershipLostError'

  constructor(message: string, fields: ZkErrorFields = {}) {
    super(message, { code: 'ZK_LEADERSHIP_LOST', retry: 'new-session', ...fields })
  }
}
