// The built server as a process of its own, on an empty or a given data directory.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../test/support/free-port.ts'
import { ServerProcess } from '../test/e2e/server-process.ts'
import type { Target } from './load.ts'

/** A directory with a configuration and room for data, removed in the end. */
export class Home implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), 'zabra-bench-'))

  get dataDirectory(): string {
    return join(this.path, 'data')
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

export class ZabraServer implements Target, AsyncDisposable {
  readonly host = '127.0.0.1'
  readonly port: number
  /** From the start of the process until it served. */
  readonly startMs: number
  readonly #process: ServerProcess

  private constructor(process: ServerProcess, port: number, startMs: number) {
    this.#process = process
    this.port = port
    this.startMs = startMs
  }

  static async start(
    home: Home,
    settings: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<ZabraServer> {
    const port = await freePort()
    const lines = [
      'tickTime=2000',
      `dataDir=${home.dataDirectory}`,
      'clientPortAddress=127.0.0.1',
      `clientPort=${port}`,
      'maxClientCnxns=0',
      '4lw.commands.whitelist=*',
      ...settings,
    ]
    const file = join(home.path, 'zoo.cfg')
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''))
    const startedAt = performance.now()
    const process = new ServerProcess(['serve', file], home.path, environment)
    await process.serving()
    return new ZabraServer(process, port, performance.now() - startedAt)
  }

  get pid(): number {
    return this.#process.pid
  }

  async stop(): Promise<void> {
    this.#process.signal('SIGTERM')
    const { code, signal } = await this.#process.ended
    if (code !== 0) throw new Error(`the server ended with ${code ?? signal}`)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]()
  }
}
