// A client's way to a server: one ordered stream of bytes at a time.

export interface TransportHandlers {
  opened(): void
  /** The bytes are the receiver's to keep. */
  bytes(chunk: Uint8Array): void
  /** Called exactly once, also when the connection could never be opened. `reason` is for people. */
  closed(reason: string): void
}

export interface TransportConnection {
  /** Sends in order; the array is not looked at after the call returns. */
  send(bytes: Uint8Array): void
  /** Closes at once; `closed` is still called, in a later turn. */
  close(): void
}

export interface Transport {
  /** Begins to connect; nothing is called before this returns. */
  connect(host: string, port: number, handlers: TransportHandlers): TransportConnection
}
