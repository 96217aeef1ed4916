// Access lists: who may do what with a node. The helpers write the usual ones, and the text form
// is the one of ZooKeeper's command line: `scheme:id:perms`, entries separated by commas.

import { encodeBase64 } from '../base/base64.ts'
import { encodeUtf8 } from '../base/text.ts'
import { Perms } from '../core/records/acl.ts'
import type { Hasher } from '../ports/hasher.ts'
import { BadOptionsError } from './errors.ts'

/** One entry of an access list. */
export interface ACL {
  readonly scheme: string
  readonly id: string
  /** Any of `c`reate, `d`elete, `r`ead, `w`rite and `a`dmin. */
  readonly perms: string
}

export const OPEN: readonly ACL[] = [{ scheme: 'world', id: 'anyone', perms: 'cdrwa' }]

export interface AclHelpers {
  /** Everybody may do everything. */
  open(): readonly ACL[]
  /** Everybody may read, nobody may change. */
  readOnly(): readonly ACL[]
  /** The identities that this connection has proved may do everything. */
  creatorAll(): readonly ACL[]
  /** A user with a password, which is hashed here and never sent. */
  digest(user: string, password: string, perms?: string): ACL
  /** An address or a network, as `10.0.0.0/8`. */
  ip(address: string, perms?: string): ACL
  /** A principal of SASL. */
  sasl(principal: string, perms?: string): ACL
  /** The subject of a client certificate. */
  x509(subject: string, perms?: string): ACL
  /** Reads `world:anyone:r,ip:10.0.0.1:cdrwa`. Throws {@link BadOptionsError} for anything else. */
  parse(text: string): readonly ACL[]
  format(acl: readonly ACL[]): string
}

/** The helpers, on a platform that can hash. */
export function aclHelpers(hasher: Hasher): AclHelpers {
  return {
    open: () => OPEN,
    readOnly: () => [{ scheme: 'world', id: 'anyone', perms: 'r' }],
    creatorAll: () => [{ scheme: 'auth', id: '', perms: 'cdrwa' }],
    digest(user, password, perms = 'cdrwa') {
      const hash = encodeBase64(hasher.digest('SHA1', encodeUtf8(`${user}:${password}`)))
      return { scheme: 'digest', id: `${user}:${hash}`, perms }
    },
    ip: (address, perms = 'cdrwa') => ({ scheme: 'ip', id: address, perms }),
    sasl: (principal, perms = 'cdrwa') => ({ scheme: 'sasl', id: principal, perms }),
    x509: (subject, perms = 'cdrwa') => ({ scheme: 'x509', id: subject, perms }),
    parse: parseAcl,
    format: (acl) => acl.map(({ scheme, id, perms }) => `${scheme}:${id}:${perms}`).join(','),
  }
}

interface WireAcl {
  readonly perms: number
  readonly id: { readonly scheme: string; readonly id: string }
}

export function toWireAcl(acl: readonly ACL[]): readonly WireAcl[] {
  if (acl === OPEN) return OPEN_ON_WIRE
  return acl.map(({ scheme, id, perms }) => ({ perms: bitsOf(perms), id: { scheme, id } }))
}

export function fromWireAcl(
  acl: readonly {
    readonly perms: number
    readonly id: { readonly scheme: string | null; readonly id: string | null }
  }[],
): readonly ACL[] {
  return acl.map(({ perms, id }) => ({
    scheme: id.scheme ?? '',
    id: id.id ?? '',
    perms: LETTERS.filter(([, bit]) => (perms & bit) !== 0)
      .map(([letter]) => letter)
      .join(''),
  }))
}

const LETTERS: readonly (readonly [string, number])[] = [
  ['c', Perms.create],
  ['d', Perms.delete],
  ['r', Perms.read],
  ['w', Perms.write],
  ['a', Perms.admin],
]

const OPEN_ON_WIRE: readonly WireAcl[] = [
  { perms: Perms.all, id: { scheme: 'world', id: 'anyone' } },
]

function bitsOf(perms: string): number {
  let bits = 0
  for (const letter of perms) {
    const known = LETTERS.find(([name]) => name === letter)
    if (known === undefined) {
      throw new BadOptionsError(`permission ${JSON.stringify(letter)} is none of c, d, r, w, a`)
    }
    bits |= known[1]
  }
  return bits
}

function parseAcl(text: string): readonly ACL[] {
  return text.split(',').map((entry) => {
    const first = entry.indexOf(':')
    const last = entry.lastIndexOf(':')
    if (first < 1 || last === first) {
      throw new BadOptionsError(`${JSON.stringify(entry)} is not of the form scheme:id:perms`)
    }
    const perms = entry.slice(last + 1)
    bitsOf(perms)
    return { scheme: entry.slice(0, first), id: entry.slice(first + 1, last), perms }
  })
}
