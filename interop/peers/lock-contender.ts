/** kazoo's lock in a process of its own, told line by line what to do. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type Interface, createInterface } from 'node:readline'
import { interopDirectory, kazooPython } from './cache.ts'

export class LockContender implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #lines: Interface

  constructor(address: string, path: string) {
    const script = join(interopDirectory, 'peers', 'python', 'lock_contender.py')
    this.#child = spawn(kazooPython, ['-u', script, address, path], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const { stdout } = this.#child
    if (stdout === null) throw new Error('the contender has no output')
    this.#lines = createInterface({ input: stdout })
  }

  /** Tells it a command and waits for the line that it answers. */
  async tell(command: 'acquire' | 'try' | 'release'): Promise<string> {
    const answer = once(this.#lines, 'line')
    this.#child.stdin?.write(`${command}\n`)
    const [line] = (await answer) as [string]
    return line
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.stdin?.end('end\n')
    await ended
  }
}
