// Access lists: whether a request passes one, and what becomes of a list that a client sends
// (ZooKeeper 3.9 `ZooKeeperServer.checkACL`, `PrepRequestProcessor.fixupACL`).

import { isInNetwork, parseIpAddress, parseIpNetwork } from '../../base/ip-address.ts'
import type { Acl, Id } from '../records/acl.ts'
import type { AclTable } from '../tree/acl-table.ts'
import type { Identities } from './identities.ts'
import { UnusableRequest } from './unusable-request.ts'

/** True where any of the permissions in `wanted` is granted: any overlapping bit is enough. */
export function isAllowed(
  acls: AclTable,
  aclId: number,
  wanted: number,
  identities: Identities,
  skipAcl: boolean,
): boolean {
  if ((acls.worldPerms(aclId) & wanted) !== 0 || skipAcl) return true
  return isGranted(acls.list(aclId), wanted, identities)
}

function isGranted(
  list: readonly Acl[] | undefined,
  wanted: number,
  identities: Identities,
): boolean {
  if (list === undefined || list.length === 0 || identities.isSuper) return true
  for (const entry of list) {
    if ((entry.perms & wanted) === 0) continue
    for (const identity of identities.list) {
      if (identity.scheme === entry.id.scheme && matches(identity, entry.id)) return true
    }
  }
  return false
}

function matches(identity: Id, entry: Id): boolean {
  if (identity.id === entry.id) return true
  switch (identity.scheme) {
    case 'ip': {
      const address = parseIpAddress(identity.id ?? '')
      const network = parseIpNetwork(entry.id ?? '')
      return address !== null && network !== null && isInNetwork(address, network)
    }
    case 'sasl':
      return identity.id === 'super'
    default:
      return false
  }
}

/**
 * The list as it is to be stored: duplicates gone, `auth` replaced by the caller's identities.
 * Null for a list that is not valid (InvalidACL). Throws UnusableRequest for a null id text, which
 * ZooKeeper answers as an internal failure.
 */
export function normaliseAcl(
  list: readonly Acl[] | null,
  identities: Identities,
): readonly Acl[] | null {
  if (list === null || list.length === 0) return null
  const stored: Acl[] = []
  for (const entry of withoutDuplicates(list)) {
    const { scheme, id } = entry.id
    if (scheme === null) return null
    if (scheme === 'world') {
      if (requireText(id) !== 'anyone') return null
      stored.push(entry)
    } else if (scheme === 'auth') {
      const own = identities.list.filter((one) => isAuthenticated(one))
      if (own.length === 0) return null
      for (const one of own) stored.push({ perms: entry.perms, id: one })
    } else {
      if (!isValidId(scheme, id)) return null
      stored.push(entry)
    }
  }
  return stored
}

/**
 * The list as a caller without ADMIN sees it: what follows the user in a digest entry is hidden.
 */
export const redactAcl = (list: readonly Acl[]): readonly Acl[] =>
  list.map((entry) => {
    const { scheme, id } = entry.id
    if (scheme !== 'digest' || id === null || !id.includes(':')) return entry
    return { perms: entry.perms, id: { scheme, id: `${id.split(':', 1)[0]}:x` } }
  })

function withoutDuplicates(list: readonly Acl[]): readonly Acl[] {
  if (list.length === 1) return list
  const kept: Acl[] = []
  // ZooKeeper compares each entry with those before it: permissions, then scheme, then id. A text
  // that is null fails where it is asked for, and only there. Lists may be long, so all entries
  // before are asked at once.
  const perms = new Set<number>()
  const schemes = new Set<string>()
  const ids = new Set<string>()
  for (const entry of list) {
    const { scheme, id } = entry.id
    const schemeKey = `${entry.perms} ${scheme?.length} ${scheme}`
    if (perms.has(entry.perms)) requireText(scheme)
    if (schemes.has(schemeKey)) requireText(id)
    const idKey = `${schemeKey} ${id}`
    if (ids.has(idKey)) continue
    kept.push(entry)
    perms.add(entry.perms)
    if (scheme === null) continue
    schemes.add(schemeKey)
    if (id !== null) ids.add(idKey)
  }
  return kept
}

const isAuthenticated = (id: Id): boolean =>
  id.scheme === 'digest' || id.scheme === 'sasl' || id.scheme === 'x509'

function isValidId(scheme: string, id: string | null): boolean {
  switch (scheme) {
    case 'digest': {
      const parts = requireText(id).split(':')
      while (parts.length > 0 && parts[parts.length - 1] === '') parts.pop()
      return parts.length === 2
    }
    case 'ip':
      return parseIpNetwork(requireText(id)) !== null
    default:
      // The schemes sasl and x509 exist only where their provider is configured.
      return false
  }
}

function requireText(text: string | null): string {
  if (text === null) throw new UnusableRequest('an access list has an id without text')
  return text
}
