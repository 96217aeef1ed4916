// Who may do what: the permission bits, the records of access control, and the usual lists.

import { type Decoded, int, record, ustring, vector } from '../jute/schema.ts'

export const Perms = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const

export const id = record({ scheme: ustring, id: ustring })

export type Id = Decoded<typeof id>

export const acl = record({ perms: int, id })

export type Acl = Decoded<typeof acl>

export const aclList = vector(acl)

export const WORLD_ALL: readonly Acl[] = [
  { perms: Perms.all, id: { scheme: 'world', id: 'anyone' } },
]

export const WORLD_READ: readonly Acl[] = [
  { perms: Perms.read, id: { scheme: 'world', id: 'anyone' } },
]

/** One identity of a connection as `whoAmI` shows it. */
export const clientInfo = record({ authScheme: ustring, user: ustring })
