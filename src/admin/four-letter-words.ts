// Answers the words that operators send instead of a handshake, in the format of ZooKeeper 3.9
// (`org.apache.zookeeper.server.command`), which monitoring everywhere parses. It reads the status
// and writes text; who sent a word and how the answer gets there is the server's business.

import { formatSessionId } from '../base/session-id.ts'
import { formatZxid } from '../base/zxid.ts'
import type { ConnectionId } from '../ports/client-network.ts'
import type { Disk } from '../ports/disk.ts'
import type { ConnectionStatus, ReplicaStatus } from '../core/replica/status.ts'
import type { EnsembleStatus } from './ensemble-status.ts'
import { environmentEntries } from './environment.ts'
import type { AdminFacts, AdminFigures } from './facts.ts'
import { javaDate } from './java-date.ts'
import { javaDouble } from './java-double.ts'
import { monitorLines } from './monitor.ts'
import { operationTag } from './operation-tag.ts'

export interface AdminSources {
  readonly status: ReplicaStatus
  readonly facts: AdminFacts
  readonly figures: AdminFigures
  readonly disk: Disk
  /** Absent for a server that stands alone. */
  readonly ensemble?: EnsembleStatus
}

const NOT_SERVING = 'This ZooKeeper instance is not currently serving requests'

/** What can be said without a database. */
const ALWAYS_ANSWERED: ReadonlySet<string> = new Set(['ruok', 'isro', 'envi', 'gtmk', 'stmk'])

/** What a server without an ensemble says of itself. */
const STANDALONE = 'standalone'

export class FourLetterWords {
  readonly #sources: AdminSources
  /** Null answers every known word. */
  readonly #allowed: ReadonlySet<string> | null
  /** ZooKeeper's trace mask: kept for those who set it, though nothing is traced by it. */
  #traceMask = 306n

  constructor(sources: AdminSources, allowed: ReadonlySet<string> | null) {
    this.#sources = sources
    this.#allowed = allowed
  }

  /** The answer to a known word, whole; `argument` is what followed it. */
  answer(word: string, argument: Uint8Array, asking: ConnectionId): string {
    if (this.#allowed !== null && !this.#allowed.has(word)) {
      return `${word} is not executed because it is not in the whitelist.\n`
    }
    if (this.#mode === null && !ALWAYS_ANSWERED.has(word)) {
      return word === 'hash' ? NOT_SERVING : `${NOT_SERVING}\n`
    }
    switch (word) {
      case 'ruok':
        return 'imok'
      case 'isro':
        return this.#mode === null ? 'null' : this.#isReadOnly ? 'ro' : 'rw'
      case 'srvr':
        return this.#version() + this.#server()
      case 'stat':
        return this.#stat(asking)
      case 'mntr':
        return monitorLines(this.#sources)
      case 'conf':
        return this.#configuration()
      case 'cons':
        return this.#connections(asking)
      case 'dump':
        return this.#dump()
      case 'envi':
        return this.#environment()
      case 'wchs':
        return this.#watchSummary()
      case 'wchc':
        return this.#watchesBySession()
      case 'wchp':
        return this.#watchesByPath()
      case 'dirs':
        return this.#directories()
      case 'crst':
        this.#sources.status.resetConnectionStatistics()
        return 'Connection stats reset.\n'
      case 'srst':
        this.#sources.status.resetStatistics()
        this.#sources.figures.reset()
        this.#sources.ensemble?.resetStatistics()
        return 'Server stats reset.\n'
      case 'gtmk':
        return String(this.#traceMask)
      case 'stmk':
        return this.#setTraceMask(argument)
      case 'hash':
        // The history of digests is not kept yet; an empty answer is one without entries.
        return ''
      default:
        return ''
    }
  }

  /** Null while no clients are served. */
  get #mode(): string | null {
    const { ensemble } = this.#sources
    return ensemble === undefined ? STANDALONE : ensemble.mode
  }

  get #isReadOnly(): boolean {
    return this.#mode === 'read-only'
  }

  #version(): string {
    const readOnly = this.#isReadOnly ? 'READ-ONLY mode; serving only read-only clients\n' : ''
    return `Zookeeper version: ${this.#sources.facts.version}\n${readOnly}`
  }

  #server(): string {
    const { status } = this.#sources
    const { statistics } = status
    const average = statistics.latencySumMs / Math.max(1, statistics.latencyCount)
    const latency = `${statistics.latencyMinMs}/${javaDouble(average)}/${statistics.latencyMaxMs}`
    return (
      `Latency min/avg/max: ${latency}\n` +
      `Received: ${statistics.received}\n` +
      `Sent: ${statistics.sent}\n` +
      `Connections: ${status.connectionCount}\n` +
      `Outstanding: ${status.outstandingCount}\n` +
      `Zxid: ${formatZxid(status.lastZxid)}\n` +
      `Mode: ${this.#mode}\n` +
      `Node count: ${status.nodeCount}\n${this.#proposals()}`
    )
  }

  #proposals(): string {
    const leading = this.#sources.ensemble?.leading ?? null
    if (leading === null || this.#mode !== 'leader') return ''
    const { lastBytes, minBytes, maxBytes } = leading.proposals
    return `Proposal sizes last/min/max: ${lastBytes}/${minBytes}/${maxBytes}\n`
  }

  #stat(asking: ConnectionId): string {
    let clients = ''
    for (const connection of this.#sources.status.connections()) {
      clients += ` ${briefly(connection, asking)})\n`
    }
    return `${this.#version()}Clients:\n${clients}\n${this.#server()}`
  }

  #connections(asking: ConnectionId): string {
    let lines = ''
    for (const connection of this.#sources.status.connections()) {
      lines += ` ${briefly(connection, asking)}${sessionFields(connection)})\n`
    }
    return `${lines}\n`
  }

  #configuration(): string {
    const { facts, ensemble } = this.#sources
    const common = linesOf([
      ['clientPort', facts.clientPort],
      ['secureClientPort', -1],
      ['dataDir', facts.dataDirectory],
      ['dataDirSize', this.#sizeOf(facts.dataDirectory)],
      ['dataLogDir', facts.logDirectory],
      ['dataLogSize', this.#sizeOf(facts.logDirectory)],
      ['tickTime', facts.tickMs],
      ['maxClientCnxns', facts.connectionsPerAddressMax],
      ['minSessionTimeout', facts.minSessionTimeoutMs],
      ['maxSessionTimeout', facts.maxSessionTimeoutMs],
      ['clientPortListenBacklog', facts.listenBacklog],
      ['serverId', ensemble?.serverId ?? 0],
    ])
    return ensemble === undefined ? common : common + this.#ensembleConfiguration(ensemble)
  }

  /** A server that is cut off shows no members: those it knows may be others by now. */
  #ensembleConfiguration(ensemble: EnsembleStatus): string {
    const { facts } = this.#sources
    const lines = linesOf([
      ['initLimit', facts.initLimit],
      ['syncLimit', facts.syncLimit],
      ['electionAlg', 3],
      ['electionPort', ensemble.electionPort],
      ['quorumPort', ensemble.quorumPort],
      ['peerType', ensemble.isVoter ? 0 : 1],
    ])
    return this.#isReadOnly ? lines : `${lines}membership: \n${ensemble.membershipText}`
  }

  #environment(): string {
    return `Environment:\n${linesOf(environmentEntries(this.#sources.facts.version))}`
  }

  #directories(): string {
    const { facts } = this.#sources
    return (
      `datadir_size: ${this.#sizeOf(facts.dataDirectory)}\n` +
      `logdir_size: ${this.#sizeOf(facts.logDirectory)}\n`
    )
  }

  #sizeOf(directory: string): number {
    const { disk } = this.#sources
    let bytes = 0
    for (const name of disk.list(directory)) bytes += disk.size(`${directory}/${name}`) ?? 0
    return bytes
  }

  #watchSummary(): string {
    const { connections, paths, watches } = this.#sources.status.watchSummary
    return `${connections} connections watching ${paths} paths\nTotal watches:${watches}\n`
  }

  #watchesBySession(): string {
    let text = ''
    for (const [session, paths] of this.#sources.status.watchesBySession()) {
      text += `${formatSessionId(session)}\n${paths.map((path) => `\t${path}\n`).join('')}`
    }
    return `${text}\n`
  }

  #watchesByPath(): string {
    let text = ''
    for (const [path, sessions] of this.#sources.status.watchesByPath()) {
      text += `${path}\n${sessions.map((session) => `\t${formatSessionId(session)}\n`).join('')}`
    }
    return `${text}\n`
  }

  #dump(): string {
    const { status } = this.#sources
    const connections = status.connectionExpiry()
    const owners = [...status.ephemerals()]
    let text = `SessionTracker dump:\n${this.#sessions()}`
    text += `ephemeral nodes dump:\nSessions with Ephemerals (${owners.length}):\n`
    for (const [id, paths] of owners) {
      text += `${formatSessionId(id)}:\n${paths.map((path) => `\t${path}\n`).join('')}`
    }
    text += `Connections dump:\nConnections ${setsOf(connections)}`
    for (const { wallMs, members } of connections) {
      text += `${members.length} expire at ${javaDate(wallMs)}:\n`
      for (const member of members) {
        const session = formatSessionId(member.session?.id ?? 0n)
        text += `\tip: ${endpoint(member)} sessionId: ${session}\n`
      }
    }
    return text
  }

  /** Only who decides when sessions end can tell; others know which there are. */
  #sessions(): string {
    const { status, ensemble } = this.#sources
    const global = ensemble?.globalSessions() ?? null
    if (global !== null) {
      const sessions = [...global]
      const lines = sessions.map(([id, ms]) => `${formatSessionId(id)}\t${ms}ms\n`)
      return `Global Sessions(${sessions.length}):\n${lines.join('')}`
    }
    const buckets = [...status.sessionExpiry()]
    let text = `Session ${setsOf(buckets)}`
    for (const { wallMs, members } of buckets) {
      text += `${members.length} expire at ${javaDate(wallMs)}:\n`
      for (const id of members) text += `\t${formatSessionId(id)}\n`
    }
    return text
  }

  #setTraceMask(argument: Uint8Array): string {
    if (argument.length === 8) {
      const view = new DataView(argument.buffer, argument.byteOffset, 8)
      this.#traceMask = view.getBigInt64(0)
    }
    return String(this.#traceMask)
  }
}

/** How many there are: buckets, then what is in them. */
function setsOf(buckets: readonly { readonly members: readonly unknown[] }[]): string {
  const total = buckets.reduce((sum, bucket) => sum + bucket.members.length, 0)
  return `Sets (${buckets.length})/(${total}):\n`
}

function briefly(connection: ConnectionStatus, asking: ConnectionId): string {
  const { statistics, queuedCount, isReading } = connection
  const interest = connection.connection === asking || !isReading ? 0 : 1
  return (
    `${endpoint(connection)}[${interest}](queued=${queuedCount},` +
    `recved=${statistics.received},sent=${statistics.sent}`
  )
}

function sessionFields(connection: ConnectionStatus): string {
  const { session, statistics } = connection
  if (session === null) return ''
  const average = Math.floor(statistics.latencySumMs / Math.max(1, statistics.latencyCount))
  const lastXid = statistics.lastXid
  return (
    `,sid=${formatSessionId(session.id)},lop=${operationTag(connection.lastOpName)}` +
    `,est=${connection.openedWallMs},to=${session.timeoutMs}` +
    (lastXid >= 0 ? `,lcxid=0x${lastXid.toString(16)}` : '') +
    `,lzxid=${formatZxid(statistics.lastZxid)},lresp=${statistics.lastResponseMs}` +
    `,llat=${statistics.lastLatencyMs},minlat=${statistics.latencyMinMs}` +
    `,avglat=${average},maxlat=${statistics.latencyMaxMs}`
  )
}

/** An address as Java prints it: without a name before the slash. */
function endpoint(connection: ConnectionStatus): string {
  const { address, port } = connection
  return address.includes(':') ? `/[${address}]:${port}` : `/${address}:${port}`
}

function linesOf(entries: readonly (readonly [string, string | number])[]): string {
  return entries.map(([key, value]) => `${key}=${value}\n`).join('')
}
