// The words are asked of a server in this process that holds two sessions, two ephemerals and some
// watches, and the whole text of each answer is compared. What depends on the moment is masked.
// Apache's own answers are compared with ours in `interop`.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askWord } from '../../test/support/ask-word.ts'
import {
  type TemporaryDirectory,
  temporaryDirectory,
} from '../../test/support/temporary-directory.ts'
import { type ZooKeeper, connect } from '../client/index.ts'
import { type Server, checkConfig, startServer } from '../server/index.ts'

let directory: TemporaryDirectory
let server: Server
let first: ZooKeeper
let second: ZooKeeper
let names: readonly (readonly [RegExp, string])[]

beforeAll(async () => {
  directory = temporaryDirectory()
  server = await start('4lw.commands.whitelist=*')
  first = await connect(`127.0.0.1:${server.port}`, { sessionTimeout: 30_000 })
  second = await connect(`127.0.0.1:${server.port}`, { sessionTimeout: 20_000 })
  await first.create('/a', 'x')
  await first.create('/a/mine', '', { ephemeral: true })
  await second.create('/a/yours', 'data', { ephemeral: true })
  const id = (zk: ZooKeeper): RegExp => new RegExp(`0x${zk.session?.id.toString(16)}`, 'g')
  names = [
    [id(first), '(first)'],
    [id(second), '(second)'],
    [/\/127\.0\.0\.1:\d+/g, '(client)'],
    [/\d+\.\d+\.\d+-zabra-[^\n]+ UTC/g, '(version)'],
    [/\w{3} \w{3} \d\d \d\d:\d\d:\d\d \S+ \d{4}/g, '(date)'],
    [/(est|lresp|llat|minlat|avglat|maxlat)=\d+/g, '$1=#'],
    [/(avg|min|max): \d+\/\d+\.\d+\/\d+/g, '$1: #'],
  ]
})

afterAll(async () => {
  await Promise.all([first.close({ drain: 0 }), second.close({ drain: 0 })])
  await server.stop()
  directory[Symbol.dispose]()
})

function start(more: string): Promise<Server> {
  const text = `clientPort=2181\nclientPortAddress=127.0.0.1\ndataDir=${directory.path}\ntickTime=500\n${more}`
  const { config } = checkConfig({ name: 'test', text })
  return startServer({ config: { ...config, clientPort: 0 } })
}

async function ask(word: string): Promise<string> {
  const text = await askWord(server.port ?? 0, word)
  return names.reduce((masked, [pattern, name]) => masked.replace(pattern, name), text)
}

/** `key<separator>value` lines. */
function entriesOf(text: string, separator: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line !== '')
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf(separator)
      return [line.slice(0, at), line.slice(at + 1)]
    }),
  )
}

describe('words about the server', () => {
  test('ruok and isro have no line end', async () => {
    expect([await ask('ruok'), await ask('isro')]).toEqual(['imok', 'rw'])
  })

  test('srvr', async () => {
    expect((await ask('srvr')).replace(/(Received|Sent): \d+/g, '$1: #')).toBe(
      'Zookeeper version: (version)\n' +
        'Latency min/avg/max: #\n' +
        'Received: #\nSent: #\nConnections: 3\nOutstanding: 0\n' +
        'Zxid: 0x5\nMode: standalone\nNode count: 8\n',
    )
  })

  test('the version begins with one that monitors understand', async () => {
    expect(await askWord(server.port ?? 0, 'srvr')).toMatch(/^Zookeeper version: 3\.9\.\d+-/)
  })

  test('conf', async () => {
    const keys = entriesOf(await ask('conf'), '=')
    expect(keys).toMatchObject({
      secureClientPort: '-1',
      dataDir: `${directory.path}/version-2`,
      dataLogDir: `${directory.path}/version-2`,
      tickTime: '500',
      maxClientCnxns: '60',
      minSessionTimeout: '1000',
      maxSessionTimeout: '10000',
      clientPortListenBacklog: '-1',
      serverId: '0',
    })
    expect(Object.keys(keys)).toHaveLength(12)
  })

  test('dirs counts the bytes of the files', async () => {
    const sizes = entriesOf(await ask('dirs'), ':')
    expect(Number(sizes['datadir_size'])).toBeGreaterThan(100)
    expect(sizes['logdir_size']).toBe(sizes['datadir_size'])
  })

  test('envi has the keys of a Java server, with <NA> where there is no value', async () => {
    const text = await ask('envi')
    expect(text.startsWith('Environment:\nzookeeper.version=')).toBe(true)
    expect(entriesOf(text, '=')).toMatchObject({ 'java.version': '<NA>', 'os.name': 'Linux' })
  })

  test('mntr prints every key that integrations read, as numbers', async () => {
    const figures = entriesOf(await ask('mntr'), '\t')
    expect(figures).toMatchObject({
      zk_server_state: 'standalone',
      zk_znode_count: '8',
      zk_ephemerals_count: '2',
      zk_global_sessions: '2',
      zk_num_alive_connections: '3',
      zk_outstanding_requests: '0',
      zk_watch_count: '0',
      zk_connection_rejected: '0',
    })
    const { zk_version, zk_server_state, ...numbers } = figures
    expect(zk_version).toBe('(version)')
    expect(zk_server_state).toBe('standalone')
    for (const [name, value] of Object.entries(numbers)) {
      expect(value, name).toMatch(/^-?\d+(\.\d+)?$/)
    }
    for (const name of [
      'zk_avg_latency',
      'zk_uptime',
      'zk_approximate_data_size',
      'zk_cnt_fsynctime',
    ]) {
      expect(numbers).toHaveProperty(name)
    }
  })
})

describe('words about clients', () => {
  test('stat lists connections between the version and the rest of srvr', async () => {
    const text = await ask('stat')
    expect(text).toMatch(
      /^Zookeeper version: \(version\)\nClients:\n( \(client\)\[[01]\]\(.*\)\n){3}\nLatency/,
    )
    expect(text).toContain(' (client)[0](queued=0,recved=1,sent=0)\n')
  })

  test('cons tells of sessions, and ends with an empty line', async () => {
    const lines = (await ask('cons')).split('\n')
    expect(lines.slice(3)).toEqual(['', ''])
    expect(lines).toContain(' (client)[0](queued=0,recved=1,sent=0)')
    const mine = lines.find((line) => line.includes('sid=(first)'))
    expect(mine).toMatch(
      / \(client\)\[1\]\(queued=0,recved=\d+,sent=\d+,sid=\(first\),lop=\w+,est=#,to=10000,lcxid=0x\w+,lzxid=0x\w+,lresp=#,llat=#,minlat=#,avglat=#,maxlat=#\)$/,
    )
  })

  test('dump tells which sessions end when, and what they own', async () => {
    const text = await ask('dump')
    expect(text).toMatch(/^SessionTracker dump:\nSession Sets \(\d\)\/\(2\):\n/)
    expect(text).toMatch(/\n\d expire at \(date\):\n\t\((first|second)\)\n/)
    expect(text).toContain('\nephemeral nodes dump:\nSessions with Ephemerals (2):\n')
    expect(text).toContain('(first):\n\t/a/mine\n')
    expect(text).toContain('(second):\n\t/a/yours\n')
    expect(text).toMatch(/\nConnections dump:\nConnections Sets \(\d\)\/\(3\):\n/)
    expect(text).toContain('\tip: (client) sessionId: (first)\n')
  })

  test('crst and srst set back what they say', async () => {
    expect(await ask('crst')).toBe('Connection stats reset.\n')
    expect(await ask('cons')).toMatch(/recved=0,sent=0,sid=\(first\)/)
    expect(await ask('srst')).toBe('Server stats reset.\n')
    expect(await ask('srvr')).toContain('Received: 1\nSent: 0\n')
  })
})

test('words about watches cover data watches, by number, session and path', async () => {
  const watching = new AbortController()
  const { signal } = watching
  const pending = [
    first.watchOnce('/a', 'data', { signal }),
    first.watchOnce('/none', 'exists', { signal }),
    second.watchOnce('/a', 'data', { signal }),
  ].map((event) => event.catch(() => null))
  await expect.poll(() => ask('wchs')).toBe('2 connections watching 2 paths\nTotal watches:3\n')
  expect(await ask('wchc')).toBe('(first)\n\t/a\n\t/none\n(second)\n\t/a\n\n')
  expect(await ask('wchp')).toBe('/a\n\t(first)\n\t(second)\n/none\n\t(first)\n\n')
  watching.abort()
  await Promise.all(pending)
})

describe('which words are answered', () => {
  test('only srvr without a whitelist; others are refused by name', async () => {
    await using other = await withOwnDirectory('')
    const answer = (word: string): Promise<string> => askWord(other.server.port ?? 0, word)
    expect(await answer('srvr')).toContain('Mode: standalone')
    for (const word of ['ruok', 'mntr', 'wchp']) {
      expect(await answer(word)).toBe(
        `${word} is not executed because it is not in the whitelist.\n`,
      )
    }
  })

  test('those of the list, and srvr', async () => {
    await using other = await withOwnDirectory('4lw.commands.whitelist=ruok , isro')
    const answer = (word: string): Promise<string> => askWord(other.server.port ?? 0, word)
    expect([await answer('ruok'), await answer('isro')]).toEqual(['imok', 'rw'])
    expect(await answer('conf')).toMatch(/not in the whitelist/)
  })

  test('what is no word is a length, and ends the connection without an answer', async () => {
    expect([await ask('GET '), await ask('abcd')]).toEqual(['', ''])
  })

  test('more than the four bytes is ignored', async () => {
    expect(await ask('ruok\nand more')).toBe('imok')
  })

  test('stmk takes eight bytes and echoes them as a number; gtmk tells', async () => {
    const bytes = Buffer.concat([Buffer.from('stmk'), Buffer.from([0, 0, 0, 0, 0, 0, 1, 2])])
    expect(await askWord(server.port ?? 0, bytes)).toBe('258')
    expect(await ask('gtmk')).toBe('258')
  })
})

async function withOwnDirectory(more: string): Promise<AsyncDisposable & { server: Server }> {
  const own = temporaryDirectory()
  const text = `clientPort=2181\nclientPortAddress=127.0.0.1\ndataDir=${own.path}\n${more}`
  const { config } = checkConfig({ name: 'test', text })
  const started = await startServer({ config: { ...config, clientPort: 0 } })
  return {
    server: started,
    [Symbol.asyncDispose]: async () => {
      await started.stop()
      own[Symbol.dispose]()
    },
  }
}
