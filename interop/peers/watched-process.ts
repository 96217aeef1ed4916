/** A server's process: its output kept, its end awaited once however often it is asked for. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

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

  /**
   * SIGSTOP: it answers nobody, while its connections stay. Resolves once every thread stands
   * still: on a busy machine some go on for milliseconds after the signal was sent.
   */
  async suspend(): Promise<void> {
    this.#child.kill('SIGSTOP')
    while (this.#ended === null && !standsStill(this.pid)) await sleep(1)
  }

  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | string> {
    if (this.#ended === null) this.#child.kill(signal)
    return this.#exit
  }
}

/** Whether all threads of a process are in the kernel's state `T` (proc(5), `/proc/pid/stat`). */
function standsStill(pid: number): boolean {
  const tasks = `/proc/${pid}/task`
  try {
    return readdirSync(tasks).every((task) =>
      /^\d+ \(.*\) T /s.test(readFileSync(`${tasks}/${task}/stat`, 'utf8')),
    )
  } catch {
    return false // A thread ended while it was looked at: it did not stand still.
  }
}
