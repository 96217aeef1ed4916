// `zabra serve` as a process of its own, as an operator starts it: from the built package, with a
// file or arguments. It is killed with the test if it still runs then.

import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'

const executable = join(import.meta.dirname, '..', '..', 'bin', 'zabra')
const startMsMax = 20_000

/** How a process ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface LogLine {
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}

export class ServerProcess implements AsyncDisposable {
  readonly ended: Promise<Ending>
  #ending: Ending | null = null
  readonly #child: ChildProcess
  #stdout = ''
  #stderr = ''

  /** `environment` is added to this process's own; `within` is a command that becomes the server. */
  constructor(
    args: readonly string[],
    cwd: string,
    environment: Readonly<Record<string, string>> = {},
    within: readonly string[] = [],
  ) {
    const [command, ...rest] = [...within, process.execPath, executable, ...args]
    this.#child = spawn(command as string, rest, {
      cwd,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        this.#ending = { code, signal }
        resolve(this.#ending)
      })
    })
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  get isRunning(): boolean {
    return this.#ending === null
  }

  get stdout(): string {
    return this.#stdout
  }

  get stderr(): string {
    return this.#stderr
  }

  get log(): readonly LogLine[] {
    return this.#stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as LogLine)
  }

  /** Resolves to the port once clients are served; rejects with what was said where it ended first. */
  async serving(): Promise<number> {
    const deadline = Date.now() + startMsMax
    while (Date.now() < deadline) {
      const line = this.log.find(({ msg }) => msg === 'serving clients')
      if (line !== undefined) return Number(line['port'])
      if (this.#ending !== null) break
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    throw new Error(`the server does not serve:\n${this.#stdout}${this.#stderr}`)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ending === null) this.#child.kill('SIGKILL')
    await this.ended
  }
}
