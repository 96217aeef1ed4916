// Every order in which three servers can hear each other and decide. A state that was reached
// before is not gone into again; a new one is played from the start.

import { expect, test } from 'vitest'

import { ensembleOf } from '../../../test/support/election-bench.ts'
import { type Zxid, zxidOf } from '../../base/zxid.ts'
import { ServerState, type Vote } from './election-host.ts'
import { type CastVote, FastLeaderElection } from './fast-leader-election.ts'

interface Past {
  readonly zxid: Zxid
  readonly epoch: number
}

const past = (epoch: number, counter: number): Past => ({ zxid: zxidOf(epoch, counter), epoch })

/** Who doubts whom from the beginning; the first number is that of the one who does. */
type Doubts = readonly (readonly [number, number])[]

/**
 * What can happen next: a server hears the next message of another, trusts who it doubted, or
 * decides. All have begun: one that begins later is like one that is heard later and hears later.
 */
type Move =
  | { readonly kind: 'decide'; readonly id: number }
  | { readonly kind: 'hear'; readonly id: number; readonly from: number }
  | { readonly kind: 'trust'; readonly id: number; readonly doubted: number }

const membership = ensembleOf(3)
const IDS = [1, 2, 3]
const QUORUM = 2
const PAIRS = IDS.flatMap((a) => IDS.filter((b) => b !== a).map((b) => `${a} ${b}`))

class Play {
  readonly elections = new Map<number, FastLeaderElection>()
  readonly decided = new Map<number, Vote>()
  /** By sender, then receiver: what is under way, in order. */
  readonly #channels = new Map<string, CastVote[]>()
  /** By sender, then receiver: the last that was heard. */
  readonly #heard = new Map<string, CastVote>()
  readonly #decidesEarly: boolean
  #doubts: Doubts

  constructor(pasts: readonly Past[], decidesEarly: boolean, doubts: Doubts) {
    this.#decidesEarly = decidesEarly
    this.#doubts = doubts
    for (const [index, { zxid, epoch }] of pasts.entries()) {
      const id = index + 1
      const election = new FastLeaderElection(id, { membership, proposedMembership: null })
      this.elections.set(id, election)
      for (const [doubter, doubted] of doubts) if (doubter === id) election.doubt(doubted)
      election.begin(zxid, epoch)
      this.#announce(id)
    }
  }

  /**
   * All that matters for what can still happen. In the one round that there is, the last word of
   * each server is all that another one keeps of it.
   */
  get key(): string {
    const servers = IDS.map((id) => {
      const { leader } = this.elections.get(id)!.proposal
      return `${leader}${this.decided.has(id) ? '!' : ''}`
    })
    const votes = (some: readonly CastVote[]): string =>
      some.map(({ leader, state }) => `${leader}${state}`).join()
    const pairs = PAIRS.map((pair) => {
      const last = this.#heard.get(pair)
      return `${last === undefined ? '' : votes([last])}<${votes(this.#channels.get(pair) ?? [])}`
    })
    return [...servers, ...pairs, ...this.#doubts.map(String)].join(' ')
  }

  moves(): Move[] {
    const moves: Move[] = []
    for (const id of IDS) {
      for (const from of IDS) {
        if ((this.#channels.get(`${from} ${id}`)?.length ?? 0) > 0) {
          moves.push({ kind: 'hear', id, from })
        }
      }
    }
    if (!this.#decidesEarly && moves.length > 0) return moves
    for (const [id, election] of this.elections) {
      if (!this.decided.has(id) && election.hasQuorum) moves.push({ kind: 'decide', id })
    }
    // Doubts last longer than anything else takes.
    if (moves.length > 0) return moves
    for (const [id, doubted] of this.#doubts) {
      if (!this.decided.has(id)) moves.push({ kind: 'trust', id, doubted })
    }
    return moves
  }

  make(move: Move): void {
    const { id } = move
    switch (move.kind) {
      case 'hear':
        this.#hear(id, move.from, this.#channels.get(`${move.from} ${id}`)!.shift()!)
        break
      case 'trust':
        this.#doubts = this.#doubts.filter(([doubter]) => doubter !== id)
        if (this.elections.get(id)!.trust(move.doubted) === 'announce') this.#announce(id)
        break
      case 'decide':
        this.#decide(id, this.elections.get(id)!.proposal)
        break
    }
  }

  #hear(id: number, from: number, vote: CastVote): void {
    this.#heard.set(`${from} ${id}`, vote)
    if (this.decided.has(id)) {
      if (vote.state === ServerState.looking) this.#tell(id, from)
      return
    }
    const election = this.elections.get(id)!
    const consequence = election.receive(from, vote)
    if (consequence === 'announce') this.#announce(id)
    if (consequence === 'answer') this.#tell(id, from)
    if (election.decision !== null) this.#decide(id, election.decision)
  }

  #decide(id: number, vote: Vote): void {
    this.decided.set(id, vote)
    // Whoever looks for something else is told, see `Election.settle`.
    this.#announce(id)
  }

  #announce(id: number): void {
    for (const to of IDS) if (to !== id) this.#tell(id, to)
  }

  #tell(id: number, to: number): void {
    const decided = this.decided.get(id)
    const isLeading = decided?.leader === id
    const settled = isLeading ? ServerState.leading : ServerState.following
    const vote: CastVote = {
      ...(decided ?? this.elections.get(id)!.proposal),
      state: decided === undefined ? ServerState.looking : settled,
      version: 2,
    }
    const channel = `${id} ${to}`
    // A slow link has the newest only. Where servers decide at any time all links are like that:
    // there would be too many states.
    const before = this.#decidesEarly ? [] : (this.#channels.get(channel) ?? [])
    this.#channels.set(channel, [...before, vote])
  }
}

interface Explored {
  readonly states: number
  readonly ends: number
  readonly wrong: readonly string[]
}

/** Goes into every state once; `judge` says what is wrong with one, `moves` being what can follow. */
function explore(
  pasts: readonly Past[],
  decidesEarly: boolean,
  doubts: Doubts,
  judge: (play: Play, moves: readonly Move[]) => string | null,
): Explored {
  const seen = new Set<string>()
  const wrong: string[] = []
  let ends = 0
  const open: Move[][] = [[]]
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const play = new Play(pasts, decidesEarly, doubts)
    for (const move of path) play.make(move)
    if (seen.has(play.key)) continue
    seen.add(play.key)
    const moves = play.moves()
    if (moves.length === 0) ends++
    const fault = judge(play, moves)
    if (fault !== null && wrong.length < 5) wrong.push(`${fault}: ${play.key}`)
    for (const move of moves) open.push([...path, move])
  }
  return { states: seen.size, ends, wrong }
}

const isAtLeast = (a: Past, b: Past): boolean =>
  a.epoch !== b.epoch ? a.epoch > b.epoch : a.zxid >= b.zxid

/** For a machine that has other work as well. */
const EXPLORING_MS = 90_000

const EMPTY = [past(0, 0), past(0, 0), past(0, 0)]
const FIRST_AHEAD = [past(2, 1), past(1, 9), past(1, 8)]

test.each<[string, Doubts]>([
  ['nobody is doubted', []],
  ['one doubts the best', [[3, 1]]],
])(
  'whenever they decide, a leader has what a quorum has: %s',
  (_, doubts) => {
    const explored = explore(FIRST_AHEAD, true, doubts, (play) => {
      const supporters = new Map<number, number>()
      for (const [id, { leader }] of play.decided) {
        supporters.set(leader, (supporters.get(leader) ?? 0) + 1)
        const its = FIRST_AHEAD[leader - 1]!
        if (FIRST_AHEAD.filter((each) => isAtLeast(its, each)).length < QUORUM) {
          return `${id} has decided for ${leader}, which is behind a quorum`
        }
      }
      const leaders = [...supporters].filter(([, count]) => count >= QUORUM)
      return leaders.length > 1 ? 'two leaders have a quorum' : null
    })
    expect(explored.wrong).toEqual([])
    expect(explored.states).toBeGreaterThan(1000)
  },
  EXPLORING_MS,
)

test.each<[string, readonly Past[], Doubts, number]>([
  ['empty', EMPTY, [], 3],
  ['one ahead by its epoch', FIRST_AHEAD, [], 1],
  ['doubted by one', FIRST_AHEAD, [[3, 1]], 1],
  [
    'doubted by a quorum, the best of which it is',
    FIRST_AHEAD,
    [
      [2, 1],
      [3, 1],
    ],
    2,
  ],
])(
  'where they wait for better votes, all elect the best: %s',
  (_, pasts, doubts, best) => {
    const explored = explore(pasts, false, doubts, (play, moves) => {
      if (moves.length > 0) return null
      if (play.decided.size < IDS.length) return 'an election does not end'
      const leaders = new Set([...play.decided.values()].map(({ leader }) => leader))
      return leaders.size === 1 && leaders.has(best) ? null : `elected ${[...leaders].join()}`
    })
    expect(explored.wrong).toEqual([])
    expect(explored.ends).toBeGreaterThan(0)
  },
  EXPLORING_MS,
)
