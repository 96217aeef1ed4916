// Malformed, greedy and broken clients against a whole server in this process, with well-behaved
// clients working beside them. Nothing but the attackers' own connections may suffer.
//
//   ZABRA_FUZZ_SEED=123 npx vitest run test/fuzz      plays one seed again
//   ZABRA_FUZZ_RUNS=5000 npx vitest run test/fuzz     looks further than everyday runs do

import { describe, expect, test } from 'vitest'
import { Prng } from '../../src/base/prng.ts'
import { ColumnTree } from '../../src/core/tree/column-tree.ts'
import { NaiveTree } from '../../src/core/tree/naive-tree.ts'
import { Attacker, type KnownSessions } from './attacker.ts'
import { ScriptedPort } from './scripted-port.ts'
import { Witness } from './witness.ts'

const ROUNDS = 120
const ATTACKERS_MAX = 12
const WITNESSES = 3

describe('the client port', () => {
  const { ZABRA_FUZZ_SEED: seed, ZABRA_FUZZ_RUNS: runs = '25' } = process.env
  const seeds =
    seed === undefined ? Array.from({ length: Number(runs) }, (_, at) => at + 1) : [Number(seed)]

  test('withstands whatever arrives, and nobody else notices', { timeout: 3_600_000 }, () => {
    for (const each of seeds) {
      try {
        play(each)
      } catch (error) {
        throw new Error(`ZABRA_FUZZ_SEED=${each} npx vitest run test/fuzz`, { cause: error })
      }
    }
  })
})

function play(seed: number): void {
  const random = new Prng(seed)
  const port = new ScriptedPort((rules) => new ColumnTree(rules))
  const witnesses = Array.from(
    { length: WITNESSES },
    (_, at) => new Witness(port, random.fork(`witness ${at}`), at),
  )
  const sessions: KnownSessions = []
  const attackers = new Set<Attacker>()

  for (let round = 0; round < ROUNDS; round++) {
    if (attackers.size < ATTACKERS_MAX && random.chance(0.5)) {
      const connection = port.open(`198.51.100.${random.below(256)}`)
      attackers.add(new Attacker(connection, random.fork(`attacker ${round}`), sessions))
    }
    for (const attacker of attackers) {
      const { connection } = attacker
      attacker.act()
      for (let count = random.below(8); count > 0 && port.deliver(connection); count--) {}
      if (random.chance(0.05)) port.take(connection)
      attacker.listen()
      const hasVanished = random.chance(0.03) || (connection.isEnding && random.chance(0.3))
      if (hasVanished) {
        port.closed(connection)
        attackers.delete(attacker)
      }
    }
    for (const witness of witnesses) witness.work()
    if (random.chance(0.7)) {
      port.finishDisk()
      for (const witness of witnesses) witness.settled()
    }
    port.advance(random.chance(0.2) ? random.below(3_000) : random.below(100))
  }

  for (const { connection } of attackers) port.closed(connection)
  port.finishDisk()
  for (let quietMs = 0; quietMs < 40_000; quietMs += 2_000) {
    port.advance(2_000)
    for (const witness of witnesses) {
      witness.work()
      witness.settled()
    }
  }
  expectNothingLeft(port, witnesses)
}

/** Every attacker is gone, and so is all that the server kept for it. */
function expectNothingLeft(port: ScriptedPort, witnesses: readonly Witness[]): void {
  const { replica } = port
  expect(replica.connections.size).toBe(witnesses.length)
  expect(replica.service!.sessions.tracker.size).toBe(witnesses.length)
  expect(replica.database.sessions.size).toBe(witnesses.length)
  expect(replica.database.tree.ephemeralCount).toBe(witnesses.length)
  expect(replica.watches.count).toBe(
    witnesses.reduce((sum, witness) => sum + witness.watchCount, 0),
  )
  expect(replica.outstandingCount).toBe(0)
  expect(replica.proposer!.preparer.pending.size).toBe(0)
  replica.database.tree.verify()
  for (const witness of witnesses) expect(witness.answered).toBeGreaterThan(ROUNDS)

  // The naive twin, from the log alone.
  const rebuilt = port.rebuild((rules) => new NaiveTree(rules))
  expect(rebuilt.tree.digestHigh).toBe(replica.database.tree.digestHigh)
  expect(rebuilt.tree.digestLow).toBe(replica.database.tree.digestLow)
  expect(rebuilt.lastZxid).toBe(replica.database.lastZxid)
}
