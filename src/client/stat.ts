// The public form of what a znode says about itself. zxids are plain numbers, exact up to 2^53.

/** A znode's metadata. */
export interface Stat {
  /** The zxid of the change that created the node: rises with every creation, so it serves as a fencing token. */
  readonly czxid: number
  /** The zxid of the last change of the data. */
  readonly mzxid: number
  /** The zxid of the last change of the list of children. */
  readonly pzxid: number
  /** Milliseconds since 1970 by the server's clock. */
  readonly ctime: number
  readonly mtime: number
  /** Changes of the data. */
  readonly version: number
  /** Changes of the list of children. */
  readonly cversion: number
  /** Changes of the access list. */
  readonly aversion: number
  /** The session an ephemeral node belongs to; 0n for others. */
  readonly ephemeralOwner: bigint
  readonly dataLength: number
  readonly numChildren: number
}
