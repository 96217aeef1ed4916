// What an election has done for it, and what it decides.

import type { Zxid } from '../../base/zxid.ts'
import type { PeerLinks, Remarks } from '../peer/peer-links.ts'
import type { Membership } from '../quorum/membership.ts'

/** A server's state as others are told it; the numbers are those on the wire. */
export const ServerState = { looking: 0, following: 1, leading: 2, observing: 3 } as const
export type ServerState = (typeof ServerState)[keyof typeof ServerState]

/** Who should lead, with the reason why: its epoch, then its last transaction, then its number. */
export interface Vote {
  /** {@link NO_SERVER} for a server that may not vote. */
  readonly leader: number
  readonly zxid: Zxid
  readonly peerEpoch: number
  /** The round (logical clock) in which it was cast. */
  readonly round: number
}

/** Java's smallest long: nobody, nothing. It is exact as a number. */
export const NO_SERVER: number = -(2 ** 63)

export interface ElectionOptions {
  readonly serverId: number
  /** `fastleader.minNotificationInterval`, `fastleader.maxNotificationInterval`, in milliseconds. */
  readonly notificationMinMs: number
  readonly notificationMaxMs: number
  /** How long after the last vote the decision is waited with: 200. */
  readonly finalizeWaitMs: number
  /** `cnxTimeout`: for reaching a peer, in milliseconds. */
  readonly connectMs: number
  /** `electionPortBindRetry`; 0 for ever. */
  readonly bindRetries: number
}

export interface ElectionHost extends Remarks {
  readonly nowMs: number
  readonly links: PeerLinks
  readonly membership: Membership
  readonly proposedMembership: Membership | null
  /** Reads a membership from its text. Throws MalformedRecord. */
  membershipOf(text: string): Membership
  /**
   * A peer knows a newer membership, and this server is looking: it is taken over. Where members
   * differ the host calls `restart` of the election, from a later step.
   */
  adoptMembership(membership: Membership): void
  /** The election is over. The host answers with `settle`. */
  elected(vote: Vote): void
  /** A voter looks for a leader while this server believes to be one. */
  voterLooks(id: number): void
  /** The election port cannot be bound: the server has to end. */
  electionPortLost(reason: string): void
}
