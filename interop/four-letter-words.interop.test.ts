// The four-letter words: each answers in Zabra with the lines and keys it has in Apache's server, in
// the same state, down to the values that do not depend on the moment.

import { describe, expect, test } from 'vitest'
import { askWord } from '../test/support/ask-word.ts'
import { startApache } from './peers/apache-server.ts'
import { absence } from './peers/cache.ts'
import { RawSession } from './peers/raw-session.ts'
import { opcode, WireWriter } from './peers/wire.ts'
import type { Start } from './peers/with-restarts.ts'
import { figuresOfWork, wordShape } from './peers/word-shape.ts'
import { startZabra } from './peers/zabra-server.ts'

const noJava = absence('java')
const noZabra = absence('java', 'zabra')

const words = [
  'ruok',
  'srvr',
  'stat',
  'conf',
  'cons',
  'isro',
  'dump',
  'wchs',
  'wchc',
  'wchp',
  'envi',
  'dirs',
  'crst',
  'srst',
] as const

/** What every monitoring integration reads; summaries bring several keys each. */
const metrics = [
  'version',
  'server_state',
  'avg_latency',
  'max_latency',
  'min_latency',
  'packets_received',
  'packets_sent',
  'num_alive_connections',
  'outstanding_requests',
  'uptime',
  'znode_count',
  'watch_count',
  'ephemerals_count',
  'approximate_data_size',
  'global_sessions',
  'open_file_descriptor_count',
  'max_file_descriptor_count',
  'connection_rejected',
  'connection_drop_count',
  'stale_sessions_expired',
  'unrecoverable_error_count',
  'digest_mismatches_count',
  'fsynctime',
  'readlatency',
  'updatelatency',
  'snapshottime',
]

/** Metrics whose value follows from what the clients have done. */
const exactMetrics = [...figuresOfWork, 'stale_sessions_expired', 'unrecoverable_error_count']

describe('four-letter words', () => {
  test.skipIf(noJava !== null)(`are read rightly from Apache ${noJava ?? ''}`, async () => {
    const apache = await survey(startApache)
    expect(apache.get('ruok')).toEqual(['imok'])
    expect(apache.get('srvr')).toContain('Mode: standalone')
    const watched = ['(session 0)', '\t/a', '\t/none', '(session 1)', '\t/a', '', '']
    expect(apache.get('wchc')).toEqual(watched)
    expect(apache.get('mntr')).toContain('zk_watch_count 4')
    expect(apache.get('mntr')?.length).toBeGreaterThan(40)
  })

  test.skipIf(noZabra !== null)(`answer alike in Zabra ${noZabra ?? ''}`, async () => {
    const [apache, zabra] = await Promise.all([survey(startApache), survey(startZabra)])
    expect(Object.fromEntries(zabra)).toEqual(Object.fromEntries(apache))
  })

  test.skipIf(noZabra !== null)(`are refused alike ${noZabra ?? ''}`, async () => {
    const [apache, zabra] = await Promise.all([refusals(startApache), refusals(startZabra)])
    expect(zabra).toEqual(apache)
    expect(apache['stat']).toBe('stat is not executed because it is not in the whitelist.\n')
  })
})

/** All words asked of a server with two sessions, two ephemerals and four watches. */
async function survey(start: Start): Promise<Map<string, string[]>> {
  await using server = await start({})
  await using first = await RawSession.open(server.port, 30_000)
  await using second = await RawSession.open(server.port, 20_000)
  const ids = [first, second].map(({ identity }) => identity.sessionId)
  await first.create('/a', Buffer.from('x'))
  await first.create('/a/first', null, 1)
  await second.create('/a/second', Buffer.from('data'), 1)
  const watch = (path: string) => new WireWriter().string(path).byte(1).toBytes()
  await first.tryRequest(opcode.exists, watch('/a'))
  await first.tryRequest(opcode.exists, watch('/none'))
  await second.tryRequest(opcode.getData, watch('/a'))
  await second.tryRequest(opcode.getChildren, watch('/a'))

  const answers = new Map<string, string[]>()
  for (const word of words) {
    const text = await askWord(server.port, word)
    answers.set(word, wordShape(word, text, ids))
  }
  answers.set('mntr', metricLines(await askWord(server.port, 'mntr')))
  return answers
}

async function refusals(start: Start): Promise<Record<string, string>> {
  await using server = await start({ settings: { '4lw.commands.whitelist': 'ruok, wchs' } })
  const answers: Record<string, string> = {}
  for (const word of [...words, 'mntr', 'hash', 'gtmk', 'nope']) {
    const isAllowed = word === 'srvr'
    const text = await askWord(server.port, word)
    answers[word] = isAllowed ? String(text.includes('Mode: standalone')) : text
  }
  return answers
}

/** The keys that monitoring reads, with their values where those follow from the state. */
function metricLines(text: string): string[] {
  const lines = text.split('\n').map((line) => line.split('\t'))
  const wanted = metrics.flatMap((name) => {
    const summary = new RegExp(`^zk_((avg|min|max|cnt|sum|p50|p95|p99|p999)_)?${name}$`)
    return lines.flatMap(([key = '', value = '']) => {
      if (!summary.test(key)) return []
      return exactMetrics.includes(name) ? [`${key} ${value}`] : [key]
    })
  })
  return wanted.sort()
}
