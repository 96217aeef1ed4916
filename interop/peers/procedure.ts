/**
 * The commands of a page of the documentation, run as they stand: each section's fenced `bash`
 * block under its heading, after values of the test's own for the variables that the page sets
 * first. Knows nothing of what they do; a page and its test cannot drift, since both the headings
 * asked for and the blocks that nobody asked for are told.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

const blockTimeoutMs = 60_000

export interface ProcedureOptions {
  readonly page: string
  /** The section whose variables the test sets instead. */
  readonly settings: string
  /** The sections whose definitions every other one may use. */
  readonly definitions: readonly string[]
  /** Where its programs are looked for first. */
  readonly programs: string
}

export class Procedure {
  readonly #blocks: ReadonlyMap<string, string>
  readonly #options: ProcedureOptions
  readonly #used = new Set<string>()

  constructor(options: ProcedureOptions) {
    this.#options = options
    this.#blocks = blocksOf(readFileSync(options.page, 'utf8'))
  }

  /** Runs one section; answers what it printed. */
  async run(heading: string, variables: Readonly<Record<string, string>>): Promise<string> {
    const { settings, definitions, programs } = this.#options
    const expected = [...this.#block(settings).matchAll(/^(\w+)=/gm)].map(([, name]) => name)
    const given = Object.keys(variables)
    if (expected.sort().join() !== given.sort().join()) {
      throw new Error(`the page sets ${expected.join(', ')}, the test ${given.join(', ')}`)
    }
    const values = Object.entries(variables).map(([name, value]) => `${name}='${value}'`)
    const parts = [...definitions.map((one) => this.#block(one)), this.#block(heading)]
    return await bash([...values, 'set -eu', ...parts].join('\n'), programs, heading)
  }

  /** Headings whose block has not been run. */
  get unused(): string[] {
    return [...this.#blocks.keys()].filter((heading) => !this.#used.has(heading))
  }

  #block(heading: string): string {
    const block = this.#blocks.get(heading)
    if (block === undefined) throw new Error(`no commands stand under "${heading}"`)
    this.#used.add(heading)
    return block
  }
}

function blocksOf(text: string): Map<string, string> {
  const blocks = new Map<string, string>()
  let heading = ''
  // What looks like a heading within a block is a comment of the shell.
  for (const match of text.matchAll(/^```(\w*)\n([\s\S]*?)^```$|^#+ (.*)$/gm)) {
    const [, language, code = '', title] = match
    if (title !== undefined) heading = title.trim()
    else if (language === 'bash') blocks.set(heading, `${blocks.get(heading) ?? ''}${code}`)
  }
  return blocks
}

/** Ends when the shell does; what it left behind keeps no pipe of ours. */
function bash(script: string, programs: string, heading: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, PATH: `${programs}:${process.env['PATH'] ?? ''}` }
    const child = spawn('bash', ['-c', script], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const timer = setTimeout(() => child.kill('SIGKILL'), blockTimeoutMs)
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.once('error', reject)
    child.once('exit', (status, signal) => {
      clearTimeout(timer)
      if (status === 0) resolve(output)
      else reject(new Error(`"${heading}" ended with ${status ?? signal}:\n${output}`))
    })
  })
}
