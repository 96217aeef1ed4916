// The links of the election port: one for each pair of servers, dialled by the larger number
// (ZooKeeper 3.9 `QuorumCnxManager`). What is to be said is one message at any time, this server's
// present vote, the same for everybody; a peer that cannot be reached yet, or reads slowly, gets the
// newest one when it can. So there is no queue to bound, and a new link never begins with a vote that
// has been overtaken. It refuses to know what votes mean.

import { must } from '../../base/assert.ts'
import { mark } from '../../base/marks.ts'
import type { LinkId } from '../../ports/peer-network.ts'
import { Framer } from '../jute/framer.ts'
import { JuteReader, MalformedRecord } from '../jute/reader.ts'
import type { MemberAddress } from '../quorum/membership.ts'
import {
  type InitialMessage,
  NOTIFICATION_BYTES_MAX,
  readInitialMessage,
  writeInitialMessage,
} from '../records/notification.ts'
import type { ElectionHost } from './election-host.ts'

export interface ElectionLinksOptions {
  readonly serverId: number
  readonly connectMs: number
}

export interface ElectionLinksOwner {
  /** A frame's content, from `start` to `end`. */
  heard(from: number, bytes: Uint8Array, start: number, end: number): void
  /** Whether the server is of this ensemble: others are called back only where they said. */
  isMember(id: number): boolean
  /** Where this server is to be called back. */
  readonly ownAddress: MemberAddress
  /** The link to the server is gone. */
  lost(id: number): void
  /** Every way to reach the server has failed. */
  unreachable(id: number): void
}

/** What is known of another server and its link. */
interface Peer {
  readonly id: number
  /** The link that is kept; null where there is none. */
  link: Link | null
  /** An attempt under way. */
  dialling: LinkId | null
  dialledMs: number
  /** Attempts take turns on the addresses. */
  attempts: number
  /** How many attempts have failed since the last that did not, or since all addresses had. */
  failures: number
  /** Every address failed, and no link came about since. */
  isAbsent: boolean
  /** Where it asked to be called back. */
  callback: readonly MemberAddress[]
  /** This server has hung up on it, and owes it another link. */
  isOwed: boolean
  /** It has not heard the present message. */
  isDue: boolean
  /** It has been told something before, and so hears the present message on a new link. */
  isAcquainted: boolean
  /** How long a link may stay silent before it is taken for broken. */
  patienceMs: number
}

interface Link {
  readonly id: LinkId
  readonly framer: Framer
  /** Since when the peer has not been heard although something was said to it; Infinity where it was. */
  silentSinceMs: number
  /** Frames written since the link was last known to have room. */
  written: number
}

/** An accepted link that has not said yet who it comes from. */
interface Stranger {
  bytes: Uint8Array
  readonly deadlineMs: number
  readonly remote: string
}

export class ElectionLinks {
  readonly #options: ElectionLinksOptions
  readonly #host: ElectionHost
  readonly #owner: ElectionLinksOwner
  readonly #peers = new Map<number, Peer>()
  /** Whose every link is, kept or under way. */
  readonly #byLink = new Map<LinkId, Peer>()
  readonly #strangers = new Map<LinkId, Stranger>()
  /** The frame to be sent; null as long as there is nothing to say. */
  #message: Uint8Array | null = null
  #anonymous = -1
  #isClosed = true

  constructor(options: ElectionLinksOptions, host: ElectionHost, owner: ElectionLinksOwner) {
    this.#options = options
    this.#host = host
    this.#owner = owner
  }

  /** Links are made and accepted from now on. */
  open(): void {
    this.#isClosed = false
  }

  /** All links are hung up, and what was known of the peers is forgotten. */
  close(): void {
    this.#isClosed = true
    for (const link of [...this.#byLink.keys(), ...this.#strangers.keys()]) {
      this.#host.links.hangUp(link)
    }
    this.#byLink.clear()
    this.#strangers.clear()
    this.#peers.clear()
  }

  /** What is said from now on, a whole frame. Nobody hears it before {@link tell}. */
  say(message: Uint8Array): void {
    this.#message = message
  }

  /** Sends the present message to a server, at once or as soon as it can be reached. */
  tell(id: number): void {
    if (this.#isClosed || id === this.#options.serverId) return
    const peer = this.#peerOf(id)
    peer.isDue = true
    if (peer.link !== null) this.#flush(peer, peer.link)
    else this.#dial(peer)
  }

  /** An attempt to reach the server has failed, and no link has come about since. */
  isAbsent(id: number): boolean {
    return this.#peers.get(id)?.isAbsent ?? false
  }

  isLinked(id: number): boolean {
    return (this.#peers.get(id)?.link ?? null) !== null
  }

  /** Attempts of earlier times say nothing: every server in `ids` is tried anew. */
  seek(ids: Iterable<number>): void {
    for (const id of ids) {
      if (id === this.#options.serverId) continue
      const peer = this.#peerOf(id)
      peer.isAbsent = false
      peer.patienceMs = PATIENCE_MS
      if (peer.link !== null) peer.link.silentSinceMs = Infinity
      this.#dial(peer)
    }
  }

  /** What the link to the server still brings says nothing of how it can be reached now. */
  renew(id: number): void {
    if (this.#isClosed || id === this.#options.serverId) return
    const peer = this.#peerOf(id)
    this.#drop(peer)
    peer.isOwed = true
    this.#dial(peer)
  }

  /** Looks after the links to `ids`: those that are missing, and those that seem to be broken. */
  tend(ids: Iterable<number>): void {
    const { nowMs } = this.#host
    for (const id of ids) {
      if (id === this.#options.serverId) continue
      const peer = this.#peerOf(id)
      if (peer.link !== null && nowMs - peer.link.silentSinceMs >= peer.patienceMs) {
        mark('election: a silent link is replaced')
        peer.patienceMs = Math.min(peer.patienceMs * 2, PATIENCE_MS_MAX)
        this.#drop(peer)
      }
      if (nowMs - peer.dialledMs >= REDIAL_MS) this.#dial(peer)
    }
  }

  /** Hangs up on who does not say who it is. */
  expireStrangers(): void {
    for (const [link, stranger] of this.#strangers) {
      if (stranger.deadlineMs <= this.#host.nowMs) this.#dismiss(link)
    }
  }

  /** A server says who it is with its first bytes: whoever has said least for longest is none. */
  #dismissOldest(): void {
    for (const link of this.#strangers.keys()) {
      this.#dismiss(link)
      return
    }
  }

  get strangersDeadlineMs(): number {
    // In the order in which they came, which is that of their deadlines.
    for (const stranger of this.#strangers.values()) return stranger.deadlineMs
    return Infinity
  }

  describe(): string {
    const linked = [...this.#peers.values()].filter(({ link }) => link !== null)
    return `links to ${linked.map(({ id }) => id).join(', ') || 'nobody'}`
  }

  // What the links tell

  linkAccepted(link: LinkId, remote: string): void {
    if (this.#isClosed) {
      this.#host.links.hangUp(link)
      return
    }
    if (this.#strangers.size >= STRANGERS_MAX) this.#dismissOldest()
    const deadlineMs = this.#host.nowMs + this.#options.connectMs
    this.#strangers.set(link, { bytes: NOTHING, deadlineMs, remote })
  }

  linkOpened(link: LinkId): void {
    const peer = this.#byLink.get(link)
    if (peer === undefined) return
    peer.dialling = null
    peer.failures = 0
    peer.isAbsent = false
    peer.isOwed = false
    // The initial message has to arrive in one piece, because its reader asks only once.
    const out = this.#host.links.output(link)
    writeInitialMessage(out, this.#options.serverId, [this.#owner.ownAddress])
    if (peer.id > this.#options.serverId) {
      // Of two servers the larger number dials; now it knows that it has to.
      this.#byLink.delete(link)
      this.#host.links.hangUp(link)
      this.#expel(peer)
      return
    }
    this.#keep(peer, link)
  }

  linkBytes(link: LinkId, bytes: Uint8Array): void {
    try {
      const peer = this.#byLink.get(link)
      if (peer !== undefined) this.#hear(peer, link, bytes)
      else this.#hearStranger(link, bytes)
    } catch (error) {
      if (!(error instanceof MalformedRecord)) throw error
      const peer = this.#byLink.get(link)
      const from = peer?.id ?? null
      this.#host.remark('warn', 'election link closed', { from, reason: error.message })
      this.#forget(link)
      this.#host.links.hangUp(link)
      if (peer !== undefined) this.#expel(peer)
    }
  }

  linkRoom(link: LinkId): void {
    const peer = this.#byLink.get(link)
    if (peer?.link?.id !== link) return
    peer.link.written = 0
    if (peer.isDue) this.#flush(peer, peer.link)
  }

  linkClosed(link: LinkId, reason: string): void {
    const peer = this.#byLink.get(link)
    const wasDialling = peer?.dialling === link
    this.#forget(link)
    if (peer === undefined) return
    if (!wasDialling) this.#owner.lost(peer.id)
    else if (++peer.failures < this.#addressesOf(peer).length) this.#dial(peer)
    else this.#giveUp(peer, reason)
    if (wasDialling) this.#repay(peer)
    this.#expel(peer)
  }

  /**
   * A server that looks for its ensemble hardly ever tries again after a while (ZooKeeper, up to a
   * minute), so that whoever has hung up on it sees to the link. One that refuses will come itself.
   */
  #repay(peer: Peer): void {
    if (!peer.isOwed || peer.dialling !== null) return
    const isOutOfReach = this.#host.nowMs - peer.dialledMs >= this.#options.connectMs
    if (isOutOfReach && this.#owner.isMember(peer.id)) this.#dial(peer)
    else peer.isOwed = false
  }

  /** Until it is looked for again, or comes itself. */
  #giveUp(peer: Peer, reason: string): void {
    if (!peer.isAbsent) {
      this.#host.remark('info', 'a server cannot be reached', { server: peer.id, reason })
    }
    peer.failures = 0
    peer.isAbsent = true
    this.#owner.unreachable(peer.id)
  }

  /** Tries again now, unless that was tried just before. */
  redial(id: number): void {
    const peer = this.#peerOf(id)
    if (this.#host.nowMs - peer.dialledMs >= REDIAL_MS) this.#dial(peer)
  }

  // Making links

  #dial(peer: Peer): void {
    if (this.#isClosed || peer.dialling !== null || peer.link !== null) return
    const addresses = this.#addressesOf(peer)
    if (addresses.length === 0) return
    const address = must(addresses[peer.attempts % addresses.length], 'an address to dial')
    peer.attempts++
    peer.dialledMs = this.#host.nowMs
    peer.dialling = this.#host.links.dial('election', address, this.#options.connectMs)
    this.#byLink.set(peer.dialling, peer)
  }

  /** Where the server may be: as decided, as proposed, and where it said itself. */
  #addressesOf(peer: Peer): readonly MemberAddress[] {
    const { membership, proposedMembership } = this.#host
    const addresses: MemberAddress[] = []
    const add = (address: MemberAddress | undefined): void => {
      if (address === undefined) return
      if (addresses.some(({ host, port }) => host === address.host && port === address.port)) return
      addresses.push(address)
    }
    add(membership.members.get(peer.id)?.electionAddress)
    add(proposedMembership?.members.get(peer.id)?.electionAddress)
    for (const address of peer.callback) add(address)
    return addresses
  }

  #hearStranger(link: LinkId, bytes: Uint8Array): void {
    const stranger = this.#strangers.get(link)
    if (stranger === undefined) return
    stranger.bytes = joined(stranger.bytes, bytes)
    const reader = new JuteReader(stranger.bytes)
    const initial = readInitialMessage(reader)
    if (initial === null) return
    this.#strangers.delete(link)
    const rest = stranger.bytes.subarray(reader.position)
    const id = initial.serverId ?? this.#anonymous--
    if (id === this.#options.serverId) {
      const { remote } = stranger
      this.#host.remark('error', 'another server has the number of this one', { id, remote })
      this.#host.links.hangUp(link)
    } else this.#welcome(id, initial, link, rest)
  }

  #welcome(id: number, initial: InitialMessage, link: LinkId, rest: Uint8Array): void {
    if (!this.#peers.has(id) && !this.#owner.isMember(id) && this.#peers.size >= PEERS_MAX) {
      this.#host.links.hangUp(link)
      return
    }
    const peer = this.#peerOf(id)
    if (initial.addresses.length > 0) peer.callback = initial.addresses.slice(0, CALLBACKS_MAX)
    if (initial.serverId !== null && id < this.#options.serverId) {
      mark('election: called back')
      this.#host.links.hangUp(link)
      this.#drop(peer)
      this.#dial(peer)
      return
    }
    this.#byLink.set(link, peer)
    this.#keep(peer, link)
    if (rest.length > 0) this.#hear(peer, link, rest)
  }

  /** The link is the one from now on, whatever there was before. */
  #keep(peer: Peer, id: LinkId): void {
    if (peer.link !== null) {
      mark('election: a newer link')
      this.#drop(peer)
    }
    peer.isAbsent = false
    peer.isOwed = false
    const link = {
      id,
      framer: new Framer(NOTIFICATION_BYTES_MAX),
      silentSinceMs: Infinity,
      written: 0,
    }
    peer.link = link
    if (peer.isDue || peer.isAcquainted) this.#flush(peer, link)
  }

  #flush(peer: Peer, link: Link): void {
    if (this.#message === null) return
    if (link.written >= UNREAD_FRAMES_MAX) {
      peer.isDue = true
      return
    }
    const { links, nowMs } = this.#host
    links.output(link.id).raw(this.#message, 0, this.#message.length)
    peer.isDue = false
    peer.isAcquainted = true
    if (link.silentSinceMs === Infinity) link.silentSinceMs = nowMs
    // From here on only the newest message counts, until the peer has read some.
    if (++link.written === UNREAD_FRAMES_MAX) links.wantRoom(link.id)
  }

  #hear(peer: Peer, id: LinkId, bytes: Uint8Array): void {
    const { link } = peer
    if (link === null || link.id !== id) return
    link.silentSinceMs = Infinity
    const { framer } = link
    framer.push(bytes)
    // What is heard may end in this link being replaced.
    while (peer.link === link && framer.next()) {
      if (framer.start === framer.end) throw new MalformedRecord('an empty frame')
      this.#owner.heard(peer.id, framer.bytes, framer.start, framer.end)
    }
    if (framer.problem !== null) throw new MalformedRecord(framer.problem)
    framer.keepRest()
  }

  // Ending links

  #drop(peer: Peer): void {
    if (peer.link === null) return
    this.#byLink.delete(peer.link.id)
    this.#host.links.hangUp(peer.link.id)
    peer.link = null
  }

  #dismiss(link: LinkId): void {
    this.#strangers.delete(link)
    this.#host.links.hangUp(link)
  }

  #forget(link: LinkId): void {
    this.#strangers.delete(link)
    const peer = this.#byLink.get(link)
    if (peer === undefined) return
    this.#byLink.delete(link)
    if (peer.link?.id === link) peer.link = null
    if (peer.dialling === link) peer.dialling = null
  }

  /** Nothing is kept of servers that are no members, beyond their links. */
  #expel(peer: Peer): void {
    if (peer.link !== null || peer.dialling !== null || this.#owner.isMember(peer.id)) return
    this.#peers.delete(peer.id)
  }

  #peerOf(id: number): Peer {
    const known = this.#peers.get(id)
    if (known !== undefined) return known
    const peer: Peer = {
      id,
      link: null,
      dialling: null,
      dialledMs: -Infinity,
      attempts: 0,
      failures: 0,
      isAbsent: false,
      isOwed: false,
      callback: [],
      isDue: false,
      isAcquainted: false,
      patienceMs: PATIENCE_MS,
    }
    this.#peers.set(id, peer)
    return peer
  }
}

const NOTHING = new Uint8Array(0)

/** Links that have not said who they are; the oldest goes when another one comes. */
const STRANGERS_MAX = 64
/** Servers that may be known before others than members are turned away. */
const PEERS_MAX = 100
/** Addresses of one server to be called back at. */
const CALLBACKS_MAX = 4
/** Frames for a peer that has not been seen to read. */
const UNREAD_FRAMES_MAX = 8
/** Between two attempts to reach a server that is looked for. */
const REDIAL_MS = 1000
/** How long a peer may be silent after it was spoken to, at first and at most. */
const PATIENCE_MS = 4000
const PATIENCE_MS_MAX = 60_000

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}
