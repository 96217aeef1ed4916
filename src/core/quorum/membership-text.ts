// A membership as lines of text, which is how it travels between servers, stands in
// /zookeeper/config and in files (ZooKeeper 3.9, dynamic configuration):
//
//   server.1=host:quorumPort:electionPort[:participant|:observer][;[host:]clientPort]
//   group.1=1:2:3                 } with these, quorums are counted by groups and weights
//   weight.1=2                    }
//   version=100000015             hexadecimal
//
// A server with several addresses has them with | between; the first is the one that is used here.
// The syntax is that of Java's properties files. What is read is written again in one form, so that
// equal memberships have equal texts unless an address is spelled in two ways.

import { parseIpAddress } from '../../base/ip-address.ts'
import { toHex } from '../../base/text.ts'
import type { Member, MemberAddress, Membership } from './membership.ts'
import { type Property, readProperties } from './properties.ts'
import { HierarchicalQuorum, MajorityQuorum, type QuorumVerifier } from './quorum.ts'

/** The text describes no ensemble; the message names the line. */
export class InvalidMembership extends Error {
  override readonly name: string = 'InvalidMembership'
}

/** A member with all it says of itself. */
export interface MemberLine extends Member {
  /** Each address of the line: where it serves learners, and where it takes part in elections. */
  readonly addresses: readonly MemberAddresses[]
}

export interface MemberAddresses {
  readonly quorumAddress: MemberAddress
  readonly electionAddress: MemberAddress
}

/** How quorums are counted where groups or weights are given. */
export interface Grouping {
  readonly groups: ReadonlyMap<number, readonly number[]>
  readonly weights: ReadonlyMap<number, number>
}

export interface MembershipParts {
  readonly version: number
  readonly members: readonly MemberLine[]
  /** Null for a majority of the voters. */
  readonly grouping: Grouping | null
}

/** Reads a membership. Throws {@link InvalidMembership}. */
export const membershipOf = (text: string): Membership => buildMembership(readMembership(text))

/** What the lines say. Throws {@link InvalidMembership}. */
export function readMembership(text: string): MembershipParts {
  const members = new Map<number, MemberLine>()
  const groups = new Map<number, readonly number[]>()
  const weights = new Map<number, number>()
  let version = 0
  for (const property of readProperties(text)) {
    const { key, value } = property
    if (key === 'version') version = readVersion(property)
    else if (key.startsWith('server.')) {
      addOnce(members, readKeyNumber(property), readMember(property), property)
    } else if (key.startsWith('group')) {
      addOnce(groups, readKeyNumber(property), readGroup(property), property)
    } else if (key.startsWith('weight')) {
      addOnce(weights, readKeyNumber(property), readNumber(value, 'a weight', property), property)
    } else fail(property, `${key} is none of server.N, group.N, weight.N, version`)
  }
  const grouping = groups.size + weights.size > 0 ? { groups, weights } : null
  return { version, members: [...members.values()], grouping }
}

/** Puts a membership together. Throws {@link InvalidMembership} where it has no voter, and the like. */
export function buildMembership(parts: MembershipParts): Membership {
  const members = [...parts.members].sort((a, b) => a.id - b.id)
  const voters = quorumOf(members, parts.grouping)
  const text = [...linesOf(members, parts.grouping), `version=${parts.version.toString(16)}`]
  return {
    version: parts.version,
    members: new Map(members.map((member) => [member.id, member])),
    voters,
    text: text.join('\n'),
  }
}

/** The same servers and quorums under another version. */
export const withVersion = (membership: Membership, version: number): Membership => ({
  ...membership,
  version,
  text: `${textWithoutVersion(membership)}\nversion=${version.toString(16)}`,
})

/** As files hold it whose name has the version. */
export const textWithoutVersion = (membership: Membership): string =>
  membership.text
    .split('\n')
    .filter((line) => !line.startsWith('version='))
    .join('\n')

/** Whether both have the same servers with the same addresses and roles, and count alike. */
export function sameMembers(a: Membership, b: Membership): boolean {
  const one = textWithoutVersion(a)
  const other = textWithoutVersion(b)
  return one === other || comparable(one) === comparable(other)
}

/** One server's line, read from what stands on either side of the equals sign. */
export function memberLineOf(key: string, value: string): MemberLine {
  const property = { key, value, line: `${key}=${value}` }
  if (!key.startsWith('server.')) fail(property, `${key} is not server.N`)
  return readMember(property)
}

export const formatMember = (member: MemberLine): string =>
  `server.${member.id}=${member.addresses
    .map(({ quorumAddress, electionAddress }) =>
      [hostText(quorumAddress.host), quorumAddress.port, electionAddress.port].join(':'),
    )
    .join('|')}:${member.isVoter ? 'participant' : 'observer'}${clientText(member.clientAddress)}`

function quorumOf(members: readonly MemberLine[], grouping: Grouping | null): QuorumVerifier {
  const voters = members.filter((member) => member.isVoter).map((member) => member.id)
  if (voters.length === 0) throw new InvalidMembership('no server takes part in votes')
  if (grouping === null) return new MajorityQuorum(voters)
  const grouped = new Set<number>()
  for (const [group, ids] of grouping.groups) {
    for (const id of ids) {
      if (!voters.includes(id)) {
        throw new InvalidMembership(`group.${group} has server ${id}, which takes part in no vote`)
      }
      if (grouped.has(id)) throw new InvalidMembership(`server ${id} is in two groups`)
      grouped.add(id)
    }
  }
  const missing = voters.find((id) => !grouped.has(id))
  if (missing !== undefined) throw new InvalidMembership(`server ${missing} is in no group`)
  return new HierarchicalQuorum([...grouping.groups.values()], grouping.weights)
}

function linesOf(members: readonly MemberLine[], grouping: Grouping | null): string[] {
  const lines = members.map(formatMember)
  if (grouping === null) return lines
  const byNumber = (a: [number, unknown], b: [number, unknown]): number => a[0] - b[0]
  for (const [group, ids] of [...grouping.groups].sort(byNumber)) {
    lines.push(`group.${group}=${[...ids].sort((a, b) => a - b).join(':')}`)
  }
  for (const [id, weight] of [...grouping.weights].sort(byNumber)) {
    lines.push(`weight.${id}=${weight}`)
  }
  return lines
}

/** The text with each address spelled in one way, and a weight of 1 as no weight. */
function comparable(text: string): string {
  const { members, grouping } = readMembership(text)
  const plain = members.map((member) => ({
    ...member,
    addresses: member.addresses
      .map(({ quorumAddress, electionAddress }) => ({
        quorumAddress: comparableAddress(quorumAddress),
        electionAddress: comparableAddress(electionAddress),
      }))
      .sort((a, b) => compareText(JSON.stringify(a), JSON.stringify(b))),
    clientAddress: member.clientAddress === null ? null : comparableAddress(member.clientAddress),
  }))
  const weights = new Map([...(grouping?.weights ?? [])].filter(([, weight]) => weight !== 1))
  return linesOf(
    plain.sort((a, b) => a.id - b.id),
    grouping === null ? null : { groups: grouping.groups, weights },
  ).join('\n')
}

function comparableAddress({ host, port }: MemberAddress): MemberAddress {
  const bytes = parseIpAddress(host)
  return { host: bytes === null ? host.toLowerCase() : toHex(bytes), port }
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function readMember(property: Property): MemberLine {
  const id = readKeyNumber(property)
  const [servers, client, ...more] = property.value.split(';')
  if (more.length > 0) fail(property, 'there is more than one semicolon')
  const clientAddress = client === undefined ? null : readClient(client.trim(), property)
  const parts = servers!.split('|').map((each) => readServer(each.trim(), property))
  const first = parts[0]!
  // ZooKeeper writes the role behind the last address only.
  const roles = new Set(parts.map(({ isVoter }) => isVoter).filter((role) => role !== null))
  if (roles.size > 1) fail(property, 'the addresses of one server have different roles')
  return {
    id,
    isVoter: !roles.has(false),
    quorumAddress: first.quorumAddress,
    electionAddress: first.electionAddress,
    clientAddress,
    addresses: parts.map(({ quorumAddress, electionAddress }) => ({
      quorumAddress,
      electionAddress,
    })),
  }
}

function readServer(
  text: string,
  property: Property,
): MemberAddresses & { readonly isVoter: boolean | null } {
  const { host, rest } = splitHost(text, property)
  const [quorum, election, role, ...more] = rest
  if (host === '' || quorum === undefined || election === undefined || more.length > 0) {
    fail(property, `${text} is not host:port:port or host:port:port:role`)
  }
  const quorumAddress = { host, port: readPort(quorum, property) }
  const electionAddress = { host, port: readPort(election, property) }
  if (quorumAddress.port === electionAddress.port) {
    fail(property, 'the ports for learners and for elections must differ')
  }
  return { quorumAddress, electionAddress, isVoter: readRole(role, property) }
}

/** Null where nothing is said, which is to vote. */
function readRole(role: string | undefined, property: Property): boolean | null {
  if (role === undefined) return null
  const lower = role.trim().toLowerCase()
  if (lower !== 'participant' && lower !== 'observer') {
    fail(property, `${role} is neither participant nor observer`)
  }
  return lower === 'participant'
}

/** `port` or `host:port`; a port alone is served on every address. */
function readClient(text: string, property: Property): MemberAddress {
  if (!text.includes(':')) return { host: ANY_HOST, port: readPort(text, property) }
  const { host, rest } = splitHost(text, property)
  if (rest.length !== 1) fail(property, `${text} is not a client address`)
  return { host: host === '' ? ANY_HOST : host, port: readPort(rest[0]!, property) }
}

/** The host, a literal of IPv6 without its brackets, and what follows between colons. */
function splitHost(text: string, property: Property): { host: string; rest: string[] } {
  if (!text.startsWith('[')) {
    const [host, ...rest] = text.split(':')
    return { host: host!, rest }
  }
  const end = text.indexOf(']')
  const host = text.slice(1, end)
  if (end < 0 || text[end + 1] !== ':' || !host.includes(':')) {
    fail(property, `${text} does not begin with an address in brackets`)
  }
  return { host, rest: text.slice(end + 2).split(':') }
}

function readGroup(property: Property): readonly number[] {
  return property.value.split(':').map((id) => readNumber(id, 'a server', property))
}

/** What stands behind the dot of `server.1`. */
function readKeyNumber(property: Property): number {
  const { key } = property
  return readNumber(key.slice(key.indexOf('.') + 1), `the number in ${key}`, property)
}

function readNumber(text: string, what: string, property: Property): number {
  const value = /^\s*\d{1,16}\s*$/.test(text) ? Number(text) : NaN
  if (!Number.isSafeInteger(value)) fail(property, `${what} cannot be ${JSON.stringify(text)}`)
  return value
}

function readPort(text: string, property: Property): number {
  const port = readNumber(text, 'a port', property)
  if (port > 0xffff) fail(property, `a port cannot be ${port}`)
  return port
}

function readVersion(property: Property): number {
  const { value } = property
  const version = /^[0-9a-fA-F]{1,14}$/.test(value) ? Number.parseInt(value, 16) : NaN
  if (!Number.isSafeInteger(version)) fail(property, 'a version is a hexadecimal number')
  return version
}

function addOnce<V>(into: Map<number, V>, id: number, value: V, property: Property): void {
  if (into.has(id)) fail(property, `${property.key} is given twice`)
  into.set(id, value)
}

const ANY_HOST = '0.0.0.0'

const hostText = (host: string): string => (host.includes(':') ? `[${host}]` : host)

const clientText = (address: MemberAddress | null): string =>
  address === null ? '' : `;${hostText(address.host)}:${address.port}`

function fail(property: Property, why: string): never {
  throw new InvalidMembership(`${JSON.stringify(property.line)}: ${why}`)
}
