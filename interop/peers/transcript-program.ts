/**
 * Runs a foreign client program that writes a transcript, and does what the program asks for on the
 * way: a line `ASK restart` means that the server is to be restarted before the program goes on.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { javaClassPath, kazooPython } from './cache.ts'

export interface TranscriptProgram {
  readonly command: string
  readonly args: readonly string[]
}

export function javaProgram(mainClass: string, ...args: readonly string[]): TranscriptProgram {
  return {
    command: 'java',
    args: [
      '-Xmx256m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=off',
      '-cp',
      javaClassPath,
      mainClass,
      ...args,
    ],
  }
}

export function pythonProgram(script: string, ...args: readonly string[]): TranscriptProgram {
  return { command: kazooPython, args: ['-u', script, ...args] }
}

const runTimeoutMs = 150_000

/** Answers the lines it wrote, once it has ended well; throws with everything it said otherwise. */
export async function transcriptOf(
  program: TranscriptProgram,
  onAsk: (request: string) => Promise<void> = refuse,
): Promise<string[]> {
  const child = spawn(program.command, program.args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const errors: string[] = []
  const lines: string[] = []
  const exit = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), runTimeoutMs)
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text))
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.startsWith('ASK ')) {
        lines.push(line)
        continue
      }
      await onAsk(line.slice('ASK '.length))
      child.stdin.write('\n')
    }
    const status = await exit
    if (status !== 0) {
      throw new Error(`it ended with ${status}\n${lines.join('\n')}\n${errors.join('')}`)
    }
    return sortSimultaneous(lines)
  } finally {
    clearTimeout(timer)
    child.kill('SIGKILL')
  }
}

/** One event reaches several watchers of a client in no particular order. */
function sortSimultaneous(lines: readonly string[]): string[] {
  const sorted: string[] = []
  let run: string[] = []
  for (const line of lines) {
    if (line.includes(' sees ')) {
      run.push(line)
      continue
    }
    sorted.push(...run.sort(), line)
    run = []
  }
  return [...sorted, ...run.sort()]
}

async function refuse(request: string): Promise<void> {
  throw new Error(`the program asks for something that this test does not do: ${request}`)
}
