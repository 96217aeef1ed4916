// Runs a scenario on our server and on another one, and says where they differ.

import { compareTranscripts, type Difference } from './compare-transcripts.ts'
import { RemoteBackend } from './remote-backend.ts'
import { runScenario } from './run-scenario.ts'
import type { Vocabulary } from './vocabulary.ts'
import { replicaOn } from './world.ts'

/** Commands that look into our server or move its clock and disk. */
const OURS_ALONE = /^(advance|disk|jump|restart|sessions|tree|watches)\b/
/** Those of them that change nothing, and can be left out. */
const LOOKS = /^(sessions|tree|watches)\b/

/** What a scenario says where our server is meant to do something else. */
const ON_PURPOSE = 'Unlike ZooKeeper'

/** Ours are answered outside the replica. */
const FOUR_LETTER_WORD = /^ {2}\w+ asks /m

/** False for a scenario that only our own server can play. */
export const isPortable = (text: string): boolean =>
  !text.includes(ON_PURPOSE) &&
  !FOUR_LETTER_WORD.test(text) &&
  !text.split('\n').some((line) => OURS_ALONE.test(line) && !LOOKS.test(line))

export async function runAgainst(
  text: string,
  vocabulary: Vocabulary,
  host: string,
  port: number,
): Promise<readonly Difference[]> {
  const portable = text
    .split('\n')
    .filter((line) => !LOOKS.test(line))
    .join('\n')
  const ours = await runScenario(portable, vocabulary, replicaOn('naive'))
  let remote: RemoteBackend | null = null
  try {
    const theirs = await runScenario(portable, vocabulary, (_settings, events) => {
      remote = new RemoteBackend(host, port, events)
      return remote
    })
    return compareTranscripts(ours, theirs)
  } finally {
    ;(remote as RemoteBackend | null)?.close()
  }
}
