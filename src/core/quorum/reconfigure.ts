// What a request for reconfiguration makes of a membership (ZooKeeper 3.9 `PrepRequestProcessor`,
// type reconfig): members one by one, or another ensemble altogether. Whether the new ensemble has a
// quorum of learners yet, and who may ask, is for others to check.

import { parseIpAddress } from '../../base/ip-address.ts'
import type { MemberAddress, Membership } from './membership.ts'
import {
  buildMembership,
  InvalidMembership,
  type MemberLine,
  memberLineOf,
  readMembership,
} from './membership-text.ts'

export interface Change {
  /** `server.N=…` with commas between; null for nobody. */
  readonly joining: string | null
  /** Numbers with commas between; null for nobody. */
  readonly leaving: string | null
  /** All lines of another membership, commas or line ends between; null to change this one. */
  readonly members: string | null
  /** The version that is to be changed; -1 for whichever there is. */
  readonly fromVersion: number
}

export type Reconfigured =
  | { readonly kind: 'membership'; readonly membership: Membership }
  | { readonly kind: 'bad-version' | 'bad-arguments'; readonly reason: string }

/**
 * The membership after `change`, as version `version`. `votersMin` is how many must remain: two, or
 * one where a server may not stand alone anyway (`standaloneEnabled=false`).
 */
export function reconfigure(
  current: Membership,
  change: Change,
  version: number,
  votersMin: 1 | 2,
): Reconfigured {
  if (change.fromVersion !== -1 && change.fromVersion !== current.version) {
    const reason = `the version is ${current.version.toString(16)}`
    return { kind: 'bad-version', reason }
  }
  try {
    const membership =
      change.members === null
        ? changed(current, change, version)
        : replaced(change.members, version)
    if (membership.voters.voters.size < votersMin) {
      return { kind: 'bad-arguments', reason: `there must be ${votersMin} voters at least` }
    }
    return { kind: 'membership', membership }
  } catch (error) {
    if (!(error instanceof InvalidMembership)) throw error
    return { kind: 'bad-arguments', reason: error.message }
  }
}

function replaced(members: string, version: number): Membership {
  return buildMembership({ ...readMembership(members.replaceAll(',', '\n')), version })
}

function changed(current: Membership, change: Change, version: number): Membership {
  const before = readMembership(current.text)
  if (before.grouping !== null) {
    throw new InvalidMembership('where groups are counted, all members have to be given')
  }
  const members = new Map(before.members.map((member) => [member.id, member]))
  for (const leaving of listOf(change.leaving)) {
    if (!/^\d{1,15}$/.test(leaving)) throw new InvalidMembership(`${leaving} is no server's number`)
    members.delete(Number(leaving))
  }
  for (const joining of listOf(change.joining)) {
    const joiner = readJoiner(joining)
    for (const other of members.values()) refuseSharedAddress(joiner, other)
    members.set(joiner.id, joiner)
  }
  return buildMembership({ version, members: [...members.values()], grouping: null })
}

const listOf = (text: string | null): string[] =>
  (text ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')

function readJoiner(text: string): MemberLine {
  const [key, value, ...more] = text.split('=')
  if (value === undefined || more.length > 0) {
    throw new InvalidMembership(`${JSON.stringify(text)} is not server.N=…`)
  }
  // ZooKeeper looks at what stands behind the last point of the key, and `3=…` is as good.
  const id = key!.slice(key!.lastIndexOf('.') + 1).trim()
  const joiner = memberLineOf(`server.${id}`, value.trim())
  if (joiner.clientAddress === null) {
    throw new InvalidMembership(`${JSON.stringify(text)}: a joining server needs three ports`)
  }
  return joiner
}

/** A server that joins may replace itself, but take no address of another one. */
function refuseSharedAddress(joiner: MemberLine, other: MemberLine): void {
  if (joiner.id === other.id) return
  const taken = new Set(addressesOf(other))
  const shared = addressesOf(joiner).find((address) => taken.has(address))
  if (shared === undefined) return
  throw new InvalidMembership(`server ${joiner.id} has the address ${shared} of server ${other.id}`)
}

/** Those that mean the same machine everywhere: no wildcards, and nothing that loops back. */
function addressesOf(member: MemberLine): string[] {
  const all = member.addresses.flatMap(({ quorumAddress, electionAddress }) => [
    quorumAddress,
    electionAddress,
  ])
  if (member.clientAddress !== null) all.push(member.clientAddress)
  return all.filter(({ host }) => !isEverywhere(host)).map(addressText)
}

const addressText = ({ host, port }: MemberAddress): string => `${host.toLowerCase()}:${port}`

function isEverywhere(host: string): boolean {
  const bytes = parseIpAddress(host)
  if (bytes === null) return host.toLowerCase() === 'localhost'
  if (bytes.every((byte) => byte === 0)) return true
  if (bytes.length === 4) return bytes[0] === 127
  return bytes.every((byte, index) => byte === (index === 15 ? 1 : 0))
}
