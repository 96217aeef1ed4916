// Who belongs to an ensemble: each server's addresses and role, whose agreement is enough, and the
// version of all that (ZooKeeper 3.9 `QuorumVerifier`, dynamic configuration). One value, never
// changed; a reconfiguration makes another one.

import type { QuorumVerifier } from './quorum.ts'

export interface MemberAddress {
  readonly host: string
  readonly port: number
}

export interface Member {
  readonly id: number
  readonly isVoter: boolean
  readonly quorumAddress: MemberAddress
  readonly electionAddress: MemberAddress
  /** Null where the member's line does not say (`clientPort` of its own file counts then). */
  readonly clientAddress: MemberAddress | null
}

export interface Membership {
  /** The zxid of the reconfiguration that made it; 0 for one from a file without a version. */
  readonly version: number
  readonly members: ReadonlyMap<number, Member>
  readonly voters: QuorumVerifier
  /** As it travels and is shown: lines, `version=` in hexadecimal the last. */
  readonly text: string
}
