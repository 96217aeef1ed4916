// What a server may do with the connections of its clients, and what it is told of them.
// Connections are numbers that their owner (the network) gives out and never uses twice.

export type ConnectionId = number

export interface ClientNetwork {
  /**
   * Sends `bytes` in order. True: they have been taken or copied, and the array may be used again
   * at once. False: the network keeps the array, and the caller must not write to it any more.
   * Bytes for a connection that is gone are dropped.
   */
  send(connection: ConnectionId, bytes: Uint8Array): boolean
  /** Bytes that have been sent but not yet taken by the peer; 0 for a connection that is gone. */
  backlogBytes(connection: ConnectionId): number
  /**
   * Sends what is under way, then closes. The connection's `closed` event still comes. A client that
   * `isDone` expects nothing after what it was sent, and is not waited for.
   */
  close(connection: ConnectionId, isDone?: boolean): void
  /** Stops, or goes on, handing over what this client sends. */
  setReading(connection: ConnectionId, reading: boolean): void
}

/** What the network tells; never called from within a call to {@link ClientNetwork}. */
export interface ClientEvents {
  /** `address` is the peer's IP address as text, without a port; IPv4 is never written as IPv6. */
  opened(connection: ConnectionId, address: string, port: number): void
  /** The array is the network's again when the call returns. */
  bytes(connection: ConnectionId, bytes: Uint8Array): void
  /** A backlog that `send` had left behind has been taken by the peer. */
  drained(connection: ConnectionId): void
  /** Exactly once for each opened connection, whoever closed it. */
  closed(connection: ConnectionId): void
}
