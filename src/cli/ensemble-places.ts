// Where the servers of a development ensemble live: ports of the loopback interface, and a directory
// for each with its configuration, number, log and data. The configuration is a file that
// `zabra serve` takes as well, so that each server can also be started alone.

import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import type { ConfigSource } from '../server/index.ts'

export const SERVERS_MAX = 9

/** With the usual first client port, 2181, these lead to the usual ones for servers: 2888, 3888. */
const TO_QUORUM_PORT = 707
const TO_ELECTION_PORT = 1707

/** The highest first client port that leaves room for all others. */
export const PORT_MAX: number = 65_535 - TO_ELECTION_PORT - SERVERS_MAX + 1

const HOST = '127.0.0.1'

export interface Place {
  readonly id: number
  readonly clientPort: number
  readonly quorumPort: number
  readonly electionPort: number
  /** Absolute. */
  readonly directory: string
  readonly logFile: string
}

export function placesOf(request: {
  readonly count: number
  readonly port: number
  readonly directory: string
}): readonly Place[] {
  return Array.from({ length: request.count }, (_, at) => {
    const clientPort = request.port + at
    const directory = resolve(request.directory, String(at + 1))
    return {
      id: at + 1,
      clientPort,
      quorumPort: clientPort + TO_QUORUM_PORT,
      electionPort: clientPort + TO_ELECTION_PORT,
      directory,
      logFile: join(directory, 'server.log'),
    }
  })
}

/** Writes what a server is started with; earlier versions of these files are replaced. */
export function writeFiles(place: Place, all: readonly Place[]): ConfigSource {
  const { id, clientPort, directory } = place
  const file = join(directory, 'zoo.cfg')
  const lines = [
    '# Written by `zabra ensemble` at each start. `zabra serve` takes it as well.',
    `dataDir=${escaped(directory)}`,
    `clientPort=${clientPort}`,
    `clientPortAddress=${HOST}`,
    'tickTime=2000',
    'initLimit=10',
    'syncLimit=5',
    // A single server is an ensemble as well, where one wants to look at it.
    'standaloneEnabled=false',
    '4lw.commands.whitelist=*',
    ...all.map((each) => `server.${each.id}=${HOST}:${each.quorumPort}:${each.electionPort}`),
  ]
  const text = lines.map((line) => `${line}\n`).join('')
  mkdirSync(directory, { recursive: true })
  writeFileSync(file, text)
  writeFileSync(join(directory, 'myid'), `${id}\n`)
  return { name: file, file, text }
}

/** A sentence about the first port that is not to be had; null where all are. */
export async function firstTakenPort(places: readonly Place[]): Promise<string | null> {
  for (const { id, clientPort, quorumPort, electionPort } of places) {
    for (const [port, purpose] of [
      [clientPort, 'for clients'],
      [quorumPort, 'for the followers'],
      [electionPort, 'for elections'],
    ] as const) {
      const code = await tryPort(port)
      if (code === null) continue
      const why = code === 'EADDRINUSE' ? 'is in use' : `cannot be opened (${code})`
      return `port ${port}, which server ${id} needs ${purpose}, ${why}`
    }
  }
  return null
}

function tryPort(port: number): Promise<string | null> {
  return new Promise((done) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message))
    probe.listen(port, HOST, () => probe.close(() => done(null)))
  })
}

/** Such files are Latin-1 with escapes. */
function escaped(path: string): string {
  return path
    .replaceAll('\\', '\\\\')
    .replace(/[^\x20-\x7e]/g, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
