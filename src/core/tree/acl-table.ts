// Access lists, each held once under a number, with a count of the nodes that use it. Numbers are
// a server's own (snapshots carry the table); -1 is the list that lets anyone do everything.

import type { Acl } from '../records/acl.ts'

export interface AclTable {
  /** The number of a list given as its jute bytes (a vector of ACL); a new one where it is unknown. */
  intern(bytes: Uint8Array, start: number, end: number): number
  internList(list: readonly Acl[]): number
  /** The list under a number; undefined where there is none (only in a fuzzy snapshot). */
  list(aclId: number): readonly Acl[] | undefined
  /** The jute bytes of a list, the vector's count included. */
  bytes(aclId: number): Uint8Array
  /** Permissions that the list gives to world:anyone: the quick answer for almost every request. */
  worldPerms(aclId: number): number
  retain(aclId: number): void
  /** Gives back one reference; a list that nobody uses is forgotten. */
  release(aclId: number): void
  /** Loads an entry of a snapshot, without references. */
  load(aclId: number, list: readonly Acl[]): void
  /** After a load: forgets the entries without references. */
  dropUnused(): void
  entries(): Iterable<readonly [aclId: number, list: readonly Acl[]]>
}
