// What a configuration says of an ensemble, from the text of its files to what the server uses.
// Sentences are those that operators, and their scripts, know from ZooKeeper.

import { describe, expect, test } from 'vitest'
import { type CheckedConfig, ConfigError, type ServerConfig, checkConfig } from './config.ts'

const limits = 'initLimit=10\nsyncLimit=5\n'
const basics = `dataDir=/data\ntickTime=2000\n${limits}`
const three =
  'server.1=zk1:2888:3888;2181\nserver.2=zk2:2888:3888;2181\nserver.3=zk3:2888:3888;2181\n'

type Files = Readonly<Record<string, string>>

const check = (text: string, files: Files = { '/data/myid': '1\n' }, file?: string) =>
  checkConfig({
    name: 'zoo.cfg',
    text,
    ...(file === undefined ? {} : { file }),
    files: { read: (path) => files[path] ?? null },
  })

const configOf = (text: string, files?: Files): ServerConfig => check(text, files).config

const ensembleOf = (text: string, files?: Files) => configOf(text, files).ensemble!

const warningsOf = ({ remarks }: CheckedConfig): readonly string[] =>
  remarks.map((remark) => remark.message)

function problemsOf(text: string, files?: Files): string {
  try {
    check(text, files)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.join('\n')
    throw error
  }
  return ''
}

describe('the members', () => {
  test('are listed by the file, and myid says which of them this server is', () => {
    const { clientPort, clientPortAddress, ensemble } = configOf(basics + three, {
      '/data/myid': '2\nnot read\n',
    })
    expect(ensemble?.serverId).toBe(2)
    expect(ensemble?.membership).toMatchObject({
      version: 0,
      text:
        'server.1=zk1:2888:3888:participant;0.0.0.0:2181\n' +
        'server.2=zk2:2888:3888:participant;0.0.0.0:2181\n' +
        'server.3=zk3:2888:3888:participant;0.0.0.0:2181\nversion=0',
    })
    expect([clientPort, clientPortAddress]).toEqual([2181, null])
  })

  test('may observe, be grouped, and leave the client port to the file of each', () => {
    const text =
      `${basics}clientPort=2182\nserver.1=[::1]:2888:3888\nserver.2=b:2888:3888\n` +
      'server.3=c:2888:3888:observer\ngroup.1=1:2\nweight.2=3\npeerType=participant\n'
    const config = configOf(text)
    const { membership } = config.ensemble!
    expect(config.clientPort).toBe(2182)
    expect([...membership.voters.voters]).toEqual([1, 2])
    expect(membership.members.get(3)).toMatchObject({ isVoter: false, clientAddress: null })
    expect(membership.text).toContain('group.1=1:2\nweight.2=3')
  })

  test('may say where clients connect, on one address only', () => {
    const text = basics + three.replace('zk1:2888:3888;2181', 'zk1:2888:3888;10.0.0.1:2191')
    expect(configOf(text)).toMatchObject({ clientPort: 2191, clientPortAddress: '10.0.0.1' })
  })

  test('may stand in a file of their own, whose name ends in their version', () => {
    const text = `${basics}dynamicConfigFile=/etc/zoo.cfg.dynamic.10000001f\nreconfigEnabled=true\n`
    const files = {
      '/data/myid': '3',
      '/etc/zoo.cfg.dynamic.10000001f': three,
      '/etc/zoo.cfg.dynamic.next': `${three}server.4=zk4:2888:3888:observer\nversion=200000001`,
    }
    const { ensemble } = check(text, files, '/etc/zoo.cfg').config
    expect(ensemble?.membership.version).toBe(0x10000001f)
    expect(ensemble?.proposedMembership?.version).toBe(0x200000001)
    expect(ensemble?.proposedMembership?.members.size).toBe(4)
    expect(ensemble?.files).toEqual({
      configFile: '/etc/zoo.cfg',
      dynamicConfigFile: '/etc/zoo.cfg.dynamic.10000001f',
    })
  })

  test('have no version where the name of the file has none', () => {
    const files = { '/data/myid': '3', '/etc/zoo.cfg.dynamic': three }
    const { membership } = ensembleOf(`${basics}dynamicConfigFile=/etc/zoo.cfg.dynamic\n`, files)
    expect(membership.version).toBe(0)
  })

  test('that were proposed count for nothing where the list may not change', () => {
    const files = { '/data/myid': '1', '/etc/zoo.cfg.dynamic.next': 'nonsense' }
    const { config } = check(basics + three, files, '/etc/zoo.cfg')
    expect(config.ensemble?.proposedMembership).toBeNull()
  })
})

describe('a server stands alone', () => {
  test('with the only line of a server, whose client port counts if it is its own', () => {
    const text = 'dataDir=/data\nserver.1=localhost:2888:3888;2199\n'
    const own = check(text)
    expect(own.config).toMatchObject({ ensemble: null, clientPort: 2199 })
    expect(warningsOf(own)).toEqual(['Invalid configuration, only one server specified (ignoring)'])
    expect(configOf(text, {}).clientPort).toBeNull()
  })

  test('unless that is not wanted', () => {
    const text = `${basics}standaloneEnabled=false\nserver.1=localhost:2888:3888;2199\n`
    expect(ensembleOf(text)).toMatchObject({ serverId: 1, standaloneEnabled: false })
  })
})

describe('what members may take their time for', () => {
  test('has the defaults of ZooKeeper', () => {
    expect(ensembleOf(basics + three)).toMatchObject({
      standaloneEnabled: true,
      reconfigEnabled: false,
      timing: { initLimit: 10, syncLimit: 5, connectLimit: 0, connectRetryMs: 100 },
      election: {
        notificationMinMs: 200,
        notificationMaxMs: 60_000,
        connectMs: 5_000,
        handshakeMs: 10_000,
        bindRetries: 3,
        observerDelayMsMax: 200,
      },
      sync: {
        commitLogCount: 500,
        snapshotSizeFactor: 0.33,
        forceSnapshot: false,
        concurrentSnapshotsMax: 10,
        concurrentDiffsMax: 100,
      },
      listenOnAllAddresses: false,
      tcpKeepAlive: false,
      leaderServes: true,
      observerKeepsHistory: true,
      readOnlyMode: false,
      localSessions: false,
      localSessionsUpgrading: false,
    })
  })

  test('can be set, under documented titles and with the prefix of the properties too', () => {
    const ensemble = ensembleOf(
      `${basics}${three}connectToLearnerMasterLimit=3\nleaderConnectDelayDuringRetryMs=0\n` +
        'fastleader.minNotificationInterval=50\nzookeeper.fastleader.maxNotificationInterval=900\n' +
        'cnxTimeout=700\nquorumCnxnTimeoutMs=800\nelectionPortBindRetry=0\n' +
        'observer.election.DelayMs=0\ncommitLogCount=9\nsnapshotSizeFactor=1.5\n' +
        'forceSnapshotSync=true\nmaxConcurrentSnapSyncs=2\nleader.maxConcurrentDiffSyncs=4\n' +
        'quorumListenOnAllIPs=true\ntcpKeepAlive=true\nleaderServes=no\nsyncEnabled=false\n' +
        'localSessionsEnabled=true\nlocalSessionsUpgradingEnabled=true\n',
    )
    expect(ensemble).toMatchObject({
      timing: { connectLimit: 3, connectRetryMs: 0 },
      election: {
        notificationMinMs: 50,
        notificationMaxMs: 900,
        connectMs: 700,
        handshakeMs: 800,
        bindRetries: 0,
        observerDelayMsMax: 0,
      },
      sync: {
        commitLogCount: 500,
        snapshotSizeFactor: 0.33,
        forceSnapshot: true,
        concurrentSnapshotsMax: 2,
        concurrentDiffsMax: 4,
      },
      listenOnAllAddresses: true,
      tcpKeepAlive: true,
      leaderServes: false,
      observerKeepsHistory: false,
      localSessions: true,
      localSessionsUpgrading: true,
    })
  })

  test('the property of observers wins over the key of the file', () => {
    const { config } = checkConfig({
      name: 'zoo.cfg',
      text: `${basics}${three}syncEnabled=true\n`,
      properties: new Map([['zookeeper.observer.syncEnabled', 'false']]),
      files: { read: () => '1' },
    })
    expect(config.ensemble?.observerKeepsHistory).toBe(false)
  })

  test('a server that serves reads alone also answers isro', () => {
    const config = configOf(`${basics}${three}readonlymode.enabled=true\n`)
    expect(config.ensemble?.readOnlyMode).toBe(true)
    expect([...(config.fourLetterWords ?? [])]).toEqual(['srvr', 'isro'])
  })
})

describe('an ensemble that cannot be is refused, and says where and why', () => {
  const withId = (id: string): Files => ({ '/data/myid': id })
  const dynamic = `${basics}dynamicConfigFile=/etc/d\n`
  test.each<readonly [string, Files, string]>([
    [basics + three, {}, 'myid file is missing: /data/myid'],
    [basics + three, withId('abc'), '/data/myid: serverid abc is not a number'],
    [basics + three, withId(''), 'is not a number'],
    [basics + three, withId('-1'), '/data/myid: serverid -1 cannot be; allowed: a whole number'],
    [basics + three, withId('9'), 'My id 9 not in the peer list: there are 1, 2, 3'],
    [`dataDir=/data\n${three}`, withId('1'), 'initLimit is not set'],
    [`dataDir=/data\ninitLimit=5\n${three}`, withId('1'), 'syncLimit is not set'],
    [
      `${basics}server.1=a:2888\nserver.2=b:2888:3888`,
      withId('1'),
      'zoo.cfg line 5: "server.1=a:2888"',
    ],
    [
      `${basics}server.1=a:2888\nserver.2=b:2888:3888`,
      withId('1'),
      'does not have the form server_config or server_config;client_config',
    ],
    [`${basics}server.x=a:2888:3888\n`, withId('1'), 'zoo.cfg line 5: "server.x'],
    [`${basics}server.1=a:2888:3888:boss\n`, withId('1'), 'participant'],
    [`${basics}server.1=a:2888:70000\n`, withId('1'), '70000'],
    [`${basics}server.1=a:0:3888\n`, withId('1'), 'a port cannot be 0; allowed: 1..65535'],
    [`${basics}server.1=a:2888:2888\n`, withId('1'), 'must differ'],
    [
      `${basics}server.1=a:2888:3888|b:2888:3888\nserver.2=c:2888:3888\n`,
      withId('1'),
      'Multiple address feature is disabled, but multiple addresses were specified for sid 1',
    ],
    [
      `${basics}server.1=a:2888:3888\nserver.2=A:2889:2888\n`,
      withId('1'),
      'zoo.cfg line 6: server.2=A:2889:2888: a:2888 is an address of server.1, too',
    ],
    [`${basics}${three}group.1=1:2\n`, withId('1'), 'server 3 is in no group'],
    [`${basics}${three}group.1=1:2\ngroup.2=2:3\n`, withId('1'), 'server 2 is in two groups'],
    [`${basics}${three}weight.1=heavy\n`, withId('1'), 'zoo.cfg line 8: '],
    [
      `${basics}server.1=a:2888:3888:observer\n`,
      withId('1'),
      'Observers w/o participants is an invalid configuration',
    ],
    [
      `${basics}server.1=a:2888:3888\nserver.2=b:2888:3888:observer\n`,
      withId('1'),
      'Observers w/o quorum is an invalid configuration',
    ],
    [
      `${basics}standaloneEnabled=false\n`,
      withId('1'),
      'standaloneEnabled = false then number of participants should be >0',
    ],
    [
      `${basics}clientPort=2182\n${three}`,
      withId('1'),
      'client address for this server (id = 1) in static config file is 0.0.0.0:2182 is different from',
    ],
    [
      `${basics}clientPort=2181\nclientPortAddress=10.0.0.1\n${three}`,
      withId('1'),
      'client address for this server (id = 1)',
    ],
    [
      dynamic + three,
      { '/data/myid': '1', '/etc/d': three },
      'line 6: parameter: server.1 must be',
    ],
    [dynamic, withId('1'), '/etc/d file is missing'],
    [
      dynamic,
      { '/data/myid': '1', '/etc/d': `${three}version=1` },
      "/etc/d line 4: dynamic file shouldn't have version inside",
    ],
    [
      dynamic,
      { '/data/myid': '1', '/etc/d': `${three}tickTime=1` },
      '/etc/d line 4: Unrecognised parameter: tickTime',
    ],
    [dynamic, { '/data/myid': '1', '/etc/d': 'a=\\u00g0' }, '/etc/d line 1: Malformed'],
    [
      `${basics}${three}extendedTypesEnabled=true\n`,
      withId('255'),
      'My id 255 not in the peer list',
    ],
    [
      `${basics}${three}server.255=zk4:2888:3888\nextendedTypesEnabled=true\n`,
      withId('255'),
      'extendedTypesEnabled is true but Server ID is too large. Cannot be larger than 254',
    ],
    [
      `${basics}${three}fastleader.minNotificationInterval=70000\n`,
      withId('1'),
      'fastleader.minNotificationInterval must not be larger than',
    ],
    [`${basics}${three}sslQuorum=true\n`, withId('1'), 'ignoring it would be unsafe'],
    [`${basics}${three}quorum.auth.enableSasl=true\n`, withId('1'), 'ignoring it would be unsafe'],
    [`${basics}${three}leader.maxConcurrentSnapSyncs=0\n`, withId('1'), 'out of range'],
  ])('%j, %j', (text, files, sentence) => {
    expect(problemsOf(text, files)).toContain(sentence)
  })

  test('a file that cannot be read is named', () => {
    const read = (): never => {
      throw new Error("EACCES: permission denied, open '/data/myid'")
    }
    const start = (): unknown =>
      checkConfig({ name: 'zoo.cfg', text: basics + three, files: { read } })
    expect(start).toThrow('Error processing /data/myid: EACCES: permission denied')
    expect(start).not.toThrow('myid file is missing')
  })

  test('what was proposed and cannot be read refuses, naming its file', () => {
    const files = { '/data/myid': '1', '/etc/zoo.cfg.dynamic.next': 'server.1=nonsense' }
    const text = `${basics}${three}reconfigEnabled=true\n`
    expect(() => check(text, files, '/etc/zoo.cfg')).toThrow('/etc/zoo.cfg.dynamic.next: ')
  })
})

describe('an ensemble that is not for the best is warned about', () => {
  const four = `${three}server.4=zk4:2888:3888\n`
  test.each([
    [
      'server.1=a:2888:3888\nserver.2=b:2888:3888\n',
      'No server failure will be tolerated. You need at least 3 servers.',
    ],
    [four, 'Non-optimal configuration, consider an odd number of servers.'],
    [
      `${three}peerType=observer\n`,
      "Peer type from servers list (participant) doesn't match peerType (observer). Defaulting to servers list.",
    ],
    [`${three}oraclePath=/tie\n`, 'oraclePath=/tie: accepted, but it has no effect yet'],
    [`${three}db.autocreate=false\n`, 'db.autocreate=false: accepted, but it has no effect yet'],
    [`${three.replaceAll('server.1', 'server.1000')}`, '/data/myid: 1000 is above 255'],
  ])('%j', (lines, sentence) => {
    const id = lines.includes('server.1000') ? '1000' : '1'
    const text = `${basics}clientPort=2181\n${lines}`
    expect(warningsOf(check(text, { '/data/myid': id })).join('\n')).toContain(sentence)
  })

  test('and one that is, is not', () => {
    expect(warningsOf(check(basics + three))).toEqual([])
    expect(warningsOf(check(`${basics}${three}learner.asyncSending=true\n`))).toEqual([])
  })
})
