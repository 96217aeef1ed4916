// A whole server within a test, on a free port and a directory of its own, with a tick so short
// that sessions can expire while one waits.

import { type Server, startServer } from '../../src/server/server.ts'
import { checkConfig } from '../../src/server/config/config.ts'
import { temporaryDirectory } from './temporary-directory.ts'

export interface LiveServer extends AsyncDisposable {
  /** `host:port`. */
  readonly target: string
  readonly port: number
  readonly server: Server
  /** Stops it and starts it again, on the same data and port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export const TICK_MS = 100

export async function liveServer(settings = ''): Promise<LiveServer> {
  const directory = temporaryDirectory()
  const text = [
    `dataDir=${directory.path}`,
    'clientPort=2181',
    'clientPortAddress=127.0.0.1',
    `tickTime=${TICK_MS}`,
    'minSessionTimeout=200',
    'maxSessionTimeout=60000',
    'extendedTypesEnabled=true',
    settings,
  ].join('\n')
  const { config } = checkConfig({ name: 'test', text })
  const start = (clientPort: number): Promise<Server> =>
    startServer({ config: { ...config, clientPort } })
  let server = await start(0)
  const port = server.port ?? 0
  return {
    target: `127.0.0.1:${port}`,
    port,
    get server() {
      return server
    },
    async restart() {
      await server.stop()
      server = await start(port)
    },
    stop: () => server.stop(),
    async [Symbol.asyncDispose]() {
      await server.stop()
      directory[Symbol.dispose]()
    },
  }
}
