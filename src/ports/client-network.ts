// What a server may do with the connections of its clients. Connections are numbers that their
// owner (the network) gives out and never uses twice. Events travel the other way, as inputs.

export type ConnectionId = number

export interface ClientNetwork {
  /**
   * Sends `bytes` in order. True: they have been taken or copied, and the array may be used again
   * at once. False: the network keeps the array, and the caller must not write to it any more.
   */
  send(connection: ConnectionId, bytes: Uint8Array): boolean
  /** Bytes that have been sent but not yet taken by the peer. */
  backlogBytes(connection: ConnectionId): number
  /** Sends what is under way, then closes. The connection's `closed` event still comes. */
  close(connection: ConnectionId): void
  /** Stops, or goes on, handing over what this client sends. */
  setReading(connection: ConnectionId, reading: boolean): void
}
