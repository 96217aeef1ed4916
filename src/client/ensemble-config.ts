// Who belongs to the ensemble, as a client sees and changes it (ZooKeeper 3.9, dynamic
// reconfiguration): the node that every server keeps is read into values, and a change is written as
// the request wants it. It knows how a member's line is spelled, and no rule by which a leader takes
// a change or refuses it.

import {
  type Grouping,
  InvalidMembership,
  type MemberLine,
  formatMember,
  memberLineOf,
  readMembership,
} from '../core/quorum/membership-text.ts'
import { decodeUtf8 } from '../base/text.ts'
import type { Call } from '../core/session-client/call.ts'
import { dataOf } from '../core/session-client/decode-reply.ts'
import type { ClientCall } from './driver.ts'
import { BadOptionsError, DecodeError } from './errors.ts'
import type { Stat } from './stat.ts'

/** Where the servers keep it; nobody but they writes it. */
export const CONFIG_PATH = '/zookeeper/config'

/** The members of an ensemble at one time. */
export interface EnsembleConfig {
  /** The zxid of the change that made it; 0 for what the servers were started with. */
  readonly version: number
  /** None on a server that stands alone. */
  readonly members: readonly EnsembleMember[]
  /** How quorums are counted where not all votes are equal, else null. */
  readonly grouping: Grouping | null
  /** As the servers keep it, line by line. */
  readonly text: string
  readonly stat: Stat
}

export interface EnsembleMember {
  /** The N of its `server.N`. */
  readonly id: number
  readonly role: 'participant' | 'observer'
  /** Each address that other servers reach it by; the first is the usual one. */
  readonly addresses: readonly {
    readonly host: string
    readonly quorumPort: number
    readonly electionPort: number
  }[]
  /** Where it serves clients, on all of its addresses if the host is 0.0.0.0; null if unknown. */
  readonly client: { readonly host: string; readonly port: number } | null
  /** `server.N=host:port:port:role;host:port`, which {@link MembersChange} takes. */
  readonly line: string
}

/** Either some who join or leave, or all members of another ensemble. */
export interface MembersChange {
  /** Lines of members, `server.N=host:port:port[:role];[host:]port`; one with a known N replaces it. */
  readonly joining?: readonly string[]
  /** Their numbers. */
  readonly leaving?: readonly number[]
  /** All lines: of members and, where quorums are counted in groups, `group.N` and `weight.N`. */
  readonly members?: readonly string[]
  /** Only if the members are still those of this {@link EnsembleConfig.version}; any by default. */
  readonly fromVersion?: number
}

/** Reads the node, or the answer to a reconfiguration, which are the same. */
export function configOf(call: ClientCall): EnsembleConfig {
  const data = dataOf(call.value)
  try {
    const text = decodeUtf8(data)
    const { version, members, grouping } = readMembership(text)
    // A successful answer of these operations has been decoded with its stat.
    const stat = call.value?.stat as Stat
    return { version, members: members.map(memberOf), grouping, text, stat }
  } catch (error) {
    throw new DecodeError(CONFIG_PATH, data, error)
  }
}

/** The fields of the request, or what is wrong with the change. */
export function membersRequest(
  change: MembersChange,
): NonNullable<Call<unknown, unknown>['members']> | BadOptionsError {
  const { joining = [], leaving = [], members, fromVersion = -1 } = change
  const isPartial = joining.length + leaving.length > 0
  if (isPartial === (members !== undefined)) {
    return new BadOptionsError('a reconfiguration has joining and leaving servers, or all members')
  }
  if (!Number.isSafeInteger(fromVersion) || fromVersion < -1) {
    return new BadOptionsError(`fromVersion is the version of a configuration, not ${fromVersion}`)
  }
  const unknown = leaving.find((id) => !Number.isSafeInteger(id) || id < 0)
  if (unknown !== undefined) {
    return new BadOptionsError(`leaving has the numbers of servers, and ${unknown} is none`)
  }
  const problem = lineProblem(joining, members ?? [])
  if (problem !== null) return new BadOptionsError(problem)
  return {
    joiningServers: joining.length > 0 ? joining.join(',') : null,
    leavingServers: leaving.length > 0 ? leaving.join(',') : null,
    newMembers: members?.join(',') ?? null,
    curConfigId: BigInt(fromVersion),
  }
}

/** Here it can be said what is wrong with a line; a server answers no more than a number. */
function lineProblem(joining: readonly string[], members: readonly string[]): string | null {
  try {
    for (const line of joining) {
      const [key = '', ...value] = line.split('=')
      memberLineOf(key, value.join('='))
    }
    readMembership(members.join('\n'))
    return null
  } catch (error) {
    if (error instanceof InvalidMembership) return error.message
    throw error
  }
}

function memberOf(member: MemberLine): EnsembleMember {
  return {
    id: member.id,
    role: member.isVoter ? 'participant' : 'observer',
    addresses: member.addresses.map(({ quorumAddress, electionAddress }) => ({
      host: quorumAddress.host,
      quorumPort: quorumAddress.port,
      electionPort: electionAddress.port,
    })),
    client: member.clientAddress,
    line: formatMember(member),
  }
}
