// Apache's Java client and kazoo do everything they can through a follower of a mixed ensemble, and
// write down what happened: nothing of it may show that there is more than one server, nor whose
// they are. What they should see is what a server of Apache's on its own shows them.

import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { expectAgreement } from './peers/agreement.ts'
import { startApache } from './peers/apache-server.ts'
import { absence, interopDirectory } from './peers/cache.ts'
import { Ensemble, ensembleSettings, type MemberKind } from './peers/ensemble.ts'
import { javaProgram, pythonProgram, transcriptOf } from './peers/transcript-program.ts'
import { withRestarts } from './peers/with-restarts.ts'

const script = join(interopDirectory, 'peers', 'python', 'client_transcript.py')

const clients = [
  {
    client: 'Apache’s Java client',
    program: (address: string) => javaProgram('ClientTranscript', address),
    missing: absence('java', 'zabra'),
  },
  {
    client: 'kazoo',
    program: (address: string) => pythonProgram(script, address),
    missing: absence('java', 'kazoo', 'zabra'),
  },
]

/** By number; the client is at server 2, which follows server 3. */
const ensembles: readonly (readonly MemberKind[])[] = [
  ['apache', 'zabra', 'apache'],
  ['apache', 'apache', 'zabra'],
]

describe.each(clients)('$client', ({ program, missing }) => {
  let expected: string[] = []

  beforeAll(async () => {
    if (missing !== null) return
    expected = await withRestarts(startApache, { settings: ensembleSettings }, (address, restart) =>
      transcriptOf(program(address), restart),
    )
  })

  test.skipIf(missing !== null).each(ensembles)(
    `among servers %s, %s and %s, the last of which leads ${missing ?? ''}`,
    async (...kinds) => {
      await using ensemble = await Ensemble.prepare(kinds.map((kind) => ({ kind })))
      await ensemble.start(3, 1)
      await ensemble.start(2)
      const follower = ensemble.member(2)
      await ensemble.explained(async () => {
        const lines = await transcriptOf(program(`127.0.0.1:${follower.port}`), async (request) => {
          if (request !== 'restart') throw new Error(`cannot ${request}`)
          await follower.stop()
          await ensemble.start(2)
        })
        const isSure = kinds[2] === 'zabra' ? () => true : isSureOfApache
        const comparable = (all: readonly string[]): string[] => withoutConfig(all).filter(isSure)
        expect(comparable(lines.map(withoutEpoch))).toEqual(comparable(expected))
      })
      expect((await expectAgreement(ensemble)).sharedTransactions).toBeGreaterThan(100)
    },
  )
})

/** The first zxid of an ensemble carries the epoch 1 above the count that a lone server has. */
function withoutEpoch(line: string): string {
  return line.replaceAll(/\b([cmp])(\d{10,})\b/g, (_, field: string, zxid: string) => {
    return `${field}${BigInt.asUintN(32, BigInt(zxid))}`
  })
}

/** A server on its own has no configuration to tell; `mixed-roles` looks at that of an ensemble. */
function withoutConfig(lines: readonly string[]): string[] {
  return lines.filter((line) => !/^nodes: config -> |^(server\.\d|version)=/.test(line))
}

/**
 * Apache's leader judges a write by the access list before the latest change to it, as long as that
 * has not been applied at the leader; a follower may have answered its client by then.
 */
function isSureOfApache(line: string): boolean {
  return !/^access: \d+ (set|create|delete|setACL) -> /.test(line)
}
