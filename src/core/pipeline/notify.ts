// Which connections hear of a change, and in which order: the node's own event before that of its
// parent, and only those that may read the node (ZooKeeper 3.9 `WatchManager.triggerWatch` with
// the access check of ZOOKEEPER-4799). Sending is somebody else's work.

import { parentPath } from '../../base/path.ts'
import { decodeUtf8 } from '../../base/text.ts'
import { type Zxid, ZXID_ZERO } from '../../base/zxid.ts'
import { Perms } from '../records/acl.ts'
import { EventType } from '../records/watches.ts'
import type { Row } from '../tree/data-tree.ts'
import type { Database } from '../tree/database.ts'
import type { WatchManager, Watcher } from '../watch/watch-manager.ts'
import { isAllowed } from './access.ts'
import type { Identities } from './identities.ts'
import type { PipelineSettings } from './settings.ts'

/** The connections, as far as a notification needs them. */
export interface Audience {
  identitiesOf(watcher: Watcher): Identities
  notify(watcher: Watcher, type: EventType, path: string, zxid: Zxid): void
}

export class Notifier {
  /** The transaction that is being applied. */
  zxid: Zxid = ZXID_ZERO
  readonly #database: Database
  readonly #watches: WatchManager
  readonly #audience: Audience
  readonly #settings: PipelineSettings

  constructor(
    database: Database,
    watches: WatchManager,
    audience: Audience,
    settings: PipelineSettings,
  ) {
    this.#database = database
    this.#watches = watches
    this.#audience = audience
    this.#settings = settings
  }

  created(bytes: Uint8Array, pathStart: number, pathEnd: number, row: Row, parent: Row): void {
    if (this.#watches.isEmpty) return
    const path = decodeUtf8(bytes, pathStart, pathEnd)
    this.#send(this.#watches.onCreated(path), EventType.nodeCreated, path, row)
    this.#childrenChanged(parentPath(path), parent)
  }

  /** To be called while the node is still there. */
  deleting(
    knownPath: string | null,
    bytes: Uint8Array,
    pathStart: number,
    pathEnd: number,
    row: Row,
    parent: Row,
  ): void {
    if (this.#watches.isEmpty) return
    const path = knownPath ?? decodeUtf8(bytes, pathStart, pathEnd)
    this.#send(this.#watches.onDeleted(path), EventType.nodeDeleted, path, row)
    this.#childrenChanged(parentPath(path), parent)
  }

  dataChanged(bytes: Uint8Array, pathStart: number, pathEnd: number, row: Row): void {
    if (this.#watches.isEmpty) return
    const path = decodeUtf8(bytes, pathStart, pathEnd)
    this.#send(this.#watches.onDataChanged(path), EventType.nodeDataChanged, path, row)
  }

  #childrenChanged(path: string, row: Row): void {
    this.#send(this.#watches.onChildrenChanged(path), EventType.nodeChildrenChanged, path, row)
  }

  #send(watchers: readonly Watcher[], type: EventType, path: string, row: Row): void {
    if (watchers.length === 0) return
    const { acls } = this.#database.tree
    const aclId = this.#database.tree.aclId(row)
    for (const watcher of watchers) {
      const identities = this.#audience.identitiesOf(watcher)
      if (isAllowed(acls, aclId, Perms.read, identities, this.#settings.skipAcl)) {
        this.#audience.notify(watcher, type, path, this.zxid)
      }
    }
  }
}
