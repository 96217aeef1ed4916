// The membership that a recovered history ends with. A reconfiguration is a transaction, and a file
// besides, which may be lost in a crash that the transaction survives: whoever has logged it must
// still take it for proposed, because it may come to lead with a history that has it.

import { decodeUtf8 } from '../../base/text.ts'
import type { Membership } from '../quorum/membership.ts'
import { InvalidMembership, membershipOf } from '../quorum/membership-text.ts'
import { CONFIG_PATH, type Database } from '../tree/database.ts'
import { NO_ROW } from '../tree/data-tree.ts'

/**
 * Whether what a history ends with is proposed, given what the configuration tells. A configuration
 * without a version has been written by hand, which counts, whatever there was before.
 */
export function isProposed(
  found: Membership,
  membership: Membership,
  proposed: Membership | null,
): boolean {
  const known = Math.max(membership.version, proposed?.version ?? 0)
  return known > 0 && found.version > known
}

/** What the history ends with; null for nothing, or nonsense. */
export function foundMembership(database: Database): Membership | null {
  const row = database.tree.lookupText(CONFIG_PATH)
  const data = row === NO_ROW ? null : database.tree.data(row)
  if (data === null) return null
  try {
    return membershipOf(decodeUtf8(data, 0, data.length))
  } catch (error) {
    if (!(error instanceof InvalidMembership)) throw error
    return null
  }
}
