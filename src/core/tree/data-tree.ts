// The tree of znodes as the rest of the core sees it: rows, addressed by number, that hold a
// node's name, data, stat, access list and children. Everything works on bytes of the buffers that
// requests and transactions arrive in, so that the usual paths allocate nothing.
//
// The tree knows structure, stats, owners and the digest. It does not know transactions, sessions,
// permissions or watches. All changes are total: the caller has checked that they make sense.

import type { Zxid } from '../../base/zxid.ts'
import type { JuteWriter } from '../jute/writer.ts'
import type { AclTable } from './acl-table.ts'

/** A node's number, good until the node is removed; afterwards it may name another node. */
export type Row = number

export const NO_ROW: Row = -1
export const ROOT: Row = 0

/** Access lists are held once, under a number; this one is "anyone may do everything". */
export const ACL_WORLD_ALL = -1

/** The owner field of a container, and the mark in the top byte of a node with a time to live. */
export const CONTAINER_OWNER_HIGH = 0x80000000 | 0
export const TTL_OWNER_HIGH = 0xff000000 | 0

/**
 * How owner fields are to be read. Only with `extendedTypes` is a node with the TTL mark more than
 * an ephemeral of a strange session; `emulate353Ttl` reads the layout of ZooKeeper 3.5.3.
 */
export interface OwnerRules {
  readonly extendedTypes: boolean
  readonly emulate353Ttl: boolean
}

export interface DataTree {
  readonly acls: AclTable

  /** Nodes as ZooKeeper counts them: those that exist, and the root once more. */
  readonly nodeCount: number
  /** Bytes of all paths and data, as `approximate_data_size` reports. */
  readonly approximateDataBytes: number
  readonly ephemeralCount: number
  /** Sum of the digests of all nodes, modulo 2^64, as two words (high signed, low unsigned). */
  readonly digestHigh: number
  readonly digestLow: number

  /** A number that nobody outside can foresee, for tables in which paths are found by a hash. */
  readonly hashSeed: number

  // Finding. A path is bytes from `start` to `end`; empty and "/" are the root. Nothing is
  // validated: a path that is not well formed is just not found.

  lookup(path: Uint8Array, start: number, end: number): Row
  lookupText(path: string): Row
  child(parent: Row, name: Uint8Array, start: number, end: number): Row

  // Reading one node.

  parent(row: Row): Row
  path(row: Row): string
  czxid(row: Row): Zxid
  mzxid(row: Row): Zxid
  pzxid(row: Row): Zxid
  ctime(row: Row): number
  mtime(row: Row): number
  version(row: Row): number
  /** Children ever created here: the stored cversion, from which sequential names are made. */
  creations(row: Row): number
  aversion(row: Row): number
  /** The stored owner field: session, container mark, or TTL mark and time. Signed high word. */
  ownerHigh(row: Row): number
  ownerLow(row: Row): number
  /** True where the owner is a session. Such a node has no children. */
  isEphemeral(row: Row): boolean
  childCount(row: Row): number
  /** Bytes of data; -1 for null. */
  dataLength(row: Row): number
  aclId(row: Row): number
  /** A copy of the data. */
  data(row: Row): Uint8Array | null
  /**
   * CRC-32 over path and data, which {@link nodeDigest} continues; and whether the node counts
   * at all (nodes below `/zookeeper` do not, see ZooKeeper 3.9 `DigestCalculator`).
   */
  contentCrc(row: Row): number
  isDigested(row: Row): boolean
  /** What the node adds to the digest of the tree, unsigned; 0 where it does not count. */
  digest(row: Row): number
  /** Nodes below this one, at any depth. */
  descendantCount(row: Row): number

  // Writing a node out.

  /** The 68 bytes of the stat on the wire. */
  writeStat(row: Row, out: JuteWriter): void
  /** Length and data, -1 for null. */
  writeData(row: Row, out: JuteWriter): void
  /** The vector of the children's names, in byte order. */
  writeChildren(row: Row, out: JuteWriter): void
  /** The path as a jute string; the root as `rootAs`. */
  writePath(row: Row, out: JuteWriter, rootAs: '' | '/'): void
  /** Path ("" for the root), data, access list number, persisted stat: a node of a snapshot. */
  writeSnapshotNode(row: Row, out: JuteWriter): void
  /** Up to `limit` names that follow `after` (null: from the first), in byte order. O(log n + limit). */
  childNames(row: Row, after: string | null, limit: number): readonly string[]
  /** Rows of the children in byte order of their names; the tree must not change meanwhile. */
  forEachChild(row: Row, visit: (child: Row) => void): void

  // Indexes.

  /** Rows owned by a session; empty where there are none. Not to be kept over a change. */
  ephemerals(ownerHigh: number, ownerLow: number): Iterable<Row>
  ephemeralOwners(): Iterable<bigint>
  containers(): Iterable<Row>
  /** Nodes with a time to live, in milliseconds. */
  ttlNodes(): Iterable<readonly [row: Row, ttlMs: number]>

  // Changing. Each keeps stat, counts, indexes and digest in step.

  /**
   * Adds a child, with all three zxids, both times and zero versions. `dataStart` -1 is null data.
   * The parent's list and count of children change, its stat does not (see {@link touchParent}).
   * Takes one reference on the access list.
   */
  insert(
    parent: Row,
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    data: Uint8Array,
    dataStart: number,
    dataEnd: number,
    aclId: number,
    ownerHigh: number,
    ownerLow: number,
    zxid: Zxid,
    timeMs: number,
  ): Row
  /** Removes a node without children. Drops its reference on the access list. */
  remove(row: Row): void
  /** `start` -1 is null data. */
  setData(
    row: Row,
    data: Uint8Array,
    start: number,
    end: number,
    version: number,
    zxid: Zxid,
    timeMs: number,
  ): void
  /** Replaces data and nothing else: for the server's own bookkeeping nodes (quota statistics). */
  replaceDataSilently(row: Row, data: Uint8Array): void
  /** Moves the reference from the old access list to the new one. */
  setAcl(row: Row, aclId: number, aversion: number): void
  /** Sets the stored cversion and pzxid of a node whose children changed. */
  touchParent(row: Row, creations: number, pzxid: Zxid): void
  /**
   * Adds a node of a snapshot from the bytes it was stored as; an existing one (the nodes that
   * every tree has) takes the stored values. `dataStart` -1 is null data; a `StatPersisted` whose
   * numbers have been checked begins at `statStart`. Returns NO_ROW where the parent is missing.
   */
  load(
    bytes: Uint8Array,
    pathStart: number,
    pathEnd: number,
    dataStart: number,
    dataEnd: number,
    aclId: number,
    statStart: number,
  ): Row

  /**
   * A walk that stays valid while the tree changes between steps. With `lastZxid`, asked at each
   * step, it passes over nodes that were created after their parent was visited, so that every
   * node visited is counted in its parent's stat as that was then: what a snapshot needs.
   */
  walk(lastZxid?: () => Zxid): TreeWalk

  /** Checks every internal relation; throws an InvariantError that names the first broken one. */
  verify(): void
}

/**
 * Visits parents before their children, each node at most once. Nodes that exist during the whole
 * walk are visited; those that come or go meanwhile may or may not be (a fuzzy snapshot).
 */
export interface TreeWalk {
  /** The next node, to be used before the tree changes again; NO_ROW at the end. */
  next(): Row
}
