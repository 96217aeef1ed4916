// Access lists as the data model states them: who passes one, and what becomes of one that a
// client sends. Written from the rules, not from the server.

import type { Acl, Id } from '../../core/records/acl.ts'

/** Any overlapping bit, granted to anyone or to one of the caller's identities. */
export function isPermitted(acl: readonly Acl[], wanted: number, ids: readonly Id[]): boolean {
  if (acl.length === 0 || ids.some((id) => id.scheme === 'super')) return true
  return acl.some(
    ({ perms, id }) =>
      (perms & wanted) !== 0 &&
      ((id.scheme === 'world' && id.id === 'anyone') ||
        ids.some((own) => own.scheme === id.scheme && own.id === id.id)),
  )
}

/** The list as it is stored, or null for one that is refused. The workload uses whole ip addresses only. */
export function storedAcl(list: readonly Acl[] | null, ids: readonly Id[]): readonly Acl[] | null {
  if (list === null || list.length === 0) return null
  const seen = new Set<string>()
  const stored: Acl[] = []
  for (const entry of list) {
    const key = `${entry.perms} ${entry.id.scheme} ${entry.id.id}`
    if (seen.has(key)) continue
    seen.add(key)
    const { scheme, id } = entry.id
    if (scheme === 'world' && id === 'anyone') stored.push(entry)
    else if (scheme === 'auth') {
      const proven = ids.filter((own) => own.scheme === 'digest')
      if (proven.length === 0) return null
      stored.push(...proven.map((own) => ({ perms: entry.perms, id: own })))
    } else if (scheme === 'digest' && /^[^:]*:[^:]+$/.test(id ?? '')) stored.push(entry)
    else if (scheme === 'ip' && /^\d+\.\d+\.\d+\.\d+$/.test(id ?? '')) stored.push(entry)
    else return null
  }
  return stored
}

/** What a caller without ADMIN sees of a list. */
export const maskedAcl = (list: readonly Acl[]): readonly Acl[] =>
  list.map((entry) =>
    entry.id.scheme !== 'digest'
      ? entry
      : { perms: entry.perms, id: { scheme: 'digest', id: `${entry.id.id?.split(':')[0]}:x` } },
  )
