// Apache's own Java client does everything it can, once against Apache's server and once against
// Zabra, and writes down what happened: both transcripts must be the same, line by line.

import { describe, expect, test } from 'vitest'
import { startApache } from './peers/apache-server.ts'
import { absence } from './peers/cache.ts'
import { javaProgram, transcriptOf } from './peers/transcript-program.ts'
import { superDigest } from './peers/tree-walk.ts'
import { startZabra } from './peers/zabra-server.ts'
import { type Start, withRestarts } from './peers/with-restarts.ts'

const noJava = absence('java')
const noZabra = absence('java', 'zabra')

function transcript(start: Start): Promise<string[]> {
  const settings = { 'DigestAuthenticationProvider.superDigest': superDigest }
  return withRestarts(start, { settings }, (address, restart) =>
    transcriptOf(javaProgram('ClientTranscript', address), restart),
  )
}

describe('Apache’s Java client', () => {
  test.skipIf(noJava !== null)(`finds its own server as expected ${noJava ?? ''}`, async () => {
    const lines = await transcript(startApache)
    expect(lines.filter((line) => line.includes(': FAILED '))).toEqual([])
    expect(lines.length).toBeGreaterThan(250)
  })

  test.skipIf(noZabra !== null)(`finds no difference in Zabra ${noZabra ?? ''}`, async () => {
    const [onApache, onZabra] = [await transcript(startApache), await transcript(startZabra)]
    expect(onZabra).toEqual(onApache)
  })
})
