// Where a reconfiguration is decided on: who may belong to an ensemble is known to those who keep
// it, not to the pipeline, which only makes a transaction of it.

/** A reconfiguration as a client asks for it (ZooKeeper 3.9 `ReconfigRequest`). */
export interface WantedMembership {
  /** Lines of servers, separated by commas; null for none. */
  readonly joiningServers: string | null
  /** Numbers of servers, separated by commas; null for none. */
  readonly leavingServers: string | null
  /** The whole membership in place of both; null for none. */
  readonly newMembers: string | null
  /** The version that it is meant to follow; -1 for any. */
  readonly fromVersion: number
}

export interface Reconfigurator {
  /**
   * The text of the membership that comes of it, its version the zxid of the transaction; or the
   * error with which the request is refused.
   */
  plan(wanted: WantedMembership, zxid: number): string | number
}
