// Fast leader election as one server sees it: which vote is better, what a vote changes, and when
// votes suffice (ZooKeeper 3.9 `FastLeaderElection`). It holds one round's votes and the server's own
// proposal. It knows no links and no clock: what it is told of comes in any order, late, twice, or
// never, and how long to wait for a better vote is for others to say.

import { mark } from '../../base/marks.ts'
import type { Zxid } from '../../base/zxid.ts'
import type { Membership } from '../quorum/membership.ts'
import { NO_SERVER, ServerState, type Vote } from './election-host.ts'

/** Whose votes count. */
export interface Electorate {
  readonly membership: Membership
  readonly proposedMembership: Membership | null
}

/** A vote as another server tells of it, or this one holds it. */
export interface CastVote extends Vote {
  readonly state: ServerState
  /** Of the message that it came in; 0 where that does not count. */
  readonly version: number
}

/** What a vote leads to: nothing, a word to its sender alone, or one to everybody. */
export type Consequence = 'none' | 'answer' | 'announce'

export class FastLeaderElection {
  readonly #serverId: number
  readonly #electorate: Electorate
  /** The votes of this round (`recvset`). */
  readonly #cast = new Map<number, CastVote>()
  /** What servers say that look for nobody any more, in whatever round (`outofelection`). */
  readonly #settled = new Map<number, CastVote>()
  /** Whom this server is not for, see {@link doubt}. */
  readonly #doubted = new Set<number>()
  #round = 0
  #initial: Vote
  #proposal: Vote
  #hasQuorum = false
  #decision: Vote | null = null

  constructor(serverId: number, electorate: Electorate) {
    this.#serverId = serverId
    this.#electorate = electorate
    this.#initial = NOBODY
    this.#proposal = NOBODY
  }

  /** The logical clock. */
  get round(): number {
    return this.#round
  }

  /** Whom this server is for, as things stand. */
  get proposal(): Vote {
    return this.#proposal
  }

  /** A quorum is for the same server as this one: decided, unless a better vote comes. */
  get hasQuorum(): boolean {
    return this.#hasQuorum
  }

  /** What others have decided already, so that nothing is left to wait for. */
  get decision(): Vote | null {
    return this.#decision
  }

  /** How many votes of this round have come, this server's own included. */
  get votes(): number {
    return this.#cast.size
  }

  /** Forgets that there were rounds before. */
  reset(): void {
    this.#round = 0
  }

  /** The next round: this server is for itself, if it may vote at all. */
  begin(lastZxid: Zxid, currentEpoch: number): void {
    this.#round++
    this.#cast.clear()
    this.#settled.clear()
    this.#decision = null
    const isVoter = this.#electorate.membership.voters.voters.has(this.#serverId)
    this.#initial = isVoter
      ? { leader: this.#serverId, zxid: lastZxid, peerEpoch: currentEpoch, round: this.#round }
      : NOBODY
    this.#propose(this.#initial)
    this.#count()
  }

  /**
   * This server could not be led by that one: until {@link trust} no vote for it beats any other. It
   * may be elected by a quorum without this server. Whoever this server elects instead still has the
   * latest history of those who elect it, which is all that a leader needs.
   */
  doubt(id: number): void {
    this.#doubted.add(id)
  }

  /** The server may lead after all; votes for it that have come in this round count now. */
  trust(id: number): Consequence {
    this.#doubted.delete(id)
    const before = this.#proposal
    for (const vote of this.#cast.values()) {
      const isOpen = vote.state === ServerState.looking
      if (isOpen && this.#beats(vote, this.#proposal)) this.#propose(vote)
    }
    this.#count()
    return this.#proposal === before ? 'none' : 'announce'
  }

  /** Takes up what `from` says. */
  receive(from: number, vote: CastVote): Consequence {
    if (!this.isVoter(from)) return 'none'
    if (!this.isVoter(vote.leader)) return this.#onVoteForNobody(vote)
    switch (vote.state) {
      case ServerState.looking:
        return this.#onLooking(from, vote)
      case ServerState.following:
      case ServerState.leading:
        this.#onSettled(from, vote)
        return 'none'
      case ServerState.observing:
        return 'none'
    }
  }

  /**
   * A voter takes back whatever vote it had in this round. Returns whether a quorum is still for
   * this server's proposal.
   */
  lose(id: number): boolean {
    this.#cast.delete(id)
    this.#count()
    return this.#hasQuorum
  }

  /** Whether the server votes, now or once the proposed membership is decided. */
  isVoter(id: number): boolean {
    const { membership, proposedMembership } = this.#electorate
    return membership.voters.voters.has(id) || (proposedMembership?.voters.voters.has(id) ?? false)
  }

  /**
   * Whether waiting for a better vote is idle: there is a quorum, and everybody who could have one
   * has voted like this server, or cannot be reached. Only a server that is about to lead may say
   * so. Others wait for its word, or else they would come to it before it leads.
   */
  isUnanimous(isAbsent: (id: number) => boolean): boolean {
    if (!this.#hasQuorum) return false
    const { leader } = this.#proposal
    if (leader !== this.#serverId) return this.#cast.get(leader)?.state === ServerState.leading
    for (const id of this.voters()) {
      if (id === this.#serverId) continue
      const vote = this.#cast.get(id)
      if (vote === undefined ? !isAbsent(id) : !isSameVote(vote, this.#asCast())) return false
    }
    return true
  }

  /** All whose vote may count, this server included. */
  voters(): Set<number> {
    const { membership, proposedMembership } = this.#electorate
    const voters = new Set(membership.voters.voters)
    for (const id of proposedMembership?.voters.voters ?? []) voters.add(id)
    return voters
  }

  #onLooking(from: number, vote: CastVote): Consequence {
    // A server that lost its database may not say how far it was (storage: such a tree has no zxid).
    if (vote.zxid === UNTRUSTED || this.#initial.zxid === UNTRUSTED) return 'none'
    // A server that is for nobody has nothing to keep to its round for.
    const isFree = this.#proposal.leader === NO_SERVER && this.#beats(vote, this.#initial)
    if (vote.round < this.#round && !isFree) return 'answer'
    let changed = false
    if (vote.round !== this.#round) {
      // As good as decided: who comes from a later round with nothing better hears of the outcome. But
      // in this round it is for nobody any more.
      if (this.#hasQuorum && !this.#beats(vote, this.#proposal) && this.lose(from)) return 'none'
      mark('election: a later round')
      this.#enter(vote.round, this.#beats(vote, this.#initial) ? vote : this.#initial)
      changed = true
    } else if (this.#beats(vote, this.#proposal)) {
      this.#propose(vote)
      changed = true
    }
    this.#cast.set(from, { ...vote, version: 0 })
    this.#count()
    if (changed) return 'announce'
    // ZooKeeper leaves a worse vote of this round alone, because its sender was told before. But one
    // who begins to look later was not listening then, and would have to wait for a repetition.
    return this.#beats(this.#proposal, vote) ? 'answer' : 'none'
  }

  /**
   * Only from a server whose vote counts once the proposed membership is decided, or not any more. In
   * ZooKeeper nobody minds its round, nor does it mind that of others; where no quorum can do without
   * it, and its round is the later one, they would look for a leader for ever.
   */
  #onVoteForNobody(vote: CastVote): Consequence {
    if (vote.leader !== NO_SERVER || vote.state !== ServerState.looking) return 'none'
    if (vote.round <= this.#round || this.#hasQuorum) return 'none'
    mark('election: a later round of nobody')
    this.#enter(vote.round, this.#initial)
    this.#count()
    return 'announce'
  }

  #onSettled(from: number, vote: CastVote): void {
    if (vote.round === this.#round) {
      // ZooKeeper keeps these without their version, and so compares them by their leader alone.
      this.#cast.set(from, { ...vote, version: 0 })
      if (this.#isDecidedBy(this.#cast, vote)) {
        this.#decide(vote)
        return
      }
      this.#count()
    }
    this.#settled.set(from, vote)
    if (this.#isDecidedBy(this.#settled, vote)) {
      mark('election: joined what others had decided')
      this.#round = vote.round
      this.#decide(vote)
    }
  }

  /** A quorum says so, and the leader itself does (ZooKeeper 3.9 `checkLeader`). */
  #isDecidedBy(votes: ReadonlyMap<number, CastVote>, vote: CastVote): boolean {
    if (!this.#isQuorumFor(votes, vote, true)) return false
    if (vote.leader === this.#serverId) return vote.round === this.#round
    return votes.get(vote.leader)?.state === ServerState.leading
  }

  #decide({ leader, zxid, round, peerEpoch }: Vote): void {
    this.#decision = { leader, zxid, round, peerEpoch }
  }

  /** Goes to another round, in which nobody else has voted yet. */
  #enter(round: number, vote: Vote): void {
    this.#round = round
    this.#cast.clear()
    this.#propose(vote)
  }

  #propose({ leader, zxid, peerEpoch }: Vote): void {
    this.#proposal = { leader, zxid, peerEpoch, round: this.#round }
    // What ZooKeeper hears of itself through its own queue.
    if (this.isVoter(this.#serverId) && this.isVoter(leader)) {
      this.#cast.set(this.#serverId, this.#asCast())
    } else this.#cast.delete(this.#serverId)
  }

  #count(): void {
    this.#hasQuorum =
      this.#proposal.leader !== NO_SERVER && this.#isQuorumFor(this.#cast, this.#asCast())
  }

  /**
   * `isJoining`: a leader was elected before the membership was proposed, and may wait for nobody but
   * this server to have a quorum of that as well. ZooKeeper's servers do not come to such a leader,
   * which then commits nothing any more.
   */
  #isQuorumFor(
    votes: ReadonlyMap<number, CastVote>,
    vote: CastVote,
    isJoining: boolean = false,
  ): boolean {
    const supporters = new Set<number>()
    for (const [id, each] of votes) if (isSameVote(each, vote)) supporters.add(id)
    const { membership, proposedMembership } = this.#electorate
    if (!membership.voters.containsQuorum(supporters)) return false
    if (proposedMembership === null || proposedMembership.version <= membership.version) return true
    if (isJoining) supporters.add(this.#serverId)
    return proposedMembership.voters.containsQuorum(supporters)
  }

  /**
   * The order of votes (ZooKeeper 3.9 `totalOrderPredicate`): epoch, transaction, number. A server
   * without weight is never led by. But where the proposed membership gives it some, there may be no
   * quorum without its vote: then ZooKeeper's servers look for a leader for ever, because it is for
   * itself, and nobody else is. Here it gives way to a server with weight that has as much; and if
   * nobody has as much, it may lead.
   */
  #beats(vote: Vote, other: Vote): boolean {
    if (!this.#mayLead(vote.leader) || this.#doubted.has(vote.leader)) return false
    if (vote.peerEpoch !== other.peerEpoch) return vote.peerEpoch > other.peerEpoch
    if (vote.zxid !== other.zxid) return vote.zxid > other.zxid
    const hasWeight = this.#hasWeight(vote.leader)
    if (hasWeight !== this.#hasWeight(other.leader)) return hasWeight
    return vote.leader > other.leader
  }

  #mayLead(id: number): boolean {
    const { proposedMembership } = this.#electorate
    return this.#hasWeight(id) || (proposedMembership?.voters.weightOf(id) ?? 0) > 0
  }

  /** In the membership that is decided, if it votes there. */
  #hasWeight(id: number): boolean {
    const { membership, proposedMembership } = this.#electorate
    const { voters } = membership
    if (voters.voters.has(id)) return voters.weightOf(id) > 0
    return (proposedMembership?.voters.weightOf(id) ?? 0) > 0
  }

  #asCast(): CastVote {
    return { ...this.#proposal, state: ServerState.looking, version: 0 }
  }
}

/** For nobody: the vote of a server that may not vote. */
export const NOBODY: Vote = {
  leader: NO_SERVER,
  zxid: NO_SERVER as Zxid,
  peerEpoch: NO_SERVER,
  round: 0,
}

const UNTRUSTED = -1 as Zxid

/**
 * Whether two votes agree (ZooKeeper 3.9 `Vote.equals`): among those who are still looking in
 * everything; otherwise in the leader and its epoch, or in the leader alone where one of them is from
 * a server that says no more.
 */
function isSameVote(a: CastVote, b: CastVote): boolean {
  if (a.leader !== b.leader) return false
  if (a.state === ServerState.looking || b.state === ServerState.looking) {
    return a.zxid === b.zxid && a.round === b.round && a.peerEpoch === b.peerEpoch
  }
  if (a.version > 0 !== b.version > 0) return true
  return a.peerEpoch === b.peerEpoch
}
