// What the machines of the core may do with links to other servers. The replica implements it and
// hands everything out with its next Ready; nothing happens before.

import type { JuteWriter } from '../jute/writer.ts'
import type { LinkId, PeerAddress, PeerDoor } from '../../ports/peer-network.ts'

/** Which machine a link belongs to: it alone hears of it. */
export type LinkOwner = 'election' | 'zab'

export interface PeerLinks {
  /** `doorOpened` or `doorFailed` of the door's machine follows. */
  openDoor(door: PeerDoor, address: PeerAddress): void
  closeDoor(door: PeerDoor): void
  /** `linkOpened` or `linkClosed` of the owner follows, within `timeoutMs` milliseconds. */
  dial(owner: LinkOwner, address: PeerAddress, timeoutMs: number): LinkId
  /** Where bytes for a link are written; they leave with the next Ready, in one piece. */
  output(link: LinkId): JuteWriter
  /** `linkRoom` follows as soon as what was sent before has been taken well enough. */
  wantRoom(link: LinkId): void
  /** Closes once what is in its output has been sent. Nothing more is heard of the link. */
  hangUp(link: LinkId): void
}

/** What a machine hears of its links. Links it has hung up are never mentioned again. */
export interface LinkListener {
  doorOpened(door: PeerDoor): void
  doorFailed(door: PeerDoor, reason: string): void
  linkAccepted(link: LinkId, remote: string): void
  linkOpened(link: LinkId): void
  /** The array may be kept as long as it is not changed: it is a copy of what arrived. */
  linkBytes(link: LinkId, bytes: Uint8Array): void
  linkRoom(link: LinkId): void
  linkClosed(link: LinkId, reason: string): void
}

/** What operators are told. */
export interface Remarks {
  remark(level: 'info' | 'warn' | 'error', message: string, fields?: RemarkFields): void
}

export type RemarkFields = Readonly<Record<string, string | number | boolean | null>>
