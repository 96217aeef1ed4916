// A member's options for tests of what it is made of: usual times, nothing remembered, no log.

import { membershipOf } from '../../src/core/quorum/membership-text.ts'
import type { EnsembleOptions } from '../../src/core/replica/ensemble-options.ts'
import type { Database } from '../../src/core/tree/database.ts'

/** `members`: the lines of the membership. */
export function ensembleOptions(
  members: readonly string[],
  makeDatabase: () => Database,
): EnsembleOptions {
  return {
    timing: { tickMs: 2_000, initLimit: 5, syncLimit: 2, connectLimit: 0, connectRetryMs: 100 },
    election: {
      notificationMinMs: 200,
      notificationMaxMs: 60_000,
      finalizeWaitMs: 200,
      connectMs: 5_000,
      bindRetries: 3,
    },
    membership: membershipOf(members.join('\n')),
    proposedMembership: null,
    reconfigEnabled: false,
    epochs: { accepted: 0, current: 0 },
    recent: [],
    commitLogCount: 500,
    forceSnapshotSync: false,
    snapshotSyncsMax: 10,
    differenceSyncsMax: 100,
    leaderServes: true,
    openLog: () => null,
    makeDatabase,
  }
}
