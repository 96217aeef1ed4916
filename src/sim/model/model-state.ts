// The state of the service as the simplest thing that can be right: a map of paths to nodes, and a
// map of sessions, both values that never change. A new state is made for each transaction, so
// that every earlier one can still be asked. Nothing here is shared with the server's own tree but
// the shapes of the records on the wire.

import { crc32 } from '../../base/checksum.ts'
import { encodeUtf8 } from '../../base/text.ts'
import { type Zxid, ZXID_ZERO } from '../../base/zxid.ts'
import { type Acl, WORLD_ALL, WORLD_READ } from '../../core/records/acl.ts'
import type { Stat } from '../../core/records/stat.ts'

export interface ModelNode {
  readonly data: Uint8Array | null
  readonly acl: readonly Acl[]
  readonly czxid: Zxid
  readonly mzxid: Zxid
  readonly pzxid: Zxid
  readonly ctime: number
  readonly mtime: number
  readonly version: number
  /** Children ever created. */
  readonly creations: number
  readonly aversion: number
  /** As stored: a session, or the mark of a container or of a time to live. */
  readonly owner: bigint
  readonly children: ReadonlySet<string>
}

export interface ModelState {
  /** The last transaction in it. */
  readonly zxid: Zxid
  /** By path; the root is `/`. */
  readonly nodes: ReadonlyMap<string, ModelNode>
  /** Timeouts in milliseconds, by session. */
  readonly sessions: ReadonlyMap<bigint, number>
  /** Sum of the digests of all nodes, modulo 2^64, signed. */
  readonly digest: bigint
}

export const CONTAINER_OWNER: bigint = -(2n ** 63n)
const TTL_MARK = 0xff00_0000_0000_0000n
const TTL_VALUE_BITS = 0xff_ffff_ffffn

export const ttlOwner = (ttlMs: number): bigint => BigInt.asIntN(64, TTL_MARK | BigInt(ttlMs))

/** The time to live in milliseconds; null for a node that has none. */
export function ttlOf(node: ModelNode): number | null {
  const unsigned = BigInt.asUintN(64, node.owner)
  return unsigned >> 40n === TTL_MARK >> 40n ? Number(unsigned & TTL_VALUE_BITS) : null
}

export const isContainer = (node: ModelNode): boolean => node.owner === CONTAINER_OWNER

/** True where the owner is a session. */
export const isEphemeralNode = (node: ModelNode): boolean =>
  node.owner !== 0n && !isContainer(node) && ttlOf(node) === null

export function ephemeralsOf(state: ModelState, session: bigint): readonly string[] {
  const paths: string[] = []
  for (const [path, node] of state.nodes) {
    if (node.owner === session && isEphemeralNode(node)) paths.push(path)
  }
  return paths
}

/** The node at a path as clients may write it: an empty one means the root. */
export const nodeAt = (state: ModelState, path: string): ModelNode | undefined =>
  state.nodes.get(path === '' ? '/' : path)

/** Nodes below a path, at any depth. */
export function descendantCount(state: ModelState, path: string): number {
  const prefix = path === '' || path === '/' ? '/' : `${path}/`
  let count = 0
  for (const other of state.nodes.keys()) {
    if (other.startsWith(prefix) && other !== '/') count++
  }
  return count
}

/** As clients see it. */
export function statOf(node: ModelNode): Stat {
  return {
    czxid: node.czxid,
    mzxid: node.mzxid,
    ctime: node.ctime,
    mtime: node.mtime,
    version: node.version,
    cversion: (2 * node.creations - node.children.size) | 0,
    aversion: node.aversion,
    ephemeralOwner: isEphemeralNode(node) ? node.owner : 0n,
    dataLength: node.data?.length ?? 0,
    numChildren: node.children.size,
    pzxid: node.pzxid,
  }
}

const systemNode = (
  children: readonly string[],
  acl: readonly Acl[],
  aversion: number,
): ModelNode => ({
  data: new Uint8Array(0),
  acl,
  czxid: ZXID_ZERO,
  mzxid: ZXID_ZERO,
  pzxid: ZXID_ZERO,
  ctime: 0,
  mtime: 0,
  version: 0,
  creations: 0,
  aversion,
  owner: 0n,
  children: new Set(children),
})

/** What every server begins with. */
export function emptyState(): ModelState {
  const nodes = new Map<string, ModelNode>([
    ['/', systemNode(['zookeeper'], WORLD_ALL, 0)],
    ['/zookeeper', systemNode(['quota', 'config'], WORLD_ALL, 0)],
    ['/zookeeper/quota', systemNode([], WORLD_ALL, 0)],
    ['/zookeeper/config', systemNode([], WORLD_READ, -1)],
  ])
  let digest = 0n
  for (const [path, node] of nodes) digest += digestOf(path, node)
  return { zxid: ZXID_ZERO, nodes, sessions: new Map(), digest: BigInt.asIntN(64, digest) }
}

/** CRC-32 over path, data and sixty bytes of stat; nodes below /zookeeper count for nothing. */
export function digestOf(path: string, node: ModelNode): bigint {
  if (path.startsWith('/zookeeper/')) return 0n
  const name = encodeUtf8(path === '/' ? '' : path)
  let crc = crc32(0, name, 0, name.length)
  if (node.data !== null) crc = crc32(crc, node.data, 0, node.data.length)
  const bytes = new Uint8Array(60)
  const view = new DataView(bytes.buffer)
  view.setBigInt64(0, BigInt(node.czxid))
  view.setBigInt64(8, BigInt(node.mzxid))
  view.setBigInt64(16, BigInt(node.pzxid))
  view.setBigInt64(24, BigInt(node.ctime))
  view.setBigInt64(32, BigInt(node.mtime))
  view.setInt32(40, node.version)
  view.setInt32(44, node.creations)
  view.setInt32(48, node.aversion)
  view.setBigInt64(52, node.owner)
  return BigInt(crc32(crc, bytes, 0, 60))
}
