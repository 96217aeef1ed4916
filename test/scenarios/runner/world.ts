// Everything that a scenario can touch: its clients, the server, and the lines that tell what
// happened.

import type { Backend, BackendEvents } from './backend.ts'
import type { Operations } from './operation.ts'
import {
  DEFAULT_SERVER_SETTINGS,
  ReplicaBackend,
  type ServerSettings,
  type TreeKind,
} from './replica-backend.ts'
import { type ClientContext, ScriptedClient } from './scripted-client.ts'

export type MakeBackend = (settings: ServerSettings, events: BackendEvents) => Backend

export const replicaOn =
  (tree: TreeKind): MakeBackend =>
  (settings, events) =>
    new ReplicaBackend(tree, settings, events)

export class World implements BackendEvents, ClientContext {
  readonly operations: Operations
  readonly sessions = new Map<bigint, string>()
  /** May be changed until the server is first used. */
  settings: ServerSettings = DEFAULT_SERVER_SETTINGS
  readonly #makeBackend: MakeBackend
  readonly #clients = new Map<string, ScriptedClient>()
  readonly #byConnection = new Map<number, ScriptedClient>()
  readonly #lines: string[] = []
  #backend: Backend | null = null
  #connections = 0
  /** When what follows happens, if the clock moved and nothing has been said since. */
  #unsaidTime: number | null = null

  constructor(operations: Operations, makeBackend: MakeBackend) {
    this.operations = operations
    this.#makeBackend = makeBackend
  }

  get isStarted(): boolean {
    return this.#backend !== null
  }

  get backend(): Backend {
    this.#backend ??= this.#makeBackend(this.settings, this)
    return this.#backend
  }

  /** Our own server, for what only it can do. */
  get replica(): ReplicaBackend {
    const { backend } = this
    if (!(backend instanceof ReplicaBackend)) throw new Error('only our own server can do this')
    return backend
  }

  get clients(): Iterable<ScriptedClient> {
    return this.#clients.values()
  }

  client(name: string): ScriptedClient {
    const client = this.#clients.get(name)
    if (client === undefined) throw new Error(`nobody is called ${name}`)
    return client
  }

  /** Opens a connection for a client of that name. */
  open(name: string, address: string): ScriptedClient {
    if (!/^[A-Z]\w*$/.test(name)) throw new Error(`clients have names like A, not ${name}`)
    if (this.#clients.get(name)?.isOpen === true) throw new Error(`${name} is connected already`)
    const client = new ScriptedClient(name, ++this.#connections, this)
    this.#clients.set(name, client)
    this.#byConnection.set(client.connection, client)
    this.backend.open(client.connection, address)
    return client
  }

  send(client: ScriptedClient, bytes: Uint8Array): void {
    if (!client.isOpen) throw new Error(`${client.name} is not connected`)
    this.backend.bytes(client.connection, bytes)
  }

  drop(client: ScriptedClient): void {
    if (!client.isOpen) throw new Error(`${client.name} is not connected`)
    client.isOpen = false
    this.backend.drop(client.connection)
  }

  dropAll(): void {
    for (const client of this.#clients.values()) client.isOpen = false
  }

  say(line: string): void {
    if (this.#unsaidTime !== null) {
      this.#lines.push(`at ${this.#unsaidTime}`)
      this.#unsaidTime = null
    }
    this.#lines.push(line)
  }

  takeLines(): readonly string[] {
    this.#unsaidTime = null
    return this.#lines.splice(0)
  }

  received(connection: number, bytes: Uint8Array): void {
    this.#byConnection.get(connection)!.receive(bytes)
  }

  closed(connection: number): void {
    this.#byConnection.get(connection)!.closed()
  }

  word(connection: number, word: string): void {
    this.say(`${this.#byConnection.get(connection)!.name} asks ${word}`)
  }

  time(nowMs: number): void {
    this.#unsaidTime = nowMs
  }

  sessionBegan(client: ScriptedClient): void {
    if (!this.sessions.has(client.sessionId)) this.sessions.set(client.sessionId, client.name)
  }
}
