// The links to other servers, between the machines that use them and the network: commands and
// bytes are collected for the next Ready, and what the network tells goes to the machine that a
// link belongs to. Of a link that has been hung up nothing is heard any more.

import { assert } from '../../base/assert.ts'
import { copyOf } from '../../base/text.ts'
import type { LinkId, PeerAddress, PeerDoor } from '../../ports/peer-network.ts'
import { JuteWriter } from '../jute/writer.ts'
import type { LinkListener, LinkOwner, PeerLinks } from '../peer/peer-links.ts'
import type { LinkCommand, LinkOutput } from './ready.ts'

/** Who hears of the links of each kind; null while nobody does. */
export interface LinkListeners {
  election: LinkListener | null
  zab: LinkListener | null
}

export class Links implements PeerLinks {
  readonly listeners: LinkListeners = { election: null, zab: null }
  readonly #links = new Map<LinkId, Link>()
  readonly #commands: LinkCommand[]
  readonly #dirty: DirtyLink[]
  #lastDialled = 0

  /** Where commands and links with output are collected. */
  constructor(commands: LinkCommand[], dirty: DirtyLink[]) {
    this.#commands = commands
    this.#dirty = dirty
  }

  // What machines do

  openDoor(door: PeerDoor, address: PeerAddress): void {
    this.#commands.push({ kind: 'open-door', door, address })
  }

  closeDoor(door: PeerDoor): void {
    this.#commands.push({ kind: 'close-door', door })
  }

  dial(owner: LinkOwner, address: PeerAddress, timeoutMs: number): LinkId {
    const link = --this.#lastDialled
    this.#links.set(link, new Link(link, owner))
    this.#commands.push({ kind: 'dial', link, address, timeoutMs })
    return link
  }

  output(id: LinkId): JuteWriter {
    const link = this.#links.get(id)
    // Whoever writes to a link that has just gone learns of that with his next event.
    if (link === undefined) return NOWHERE.emptied()
    this.#touch(link)
    return link.output
  }

  wantRoom(id: LinkId): void {
    const link = this.#links.get(id)
    if (link === undefined) return
    link.wantsRoom = true
    this.#touch(link)
  }

  hangUp(id: LinkId): void {
    const link = this.#links.get(id)
    if (link === undefined) return
    this.#links.delete(id)
    link.close = true
    this.#touch(link)
  }

  /** Hangs up all links of one machine. */
  hangUpAll(owner: LinkOwner): void {
    for (const link of [...this.#links.values()]) if (link.owner === owner) this.hangUp(link.link)
  }

  // What the network tells

  doorOpened(door: PeerDoor): void {
    this.#listenerOf(door)?.doorOpened(door)
  }

  doorFailed(door: PeerDoor, reason: string): void {
    this.#listenerOf(door)?.doorFailed(door, reason)
  }

  accepted(id: LinkId, door: PeerDoor, remote: string): void {
    assert(!this.#links.has(id), () => `link ${id} is accepted twice`)
    const owner = ownerOf(door)
    const link = new Link(id, owner)
    this.#links.set(id, link)
    const listener = this.listeners[owner]
    if (listener === null) this.hangUp(id)
    else listener.linkAccepted(id, remote)
  }

  opened(id: LinkId): void {
    const link = this.#links.get(id)
    if (link !== undefined) this.listeners[link.owner]?.linkOpened(id)
  }

  bytes(id: LinkId, bytes: Uint8Array): void {
    const link = this.#links.get(id)
    if (link === undefined) return
    this.listeners[link.owner]?.linkBytes(id, copyOf(bytes, 0, bytes.length))
  }

  room(id: LinkId): void {
    const link = this.#links.get(id)
    if (link !== undefined) this.listeners[link.owner]?.linkRoom(id)
  }

  closed(id: LinkId, reason: string): void {
    const link = this.#links.get(id)
    if (link === undefined) return
    this.#links.delete(id)
    this.listeners[link.owner]?.linkClosed(id, reason)
  }

  #listenerOf(door: PeerDoor): LinkListener | null {
    return this.listeners[ownerOf(door)]
  }

  #touch(link: Link): void {
    if (link.isDirty) return
    link.isDirty = true
    this.#dirty.push(link)
  }
}

const ownerOf = (door: PeerDoor): LinkOwner => (door === 'election' ? 'election' : 'zab')

type DirtyLink = LinkOutput & { isDirty: boolean }

class Link implements DirtyLink {
  readonly link: LinkId
  readonly owner: LinkOwner
  readonly output: JuteWriter = new JuteWriter(1024)
  close: boolean = false
  wantsRoom: boolean = false
  isDirty: boolean = false

  constructor(link: LinkId, owner: LinkOwner) {
    this.link = link
    this.owner = owner
  }
}

/** Takes what is written to links that are gone. */
class Nowhere {
  readonly #writer = new JuteWriter(1024)

  emptied(): JuteWriter {
    this.#writer.resetWithin(64 << 10)
    return this.#writer
  }
}

const NOWHERE = new Nowhere()
