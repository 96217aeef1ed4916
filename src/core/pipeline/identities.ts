// Who a connection has shown to be. A set of identities is a value that never changes: a request
// keeps the one that its connection had when the request arrived. Here is also what the built-in
// schemes make of an `auth` packet (ZooKeeper 3.9 `AuthenticationProvider` and its digest and ip kinds).

import { encodeBase64 } from '../../base/base64.ts'
import { decodeUtf8 } from '../../base/text.ts'
import type { Hasher } from '../../ports/hasher.ts'
import type { Id } from '../records/acl.ts'
import type { PipelineSettings } from './settings.ts'

export class Identities {
  readonly list: readonly Id[]
  /** Holds an identity that passes every access list. */
  readonly isSuper: boolean

  constructor(list: readonly Id[]) {
    this.list = list
    this.isSuper = list.some((id) => id.scheme === 'super')
  }

  with(added: readonly Id[]): Identities {
    const fresh = added.filter(
      (one) => !this.list.some((id) => id.scheme === one.scheme && id.id === one.id),
    )
    return fresh.length === 0 ? this : new Identities([...this.list, ...fresh])
  }
}

/** What every connection is from the start: its address. */
export const identitiesOfAddress = (address: string): Identities =>
  new Identities([{ scheme: 'ip', id: address }])

/** The server itself: what it does on its own account passes every access list. */
export const SERVER_IDENTITIES: Identities = new Identities([{ scheme: 'super', id: '' }])

/** The identities that an auth packet proves; null where it proves nothing (AuthFailed). */
export function authenticate(
  scheme: string | null,
  auth: Uint8Array | null,
  address: string,
  settings: PipelineSettings,
  hasher: Hasher,
): readonly Id[] | null {
  if (scheme === 'ip') return [{ scheme: 'ip', id: address }]
  if (scheme !== 'digest' || auth === null || !settings.digestAuthentication) return null
  const id = digestIdentity(auth, settings.digestAlgorithm, hasher)
  const ids: Id[] = [{ scheme: 'digest', id }]
  if (settings.superDigest !== null && id === settings.superDigest) {
    ids.push({ scheme: 'super', id: '' })
  }
  return ids
}

/** `user:base64(hash("user:password"))`; without a colon the whole text is the user. */
function digestIdentity(auth: Uint8Array, algorithm: string, hasher: Hasher): string {
  const user = decodeUtf8(auth).split(':', 1)[0]!
  return `${user}:${encodeBase64(hasher.digest(algorithm, auth))}`
}

/** How `whoAmI` names an identity. */
export function userName(id: Id): string {
  if (id.scheme !== 'digest') return id.id ?? ''
  return (id.id ?? '').split(':', 1)[0]!
}
