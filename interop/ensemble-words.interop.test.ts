// The four-letter words of an ensemble: a leader, a follower and an observer of Zabra say what
// Apache's say in the same state, down to the values that follow from what clients did.

import { expect, test } from 'vitest'
import { askWord } from '../test/support/ask-word.ts'
import { absence } from './peers/cache.ts'
import { Ensemble, eventually, type Member, type MemberKind } from './peers/ensemble.ts'
import { RawSession } from './peers/raw-session.ts'
import { opcode, WireWriter } from './peers/wire.ts'
import { figuresOfWork, wordShape } from './peers/word-shape.ts'

const missing = absence('java', 'zabra')

const words = ['srvr', 'stat', 'conf', 'cons', 'dump', 'isro', 'wchs', 'wchc', 'wchp', 'ruok']

/** What `mntr` says of a member, where it follows from what was done; the leader has more to say. */
const figures = [
  ...figuresOfWork,
  'peer_state',
  'quorum_size',
  'local_sessions',
  'looking_count',
  'cnt_election_time',
  'cnt_unavailable_time',
  'cnt_leader_unavailable_time',
]
const leaderFigures = [
  'learners',
  'synced_followers',
  'synced_non_voting_followers',
  'synced_observers',
  'pending_syncs',
  'proposal_count',
  'last_proposal_size',
  'max_proposal_size',
  'min_proposal_size',
]

/** Asked for by dashboards made before ZooKeeper 3.6, and not printed by it any more. */
const onlyOurs = ['zk_followers']

test.skipIf(missing !== null)(`each role answers as Apache’s does ${missing ?? ''}`, async () => {
  const [apache, zabra] = [await survey('apache'), await survey('zabra')]
  expect(Object.keys(apache)).toEqual(['follower 1', 'leader 2', 'follower 3', 'observer 4'])
  expect(Object.keys(zabra)).toEqual(Object.keys(apache))
  for (const [name, theirs] of Object.entries(apache)) {
    const ours = zabra[name]!
    expect(ours.words, name).toEqual(theirs.words)
    const wanted = name.startsWith('leader') ? [...figures, ...leaderFigures] : figures
    const valuesOf = (all: ReadonlyMap<string, string>): unknown =>
      Object.fromEntries(wanted.map((key) => [key, all.get(`zk_${key}`)]))
    expect(valuesOf(ours.figures), name).toEqual(valuesOf(theirs.figures))
    const unknown = [...ours.figures.keys()].filter((key) => !theirs.figures.has(key))
    expect(unknown, name).toEqual(name.startsWith('leader') ? onlyOurs : [])
  }
})

interface Answers {
  readonly words: Readonly<Record<string, readonly string[]>>
  /** Of `mntr`, by key. */
  readonly figures: ReadonlyMap<string, string>
}

/** All words, asked of every member while each has one client with an ephemeral and a watch. */
async function survey(kind: MemberKind): Promise<Record<string, Answers>> {
  const plans = [{ kind }, { kind }, { kind }, { kind, isObserver: true }]
  await using ensemble = await Ensemble.prepare(plans, { '4lw.commands.whitelist': '*' })
  return await ensemble.explained(async () => {
    await ensemble.start(1, 2)
    await ensemble.start(3, 4)
    const leader = await ensemble.leader()
    const sessions: RawSession[] = []
    for (const member of ensemble.members) {
      const session = await RawSession.open(member.port, 20_000 + 1_000 * member.id)
      sessions.push(session)
      await session.create(`/of-${member.id}`, Buffer.alloc(10 * member.id))
      await session.create(`/of-${member.id}/ephemeral`, null, 1)
      const watched = new WireWriter().string(`/of-${member.id}`).byte(1).toBytes()
      await session.tryRequest(opcode.getData, watched)
    }
    const sync = new WireWriter().string('/').toBytes()
    for (const session of sessions) await session.tryRequest(opcode.sync, sync)
    await eventually('everybody is in step', () => inStep(leader))

    const ids = sessions.map(({ identity }) => identity.sessionId)
    const answers: [string, Answers][] = []
    for (const member of ensemble.members) {
      const shapes: Record<string, readonly string[]> = {}
      for (const word of words) {
        shapes[word] = wordShape(word, await askWord(member.port, word), ids)
      }
      const lines = (await askWord(member.port, 'mntr')).trimEnd().split('\n')
      const entries = lines.map((line) => line.split('\t') as [string, string])
      const name = `${await member.mode()} ${member.id}`
      answers.push([name, { words: shapes, figures: new Map(entries) }])
    }
    for (const session of sessions) await session[Symbol.asyncDispose]()
    return Object.fromEntries(answers)
  })
}

async function inStep(leader: Member): Promise<boolean> {
  const said = await leader.figures()
  return said.get('synced_followers') === '2' && said.get('synced_observers') === '1'
}
