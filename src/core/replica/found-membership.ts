// The membership that a recovered history ends with. A reconfiguration is a transaction, and a file
// besides, which may be lost in a crash that the transaction survives: whoever has logged it must
// still take it for proposed, because it may come to lead with a history that has it.

import { decodeUtf8 } from '../../base/text.ts'
import type { Membership } from '../quorum/membership.ts'
import { InvalidMembership, membershipOf } from '../quorum/membership-text.ts'
import { CONFIG_PATH, type Database } from '../tree/database.ts'
import { NO_ROW } from '../tree/data-tree.ts'

/**
 * Null where the history has none that is newer than what the configuration tells. A configuration
 * without a version has been written by hand, which counts, whatever there was before.
 */
export function foundMembership(
  database: Database,
  membership: Membership,
  proposed: Membership | null,
): Membership | null {
  const known = Math.max(membership.version, proposed?.version ?? 0)
  if (known === 0) return null
  const row = database.tree.lookupText(CONFIG_PATH)
  const data = row === NO_ROW ? null : database.tree.data(row)
  if (data === null) return null
  try {
    const found = membershipOf(decodeUtf8(data, 0, data.length))
    return found.version > known ? found : null
  } catch (error) {
    if (!(error instanceof InvalidMembership)) throw error
    return null
  }
}
