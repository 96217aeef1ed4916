// Turns a tree and its sessions into the bytes of a snapshot, a slice at a time: the tree may
// change between slices (a fuzzy snapshot). It keeps the running checksum for the seals; files and
// compression are somebody else's.

import { ADLER_SEED, adler32 } from '../../base/checksum.ts'
import type { SessionId } from '../../base/session-id.ts'
import { type Zxid, ZXID_ZERO } from '../../base/zxid.ts'
import type { JuteWriter } from '../jute/writer.ts'
import { aclList } from '../records/acl.ts'
import { DIGEST_VERSION } from '../records/txn.ts'
import { type DataTree, NO_ROW, type TreeWalk } from '../tree/data-tree.ts'
import { SNAPSHOT_MAGIC } from './snapshot-format.ts'

/** What a snapshot needs of a tree. */
export type SnapshotTree = Pick<
  DataTree,
  'walk' | 'writeSnapshotNode' | 'digestHigh' | 'digestLow'
> & { readonly acls: Pick<DataTree['acls'], 'entries'> }

/** What a snapshot is taken of. */
export interface SnapshotSource {
  readonly tree: SnapshotTree
  /** Global sessions and their timeouts in milliseconds; asked once, at the beginning. */
  sessions(): Iterable<readonly [id: SessionId, timeoutMs: number]>
  /**
   * The last transaction applied to the tree. Asked when the last node has been written: the
   * digest of the tree at that moment belongs to it, and is newer than the snapshot's name if the
   * tree changed meanwhile (ZooKeeper 3.9 `DataTree.serializeZxidDigest`).
   */
  lastZxid(): Zxid
}

export class SnapshotEncoder {
  readonly #source: SnapshotSource
  readonly #withDigest: boolean
  readonly #walk: TreeWalk
  #adler = ADLER_SEED
  /** Bytes of the present `out` that are in the checksum. */
  #summed = 0
  #isDone = false

  /** Writes what comes before the nodes; access lists must be there before a node names them. */
  constructor(source: SnapshotSource, withDigest: boolean, out: JuteWriter) {
    this.#source = source
    this.#withDigest = withDigest
    this.#begin(out)
    this.#walk = source.tree.walk(() => source.lastZxid())
  }

  get isDone(): boolean {
    return this.#isDone
  }

  /** Writes nodes, and after the last one the rest, until `out` holds `bytes`. */
  continue(out: JuteWriter, bytes: number): void {
    const { tree } = this.#source
    const walk = this.#walk
    this.#summed = out.position
    while (out.position < bytes) {
      const row = walk.next()
      if (row === NO_ROW) {
        this.#finish(out)
        break
      }
      tree.writeSnapshotNode(row, out)
    }
    this.#sum(out)
  }

  #begin(out: JuteWriter): void {
    out.int(SNAPSHOT_MAGIC)
    out.int(2)
    out.safeLong(-1)
    writeSessionsAndAcls(this.#source, out)
    this.#sum(out)
  }

  #finish(out: JuteWriter): void {
    out.ustring('/')
    this.#seal(out)
    // A reader that compares digests would take the last zxid for a digest: both or neither.
    if (this.#withDigest) {
      const { tree } = this.#source
      const zxid = this.#source.lastZxid()
      out.safeLong(zxid)
      out.int(DIGEST_VERSION)
      // Zxid 0 means that there is no digest yet.
      out.int(zxid === ZXID_ZERO ? 0 : tree.digestHigh)
      out.int(zxid === ZXID_ZERO ? 0 : tree.digestLow)
      this.#seal(out)
      out.safeLong(zxid)
      this.#seal(out)
    }
    this.#isDone = true
  }

  #seal(out: JuteWriter): void {
    this.#sum(out)
    out.safeLong(this.#adler)
    out.ustring('/')
  }

  #sum(out: JuteWriter): void {
    this.#adler = adler32(this.#adler, out.bytes, this.#summed, out.position)
    this.#summed = out.position
  }
}

/** What comes before the nodes: no node may name an access list that a reader does not know. */
export function writeSessionsAndAcls(source: SnapshotSource, out: JuteWriter): void {
  const sessionsAt = out.position
  out.int(0)
  let sessionCount = 0
  for (const [id, timeoutMs] of source.sessions()) {
    out.long(id)
    out.int(timeoutMs)
    sessionCount++
  }
  out.intAt(sessionsAt, sessionCount)
  const aclsAt = out.position
  out.int(0)
  let aclCount = 0
  for (const [aclId, list] of source.tree.acls.entries()) {
    out.safeLong(aclId)
    aclList.write(out, list)
    aclCount++
  }
  out.intAt(aclsAt, aclCount)
}
