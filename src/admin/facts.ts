// What the admin part is told by the server around the replica: settings, places, and figures that
// the replica has no way of knowing.

export interface AdminFacts {
  /** As `srvr` prints it; the first part must look like a version of ZooKeeper. */
  readonly version: string
  readonly clientPort: number
  /** The folders that hold the files. */
  readonly dataDirectory: string
  readonly logDirectory: string
  readonly tickMs: number
  readonly connectionsPerAddressMax: number
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  readonly listenBacklog: number
  /** Ticks; 0 for a server that stands alone. */
  readonly initLimit: number
  readonly syncLimit: number
}

/** Figures that change, counted outside the replica. */
export interface AdminFigures {
  readonly uptimeMs: number
  readonly refusedConnectionCount: number
  /** Milliseconds that syncs of the log took. */
  readonly syncs: DurationFigures
  /** Milliseconds from the beginning of a snapshot to its end. */
  readonly snapshots: DurationFigures
  /** Milliseconds by which turns of the event loop were late. */
  readonly pauses: DurationFigures
  reset(): void
}

export interface DurationFigures {
  readonly count: number
  readonly sumMs: number
  readonly minMs: number
  readonly maxMs: number
}
