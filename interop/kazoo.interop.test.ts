// kazoo, the Python client, does its basic work and runs its recipes, once against Apache's server
// and once against Zabra: both transcripts must be the same, line by line.

import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startApache } from './peers/apache-server.ts'
import { absence, interopDirectory } from './peers/cache.ts'
import { pythonProgram, transcriptOf } from './peers/transcript-program.ts'
import { type Start, withRestarts } from './peers/with-restarts.ts'
import { startZabra } from './peers/zabra-server.ts'

const noKazoo = absence('java', 'kazoo')
const noZabra = absence('java', 'kazoo', 'zabra')
const script = join(interopDirectory, 'peers', 'python', 'client_transcript.py')

function transcript(start: Start): Promise<string[]> {
  return withRestarts(start, {}, (address, restart) =>
    transcriptOf(pythonProgram(script, address), restart),
  )
}

describe('kazoo', () => {
  test.skipIf(noKazoo !== null)(`finds Apache as expected ${noKazoo ?? ''}`, async () => {
    const lines = await transcript(startApache)
    expect(lines.filter((line) => line.includes(': FAILED '))).toEqual([])
    expect(lines.length).toBeGreaterThan(80)
  })

  test.skipIf(noZabra !== null)(`finds no difference in Zabra ${noZabra ?? ''}`, async () => {
    const [onApache, onZabra] = [await transcript(startApache), await transcript(startZabra)]
    expect(onZabra).toEqual(onApache)
  })
})
