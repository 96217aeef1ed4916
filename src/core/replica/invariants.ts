// Facts that hold after every step, and facts about what a step may change. The simulator checks
// them all the time, production on a sample. A violation is a bug of ours, never a peer's.

import { assert } from '../../base/assert.ts'
import { sessionIdOf } from '../../base/session-id.ts'
import { type Zxid, formatZxid } from '../../base/zxid.ts'
import type { Replica } from './replica.ts'

/** What of a state the next one is compared with. */
export interface Observed {
  readonly applied: Zxid
  readonly committed: Zxid
  readonly proposed: Zxid
}

export function observe({ database, standalone, proposer }: Replica): Observed {
  const applied = database.lastZxid
  const leader = standalone?.leader
  return {
    applied,
    committed: leader?.committed ?? applied,
    proposed: proposer?.lastProposed ?? applied,
  }
}

/** Facts about one state. */
export function checkState(replica: Replica): void {
  const { applied, committed, proposed } = observe(replica)
  assert(applied <= committed, () => `applied ${formatZxid(applied)} before it was committed`)
  assert(committed <= proposed, () => `committed ${formatZxid(committed)} before it was proposed`)
  assert(
    replica.database.digestMismatches === 0,
    'a transaction led to another digest than foreseen',
  )
  const { proposer, service } = replica
  if (applied === proposed) {
    const pendingCount = proposer?.preparer.pending.size ?? 0
    assert(pendingCount === 0, 'nothing is in flight, but changes are pending')
  }
  const { tree, sessions } = replica.database
  for (const owner of tree.ephemeralOwners()) {
    assert(sessions.has(sessionIdOf(owner)), () => `ephemerals of a session that is not: ${owner}`)
  }
  if (service === null || proposer === null) return
  for (const id of sessions.keys()) {
    assert(service.sessions.tracker.get(id) !== undefined, () => `session ${id} is not tracked`)
  }
}

/** Facts about the step between two states. */
export function checkStep(before: Observed, after: Observed): void {
  assert(after.applied >= before.applied, 'what was applied was taken back')
  assert(after.committed >= before.committed, 'what was committed was taken back')
  assert(after.proposed >= before.proposed, 'what was proposed was taken back')
}
