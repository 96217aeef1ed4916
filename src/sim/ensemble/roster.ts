// Which servers there are in a run, where each is reached, and who of them belong to the ensemble
// at first.

import type { Membership } from '../../core/quorum/membership.ts'
import { type MemberLine, buildMembership } from '../../core/quorum/membership-text.ts'
import type { EnsembleOptions } from './ensemble-options.ts'

export const CLIENT_PORT = 2181
export const machineName = (serverId: number): string => `server-${serverId}`

export function membershipOf(options: EnsembleOptions): Membership {
  const { voters, observers, groups, weights } = options
  const members = rosterOf(options).slice(0, voters + observers)
  const grouping =
    groups === null
      ? null
      : {
          groups: new Map(groups.map((ids, i) => [i + 1, ids])),
          weights: new Map(weights.map((weight, i) => [i + 1, weight])),
        }
  return buildMembership({ version: 0, members, grouping })
}

/** Every server there is: voters, observers, and those that are no members yet. */
export function rosterOf({
  voters,
  observers,
  spares,
  reconfigures,
}: EnsembleOptions): MemberLine[] {
  const count = voters + observers + (reconfigures ? spares : 0)
  return Array.from({ length: count }, (_, i) => {
    const host = machineName(i + 1)
    const addresses = {
      quorumAddress: { host, port: 2888 },
      electionAddress: { host, port: 3888 },
    }
    return {
      id: i + 1,
      isVoter: i < voters || i >= voters + observers,
      ...addresses,
      addresses: [addresses],
      clientAddress: reconfigures ? { host, port: CLIENT_PORT } : null,
    }
  })
}
