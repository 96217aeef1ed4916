import { beforeEach, expect, it } from 'vitest'

import { InvariantError } from '../../base/assert.ts'
import { sessionIdOf } from '../../base/session-id.ts'
import { encodeUtf8 } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import { NodeHasher } from '../../io/crypto/node-hasher.ts'
import { DEFAULT_PIPELINE_SETTINGS } from '../pipeline/settings.ts'
import { ACL_WORLD_ALL, ROOT } from '../tree/data-tree.ts'
import { Database } from '../tree/database.ts'
import { NaiveTree } from '../tree/naive-tree.ts'
import { checkState, checkStep, observe } from './invariants.ts'
import { Replica } from './replica.ts'

const SESSION = sessionIdOf(0x0100000000000001n)

let replica: Replica
beforeEach(() => {
  const settings = DEFAULT_PIPELINE_SETTINGS
  const database = new Database(new NaiveTree(settings), settings)
  database.sessions.set(SESSION, 10_000)
  replica = new Replica(
    {
      serverId: 1,
      settings,
      frameBytesMax: 1000,
      fieldBytesMax: 1000,
      firstSessionId: SESSION,
      hasher: new NodeHasher(),
      ensemble: null,
    },
    database,
    { nowMs: 0, wallMs: 0 },
  )
})

function addEphemeral(ownerLow: number): void {
  const name = encodeUtf8('e')
  replica.database.tree.insert(
    ROOT,
    name,
    0,
    1,
    name,
    -1,
    0,
    ACL_WORLD_ALL,
    0x01000000,
    ownerLow,
    1 as Zxid,
    0,
  )
}

it('hold at the start, and with an ephemeral whose session lives', () => {
  checkState(replica)
  addEphemeral(1)
  checkState(replica)
})

it('an ephemeral without a session', () => {
  addEphemeral(2)
  expect(() => checkState(replica)).toThrow(InvariantError)
})

it('a session that nobody lets expire', () => {
  replica.service!.sessions.tracker.remove(SESSION)
  expect(() => checkState(replica)).toThrow(/not tracked/)
})

it('a transaction that led elsewhere', () => {
  replica.database.digestMismatches = 1
  expect(() => checkState(replica)).toThrow(/digest/)
})

it('more applied than committed', () => {
  replica.database.lastZxid = 5 as Zxid
  expect(() => checkState(replica)).toThrow(/before it was committed/)
})

it('changes pending while nothing is in flight', () => {
  const { pending } = replica.proposer!.preparer
  pending.change(pending.findText('/')!, 1 as Zxid)
  expect(() => checkState(replica)).toThrow(/pending/)
})

it('what was reached is not taken back', () => {
  const now = observe(replica)
  const later = { applied: 1 as Zxid, committed: 2 as Zxid, proposed: 3 as Zxid }
  checkStep(now, later)
  expect(() => checkStep(later, { ...later, applied: 0 as Zxid })).toThrow(/applied/)
  expect(() => checkStep(later, { ...later, committed: 1 as Zxid })).toThrow(/committed/)
  expect(() => checkStep(later, { ...later, proposed: 2 as Zxid })).toThrow(/proposed/)
})
