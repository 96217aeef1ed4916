/** Keeps one server for the length of a program's run, restarting it when the program asks. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../test/support/free-port.ts'
import type { ServerOptions, ServerUnderTest } from './server-under-test.ts'

export type Start = (options: ServerOptions) => Promise<ServerUnderTest>

export async function withRestarts<T>(
  start: Start,
  options: ServerOptions,
  run: (address: string, onAsk: (request: string) => Promise<void>) => Promise<T>,
): Promise<T> {
  const scratch = mkdtempSync(join(tmpdir(), 'zabra-interop-'))
  const fixed = { ...options, dataDir: join(scratch, 'data'), port: await freePort() }
  let server = await start(fixed)
  const restart = async (request: string): Promise<void> => {
    if (request !== 'restart') throw new Error(`cannot ${request}`)
    await server.stop()
    await server[Symbol.asyncDispose]()
    server = await start(fixed)
  }
  try {
    return await run(`127.0.0.1:${fixed.port}`, restart)
  } finally {
    await server[Symbol.asyncDispose]()
    rmSync(scratch, { recursive: true, force: true })
  }
}
