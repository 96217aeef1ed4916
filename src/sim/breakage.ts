// Ways to break a server from outside, for tests of the simulator itself: each stands for a kind of
// bug, and the checkers must notice it. Nothing of this is in production code.

import type { Pump } from '../core/replica/pump.ts'
import type { Storage } from '../core/storage/storage.ts'
import type { ConnectionId } from '../ports/client-network.ts'
import type { DiskLies, FakeDisk } from './fake-disk.ts'

export interface Breakage {
  readonly diskLies?: DiskLies
  /** Changes what a client sent before the server sees it, behind the checkers. */
  bytesIn?(connection: ConnectionId, bytes: Uint8Array): Uint8Array
  /** Changes what the server sends before anyone sees it; nothing at all is allowed. */
  bytesOut?(connection: ConnectionId, bytes: Uint8Array): Uint8Array
  /** Does something to the server after the end of a turn. */
  afterTurn?(pump: Pump, storage: Storage): void
  /** Does something to the disk while the server is down. */
  whileDown?(disk: FakeDisk): void
  /** How fast the server's steady clock runs. */
  readonly clockSpeed?: number
}
