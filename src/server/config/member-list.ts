// The list of an ensemble's members as a configuration has it: as lines of its own, or in a file
// that may change at run time (ZooKeeper 3.9, dynamic configuration). Each problem is told with the
// line it is in. What the members are to each other is not judged here.

import {
  type MemberLine,
  type MembershipParts,
  InvalidMembership,
  memberLineOf,
  readMembership,
} from '../../core/quorum/membership-text.ts'
import { ensembleKeys as keys } from './keys-ensemble.ts'
import { PropertiesError, parseProperties } from './properties.ts'
import { type ConfigLine, type ConfigValues, placeOf } from './read-config.ts'

/** The lines that list members, wherever they stand. */
export class MemberList {
  readonly parts: MembershipParts
  readonly #values: ConfigValues
  /** By the number of the member, for messages. */
  readonly #places = new Map<number, ConfigLine>()

  constructor(values: ConfigValues) {
    this.#values = values
    const here = [keys.servers, keys.groups, keys.weights].flatMap((key) => values.family(key))
    const dynamicFile = values.of(keys.dynamicConfigFile)
    if (dynamicFile === null) {
      this.parts = this.#read(here, 0)
      return
    }
    for (const { name, place } of here) {
      values.problems.push(
        `${place}: parameter: ${name} must be in a separate dynamic config file (${dynamicFile})`,
      )
    }
    this.parts = this.#read(readDynamicFile(values, dynamicFile), versionOf(dynamicFile))
  }

  /** Two servers cannot listen at one place. */
  checkAddresses(): void {
    const taken = new Map<string, string>()
    for (const member of this.parts.members) {
      const line = this.#places.get(member.id)!
      for (const { quorumAddress, electionAddress } of member.addresses) {
        for (const { host, port } of [quorumAddress, electionAddress]) {
          if (isWildcard(host)) continue
          const address = `${host.toLowerCase()}:${port}`
          const other = taken.get(address)
          if (other === undefined) taken.set(address, line.name)
          else {
            this.#values.problems.push(
              `${placeOf(line)}: ${address} is an address of ${other}, too`,
            )
          }
        }
      }
    }
  }

  #read(lines: readonly ConfigLine[], version: number): MembershipParts {
    const members: MemberLine[] = []
    const groups = new Map<number, readonly number[]>()
    const weights = new Map<number, number>()
    for (const line of lines) {
      const { name, text } = line
      if (name.startsWith('server.')) {
        const member = attempt(this.#values, line, () => memberLineOf(name, text), SERVER_FORM)
        if (member === null) continue
        members.push(member)
        this.#places.set(member.id, line)
        this.#checkLine(line, member)
      } else {
        const read = attempt(this.#values, line, () => readMembership(`${name}=${text}`))
        for (const [group, ids] of read?.grouping?.groups ?? []) groups.set(group, ids)
        for (const [id, weight] of read?.grouping?.weights ?? []) weights.set(id, weight)
      }
    }
    const grouping = groups.size + weights.size > 0 ? { groups, weights } : null
    return { version, members, grouping }
  }

  #checkLine(line: ConfigLine, member: MemberLine): void {
    if (member.addresses.length > 1 && !this.#values.of(keys.multiAddress)) {
      this.#values.problems.push(
        `${placeOf(line)}: Multiple address feature is disabled, but multiple addresses were ` +
          `specified for sid ${member.id}; set multiAddress.enabled=true or leave one address`,
      )
    }
    for (const { quorumAddress, electionAddress } of member.addresses) {
      if (quorumAddress.port > 0 && electionAddress.port > 0) continue
      this.#values.problems.push(`${placeOf(line)}: a port cannot be 0; allowed: 1..65535`)
    }
  }
}

const SERVER_FORM =
  '; it does not have the form server_config or server_config;client_config, where server_config ' +
  'is host:port:port or host:port:port:role and client_config is port or host:port'

/** Such a file has nothing but members; its version is in its name. */
function readDynamicFile(values: ConfigValues, path: string): readonly ConfigLine[] {
  const text = values.readFile(path, `Error processing ${path}: ${path} file is missing`)
  if (text === null) return []
  const lines = new Map<string, ConfigLine>()
  try {
    for (const { key, value, line } of parseProperties(text)) {
      const place = `${path} line ${line}`
      if (key === 'version') {
        values.problems.push(`${place}: dynamic file shouldn't have version inside`)
      } else if (!/^(server\.|group|weight)/.test(key)) {
        values.problems.push(
          `${place}: Unrecognised parameter: ${key}; allowed: server.N, group.N, weight.N`,
        )
      } else {
        lines.set(key, { name: key, text: value, place })
      }
    }
  } catch (error) {
    if (!(error instanceof PropertiesError)) throw error
    values.problems.push(`${path} line ${error.line}: ${error.message}`)
  }
  return [...lines.values()]
}

/** `zoo.cfg.dynamic.100000015` has the version 0x100000015; a file without such an end has 0. */
function versionOf(path: string): number {
  const suffix = /\.([0-9a-fA-F]{1,13})$/.exec(path)?.[1]
  return suffix === undefined ? 0 : Number.parseInt(suffix, 16)
}

export const isWildcard = (host: string): boolean => /^(0\.0\.0\.0|::|0:0:0:0:0:0:0:0)$/.test(host)

/** Where a text is no membership, the problem is told with its place, and the result is null. */
export function attempt<T>(
  values: ConfigValues,
  at: ConfigLine | string,
  read: () => T,
  hint = '',
): T | null {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof InvalidMembership)) throw error
    const place = typeof at === 'string' ? at : at.place
    values.problems.push(`${place === '' ? '' : `${place}: `}${error.message}${hint}`)
    return null
  }
}
