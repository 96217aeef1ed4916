// Who may import whom, as data. The lint configuration is generated from this table
// (`npm run lint:config`), the tidy test checks every import against it, and docs/architecture.md
// must name each folder. It knows folders and files by name and nothing about what is in them.
//
// The line that carries the architecture: `core/zab` orders opaque transactions and
// `core/pipeline` gives them meaning, and neither can see the other.

/** What a file may use of the world outside the language. */
export type Reach =
  /** Nothing: no Node built-ins, no ambient clock, timers, randomness or `Buffer`. */
  | 'pure'
  /** The whole of Node. */
  | 'node'

export interface Layer {
  /** A folder below `src/`; the longest match decides. */
  readonly folder: string
  /** What it is for, in one line; docs/architecture.md says more. */
  readonly purpose: string
  readonly reach: Reach
  /** May functions be `async`? The core answers in the same turn, always. */
  readonly async: boolean
  /** Folders (with all below them) or single files, relative to `src/`. Its own folder is implied. */
  readonly imports: readonly string[]
  /** npm packages it may import. */
  readonly packages: readonly string[]
  /** Single files that may do more than their folder. */
  readonly files: readonly LayerFile[]
}

export interface LayerFile {
  readonly path: string
  readonly reach: Reach
  readonly async: boolean
  /** Besides what the folder may import. */
  readonly imports: readonly string[]
}

const core = (
  name: string,
  purpose: string,
  imports: readonly string[],
  files: readonly LayerFile[] = [],
): Layer => ({
  folder: `core/${name}`,
  purpose,
  reach: 'pure',
  async: false,
  imports,
  packages: [],
  files,
})

export const layers: readonly Layer[] = [
  {
    folder: 'base',
    purpose: 'assertions, zxids, session ids, seeded randomness, rings, checksums, path rules',
    reach: 'pure',
    async: false,
    imports: [],
    packages: [],
    files: [],
  },
  {
    folder: 'ports',
    purpose: 'interfaces to the world: clock, randomness, networks, disk, logger',
    reach: 'pure',
    async: false,
    imports: ['base'],
    packages: [],
    files: [],
  },
  core('jute', 'reading and writing the wire encoding; framing', ['base']),
  core('quorum', 'vote arithmetic', ['base']),
  core('watch', 'who is told about which change, once or always', ['base']),
  core('session', 'which sessions live, and when each expires', ['base']),
  core('records', 'what travels on the wire and in the log; operation and error codes', [
    'base',
    'core/jute',
  ]),
  core('tree', 'the nodes, their Stat, ACLs, ephemerals and digest, outside the heap', [
    'base',
    'core/jute',
    'core/records',
  ]),
  core('session-client', 'the client side of a session: connect, resume, pending ring, watches', [
    'base',
    'core/jute',
    'core/records',
  ]),
  core('peer', 'links to other servers as the machines see them; the stream of their packets', [
    'base',
    'ports/peer-network.ts',
    'core/jute',
    'core/records',
  ]),
  core('election', 'who leads', [
    'base',
    'ports/peer-network.ts',
    'core/jute',
    'core/records',
    'core/quorum',
    'core/peer',
  ]),
  core('zab', 'what order, what is durable, who has it; transactions are opaque to it', [
    'base',
    'ports/peer-network.ts',
    'core/jute',
    'core/records',
    'core/quorum',
    'core/peer',
  ]),
  core('storage', 'log and snapshot formats, recovery, purge, group commit, over the Disk port', [
    'base',
    'ports',
    'core/jute',
    'core/records',
    'core/tree',
  ]),
  core('pipeline', 'what a request means: prepare, apply, reply', [
    'base',
    'ports/hasher.ts',
    'core/jute',
    'core/records',
    'core/tree',
    'core/watch',
    'core/session',
  ]),
  core('replica', 'one server as one synchronous object; the pump that runs its Ready on ports', [
    'base',
    'ports',
    'core/jute',
    'core/quorum',
    'core/watch',
    'core/session',
    'core/records',
    'core/tree',
    'core/peer',
    'core/election',
    'core/zab',
    'core/storage',
    'core/pipeline',
  ]),
  {
    folder: 'io',
    purpose: 'the only code that touches sockets, files, clocks and the random source',
    reach: 'node',
    async: true,
    imports: ['base', 'ports', 'core/jute'],
    packages: ['snappyjs'],
    files: [],
  },
  {
    folder: 'admin',
    purpose: 'what operators ask: four-letter words, later HTTP status and metrics',
    reach: 'node',
    async: true,
    imports: ['base', 'ports', 'core/replica/status.ts'],
    packages: [],
    files: [],
  },
  {
    folder: 'server',
    purpose: 'configuration to ports to replica; start, stop, one pump a turn',
    reach: 'node',
    async: true,
    // It is where a server is put together, so it sees what the replica is put together from.
    imports: [
      'base',
      'ports',
      'core/pipeline/settings.ts',
      'core/quorum',
      'core/replica',
      'core/storage',
      'core/tree/column-tree.ts',
      'core/tree/database.ts',
      'io',
      'admin',
    ],
    packages: ['pino', 'pino-pretty'],
    files: [],
  },
  {
    folder: 'client',
    purpose: 'the promise shell over core/session-client',
    reach: 'pure',
    async: true,
    imports: [
      'base',
      'ports',
      'core/quorum/membership-text.ts',
      'core/records',
      'core/session-client',
    ],
    packages: [],
    files: [
      {
        path: 'client/node.ts',
        reach: 'node',
        async: true,
        imports: ['io/crypto', 'io/net', 'io/time'],
      },
      { path: 'client/index.ts', reach: 'node', async: true, imports: [] },
    ],
  },
  {
    folder: 'recipes',
    purpose: 'lock, leader election and the rest; they use only what the client publishes',
    reach: 'pure',
    async: true,
    imports: ['client'],
    packages: [],
    files: [],
  },
  {
    folder: 'sim',
    purpose: 'whole servers and clients on a virtual clock, network and disk; checkers',
    reach: 'pure',
    async: false,
    imports: ['base', 'ports', 'core'],
    packages: [],
    files: [
      { path: 'sim/bridge.ts', reach: 'pure', async: true, imports: ['client', 'recipes'] },
      { path: 'sim/main.ts', reach: 'node', async: true, imports: [] },
    ],
  },
  {
    folder: 'testkit',
    purpose: 'a server inside the process of a user’s test',
    reach: 'node',
    async: true,
    imports: ['ports', 'io', 'server', 'client'],
    packages: [],
    files: [],
  },
  {
    folder: 'cli',
    purpose: 'the command line',
    reach: 'node',
    async: true,
    imports: ['base', 'client', 'server', 'io'],
    packages: ['commander'],
    files: [],
  },
]
