// One connection as the checker of a server's wire knows it: the bytes of both directions, what its
// client has asked for and not been answered, its watches, and what it has been shown.

import { formatSessionId } from '../../base/session-id.ts'
import { type Zxid, ZXID_ZERO } from '../../base/zxid.ts'
import type { Id } from '../../core/records/acl.ts'
import type { ConnectRequest } from '../../core/records/connect.ts'
import type { ErrorCode } from '../../core/records/errors.ts'
import type { EventType } from '../../core/records/watches.ts'
import type { ConnectionId } from '../../ports/client-network.ts'
import type { ModelRequest } from '../model/model-request.ts'
import { ModelWatches } from '../model/model-watches.ts'
import { FrameCutter } from './frame-cutter.ts'
import type { DeliveredWrite } from './history.ts'
import { Violation } from './violation.ts'

export interface Pending {
  readonly request: ModelRequest
  readonly ids: readonly Id[]
  readonly write: DeliveredWrite | null
  /** What the server says to it by itself; null where the state or its transaction does. */
  readonly refusal: ErrorCode | null
  /** The zxid that the answer must have reached. */
  readonly shows: number
}

export interface ExpectedEvent {
  readonly zxid: Zxid
  readonly type: EventType
  readonly path: string
  /** Whether the watcher may read the node changed in the very turn of the event. */
  readonly isOptional: boolean
}

export class WireConnection {
  readonly id: ConnectionId
  readonly address: string
  readonly up: FrameCutter
  readonly down = new FrameCutter()
  readonly watches = new ModelWatches()
  readonly pending: Pending[] = []
  readonly auths: ErrorCode[] = []
  readonly expected: ExpectedEvent[] = []
  readonly replayed: { type: EventType; path: string }[] = []
  phase: 'handshake' | 'connecting' | 'live' = 'handshake'
  connect: ConnectRequest | null = null
  session: bigint | null = null
  ids: readonly Id[]
  idsBefore: readonly Id[]
  /** Up to here the events of the history have been looked at. */
  position: Zxid = ZXID_ZERO
  /** The highest zxid that the client has been shown. */
  shown: Zxid = ZXID_ZERO
  /** Why the server may close it; null for no reason. */
  closable: string | null = null
  isClosing = false
  isSuperseded = false
  /** Its session was this server's own when it was accepted. */
  isLocal = false
  /** Its session has ended: it has to be closed in the same turn. */
  isOver = false

  constructor(id: ConnectionId, address: string, frameBytesMax: number) {
    this.up = new FrameCutter(frameBytesMax)
    this.id = id
    this.address = address
    this.ids = [{ scheme: 'ip', id: address }]
    this.idsBefore = this.ids
  }
}

export function wrongOn({ id, session }: WireConnection, what: string): Violation {
  const whose = session === null ? '' : ` (${formatSessionId(session)})`
  return new Violation('wire', `connection ${id}${whose} ${what}`)
}
