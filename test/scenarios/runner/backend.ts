// The server that a scenario talks to. Ours is a replica inside the process; another one can stand
// in its place, to see what it makes of the same scenario.

export interface Backend {
  open(connection: number, address: string): void
  bytes(connection: number, bytes: Uint8Array): void
  /** The client's end of the connection is gone, without a farewell. */
  drop(connection: number): void
  /** Lets everything happen that follows from what was done. */
  settle(): void | Promise<void>
}

/** What a backend tells. */
export interface BackendEvents {
  received(connection: number, bytes: Uint8Array): void
  closed(connection: number): void
  /** A four-letter word was recognised; what answers it is not part of the replica. */
  word(connection: number, word: string): void
  /** The clock has moved on its way to where a command moves it. */
  time(nowMs: number): void
}
