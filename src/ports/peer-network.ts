// What a server may do with its links to the other servers of its ensemble, and what it is told of
// them. A link is a stream of bytes in both directions. Encryption and authentication between
// servers belong behind this port: a link is `opened` or `accepted` when they are done.
//
// Links that are dialled get their numbers, negative ones, from the caller; accepted ones, positive,
// from the network. No number is used twice.

export type LinkId = number

/** Which of a server's ports for other servers. */
export type PeerDoor = 'election' | 'quorum'

export interface PeerAddress {
  /** A name, looked up anew for each attempt, or a literal address without brackets. */
  readonly host: string
  readonly port: number
}

export interface PeerNetwork {
  /** Begins to accept links; `listening` or `listenFailed` follows. */
  listen(door: PeerDoor, address: PeerAddress): void
  /** Accepts no more; links that were accepted live on. */
  stopListening(door: PeerDoor): void
  /** Begins to connect; `opened` or `closed` follows, within `timeoutMs` milliseconds. */
  dial(link: LinkId, address: PeerAddress, timeoutMs: number): void
  /**
   * Sends `bytes` in order. True: they have been taken or copied, and the array may be used again
   * at once. False: the network keeps the array. Bytes for a link that is gone are dropped.
   */
  send(link: LinkId, bytes: Uint8Array): boolean
  /** Bytes that have been sent but not yet taken by the peer; 0 for a link that is gone. */
  backlogBytes(link: LinkId): number
  /** Sends what is under way, then closes. `closed` still comes. */
  close(link: LinkId): void
}

/** What the network tells; never called from within a call to {@link PeerNetwork}. */
export interface PeerEvents {
  listening(door: PeerDoor): void
  listenFailed(door: PeerDoor, reason: string): void
  accepted(link: LinkId, door: PeerDoor, remote: string): void
  opened(link: LinkId): void
  /** The array is the network's again when the call returns. */
  bytes(link: LinkId, bytes: Uint8Array): void
  /** A backlog that `send` had left behind has been taken by the peer. */
  drained(link: LinkId): void
  /** Exactly once for each link, also one that never opened, whoever closed it. */
  closed(link: LinkId, reason: string): void
}
