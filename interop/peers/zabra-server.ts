/** Starts Zabra the way a user does: `zabra serve zoo.cfg`. */
import { zabraExecutable } from './cache.ts'
import { type ServerOptions, type ServerUnderTest, startServer } from './server-under-test.ts'

export function startZabra(options: ServerOptions = {}): Promise<ServerUnderTest> {
  return startServer(
    (configPath) => ({
      kind: 'zabra',
      command: process.execPath,
      args: [zabraExecutable, 'serve', configPath],
    }),
    options,
  )
}
