// The public entry of the recipes, `zabra/recipes`: every name that users may rely on, one by one.

export {
  type AcquireOptions,
  Held,
  type LockOptions,
  type LockScope,
  Mutex,
  withLock,
} from './lock.ts'
export {
  type ElectionOptions,
  type Leader,
  LeaderElection,
  type Leadership,
  type Leading,
  type StandingBy,
} from './leader-election.ts'
export type { ErrorPolicy } from './tenure.ts'
export { LeadershipLostError, LockLostError, LockTimeoutError } from './errors.ts'
