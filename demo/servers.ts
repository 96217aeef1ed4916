// The servers of the founding scene: one that stands alone, or an ensemble of three. Each is a
// process with a configuration file and a data directory of its own.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { askWord } from '../test/support/ask-word.ts'
import { freePort } from '../test/support/free-port.ts'
import { require, waitFor } from './checks.ts'
import { OFFICE_SESSION_MS, TICK_MS } from './scene.ts'
import { Server, type Timeline } from './stage.ts'

/** Where one of them is and what it is started with. */
interface Place {
  readonly name: string
  readonly port: number
  readonly directory: string
}

export class Servers implements AsyncDisposable {
  readonly #places: readonly Place[]
  readonly #timeline: Timeline
  readonly #running = new Map<Place, Server>()

  private constructor(places: readonly Place[], timeline: Timeline) {
    this.#places = places
    this.#timeline = timeline
  }

  /** Starts one that stands alone, or an ensemble of several. */
  static async start(count: number, parent: string, timeline: Timeline): Promise<Servers> {
    const ports = await Promise.all(Array.from({ length: 3 * count }, () => freePort()))
    const places = ports.slice(0, count).map((port, at) => {
      const directory = join(parent, String(at + 1))
      return { name: count === 1 ? 'server' : `server ${at + 1}`, port, directory }
    })
    const members = places.map((_, at) => {
      const [quorumPort, electionPort] = ports.slice(count + 2 * at)
      return `server.${at + 1}=127.0.0.1:${quorumPort}:${electionPort}`
    })
    const servers = new Servers(places, timeline)
    for (const [at, place] of places.entries()) {
      configure(place, at + 1, count === 1 ? [] : members)
      servers.#start(place)
    }
    return servers
  }

  /** How clients are told of all of them. */
  get target(): string {
    return this.#places.map(({ port }) => `127.0.0.1:${port}`).join(',')
  }

  /** Resolves to the name of the one that leads, in the ensemble's own words. */
  async leader(): Promise<string> {
    const leaders = await waitFor(
      () => this.#named('leader'),
      (names) => names.length === 1,
      (names) => `expected one server to lead the others; there are: ${names.join(', ') || 'none'}`,
    )
    return leaders[0]!
  }

  /** Resolves when this one follows. */
  async follows(name: string): Promise<void> {
    await waitFor(
      () => this.#named('follower'),
      (names) => names.includes(name),
      (names) => `expected ${name} to follow; there are: ${names.join(', ') || 'none'}`,
    )
  }

  /** How clients are told of this one alone. */
  targetOf(name: string): string {
    return `127.0.0.1:${this.#placeOf(name).port}`
  }

  kill(name: string): void {
    const server = this.#running.get(this.#placeOf(name))
    require(server?.child.exitCode === null, `${name} ended before the scene did`)
    server.signal('SIGKILL')
    this.#timeline.line(name, 'is KILLED (SIGKILL)')
  }

  async startAgain(name: string): Promise<void> {
    const place = this.#placeOf(name)
    await this.#running.get(place)?.ended
    const { child } = this.#start(place)
    this.#timeline.line(name, `starts again as process ${child.pid}`)
  }

  /** Nobody has ended but those who were killed. */
  checkAlive(): void {
    for (const [{ name }, { child }] of this.#running) {
      require(child.exitCode === null && child.signalCode === null, `${name} has ended by itself`)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.values()].map((server) => server[Symbol.asyncDispose]()))
  }

  #start(place: Place): Server {
    const server = new Server(place.directory, join(place.directory, 'zoo.cfg'))
    this.#running.set(place, server)
    return server
  }

  #placeOf(name: string): Place {
    const place = this.#places.find((each) => each.name === name)
    require(place !== undefined, `there is no ${name}`)
    return place
  }

  async #named(mode: string): Promise<string[]> {
    const answers = await Promise.all(
      this.#places.map(({ port }) => askWord(port, 'srvr', { timeoutMs: 1_000 }).catch(() => '')),
    )
    return this.#places
      .filter((_, at) => answers[at]!.split('\n').includes(`Mode: ${mode}`))
      .map(({ name }) => name)
  }
}

function configure({ port, directory }: Place, id: number, members: readonly string[]): void {
  mkdirSync(join(directory, 'data'), { recursive: true })
  const lines = [
    `tickTime=${TICK_MS}`,
    `minSessionTimeout=${OFFICE_SESSION_MS}`,
    'maxSessionTimeout=60000',
    'dataDir=./data',
    'clientPortAddress=127.0.0.1',
    `clientPort=${port}`,
    ...(members.length === 0 ? [] : ['initLimit=50', 'syncLimit=10', ...members]),
  ]
  writeFileSync(join(directory, 'zoo.cfg'), lines.map((line) => `${line}\n`).join(''))
  if (members.length > 0) writeFileSync(join(directory, 'data', 'myid'), `${id}\n`)
}
