/** Somebody else's lock and election in a process of their own, told line by line what to do. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type Interface, createInterface } from 'node:readline'
import { interopDirectory } from './cache.ts'
import { type TranscriptProgram, javaProgram, pythonProgram } from './transcript-program.ts'

export class LockContender implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #lines: Interface

  private constructor({ command, args }: TranscriptProgram) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const { stdout } = this.#child
    if (stdout === null) throw new Error('the contender has no output')
    this.#lines = createInterface({ input: stdout })
  }

  static kazoo(address: string, path: string): LockContender {
    const script = join(interopDirectory, 'peers', 'python', 'lock_contender.py')
    return new LockContender(pythonProgram(script, address, path))
  }

  static curator(address: string, path: string): LockContender {
    return new LockContender(javaProgram('CuratorContender', address, path))
  }

  /** Tells it a command and waits for the line that it answers; only Curator can join and lead. */
  async tell(command: 'acquire' | 'try' | 'release' | 'join' | 'lead' | 'leave'): Promise<string> {
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
