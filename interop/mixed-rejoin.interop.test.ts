// Members of both kinds are killed, come back, and are brought up to date by a leader of the other
// kind: by what they missed, by cutting off what nobody else has, by the whole database. Clients go
// on writing meanwhile wherever the situation leaves them a quorum.

import { describe, expect, test } from 'vitest'
import { connect } from '../src/client/index.ts'
import { expectAgreement } from './peers/agreement.ts'
import { absence } from './peers/cache.ts'
import { Ensemble, eventually, type Member, type MemberKind } from './peers/ensemble.ts'
import { Load } from './peers/load.ts'
import { RawSession } from './peers/raw-session.ts'
import { hasSynced } from './peers/syncs.ts'
import { loggedTransactions } from './peers/transaction-log.ts'

const missing = absence('java', 'zabra')
const reason = missing ?? ''

/** The one that leads and one that follows it; server 1 is of the follower's kind. */
const pairs: readonly { leader: MemberKind; learner: MemberKind }[] = [
  { leader: 'apache', learner: 'zabra' },
  { leader: 'zabra', learner: 'apache' },
]

describe.skipIf(missing !== null).each(pairs)(
  `$learner comes back to $leader ${reason}`,
  ({ leader, learner }) => {
    test('and is told what it missed, from memory, under load', async () => {
      await using ensemble = await ledByThird([learner, leader, leader])
      await using load = await Load.begin(addressesOf(ensemble, 2, 3), 3)
      await load.advance(10)
      await ensemble.member(1).kill()
      await load.advance(20)
      await ensemble.start(1)
      await load.advance(10)
      expect(await load.finish()).toBeGreaterThan(100)
      await ensemble.explained(() => hasSynced(ensemble.member(3), 1, 'diff'))
      await expectAgreement(ensemble)
    })

    test('and is told what it missed, from the log on disk', async () => {
      await using ensemble = await ledByThird([learner, leader, leader])
      await write(ensemble.member(2), '/before', 20)
      await ensemble.member(1).kill()
      await write(ensemble.member(3), '/missed', 700)
      await ensemble.start(1)
      await ensemble.explained(() => hasSynced(ensemble.member(3), 1, 'diff'))
      expect((await expectAgreement(ensemble)).sharedTransactions).toBeGreaterThan(700)
    })

    test('and gives up what it had logged alone as a leader', async () => {
      await using ensemble = await ledByThird([leader, leader, learner])
      const old = ensemble.member(3)
      await write(old, '/shared', 20)
      await expectAgreement(ensemble)

      const next = await deposeWithUnsharedWrites(ensemble)
      await ensemble.start(3)
      await ensemble.explained(() => hasSynced(next, 3, 'trunc'))
      await write(old, '/after', 20)
      const { nodes } = await expectAgreement(ensemble)
      expect([...nodes.keys()].filter((path) => path.startsWith('/alone'))).toEqual([])
      expect(nodes.has('/after-19') && nodes.has('/shared-19')).toBe(true)
    })

    test('and gives it up for the whole database when the others went on', async () => {
      await using ensemble = await ledByThird([leader, leader, learner])
      await write(ensemble.member(3), '/shared', 20)
      const next = await deposeWithUnsharedWrites(ensemble)
      await write(next, '/went-on', 20)
      await ensemble.start(3)
      await ensemble.explained(() => hasSynced(next, 3, 'snap'))
      const { nodes } = await expectAgreement(ensemble)
      expect([...nodes.keys()].filter((path) => path.startsWith('/alone'))).toEqual([])
    })

    test('with nothing, and is given the whole database under load', async () => {
      await using ensemble = await ledByThird([learner, leader, leader])
      await using load = await Load.begin(addressesOf(ensemble, 2, 3), 3)
      await load.advance(20)
      await ensemble.member(1).kill()
      ensemble.member(1).wipe()
      await ensemble.start(1)
      await load.advance(10)
      await load.finish()
      await ensemble.explained(() => hasSynced(ensemble.member(3), 1, 'snap'))
      await expectAgreement(ensemble, { joinedAmidWrites: ensemble.member(1) })

      // What it was given is its own now: it comes back from it once more.
      await ensemble.member(1).kill()
      await ensemble.start(1)
      await ensemble.explained(() => hasSynced(ensemble.member(3), 1, 'diff'))
      await expectAgreement(ensemble, { joinedAmidWrites: ensemble.member(1) })
    })

    test('and is given the whole database where its leader never does otherwise', async () => {
      await using ensemble = await ledByThird([learner, leader, leader], {
        forceSnapshotSync: true,
      })
      await write(ensemble.member(1), '/before', 20)
      await ensemble.member(1).kill()
      await write(ensemble.member(2), '/missed', 20)
      await ensemble.start(1)
      await ensemble.explained(() => hasSynced(ensemble.member(3), 1, 'snap', 'snap'))
      await expectAgreement(ensemble)
    })

    test('after leading itself, while clients keep their sessions', async () => {
      await using ensemble = await ledByThird([leader, leader, learner])
      await using load = await Load.begin(ensemble.address, 4)
      await load.advance(15)
      await ensemble.member(3).kill()
      await load.advance(15)
      await ensemble.start(3)
      await load.advance(15)
      await load.finish()
      await expectAgreement(ensemble)
    })
  },
)

async function ledByThird(
  kinds: readonly MemberKind[],
  settings: Readonly<Record<string, boolean>> = {},
): Promise<Ensemble> {
  const ensemble = await Ensemble.prepare(
    kinds.map((kind) => ({ kind })),
    settings,
  )
  try {
    await ensemble.start(3, 2)
    await ensemble.start(1)
    expect((await ensemble.leader()).id).toBe(3)
    return ensemble
  } catch (error) {
    await ensemble[Symbol.asyncDispose]()
    throw error
  }
}

function addressesOf(ensemble: Ensemble, ...ids: readonly number[]): string {
  return ids.map((id) => `127.0.0.1:${ensemble.member(id).port}`).join(',')
}

/** Creates so many nodes through one server. */
async function write(member: Member, path: string, count: number): Promise<void> {
  await using client = await connect(`127.0.0.1:${member.port}`)
  const numbers = Array.from({ length: count }, (_, index) => index)
  await Promise.all(numbers.map((number) => client.create(`${path}-${number}`, `${number}`)))
}

/**
 * Lets server 3 log writes, as a leader, that reach nobody else: its followers stand still, so that
 * it does not miss them, and end before they have read anything. Answers who leads after it.
 */
async function deposeWithUnsharedWrites(ensemble: Ensemble): Promise<Member> {
  const old = ensemble.member(3)
  const others = [ensemble.member(1), ensemble.member(2)]
  await using session = await RawSession.open(old.port)
  for (const member of others) await member.pause()
  await logAlone(session, old, 5)
  await old.kill()
  for (const member of others) await member.kill()
  await ensemble.start(1, 2)
  return await ensemble.leader()
}

async function logAlone(session: RawSession, leader: Member, count: number): Promise<void> {
  const before = loggedTransactions(leader.dataLogDir).size
  for (let number = 0; number < count; number++) {
    // Nobody will answer, but for the end of the connection.
    session.create(`/alone-${number}`).catch(() => {})
  }
  await eventually('the leader has logged what it alone knows', () => {
    return loggedTransactions(leader.dataLogDir).size >= before + count
  })
}
