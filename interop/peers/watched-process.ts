/** A server's process: its output kept, its end awaited once however often it is asked for. */
import { type ChildProcess, spawn } from 'node:child_process'

export class WatchedProcess {
  readonly #child: ChildProcess
  readonly #output: string[] = []
  readonly #exit: Promise<number | string>
  #ended: number | string | null = null

  constructor(command: string, args: readonly string[], directory: string) {
    const child = spawn(command, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#output.push(text))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#output.push(text))
    this.#exit = new Promise((resolve) => {
      const finish = (how: number | string): void => {
        this.#ended ??= how
        resolve(this.#ended)
      }
      child.once('error', (error) => finish(error.message))
      child.once('close', (code, signal) => finish(code ?? signal ?? 'unknown'))
    })
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  output(): string {
    return this.#output.join('')
  }

  ended(): number | string | null {
    return this.#ended
  }

  /** SIGSTOP and SIGCONT: it answers nobody, while its connections stay. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal)
  }

  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | string> {
    if (this.#ended === null) this.#child.kill(signal)
    return this.#exit
  }
}
