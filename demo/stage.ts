// The processes of the founding scene, and the timeline of what they do: one line each, with the
// seconds since the curtain rose.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { News } from './scene.ts'

export const tokenText = (token: number): string => `0x${token.toString(16)}`

export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

export class Timeline {
  readonly #startedAt = performance.now()
  #stepCount = 0

  line(who: string, what: string): void {
    const seconds = ((performance.now() - this.#startedAt) / 1_000).toFixed(2).padStart(6)
    print(`${seconds} s  ${who.padEnd(8)} ${what}`)
  }

  step(title: string): void {
    this.#stepCount++
    print(`\n${this.#stepCount}. ${title}`)
  }

  seen(what: string): void {
    this.line('', `✔ ${what}`)
  }

  get seconds(): number {
    return (performance.now() - this.#startedAt) / 1_000
  }
}

/** A process on the stage. It is killed when the scene is over, if it still lives then. */
export class Actor implements AsyncDisposable {
  readonly child: ChildProcess
  readonly ended: Promise<unknown>

  constructor(args: readonly string[], cwd?: string) {
    this.child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      ...(cwd === undefined ? {} : { cwd }),
    })
    this.ended = once(this.child, 'exit')
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL')
    await this.ended
  }
}

export class Server extends Actor {
  constructor(directory: string, configuration: string) {
    super([join(import.meta.dirname, '..', 'bin', 'zabra'), 'serve', configuration], directory)
    // The server's own log is for another play.
    this.child.stdout?.resume()
  }
}

export class Master extends Actor {
  /** Everything it has told, in order. */
  readonly news: News[] = []

  constructor(name: string, target: string, timeline: Timeline) {
    super(['--import', 'tsx', join(import.meta.dirname, 'master.ts'), name, target])
    timeline.line(name, `starts as process ${this.child.pid}`)
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      const news = JSON.parse(line) as News
      this.news.push(news)
      timeline.line(name, textOf(news))
    })
  }
}

function textOf(news: News): string {
  const token = tokenText(news.token)
  switch (news.what) {
    case 'leads':
      return `LEADS as ${news.path}, fencing token ${token}`
    case 'continues':
      return `goes on as if nothing had happened: ${(news.gapMs / 1_000).toFixed(1)} s are missing; acts as master, token ${token}`
    case 'refused':
      return `its write with token ${token} is REFUSED: ${news.reason}`
    case 'unsure':
      return `loses its server in the middle of a write with token ${token}, and goes on when there is another`
    case 'steps down':
      return `steps down (token ${token}) before it does anything else`
  }
}
