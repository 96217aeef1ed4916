// The election as the rest of a server sees it: looks for a leader when told to, and in between tells
// others what this server is. It puts the votes (`FastLeaderElection`) on the links
// (`ElectionLinks`), and owns what has to do with time: how long a better vote is waited for, and when
// everybody is told again (ZooKeeper 3.9 `FastLeaderElection`, `QuorumCnxManager`). What a leader or
// a follower then does is not known here.

import { mark } from '../../base/marks.ts'
import { type Zxid, formatZxid } from '../../base/zxid.ts'
import type { LinkId, PeerDoor } from '../../ports/peer-network.ts'
import { JuteReader, MalformedRecord } from '../jute/reader.ts'
import { JuteWriter } from '../jute/writer.ts'
import type { LinkListener } from '../peer/peer-links.ts'
import type { MemberAddress, Membership } from '../quorum/membership.ts'
import { InvalidMembership, sameMembers } from '../quorum/membership-text.ts'
import { type Notification, readNotification, writeNotification } from '../records/notification.ts'
import {
  type ElectionHost,
  type ElectionOptions,
  NO_SERVER,
  ServerState,
  type Vote,
} from './election-host.ts'
import { ElectionLinks, type ElectionLinksOwner } from './election-links.ts'
import { type CastVote, FastLeaderElection, NOBODY } from './fast-leader-election.ts'

export class Election implements LinkListener, ElectionLinksOwner {
  readonly #options: ElectionOptions
  readonly #host: ElectionHost
  readonly #fast: FastLeaderElection
  readonly #links: ElectionLinks
  readonly #out = new JuteWriter()
  #state: ServerState = ServerState.looking
  /** What this server says; while it looks, its proposal says it. */
  #vote: Vote = NOBODY
  /** This server was elected by a quorum of this round, which may have changed its mind since. */
  #isBacked = false
  #isDeserted = false
  /** A round is on: neither decided nor called off. */
  #isOpen = false
  /** What the round began with, for when it has to begin again. */
  #lastZxid = 0 as Zxid
  #currentEpoch = 0
  /**
   * The last word of each server that looks for a leader: a voter's of this round, an observer's
   * perhaps of an earlier one, because it is not told of each.
   */
  readonly #looking = new Map<number, CastVote>()
  /** When each of these was last answered. */
  readonly #answeredMs = new Map<number, number>()
  /** Until when servers that could not be reached are not voted for. */
  readonly #doubtedUntilMs = new Map<number, number>()
  /** When the first of these doubts ends. */
  #trustMs = Infinity
  /** The membership that this server's message shows, and the last that it has been shown. */
  #saidConfig = ''
  #knownConfig = ''
  #adopting = -1
  #ownAddress: MemberAddress = NOWHERE
  #bindFailures = 0
  #bindMs = Infinity
  #decideMs = Infinity
  /** The decision was waited with, so that others have waited as well. */
  #hasWaited = false
  #repeatMs = Infinity
  #repeatAfterMs = 0
  #tendMs = Infinity

  constructor(options: ElectionOptions, host: ElectionHost) {
    this.#options = options
    this.#host = host
    this.#fast = new FastLeaderElection(options.serverId, host)
    this.#links = new ElectionLinks(options, host, this)
  }

  /** Who leads, or who should, as far as this server knows; a round that is on has a proposal. */
  get vote(): Vote {
    return this.#isOpen ? this.#fast.proposal : this.#vote
  }

  get state(): ServerState {
    return this.#state
  }

  /**
   * This server was elected, but those who are for it are no quorum any more: since then some have
   * heard of somebody better.
   */
  get isDeserted(): boolean {
    return this.#isDeserted
  }

  get deadlineMs(): number {
    return Math.min(
      this.#bindMs,
      this.#decideMs,
      this.#repeatMs,
      this.#tendMs,
      this.#trustMs,
      this.#links.strangersDeadlineMs,
    )
  }

  describe(): string {
    const { leader, zxid, peerEpoch, round } = this.vote
    const whom = leader === NO_SERVER ? 'nobody' : `server ${leader}`
    const vote = `for ${whom} at ${formatZxid(zxid)} of epoch ${peerEpoch}`
    const votes = this.#isOpen ? `, ${this.#fast.votes} votes` : ''
    return `${STATE_NAMES[this.#state]} in round ${round} ${vote}${votes}, ${this.#links.describe()}`
  }

  /** Opens the election port. */
  start(): void {
    this.#bindFailures = 0
    this.#openDoor()
    this.#links.open()
  }

  /** Nobody leads, as far as this server knows: a new round. */
  look(lastZxid: Zxid, currentEpoch: number): void {
    this.#lastZxid = lastZxid
    this.#currentEpoch = currentEpoch
    this.#state = ServerState.looking
    this.#isOpen = true
    this.#hasWaited = false
    this.#isBacked = false
    this.#isDeserted = false
    this.#adopting = -1
    this.#decideMs = Infinity
    for (const id of this.#fast.voters()) this.#looking.delete(id)
    this.#answeredMs.clear()
    this.#fast.begin(lastZxid, currentEpoch)
    this.#links.seek(this.#fast.voters())
    this.#repeatAfterMs = this.#options.notificationMinMs
    this.#repeatMs = this.#host.nowMs + this.#repeatAfterMs
    this.#tendMs = this.#host.nowMs + TEND_MS
    this.#say()
    this.#tellVoters()
    this.#weigh()
  }

  /** What this server is and says from now on. */
  settle(state: ServerState, vote: Vote): void {
    this.#close()
    this.#state = state
    this.#vote = vote
    this.#say()
    for (const [id, cast] of this.#looking) {
      // Who is for the same leader will come to it. An Apache server that waits for better votes
      // would even wait longer if it heard of it now. But a leader that has not waited says so, and
      // its followers need not wait either.
      const isTold = state === ServerState.leading && !this.#hasWaited
      if (isTold || !isSameChoice(cast, vote)) this.#tell(id)
    }
  }

  /** The members are others now: the port and all links are made anew, and rounds begin again. */
  restart(): void {
    mark('election: restarted')
    this.#links.close()
    this.#host.links.closeDoor('election')
    this.#looking.clear()
    this.#answeredMs.clear()
    this.#fast.reset()
    this.start()
    if (this.#isOpen) this.look(this.#lastZxid, this.#currentEpoch)
  }

  /** See `ZabHost.doubt`. */
  doubt(id: number, forMs: number): void {
    mark('election: a server is doubted')
    this.#links.renew(id)
    if (forMs === 0) return
    this.#doubtedUntilMs.set(id, this.#host.nowMs + forMs)
    this.#trustMs = Math.min(...this.#doubtedUntilMs.values())
    this.#fast.doubt(id)
  }

  stop(): void {
    this.#close()
    this.#bindMs = Infinity
    this.#links.close()
    this.#host.links.closeDoor('election')
  }

  onTime(): void {
    const { nowMs } = this.#host
    if (nowMs >= this.#bindMs) this.#openDoor()
    this.#links.expireStrangers()
    if (nowMs >= this.#trustMs) this.#endDoubts()
    if (nowMs >= this.#decideMs) {
      this.#hasWaited = true
      this.#decide(this.#fast.proposal)
    }
    if (nowMs >= this.#tendMs) {
      this.#tendMs = nowMs + TEND_MS
      this.#links.tend(this.#fast.voters())
    }
    if (nowMs >= this.#repeatMs) {
      this.#repeatAfterMs = Math.min(this.#repeatAfterMs * 2, this.#options.notificationMaxMs)
      this.#repeatMs = nowMs + this.#repeatAfterMs
      this.#tellVoters()
    }
  }

  // The round

  /** Takes up a vote while a round is on. */
  #take(from: number, vote: CastVote, isNews: boolean): void {
    switch (this.#fast.receive(from, vote)) {
      case 'none':
        break
      case 'answer':
        this.#answer(from, isNews)
        break
      case 'announce':
        this.#announce()
        break
    }
    this.#weigh()
  }

  /** This server is for another one now. */
  #announce(): void {
    this.#decideMs = Infinity
    this.#say()
    this.#tellVoters()
  }

  /** Where nobody else could be elected meanwhile, who could not be reached is better than nobody. */
  #endDoubts(): void {
    for (const [id, untilMs] of this.#doubtedUntilMs) {
      if (untilMs > this.#host.nowMs) continue
      this.#doubtedUntilMs.delete(id)
      const consequence = this.#fast.trust(id)
      if (!this.#isOpen) continue
      if (consequence === 'announce') this.#announce()
      this.#weigh()
    }
    this.#trustMs = Math.min(Infinity, ...this.#doubtedUntilMs.values())
  }

  /** Whether what has been heard suffices, and whether a better vote is to be waited for. */
  #weigh(): void {
    if (!this.#isOpen) return
    const { decision, hasQuorum, proposal } = this.#fast
    if (decision !== null) this.#decide(decision)
    else if (!hasQuorum) this.#decideMs = Infinity
    else if (this.#fast.isUnanimous((id) => this.#links.isAbsent(id))) {
      mark('election: decided without waiting')
      this.#decide(proposal)
    } else if (this.#decideMs === Infinity) {
      this.#decideMs = this.#host.nowMs + this.#options.finalizeWaitMs
    }
  }

  #decide(vote: Vote): void {
    this.#close()
    this.#isBacked = vote.leader === this.#options.serverId && this.#fast.hasQuorum
    this.#vote = vote
    this.#host.elected(vote)
  }

  #close(): void {
    this.#isOpen = false
    this.#decideMs = Infinity
    this.#repeatMs = Infinity
    this.#tendMs = Infinity
  }

  // What is said

  /** What this server says is another thing from now on; nobody is told yet. */
  #say(): void {
    const out = this.#out
    out.reset()
    const { vote } = this
    const round = this.#state === ServerState.looking ? this.#fast.round : vote.round
    this.#saidConfig = this.#host.membership.text
    writeNotification(out, { ...vote, state: this.#state, round, config: this.#saidConfig })
    this.#links.say(out.copy())
  }

  #tellVoters(): void {
    for (const id of this.#fast.voters()) this.#tell(id)
  }

  #tell(id: number): void {
    if (this.#saidConfig !== this.#host.membership.text) this.#say()
    this.#links.tell(id)
  }

  /**
   * Answers a server that is behind, or none of the voters. Two servers that disagree on who votes
   * could answer each other's answers for ever: the same vote again is answered after a while only.
   */
  #answer(id: number, isNews: boolean): void {
    const { nowMs } = this.#host
    if (!isNews && nowMs - (this.#answeredMs.get(id) ?? -Infinity) < ANSWER_AGAIN_MS) {
      mark('election: an answer to an answer is held back')
      return
    }
    this.#answeredMs.set(id, nowMs)
    this.#tell(id)
  }

  // What is heard

  heard(from: number, bytes: Uint8Array, start: number, end: number): void {
    const notification = tryRead(bytes, start, end)
    const state = STATES.find((each) => each === notification?.state)
    if (notification === null || state === undefined) {
      // One that cannot be read is none (ZooKeeper 3.9 skips it as well): the next may be.
      mark('election: an unreadable notification')
      return
    }
    if (this.#state === ServerState.looking && this.#learnMembership(notification)) return
    this.#onNotification(from, { ...notification, state })
  }

  #onNotification(from: number, { state, leader, zxid, round, peerEpoch, version }: Heard): void {
    const vote: CastVote = { state, leader, zxid, round, peerEpoch, version }
    const before = this.#looking.get(from)
    const isLooking = state === ServerState.looking
    if (isLooking) this.#looking.set(from, vote)
    else this.#looking.delete(from)
    const isNews = before === undefined || !isSameChoice(before, vote)
    const leavesUs = this.#isBacked && leader !== this.#options.serverId
    if (leavesUs && this.#fast.isVoter(from) && !this.#fast.lose(from)) {
      mark('election: deserted')
      this.#isDeserted = true
    }
    if (this.#state !== ServerState.looking) {
      if (isLooking) this.#tell(from)
      const leads = this.#state === ServerState.leading
      if (isLooking && leads && this.#fast.isVoter(from)) this.#host.voterLooks(from)
    } else if (!this.#fast.isVoter(from)) {
      if (isLooking) this.#answer(from, isNews)
    } else if (this.#isOpen) this.#take(from, vote, isNews)
  }

  /**
   * A newer membership than this server's own comes with a vote (ZooKeeper 3.9,
   * `FastLeaderElection.WorkerReceiver`). Returns whether the vote belongs to another ensemble than
   * the one that this round is held in.
   */
  #learnMembership({ config }: Notification): boolean {
    const { membership } = this.#host
    if (config === null || config === membership.text || config === this.#knownConfig) return false
    this.#knownConfig = config
    const other = tryMembership(this.#host, config)
    if (other === null || other.version <= Math.max(membership.version, this.#adopting))
      return false
    this.#adopting = other.version
    this.#host.adoptMembership(other)
    return !sameMembers(membership, other)
  }

  // What the links ask and tell

  get ownAddress(): MemberAddress {
    return this.#ownAddress
  }

  isMember(id: number): boolean {
    const { membership, proposedMembership } = this.#host
    return membership.members.has(id) || (proposedMembership?.members.has(id) ?? false)
  }

  lost(id: number): void {
    this.#looking.delete(id)
    this.#answeredMs.delete(id)
    if (this.#isOpen && this.#fast.isVoter(id)) this.#links.redial(id)
  }

  unreachable(): void {
    this.#weigh()
  }

  doorOpened(_door: PeerDoor): void {
    this.#bindFailures = 0
  }

  doorFailed(_door: PeerDoor, reason: string): void {
    this.#bindFailures++
    const { bindRetries } = this.#options
    if (bindRetries > 0 && this.#bindFailures >= bindRetries) {
      this.#host.electionPortLost(reason)
      return
    }
    this.#host.remark('warn', 'the election port cannot be bound, trying again', { reason })
    this.#bindMs = this.#host.nowMs + BIND_RETRY_MS
  }

  linkAccepted(link: LinkId, remote: string): void {
    this.#links.linkAccepted(link, remote)
  }

  linkOpened(link: LinkId): void {
    this.#links.linkOpened(link)
  }

  linkBytes(link: LinkId, bytes: Uint8Array): void {
    this.#links.linkBytes(link, bytes)
  }

  linkRoom(link: LinkId): void {
    this.#links.linkRoom(link)
  }

  linkClosed(link: LinkId, reason: string): void {
    this.#links.linkClosed(link, reason)
  }

  #openDoor(): void {
    this.#bindMs = Infinity
    const { membership, proposedMembership } = this.#host
    const { serverId } = this.#options
    const own = membership.members.get(serverId) ?? proposedMembership?.members.get(serverId)
    // A server that has been removed goes on where it was until it is stopped.
    if (own !== undefined) this.#ownAddress = own.electionAddress
    if (this.#ownAddress !== NOWHERE) this.#host.links.openDoor('election', this.#ownAddress)
  }
}

type Heard = Notification & { readonly state: ServerState }

const STATES = Object.values(ServerState)
const STATE_NAMES = Object.keys(ServerState)

/** An address that nobody calls back. */
const NOWHERE: MemberAddress = { host: '0.0.0.0', port: 0 }

/** Before the same vote is answered again. */
const ANSWER_AGAIN_MS = 100
/** How often the links are looked after while a round is on. */
const TEND_MS = 500
const BIND_RETRY_MS = 1000

const isSameChoice = (a: Vote, b: Vote): boolean =>
  a.leader === b.leader && a.zxid === b.zxid && a.peerEpoch === b.peerEpoch && a.round === b.round

function tryRead(bytes: Uint8Array, start: number, end: number): Notification | null {
  try {
    return readNotification(new JuteReader(bytes, start, end))
  } catch (error) {
    if (error instanceof MalformedRecord) return null
    throw error
  }
}

function tryMembership(host: ElectionHost, config: string): Membership | null {
  try {
    return host.membershipOf(config)
  } catch (error) {
    if (error instanceof InvalidMembership || error instanceof MalformedRecord) return null
    throw error
  }
}
