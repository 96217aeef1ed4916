/**
 * A ZooKeeper server as a child process, whoever wrote it: started from a configuration file,
 * waited for, stopped, killed. `apache-server.ts` and `zabra-server.ts` say only which command
 * line makes one. Refuses to know what is asked of the server afterwards.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { askWord } from '../../test/support/ask-word.ts'
import { freePort } from '../../test/support/free-port.ts'
import { WatchedProcess } from './watched-process.ts'

export interface ServerOptions {
  /** Kept between starts; a fresh temporary directory, removed at the end, when absent. */
  readonly dataDir?: string
  readonly dataLogDir?: string
  readonly port?: number
  /** Further lines of the configuration file; they win over the defaults below. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
}

export interface ServerUnderTest extends AsyncDisposable {
  readonly kind: ServerKind
  readonly host: string
  readonly port: number
  readonly dataDir: string
  readonly dataLogDir: string
  readonly pid: number
  /** What the process has printed so far, for the message of a failing test. */
  output(): string
  /** Asks it to end (SIGTERM) and waits; answers the exit status, or the signal's name. */
  stop(): Promise<number | string>
  /** Ends it at once (SIGKILL) and waits. */
  kill(): Promise<void>
}

export type ServerKind = 'apache' | 'zabra'

export interface Launch {
  readonly kind: ServerKind
  readonly command: string
  readonly args: readonly string[]
}

const startTimeoutMs = 60_000
const askAgainMs = 25

/** Defaults that both servers understand, chosen so that nothing happens by itself during a test. */
export const commonSettings: Readonly<Record<string, string | number | boolean>> = {
  tickTime: 2000,
  clientPortAddress: '127.0.0.1',
  maxClientCnxns: 0,
  'admin.enableServer': false,
  '4lw.commands.whitelist': '*',
  extendedTypesEnabled: true,
  'znode.container.checkIntervalMs': 3_600_000,
}

export async function startServer(
  launch: (configPath: string) => Launch,
  options: ServerOptions,
): Promise<ServerUnderTest> {
  const scratch = mkdtempSync(join(tmpdir(), 'zabra-interop-'))
  const dataDir = options.dataDir ?? join(scratch, 'data')
  const dataLogDir = options.dataLogDir ?? dataDir
  const port = options.port ?? (await freePort())
  mkdirSync(dataDir, { recursive: true })
  mkdirSync(dataLogDir, { recursive: true })

  const settings = { ...commonSettings, ...options.settings, dataDir, dataLogDir, clientPort: port }
  const configPath = join(scratch, 'zoo.cfg')
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`)
  writeFileSync(configPath, lines.join(''))

  const { kind, command, args } = launch(configPath)
  const process = new WatchedProcess(command, args, scratch)
  const server: ServerUnderTest = {
    kind,
    host: '127.0.0.1',
    port,
    dataDir,
    dataLogDir,
    pid: process.pid,
    output: () => process.output(),
    stop: () => process.end('SIGTERM'),
    kill: async () => {
      await process.end('SIGKILL')
    },
    [Symbol.asyncDispose]: async () => {
      await process.end('SIGKILL')
      rmSync(scratch, { recursive: true, force: true })
    },
  }
  try {
    await waitUntilServing(server, process)
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
  return server
}

/** `srvr` is always allowed, and names the mode only when the server answers requests. */
async function waitUntilServing(server: ServerUnderTest, process: WatchedProcess): Promise<void> {
  const deadline = Date.now() + startTimeoutMs
  let answer = ''
  while (Date.now() < deadline) {
    const ended = process.ended()
    if (ended !== null) {
      throw new Error(`${server.kind} ended (${ended}) before it served:\n${server.output()}`)
    }
    answer = await askWord(server.port, 'srvr', { timeoutMs: 1_000 }).catch(String)
    if (answer.includes('Mode: ')) return
    await new Promise((resolve) => setTimeout(resolve, askAgainMs))
  }
  throw new Error(
    `${server.kind} (pid ${server.pid}) did not serve on port ${server.port} within ${startTimeoutMs} ms; ` +
      `srvr was answered ${JSON.stringify(answer)}; it printed:\n${server.output()}`,
  )
}
