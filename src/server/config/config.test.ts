// Each key is driven through its default, the ends of its range and nonsense, from its own record;
// what the keys mean together is written out below.

import { describe, expect, test } from 'vitest'
import { closestName, findKey, keyGroups } from './all-keys.ts'
import { type CheckedConfig, ConfigError, checkConfig } from './config.ts'
import type { ConfigKey } from './key.ts'

const minimal = 'dataDir=/data\nclientPort=2181\n'
const keys = keyGroups.flatMap((group) => group.keys)
const plain = keys.filter((key) => !key.family)
const integers = plain.filter((key) => key.type === 'integer')
const flags = plain.filter((key) => key.type === 'true or false')

const check = (text: string, properties?: ReadonlyMap<string, string>): CheckedConfig =>
  checkConfig({ name: 'zoo.cfg', text, ...(properties === undefined ? {} : { properties }) })

const warningsOf = (text: string): readonly string[] =>
  check(minimal + text).remarks.map((remark) => remark.message)

const problemsOf = (text: string): readonly string[] => {
  try {
    check(text)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

describe('every key', () => {
  test('has a name of its own', () => {
    const names = keys.flatMap((key) => [key.name, ...key.aliases])
    expect(new Set(names).size).toBe(names.length)
  })

  test.each(plain.map((key) => [key.name, key] as const))('%s is found by name', (name, key) => {
    expect(findKey(name)).toBe(key)
    for (const alias of key.aliases) expect(findKey(alias)).toBe(key)
    expect(key.reason).toMatch(/\S/)
  })

  test.each(plain.map((key) => [key.name, key] as const))(
    '%s accepts what it says is its default',
    (_, key) => {
      if (typeof key.default === 'number' && key.default >= 0) {
        expect(key.parse(String(key.default))).toMatchObject({ ok: true, value: key.default })
      } else if (typeof key.default === 'string') {
        expect(key.parse(key.default)).toMatchObject({ ok: true, value: key.default })
      } else if (key.default === null) {
        expect(key.parse('')).toMatchObject({ ok: true, value: null })
      }
    },
  )

  test.each(integers.map((key) => [key.name, key] as const))(
    '%s takes whole numbers within its range and nothing else',
    (_, key) => {
      const [min, max] = rangeOf(key)
      expect(key.parse(String(min)).ok).toBe(true)
      expect(key.parse(String(max))).toMatchObject({ ok: true, value: max })
      for (const nonsense of ['', 'abc', '1.5', '1e3', '10 s', '٣', String(2 ** 31), '--1']) {
        const result = key.parse(nonsense)
        expect(result, nonsense).toMatchObject({ ok: false })
        if (!result.ok) expect(result.problem).toContain('allowed: a whole number')
      }
      if (key.range !== '') {
        expect(key.parse(String(min - 1)).ok).toBe(false)
        expect(key.parse(String(max + 1)).ok).toBe(false)
      }
    },
  )

  test.each(flags.map((key) => [key.name, key] as const))(
    '%s takes true and false in any case, and nothing else',
    (name, key) => {
      expect(key.parse('true')).toMatchObject({ ok: true, value: true })
      expect(key.parse('FALSE')).toMatchObject({ ok: true, value: false })
      for (const nonsense of ['yes', '1', '', 'tru']) {
        expect(key.parse(nonsense)).toEqual({
          ok: false,
          problem: `Invalid option ${nonsense} for ${name}. Choose 'true' or 'false.'`,
        })
      }
    },
  )
})

describe('defaults', () => {
  test('are those of ZooKeeper', () => {
    expect(check('dataDir=/data\nclientPort=2181').config).toMatchObject({
      dataDir: '/data',
      dataLogDir: '/data',
      clientPort: 2181,
      clientPortAddress: null,
      tickMs: 3000,
      minSessionTimeoutMs: 6000,
      maxSessionTimeoutMs: 60_000,
      frameBytesMax: 1_048_575,
      fieldBytesMax: 2_097_150,
      connectionsPerAddressMax: 60,
      connectionsMax: 0,
      sessionlessTimeoutMs: 10_000,
      fourLetterWords: new Set(['srvr']),
      storage: {
        preallocateBytes: 64 << 20,
        snapCount: 100_000,
        snapSizeBytes: 4 * 2 ** 30,
        logSizeLimitBytes: null,
        snapshotCompression: '',
      },
      purge: { retain: 3, intervalHours: 0 },
      meaning: { extendedTypes: false, skipAcl: false, digestAlgorithm: 'SHA1' },
    })
  })

  test('session limits follow the tick', () => {
    const { config } = check(`${minimal}tickTime=500`)
    expect([config.minSessionTimeoutMs, config.maxSessionTimeoutMs]).toEqual([1000, 10_000])
  })
})

describe('a configuration that cannot be used is refused, and says where and why', () => {
  test.each([
    ['clientPort=2181', 'dataDir is not set'],
    [
      `${minimal}tickTime=abc`,
      'zoo.cfg line 3: tickTime=abc: NumberFormatException: For input string: "abc"',
    ],
    [`${minimal}tickTime=0`, 'tickTime is not set'],
    [`${minimal}tickTime=0`, 'allowed: a whole number 1..2147483647 (ms)'],
    ['dataDir=/data\nclientPort=65536', 'zoo.cfg line 2: clientPort=65536: 65536 is out of range'],
    [
      `${minimal}standaloneEnabled=yes`,
      "Invalid option yes for standaloneEnabled. Choose 'true' or 'false.'",
    ],
    [
      `${minimal}minSessionTimeout=9000\nmaxSessionTimeout=8000`,
      'minSessionTimeout must not be larger than maxSessionTimeout',
    ],
    [`${minimal}electionAlg=1`, 'Invalid electionAlg value. Only 3 is supported.'],
    [`${minimal}peerType=foo`, 'Unrecognised peertype: foo'],
    [
      'dataDir=/data\nclientPortAddress=127.0.0.1',
      'clientPortAddress is set but clientPort is not set',
    ],
    [
      `${minimal}secureClientPortAddress=::1`,
      'secureClientPortAddress is set but secureClientPort is not set',
    ],
    [`${minimal}snapshot.compression.method=zip`, 'allowed: nothing, gz, snappy'],
    [`${minimal}enforce.auth.enabled=true`, 'ignoring it would be unsafe'],
    [`${minimal}a=\\u00g0`, 'zoo.cfg line 3: Malformed \\uxxxx encoding'],
  ])('%j', (text, sentence) => {
    expect(problemsOf(text).join('\n')).toContain(sentence)
  })

  test('all problems are shown at once', () => {
    expect(problemsOf('tickTime=x\nclientPort=y\n')).toHaveLength(3)
  })
})

describe('a configuration that can be used', () => {
  test('the last of repeated lines counts', () => {
    expect(check(`${minimal}tickTime=1000\ntickTime=2000`).config.tickMs).toBe(2000)
  })

  test('an unknown key is warned about by name and line, with the name it resembles', () => {
    expect(warningsOf('tickTme=2000\nfrobnicate=1')).toEqual([
      'zoo.cfg line 3: unknown key "tickTme" is ignored; did you mean "tickTime"?',
      'zoo.cfg line 4: unknown key "frobnicate" is ignored',
    ])
  })

  test('a known key without effect yet is warned about, but not with its default', () => {
    expect(warningsOf('forceSync=no\nserializeLastProcessedZxid.enabled=true')).toEqual([
      'zoo.cfg line 3: forceSync=no: accepted, but it has no effect yet',
    ])
  })

  test('keys of the HTTP servers are mentioned once for each server', () => {
    expect(
      warningsOf('admin.serverPort=9000\nadmin.enableServer=true\nmetricsProvider.httpPort=7001'),
    ).toEqual([
      'zoo.cfg line 3: admin.serverPort and 1 more admin.* keys accepted, but the HTTP admin server comes later',
      'zoo.cfg line 5: metricsProvider.httpPort accepted, but the metrics server comes later',
    ])
  })

  test('what only an ensemble needs passes in silence, as in every sample file', () => {
    const text = 'initLimit=10\nsyncLimit=5\nsslQuorum=true\nadmin.enableServer=false'
    expect(warningsOf(text)).toEqual([])
  })

  test('thread pools that are not there pass in silence', () => {
    expect(warningsOf('nio.numWorkerThreads=8\ncommitProcessor.numWorkerThreads=4')).toEqual([])
  })

  test('a relative directory is pointed out unless it begins with ./', () => {
    const remarks = (dataDir: string): number =>
      check(`dataDir=${dataDir}\nclientPort=2181`).remarks.length
    expect([remarks('data'), remarks('./data'), remarks('/data')]).toEqual([1, 0, 0])
  })

  test('small values are raised with a remark', () => {
    const { config, remarks } = check(`${minimal}autopurge.snapRetainCount=1\nsnapCount=0`)
    expect([config.purge.retain, config.storage.snapCount]).toEqual([3, 2])
    expect(remarks).toHaveLength(2)
  })

  test('the prefix of system properties may be written in the file', () => {
    expect(check(`${minimal}zookeeper.snapCount=500`).config.storage.snapCount).toBe(500)
  })

  test('documented titles count as their working spelling', () => {
    expect(warningsOf('requestThrottleLimit=5')[0]).toContain('request_throttle_max_requests')
  })

  test('properties of the command line count where the file is silent', () => {
    const properties = new Map([
      ['jute.maxbuffer', '0x200000'],
      ['zookeeper.snapCount', '700'],
      ['zookeeper.extendedTypesEnabled', 'true'],
    ])
    const { config } = check(`${minimal}snapCount=800`, properties)
    expect([config.frameBytesMax, config.storage.snapCount, config.meaning.extendedTypes]).toEqual([
      0x200000,
      800,
      true,
    ])
  })

  test('one server line is a server that stands alone', () => {
    expect(warningsOf('server.1=localhost:2888:3888')).toEqual([
      'Invalid configuration, only one server specified (ignoring)',
    ])
  })

  test.each([
    ['', ['srvr']],
    ['stat, ruok ,', ['srvr', 'stat', 'ruok']],
    ['frob', ['srvr', 'frob']],
  ])('4lw.commands.whitelist=%j', (list, words) => {
    const { config } = check(`${minimal}4lw.commands.whitelist=${list}`)
    expect([...(config.fourLetterWords ?? [])]).toEqual(words)
  })

  test('4lw.commands.whitelist=* answers every known word', () => {
    expect(check(`${minimal}4lw.commands.whitelist=*`).config.fourLetterWords).toBeNull()
  })
})

test('a name far from all others resembles none', () => {
  expect(closestName('snapcount')).toBe('snapCount')
  expect(closestName('zzzzzzzzzz')).toBeNull()
})

function rangeOf(key: ConfigKey): readonly [number, number] {
  const [min, max] = key.range.split('..').map(Number)
  return key.range === '' ? [-(2 ** 31), 2 ** 31 - 1] : [min ?? 0, max ?? 0]
}
